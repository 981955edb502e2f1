//! Every odd row stands where the table in `odd.rs` says, in the smallest data set that must have it.
use serde_json::Value;

use super::{TRACES, get, json, micros, options, start};
use crate::demo::data::Data;

#[test]
fn odd_requests() {
    let data = Data::new(&options(200));
    let rows: Vec<_> = data.requests().collect();
    let error = |index: usize| rows[index].error_message.as_deref();
    assert!(rows[10..=14].iter().all(|row| row.created_at == rows[10].created_at));
    assert!(rows[9].created_at > rows[10].created_at && rows[14].created_at > rows[15].created_at);
    assert_eq!((error(20), error(21)), (None, Some("")));
    assert!(error(22).unwrap().contains('🚧') && error(22).unwrap().contains("e\u{301}"));
    assert!(error(23).unwrap().contains('"') && error(23).unwrap().contains('\\'));
    assert!(error(24).unwrap().contains("\r\n\t"));
    assert!(error(25).unwrap().len() > 200_000 && error(26).unwrap().len() > 200_000);
    assert_eq!(rows[27].total_tokens, 9_007_199_254_740_993);
    assert_eq!(rows[28].cost_usd, Some(1e-9));
    assert_eq!((rows[29].cost_usd, rows[34].cost_usd, rows[35].cost_usd), (None, Some(0.0), Some(12.0)));
    let fractions: Vec<i64> = rows[30..=33].iter().map(|row| row.created_at % 1000).collect();
    assert_eq!(fractions, [987, 654, 1, 0]);
    assert!(rows[30..=33].iter().all(|row| row.created_at / 1000 == rows[30].created_at / 1000));
    let codes: Vec<i64> = rows[36..=41].iter().map(|row| row.status_code).collect();
    assert_eq!(codes, [0, 302, 499, 599, 600, 101]);
    assert_eq!((rows[50].model, rows[51].model), ("GPT-4o-2024-08-06", "ft:gpt_4o%mini:demo"));
    assert_eq!(rows[52].provider, "OpenAI");
    assert_eq!((rows[55].total_tokens, rows[55].latency_ms), (0, 0));
    assert_eq!((error(56), error(57), error(58)), (Some("  blanks around  "), Some("null"), Some("1e5")));
}

#[tokio::test]
async fn odd_requests_as_json_text() {
    let demo = start(200).await;
    let answer = json(&demo, super::REQUESTS, &[]).await;
    let rows = answer.rows();
    let has = |index: usize, name: &str| rows[index].as_object().unwrap().contains_key(name);
    // Row 10 to 14 and 30 to 33 may be turned, these not.
    assert!(!has(42, "error_message") && has(42, "trace_id"));
    assert!(!has(43, "trace_id"));
    assert!(!has(44, "cost_usd"));
    assert!(!has(45, "cost_usd") && !has(45, "error_message") && !has(45, "trace_id"));
    assert_eq!(rows[46]["metadata"]["deep"]["list"][1]["none"], Value::Null);
    assert_eq!(rows[49]["Größe"], "ß");
    for text in [
        r#""sequence":36893488147419103233"#,
        r#""price":1.10"#,
        r#""cost_usd":1e-9"#,
        r#""cost_usd":12,"#,
        r#""cost_usd":0,"#,
        r#""total_tokens":9007199254740993"#,
        r"\ud83d\ude00",
        r"\/",
    ] {
        assert!(answer.body.contains(text), "{text}");
    }
    // Whole milliseconds have three digits, others six.
    assert!(rows[0]["created_at"].as_str().unwrap().ends_with(".905Z"), "{}", rows[0]["created_at"]);
    assert_eq!(rows[30]["created_at"].as_str().unwrap().len(), "2026-05-15T09:00:00.000000Z".len());
}

#[tokio::test]
async fn odd_traces() {
    let demo = start(200).await;
    let traces: Vec<_> = demo.data().traces().collect();
    assert_eq!(traces.len(), 50);
    assert_eq!(traces[3].created_at, traces[4].created_at);
    assert!(traces[5].ended_at.is_none() && traces[5].duration_ms.is_none());
    assert_eq!(traces[6].started_at % 1_000_000, 0);
    assert_eq!((traces[7].status, traces[7].error_message), ("error", Some("")));
    assert_eq!((traces[12].status, traces[12].error_message), ("error", None));
    let rows = json(&demo, TRACES, &[]).await.rows();
    assert!(rows.iter().all(|row| row["created_at"].as_str().unwrap().ends_with("+00:00")));
    assert!(
        rows[6]["started_at"].as_str().unwrap().ends_with(":00+00:00")
            || !rows[6]["started_at"].as_str().unwrap().contains('.')
    );
    assert!(rows[9].get("error_message").is_none() && rows[11].get("ended_at").is_none());
    assert!(rows[11].get("duration_ms").is_none());
    assert!(rows[10]["metadata"].is_object());
    for (row, trace) in rows.iter().zip(&traces).filter(|(row, _)| row["created_at"] != rows[3]["created_at"]) {
        assert_eq!(row["id"], trace.id.as_str());
        assert_eq!(row["name"], trace.name);
        assert_eq!(micros(&row["created_at"]), trace.created_at);
        assert_eq!(micros(&row["started_at"]), trace.started_at);
        let ended_at = row.get("ended_at").filter(|value| !value.is_null()).map(micros);
        assert_eq!(ended_at, trace.ended_at);
        assert_eq!(row["total_cost_usd"].as_f64(), Some(trace.total_cost_usd));
    }
}

#[tokio::test]
async fn odd_security_flags() {
    let demo = start(200).await;
    let rows = json(&demo, super::SECURITY, &[]).await.rows();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0]["flags"], Value::Array(vec![]));
    assert_eq!(rows[1]["flags"].as_array().unwrap().len(), 10);
    assert_eq!(rows[1]["flags"][0]["type"], "pii");
    assert_eq!(rows[2]["flags"][0]["pattern"], "prompt-injection:reveal-system-ko");
    for (row, typed) in rows.iter().zip(demo.data().security()) {
        assert_eq!(row["id"], typed.id.as_str());
        assert_eq!(row["flags"], serde_json::from_str::<Value>(&typed.flags_json()).unwrap());
        assert_eq!(micros(&row["created_at"]), typed.created_at);
        let request = demo.data().requests().find(|request| request.id == typed.id).unwrap();
        assert_eq!((request.status_code, request.created_at), (typed.status_code, typed.created_at));
    }
}

#[tokio::test]
async fn two_anomalies_cannot_be_told_apart() {
    let demo = start(200).await;
    let rows = json(&demo, super::ANOMALIES, &[]).await.rows();
    assert_eq!(rows.len(), 60);
    assert_eq!(rows[0], rows[1]);
    let typed: Vec<_> = demo.data().anomalies().collect();
    assert_ne!(typed[0].detected_at, typed[1].detected_at);
    assert!(typed.is_sorted_by(|left, right| left.deviations >= right.deviations && right.deviations >= 3.0));
    let csv = get(&demo, super::ANOMALIES).await.body;
    assert!(csv.starts_with("provider,model,kind,current_value,baseline_mean,baseline_stddev,deviations,"));
}
