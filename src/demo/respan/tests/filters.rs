//! Tests of filters: each answer against a comparison written here.
use serde_json::{Value, json};

use super::{ALL, all, get, post, same, start};
use crate::demo::respan::{Respan, Span};

/// The answer to `{"filters": filters}` has the rows that the test takes.
async fn check(server: &Respan, filters: &str, takes: impl Fn(&Span) -> bool) {
    let answer = all(server, &[], &format!("{{\"filters\":{filters}}}")).await;
    same(server, &answer, filters, takes);
}

/// The same for one condition.
async fn one(server: &Respan, name: &str, operator: &str, value: Value, takes: impl Fn(&Span) -> bool) {
    check(server, &json!({ name: { "operator": operator, "value": value } }).to_string(), takes).await;
}

async fn in_url(server: &Respan, params: &[(&str, &str)], takes: impl Fn(&Span) -> bool) {
    same(server, &all(server, params, "").await, &format!("{params:?}"), takes);
}

fn is(value: Option<&String>, takes: impl Fn(&str) -> bool) -> bool {
    value.is_some_and(|value| takes(value))
}

fn label<'a>(span: &'a Span, key: &str) -> Option<&'a String> {
    span.metadata.as_ref()?.get(key)
}

const QUALITY: &str = "d4f46e95-73ff-4166-8581-928c1a1b1589";

fn quality(span: &Span) -> Option<f64> {
    Some(span.scores.as_ref()?.get(QUALITY)?.score_value)
}

#[tokio::test]
async fn text_operators() {
    let server = &start(900).await;
    one(server, "model", "", json!(["gpt-4o"]), |span| is(span.model.as_ref(), |text| text == "gpt-4o")).await;
    one(server, "model", "", json!([""]), |span| is(span.model.as_ref(), str::is_empty)).await;
    one(server, "model", "iexact", json!(["gpt-4O"]), |span| {
        is(span.model.as_ref(), |text| text == "gpt-4o" || text == "GPT-4o")
    })
    .await;
    one(server, "span_name", "iexact", json!(["DÉJÀ vu"]), |span| {
        is(span.span_name.as_ref(), |text| text == "déjà vu" || text == "DÉJÀ VU")
    })
    .await;
    one(server, "model", "contains", json!(["gpt"]), |span| is(span.model.as_ref(), |text| text.contains("gpt"))).await;
    one(server, "model", "icontains", json!(["GPT-4O"]), |span| {
        is(span.model.as_ref(), |text| text.to_lowercase().contains("gpt-4o"))
    })
    .await;
    one(server, "model", "startswith", json!(["gpt"]), |span| is(span.model.as_ref(), |text| text.starts_with("gpt")))
        .await;
    one(server, "model", "endswith", json!(["mini"]), |span| is(span.model.as_ref(), |text| text.ends_with("mini")))
        .await;
    // Nothing is a wildcard.
    for part in ["%", "_", "\\", "'", "\"", "\n"] {
        one(server, "span_name", "contains", json!([part]), |span| is(span.span_name.as_ref(), |t| t.contains(part)))
            .await;
    }
}

#[tokio::test]
async fn number_operators() {
    let server = &start(900).await;
    one(server, "cost", "lt", json!([0.001]), |span| span.cost.is_some_and(|cost| cost < 0.001)).await;
    one(server, "cost", "lte", json!([0.0]), |span| span.cost == Some(0.0)).await;
    one(server, "cost", "", json!([1e-9]), |span| span.cost == Some(1e-9)).await;
    one(server, "cost", "", json!([3]), |span| span.cost == Some(3.0)).await;
    one(server, "latency", "gt", json!([1]), |span| span.latency > 1.0).await;
    one(server, "latency", "gte", json!(["1.5"]), |span| span.latency >= 1.5).await;
    one(server, "status_code", "", json!([200]), |span| span.status_code == Some(200)).await;
    one(server, "status_code", "", json!(["200"]), |span| span.status_code == Some(200)).await;
    one(server, "status_code", "startswith", json!(["4"]), |span| {
        span.status_code.is_some_and(|code| (400..500).contains(&code))
    })
    .await;
    // Doubles could not tell these apart.
    let huge = (1_i64 << 53) + 1;
    one(server, "prompt_tokens", "", json!([huge]), |span| span.prompt_tokens == Some(huge)).await;
    let below = json!({ "filters": { "prompt_tokens": { "operator": "", "value": [huge - 1] } } }).to_string();
    assert!(all(server, &[], &below).await.rows().is_empty());
    one(server, "total_tokens", "gt", json!([4000]), |span| span.total_request_tokens.is_some_and(|all| all > 4000))
        .await;
}

#[tokio::test]
async fn several_values_are_any_of_them_or_none_of_them() {
    let server = &start(900).await;
    let two = json!(["gpt-4o", "GPT-4o"]);
    let either = |span: &Span| is(span.model.as_ref(), |text| text == "gpt-4o" || text == "GPT-4o");
    for operator in ["", "in"] {
        one(server, "model", operator, two.clone(), either).await;
    }
    for operator in ["not", "not_in"] {
        one(server, "model", operator, two.clone(), |span| span.model.is_some() && !either(span)).await;
    }
    one(server, "status_code", "not", json!([200, 400]), |span| {
        span.status_code.is_some_and(|code| code != 200 && code != 400)
    })
    .await;
}

#[tokio::test]
async fn newer_operators() {
    let server = &start(900).await;
    let model = |span: &Span, takes: &dyn Fn(&str) -> bool| is(span.model.as_ref(), takes);
    one(server, "model", "not_contains", json!(["mini"]), |span| model(span, &|text| !text.contains("mini"))).await;
    one(server, "model", "not_startswith", json!(["gpt"]), |span| model(span, &|text| !text.starts_with("gpt"))).await;
    one(server, "model", "not_endswith", json!(["4o"]), |span| model(span, &|text| !text.ends_with("4o"))).await;
    one(server, "model", "empty", json!([""]), |span| model(span, &str::is_empty)).await;
    one(server, "model", "not_empty", json!([""]), |span| model(span, &|text| !text.is_empty())).await;
    one(server, "is_root_span", "", json!([true]), |span| span.span_parent_id.is_none()).await;
    one(server, "is_root_span", "", json!([false]), |span| span.span_parent_id.is_some()).await;
}

#[tokio::test]
async fn null_meets_isnull_and_nothing_else() {
    let server = &start(900).await;
    one(server, "cost", "isnull", json!([true]), |span| span.cost.is_none()).await;
    one(server, "cost", "isnull", json!([false]), |span| span.cost.is_some()).await;
    one(server, "metadata__plan", "isnull", json!([true]), |span| label(span, "plan").is_none()).await;
    one(server, "metadata__plan", "not", json!(["pro"]), |span| is(label(span, "plan"), |text| text != "pro")).await;
    one(server, "error_message", "not_contains", json!(["x"]), |span| {
        is(span.error_message.as_ref(), |text| !text.contains('x'))
    })
    .await;
    one(server, "stream", "not", json!([true]), |span| span.stream == Some(false)).await;
    one(server, "stream", "", json!(["true"]), |span| span.stream == Some(true)).await;
}

#[tokio::test]
async fn metadata_is_filtered_by_its_key_and_as_text() {
    let server = &start(900).await;
    for (key, value) in
        [("plan", "pro"), ("Plan", "pro"), ("a b", "x y"), ("déjà", "vu"), ("plan", ""), ("attempt", "5")]
    {
        let name = format!("metadata__{key}");
        one(server, &name, "", json!([value]), |span| is(label(span, key), |text| text == value)).await;
        in_url(server, &[(&name, value)], |span| is(label(span, key), |text| text == value)).await;
    }
    one(server, "metadata__attempt", "", json!([5]), |span| is(label(span, "attempt"), |text| text == "5")).await;
    one(server, "metadata__attempt", "gt", json!(["1"]), |span| is(label(span, "attempt"), |text| text > "1")).await;
    one(server, "metadata__plan", "icontains", json!(["PR"]), |span| {
        is(label(span, "plan"), |text| text.to_lowercase().contains("pr"))
    })
    .await;
}

#[tokio::test]
async fn scores_are_filtered_by_the_id_of_the_evaluator() {
    let server = &start(900).await;
    let name = format!("scores__{QUALITY}");
    one(server, &name, "gt", json!([4.0]), |span| quality(span).is_some_and(|score| score > 4.0)).await;
    one(server, &name, "lte", json!([2]), |span| quality(span).is_some_and(|score| score <= 2.0)).await;
    one(server, &name, "not", json!([5]), |span| quality(span).is_some_and(|score| score != 5.0)).await;
    one(server, &name, "in", json!([1, 2.5]), |span| quality(span).is_some_and(|s| s == 1.0 || s == 2.5)).await;
    let bracket = [(format!("{name}[value]"), "4"), (format!("{name}[operator]"), "gte")];
    let bracket: Vec<(&str, &str)> = bracket.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    in_url(server, &bracket, |span| quality(span).is_some_and(|score| score >= 4.0)).await;
}

#[tokio::test]
async fn conditions_hold_together_unless_connected_by_or() {
    let server = &start(900).await;
    let chat = |span: &Span| span.log_type == "chat";
    let dear = |span: &Span| span.cost.is_some_and(|cost| cost > 0.01);
    let slow = |span: &Span| span.latency > 1.0;
    check(server, r#"{"log_type":{"value":["chat"]},"cost":{"operator":"gt","value":[0.01]}}"#, |span| {
        chat(span) && dear(span)
    })
    .await;
    check(
        server,
        r#"{"log_type":{"value":["chat"],"connector":"OR"},"cost":{"operator":"gt","value":[0.01],"connector":"OR"}}"#,
        |span| chat(span) || dear(span),
    )
    .await;
    // From left to right, in the order of the text.
    check(
        server,
        r#"{"log_type":{"value":["chat"]},"latency":{"operator":"gt","value":[1],"connector":"OR"},"cost":{"operator":"gt","value":[0.01]}}"#,
        |span| (chat(span) || slow(span)) && dear(span),
    )
    .await;
    check(
        server,
        r#"{"cost":{"operator":"gt","value":[0.01]},"latency":{"operator":"gt","value":[1]},"log_type":{"value":["chat"],"connector":"OR"}}"#,
        |span| (dear(span) && slow(span)) || chat(span),
    )
    .await;
}

#[tokio::test]
async fn a_field_can_have_a_list_of_conditions() {
    let server = &start(900).await;
    let range = r#"{"cost":[{"operator":"gte","value":[0.001]},{"operator":"lt","value":[0.01]}]}"#;
    check(server, range, |span| span.cost.is_some_and(|cost| (0.001..0.01).contains(&cost))).await;
    let ends = r#"{"cost":[{"operator":"lt","value":[0.0001]},{"operator":"gt","value":[1],"connector":"OR"}]}"#;
    check(server, ends, |span| span.cost.is_some_and(|cost| !(0.0001..=1.0).contains(&cost))).await;
}

#[tokio::test]
async fn an_operator_beside_the_filters_joins_the_fields() {
    let server = &start(900).await;
    for (operator, any) in [("OR", true), ("AND", false), ("", false)] {
        let filters = json!({
            "latency": [{ "operator": "gt", "value": [0.5] }, { "operator": "lt", "value": [0.6] }],
            "log_type": { "value": ["chat"] },
        });
        let body = json!({ "filters": filters, "operator": operator }).to_string();
        same(server, &all(server, &[], &body).await, operator, |span| {
            let (slow, chat) = (span.latency > 0.5 && span.latency < 0.6, span.log_type == "chat");
            if any { slow || chat } else { slow && chat }
        });
    }
}

#[tokio::test]
async fn filters_in_the_url() {
    let server = &start(900).await;
    in_url(server, &[("status_code", "200")], |span| span.status_code == Some(200)).await;
    in_url(server, &[("customer_identifier", "user_7")], |span| {
        is(span.customer_identifier.as_ref(), |text| text == "user_7")
    })
    .await;
    in_url(server, &[("status_code[value]", "200"), ("status_code[operator]", "not")], |span| {
        span.status_code.is_some_and(|code| code != 200)
    })
    .await;
    in_url(server, &[("cost[operator]", "gte"), ("cost[value]", "0.01")], |span| {
        span.cost.is_some_and(|cost| cost >= 0.01)
    })
    .await;
    in_url(server, &[("model[value]", "GPT"), ("model[operator]", "icontains")], |span| {
        is(span.model.as_ref(), |text| text.to_lowercase().contains("gpt"))
    })
    .await;
    // Of a repeated parameter the last counts: a field has one value.
    in_url(server, &[("status_code", "500"), ("status_code", "200")], |span| span.status_code == Some(200)).await;
    in_url(
        server,
        &[
            ("status_code[value]", "200"),
            ("status_code[connector]", "OR"),
            ("priority[value]", "low"),
            ("priority[operator]", "not"),
            ("priority[connector]", "OR"),
        ],
        |span| span.status_code == Some(200) || is(label(span, "priority"), |text| text != "low"),
    )
    .await;
}

#[tokio::test]
async fn brackets_may_stand_bare_or_escaped() {
    let server = &start(300).await;
    for (open, close) in [("[", "]"), ("%5B", "%5D"), ("%5b", "%5d")] {
        let query = format!("status_code{open}value{close}=200&status_code{open}operator{close}=not");
        let wide = "start_time=2000-01-01&end_time=2100-01-01&all_envs=true&page_size=1000";
        let target = format!("{}?{wide}&{query}", super::LIST);
        let answer = super::send(server, "GET", &target, super::KEY, "").await;
        same(server, &answer, &query, |span| span.status_code.is_some_and(|code| code != 200));
    }
}

#[tokio::test]
async fn an_unknown_name_in_the_url_is_a_metadata_key() {
    let server = &start(900).await;
    in_url(server, &[("user_type", "premium")], |span| is(label(span, "user_type"), |text| text == "premium")).await;
    // Fields that only the body knows, and slips of the pen, select nothing.
    let root = server.spans().iter().find_map(|span| span.span_unique_id.clone()).unwrap();
    for (name, value) in [("span_unique_id", root.as_str()), ("modell", "gpt-4o"), ("sort", "-id"), ("limit", "5")] {
        let answer = get(server, &[&ALL[..], &[(name, value)]].concat()).await;
        assert_eq!(answer.rows().len(), 0, "{name}");
    }
}

#[tokio::test]
async fn the_url_wins_over_the_body_for_the_same_field_and_both_hold_otherwise() {
    let server = &start(900).await;
    let body = json!({ "filters": {
        "status_code": { "operator": "", "value": [500] },
        "log_type": { "operator": "", "value": ["tool"] },
        "metadata__plan": { "operator": "", "value": ["free"] },
    }})
    .to_string();
    let params = [&ALL[..], &[("page_size", "1000"), ("status_code", "200"), ("log_type", "chat"), ("plan", "pro")]];
    let answer = post(server, &params.concat(), &body).await;
    same(server, &answer, "URL over body", |span| {
        span.status_code == Some(200) && span.log_type == "chat" && is(label(span, "plan"), |text| text == "pro")
    });
    let answer = all(server, &[("status_code", "200")], &body.replace("500", "200").replace("free", "pro")).await;
    same(server, &answer, "URL and body", |span| {
        span.status_code == Some(200) && span.log_type == "tool" && is(label(span, "plan"), |text| text == "pro")
    });
}
