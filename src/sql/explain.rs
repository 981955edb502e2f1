//! EXPLAIN: the plan, and for each scan what upstream would be asked, how well it serves each filter, and what it costs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use datafusion::physical_plan::{ExecutionPlan, displayable};
use serde_json::{Map, Value};

use crate::model::connector::Paging;
use crate::model::scan::{At, Gaps, Keys, Page, Scan};
use crate::model::statement::Statement;
use crate::model::table::{Fidelity, Table};
use crate::sql::budget;
use crate::sql::estimate::{self, Estimate};
use crate::table::exec::ScanExec;

/// The lines of EXPLAIN for a statement that would run now.
pub fn lines(plan: &dyn ExecutionPlan, statement: &Statement, costs: bool) -> Vec<String> {
    let mut lines = Vec::new();
    node(plan, statement, 0, &mut lines);
    if let Some(first) = lines.first_mut().filter(|_| costs) {
        first.push_str(&estimate::of(plan, statement).text());
    }
    lines
}

fn node(plan: &dyn ExecutionPlan, statement: &Statement, depth: usize, lines: &mut Vec<String>) {
    let margin = if depth == 0 { String::new() } else { format!("{}->  ", " ".repeat(depth * 6 - 4)) };
    let text = displayable(plan).one_line().to_string();
    lines.push(format!("{margin}{}", text.trim_end()));
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        let margin = " ".repeat(depth * 6 + 2);
        lines.extend(scan_lines(scan, statement).into_iter().map(|line| format!("{margin}{line}")));
    }
    for child in plan.children() {
        node(child.as_ref(), statement, depth + 1, lines);
    }
}

/// The plan as PostgreSQL's FORMAT JSON has it, with the names of our nodes.
pub fn tree(plan: &dyn ExecutionPlan, statement: &Statement, costs: bool) -> Value {
    let mut node = Map::new();
    node.insert("Node Type".to_owned(), plan.name().trim_end_matches("Exec").into());
    if costs {
        add_costs(&mut node, &estimate::of(plan, statement));
    }
    node.insert("Detail".to_owned(), displayable(plan).one_line().to_string().trim_end().into());
    if let Some(scan) = plan.downcast_ref::<ScanExec>() {
        node.insert("Scan".to_owned(), scan_lines(scan, statement).into());
    }
    let below: Vec<Value> = plan.children().into_iter().map(|child| tree(child.as_ref(), statement, costs)).collect();
    if !below.is_empty() {
        node.insert("Plans".to_owned(), below.into());
    }
    Value::Object(node)
}

/// The estimates of a node, under PostgreSQL's names.
pub fn add_costs(node: &mut Map<String, Value>, estimate: &Estimate) {
    node.insert("Startup Cost".to_owned(), 0.0.into());
    node.insert("Total Cost".to_owned(), estimate.cost.into());
    node.insert("Plan Rows".to_owned(), estimate.rows.into());
    node.insert("Plan Width".to_owned(), estimate.width.into());
}

/// Said where gaps are read without the filters that upstream could be sent.
const WITHOUT_FILTERS: &str = "Read Without Filters: it takes no more calls than the different filters asked for lately would, and serves them all";

fn scan_lines(exec: &ScanExec, statement: &Statement) -> Vec<String> {
    let lookup = exec.lookup();
    let mut lines = Vec::new();
    let held = exec.held(statement).filter(|_| !exec.scans().is_empty());
    let mut all_local = held.is_some();
    let mut estimated = None;
    let (mut to_read, mut some_held) = (Vec::new(), false);
    match held {
        Some(n_rows) => lines.push(format!("Held: {n_rows} rows, no upstream request")),
        None => {
            for Gaps { held, scans, calls, unfiltered } in exec.parts(statement) {
                if held > 0 {
                    lines.push(format!("Held: {held} rows"));
                }
                lines.extend(scans.iter().map(|scan| format!("Upstream Request: {}", first_request(scan))));
                estimated = calls.filter(|_| held > 0 || unfiltered);
                all_local |= unfiltered;
                some_held |= held > 0;
                if scans.iter().any(|scan| scan.table.lookup.is_some()) {
                    to_read.extend(scans);
                }
                if unfiltered {
                    lines.push(WITHOUT_FILTERS.to_owned());
                }
            }
        }
    }
    for (fidelity, label) in
        [(Fidelity::Exact, "Pushed"), (Fidelity::Superset, "Re-checked"), (Fidelity::Local, "Local")]
    {
        // Held rows serve many filters, so what is read to complete them is read without.
        let own = |own: Fidelity| if all_local { Fidelity::Local } else { own };
        let conjuncts = lookup.conjuncts.iter().filter(|(pushed, _)| own(*pushed) == fidelity);
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
    let expected = match (held, estimated) {
        (Some(_), _) => "0".to_owned(),
        (None, Some(calls)) => format!("{calls:.0}, by the rows that came before"),
        (None, None) if !to_read.is_empty() => budget::expected(&to_read, some_held),
        (None, None) => budget::expected(&exec.scans(), false),
    };
    lines.push(format!("Calls Expected: {expected}"));
    lines.extend(exec.scans().first().map(|scan| {
        let quota = scan.source.quota;
        let per = crate::sql::display::span(quota.per);
        let wait = exec.wait(&statement.user).as_secs_f64();
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
            "Scan on {}.{}: calls made {}, rows read {}, rows held {}, bytes {}, waited {:.3} ms",
            scan.source,
            scan.table,
            scan.calls.load(Ordering::Relaxed),
            scan.rows.load(Ordering::Relaxed),
            scan.held.load(Ordering::Relaxed),
            scan.bytes.load(Ordering::Relaxed),
            waited.as_secs_f64() * 1e3,
        ));
        lines.extend(scan.requests().into_iter().map(|request| format!("  Upstream Request: {request}")));
    }
    lines.push(format!("Rows: {rows}"));
    lines.push(format!("Execution Time: {:.3} ms", elapsed.as_secs_f64() * 1e3));
    lines
}
