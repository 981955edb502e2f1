//! An upstream of a few tables in memory, two of which give rows only by key, and an engine over it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::sqlparser::ast;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::error::Result;
use crate::model::connector::{Auth, Body, Connector, Paging, Quota, Request, Told, never_absent, plain_refusal};
use crate::model::push::{Op, push};
use crate::model::scan::{At, Batches, Fetch, Keys, Page, Range, Scan, Source};
use crate::model::statement::Statement;
use crate::model::table::Fidelity::Superset;
use crate::model::table::{Column, Lookup, TABLE, Table, Type, bigint, text, timestamptz};
use crate::pgtype::style::Style;
use crate::sql::analyze::Targets;
use crate::sql::engine::{Engine, Plan, Rows, View, Viewer};
use crate::sql::facts::Facts;
use crate::sql::timezone::Zone;
use crate::table::provider::Settings;

const TIME: Column =
    timestamptz("at").push(&[push(Op::AtLeast(1), "from", Superset), push(Op::AtMost(1), "to", Superset)]);
const ROWS: Table =
    Table { time: Some("at"), body: Body::Rows { keys: &[], count: false }, paging: Paging::One, ..TABLE };

const TRACES: Table = Table {
    name: "traces",
    columns: &[text("id"), text("kind"), text("owner").null(), bigint("number"), TIME],
    ..ROWS
};
/// Some of its `trace_id` are NULL, some are of no trace.
const NOTES: Table =
    Table { name: "notes", columns: &[text("id"), text("trace_id").null(), bigint("number"), TIME], ..ROWS };
const SPANS: Table = Table { name: "spans", columns: &[text("id"), text("trace_id"), bigint("tokens"), TIME], ..ROWS };
/// Only of traces whose id is a UUID.
const EVENTS: Table =
    Table { name: "events", columns: &[text("id"), text("trace_id"), bigint("tokens"), TIME], ..ROWS };

const BY_TRACE: Lookup =
    Lookup { column: "trace_id", parameter: "trace", uuid: false, list: "traces", list_column: "id", reach_us: 0 };

const CONNECTOR: Connector = Connector {
    kind: "fake",
    title: "Fake",
    base_url: "http://127.0.0.1",
    auth: Auth::Bearer,
    quota: Quota { calls: 10, per: Duration::from_secs(1), concurrency: 1 },
    told: Told::NOTHING,
    settings: &[],
    required: &[],
    tables: &[],
    request,
    refusal: plain_refusal,
    absent: never_absent,
};

/// Rows of spans and events come only by trace.
static KEYED: Connector = Connector {
    tables: &[
        TRACES,
        NOTES,
        Table { lookup: Some(BY_TRACE), ..SPANS },
        Table { lookup: Some(Lookup { uuid: true, reach_us: 3_600_000_000, ..BY_TRACE }), ..EVENTS },
    ],
    ..CONNECTOR
};

/// The same rows without keys: what is true.
static PLAIN: Connector = Connector { tables: &[TRACES, NOTES, SPANS, EVENTS], ..CONNECTOR };

fn request(scan: &Scan, page: &Page) -> Request {
    let key = match &page.at {
        At::Key(key) => vec![("trace", key.clone())],
        _ => Vec::new(),
    };
    Request::get(&format!("/{}", scan.table.name), key)
}

/// What was asked of upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) table: &'static str,
    /// None asks for all rows.
    pub(super) key: Option<String>,
    pub(super) range: Range,
}

#[derive(Debug, Default)]
pub(super) struct Upstream {
    pub(super) calls: Mutex<Vec<Call>>,
    /// Notes never come; while somebody waits for them, a sender lives.
    pub(super) stuck: Mutex<Option<mpsc::Sender<()>>>,
    /// Reading notes fails after the first row.
    pub(super) is_broken: bool,
    /// Reading notes panics.
    pub(super) panics: bool,
}

impl Upstream {
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The keys asked of a table, in order; None if all rows were asked for.
    pub(super) fn keys(&self, table: &str) -> Option<Vec<String>> {
        let calls = self.calls();
        let mut keys: Vec<String> =
            calls.into_iter().filter(|call| call.table == table).map(|call| call.key).collect::<Option<_>>()?;
        keys.sort_unstable();
        Some(keys)
    }
}

impl Fetch for Arc<Upstream> {
    fn fetch(&self, scan: Scan, _statement: Arc<Statement>) -> Batches {
        let own = Arc::clone(self);
        if scan.table.name == "notes"
            && let Some(held) = self.stuck.lock().unwrap().take()
        {
            let forever = async move {
                let _held = held;
                std::future::pending().await
            };
            return stream::once(forever).boxed();
        }
        let keys = async move {
            match &scan.keys {
                Keys::NotNeeded | Keys::Listed => vec![None],
                Keys::Known(keys) => keys.iter().cloned().map(Some).collect(),
                Keys::Awaited(slot) => slot.wait().await.iter().cloned().map(Some).collect(),
            }
            .into_iter()
            .map(move |key| own.call(&scan, key))
            .collect::<Vec<_>>()
        };
        keys.map(stream::iter).flatten_stream().then(|call| call).boxed()
    }

    fn wait(&self, _source: &Source, _user: &str) -> Duration {
        Duration::ZERO
    }
}

impl Upstream {
    /// One call: nothing is done before it is awaited.
    fn call(self: &Arc<Self>, scan: &Scan, key: Option<String>) -> BoxFuture<'static, Result<RecordBatch>> {
        let (own, scan) = (Arc::clone(self), scan.clone());
        async move {
            let table = scan.table.name;
            own.calls.lock().unwrap().push(Call { table, key: key.clone(), range: scan.range });
            assert!(!(own.panics && table == "notes"), "as a fault of the program");
            if own.is_broken && table == "notes" {
                return Err(crate::error::Error::canceled());
            }
            let mut rows = rows_of(table);
            let by = scan.table.position("trace_id");
            rows.retain(|row| key.is_none() || by.is_some_and(|by| row[by] == key));
            Ok(batch(&scan, &rows))
        }
        .boxed()
    }
}

/// The id of a trace; that of every other is a UUID.
pub(super) fn trace(number: usize) -> String {
    if number.is_multiple_of(2) { format!("00000000-0000-4000-8000-{number:012}") } else { format!("t{number:02}") }
}

type Row = Vec<Option<String>>;

fn rows_of(table: &str) -> Vec<Row> {
    let row = |cells: &[String]| cells.iter().cloned().map(Some).chain([Some("0".to_owned())]).collect::<Row>();
    let children = |name: &str, step: usize, wanted: fn(usize) -> bool| {
        let traces = (0..40).filter(move |n| wanted(*n));
        traces
            .flat_map(|n| (0..n % step).map(move |part| (n, part)))
            .map(|(n, part)| row(&[format!("{name}{n}.{part}"), trace(n), (n * 10 + part).to_string()]))
            .collect()
    };
    match table {
        "traces" => (0..40)
            .map(|n| {
                let mut cells = row(&[trace(n), format!("k{}", n % 8), format!("o{}", n % 3), n.to_string()]);
                cells[2] = cells[2].take().filter(|_| n % 5 > 0);
                cells
            })
            .collect(),
        "notes" => (0..14)
            .map(|n| {
                let mut cells = row(&[format!("n{n}"), trace(n * 5 % 55), n.to_string()]);
                cells[1] = cells[1].take().filter(|_| n % 4 > 0);
                cells
            })
            .collect(),
        "spans" => children("s", 4, |_| true),
        _ => children("e", 3, |n| n.is_multiple_of(2)),
    }
}

fn batch(scan: &Scan, rows: &[Row]) -> RecordBatch {
    let schema = scan.table.schema(&Arc::from("UTC")).project(&scan.projection).unwrap();
    let columns = scan.projection.iter().map(|&position| {
        let cells = rows.iter().map(|row| row[position].as_deref());
        let numbers = || cells.clone().map(|cell| cell.map(|cell| cell.parse::<i64>().unwrap()));
        match scan.table.columns[position].ty {
            Type::Bigint => Arc::new(numbers().collect::<Int64Array>()) as ArrayRef,
            Type::Timestamptz => Arc::new(numbers().collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
            _ => Arc::new(cells.collect::<StringArray>()),
        }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(schema), columns.collect(), &options).unwrap()
}

/// An engine over the fake upstream, as source `f`.
pub(super) struct Bench {
    pub(super) upstream: Arc<Upstream>,
    pub(super) engine: Engine,
    pub(super) view: View,
}

pub(super) fn bench(upstream: Upstream) -> Bench {
    Bench::of(&KEYED, upstream)
}

pub(super) fn plain() -> Bench {
    Bench::of(&PLAIN, Upstream::default())
}

impl Bench {
    fn of(connector: &'static Connector, upstream: Upstream) -> Self {
        let upstream = Arc::new(upstream);
        let engine = Engine::new(Arc::new(Arc::clone(&upstream)), Handle::current(), 64 << 20, 64 << 20);
        let source = Source {
            name: "f".to_owned(),
            connector,
            base_url: "http://127.0.0.1".parse().unwrap(),
            quota: connector.quota,
            lookback: Duration::from_secs(3600),
            settle: Duration::ZERO,
            body_bytes: 1 << 20,
            settings: std::collections::BTreeMap::new(),
        };
        let facts = Facts {
            user: "u".to_owned(),
            database: "d".to_owned(),
            schema: None,
            version: "v".to_owned(),
            backend_pid: 1,
        };
        let settings = Settings {
            zone: Zone::utc(),
            lookback: None,
            pushdown: true,
            keeps: false,
            sample: false,
            switches: Vec::new(),
        };
        let viewer = Viewer {
            oids: Arc::default(),
            facts,
            style: Style::default(),
            variables: HashMap::new(),
            settings,
            search_path: vec!["f".to_owned()],
            sources: vec![Arc::new(source)],
            journal: Arc::default(),
            temporary: Vec::new(),
        };
        let view = engine.view(&viewer).unwrap();
        Bench { upstream, engine, view }
    }

    pub(super) async fn planned(&self, sql: &str) -> Plan {
        let ast = crate::sql::parse::statements(sql).unwrap().remove(0);
        let ast::Statement::Query(query) = ast else { panic!("{sql} is no query") };
        self.engine
            .plan(&self.view, &query, sql, &[], Targets::default())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    pub(super) async fn started(&self, sql: &str, statement: &Arc<Statement>) -> Rows {
        let plan = self.planned(sql).await;
        let started = self.engine.run(&self.view, &plan, Vec::new(), statement).await;
        started.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    pub(super) async fn physical(&self, sql: &str) -> Arc<dyn ExecutionPlan> {
        let plan = self.planned(sql).await;
        self.engine.physical(&self.view, &plan, Vec::new(), &statement()).await.unwrap()
    }

    /// The rows as text, in order of this text.
    pub(super) fn rows<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        async move {
            let mut rows = self.started(sql, &statement()).await;
            let mut lines = Vec::new();
            while let Some(batch) = rows.next().await {
                lines.extend(texts(&batch?));
            }
            lines.sort_unstable();
            Ok(lines)
        }
        .boxed()
    }
}

fn texts(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("∅");
    let columns: Vec<_> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    let line = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(line).collect()
}

pub(super) fn statement() -> Arc<Statement> {
    Arc::new(Statement::new("u", None, 1_000))
}
