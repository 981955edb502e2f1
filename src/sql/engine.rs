//! Planning and running statements, on a runtime of its own so that a heavy join never starves the wire.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemoryCatalogProviderList, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::{ObjectName, Query};
use futures::{FutureExt, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc};

use crate::error::{Error, Result};
use crate::model::canonical::SHAPES;
use crate::model::journal::Journal;
use crate::model::scan::{Fetch, Source};
use crate::model::statement::Statement;
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::sql::analyze::{Environment, Targets, analyze, shown_schema};
use crate::sql::cursor::{Cursor, Motion};
use crate::sql::facts::Facts;
use crate::sql::fault::from_engine;
use crate::sql::parse::utility::Direction;
use crate::sql::relations::{Relations, TEMPORARY};
use crate::sql::scalar::external;
use crate::sql::values::parameter;
use crate::sql::{barrier, budget, cancel, lazy, memory, unnest, whole};
use crate::table::branch::Branches;
use crate::table::provider::{Provider, Settings};
use crate::table::{canonical, keyed, ordered, sampled, system};

/// Rows of a batch on its way to the client.
const BATCH_ROWS: usize = 8192;
/// Batches that may wait between the engine and the wire.
const CHANNEL: usize = 2;
/// Schema of the virtual tables over all sources.
const PUBLIC: &str = "public";
/// Name of the engine's catalog; clients never see it.
const CATALOG: &str = "spanwire";

/// The engine of the process: what all sessions share.
#[derive(Debug)]
pub struct Engine {
    template: SessionState,
    fetch: Arc<dyn Fetch>,
    runtime: Handle,
    memory: Arc<memory::Process>,
    query_memory: usize,
}

/// What one session sees of the engine. Made anew when a setting changes that plans depend on.
#[derive(Clone, Debug)]
pub struct View {
    state: SessionState,
    environment: Environment,
}

impl View {
    /// Whether a name means a relation.
    pub fn has(&self, name: &ObjectName) -> bool {
        self.environment.relations.find(name, "").is_ok()
    }
}

/// A statement that is planned but has no parameter values yet.
#[derive(Clone, Debug)]
pub struct Plan {
    query: Arc<Query>,
    sql: Arc<str>,
    targets: Arc<Targets>,
    /// `None` if the plan depends on the parameters' values or on the moment.
    logical: Option<LogicalPlan>,
    /// Types of `$1`, `$2`, ….
    pub parameters: Vec<PgType>,
    /// Columns of the result, named as the client sees them.
    pub schema: SchemaRef,
}

/// A running statement: its batches as they come. Dropping it stops everything behind it.
#[derive(Debug)]
pub struct Rows {
    /// Columns of the batches.
    pub schema: SchemaRef,
    origin: Origin,
    statement: Arc<Statement>,
}

/// Where rows come from.
#[derive(Debug)]
enum Origin {
    /// The engine.
    Running {
        batches: mpsc::Receiver<Result<RecordBatch>>,
        ended: bool,
        /// The engine's task, and the one that rings at the deadline.
        _tasks: [Owned; 2],
    },
    /// They are there.
    Ready(Option<RecordBatch>),
    /// A cursor, which goes on when they are sent.
    Fetched { cursor: Arc<Mutex<Cursor>>, motion: Motion },
}

/// A task that ends with its owner.
#[derive(Debug)]
struct Owned(tokio::task::JoinHandle<()>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a session is, for its view.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// What its functions tell.
    pub facts: Facts,
    /// How its values are written.
    pub style: Style,
    /// Its settings, by name.
    pub variables: HashMap<String, String>,
    /// What its scans obey.
    pub settings: Settings,
    /// Schemas in which unqualified names are looked for.
    pub search_path: Vec<String>,
    /// Sources it may see.
    pub sources: Vec<Arc<Source>>,
    /// The scans of its user.
    pub journal: Arc<Journal>,
    /// The numbers of its relations in `pg_class`.
    pub oids: Arc<HashMap<(String, String), u32>>,
    /// Its temporary tables by name.
    pub temporary: Vec<(String, Arc<dyn TableProvider>)>,
}

impl Engine {
    /// Makes the engine. `runtime` computes; `query_memory` and `total_memory` are bytes.
    pub fn new(fetch: Arc<dyn Fetch>, runtime: Handle, query_memory: usize, total_memory: usize) -> Self {
        let mut config = SessionConfig::new()
            .with_target_partitions(1)
            .with_batch_size(BATCH_ROWS)
            .with_default_catalog_and_schema(CATALOG, PUBLIC)
            .with_create_default_catalog_and_schema(false)
            .with_information_schema(false);
        let options = config.options_mut();
        // It takes a column for nullable in one place and not in another.
        options.execution.skip_physical_aggregate_schema_check = true;
        options.sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
        options.sql_parser.map_string_types_to_utf8view = false;
        options.sql_parser.enable_options_value_normalization = false;
        let rules = ordered::with_rule(PhysicalOptimizer::new().rules);
        let rules = sampled::with_rule(whole::with_rule(keyed::with_rule(barrier::with_rule(rules))));
        let template = SessionStateBuilder::new().with_config(config).with_default_features();
        let template = template.with_physical_optimizer_rules(rules).build();
        Engine { template, fetch, runtime, memory: memory::Process::new(total_memory), query_memory }
    }

    /// Where the rows come from.
    pub fn fetch(&self) -> &Arc<dyn Fetch> {
        &self.fetch
    }

    /// Memory for what a session holds beside its statements.
    pub fn session_memory(&self) -> Arc<dyn MemoryPool> {
        Arc::new(self.memory.query(self.query_memory))
    }

    /// Bytes of such a memory; given back when it is dropped.
    ///
    /// # Errors
    /// 53200 when there is not so much left.
    pub fn hold(&self, memory: &Arc<dyn MemoryPool>, bytes: usize) -> Result<MemoryReservation> {
        let reservation = MemoryConsumer::new("session").register(memory);
        reservation.try_grow(bytes).map_err(from_engine)?;
        Ok(reservation)
    }

    /// Computes something that never waits, away from the wire.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let done = self.runtime.spawn_blocking(work).await;
        done.map_err(|error| Error::internal(format!("a computation failed: {error}")))?
    }

    /// Makes a session's view of the tables.
    ///
    /// # Errors
    /// Never, unless the engine refuses a schema of ours.
    pub fn view(&self, viewer: &Viewer) -> Result<View> {
        let zone = viewer.settings.zone.name();
        let mut tables: HashMap<(String, String), Arc<dyn TableProvider>> = HashMap::new();
        // In this order a name that is like several finds one.
        let mut names = Vec::new();
        for source in &viewer.sources {
            for table in source.connector.tables {
                let (fetch, settings) = (Arc::clone(&self.fetch), viewer.settings.clone());
                let provider = Provider::new(Arc::clone(source), table, fetch, settings);
                let name = (source.name.clone(), table.name.to_owned());
                names.push(name.clone());
                tables.insert(name, Arc::new(provider));
            }
        }
        let mut search_path = viewer.search_path.clone();
        if !viewer.temporary.is_empty() {
            search_path.insert(0, TEMPORARY.to_owned());
        }
        for (name, provider) in &viewer.temporary {
            let name = (TEMPORARY.to_owned(), name.clone());
            names.push(name.clone());
            tables.insert(name, Arc::clone(provider));
        }
        let views = self.system(viewer).into_iter().map(|view| (system::SCHEMA, view));
        let views = views.chain(self.public(viewer)?.into_iter().map(|view| (PUBLIC, view)));
        for (schema, (name, provider)) in views {
            let name = (schema.to_owned(), name.to_owned());
            names.push(name.clone());
            tables.insert(name, provider);
        }
        let mut state = SessionStateBuilder::new_from_existing(self.template.clone())
            // A copied state shares the list of catalogs; what one session sees is nobody else's.
            .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
            .build();
        state.config_mut().options_mut().execution.time_zone = Some(zone.to_string());
        let relations = Relations {
            database: viewer.facts.database.clone(),
            search_path,
            tables: names,
            oids: Arc::clone(&viewer.oids),
        };
        let environment = Environment {
            relations,
            tables: Arc::new(tables),
            style: Arc::new(viewer.style.clone()),
            zone,
            facts: viewer.facts.clone(),
            now: 0,
            started: 0,
            settings: Arc::new(viewer.variables.clone()),
        };
        Ok(View { state, environment })
    }

    /// The system views of a session.
    fn system(&self, viewer: &Viewer) -> Vec<(&'static str, Arc<dyn TableProvider>)> {
        let live = Arc::new(system::Live {
            sources: viewer.sources.clone(),
            user: viewer.facts.user.clone(),
            journal: Arc::clone(&viewer.journal),
            fetch: Arc::clone(&self.fetch),
        });
        let zone = viewer.settings.zone.name();
        let provider = |view: &'static system::View| {
            let provider = system::Provider::new(view, &zone, Arc::clone(&live));
            (view.table.name, Arc::new(provider) as Arc<dyn TableProvider>)
        };
        system::VIEWS.iter().map(provider).collect()
    }

    /// The virtual tables over all sources that the session sees.
    fn public(&self, viewer: &Viewer) -> Result<Vec<(&'static str, Arc<dyn TableProvider>)>> {
        let zone = viewer.settings.zone.name();
        let mut views = Vec::new();
        for shape in SHAPES {
            let parts = canonical::parts(shape, &viewer.sources);
            let branches = Branches::new(parts.len());
            let own = |part: &canonical::Part<'_>| {
                let (fetch, settings) = (Arc::clone(&self.fetch), viewer.settings.clone());
                let provider = Provider::new(Arc::clone(part.source), part.table, fetch, settings);
                Arc::new(provider.branch(&branches)) as Arc<dyn TableProvider>
            };
            views.push((shape.name, canonical::view(shape, &parts, &zone, own).map_err(from_engine)?));
        }
        Ok(views)
    }

    /// Plans a query out of the text `sql`. `declared` are the types that the client gave to parameters, `targets` what
    /// the columns of the result are assigned to, if they are.
    ///
    /// # Errors
    /// What PostgreSQL's analysis says: missing tables, columns, functions, types that do not go together.
    pub async fn plan(
        &self,
        view: &View,
        query: &Query,
        sql: &str,
        declared: &[Option<PgType>],
        targets: Targets,
    ) -> Result<Plan> {
        // A plan that has the moment in it is made again when it runs.
        let now = Statement::now_micros();
        let environment = view.environment.at(now, now);
        let (query, sql): (Arc<Query>, Arc<str>) = (Arc::new(query.clone()), Arc::from(sql));
        let (own_query, own_sql, declared) = (Arc::clone(&query), Arc::clone(&sql), declared.to_vec());
        let targets = Arc::new(targets);
        let own_targets = Arc::clone(&targets);
        let planning = async move { analyze(&environment, &own_query, &own_sql, &declared, None, &own_targets) };
        let planned = self.runtime.spawn(planning).await;
        let analyzed = planned.map_err(|error| Error::internal(format!("planning failed: {error}")))??;
        let schema = shown_schema(&analyzed.outputs, &view.environment.zone);
        let parameters: Vec<PgType> = analyzed.parameters.iter().map(|ty| ty.unwrap_or(PgType::Text)).collect();
        let holds = parameters.is_empty() && !analyzed.uses_now;
        Ok(Plan { query, sql, targets, logical: holds.then_some(analyzed.plan), parameters, schema })
    }

    /// Starts a planned statement.
    ///
    /// # Errors
    /// What the optimizer finds, e.g. a constant that does not fit its type; 53400 for more calls than it may make.
    pub async fn run(
        &self,
        view: &View,
        plan: &Plan,
        parameters: Vec<ScalarValue>,
        statement: &Arc<Statement>,
    ) -> Result<Rows> {
        let (sender, batches) = mpsc::channel(CHANNEL);
        let (ready, started) = tokio::sync::oneshot::channel();
        let state = Engine::executing(view, statement);
        let context = self.task(&state)?;
        let logical = Logical::new(view, plan, parameters, statement);
        let owned = Arc::clone(statement);
        let fault = sender.clone();
        let work = async move {
            let prepared = match logical.physical(&state).await {
                Ok(plan) => budget::check(plan.as_ref(), &owned)
                    .and_then(|()| lazy::lazily(plan))
                    .and_then(unnest::bounded)
                    .and_then(|plan| cancel::guard(plan, &owned))
                    .and_then(|plan| execute_stream(plan, context)),
                Err(error) => Err(error),
            };
            match prepared {
                Ok(mut stream) => {
                    let _ = ready.send(Ok(()));
                    while let Some(batch) = stream.next().await {
                        if sender.send(batch.map_err(from_engine)).await.is_err() {
                            break;
                        }
                    }
                }
                Err(error) => {
                    let _ = ready.send(Err(from_engine(error)));
                }
            }
        };
        let task = self.runtime.spawn(async move {
            // A panic must not look like the end of the rows.
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                let _ = fault.send(Err(Error::internal("the program failed while it computed the rows"))).await;
            }
        });
        let tasks = [Owned(task), alarm(statement)];
        tokio::select! {
            () = statement.cancel.cancelled() => return Err(statement.stopped()),
            outcome = started => outcome.map_err(|_| Error::internal("the engine gave up while it started a statement"))??,
        }
        let schema = Arc::clone(&plan.schema);
        Ok(Rows {
            schema,
            origin: Origin::Running { batches, ended: false, _tasks: tasks },
            statement: Arc::clone(statement),
        })
    }

    /// The plan that would run, for EXPLAIN.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn physical(
        &self,
        view: &View,
        plan: &Plan,
        parameters: Vec<ScalarValue>,
        statement: &Arc<Statement>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let state = Engine::executing(view, statement);
        let logical = Logical::new(view, plan, parameters, statement);
        let planning = async move { logical.physical(&state).await.map_err(from_engine) };
        self.runtime.spawn(planning).await.map_err(|error| Error::internal(format!("planning failed: {error}")))?
    }

    /// A state for one execution: the clock reads now, and scans find their statement.
    fn executing(view: &View, statement: &Arc<Statement>) -> SessionState {
        let mut state = view.state.clone();
        state.config_mut().set_extension(Arc::clone(statement));
        state.mark_start_execution();
        state
    }

    /// Where a plan runs: the functions and settings of its state, and a memory of its own.
    fn task(&self, state: &SessionState) -> Result<Arc<TaskContext>> {
        let pool = Arc::new(self.memory.query(self.query_memory));
        let environment = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().map_err(from_engine)?;
        Ok(Arc::new(TaskContext::from(state).with_runtime(environment)))
    }
}

/// A plan about to run.
struct Logical {
    plan: Plan,
    environment: Environment,
    values: Vec<ScalarValue>,
}

impl Logical {
    fn new(view: &View, plan: &Plan, values: Vec<ScalarValue>, statement: &Statement) -> Self {
        let environment = view.environment.at(statement.transaction, statement.started);
        Logical { plan: plan.clone(), environment, values }
    }

    /// The plan with the parameters' values in it, and the moment.
    fn logical(self) -> Result<LogicalPlan> {
        let Logical { plan, environment, values } = self;
        if let Some(logical) = plan.logical {
            return Ok(logical);
        }
        let read = |(ty, value): (&PgType, &ScalarValue)| parameter(*ty, value, &environment.style);
        let values = plan.parameters.iter().zip(&values).map(read).collect::<Result<Vec<_>>>()?;
        let types: Vec<Option<PgType>> = plan.parameters.iter().copied().map(Some).collect();
        Ok(analyze(&environment, &plan.query, &plan.sql, &types, Some(&values), &plan.targets)?.plan)
    }

    async fn physical(self, state: &SessionState) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let logical = self.logical().map_err(external)?;
        state.create_physical_plan(&logical).await
    }
}

/// Stops a statement at its deadline, wherever it is.
fn alarm(statement: &Arc<Statement>) -> Owned {
    let statement = Arc::clone(statement);
    Owned(tokio::spawn(async move {
        statement.expired().await;
        statement.cancel.cancel();
    }))
}

impl Drop for Rows {
    fn drop(&mut self) {
        match self.origin {
            // An operator that computes without pause looks at nothing but the token.
            Origin::Running { ended: false, .. } => self.statement.cancel.cancel(),
            Origin::Running { .. } | Origin::Ready(_) => {}
            // The cursor stays.
            Origin::Fetched { .. } => self.statement.pause(),
        }
    }
}

impl Rows {
    /// Rows that are there already.
    pub fn ready(batch: RecordBatch, statement: &Arc<Statement>) -> Self {
        Rows { schema: batch.schema(), origin: Origin::Ready(Some(batch)), statement: Arc::clone(statement) }
    }

    /// The rows that a FETCH takes from a cursor, whose statement this is.
    pub fn fetched(
        schema: SchemaRef,
        cursor: &Arc<Mutex<Cursor>>,
        direction: Direction,
        statement: &Arc<Statement>,
    ) -> Self {
        let origin = Origin::Fetched { cursor: Arc::clone(cursor), motion: Motion::To(direction) };
        Rows { schema, origin, statement: Arc::clone(statement) }
    }

    /// The next batch. Cancel safe. An error when the statement is cancelled or times out meanwhile.
    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        match &mut self.origin {
            Origin::Running { batches, ended, .. } => tokio::select! {
                biased;
                () = self.statement.cancel.cancelled() => Some(Err(self.statement.stopped())),
                batch = batches.recv() => {
                    *ended = batch.is_none();
                    batch
                }
            },
            Origin::Ready(batch) => batch.take().map(Ok),
            // Boxed, because a cursor reads rows like these; they look at the token.
            Origin::Fetched { cursor, motion } => {
                Box::pin(async { cursor.lock().await.advance(motion).await.transpose() }).await
            }
        }
    }
}
