//! EXPLAIN: the plan, and for each scan what upstream would be asked, how well it serves each filter, and what it costs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::physical_plan::{ExecutionPlan, displayable};

use crate::model::connector::Paging;
use crate::model::scan::{At, Keys, Page, Scan};
use crate::model::statement::Statement;
use crate::model::table::{Fidelity, Table};
use crate::sql::budget;
use crate::table::exec::ScanExec;

/// The lines of EXPLAIN for a user.
pub fn lines(plan: &dyn ExecutionPlan, user: &str) -> Vec<String> {
    let mut lines = Vec::new();
    node(plan, user, 0, &mut lines);
    lines
}

fn node(plan: &dyn ExecutionPlan, user: &str, depth: usize, lines: &mut Vec<String>) {
    let margin = if depth == 0 { String::new() } else { format!("{}->  ", " ".repeat(depth * 6 - 4)) };
    let text = displayable(plan).one_line().to_string();
    lines.push(format!("{margin}{}", text.trim_end()));
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        let margin = " ".repeat(depth * 6 + 2);
        lines.extend(scan_lines(scan, user).into_iter().map(|line| format!("{margin}{line}")));
    }
    for child in plan.children() {
        node(child.as_ref(), user, depth + 1, lines);
    }
}

fn scan_lines(exec: &ScanExec, user: &str) -> Vec<String> {
    let lookup = exec.lookup();
    let mut lines = Vec::new();
    for scan in exec.scans() {
        lines.push(format!("Upstream Request: {}", first_request(&scan)));
    }
    for (fidelity, label) in
        [(Fidelity::Exact, "Pushed"), (Fidelity::Superset, "Re-checked"), (Fidelity::Local, "Local")]
    {
        let conjuncts = lookup.conjuncts.iter().filter(|(own, _)| *own == fidelity);
        let text: Vec<&str> = conjuncts.map(|(_, text)| text.as_str()).collect();
        if !text.is_empty() {
            lines.push(format!("{label} Filter: {}", text.join(" AND ")));
        }
    }
    lines.extend(exec.scans().first().and_then(keys));
    if let Some(order) = exec.order() {
        let direction = if order.descending { "descending" } else { "ascending" };
        lines.push(format!("Order: {} {direction}, as upstream sends it", order.column));
    }
    if let Some(notice) = &lookup.notice {
        lines.push(format!("Notice: {}", notice.message));
    }
    lines.push(format!("Calls Expected: {}", budget::expected(&exec.scans())));
    lines.extend(exec.scans().first().map(|scan| {
        let quota = scan.source.quota;
        let per = crate::sql::display::span(quota.per);
        let wait = exec.wait(user).as_secs_f64();
        format!("Quota: {} calls in {per}, {} at once; wait now {wait:.1} s", quota.calls, quota.concurrency)
    }));
    lines
}

/// The first request of a scan. No secret stands in it: the credential travels in a header.
pub fn first_request(scan: &Scan) -> String {
    let max_rows = max_rows(scan.table);
    let page = Page {
        range: scan.range.widened(scan.table.precision_us),
        limit: scan.limit.map_or(max_rows, |limit| limit.clamp(1, max_rows)),
        at: match (&scan.keys, scan.table.lookup) {
            (Keys::Known(keys), Some(_)) => At::Key(keys.first().cloned().unwrap_or_default()),
            (_, Some(lookup)) => At::Key(format!("<{}>", lookup.column)),
            (_, None) => At::Start,
        },
    };
    (scan.source.connector.request)(scan, &page).to_string()
}

fn max_rows(table: &Table) -> usize {
    match table.paging {
        Paging::One => usize::MAX,
        Paging::SplitTime { max_rows } | Paging::Numbered { max_rows, .. } | Paging::Cursor { max_rows, .. } => {
            max_rows
        }
    }
}

/// Where the values come from without which upstream gives no rows.
fn keys(scan: &Scan) -> Option<String> {
    let lookup = scan.table.lookup?;
    match &scan.keys {
        Keys::NotNeeded => None,
        Keys::Known(keys) => Some(format!("Keys: {} given", keys.len())),
        Keys::Awaited(_) => Some("Keys: from the join".to_owned()),
        Keys::Listed => Some(format!("Keys: listed by {}.{}", scan.source.name, lookup.list)),
    }
}

/// What EXPLAIN ANALYZE adds after the run.
pub fn ledger(statement: &Statement, rows: u64, elapsed: Duration) -> Vec<String> {
    let mut lines = Vec::new();
    for scan in statement.scans() {
        let waited = Duration::from_micros(scan.waited_us.load(Ordering::Relaxed));
        lines.push(format!(
            "Scan on {}.{}: calls made {}, rows read {}, bytes {}, waited {:.3} ms",
            scan.source,
            scan.table,
            scan.calls.load(Ordering::Relaxed),
            scan.rows.load(Ordering::Relaxed),
            scan.bytes.load(Ordering::Relaxed),
            waited.as_secs_f64() * 1e3,
        ));
        lines.extend(scan.requests().into_iter().map(|request| format!("  Upstream Request: {request}")));
    }
    lines.push(format!("Rows: {rows}"));
    lines.push(format!("Execution Time: {:.3} ms", elapsed.as_secs_f64() * 1e3));
    lines
}
