//! Tests of the rows: what is sent is what the typed rows say, and the data is as nasty as real data.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{TimeDelta, Timelike};
use serde_json::Value;

use super::{all, id, now, options, start};
use crate::demo::respan::fields::{FIELDS, time};
use crate::demo::respan::words::{CHAT_LIKE, LOG_TYPES};
use crate::demo::respan::{Options, Respan, Span};

async fn with_rows(rows: u64) -> (Respan, BTreeMap<String, Value>) {
    let server = start(rows).await;
    let answer = all(&server, &[], "").await;
    let rows = answer.rows().iter().map(|row| (id(row).to_owned(), row.clone())).collect();
    (server, rows)
}

#[tokio::test]
async fn a_row_is_sent_with_its_typed_values() {
    let (server, rows) = with_rows(600).await;
    for span in server.spans() {
        let row = &rows[&span.unique_id];
        assert_eq!(row["id"], span.unique_id.as_str());
        assert_eq!(row["timestamp"], time(span.timestamp));
        assert_eq!(row["start_time"].as_str().map(str::to_owned), span.start_time.map(time));
        assert_eq!(row["latency"].as_f64(), Some(span.latency));
        assert_eq!(row["cost"].as_f64(), span.cost);
        assert_eq!(row["prompt_tokens"].as_i64(), span.prompt_tokens);
        assert_eq!(row["model"].as_str(), span.model.as_deref());
        assert_eq!(row["stream"].as_bool(), span.stream);
        assert_eq!(row["error_message"].as_str(), span.error_message.as_deref());
        let labels = row["metadata"]
            .as_object()
            .map(|map| map.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect());
        assert_eq!(labels, span.metadata);
        for (evaluator, score) in span.scores.iter().flatten() {
            assert_eq!(row["scores"][evaluator]["score_value"].as_f64(), Some(score.score_value));
            assert_eq!(row["scores"][evaluator]["evaluator_slug"], score.evaluator_slug);
        }
        for field in FIELDS {
            assert_eq!(row.get(field.name).is_none(), span.absent.contains(&field.name), "{}", field.name);
        }
    }
}

#[tokio::test]
async fn times_are_exact_to_the_microsecond() {
    let (server, rows) = with_rows(600).await;
    assert!(rows.values().all(|row| row["timestamp"].as_str().unwrap().len() == "2026-06-24T21:33:06.601353Z".len()));
    for span in server.spans() {
        let latency = (span.latency * 1e6).round() as i64;
        assert!(latency >= 0);
        assert!(span.start_time.is_none_or(|start| span.timestamp - start == latency));
    }
    assert!(server.spans().iter().any(|span| span.start_time.is_none()));
    assert!(server.spans().iter().any(|span| span.latency == 0.0));
}

#[tokio::test]
async fn chat_like_spans_have_their_messages_and_all_have_json_texts() {
    let (server, rows) = with_rows(900).await;
    for span in server.spans() {
        let row = &rows[&span.unique_id];
        let chat = CHAT_LIKE.contains(&span.log_type.as_str());
        assert_eq!((row["prompt_messages"].is_array(), row["completion_message"].is_object()), (chat, chat));
        if let Some(input) = row["input"].as_str() {
            let input: Value = serde_json::from_str(input).unwrap();
            assert!(!chat || input == row["prompt_messages"]);
        }
    }
}

/// Everything that breaks clients occurs, even in a small set.
#[tokio::test]
async fn the_data_is_nasty() {
    let server = start(900).await;
    let any = |what: &str, holds: &dyn Fn(&Span) -> bool| assert!(server.spans().iter().any(holds), "{what}");
    for log_type in LOG_TYPES {
        any(log_type, &|span| span.log_type == log_type);
    }
    for environment in ["prod", "test", "staging"] {
        any(environment, &|span| span.environment == environment);
    }
    for status in [Some("success"), Some("failed"), Some("error"), None] {
        any("a status", &|span| span.status.as_deref() == status);
    }
    for part in ["%", "_", "\\", "'", "\"", "\n", "🧵", "é"] {
        any(part, &|span| span.span_name.as_ref().is_some_and(|name| name.contains(part)));
    }
    any("empty", &|span| span.span_name.as_deref() == Some(""));
    any("no cost", &|span| span.cost.is_none() && span.model.is_some());
    any("a tiny cost", &|span| span.cost == Some(1e-9));
    any("a large cost", &|span| span.cost.is_some_and(|cost| cost > 10_000.0));
    any("no metadata", &|span| span.metadata.is_none());
    any("empty metadata", &|span| span.metadata.as_ref().is_some_and(BTreeMap::is_empty));
    any("no scores", &|span| span.scores.is_none());
    any("absent members", &|span| span.absent.len() > 5);
    any("a member beyond the documents", &|span| span.ingest.is_some());
    any("a long text", &|span| span.input.as_ref().is_some_and(|input| input.len() > 50_000));
    any("no parent", &|span| span.span_parent_id.is_none());
    let ids: BTreeSet<_> = server.spans().iter().filter_map(|span| span.span_unique_id.as_ref()).collect();
    let parents: Vec<_> = server.spans().iter().filter_map(|span| span.span_parent_id.as_ref()).collect();
    assert!(parents.len() > 100 && parents.iter().all(|parent| ids.contains(parent)));
}

/// How many rows stand on each instant.
fn blocks(spans: &[Span]) -> BTreeMap<i64, usize> {
    let mut blocks = BTreeMap::new();
    for span in spans {
        *blocks.entry(span.timestamp).or_insert(0) += 1;
    }
    blocks
}

#[tokio::test]
async fn rows_share_instants_as_the_option_says() {
    let mixed = blocks(start(900).await.spans());
    let single = mixed.values().filter(|&&rows| rows == 1).count();
    assert!(single > 500 && mixed.values().any(|&rows| rows >= 5), "{mixed:?}");
    let tied = Respan::start(Options { tie: 7, ..options(900) }).await.unwrap();
    let sizes: Vec<usize> = blocks(tied.spans()).into_values().collect();
    // Two blocks may meet by chance; the last is what is left.
    assert!(sizes.iter().filter(|&&size| size == 7).count() >= 120, "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 900);
}

#[tokio::test]
async fn equal_seeds_give_equal_rows_over_forty_days_with_a_rhythm() {
    let (one, two) = (start(3000).await, start(3000).await);
    assert_eq!(one.spans(), two.spans());
    let other = Respan::start(Options { seed: 2, ..options(3000) }).await.unwrap();
    assert_ne!(one.spans(), other.spans());
    let (oldest, newest) = (now() - TimeDelta::days(40) - TimeDelta::minutes(30), now());
    let times: Vec<i64> = one.spans().iter().map(|span| span.timestamp).collect();
    assert!(times.iter().all(|at| (oldest.timestamp_micros()..=newest.timestamp_micros()).contains(at)));
    assert!(times.iter().any(|at| *at < (now() - TimeDelta::days(38)).timestamp_micros()));
    let hour = |at: &&i64| chrono::DateTime::from_timestamp_micros(**at).unwrap().hour();
    let night = times.iter().filter(|at| (2..6).contains(&hour(at))).count();
    let day = times.iter().filter(|at| (12..16).contains(&hour(at))).count();
    assert!(day > 3 * night && night > 0, "{day} by day, {night} by night");
}
