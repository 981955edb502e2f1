//! What is checked of one table.

use std::collections::HashSet;

use spanwire::model::connector::Paging;
use spanwire::model::table::{Column, From, Op, Push, Table};

use super::clauses::{Values, clause};
use super::{Row, Subject};
use crate::support::{fault, rows, value};

/// A table, with all its rows.
pub(super) struct Tried<'a> {
    subject: &'a Subject,
    table: &'static Table,
    /// `source.table`.
    name: String,
    rows: Vec<Row>,
    /// The requests that reading all rows took.
    sent: Vec<String>,
}

impl<'a> Tried<'a> {
    pub(super) async fn read(subject: &'a Subject, table: &'static Table) -> Self {
        let name = format!("{}.{}", subject.source, table.name);
        let (rows, sent) = subject.sorted(&subject.pushing, &format!("SELECT * FROM {name}")).await;
        assert!(!rows.is_empty(), "{name} has no rows");
        Tried { subject, table, name, rows, sent }
    }

    fn values(&self, column: &'static Column) -> Values {
        let at = self.table.position(column.name).expect("a column of the table");
        let mut texts: Vec<String> = self.rows.iter().filter_map(|row| row[at].clone()).collect();
        texts.sort_by(|one, next| match (one.parse::<f64>(), next.parse::<f64>()) {
            (Ok(one), Ok(next)) => one.total_cmp(&next),
            _ => one.cmp(next),
        });
        texts.dedup();
        Values { column, texts }
    }

    /// The columns that tell the rows apart; never those whose values depend on the call.
    fn columns(&self) -> String {
        if !self.table.key.is_empty() {
            return self.table.key.join(", ");
        }
        let lasting = self.table.columns.iter().filter(|column| !matches!(column.from, From::KeysOrWindowEnd(_)));
        lasting.map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn rows_are_as_described(&self) {
        let name = &self.name;
        for (at, column) in self.table.columns.iter().enumerate() {
            let missing = self.rows.iter().filter(|row| row[at].is_none()).count();
            assert!(column.nullable || missing == 0, "{name}: {missing} rows without {}", column.name);
        }
        if let Some(key) = self.table.key_positions() {
            let keys: HashSet<Vec<_>> =
                self.rows.iter().map(|row| key.iter().map(|&at| row[at].as_deref()).collect()).collect();
            assert_eq!(keys.len(), self.rows.len(), "{name}: {:?} is not unique", self.table.key);
        }
    }

    pub(super) async fn types_are_as_described(&self) {
        let statement = self.subject.pushing.prepare(&format!("SELECT * FROM {}", self.name)).await;
        let statement = statement.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let got: Vec<(&str, u32)> =
            statement.columns().iter().map(|column| (column.name(), column.type_().oid())).collect();
        let described: Vec<(&str, u32)> =
            self.table.columns.iter().map(|column| (column.name, column.ty.oid())).collect();
        assert_eq!(got, described, "{}", self.name);
    }

    pub(super) async fn rows_are_counted(&self) {
        for client in [&self.subject.pushing, &self.subject.plain] {
            let count = value(client, &format!("SELECT count(*) FROM {}", self.name)).await;
            assert_eq!(count, self.rows.len().to_string(), "{}", self.name);
        }
        self.subject.fresh();
    }

    pub(super) async fn each_push_is_sent_and_changes_nothing(&self) {
        let (subject, name) = (self.subject, &self.name);
        let returned = self.table.columns.iter().filter(|column| column.from != From::FilterOnly);
        for (column, push) in returned.flat_map(|column| column.push.iter().map(move |push| (column, push))) {
            let values = self.values(column);
            let clause = clause(&values, push);
            let sql = format!("SELECT {} FROM {name} WHERE {clause}", self.columns());
            let (got, sent) = subject.sorted(&subject.pushing, &sql).await;
            if !sent.is_empty() {
                self.rows_that_came_are_those_that_match(&sql, got.len()).await;
            }
            let (truth, plain) = subject.sorted(&subject.plain, &sql).await;
            // Rows that take the time of the call lie elsewhere in time with every call.
            if !matches!(column.from, From::KeysOrWindowEnd(_)) {
                assert_eq!(got, truth, "{sql}\n{}", sent.join("\n"));
            }
            // Whether a column that always has a value has one is known without a call.
            if matches!(push.op, Op::Null | Op::NotNull) && !column.nullable {
                assert!(push.op == Op::NotNull || sent.is_empty(), "{sql}\n{}", sent.join("\n"));
                continue;
            }
            let mentions =
                |log: &[String]| log.iter().map(|request| request.matches(push.parameter).count()).max().unwrap_or(0);
            let most = if self.is_in_every_request(column, push) { 0 } else { mentions(&plain) };
            assert!(mentions(&sent) > most, "{sql}: \"{}\" is not sent\n{}", push.parameter, sent.join("\n"));
            if self.table.lookup.is_some_and(|lookup| lookup.column == column.name) {
                assert_eq!(sent.len(), values.some(push).len(), "{sql}: one call for each value");
            }
        }
    }

    /// Of the last statement: where all of its filter is said to be pushed, no other rows have come.
    async fn rows_that_came_are_those_that_match(&self, sql: &str, n_matching: usize) {
        let came = self.subject.rows_of_last_statement();
        // The list of keys is a scan as well.
        if self.table.lookup.is_none() && came != n_matching as u64 {
            let plan = self.plan(sql).await;
            assert!(!plan.contains("Pushed Filter: "), "{sql}: {came} rows came for {n_matching}\n{plan}");
        }
    }

    /// Whether the parameter stands in requests without the clause as well: it bounds the time, or names the key.
    fn is_in_every_request(&self, column: &Column, push: &Push) -> bool {
        let time = self.table.time.and_then(|time| self.table.column(time));
        let bounds = matches!(push.op, Op::AtLeast(_) | Op::AtMost(_))
            && time.is_some_and(|time| time.push.iter().any(|own| own.parameter == push.parameter));
        bounds || self.table.lookup.is_some_and(|lookup| lookup.column == column.name)
    }

    pub(super) async fn each_order_is_served_and_changes_nothing(&self) {
        let subject = self.subject;
        // Several scans are merged here; of one, the order is upstream's.
        let one_scan = self.table.each.and_then(|each| self.table.column(each.column)).map(|column| {
            let texts = self.values(column).texts;
            format!("{} = '{}'", column.name, texts.first().expect("a value of the setting"))
        });
        for sort in self.table.sorts {
            let column = self.table.column(sort.column).expect("a column of the table");
            let anywhere: Vec<String> = one_scan.iter().cloned().collect();
            let mut filters = vec![anywhere.join(" AND ")];
            if column.nullable {
                let valued = anywhere.into_iter().chain([format!("{} IS NOT NULL", column.name)]);
                filters.push(valued.collect::<Vec<_>>().join(" AND "));
            }
            let ways: &[&str] = if sort.only_descending { &["DESC"] } else { &["DESC", "ASC"] };
            for (filter, way) in filters.iter().flat_map(|filter| ways.iter().map(move |way| (filter, way))) {
                let filter = if filter.is_empty() { String::new() } else { format!("WHERE {filter}") };
                let sql = format!("SELECT {0} FROM {1} {filter} ORDER BY {0} {way} LIMIT 5", column.name, self.name);
                let plan = self.plan(&sql).await;
                let (got, sent) = subject.traced(&subject.pushing, &sql).await;
                let (truth, _) = subject.traced(&subject.plain, &sql).await;
                assert_eq!(got, truth, "{sql}\n{}", sent.join("\n"));
                if !column.nullable {
                    assert!(plan.contains(&format!("Order: {} ", column.name)), "{sql}\n{plan}");
                    assert!(sent.len() <= expected(&plan), "{sql}\n{plan}\n{}", sent.join("\n"));
                }
            }
        }
    }

    pub(super) async fn one_row_takes_a_small_page(&self) {
        let max_rows = match self.table.paging {
            Paging::SplitTime { max_rows } | Paging::Numbered { max_rows, .. } | Paging::Cursor { max_rows, .. } => {
                max_rows
            }
            Paging::One => return,
        };
        // A row that may come again must be known by its key.
        if self.table.key.is_empty() || self.table.lookup.is_some() {
            return;
        }
        let sql = format!("SELECT * FROM {} LIMIT 1", self.name);
        let (got, sent) = self.subject.traced(&self.subject.pushing, &sql).await;
        assert_eq!((got.len(), sent.len()), (1, 1), "{sql}\n{}", sent.join("\n"));
        assert!(numbers(&self.sent[0]).contains(&max_rows), "{}", self.sent[0]);
        assert!(numbers(&sent[0]).contains(&1) && !numbers(&sent[0]).contains(&max_rows), "{}", sent[0]);
    }

    pub(super) async fn filter_only_columns_take_equality_alone(&self) {
        let (subject, table) = (self.subject, &self.name);
        for column in self.table.columns.iter().filter(|column| column.from == From::FilterOnly) {
            let name = column.name;
            for clause in [
                format!("{name} <> 'x'"),
                format!("{name} LIKE 'x%'"),
                format!("{name} IS NULL"),
                format!("{name} > 'x'"),
                format!("({name} = 'x' OR length({name}) = 1)"),
            ] {
                for client in [&subject.pushing, &subject.plain] {
                    let sql = format!("SELECT 1 FROM {table} WHERE {clause}");
                    assert_eq!(fault(client, &sql).await.0, "0A000", "{sql}");
                }
            }
            let push = &column.push[0];
            let value = push.domain.map_or("refund", |domain| domain[0]);
            let sql = format!("SELECT * FROM {table} WHERE {name} = '{value}'");
            let (got, sent) = subject.sorted(&subject.pushing, &sql).await;
            assert!(sent.iter().any(|request| request.contains(push.parameter) && request.contains(value)), "{sent:?}");
            let at = self.table.position(name).expect("a column of the table");
            assert!(got.iter().all(|row| row[at].as_deref() == Some(value)), "{sql}");
            assert_eq!(subject.sorted(&subject.plain, &sql).await.0, got, "{sql}");
        }
    }

    pub(super) async fn explain_calls_nobody(&self) {
        self.subject.fresh();
        let plan = self.plan(&format!("SELECT * FROM {}", self.name)).await;
        assert!(plan.contains("Upstream Request: ") && plan.contains(self.table.path), "{plan}");
        assert!(!plan.contains(&self.subject.credential), "{plan}");
        assert_eq!(self.subject.fresh(), [] as [&str; 0], "EXPLAIN has called upstream");
    }

    async fn plan(&self, sql: &str) -> String {
        let lines = rows(&self.subject.pushing, &format!("EXPLAIN {sql}")).await;
        lines.into_iter().filter_map(|mut row| row.remove(0)).collect::<Vec<_>>().join("\n")
    }
}

/// The calls that a plan expects at the least.
fn expected(plan: &str) -> usize {
    let (_, rest) = plan.split_once("Calls Expected: ").unwrap_or_else(|| panic!("no number of calls in\n{plan}"));
    numbers(rest).first().copied().expect("a number")
}

/// The whole numbers in a text.
fn numbers(text: &str) -> Vec<usize> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}
