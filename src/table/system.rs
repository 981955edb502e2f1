//! The views of schema `spanwire`: what the gateway knows of itself, as tables of the engine. Each is a description, as
//! the vendors' tables have one, and a function that gives its rows at the moment of the scan.
//!
//! A session sees its own sources, the scans of its own user and the quota under that user's credentials, nothing else.

mod rows;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as EngineResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream;

use crate::model::journal::Journal;
use crate::model::scan::{Fetch, Source};
use crate::model::table::{Column, TABLE, Table, Type, bigint, double, jsonb, text, timestamptz};
use crate::table::provider::external;
use rows::Cell;

/// Name of the schema.
pub const SCHEMA: &str = "spanwire";

/// One view.
#[derive(Debug)]
pub struct View {
    /// Its name, columns and comments.
    pub table: Table,
    rows: fn(&Live) -> Vec<Vec<Cell>>,
}

/// What a session sees of the gateway, alive.
#[derive(Debug)]
pub struct Live {
    /// The sources that it sees.
    pub sources: Vec<Arc<Source>>,
    /// Whose session it is.
    pub user: String,
    /// The user's scans.
    pub journal: Arc<Journal>,
    /// Knows the quotas.
    pub fetch: Arc<dyn Fetch>,
}

const fn boolean(name: &'static str) -> Column {
    Column { ty: Type::Boolean, ..text(name) }
}

const SOURCE: Column = text("source").doc("Name of the source, which is the schema of its tables.");
const TABLE_NAME: Column = text("table_name").doc("Name of the table within its source.");

/// All views.
pub static VIEWS: &[View] = &[
    View {
        table: Table {
            name: "sources",
            doc: "The sources that you see, one row each.",
            columns: &[
                text("name").doc("Name of the source, which is the schema of its tables."),
                text("kind").doc("The vendor, by the word that the configuration uses."),
                text("title").doc("The vendor's own name."),
                text("base_url").doc("Where the source is called. Holds no credential."),
                text("documented_base_url").doc("Where the vendor's documents say that it is called."),
                bigint("quota_calls").unit("calls").doc("Calls allowed in any window of quota_per_seconds."),
                double("quota_per_seconds").unit("s").doc("Length of that window."),
                bigint("quota_concurrency").unit("calls").doc("Calls under way at once at the most."),
                double("lookback_seconds")
                    .unit("s")
                    .doc("How far back a statement without a lower time bound reads, unless spanwire.lookback is set."),
                bigint("tables").doc("Number of tables."),
            ],
            ..TABLE
        },
        rows: rows::sources,
    },
    View {
        table: Table {
            name: "pushdown",
            doc: "What upstream can filter by: one row for each column and comparison, and one for each column without.",
            columns: &[
                SOURCE,
                TABLE_NAME,
                text("column_name").doc("Name of the column."),
                text("data_type").doc("SQL type of the column."),
                text("unit").null().doc("Unit of a number."),
                text("path").null().doc("For a jsonb column: what of it is compared, … being any key."),
                text("operator").null().doc("The comparison that is sent; NULL if the rows are filtered here only."),
                text("operand").null().doc("What the other side may be; NULL if any value will do."),
                text("parameter").null().doc("Name of upstream's own parameter or field."),
                text("fidelity")
                    .null()
                    .doc("pushed: exactly the rows that match come. re-checked: others come too and are dropped here."),
                boolean("filter_only").doc("Upstream filters by the column but does not return it."),
                boolean("sortable").doc("Upstream can send the rows in the order of the column."),
            ],
            ..TABLE
        },
        rows: rows::pushdown,
    },
    View {
        table: Table {
            name: "scans",
            doc: "Your last 1,000 scans of upstream tables, newest last, with how complete each was.",
            columns: &[
                bigint("id").doc("Number of the scan among yours since the gateway started."),
                bigint("statement_id").doc("Number of the statement; the scans of one statement have the same."),
                timestamptz("started_at").doc("When the scan began."),
                SOURCE,
                TABLE_NAME,
                text("state").doc(
                    "running; complete: all rows were read; stopped: nobody wanted more of them, as LIMIT was reached or the statement ended; truncated: upstream cut an answer; partial or failed: see error.",
                ),
                bigint("calls").unit("calls").doc("HTTP calls, repeated ones among them."),
                bigint("rows").unit("rows").doc("Rows that came, before any filter of the gateway."),
                bigint("held").unit("rows").doc("Rows that were held already, before any filter of the gateway."),
                bigint("stale")
                    .unit("rows")
                    .doc("Those among them that may have changed since they were read, as spanwire.max_staleness allows."),
                bigint("bytes").unit("bytes").doc("Size of the answers after decompression."),
                double("waited_ms").unit("ms").doc("Time spent waiting for the quota."),
                jsonb("requests")
                    .doc("The requests sent, as an array; only the first of them if there were very many, fewer for old scans."),
                text("error").null().doc("Why the scan failed."),
            ],
            ..TABLE
        },
        rows: rows::scans,
    },
    View {
        table: Table {
            name: "segments",
            doc: "The rows that are held: one row for each time range without a gap, or for the keys of a table. Statements over it call no upstream.",
            columns: &[
                SOURCE,
                TABLE_NAME,
                jsonb("filters").doc("The filters that upstream was sent, as an array; empty if all rows are held."),
                bigint("keys").null().unit("keys").doc(
                    "Of how many keys the rows are held, of a table whose rows come only by key; else NULL.",
                ),
                timestamptz("from_time").null().doc(
                    "Begin of the time range; NULL if it has none, or nothing is held. With keys, time of the first row.",
                ),
                timestamptz("to_time")
                    .null()
                    .doc("End of the time range; NULL if it reaches to what had come at read_at, or nothing is held."),
                timestamptz("read_at").null().doc("When the youngest part was read."),
                bigint("segments").unit("segments").doc("Segments that it consists of."),
                bigint("rows").unit("rows").doc("Rows."),
                bigint("memory").unit("bytes").doc("Bytes of rows that are in memory only."),
                bigint("disk").unit("bytes").doc("Bytes of files."),
                double("calls").unit("calls").doc("Upstream calls that it took to read it."),
                double("sync_since_seconds")
                    .null()
                    .unit("s")
                    .doc("How far back the table is kept filled in the background; NULL if it is not."),
                double("sync_covered").null().doc("The part of that which is held, from 0 to 1."),
                text("sync_state").null().doc("filling; filled: only new rows are read; failing: see sync_error."),
                text("sync_error").null().doc("Why filling fails."),
            ],
            ..TABLE
        },
        rows: rows::segments,
    },
    View {
        table: Table {
            name: "quota",
            doc: "What is used of each source's quota now, under the credential that is yours.",
            columns: &[
                SOURCE,
                bigint("calls")
                    .unit("calls")
                    .doc("Calls allowed in any window of per_seconds: as configured, or fewer if upstream says so."),
                double("per_seconds").unit("s").doc("Length of that window."),
                bigint("concurrency").unit("calls").doc("Calls under way at once at the most."),
                bigint("used").unit("calls").doc(
                    "Calls made in the window that ends now, those of others that upstream told of, and those under way.",
                ),
                bigint("under_way").unit("calls").doc("Calls under way."),
                bigint("waiting").unit("scans").doc("Scans that wait for a call, of all who share the credential."),
                double("wait_seconds").unit("s").doc("How long until the next call can be made at the earliest."),
                timestamptz("next_free").null().doc("When that is; NULL if a call can be made at once."),
            ],
            ..TABLE
        },
        rows: rows::quota,
    },
];

/// One view in one session.
#[derive(Debug)]
pub struct Provider {
    view: &'static View,
    schema: SchemaRef,
    live: Arc<Live>,
}

impl Provider {
    /// Makes the provider of a view; times are in `zone`.
    pub fn new(view: &'static View, zone: &Arc<str>, live: Arc<Live>) -> Self {
        Provider { view, schema: view.table.schema(zone), live }
    }
}

#[async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let (schema, live) = (Arc::clone(&self.schema), Arc::clone(&self.live));
        let now = Now { view: self.view, schema: Arc::clone(&schema), live };
        let exec = StreamingTableExec::try_new(schema, vec![Arc::new(now)], projection, [], false, None)?;
        Ok(Arc::new(exec))
    }
}

/// The rows of a view when it is run, not when it was planned.
#[derive(Debug)]
struct Now {
    view: &'static View,
    schema: SchemaRef,
    live: Arc<Live>,
}

impl PartitionStream for Now {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (view, schema, live) = (self.view, Arc::clone(&self.schema), Arc::clone(&self.live));
        let batch = async move { rows::batch(&view.table, schema, (view.rows)(&live)).map_err(external) };
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::once(batch)))
    }
}
