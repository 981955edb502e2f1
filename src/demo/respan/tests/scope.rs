//! Tests of the window and of the environments that are listed.
use chrono::TimeDelta;

use super::{Answer, all, expected, get, now, post, same, start};
use crate::demo::respan::fields::time;
use crate::demo::respan::{Options, Respan};

const WIDE: [(&str, &str); 3] = [("start_time", "2000-01-01"), ("end_time", "2100-01-01"), ("page_size", "1000")];

async fn scoped(server: &Respan, params: &[(&str, &str)]) -> Answer {
    get(server, &[&WIDE[..], params].concat()).await
}

#[tokio::test(start_paused = true)]
async fn the_default_window_is_the_last_hour() {
    let server = start(900).await;
    let from = (now() - TimeDelta::hours(1)).timestamp_micros();
    let answer = get(&server, &[("all_envs", "true"), ("page_size", "1000")]).await;
    same(&server, &answer, "the last hour", |span| span.timestamp >= from);
    // Only the start is given: the end is now. Only the end: the start is an hour ago.
    let answer = get(&server, &[("all_envs", "true"), ("start_time", "2026-05-15T08:30:00Z")]).await;
    let half = now().timestamp_micros() - (30 * 60 + 30) * 1_000_000 - 250_000;
    same(&server, &answer, "since half past eight", |span| span.timestamp >= half);
    let answer = get(&server, &[("all_envs", "true"), ("end_time", "2026-05-15T08:30:00")]).await;
    same(&server, &answer, "up to half past eight", |span| span.timestamp >= from && span.timestamp <= half);
}

#[tokio::test]
async fn both_bounds_are_inclusive_to_the_microsecond_and_on_the_end_of_a_span() {
    let server = start(900).await;
    let mut times: Vec<i64> = server.spans().iter().map(|span| span.timestamp).collect();
    times.sort_unstable();
    let (first, last) = (times[300], times[600]);
    let window = |from: i64, to: i64| [("start_time", time(from)), ("end_time", time(to))];
    for (from, to) in [(first, last), (first + 1, last), (first, last - 1), (first, first)] {
        let bounds = window(from, to);
        let bounds: Vec<(&str, &str)> = bounds.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = get(&server, &[&bounds[..], &[("all_envs", "true"), ("page_size", "1000")]].concat()).await;
        same(&server, &answer, "a window", |span| (from..=to).contains(&span.timestamp));
    }
}

#[tokio::test]
async fn times_may_have_a_zone_or_no_time_of_day() {
    let server = start(900).await;
    let reference = scoped(&server, &[("start_time", "2026-05-10T00:00:00Z")]).await;
    assert!(reference.rows().len() > 10);
    for text in ["2026-05-10", "2026-05-10T00:00:00", "2026-05-10T02:00:00+02:00", "2026-05-10 00:00:00.000"] {
        let answer = scoped(&server, &[("start_time", text)]).await;
        assert_eq!(answer.ids(), reference.ids(), "{text}");
    }
}

#[tokio::test]
async fn only_production_is_listed_unless_said_otherwise() {
    let server = start(900).await;
    for params in [&[][..], &[("all_envs", "false")], &[("environment", "prod")]] {
        same(&server, &scoped(&server, params).await, "production", |span| span.environment == "prod");
    }
    let everything = scoped(&server, &[("all_envs", "true")]).await;
    assert_eq!(everything.rows().len(), 900);
    for environment in ["test", "staging"] {
        let answer = scoped(&server, &[("environment", environment)]).await;
        same(&server, &answer, environment, |span| span.environment == environment);
    }
}

#[tokio::test]
async fn is_test_overrides_all_envs() {
    let server = start(900).await;
    for all_envs in ["true", "false"] {
        let tests = scoped(&server, &[("is_test", "true"), ("all_envs", all_envs)]).await;
        same(&server, &tests, "tests", |span| span.environment == "test");
        let others = scoped(&server, &[("is_test", "false"), ("all_envs", all_envs)]).await;
        same(&server, &others, "no tests", |span| span.environment != "test");
    }
}

#[tokio::test]
async fn a_body_filter_on_the_environment_does_not_widen_the_scope() {
    let server = start(900).await;
    let body = r#"{"filters":{"environment":{"operator":"","value":["staging"]}}}"#;
    assert!(post(&server, &WIDE, body).await.rows().is_empty());
    same(&server, &all(&server, &[], body).await, "staging", |span| span.environment == "staging");
}

#[tokio::test]
async fn log_type_is_a_parameter() {
    let server = start(900).await;
    for log_type in ["chat", "embedding", "batch", "span"] {
        let answer = all(&server, &[("log_type", log_type)], "").await;
        same(&server, &answer, log_type, |span| span.log_type == log_type);
    }
    assert!(all(&server, &[("log_type", "CHAT")], "").await.rows().is_empty());
}

#[tokio::test]
async fn the_clock_of_the_server_starts_at_the_end_of_the_data() {
    let options = Options { rows: 500, now: "2001-02-03T04:05:06Z".parse().unwrap(), ..Options::default() };
    let server = Respan::start(options).await.unwrap();
    let recent = get(&server, &[("all_envs", "true"), ("page_size", "1000")]).await.rows().len();
    assert!(recent > 10 && recent < 200, "{recent}");
    assert_eq!(expected(&server, |_| true).len(), 500);
}
