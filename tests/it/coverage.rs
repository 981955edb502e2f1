//! Every documented parameter and operator of the five APIs is sent by some SQL. `UPDATE=1` writes the list into
//! docs/pushdown.md.

use crate::five::{Options, start};
use crate::support::rows;

/// What leads to a parameter.
struct Case {
    vendor: &'static str,
    /// The parameter or operator, as the vendor's documents name it.
    documented: &'static str,
    /// Part of the request that holds it.
    sent: &'static str,
    /// Settings of the session before the statement.
    set: &'static str,
    sql: &'static str,
}

/// Documented parameters that no statement sends, and why.
const NEVER: &[(&str, &str, &str)] = &[
    ("spanlens", "format=csv", "CSV cannot tell NULL from an empty text; JSON is asked for."),
    ("scale", "export_method=signed_url", "The source's setting `method`, not SQL, asks for it."),
    ("scale", "export_format=json, csv", "The source's setting `format`, not SQL, asks for them."),
    ("respan", "fetch_filters", "It adds choices for a user interface to the answer, and makes it slow."),
    ("respan", "bracket syntax", "Filters travel in the body, which says more."),
    (
        "adaline",
        "filter datetime gt",
        "Bounds are sent as gte, rounded down to the millisecond, and checked again here.",
    ),
    ("adaline", "filter datetime lt", "Bounds are sent as lte, rounded up to the millisecond, and checked again here."),
    ("trulayer", "format=csv", "JSON lines are asked for."),
];

/// One line each: vendor, what the documents name, part of the request, settings, statement.
const CASES: &str = include_str!("../upstream/coverage.tsv");

fn cases() -> impl Iterator<Item = Case> {
    let lines = CASES.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
        [vendor, documented, sent, set, sql] => Case { vendor, documented, sent, set, sql },
        _ => panic!("{line:?} has not five fields"),
    })
}

/// All that the vendors' pages name: parameters, and the operators and words that they take.
const DOCUMENTED: &[(&str, &[&str])] = &[
    (
        "spanlens",
        &[
            "format",
            "format=csv",
            "from",
            "to",
            "limit",
            "projectId",
            "provider",
            "model",
            "providerKeyId",
            "status=ok",
            "status=4xx",
            "status=5xx",
        ],
    ),
    (
        "scale",
        &[
            "from_ts",
            "to_ts",
            "parents_only",
            "span_ids",
            "trace_ids",
            "excluded_span_ids",
            "excluded_trace_ids",
            "group_id",
            "names",
            "statuses",
            "types",
            "search_texts",
            "extra_metadata",
            "application_variant_ids",
            "assessment_types",
            "acp_types",
            "agentex_agent_names",
            "agentex_agent_ids",
            "min_duration_ms",
            "max_duration_ms",
            "export_method=direct",
            "export_method=signed_url",
            "export_format=jsonl",
            "export_format=json, csv",
            "with_children",
            "include_assessments",
        ],
    ),
    (
        "respan",
        &[
            "start_time",
            "end_time",
            "sort_by=id",
            "sort_by=-id",
            "sort_by=cost",
            "sort_by=time_to_first_token",
            "sort_by=latency",
            "sort_by=prompt_tokens",
            "sort_by=completion_tokens",
            "sort_by=all_tokens",
            "sort_by=scores__<id>",
            "all_envs",
            "is_test",
            "fetch_filters",
            "page_size",
            "page",
            "include_fields",
            "bracket syntax",
            "connector OR",
            "metadata__<key>",
            "scores__<id>",
            "several conditions on one field",
            "operator \"\"",
            "operator iexact",
            "operator lt",
            "operator lte",
            "operator gt",
            "operator gte",
            "operator contains",
            "operator endswith",
            "operator startswith",
            "operator in",
            "operator isnull",
            "operator icontains",
            "operator not",
            "field customer_identifier",
            "field custom_identifier",
            "field thread_identifier",
            "field prompt_id",
            "field unique_id",
            "field trace_unique_id",
            "field span_name",
            "field span_workflow_name",
            "field model",
            "field deployment_name",
            "field provider_id",
            "field status_code",
            "field status",
            "field error_message",
            "field environment",
            "field log_type",
            "field stream",
            "field temperature",
            "field max_tokens",
            "field cost",
            "field latency",
            "field tokens_per_second",
            "field time_to_first_token",
            "field prompt_tokens",
            "field completion_tokens",
            "field total_request_tokens",
        ],
    ),
    (
        "adaline",
        &[
            "projectId",
            "promptId",
            "model",
            "provider",
            "startedAfter",
            "startedBefore",
            "status",
            "name",
            "referenceId",
            "sessionId",
            "filter string eq",
            "filter string contains",
            "filter number eq",
            "filter number gt",
            "filter number gte",
            "filter number lt",
            "filter number lte",
            "filter datetime gt",
            "filter datetime gte",
            "filter datetime lt",
            "filter datetime lte",
            "filter arrayContains contains",
            "sort=startedAt:asc",
            "sort=startedAt:desc",
            "limit",
            "cursor",
        ],
    ),
    (
        "trulayer",
        &[
            "trace_id",
            "format=jsonl",
            "format=csv",
            "project_id",
            "model",
            "error=true",
            "error=false",
            "failure_type",
            "from",
            "to",
            "latency_min",
            "latency_max",
            "token_count_min",
            "token_count_max",
            "tag_key, tag_value",
            "cursor",
            "limit",
        ],
    ),
];

/// Sent on later pages only, where no plan shows them; the tests of paging see them in the calls.
const LATER: &[(&str, &str)] = &[("adaline", "cursor"), ("trulayer", "cursor")];

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_parameter_is_sent_by_some_sql() {
    let five = start(Options::small()).await;
    let mut missing = Vec::new();
    for case in cases() {
        let client = five.client().await;
        client.simple_query(case.set).await.expect("a setting");
        let plan = rows(&client, &format!("EXPLAIN {}", case.sql)).await;
        let lines: Vec<String> = plan.into_iter().filter_map(|mut row| row.remove(0)).collect();
        let mut requests = lines.iter().filter(|line| line.contains("Upstream Request:"));
        if !requests.any(|request| request.contains(case.sent)) {
            missing.push(format!("{} {}: {}\n{}", case.vendor, case.documented, case.sql, lines.join("\n")));
        }
    }
    assert_eq!(five.n_calls(), [0; 5], "EXPLAIN calls nobody");
    assert!(missing.is_empty(), "{} are not sent:\n{}", missing.len(), missing.join("\n\n"));
}

#[test]
fn nothing_that_is_documented_is_missing_here() {
    let cases = cases().map(|case| (case.vendor, case.documented));
    let never = NEVER.iter().map(|(vendor, documented, _)| (*vendor, *documented));
    let listed: Vec<(&str, &str)> = cases.chain(never).chain(LATER.iter().copied()).collect();
    for (vendor, documented) in DOCUMENTED {
        let missing: Vec<&&str> = documented.iter().filter(|name| !listed.contains(&(vendor, **name))).collect();
        assert!(missing.is_empty(), "{vendor}: {missing:?}");
    }
}

#[test]
fn the_list_of_parameters_is_in_the_documents() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/pushdown.md");
    let expected = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &expected).expect("docs can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "docs/pushdown.md is out of date; run this test with UPDATE=1");
}

fn page() -> String {
    let mut text = "# What SQL is sent upstream as\n\nFor each parameter and operator that a vendor documents, a statement that sends it. Checked by `tests/it/coverage.rs`.\n".to_owned();
    for vendor in ["spanlens", "scale", "respan", "adaline", "trulayer"] {
        text.push_str(&format!("\n## {vendor}\n\n| documented | sent | by |\n|---|---|---|\n"));
        for case in cases().filter(|case| case.vendor == vendor) {
            let set = if case.set.is_empty() { String::new() } else { format!("`{};` ", case.set) };
            let escaped = |text: &str| text.replace('|', "\\|");
            text.push_str(&format!(
                "| {} | `{}` | {set}`{}` |\n",
                escaped(case.documented),
                escaped(case.sent),
                case.sql
            ));
        }
        for (_, documented) in LATER.iter().filter(|(own, _)| *own == vendor) {
            text.push_str(&format!("| {documented} | | every page after the first |\n"));
        }
        for (_, documented, why) in NEVER.iter().filter(|(own, _, _)| *own == vendor) {
            text.push_str(&format!("| {documented} | never | {why} |\n"));
        }
    }
    text
}
