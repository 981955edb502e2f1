//! The rows that are served.

use super::*;
use crate::demo::scale::span::{STATUSES, TYPES};

#[tokio::test]
async fn rows_are_as_many_as_asked_for_and_depend_on_the_seed_only() {
    let (one, same) = (start(333).await, start(333).await);
    let other = Scale::start(Options { seed: 2, ..options(333) }).await.unwrap();
    assert_eq!(one.spans().len(), 333);
    assert_eq!(one.spans(), same.spans());
    assert_ne!(one.spans(), other.spans());
    assert!(start(0).await.spans().is_empty());
}

#[tokio::test]
async fn spans_are_unique_by_trace_and_id_and_a_few_ids_repeat_in_other_traces() {
    let scale = start(2_000).await;
    let pairs = expected(&scale, |_| true);
    let ids: BTreeSet<&str> = scale.spans().iter().map(|span| span.id.as_str()).collect();
    assert_eq!(pairs.len(), 2_000);
    assert!((1_950..2_000).contains(&ids.len()), "{} ids", ids.len());
}

#[tokio::test]
async fn each_trace_has_one_root_and_every_parent_is_in_its_trace() {
    let scale = start(1_000).await;
    let pairs = expected(&scale, |_| true);
    let traces: BTreeSet<&str> = scale.spans().iter().map(|span| span.trace_id.as_str()).collect();
    let roots = scale.spans().iter().filter(|span| span.parent_id.is_none()).count();
    assert_eq!(roots, traces.len());
    for span in scale.spans() {
        assert!(span.parent_id.iter().all(|parent| pairs.contains(&(span.trace_id.clone(), parent.clone()))));
    }
}

#[tokio::test]
async fn starts_lie_in_forty_days_near_their_root_with_some_ties_and_some_before_the_root() {
    let scale = start(5_000).await;
    let (end, mut roots) = (now().timestamp_micros(), HashMap::new());
    let mut instants = BTreeSet::new();
    let mut before = 0;
    for span in scale.spans() {
        let root = *roots.entry(&span.trace_id).or_insert(span.start_timestamp);
        instants.insert(span.start_timestamp);
        assert!((end - 41 * 86_400_000_000..end).contains(&span.start_timestamp));
        assert!((-20_000..300_000_000).contains(&(span.start_timestamp - root)));
        assert!(span.end_timestamp.is_none_or(|ended| (span.start_timestamp..end).contains(&ended)));
        before += usize::from(span.start_timestamp < root);
    }
    let starts: Vec<i64> = roots.values().copied().collect();
    assert!(starts.iter().max().unwrap() - starts.iter().min().unwrap() > 39 * 86_400_000_000);
    assert!(starts.len() > starts.iter().collect::<BTreeSet<_>>().len(), "no two traces begin together");
    assert!(instants.len() < 4_500, "{} instants", instants.len());
    assert!(instants.iter().any(|at| at % 1000 != 0) && instants.iter().any(|at| at % 1_000_000 == 0));
    assert!(before > 10, "{before} spans before their root");
}

#[tokio::test]
async fn small_data_has_every_status_type_and_odd_name() {
    let scale = start(100).await;
    let has = |test: &dyn Fn(&Span) -> bool| scale.spans().iter().any(test);
    for status in STATUSES {
        assert!(has(&|span| span.status == Some(status)), "{status}");
    }
    for kind in TYPES {
        assert!(has(&|span| span.kind == Some(kind)), "{kind}");
    }
    for part in ["%", "_", "\\", "'", "\"", "\n", "🧵"] {
        assert!(has(&|span| span.name.contains(part)), "{part}");
    }
    assert!(has(&|span| span.status.is_none()) && has(&|span| span.kind.is_none()));
    assert!(has(&|span| span.name.is_empty()) && has(&|span| span.end_timestamp.is_none()));
    assert!(has(&|span| span.group_id == Some("")) && has(&|span| span.input.is_none()));
    assert!(scale.assessments().count() > 3);
}

#[tokio::test]
async fn a_row_says_what_the_typed_span_says() {
    let scale = start(200).await;
    let rows = export(&scale, json!({})).await.rows();
    let by_identity: HashMap<Identity, &Value> =
        rows.iter().map(|row| (identities(std::slice::from_ref(row)).pop_first().unwrap(), row)).collect();
    for span in scale.spans() {
        let row = by_identity[&identity(span)];
        let json = |json: &Option<crate::demo::scale::span::Json>| json.as_ref().map(|json| json.value.clone());
        let micros = |name: &str| row[name].as_str().map(|text| text.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(row["object"], "span");
        assert_eq!(row["account_id"], "demo-account");
        assert_eq!(row["name"], span.name);
        assert_eq!(row["parent_id"], json!(span.parent_id));
        assert_eq!(row["group_id"], json!(span.group_id));
        assert_eq!(micros("start_timestamp").map(|at| at.timestamp_micros()), Some(span.start_timestamp));
        assert_eq!(micros("end_timestamp").map(|at| at.timestamp_micros()), span.end_timestamp);
        assert_eq!(row["input"], json!(json(&span.input)));
        assert_eq!(row["output"], json!(json(&span.output)));
        assert_eq!(row["expected"], json!(json(&span.expected)));
        assert_eq!(row["metadata"], json!(json(&span.metadata)));
        assert_eq!(row["status"], json!(span.status));
        assert_eq!(row["type"], json!(span.kind));
        assert_eq!(row["application_interaction_id"], json!(span.application_interaction_id));
        assert_eq!(row["application_variant_id"], json!(span.application_variant_id));
        assert_eq!(row["created_by"], json!(json(&span.created_by)));
        assert_eq!(row["input_tokens"], json!(span.input_tokens));
        assert_eq!(row["output_tokens"], json!(span.output_tokens));
        assert_eq!(row["obs_trace_id"], json!(span.obs_trace_id));
        assert_eq!(row["obs_span_id"], json!(span.obs_span_id));
        assert_eq!(row.get("ingest").is_some(), span.extra.iter().any(|(name, _)| *name == "ingest"));
        assert_eq!(span.terse && span.end_timestamp.is_none(), row.get("end_timestamp").is_none());
        assert!(row.get("assessments").is_none() && row.get("acp_type").is_none());
    }
}
