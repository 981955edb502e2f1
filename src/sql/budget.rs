//! How many upstream calls a plan takes: the least number, which is compared with the statement's budget before it runs,
//! and the one that EXPLAIN expects.

use datafusion::common::Result as EngineResult;
use datafusion::physical_plan::ExecutionPlan;

use crate::model::connector::Paging;
use crate::model::scan::{Keys, Scan};
use crate::model::statement::Statement;
use crate::sql::display;
use crate::table::exec::ScanExec;
use crate::table::provider::external;

/// Lets a plan pass whose scans can do with the calls that its statement may make.
///
/// # Errors
/// 53400 if they cannot.
pub fn check(plan: &dyn ExecutionPlan, statement: &Statement) -> EngineResult<()> {
    let (calls, most) = (of_plan(plan, statement), statement.max_calls);
    if calls <= u64::from(most) {
        return Ok(());
    }
    let detail =
        format!("Its scans take {calls} calls at the least, and \"spanwire.max_calls\" is {most}. None was made.");
    Err(external(statement.over_budget().detail(detail)))
}

/// The least number of calls that a plan takes.
pub fn of_plan(plan: &dyn ExecutionPlan, statement: &Statement) -> u64 {
    let calls = |scan: &ScanExec| match scan.held(statement) {
        Some(_) => 0,
        None => least(&to_read(scan, statement), scan.lookup().limit),
    };
    let own = plan.downcast_ref::<ScanExec>().map_or(0, calls);
    plan.children().into_iter().map(|child| of_plan(child.as_ref(), statement)).fold(own, u64::saturating_add)
}

/// The scans of a node; where rows come only by key, without the keys of which they are held.
fn to_read(exec: &ScanExec, statement: &Statement) -> Vec<Scan> {
    let scans = exec.scans();
    if scans.iter().all(|scan| scan.table.lookup.is_none()) {
        return scans;
    }
    exec.parts(statement).into_iter().flat_map(|part| part.scans).collect()
}

/// The least number of calls for the scans of one node.
fn least(scans: &[Scan], limit: Option<usize>) -> u64 {
    let each = scans.iter().map(|scan| match &scan.keys {
        Keys::NotNeeded | Keys::Listed => 1,
        Keys::Known(keys) => keys.len() as u64,
        // The other part of the statement may find none.
        Keys::Awaited(_) => 0,
    });
    let all = each.fold(0, u64::saturating_add);
    match limit {
        Some(0) => 0,
        // The rows of the first call may be enough.
        Some(_) => all.min(1),
        None => all,
    }
}

/// What EXPLAIN says about the calls of the scans of one node; `rest`: some of their keys are held.
pub(super) fn expected(scans: &[Scan], rest: bool) -> String {
    let Some(scan) = scans.first() else { return "0: no row can match".to_owned() };
    if let Some(lookup) = scan.table.lookup {
        let column = lookup.column;
        let n_keys = |scan: &Scan| if let Keys::Known(keys) = &scan.keys { keys.len() } else { 0 };
        match &scan.keys {
            Keys::NotNeeded => {}
            Keys::Known(_) => {
                let which = if rest { "that is not held" } else { "given" };
                return format!("{}, one for each {column} {which}", scans.iter().map(n_keys).sum::<usize>());
            }
            Keys::Awaited(_) => return format!("one for each {column} that the rest of the statement finds"),
            Keys::Listed => {
                return format!("those of reading {}, and one for each {} there", lookup.list, lookup.list_column);
            }
        }
    }
    let n = scans.len();
    match scan.table.paging {
        Paging::One => format!("{n}, more if an answer is larger than {}", display::bytes(scan.source.body_bytes)),
        Paging::SplitTime { .. } if !scan.table.has_own_time() => n.to_string(),
        Paging::SplitTime { max_rows } | Paging::Numbered { max_rows, .. } | Paging::Cursor { max_rows, .. } => {
            match scan.limit {
                Some(limit) if limit <= max_rows => n.to_string(),
                _ => format!("{n}, and one more for each {max_rows} rows"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::model::connector::{Auth, Connector, Quota, Request, Told, never_absent, plain_refusal};
    use crate::model::scan::{Page, Source};
    use crate::model::table::{Lookup, TABLE, Table, text, timestamptz};

    const TIMED: Table = Table {
        columns: &[text("id"), timestamptz("at")],
        time: Some("at"),
        paging: Paging::SplitTime { max_rows: 100 },
        ..TABLE
    };
    const ONE: Table = Table { paging: Paging::One, ..TABLE };
    const NUMBERED: Table = Table { paging: Paging::Numbered { max_rows: 50, next: &["next"] }, ..TABLE };
    const CURSOR: Table = Table { paging: Paging::Cursor { max_rows: 20, next: &["next"], more: &["more"] }, ..TABLE };
    const KEYED: Table = Table {
        lookup: Some(Lookup {
            column: "trace_id",
            parameter: "trace",
            uuid: false,
            list: "traces",
            list_column: "id",
            reach_us: 0,
        }),
        ..CURSOR
    };
    static VENDOR: Connector = Connector {
        kind: "vendor",
        title: "Vendor",
        base_url: "https://vendor.test",
        auth: Auth::Bearer,
        quota: Quota { calls: 1, per: Duration::from_secs(1), concurrency: 1 },
        told: Told::NOTHING,
        settings: &[],
        required: &[],
        tables: &[TIMED, ONE, NUMBERED, CURSOR, KEYED, Table { time: None, ..TIMED }],
        request: |_: &Scan, _: &Page| Request::get("/", Vec::new()),
        refusal: plain_refusal,
        absent: never_absent,
    };

    fn scan(table: usize) -> Scan {
        let source = Source {
            name: "vendor".to_owned(),
            connector: &VENDOR,
            base_url: VENDOR.base_url.parse().unwrap(),
            quota: VENDOR.quota,
            lookback: Duration::from_secs(1),
            settle: Duration::ZERO,
            body_bytes: 512_000_000,
            settings: std::collections::BTreeMap::new(),
        };
        Scan { keys: Keys::NotNeeded, ..Scan::of(&Arc::new(source), &VENDOR.tables[table]) }
    }

    fn limited(table: usize, limit: usize) -> Scan {
        Scan { limit: Some(limit), ..scan(table) }
    }

    fn known(n: usize) -> Keys {
        Keys::Known((0..n).map(|key| key.to_string()).collect())
    }

    #[test]
    fn the_calls_expected_follow_the_paging() {
        for (scans, said) in [
            (vec![], "0: no row can match"),
            (vec![scan(0)], "1, and one more for each 100 rows"),
            (vec![limited(0, 100)], "1"),
            (vec![limited(0, 101)], "1, and one more for each 100 rows"),
            (vec![scan(5)], "1"),
            (vec![scan(1)], "1, more if an answer is larger than 512 MB"),
            (vec![scan(1), scan(1)], "2, more if an answer is larger than 512 MB"),
            (vec![scan(2)], "1, and one more for each 50 rows"),
            (vec![limited(2, 50), limited(2, 50)], "2"),
            (vec![limited(3, 21); 3], "3, and one more for each 20 rows"),
            (vec![limited(3, 20)], "1"),
        ] {
            assert_eq!(expected(&scans, false), said);
        }
    }

    #[test]
    fn the_calls_expected_follow_the_keys() {
        let keyed = |keys| Scan { keys, ..scan(4) };
        for (keys, said) in [
            (known(3), "3, one for each trace_id given"),
            (Keys::Awaited(Arc::default()), "one for each trace_id that the rest of the statement finds"),
            (Keys::Listed, "those of reading traces, and one for each id there"),
        ] {
            assert_eq!(expected(&[keyed(keys)], false), said);
        }
    }

    #[test]
    fn the_least_calls_are_never_more_than_a_statement_may_need() {
        let keyed = |keys| Scan { keys, ..scan(4) };
        assert_eq!(least(&[], None), 0);
        assert_eq!(least(&[scan(0), scan(0)], None), 2);
        assert_eq!(least(&[keyed(known(7)), keyed(known(2))], None), 9);
        assert_eq!(least(&[keyed(Keys::Listed)], None), 1);
        assert_eq!(least(&[keyed(Keys::Awaited(Arc::default()))], None), 0);
        assert_eq!(least(&[keyed(known(7))], Some(5)), 1, "the first key may have all rows that are wanted");
        assert_eq!(least(&[scan(0)], Some(0)), 0);
    }
}
