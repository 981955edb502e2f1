//! Rows on disk: filled by a process that is killed, found by others, looked at and dropped by commands.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::support::{fault, gate, rows, value};

const PROGRAM: &str = env!("CARGO_BIN_EXE_spanwire");
const ROWS: usize = 60_000;

/// A demo of one vendor alone, whose standard output stays open, because the program ends when it cannot write.
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

fn upstream(vendor: &str, rows: usize) -> Upstream {
    let rows = rows.to_string();
    let mut process = Command::new(PROGRAM)
        .args(["demo", "--only", vendor, "--port", "0", "--calls-per-minute", "0", "--rows", &rows])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut output = BufReader::new(process.stdout.take().expect("standard output"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    let begin = format!("Demo upstream {vendor} at ");
    let url = line.trim().strip_prefix(&begin).expect("the first line names the upstream");
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
    let upstream = upstream("spanlens", ROWS);
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
    let upstream = upstream("spanlens", ROWS);
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

#[tokio::test(flavor = "multi_thread")]
async fn traces_are_filled_one_by_one_and_none_is_asked_for_twice() {
    let upstream = upstream("trulayer", 20_000);
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("held");
    let text_of = configuration(&upstream.url, &dir).replace("spanlens", "trulayer");
    let path = folder.path().join("spanwire.toml");
    let sync = "sync = { tables = [\"spans\"], since = \"60d\", every = \"1h\", share = 1.0 }\n";
    std::fs::write(&path, text_of.replace("SYNC", sync)).expect("a file");
    let config = path.display().to_string();
    let listed = || text(&ran(&["cache", "ls", "--config", &config]).stdout);
    let keys = |listed: &str| {
        let line = listed.lines().find(|line| line.starts_with("trulayer.spans\t")).map(str::to_owned);
        line.map_or(0, |line| line.split('\t').nth(7).expect("calls").parse::<usize>().expect("a number"))
    };
    let mut filling = program(&["sync", "--quiet", "--config", &config])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    // The list is read first; each trace then makes the database larger.
    let size = || std::fs::metadata(dir.join("manifest.redb")).map_or(0, |file| file.len());
    let mut begun = None;
    while filling.try_wait().expect("a process").is_none() {
        let files = std::fs::read_dir(dir.join("segments")).map_or(0, Iterator::count);
        if begun.is_none() && files > 0 {
            begun = Some(size());
        }
        if begun.is_some_and(|begun| size() > begun) {
            break;
        }
        tokio::task::yield_now().await;
    }
    filling.kill().expect("it can be killed");
    filling.wait().expect("it has ended");
    let before = keys(&listed());
    assert!(before > 0, "{}", listed());
    let filled = ran(&["sync", "--config", &config]);
    assert!(filled.status.success(), "{}", text(&filled.stderr));
    let all = keys(&listed());
    let told = text(&filled.stdout);
    let calls = told.split(" rows read by ").nth(1).and_then(|rest| rest.split(' ').next()).expect("calls");
    // The list again from where it stood, and each trace that was missing.
    let calls: usize = calls.parse().expect("a number");
    assert!(calls <= all - before + 3 + all / 200, "{calls} calls, {before} of {all} traces were held: {told}");

    // A gateway that fills nothing by itself.
    let rows_held = {
        let gate = gate(&text_of.replace("SYNC", "")).await;
        let client = gate.client().await;
        client.batch_execute("SET spanwire.cache = only; SET spanwire.lookback = '50 days'").await.expect("settings");
        let traces = value(&client, "SELECT count(*) FROM trulayer.traces").await;
        let with_spans = value(&client, "SELECT count(*) FROM trulayer.traces WHERE span_count > 0").await;
        assert_ne!(with_spans, traces, "some have none, which is held as well");
        assert_eq!(value(&client, "SELECT count(DISTINCT trace_id) FROM trulayer.spans").await, with_spans);
        let of_failed = "SELECT count(*) FROM trulayer.traces t JOIN trulayer.spans s ON s.trace_id = t.id WHERE t.error IS NOT NULL";
        assert_ne!(value(&client, of_failed).await, "0");
        let scans = "SELECT sum(calls), min(held) > 0 FROM spanwire.scans WHERE table_name = 'spans'";
        assert_eq!(rows(&client, scans).await, [["0", "t"].map(|text| Some(text.to_owned()))]);
        let told =
            "SELECT keys, rows > keys, disk > 0, memory < 20000 FROM spanwire.segments WHERE table_name = 'spans'";
        let expected = [traces.as_str(), "t", "t", "t"].map(|text| Some(text.to_owned()));
        assert_eq!(rows(&client, told).await, [expected]);
        let trace = value(&client, "SELECT id FROM trulayer.traces ORDER BY started_at LIMIT 1").await;
        let plan = format!("EXPLAIN SELECT * FROM trulayer.spans WHERE trace_id = '{trace}'");
        let lines: Vec<String> = rows(&client, &plan).await.into_iter().flatten().flatten().collect();
        assert!(lines.iter().any(|line| line.contains("Calls Expected: 0")), "{lines:?}");
        let plan = format!(
            "EXPLAIN SELECT * FROM trulayer.spans WHERE trace_id IN ('{trace}', '{}')",
            "0".repeat(8) + "-0000-4000-8000-000000000000"
        );
        let lines: Vec<String> = rows(&client, &plan).await.into_iter().flatten().flatten().collect();
        let expected = "Calls Expected: 1, one for each trace_id that is not held";
        assert!(lines.iter().any(|line| line.contains(expected)), "{lines:?}");
        value(&client, "SELECT count(*) FROM trulayer.spans").await
    };
    assert!(listed().contains("\tby key\n"), "{}", listed());
    let verified = ran(&["cache", "verify", "--config", &config]);
    assert!(
        verified.status.success() && text(&verified.stdout).contains(&format!("{all} keys, 0 damaged")),
        "{verified:?}"
    );
    let purged = ran(&["cache", "purge", "--table", "spans", "--config", &config]);
    assert!(purged.status.success() && text(&purged.stdout).contains(&format!("{rows_held} rows")), "{purged:?}");
    assert_eq!(keys(&listed()), 0);
}
