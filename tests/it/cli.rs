//! The program itself: arguments, exit codes, texts.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_spanwire");

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .env_remove("SPANWIRE_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("standard input").write_all(input.as_bytes()).expect("input");
    child.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running demo. Its standard output stays open, because the program ends when it cannot write.
struct Demo {
    process: Child,
    port: u16,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn demo() -> Demo {
    let mut child = Command::new(PROGRAM)
        .args(["demo", "--port", "0", "--rows", "300"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("standard output")).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("port=")?;
        rest.split(' ').next()?.parse().ok()
    });
    Demo { process: child, port: port.expect("the psql line names the port"), _output: lines }
}

#[test]
fn wrong_usage_exits_with_2_and_help_with_0() {
    let wrong = run(&["dmo"], "");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("demo"), "{}", text(&wrong.stderr));
    let help = run(&["--help"], "");
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("healthcheck"));
    assert_eq!(text(&run(&["--version"], "").stdout), format!("spanwire {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn password_makes_a_verifier_of_its_own_each_time() {
    let (first, second) = (run(&["password"], "demo\n"), run(&["password"], "demo\n"));
    assert!(text(&first.stdout).starts_with("SCRAM-SHA-256$4096:"), "{}", text(&first.stdout));
    assert_ne!(first.stdout, second.stdout);
    assert_eq!(run(&["password"], "").status.code(), Some(1));
}

#[test]
fn check_lists_all_faults_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("spanwire.toml");
    let file = "listen = \"nowhere\"\n[[source]]\nname = \"Bad Name\"\nkind = \"spanlenz\"\nbase_url = \"http://example.com\"\ncredential = \"test-token\"\n[limits]\nconections = 3\n";
    std::fs::write(&path, file).expect("a file");
    let output = run(&["check", "--config", &path.display().to_string()], "");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for part in [
        "spanwire.toml:1: listen",
        "source[0].name",
        "source[0].kind",
        "source[0].base_url",
        "limits.conections",
        "user",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    assert!(!said.contains("test-token"), "{said}");
}

#[test]
fn healthcheck_and_check_ask_a_running_gateway_and_its_source() {
    let demo = demo();
    let address = format!("127.0.0.1:{}", demo.port);
    assert_eq!(run(&["healthcheck", "--address", &address], "").status.code(), Some(0));
    drop(demo);
    let output = run(&["healthcheck", "--address", &address], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no gateway answers on"), "{}", text(&output.stderr));
}

#[test]
fn explain_prints_the_request_without_calling() {
    let sql = "SELECT id FROM spanlens.requests WHERE provider = 'openai' AND model ILIKE '%mini%' AND created_at >= '2026-05-01' ORDER BY created_at DESC LIMIT 50";
    let output = run(&["explain", sql], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let request =
        "GET /api/v1/exports/requests?format=json&from=2026-05-01T00:00:00.000Z&provider=openai&model=mini&limit=50";
    assert!(said.contains(request), "{said}");
    let wrong = run(&["explain", "SELECT nope FROM spanlens.requests"], "");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("column \"nope\" does not exist"), "{}", text(&wrong.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_chains_are_answered_or_refused_and_never_end_the_program() {
    let demo = demo();
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(demo.port).user("demo").password("demo");
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("the demo lets demo in");
    tokio::spawn(connection);
    let chain = |n: usize| format!("SELECT {}", vec!["1"; n].join("+"));
    let ors = |n: i64| (0..n).map(|at| format!("latency_ms={at}")).collect::<Vec<_>>().join(" OR ");
    assert_eq!(crate::support::value(&client, &chain(1_500)).await, "1500");
    let filter = format!("SELECT count(*) >= 0 FROM spanlens.requests WHERE {}", ors(1_500));
    assert_eq!(crate::support::value(&client, &filter).await, "t");
    for sql in [chain(20_000), format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000))] {
        assert_eq!(crate::support::fault(&client, &sql).await.0, "54001");
    }
    assert_eq!(crate::support::value(&client, "SELECT 'alive'").await, "alive");
}
