//! The rows of the system views, and how they become a batch.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::Utc;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use url::Url;

use super::Live;
use crate::error::{Error, Result};
use crate::model::journal::Entry;
use crate::model::scan::{Filling, Holding, Source};
use crate::model::statement::{End, Ledger};
use crate::model::table::{Column, Fidelity, From, Op, Push, Table, Type};

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Double(f64),
    Truth(bool),
    /// Microseconds since 1970.
    Time(i64),
}

fn words(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn optional(text: Option<&str>) -> Cell {
    text.map_or(Cell::Null, words)
}

fn integer<N: TryInto<i64>>(number: N) -> Cell {
    Cell::Integer(number.try_into().unwrap_or(i64::MAX))
}

fn seconds(span: Duration) -> Cell {
    Cell::Double(span.as_secs_f64())
}

/// The rows as a batch. A cell that is not of its column's type is NULL.
pub(super) fn batch(table: &Table, schema: SchemaRef, rows: Vec<Vec<Cell>>) -> Result<RecordBatch> {
    let mut columns: Vec<Vec<Cell>> = table.columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        columns.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell));
    }
    let arrays = table.columns.iter().zip(schema.fields()).zip(columns);
    let arrays = arrays.map(|((column, field), cells)| array(column.ty, field, cells)).collect();
    RecordBatch::try_new(schema, arrays).map_err(|error| Error::internal(format!("a system view: {error}")))
}

fn array(ty: Type, field: &Field, cells: Vec<Cell>) -> ArrayRef {
    fn each<T>(cells: Vec<Cell>, value: impl Fn(Cell) -> Option<T>) -> impl Iterator<Item = Option<T>> {
        cells.into_iter().map(value)
    }
    match ty {
        Type::Text | Type::Jsonb => {
            let text = |cell| if let Cell::Text(text) = cell { Some(text) } else { None };
            Arc::new(each(cells, text).collect::<StringArray>())
        }
        Type::Bigint => {
            let number = |cell| if let Cell::Integer(number) = cell { Some(number) } else { None };
            Arc::new(each(cells, number).collect::<Int64Array>())
        }
        Type::Double => {
            let number = |cell| if let Cell::Double(number) = cell { Some(number) } else { None };
            Arc::new(each(cells, number).collect::<Float64Array>())
        }
        Type::Boolean => {
            let truth = |cell| if let Cell::Truth(truth) = cell { Some(truth) } else { None };
            Arc::new(each(cells, truth).collect::<BooleanArray>())
        }
        Type::Timestamptz => {
            let time = |cell| if let Cell::Time(micros) = cell { Some(micros) } else { None };
            let times = each(cells, time).collect::<TimestampMicrosecondArray>();
            let zone = if let DataType::Timestamp(_, zone) = field.data_type() { zone.clone() } else { None };
            Arc::new(times.with_timezone_opt(zone))
        }
    }
}

pub(super) fn sources(live: &Live) -> Vec<Vec<Cell>> {
    let row = |source: &Arc<Source>| {
        vec![
            words(&source.name),
            words(source.connector.kind),
            words(source.connector.title),
            Cell::Text(bare(&source.base_url)),
            words(source.connector.base_url),
            integer(source.quota.calls),
            seconds(source.quota.per),
            integer(source.quota.concurrency),
            seconds(source.lookback),
            integer(source.connector.tables.len()),
        ]
    };
    live.sources.iter().map(row).collect()
}

/// A URL without anything in it that could be a secret.
fn bare(url: &Url) -> String {
    match url.host_str() {
        Some(host) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{host}{port}{}", url.scheme(), url.path().trim_end_matches('/'))
        }
        None => String::new(),
    }
}

/// One thing that upstream can filter by a column.
struct Offer {
    path: Option<String>,
    operator: &'static str,
    operand: Option<String>,
    parameter: &'static str,
    fidelity: Fidelity,
}

pub(super) fn pushdown(live: &Live) -> Vec<Vec<Cell>> {
    let tables =
        live.sources.iter().flat_map(|source| source.connector.tables.iter().map(move |table| (source, table)));
    let columns = tables.flat_map(|(source, table)| table.columns.iter().map(move |column| (source, table, column)));
    columns
        .flat_map(|(source, table, column)| {
            let offers: Vec<Option<Offer>> = offers(table, column).into_iter().map(Some).collect();
            let offers = if offers.is_empty() { vec![None] } else { offers };
            offers.into_iter().map(move |offer| pushdown_row(source, table, column, offer.as_ref()))
        })
        .collect()
}

fn pushdown_row(source: &Source, table: &Table, column: &Column, offer: Option<&Offer>) -> Vec<Cell> {
    vec![
        words(&source.name),
        words(table.name),
        words(column.name),
        words(column.ty.name()),
        optional(column.unit),
        optional(offer.and_then(|offer| offer.path.as_deref())),
        optional(offer.map(|offer| offer.operator)),
        optional(offer.and_then(|offer| offer.operand.as_deref())),
        optional(offer.map(|offer| offer.parameter)),
        optional(offer.map(|offer| offer.fidelity.word())),
        Cell::Truth(column.from == From::FilterOnly),
        Cell::Truth(table.sorts.iter().any(|sort| sort.column == column.name)),
    ]
}

/// What upstream can filter by a column. A column whose values are asked for one by one takes a list of them.
fn offers(table: &Table, column: &Column) -> Vec<Offer> {
    let lookup = table.lookup.filter(|lookup| lookup.column == column.name).map(|lookup| lookup.parameter);
    let each = table.each.filter(|each| each.column == column.name).map(|each| each.parameter);
    match lookup.or(each) {
        Some(parameter) => {
            vec![Offer { path: None, operator: "IN", operand: None, parameter, fidelity: Fidelity::Exact }]
        }
        None => column.push.iter().map(offer).collect(),
    }
}

fn offer(push: &Push) -> Offer {
    let (operator, operand) = match push.op {
        Op::Equal => ("=", None),
        Op::AnyOf => ("IN", None),
        Op::NoneOf | Op::Except => ("NOT IN", None),
        Op::Contains => ("ILIKE", Some("'%…%'".to_owned())),
        Op::ContainsCase => ("LIKE", Some("'%…%'".to_owned())),
        Op::StartsWith => ("LIKE", Some("'…%'".to_owned())),
        Op::EndsWith => ("LIKE", Some("'%…'".to_owned())),
        Op::EqualIgnoreCase => ("ILIKE", Some("'…'".to_owned())),
        Op::Class(classes) => {
            let ranges: Vec<String> = classes.iter().map(|(_, low, high)| format!("{low} AND {high}")).collect();
            ("BETWEEN", Some(ranges.join(", ")))
        }
        Op::AtLeast(_) | Op::GreaterEqual => (">=", None),
        Op::AtMost(_) | Op::LessEqual => ("<=", None),
        Op::Greater => (">", None),
        Op::Less => ("<", None),
        Op::Element => ("?", None),
        Op::Null => ("IS NULL", None),
        Op::NotNull => ("IS NOT NULL", None),
    };
    let domain = push.domain.map(|words| {
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        words.join(", ")
    });
    let (path, operand) = (push.under.map(path), operand.or(domain));
    Offer { path, operator, operand, parameter: push.parameter, fidelity: push.fidelity }
}

/// The way to a value within a `jsonb` column, under any one key and then these, as SQL writes it.
fn path(under: &[&str]) -> String {
    let keys: Vec<String> = std::iter::once("…").chain(under.iter().copied()).map(|key| format!("'{key}'")).collect();
    match keys.split_last() {
        Some((last, [])) => format!("->>{last}"),
        Some((last, keys)) => format!("->{}->>{last}", keys.join("->")),
        None => String::new(),
    }
}

pub(super) fn scans(live: &Live) -> Vec<Vec<Cell>> {
    live.journal.entries().iter().map(scan_row).collect()
}

fn scan_row(entry: &Entry) -> Vec<Cell> {
    let Ledger { source, table, calls, rows, held, stale, bytes, waited_us, started, .. } = entry.ledger.as_ref();
    let (state, error) = match entry.ledger.ended() {
        End::Open => ("running", None),
        End::Complete => ("complete", None),
        End::Stopped => ("stopped", None),
        End::Truncated => ("truncated", None),
        End::Partial(error) => ("partial", Some(error)),
        End::Failed(error) => ("failed", Some(error)),
    };
    vec![
        Cell::Integer(entry.id),
        Cell::Integer(entry.statement_id),
        Cell::Time(started.timestamp_micros()),
        words(source),
        words(table),
        words(state),
        integer(calls.load(Ordering::Relaxed)),
        integer(rows.load(Ordering::Relaxed)),
        integer(held.load(Ordering::Relaxed)),
        integer(stale.load(Ordering::Relaxed)),
        integer(bytes.load(Ordering::Relaxed)),
        Cell::Double(waited_us.load(Ordering::Relaxed) as f64 / 1e3),
        Cell::Text(json_array(&entry.ledger.requests())),
        optional(error.as_deref()),
    ]
}

pub(super) fn segments(live: &Live) -> Vec<Vec<Cell>> {
    let fillings = live.fetch.filling(&live.sources, &live.user);
    let holdings = live.fetch.holdings(&live.sources, &live.user);
    let filling_of =
        |source: &str, table: &str| fillings.iter().find(|filling| filling.source == source && filling.table == table);
    let mut rows: Vec<Vec<Cell>> = holdings
        .iter()
        .map(|holding| {
            let filling = filling_of(&holding.source, &holding.table).filter(|_| holding.filters.is_empty());
            segment_row(holding, filling)
        })
        .collect();
    // What is to be filled stands there from the start.
    let is_new = |filling: &&Filling| {
        let own = |holding: &&Holding| holding.source == filling.source && holding.table == filling.table;
        !holdings.iter().any(|holding| own(&holding) && holding.filters.is_empty())
    };
    rows.extend(fillings.iter().filter(is_new).map(|filling| {
        let nothing = Holding {
            source: filling.source.clone(),
            table: filling.table.clone(),
            filters: Vec::new(),
            keys: None,
            from: None,
            to: None,
            read_at: 0,
            segments: 0,
            rows: 0,
            memory: 0,
            disk: 0,
            calls: 0.0,
        };
        segment_row(&nothing, Some(filling))
    }));
    rows
}

fn segment_row(holding: &Holding, filling: Option<&Filling>) -> Vec<Cell> {
    let time = |time: Option<i64>| time.map_or(Cell::Null, Cell::Time);
    let state = |filling: &Filling| match (&filling.error, filling.is_filled) {
        (Some(_), _) => "failing",
        (None, true) => "filled",
        (None, false) => "filling",
    };
    vec![
        words(&holding.source),
        words(&holding.table),
        Cell::Text(json_array(&holding.filters)),
        holding.keys.map_or(Cell::Null, integer),
        time(holding.from),
        time(holding.to),
        time((holding.segments > 0 || holding.keys.is_some()).then_some(holding.read_at)),
        integer(holding.segments),
        integer(holding.rows),
        integer(holding.memory),
        integer(holding.disk),
        Cell::Double(holding.calls),
        filling.map_or(Cell::Null, |filling| seconds(filling.since)),
        filling.map_or(Cell::Null, |filling| Cell::Double(filling.covered)),
        optional(filling.map(state)),
        optional(filling.and_then(|filling| filling.error.as_deref())),
    ]
}

/// Texts as PostgreSQL prints a `jsonb` array.
fn json_array(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| serde_json::Value::from(text.as_str()).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}

pub(super) fn quota(live: &Live) -> Vec<Vec<Cell>> {
    let now = Utc::now().timestamp_micros();
    let row = |source: &Arc<Source>| {
        let used = live.fetch.used(source, &live.user);
        let wait_us = i64::try_from(used.wait.as_micros()).unwrap_or(i64::MAX);
        vec![
            words(&source.name),
            integer(used.calls.unwrap_or(source.quota.calls)),
            seconds(source.quota.per),
            integer(source.quota.concurrency),
            integer(used.used),
            integer(used.under_way),
            integer(used.waiting),
            seconds(used.wait),
            if used.wait.is_zero() { Cell::Null } else { Cell::Time(now.saturating_add(wait_us)) },
        ]
    };
    live.sources.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::table::{Each, Lookup, TABLE, equal, text};
    use crate::table::system::VIEWS;

    #[test]
    fn a_url_is_shown_without_what_could_be_secret() {
        for (url, shown) in [
            ("https://user:secret@example.test:8443/api/?token=secret#secret", "https://example.test:8443/api"),
            ("https://example.test/", "https://example.test"),
            ("http://[::1]:80/v1", "http://[::1]/v1"),
        ] {
            assert_eq!(bare(&url.parse().unwrap()), shown);
        }
    }

    #[test]
    fn requests_are_printed_as_jsonb() {
        assert_eq!(json_array(&[]), "[]");
        let texts = ["GET /a?x=\"1\"".to_owned(), "POST /b {\"é\": 1}\n".to_owned()];
        assert_eq!(json_array(&texts), r#"["GET /a?x=\"1\"", "POST /b {\"é\": 1}\n"]"#);
    }

    #[test]
    fn a_path_is_written_as_sql_writes_it() {
        assert_eq!(path(&[]), "->>'…'");
        assert_eq!(path(&["value", "text"]), "->'…'->'value'->>'text'");
    }

    #[test]
    fn columns_that_are_asked_for_value_by_value_take_a_list() {
        const LOOKUP: Lookup = Lookup {
            column: "trace_id",
            parameter: "trace",
            uuid: false,
            list: "traces",
            list_column: "id",
            reach_us: 0,
        };
        const EACH: Each = Each { setting: "projects", parameter: "project", column: "project_id" };
        let table = Table { lookup: Some(LOOKUP), each: Some(EACH), ..TABLE };
        let shown = |column: Column| {
            let offers = offers(&table, &column).into_iter();
            offers.map(|offer| (offer.operator, offer.parameter)).collect::<Vec<_>>()
        };
        assert_eq!(shown(text("trace_id")), [("IN", "trace")]);
        assert_eq!(shown(text("project_id").each()), [("IN", "project")]);
        const MODEL: Column = text("model").push(&[equal("m", Fidelity::Exact)]);
        assert_eq!(shown(MODEL), [("=", "m")]);
        assert_eq!(shown(text("id")), []);
    }

    #[test]
    fn descriptions_are_complete() {
        for view in VIEWS {
            let table = &view.table;
            assert!(table.doc.ends_with('.'), "{}", table.name);
            for column in table.columns {
                assert!(column.doc.ends_with('.'), "{}.{}", table.name, column.name);
            }
        }
    }
}
