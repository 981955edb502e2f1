//! Planning and running statements, on a runtime of its own so that a heavy join never starves the wire.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider,
    TableProvider,
};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::Statement as Ast;
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::error::{Error, Kind, Result};
use crate::model::canonical::SHAPES;
use crate::model::journal::Journal;
use crate::model::scan::{Fetch, Source};
use crate::model::statement::Statement;
use crate::model::table::PG_TYPE;
use crate::sql::fault::from_engine;
use crate::sql::functions::{self, Facts};
use crate::sql::place::locate;
use crate::sql::relations::{Relations, qualify};
use crate::sql::{budget, cancel, casts, memory, names};
use crate::table::branch::Branches;
use crate::table::provider::{Provider, Settings};
use crate::table::{canonical, keyed, ordered, system};

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
    relations: Relations,
}

/// A statement that is planned but has no parameter values yet.
#[derive(Clone, Debug)]
pub struct Plan {
    logical: LogicalPlan,
    /// Types of `$1`, `$2`, …; `None` where the context does not tell.
    pub parameters: Vec<Option<DataType>>,
    /// Columns of the result, named as the client sees them.
    pub schema: SchemaRef,
}

/// A running statement: its batches as they come. Dropping it stops everything behind it.
#[derive(Debug)]
pub struct Rows {
    /// Columns of the batches.
    pub schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch>>,
    statement: Arc<Statement>,
    /// The engine's task, and the one that rings at the deadline.
    _tasks: Vec<Owned>,
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
    /// What its scans obey.
    pub settings: Settings,
    /// Schemas in which unqualified names are looked for.
    pub search_path: Vec<String>,
    /// Sources it may see.
    pub sources: Vec<Arc<Source>>,
    /// The scans of its user.
    pub journal: Arc<Journal>,
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
        options.sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
        options.sql_parser.map_string_types_to_utf8view = false;
        options.sql_parser.enable_options_value_normalization = false;
        let rules = keyed::with_rule(ordered::with_rule(PhysicalOptimizer::new().rules));
        let template = SessionStateBuilder::new().with_config(config).with_default_features();
        let mut template = template.with_physical_optimizer_rules(rules).build();
        let replaced = template.register_udaf(Arc::new(functions::percentile::percentile_cont()));
        debug_assert!(matches!(replaced, Ok(Some(_))), "the engine has one of its own");
        let taken = functions::json::register(&mut template);
        debug_assert!(taken.is_ok(), "a session takes functions");
        Engine { template, fetch, runtime, memory: memory::Process::new(total_memory), query_memory }
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
        let catalog = MemoryCatalogProvider::new();
        let mut tables = Vec::new();
        for source in &viewer.sources {
            let schema = MemorySchemaProvider::new();
            for table in source.connector.tables {
                let (fetch, settings) = (Arc::clone(&self.fetch), viewer.settings.clone());
                let provider = Provider::new(Arc::clone(source), table, fetch, settings);
                schema.register_table(table.name.to_owned(), Arc::new(provider)).map_err(from_engine)?;
                tables.push((source.name.clone(), table.name.to_owned()));
            }
            catalog.register_schema(&source.name, Arc::new(schema)).map_err(from_engine)?;
        }
        catalog.register_schema(system::SCHEMA, Arc::new(self.system(viewer)?)).map_err(from_engine)?;
        tables.extend(system::VIEWS.iter().map(|view| (system::SCHEMA.to_owned(), view.table.name.to_owned())));
        catalog.register_schema(PUBLIC, Arc::new(self.public(viewer)?)).map_err(from_engine)?;
        tables.extend(SHAPES.iter().map(|shape| (PUBLIC.to_owned(), shape.name.to_owned())));
        let mut state = SessionStateBuilder::new_from_existing(self.template.clone())
            // A copied state shares the list of catalogs; what one session sees is nobody else's.
            .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
            .build();
        state.config_mut().options_mut().execution.time_zone = Some(viewer.settings.zone.name().to_string());
        state.catalog_list().register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        for function in functions::of_session(&viewer.facts) {
            state.register_udf(function).map_err(from_engine)?;
        }
        let relations =
            Relations { database: viewer.facts.database.clone(), search_path: viewer.search_path.clone(), tables };
        Ok(View { state, relations })
    }

    /// The system views of a session.
    fn system(&self, viewer: &Viewer) -> Result<MemorySchemaProvider> {
        let live = Arc::new(system::Live {
            sources: viewer.sources.clone(),
            user: viewer.facts.user.clone(),
            journal: Arc::clone(&viewer.journal),
            fetch: Arc::clone(&self.fetch),
        });
        let (schema, zone) = (MemorySchemaProvider::new(), viewer.settings.zone.name());
        for view in system::VIEWS {
            let provider = system::Provider::new(view, &zone, Arc::clone(&live));
            schema.register_table(view.table.name.to_owned(), Arc::new(provider)).map_err(from_engine)?;
        }
        Ok(schema)
    }

    /// The virtual tables over all sources that the session sees.
    fn public(&self, viewer: &Viewer) -> Result<MemorySchemaProvider> {
        let zone = viewer.settings.zone.name();
        let schema = MemorySchemaProvider::new();
        for shape in SHAPES {
            let parts = canonical::parts(shape, &viewer.sources);
            let branches = Branches::new(parts.len());
            let own = |part: &canonical::Part<'_>| {
                let (fetch, settings) = (Arc::clone(&self.fetch), viewer.settings.clone());
                let provider = Provider::new(Arc::clone(part.source), part.table, fetch, settings);
                Arc::new(provider.branch(&branches)) as Arc<dyn TableProvider>
            };
            let view = canonical::view(shape, &parts, &zone, own).map_err(from_engine)?;
            schema.register_table(shape.name.to_owned(), view).map_err(from_engine)?;
        }
        Ok(schema)
    }

    /// Plans a query out of the text `sql`. Parameters stay open.
    ///
    /// # Errors
    /// What PostgreSQL's analysis would say: missing tables, columns, functions, types that do not go together.
    pub async fn plan(&self, view: &View, original: &Ast, sql: &str) -> Result<Plan> {
        let mut ast = original.clone();
        names::assign(&mut ast);
        qualify(&mut ast, &view.relations, sql)?;
        casts::rewrite(&mut ast, sql)?;
        let state = view.state.clone();
        let planning = async move {
            let statement = EngineStatement::Statement(Box::new(ast));
            let logical = state.statement_to_plan(statement).await.map_err(from_engine)?;
            refuse_writes(&logical)?;
            let parameters = parameters(&logical)?;
            let schema = shown_schema(&logical);
            Ok(Plan { logical, parameters, schema })
        };
        let planned = self.runtime.spawn(planning).await;
        let planned = planned.map_err(|error| Error::internal(format!("planning failed: {error}")))?;
        planned.map_err(|error| locate(error, sql, original))
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
        let logical = plan.logical.clone();
        let owned = Arc::clone(statement);
        let task = self.runtime.spawn(async move {
            let prepared = match physical(&state, logical, parameters).await {
                Ok(plan) => budget::check(plan.as_ref(), &owned)
                    .and_then(|()| cancel::guard(plan, &owned))
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
        });
        let tasks = [Some(Owned(task)), alarm(statement)].into_iter().flatten().collect();
        tokio::select! {
            () = statement.cancel.cancelled() => return Err(statement.stopped()),
            outcome = started => outcome.map_err(|_| Error::internal("the engine gave up while it started a statement"))??,
        }
        let schema = Arc::clone(&plan.schema);
        Ok(Rows { schema, batches, statement: Arc::clone(statement), _tasks: tasks })
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
        let logical = plan.logical.clone();
        let planning = async move { physical(&state, logical, parameters).await.map_err(from_engine) };
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

async fn physical(
    state: &SessionState,
    logical: LogicalPlan,
    parameters: Vec<ScalarValue>,
) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let bound = match parameters.is_empty() {
        true => logical,
        false => logical.replace_params_with_values(&ParamValues::from(parameters))?,
    };
    state.create_physical_plan(&bound).await
}

/// The engine would carry these out; a query that asks for one never gets that far by itself, so this is the second lock.
fn refuse_writes(plan: &LogicalPlan) -> Result<()> {
    match plan {
        LogicalPlan::Ddl(_) | LogicalPlan::Dml(_) | LogicalPlan::Copy(_) | LogicalPlan::Statement(_) => {
            Err(Error::new(Kind::ReadOnly, "cannot execute this statement in a read-only transaction"))
        }
        _ => Ok(()),
    }
}

fn parameters(plan: &LogicalPlan) -> Result<Vec<Option<DataType>>> {
    let named: HashMap<String, Option<DataType>> = plan.get_parameter_types().map_err(from_engine)?;
    let highest = named.keys().filter_map(|name| name.trim_start_matches('$').parse::<usize>().ok()).max();
    let cast = cast_parameters(plan)?;
    let numbered = (1..=highest.unwrap_or(0)).map(|number| {
        let name = format!("${number}");
        named.get(&name).cloned().flatten().or_else(|| cast.get(&name).cloned())
    });
    Ok(numbered.collect())
}

/// `$1::bigint` is a bigint, as PostgreSQL has it; the engine infers nothing there.
fn cast_parameters(plan: &LogicalPlan) -> Result<HashMap<String, DataType>> {
    let mut types = HashMap::new();
    let walked = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Cast(cast) = expr
                    && let Expr::Placeholder(placeholder) = cast.expr.as_ref()
                {
                    types.entry(placeholder.id.clone()).or_insert_with(|| cast.field.data_type().clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map_err(from_engine)?;
    Ok(types)
}

/// The schema with the names that clients see.
fn shown_schema(plan: &LogicalPlan) -> SchemaRef {
    let fields = plan.schema().as_arrow().fields().iter().enumerate().map(|(at, field)| {
        let mut field = field.as_ref().clone().with_name(names::shown(field.name()));
        if is_text_cast(plan, at) {
            field.metadata_mut().remove(PG_TYPE);
        }
        field
    });
    let fields: Vec<_> = fields.collect();
    Arc::new(datafusion::arrow::datatypes::Schema::new(fields))
}

/// Whether an output column is a cast to text; the engine gives it the tags of what is cast, hence `jsonb`.
fn is_text_cast(plan: &LogicalPlan, at: usize) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => {
            let expr = projection.expr.get(at).cloned().map(Expr::unalias);
            matches!(expr, Some(Expr::Cast(cast)) if cast.field.data_type() == &DataType::Utf8 && cast.field.metadata().is_empty())
        }
        LogicalPlan::Sort(sort) => is_text_cast(&sort.input, at),
        LogicalPlan::Limit(limit) => is_text_cast(&limit.input, at),
        _ => false,
    }
}

/// Stops a statement at its deadline, wherever it is.
fn alarm(statement: &Arc<Statement>) -> Option<Owned> {
    let deadline = statement.deadline?;
    let token = statement.cancel.clone();
    Some(Owned(tokio::spawn(async move {
        tokio::time::sleep_until(deadline).await;
        token.cancel();
    })))
}

impl Drop for Rows {
    /// An operator that computes without pause looks at nothing but the token.
    fn drop(&mut self) {
        self.statement.cancel.cancel();
    }
}

impl Rows {
    /// Rows that are there already.
    pub fn ready(batch: RecordBatch, statement: &Arc<Statement>) -> Self {
        let (sender, batches) = mpsc::channel(1);
        let schema = batch.schema();
        let sent = sender.try_send(Ok(batch));
        debug_assert!(sent.is_ok(), "a new channel has room for one");
        Rows { schema, batches, statement: Arc::clone(statement), _tasks: Vec::new() }
    }

    /// The next batch. Cancel safe. An error when the statement is cancelled or times out meanwhile.
    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        tokio::select! {
            biased;
            () = self.statement.cancel.cancelled() => Some(Err(self.statement.stopped())),
            batch = self.batches.recv() => batch,
        }
    }
}
