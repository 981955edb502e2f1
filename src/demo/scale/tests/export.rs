//! Forms and ways of an export.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

#[tokio::test]
async fn all_spans_come_as_one_json_array_unless_something_else_is_asked_for() {
    let scale = start(300).await;
    let answer = export(&scale, json!({})).await;
    assert_eq!(identities(&answer.rows()), expected(&scale, |_| true));
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    let members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["content", "filename"]);
    assert_eq!(body["filename"], "spans_20260515T090030Z.json");
}

#[tokio::test]
async fn jsonl_is_one_object_a_line() {
    let scale = start(300).await;
    let content = export(&scale, json!({ "export_format": "jsonl" })).await.content();
    let rows: Vec<Value> = content.split('\n').map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(identities(&rows), expected(&scale, |_| true));
    let none = export(&scale, json!({ "export_format": "jsonl", "names": ["nobody"] })).await;
    assert_eq!(none.content(), "");
}

#[tokio::test]
async fn number_texts_and_escapes_come_as_they_were_made() {
    let scale = start(100).await;
    let content = export(&scale, json!({ "export_format": "jsonl" })).await.content();
    for part in [r#""float":5.0,"#, r#""big":36893488147419103233,"#, r#""price":1.10,"#, r#"\u00e9\/\ud83d\ude42"#] {
        assert!(content.contains(part), "{part}");
    }
}

/// Records of a CSV text, cells with quotes undone.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            _ => cell.push(letter),
        }
    }
    assert!(!quoted && cell.is_empty() && record.is_empty(), "the text ends with a line");
    records
}

#[tokio::test]
async fn csv_has_a_header_and_json_in_its_cells_and_nothing_for_null() {
    let scale = Scale::start(Options { shuffled: false, ..options(200) }).await.unwrap();
    let body = json!({ "export_format": "csv", "include_assessments": true });
    let all = records(&export(&scale, body).await.content());
    let json = export(&scale, json!({ "include_assessments": true })).await.rows();
    assert_eq!(all.len(), 201);
    assert!(all.iter().all(|record| record.len() == 23));
    for (record, row) in all[1..].iter().zip(&json) {
        for (name, cell) in all[0].iter().zip(record) {
            match &row[name.as_str()] {
                Value::Null => assert_eq!(cell, ""),
                Value::String(text) => assert_eq!(cell, text),
                value => assert_eq!(&serde_json::from_str::<Value>(cell).unwrap(), value),
            }
        }
    }
}

#[tokio::test]
async fn rows_come_in_no_order_that_another_body_changes_or_in_that_of_time() {
    let shuffled = start(400).await;
    let sorted = Scale::start(Options { shuffled: false, ..options(400) }).await.unwrap();
    let starts = |rows: &[Value]| -> Vec<DateTime<Utc>> {
        rows.iter().map(|row| row["start_timestamp"].as_str().unwrap().parse().unwrap()).collect()
    };
    let one = export(&shuffled, json!({})).await.rows();
    assert_eq!(one, export(&shuffled, json!({})).await.rows());
    assert_ne!(one, export(&shuffled, json!({ "names": [] })).await.rows());
    assert!(!starts(&one).is_sorted());
    assert!(starts(&export(&sorted, json!({})).await.rows()).is_sorted());
}

#[tokio::test]
async fn a_large_answer_comes_in_chunks_and_a_small_one_with_its_length() {
    let scale = start(300).await;
    let large = export(&scale, json!({})).await;
    assert_eq!(large.header("transfer-encoding"), "chunked");
    assert!(large.body.len() > 200_000);
    let small = export(&scale, json!({ "names": ["nobody"] })).await;
    assert_eq!(small.header("content-length"), small.body.len().to_string());
    assert_eq!(small.content(), "[]");
}

#[tokio::test]
async fn the_content_is_base64_if_the_server_is_set_so() {
    let plain = start(100).await;
    let coded = Scale::start(Options { base64: true, ..options(100) }).await.unwrap();
    let content = export(&coded, json!({})).await.content();
    let text = String::from_utf8(STANDARD.decode(content).unwrap()).unwrap();
    assert_eq!(text, export(&plain, json!({})).await.content());
}

#[tokio::test]
async fn with_children_widens_to_whole_traces_beyond_the_time_range_and_all_filters() {
    let scale = start(1_000).await;
    let from = now().timestamp_micros() - 20 * 86_400_000_000;
    let target = format!("{EXPORT}?from_ts={}", iso(from));
    let matched = |span: &Span| span.start_timestamp >= from && span.status == Some("ERROR");
    let traces: BTreeSet<&str> =
        scale.spans().iter().filter(|span| matched(span)).map(|span| span.trace_id.as_str()).collect();
    check_at(&scale, &target, json!({ "statuses": ["ERROR"] }), matched).await;
    let body = json!({ "statuses": ["ERROR"], "with_children": true });
    check_at(&scale, &target, body, |span| traces.contains(span.trace_id.as_str())).await;

    let child = scale.spans().iter().find(|span| span.parent_id.is_some()).unwrap();
    let trace = &child.trace_id;
    let body = json!({ "parents_only": true, "trace_ids": [trace], "excluded_span_ids": [child.id] });
    check(&scale, body.clone(), |span| &span.trace_id == trace && span.parent_id.is_none()).await;
    let mut body = body;
    body["with_children"] = json!(true);
    check(&scale, body, |span| &span.trace_id == trace).await;
}

#[tokio::test]
async fn assessments_come_with_their_spans_if_asked_for() {
    let scale = start(500).await;
    let rows = export(&scale, json!({ "include_assessments": true })).await.rows();
    let mut sent: Vec<String> = rows
        .iter()
        .flat_map(|row| row["assessments"].as_array().unwrap())
        .map(|assessment| assessment.to_string())
        .collect();
    let mut made: Vec<String> = scale.assessments().map(|(_, assessment)| assessment.json.to_string()).collect();
    sent.sort();
    made.sort();
    assert_eq!(sent, made);
    for (span, assessment) in scale.assessments() {
        assert_eq!(assessment.json["span_id"], json!(span.id));
        assert_eq!(assessment.json["trace_id"], json!(span.trace_id));
        assert!(!assessment.json[assessment.assessment_type].is_null());
    }
}

#[tokio::test]
async fn a_signed_url_leads_to_the_same_file_as_often_as_it_is_used() {
    let scale = Scale::start(Options { shuffled: false, ..options(300) }).await.unwrap();
    for format in ["json", "jsonl", "csv"] {
        let direct = export(&scale, json!({ "export_format": format, "export_method": "direct" })).await;
        let signed = export(&scale, json!({ "export_format": format, "export_method": "signed_url" })).await.ok();
        assert!(signed.get("content").is_none());
        for _ in 0..2 {
            let file = download(&scale, signed["signed_url"].as_str().unwrap()).await;
            assert_eq!(file.status, 200);
            assert_eq!(file.body, direct.content());
        }
    }
}

#[tokio::test]
async fn the_object_storage_refuses_keys_other_signatures_unknown_objects_and_other_methods() {
    let scale = start(50).await;
    let answer = export(&scale, json!({ "export_method": "signed_url" })).await.ok();
    let url = answer["signed_url"].as_str().unwrap();
    let target = url.strip_prefix(&scale.url()).unwrap();
    assert_eq!(raw(&scale, "GET", target, KEY, "").await.status, 400);
    assert_eq!(raw(&scale, "GET", target, "Authorization: Bearer x\r\n", "").await.status, 400);
    assert_eq!(raw(&scale, "POST", target, "", "").await.status, 405);
    assert_eq!(download(&scale, url.split('?').next().unwrap()).await.status, 403);
    assert_eq!(download(&scale, &url.replace("/spans_", "/other_")).await.status, 404);
    assert_eq!(download(&scale, url).await.status, 200);
}

#[tokio::test]
async fn the_first_downloads_find_their_url_expired() {
    let scale = Scale::start(Options { signed_url_expired: 2, ..options(50) }).await.unwrap();
    for status in [403, 403, 200, 200] {
        let answer = export(&scale, json!({ "export_method": "signed_url" })).await.ok();
        let file = download(&scale, answer["signed_url"].as_str().unwrap()).await;
        assert_eq!(file.status, status);
        assert_eq!(file.body.contains("<Message>Request has expired</Message>"), status == 403);
    }
}

#[tokio::test]
async fn without_an_object_storage_there_is_no_signed_url() {
    let scale = Scale::start(Options { object_storage: false, ..options(50) }).await.unwrap();
    let answer = export(&scale, json!({ "export_method": "signed_url" })).await;
    assert_eq!((answer.status, answer.json()["detail"].is_string()), (501, true));
    assert_eq!(export(&scale, json!({})).await.rows().len(), 50);
}
