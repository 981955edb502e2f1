//! The wire against a real PostgreSQL that holds the same 1,000,000 rows of 13 columns, in one run, alternating.
//!
//! `cargo bench --bench wire [-- ROWS]`. The client only receives; connecting is not timed. The gateway's rows are held as
//! batches in memory, as PostgreSQL's are in its cache, so that what is compared is planning, encoding and sending.
//! Needs PostgreSQL's server binaries (Debian: postgresql-15); as root it runs them as the user postgres.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use datafusion::arrow::record_batch::RecordBatch;
use futures::{StreamExt, stream};
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use spanwire::config::{self, Env};
use spanwire::demo::{Demo, Options};
use spanwire::model::scan::{Batches, Fetch, Scan, Source};
use spanwire::model::statement::Statement;
use spanwire::server::{self, Compute};
use spanwire::sql::engine::Engine;
use tokio_util::sync::CancellationToken;

const COLUMNS: &str = "id, project_id, provider, model, prompt_tokens, completion_tokens, total_tokens, cost_usd, latency_ms, status_code, error_message, trace_id, created_at";
const ROUNDS: usize = 7;

/// Batches in memory in the place of an upstream.
#[derive(Debug)]
struct Held(Vec<RecordBatch>);

impl Fetch for Held {
    fn fetch(&self, scan: Scan, _statement: Arc<Statement>) -> Batches {
        let project = move |batch: RecordBatch| Ok(batch.project(&scan.projection).expect("columns of the table"));
        stream::iter(self.0.clone()).map(project).boxed()
    }

    fn wait(&self, _source: &Source, _user: &str) -> Duration {
        Duration::ZERO
    }
}

fn main() {
    let rows = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    let compute = Compute::start().expect("threads");
    let (gateway, batches) = runtime.block_on(gateway(rows, &compute));
    let postgres = Postgres::start();
    load(&postgres, &gateway, rows);
    say(&format!("{rows} rows, {} batches held", batches));

    let select = format!("SELECT {COLUMNS} FROM spanlens.requests");
    let copy = |form: &str| format!("COPY ({select}) TO STDOUT (FORMAT {form})");
    let forms = [
        ("text", select.clone(), false),
        ("binary", select.clone(), true),
        ("COPY text", copy("text"), false),
        ("COPY csv", copy("csv"), false),
        ("COPY binary", copy("binary"), false),
    ];
    for (form, sql, binary) in forms {
        let (ours, theirs) = (receive(&gateway, &sql, binary, true), receive(&postgres.client, &sql, binary, true));
        assert_eq!(ours.digest, theirs.digest, "{form}: the bytes of all rows must be the same");
        let (mut our_times, mut their_times, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let ours = receive(&gateway, &sql, binary, false);
            their_times.push(receive(&postgres.client, &sql, binary, false).total);
            our_times.push(ours.total);
            firsts.push(ours.first);
        }
        let (ours, theirs) = (median(our_times), median(their_times));
        say(&format!(
            "{form:11}  spanwire {:.3} s  PostgreSQL {:.3} s  ratio {:.2}  first row {:.2} ms  (identical bytes)",
            ours.as_secs_f64(),
            theirs.as_secs_f64(),
            ours.as_secs_f64() / theirs.as_secs_f64(),
            median(firsts).as_secs_f64() * 1e3,
        ));
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// How to reach a server.
struct Target {
    address: SocketAddr,
    user: &'static str,
    password: &'static str,
    database: &'static str,
}

async fn gateway(rows: u64, compute: &Compute) -> (Target, usize) {
    let options = Options { rows, calls_per_minute: None, now: Utc::now(), ..Options::default() };
    let demo = Demo::start(options).await.expect("the demo starts");
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[[source]]\nname = \"spanlens\"\nkind = \"spanlens\"\nbase_url = \"{}\"\ncredential = \"demo-token\"\nquota = {{ calls = 1000000, per = \"1m\" }}\n[[user]]\nname = \"demo\"\npassword = \"demo\"\n",
        demo.spanlens_url()
    );
    let config = config::parse(&text, "bench", &Env::default(), &server::kinds()).expect("a configuration");
    let sources = server::sources(&config).expect("sources");
    let fetcher = server::fetcher(&config, &sources).expect("a fetcher");
    let table = &sources[0].connector.tables[0];
    let range = spanwire::model::scan::Range { from: Some(0), to: None };
    let scan = Scan { range, ..Scan::of(&sources[0], table) };
    let statement = Arc::new(Statement::new("demo", None, u32::MAX));
    let batches: Vec<RecordBatch> = fetcher.fetch(scan, statement).map(|batch| batch.expect("a batch")).collect().await;
    let n_batches = batches.len();
    let gateway = server::assemble(&config, compute).expect("a gateway");
    let mut gateway = Arc::into_inner(gateway).expect("nobody has it yet");
    gateway.engine = Engine::new(Arc::new(Held(batches)), compute.handle(), 1 << 30, 1 << 30);
    let listeners = server::listen(&config).await.expect("a free port");
    let address = listeners[0].local_addr().expect("an address");
    tokio::spawn(server::run(listeners, Arc::new(gateway), None, CancellationToken::new()));
    (Target { address, user: "demo", password: "demo", database: "spanwire" }, n_batches)
}

/// A cluster of its own in a temporary folder.
struct Postgres {
    process: Child,
    folder: PathBuf,
    client: Target,
}

impl Postgres {
    fn start() -> Self {
        let bin = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed").flatten();
        let bin =
            bin.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").exists()).expect("initdb");
        let folder = std::env::temp_dir().join(format!("spanwire-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|own| own.local_addr()).expect("a port").port();
        let data = folder.join("data");
        let as_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0"));
        let command = |program: &str| {
            if as_root {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--"]).arg(bin.join(program));
                command
            } else {
                Command::new(bin.join(program))
            }
        };
        if as_root {
            assert!(Command::new("chown").arg("postgres").arg(&folder).status().expect("chown").success());
        }
        let made = command("initdb")
            .args(["-A", "trust", "-U", "bench", "-E", "UTF8", "--locale", "C", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(made.expect("initdb").success());
        let settings = ["shared_buffers=1GB", "synchronize_seqscans=off", "fsync=off", "TimeZone=UTC", "jit=off"];
        let mut server = command("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k"]).arg(&folder);
        for setting in settings {
            server.args(["-c", setting]);
        }
        let process = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("PostgreSQL starts");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        // It listens before it lets anybody in.
        let ready = || {
            let mut asked = Command::new(bin.join("pg_isready"));
            asked.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
            asked.status().is_ok_and(|status| status.success())
        };
        while !ready() {
            std::thread::yield_now();
        }
        Postgres { process, folder, client: Target { address, user: "bench", password: "", database: "postgres" } }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        if let Some(pid) = pid.lines().next() {
            let _ = Command::new("kill").args(["-INT", pid]).status();
        }
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Copies the rows that the gateway sends into PostgreSQL.
fn load(postgres: &Postgres, gateway: &Target, rows: u64) {
    let mut into = connect(&postgres.client);
    query(
        &mut into,
        "CREATE SCHEMA spanlens; CREATE TABLE spanlens.requests (id text, project_id text, provider text, model text, prompt_tokens bigint, completion_tokens bigint, total_tokens bigint, cost_usd float8, latency_ms bigint, status_code bigint, error_message text, trace_id text, created_at timestamptz)",
    );
    until_ready(&mut into, |_, _| {});
    query(&mut into, "COPY spanlens.requests FROM STDIN");
    let mut from = connect(gateway);
    query(&mut from, &format!("SELECT {COLUMNS} FROM spanlens.requests"));
    let mut n_rows = 0;
    let mut buffer = Vec::new();
    until_ready(&mut from, |kind, body| {
        if kind == b'D' {
            n_rows += 1;
            copy_line(body, &mut buffer);
            if buffer.len() > 1 << 16 {
                send(into.get_mut(), b'd', &buffer);
                buffer.clear();
            }
        }
    });
    assert_eq!(n_rows, rows);
    send(into.get_mut(), b'd', &buffer);
    send(into.get_mut(), b'c', &[]);
    until_ready(&mut into, |_, _| {});
    query(&mut into, "VACUUM (ANALYZE) spanlens.requests");
    until_ready(&mut into, |_, _| {});
}

/// A DataRow in text as a line of COPY.
fn copy_line(row: &[u8], line: &mut Vec<u8>) {
    let mut at = 2;
    for column in 0..u16::from_be_bytes([row[0], row[1]]) {
        if column > 0 {
            line.push(b'\t');
        }
        let size = i32::from_be_bytes(row[at..at + 4].try_into().expect("four bytes"));
        at += 4;
        let Ok(size) = usize::try_from(size) else {
            line.extend(b"\\N");
            continue;
        };
        for &byte in &row[at..at + size] {
            match byte {
                b'\\' => line.extend(b"\\\\"),
                b'\n' => line.extend(b"\\n"),
                b'\r' => line.extend(b"\\r"),
                b'\t' => line.extend(b"\\t"),
                other => line.push(other),
            }
        }
        at += size;
    }
    line.push(b'\n');
}

struct Received {
    total: Duration,
    first: Duration,
    /// Of all rows, whatever their order; 0 if not asked for.
    digest: u64,
}

/// Sends a query and reads until the end. With `check`, looks into every message; without, only takes the bytes.
fn receive(target: &Target, sql: &str, binary: bool, check: bool) -> Received {
    let mut socket = connect(target);
    let begun = Instant::now();
    if binary {
        extended(socket.get_mut(), sql);
    } else {
        query(&mut socket, sql);
    }
    if check {
        let mut digest = 0_u64;
        until_ready(&mut socket, |kind, body| {
            assert_ne!(kind, b'E', "{}", String::from_utf8_lossy(body));
            if matches!(kind, b'D' | b'd') {
                // The header of a binary COPY comes with the first row, which need not be the same.
                let body = if body.starts_with(b"PGCOPY\n") { &body[19..] } else { body };
                // A heap does not keep the order of insertion, so rows are compared as a bag: by the sum of their FNV-1a.
                let hash = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                digest = digest.wrapping_add(body.iter().fold(0xcbf2_9ce4_8422_2325, hash));
            }
        });
        return Received { total: begun.elapsed(), first: Duration::ZERO, digest };
    }
    let mut buffer = vec![0; 1 << 20];
    let (mut first, mut tail) = (None, [0; 6]);
    loop {
        let n = socket.get_mut().read(&mut buffer).expect("bytes");
        assert!(n > 0, "the server left");
        first.get_or_insert_with(|| begun.elapsed());
        let last = &buffer[n.saturating_sub(6)..n];
        tail.rotate_left(last.len());
        tail[6 - last.len()..].copy_from_slice(last);
        // ReadyForQuery in the idle state.
        if tail == [b'Z', 0, 0, 0, 5, b'I'] {
            return Received { total: begun.elapsed(), first: first.unwrap_or_default(), digest: 0 };
        }
    }
}

type Socket = BufReader<TcpStream>;

fn connect(target: &Target) -> Socket {
    let mut socket = TcpStream::connect(target.address).expect("a connection");
    socket.set_nodelay(true).expect("an option of every socket");
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for word in ["user", target.user, "database", target.database, ""] {
        body.extend(word.as_bytes());
        body.push(0);
    }
    socket.write_all(&u32::try_from(body.len() + 4).expect("short").to_be_bytes()).expect("sent");
    socket.write_all(&body).expect("sent");
    let mut socket = BufReader::with_capacity(1 << 20, socket);
    let mut scram = ScramSha256::new(target.password.as_bytes(), ChannelBinding::unsupported());
    loop {
        let (kind, body) = message(&mut socket);
        match (kind, body.get(..4)) {
            (b'Z', _) => return socket,
            (b'E', _) => panic!("{}", String::from_utf8_lossy(&body)),
            (b'R', Some([0, 0, 0, 10])) => {
                let mut reply = SCRAM_SHA_256.as_bytes().to_vec();
                reply.push(0);
                reply.extend(u32::try_from(scram.message().len()).expect("short").to_be_bytes());
                reply.extend(scram.message());
                send(socket.get_mut(), b'p', &reply);
            }
            (b'R', Some([0, 0, 0, 11])) => {
                scram.update(&body[4..]).expect("SCRAM goes on");
                send(socket.get_mut(), b'p', scram.message());
            }
            _ => {}
        }
    }
}

fn send(socket: &mut TcpStream, kind: u8, body: &[u8]) {
    let mut bytes = vec![kind];
    bytes.extend(u32::try_from(body.len() + 4).expect("short").to_be_bytes());
    bytes.extend(body);
    socket.write_all(&bytes).expect("sent");
}

fn query(socket: &mut Socket, sql: &str) {
    let mut body = sql.as_bytes().to_vec();
    body.push(0);
    send(socket.get_mut(), b'Q', &body);
}

/// Parse, Bind with binary results, Execute, Sync.
fn extended(socket: &mut TcpStream, sql: &str) {
    let mut parse = vec![0];
    parse.extend(sql.as_bytes());
    parse.extend([0, 0, 0]);
    send(socket, b'P', &parse);
    send(socket, b'B', &[0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
    send(socket, b'E', &[0, 0, 0, 0, 0]);
    send(socket, b'S', &[]);
}

fn message(socket: &mut Socket) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    socket.read_exact(&mut head).expect("a message");
    let size = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0; size as usize - 4];
    socket.read_exact(&mut body).expect("a message");
    (head[0], body)
}

fn until_ready(socket: &mut Socket, mut each: impl FnMut(u8, &[u8])) {
    loop {
        let (kind, body) = message(socket);
        assert_ne!(kind, b'E', "{}", String::from_utf8_lossy(&body));
        if kind == b'Z' || kind == b'G' {
            return;
        }
        each(kind, &body);
    }
}
