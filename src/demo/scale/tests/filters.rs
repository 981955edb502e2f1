//! What a filter keeps.

use super::*;

fn has<T: PartialEq>(list: &[T], value: &Option<T>) -> bool {
    value.as_ref().is_some_and(|value| list.contains(value))
}

fn from_to(from: i64, to: i64) -> String {
    format!("{EXPORT}?from_ts={}&to_ts={}", iso(from), iso(to))
}

#[tokio::test]
async fn both_ends_of_the_time_range_count_to_the_microsecond() {
    let scale = start(500).await;
    let at = scale.spans().iter().map(|span| span.start_timestamp).find(|at| at % 1000 != 0).unwrap();
    check_at(&scale, &from_to(at, at), json!({}), |span| span.start_timestamp == at).await;
    let day = 86_400_000_000;
    let without_end = |span: &Span| (at - day..at).contains(&span.start_timestamp);
    check_at(&scale, &from_to(at - day, at - 1), json!({}), without_end).await;
    check_at(&scale, &format!("{EXPORT}?from_ts={}", iso(at)), json!({}), |span| span.start_timestamp >= at).await;
    let target = format!("{EXPORT}?from_ts=null&to_ts={}", iso(at));
    check_at(&scale, &target, json!({}), |span| span.start_timestamp <= at).await;
}

#[tokio::test]
async fn a_bound_may_be_written_with_an_offset_without_one_or_as_a_date() {
    let scale = start(500).await;
    let at = "2026-05-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap().timestamp_micros();
    for text in ["2026-05-01T02:00:00%2B02:00", "2026-05-01T00:00:00", "2026-05-01%2000:00:00.000Z", "2026-05-01"] {
        let target = format!("{EXPORT}?from_ts={text}");
        check_at(&scale, &target, json!({}), |span| span.start_timestamp >= at).await;
    }
}

#[tokio::test]
async fn parents_only_keeps_the_roots() {
    let scale = start(500).await;
    check(&scale, json!({ "parents_only": true }), |span| span.parent_id.is_none()).await;
    let all = export(&scale, json!({ "parents_only": false })).await.rows();
    assert_eq!(all.len(), 500);
}

#[tokio::test]
async fn id_lists_keep_and_exclude_and_a_shared_id_finds_both_spans() {
    let scale = start(500).await;
    let spans = scale.spans();
    let (one, two) = (&spans[3], &spans[300]);
    let (ids, traces) = ([&one.id, &two.id], [&one.trace_id, &two.trace_id]);
    check(&scale, json!({ "span_ids": ids }), |span| ids.contains(&&span.id)).await;
    check(&scale, json!({ "trace_ids": traces }), |span| traces.contains(&&span.trace_id)).await;
    check(&scale, json!({ "excluded_span_ids": ids }), |span| !ids.contains(&&span.id)).await;
    check(&scale, json!({ "excluded_trace_ids": traces }), |span| !traces.contains(&&span.trace_id)).await;
    let shared = spans.iter().find(|span| spans.iter().filter(|other| other.id == span.id).count() == 2).unwrap();
    check(&scale, json!({ "span_ids": [shared.id] }), |span| span.id == shared.id).await;
}

#[tokio::test]
async fn lists_of_words_are_alternatives_compared_exactly() {
    let scale = start(1_000).await;
    check(&scale, json!({ "names": ["Chat", "100% recall"] }), |span| ["Chat", "100% recall"].contains(&span.name))
        .await;
    check(&scale, json!({ "names": [""] }), |span| span.name.is_empty()).await;
    check(&scale, json!({ "names": ["retrieve_docs"] }), |span| span.name == "retrieve_docs").await;
    check(&scale, json!({ "names": ["line\nbreak\ttab"] }), |span| span.name == "line\nbreak\ttab").await;
    check(&scale, json!({ "group_id": "GROUP_A" }), |span| span.group_id == Some("GROUP_A")).await;
    check(&scale, json!({ "group_id": "" }), |span| span.group_id == Some("")).await;
    let statuses = ["ERROR", "CANCELED"];
    check(&scale, json!({ "statuses": statuses }), |span| has(&statuses, &span.status)).await;
    let types = ["COMPLETION", "TRACER"];
    check(&scale, json!({ "types": types }), |span| has(&types, &span.kind)).await;
    let variants = ["variant-1", "variant_2"];
    check(&scale, json!({ "application_variant_ids": variants }), |span| has(&variants, &span.application_variant_id))
        .await;
}

#[tokio::test]
async fn attributes_that_are_no_columns_can_be_filtered_on() {
    let scale = start(1_000).await;
    let types = ["sync", "agentic"];
    check(&scale, json!({ "acp_types": types }), |span| has(&types, &span.acp_type)).await;
    check(&scale, json!({ "agentex_agent_names": ["Billing"] }), |span| span.agentex_agent_name == Some("Billing"))
        .await;
    check(&scale, json!({ "agentex_agent_ids": ["agent-3"] }), |span| span.agentex_agent_id == Some("agent-3")).await;
}

#[tokio::test]
async fn fields_must_all_agree_and_an_empty_list_and_an_unknown_field_filter_nothing() {
    let scale = start(1_000).await;
    let body = json!({ "names": ["chat", "plan"], "statuses": ["SUCCESS"], "parents_only": true });
    check(&scale, body, |span| {
        ["chat", "plan"].contains(&span.name) && span.status == Some("SUCCESS") && span.parent_id.is_none()
    })
    .await;
    let root = &scale.spans()[0].id;
    let body = json!({ "names": [], "span_ids": [], "unknown": 5, "parent_ids": [root], "extra_metadata": {} });
    assert_eq!(export(&scale, body).await.rows().len(), 1_000);
}

#[tokio::test]
async fn duration_bounds_count_and_leave_unfinished_spans_out() {
    let scale = start(2_000).await;
    let exact =
        scale.spans().iter().filter_map(Span::duration).find(|micros| *micros > 0 && micros % 1000 == 0).unwrap();
    let ms = exact / 1000;
    let within = |span: &Span, from: i64, to: i64| span.duration().is_some_and(|took| (from..=to).contains(&took));
    check(&scale, json!({ "min_duration_ms": ms }), |span| within(span, exact, i64::MAX)).await;
    check(&scale, json!({ "max_duration_ms": ms }), |span| within(span, 0, exact)).await;
    check(&scale, json!({ "min_duration_ms": ms, "max_duration_ms": ms }), |span| span.duration() == Some(exact)).await;
    check(&scale, json!({ "min_duration_ms": 0 }), |span| span.duration().is_some()).await;
    check(&scale, json!({ "max_duration_ms": 0 }), |span| span.duration() == Some(0)).await;
}

#[tokio::test]
async fn durations_may_be_cut_to_milliseconds_before_they_are_compared() {
    let scale = Scale::start(Options { whole_milliseconds: true, ..options(2_000) }).await.unwrap();
    let cut = |span: &Span| span.duration().map(|micros| micros / 1000);
    let broken = scale.spans().iter().find(|span| span.duration().is_some_and(|micros| micros % 1000 != 0)).unwrap();
    let ms = cut(broken).unwrap();
    let max = expected(&scale, |span| cut(span).is_some_and(|took| took <= ms));
    assert!(max.contains(&identity(broken)));
    check(&scale, json!({ "max_duration_ms": ms }), |span| max.contains(&identity(span))).await;
}

fn metadata<'a>(span: &'a Span, key: &str) -> Option<&'a Value> {
    span.metadata.as_ref().and_then(|json| json.value.get(key))
}

#[tokio::test]
async fn metadata_is_compared_by_type_and_keys_are_and_ed() {
    let scale = start(2_000).await;
    let version = |wanted: Value| json!({ "extra_metadata": { "version": wanted } });
    let is = |span: &Span, test: &dyn Fn(&Value) -> bool| metadata(span, "version").is_some_and(test);
    check(&scale, version(json!("5")), |span| is(span, &|value| *value == json!("5"))).await;
    check(&scale, version(json!(5)), |span| is(span, &|value| value.as_f64() == Some(5.0))).await;
    check(&scale, version(json!(true)), |span| is(span, &|value| *value == json!(true))).await;
    check(&scale, version(json!(null)), |span| is(span, &Value::is_null)).await;
    check(&scale, version(json!({ "major": 5 })), |span| is(span, &Value::is_object)).await;
    check(&scale, version(json!([[5, "5"]])), |span| is(span, &Value::is_array)).await;
    check(&scale, version(json!(["5", true, "none"])), |span| {
        is(span, &|value| *value == json!("5") || *value == json!(true))
    })
    .await;
    let body = json!({ "extra_metadata": { "version": 5, "env": ["prod", ""] } });
    check(&scale, body, |span| {
        is(span, &|value| value.as_f64() == Some(5.0))
            && metadata(span, "env").is_some_and(|env| ["prod", ""].contains(&env.as_str().unwrap()))
    })
    .await;
    assert!(export(&scale, json!({ "extra_metadata": { "absent": null } })).await.rows().is_empty());
}

#[tokio::test]
async fn assessment_types_keep_whole_traces_that_have_one() {
    let scale = start(1_000).await;
    let traces: BTreeSet<&str> = scale
        .assessments()
        .filter(|(_, assessment)| ["rating", "rubric"].contains(&assessment.assessment_type))
        .map(|(span, _)| span.trace_id.as_str())
        .collect();
    let body = json!({ "assessment_types": ["rating", "rubric"] });
    check(&scale, body, |span| traces.contains(span.trace_id.as_str())).await;
    assert!(export(&scale, json!({ "assessment_types": ["none"] })).await.rows().is_empty());
}

/// Every string in input and output.
fn texts(span: &Span) -> Vec<String> {
    fn collect(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
            Value::Object(members) => members.values().for_each(|item| collect(item, texts)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    [&span.input, &span.output].into_iter().flatten().for_each(|json| collect(&json.value, &mut found));
    found
}

fn words(span: &Span) -> Vec<String> {
    texts(span).iter().flat_map(|text| text.split(' ')).map(str::to_owned).collect()
}

#[tokio::test]
async fn text_search_finds_whole_words_in_any_case_and_ending_and_no_parts_of_words() {
    let scale = start(1_000).await;
    let any = |span: &Span, wanted: &[&str]| words(span).iter().any(|word| wanted.contains(&word.as_str()));
    check(&scale, json!({ "search_texts": ["INVOICES"] }), |span| any(span, &["invoice", "invoices"])).await;
    check(&scale, json!({ "search_texts": ["schön"] }), |span| any(span, &["Schön"])).await;
    check(&scale, json!({ "search_texts": ["queries"] }), |span| any(span, &["query", "queries"])).await;
    assert!(export(&scale, json!({ "search_texts": ["nvoic"] })).await.rows().is_empty());
    assert!(export(&scale, json!({ "search_texts": ["%%"] })).await.rows().is_empty());
    let body = json!({ "search_texts": ["invoice", "vector"] });
    check(&scale, body, |span| any(span, &["invoice", "invoices"]) && any(span, &["vector"])).await;
    let body = json!({ "search_texts": ["of the"] });
    check(&scale, body, |span| texts(span).iter().any(|text| format!(" {text} ").contains(" of the "))).await;
}
