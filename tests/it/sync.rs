//! Rows on disk: filled by a process that is killed, found by others, looked at and dropped by commands.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::support::{fault, gate, rows, value};

const PROGRAM: &str = env!("CARGO_BIN_EXE_spanwire");
const ROWS: usize = 60_000;

/// A demo of Spanlens alone, whose standard output stays open, because the program ends when it cannot write.
struct Upstream {
    process: Child,
    url: String,
    _output: Box<dyn std::io::Read>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn upstream() -> Upstream {
    let rows = ROWS.to_string();
    let mut process = Command::new(PROGRAM)
        .args(["demo", "--only", "spanlens", "--port", "0", "--calls-per-minute", "0", "--rows", &rows])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut output = BufReader::new(process.stdout.take().expect("standard output"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    let url = line.trim().strip_prefix("Demo upstream spanlens at ").expect("the first line names the upstream");
    Upstream { url: url.to_owned(), process, _output: Box::new(output) }
}

fn configuration(url: &str, dir: &Path) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n\
         [cache]\ndir = \"{}\"\nmemory = \"64MB\"\n\
         [[source]]\nname = \"spanlens\"\nkind = \"spanlens\"\nbase_url = \"{url}\"\ncredential = \"demo-token\"\n\
         quota = {{ calls = 1000000, per = \"1m\" }}\n\
         SYNC\
         [[user]]\nname = \"demo\"\npassword = \"demo\"\n\
         [[user]]\nname = \"other\"\npassword = \"other\"\ncredentials = {{ spanlens = \"another-token\" }}\n",
        dir.display()
    )
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_remove("SPANWIRE_CONFIG").stdin(Stdio::null());
    command
}

fn ran(arguments: &[&str]) -> Output {
    program(arguments).output().expect("the program ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filling_that_is_killed_goes_on_where_it_stood_and_no_row_is_lost_or_doubled() {
    let upstream = upstream();
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("held");
    let text_of = configuration(&upstream.url, &dir);
    let path = folder.path().join("spanwire.toml");
    let sync = "sync = { tables = [\"requests\"], since = \"60d\", every = \"10m\", share = 1.0 }\n";
    std::fs::write(&path, text_of.replace("SYNC", sync)).expect("a file");
    let config = path.display().to_string();
    let held = || std::fs::read_dir(dir.join("segments")).map_or(0, Iterator::count);
    for kill in 1..=3 {
        let mut filling = program(&["sync", "--quiet", "--config", &config])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        // As soon as there is something to lose.
        let before = held();
        while filling.try_wait().expect("a process").is_none() && held() <= before.min(kill) {
            tokio::task::yield_now().await;
        }
        filling.kill().expect("it can be killed");
        filling.wait().expect("it has ended");
        let verified = ran(&["cache", "verify", "--config", &config]);
        assert!(verified.status.success(), "{} {}", text(&verified.stdout), text(&verified.stderr));
    }
    let filled = ran(&["sync", "--config", &config]);
    assert!(filled.status.success(), "{}", text(&filled.stderr));
    assert!(text(&filled.stdout).contains("spanlens.requests: "), "{}", text(&filled.stdout));

    // A gateway that fills nothing by itself.
    {
        let gate = gate(&text_of.replace("SYNC", "")).await;
        let client = gate.client().await;
        client.batch_execute("SET spanwire.cache = only; SET spanwire.lookback = '50 days'").await.expect("settings");
        assert_eq!(value(&client, "SELECT count(*) FROM spanlens.requests").await, ROWS.to_string());
        assert_eq!(value(&client, "SELECT count(DISTINCT id) FROM spanlens.requests").await, ROWS.to_string());
        let told = "SELECT sum(rows), sum(segments) > 0, min(filters::text), bool_and(sync_state IS NULL) FROM spanwire.segments";
        let expected = [ROWS.to_string().as_str(), "t", "[]", "t"].map(|text| Some(text.to_owned()));
        assert_eq!(rows(&client, told).await, [expected]);
        // Whose credential is another finds nothing.
        let (other, connection) = gate
            .config()
            .user("other")
            .password("other")
            .connect(tokio_postgres::NoTls)
            .await
            .expect("other is let in");
        tokio::spawn(connection);
        assert_eq!(value(&other, "SELECT count(*) FROM spanwire.segments").await, "0");
        other.batch_execute("SET spanwire.cache = only").await.expect("a setting");
        assert_eq!(fault(&other, "SELECT count(*) FROM spanlens.requests").await.0, "55000");
        // A command finds the directory in use.
        let refused = ran(&["cache", "ls", "--config", &config]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains("in use by another process"), "{}", text(&refused.stderr));
    }
    let listed = text(&ran(&["cache", "ls", "--config", &config]).stdout);
    assert!(listed.contains(&format!(" {ROWS} rows, ")), "{listed}");
    assert!(!listed.contains("demo-token"));
    assert!(!ran(&["cache", "purge", "--config", &config]).status.success(), "it must be said what to drop");
    let purged = ran(&["cache", "purge", "--table", "requests", "--config", &config]);
    assert!(purged.status.success(), "{}", text(&purged.stderr));
    assert_eq!(held(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_keeps_its_tables_filled() {
    let upstream = upstream();
    let folder = tempfile::tempdir().expect("a folder");
    let sync = "sync = { tables = [\"requests\", \"security\"], since = \"60d\", share = 1.0 }\n";
    let gate = gate(&configuration(&upstream.url, folder.path()).replace("SYNC", sync)).await;
    let client = gate.client().await;
    let filled = "SELECT count(*) FROM spanwire.segments WHERE sync_state = 'filled' AND sync_covered = 1";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
    while value(&client, filled).await != "2" {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", rows(&client, "TABLE spanwire.segments").await);
    }
    client.batch_execute("SET spanwire.lookback = '50 days'").await.expect("a setting");
    for sql in [
        "SELECT count(*) FROM spanlens.requests",
        "SELECT provider, count(*) FROM spanlens.requests WHERE status_code >= 400 GROUP BY 1",
        "SELECT id FROM spanlens.requests ORDER BY created_at DESC LIMIT 50",
        "SELECT count(*) FROM spanlens.security WHERE created_at > now() - interval '3 days'",
    ] {
        rows(&client, sql).await;
    }
    assert_eq!(value(&client, "SELECT count(*) FROM spanlens.requests").await, ROWS.to_string());
    let scans = "SELECT sum(calls), count(*) FILTER (WHERE held > 0), count(*) FROM spanwire.scans";
    assert_eq!(rows(&client, scans).await, [["0", "5", "5"].map(|text| Some(text.to_owned()))]);
}
