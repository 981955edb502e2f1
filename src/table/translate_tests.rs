//! WHERE clauses of people and tools → the request that Spanlens gets, as goldens.
//!
//! `tests/upstream/spanlens/where.golden` holds the clauses and what becomes of them. To add one, add its `WHERE` line
//! and run with `UPDATE_EXPECT=1`. A line `-- zone: …` sets the session's zone for what follows.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::record_batch::RecordBatch;
use expect_test::expect_file;

use super::planned::{Planned, requests};
use super::predicate::{Read, read};
use super::translate::{Translation, translate};
use crate::error::Kind;
use crate::model::connector::Paging;
use crate::model::filter::{Atom, Condition};
use crate::model::scan::{At, Page, Scan, Source, iso_micros};
use crate::model::table::{Fidelity, Type};
use crate::upstream::spanlens::CONNECTOR;

#[tokio::test]
async fn clauses_become_these_requests() {
    let golden = expect_file!["../../tests/upstream/spanlens/where.golden"];
    let mut planned = Planned::new("UTC", RecordBatch::new_empty);
    let mut text = String::new();
    for line in golden.data().lines() {
        if let Some(zone) = line.strip_prefix("-- zone: ") {
            planned = Planned::new(zone, RecordBatch::new_empty);
        }
        if let Some(clause) = line.strip_prefix("WHERE ") {
            writeln!(text, "{line}").expect("a string grows");
            text.push_str(&outcome(&planned, clause).await);
        } else if line.starts_with("--") || line.is_empty() {
            writeln!(text, "{line}").expect("a string grows");
        }
    }
    golden.assert_eq(&text);
}

/// The requests and the filters of one clause, a line each.
async fn outcome(planned: &Planned, clause: &str) -> String {
    let filters = match planned.filters(clause).await {
        Ok(Some(filters)) => filters,
        Ok(None) => return "  no call: the engine sees the contradiction\n".to_owned(),
        Err(error) => {
            return format!("  engine: {}\n", error.strip_backtrace().lines().next().unwrap_or_default());
        }
    };
    let reads: Vec<Read> = filters.iter().map(|filter| read(requests(), planned.zone, filter)).collect();
    let translation = match translate(requests(), &[], &reads) {
        Ok(translation) => translation,
        Err(error) => return format!("  {} {}\n", error.sqlstate(), error.message),
    };
    let mut text = String::new();
    for request in sent(&translation) {
        writeln!(text, "  {request}").expect("a string grows");
    }
    if translation.is_contradiction() {
        text.push_str("  no call\n");
    }
    for ((filter, read), fidelity) in filters.iter().zip(&reads).zip(&translation.fidelity) {
        let conditions: Vec<String> = read.conditions.iter().map(show).collect();
        let relation = if read.exact { "<=>" } else { "=>" };
        let known = if conditions.is_empty() { "?".to_owned() } else { conditions.join(" AND ") };
        let word = fidelity.word();
        writeln!(text, "  {word:10} {filter}  {relation}  {known}").expect("a string grows");
    }
    text
}

fn sent(translation: &Translation) -> Vec<String> {
    let Paging::SplitTime { max_rows } = requests().paging else { panic!("requests are split by time") };
    let range = translation.range.widened(requests().precision_us);
    let source = Arc::new(Source {
        name: "spanlens".to_owned(),
        connector: &CONNECTOR,
        base_url: CONNECTOR.base_url.parse().expect("a URL"),
        quota: CONNECTOR.quota,
        lookback: Duration::from_secs(86_400),
        settle: Duration::ZERO,
        body_bytes: 1 << 20,
        settings: std::collections::BTreeMap::new(),
    });
    let request = |parameters: &super::translate::Parameters| {
        let scan = Scan {
            filters: parameters.filters.clone(),
            range,
            echoes: parameters.echoes.clone(),
            ..Scan::of(&source, requests())
        };
        (CONNECTOR.request)(&scan, &Page { range, limit: max_rows, at: At::Start }).to_string()
    };
    translation.scans.iter().map(request).collect()
}

/// A condition with its times written as times.
fn show(condition: &Condition) -> String {
    let column = requests().column(condition.column).expect("a column of the table");
    let bound = |sign: &str, micros: i64| format!("{} {sign} {}", column.name, iso_micros(micros));
    match &condition.atom {
        Atom::Within(low, high) if column.ty == Type::Timestamptz => {
            let low = (*low > i64::MIN).then(|| bound(">=", *low));
            let high = (*high < i64::MAX).then(|| bound("<=", *high));
            low.into_iter().chain(high).collect::<Vec<_>>().join(" AND ")
        }
        _ => condition.to_string(),
    }
}

async fn translated(clause: &str) -> crate::error::Result<Translation> {
    let planned = Planned::new("UTC", RecordBatch::new_empty);
    let filters = planned.filters(clause).await.expect("a plan").expect("a scan");
    let reads: Vec<Read> = filters.iter().map(|filter| read(requests(), planned.zone, filter)).collect();
    translate(requests(), &[], &reads)
}

#[tokio::test]
async fn a_relative_time_becomes_a_lower_bound() {
    let translation = translated("created_at > now() - interval '7 days'").await.expect("a translation");
    assert!(translation.range.from.is_some());
    assert_eq!(translation.range.to, None);
    assert!(translation.exact);
}

#[tokio::test]
async fn a_filter_only_column_shows_the_value_of_its_scan() {
    let translation = translated("provider_key_id IN ('a', 'b') AND provider = 'x'").await.expect("a translation");
    let echoes: Vec<_> = translation.scans.iter().map(|scan| scan.echoes.clone()).collect();
    let echo = |value: &str| vec![("provider_key_id", Some(value.to_owned()))];
    assert_eq!(echoes, [echo("a"), echo("b")]);
    assert_eq!(translation.fidelity, [Fidelity::Exact, Fidelity::Exact]);
}

#[tokio::test]
async fn too_many_values_of_a_filter_only_column_are_refused() {
    let values: Vec<String> = (0..101).map(|n| format!("'k{n}'")).collect();
    let error = translated(&format!("provider_key_id IN ({})", values.join(", "))).await.expect_err("too many");
    assert_eq!(error.kind, Kind::ProgramLimit);
}

/// Two patterns under one parameter: each alone is pushed, together only one is, and the flag says so.
#[tokio::test]
async fn only_one_of_two_patterns_is_pushed() {
    let translation = translated("model ILIKE '%gpt-4o%' AND model ILIKE '%mini%'").await.expect("a translation");
    assert_eq!(translation.fidelity, [Fidelity::Exact, Fidelity::Local]);
    assert!(!translation.exact);
}
