//! EXPLAIN: the plan, and for each scan what upstream would be asked, how well it serves each filter, and what it costs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::physical_plan::{ExecutionPlan, displayable};

use crate::model::connector::Paging;
use crate::model::scan::{Page, Scan};
use crate::model::statement::Statement;
use crate::model::table::{Fidelity, From};
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
    lines.push(format!("{margin}{}", crate::sql::names::without_suffixes(text.trim_end())));
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
    if exec.newest_first() {
        lines.push("Order: newest first, as upstream sends it".to_owned());
    }
    if let Some(notice) = &lookup.notice {
        lines.push(format!("Notice: {}", notice.message));
    }
    lines.push(format!("Calls Expected: {}", calls(exec)));
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
    let Paging::SplitTime { max_rows, precision_us } = scan.source.connector.paging;
    let page = Page {
        range: scan.range.widened(precision_us),
        limit: scan.limit.map_or(max_rows, |limit| limit.clamp(1, max_rows)),
    };
    (scan.source.connector.request)(scan, &page).to_string()
}

fn calls(exec: &ScanExec) -> String {
    let scans = exec.scans();
    let Some(scan) = scans.first() else { return "0: no row can match".to_owned() };
    let Paging::SplitTime { max_rows, .. } = scan.source.connector.paging;
    let pageable = scan
        .table
        .time
        .and_then(|name| scan.table.column(name))
        .is_some_and(|column| matches!(column.from, From::Keys(_)));
    match (scan.limit, pageable) {
        (Some(limit), _) if limit <= max_rows => scans.len().to_string(),
        (_, false) => scans.len().to_string(),
        _ => format!("{}, and one more for each {max_rows} rows", scans.len()),
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
