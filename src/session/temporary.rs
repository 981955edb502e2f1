//! The temporary tables of a session: rows in memory, taken back with their transaction, gone with the session.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::sql::sqlparser::ast::ObjectName;

use crate::catalog::{self, Relation};
use crate::error::{Error, Kind, Result};
use crate::model::statement::{Notice, Severity, Statement};
use crate::model::table::PG_TYPMOD;
use crate::pgtype::types::PgType;
use crate::session::command::Parsed;
use crate::session::prepared::Work;
use crate::session::{Outcome, Session, answer, oids};
use crate::sql::analyze::{Target, Targets, named_type};
use crate::sql::engine::{Plan, Rows};
use crate::sql::parse::row_of;
use crate::sql::parse::temporary::{Contents, Create, CreateVerb, Drop, Insert, OnCommit};
use crate::sql::relations::TEMPORARY;
use crate::sql::values::field;

/// Values of tables are kept in this zone, and shown in the session's.
const ZONE: &str = "UTC";

/// A temporary table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Its columns.
    columns: Vec<Target>,
    /// For each whether it takes no NULLs.
    not_null: Vec<bool>,
    batches: Vec<Arc<Held>>,
    on_commit: OnCommit,
}

/// Rows, and the memory that they take.
#[derive(Debug)]
struct Held {
    batch: RecordBatch,
    _memory: MemoryReservation,
}

type Tables = BTreeMap<String, Arc<Table>>;

/// The temporary tables of a session by name.
#[derive(Debug, Default)]
pub(super) struct Temporary {
    tables: Tables,
    /// What there was at BEGIN and at each savepoint.
    saved: Vec<Tables>,
}

impl Temporary {
    /// A transaction or savepoint begins.
    pub(super) fn begin(&mut self) {
        self.saved.push(self.tables.clone());
    }

    /// The savepoints from a number on are gone.
    pub(super) fn release(&mut self, level: usize) {
        self.saved.truncate(level + 1);
    }

    /// Back to a savepoint; `level` is the number of savepoints up to it, itself among them.
    pub(super) fn rollback_to(&mut self, level: usize) {
        if let Some(saved) = self.saved.get(level) {
            self.tables = saved.clone();
        }
        self.saved.truncate(level + 1);
    }

    /// The transaction ends well. True if that changed what there is.
    pub(super) fn commit(&mut self) -> bool {
        self.saved.clear();
        let before = self.tables.len();
        self.tables.retain(|_, table| table.on_commit != OnCommit::Drop);
        let mut changes = self.tables.len() < before;
        let is_emptied = |table: &&mut Arc<Table>| table.on_commit == OnCommit::Delete && !table.batches.is_empty();
        for table in self.tables.values_mut().filter(is_emptied) {
            Arc::make_mut(table).batches.clear();
            changes = true;
        }
        changes
    }

    /// The transaction is taken back. True if that changed what there is.
    pub(super) fn rollback(&mut self) -> bool {
        let Some(first) = self.saved.drain(..).next() else { return false };
        let before = std::mem::replace(&mut self.tables, first);
        let is_same = |(own, other): (&Arc<Table>, &Arc<Table>)| Arc::ptr_eq(own, other);
        !(before.keys().eq(self.tables.keys()) && before.values().zip(self.tables.values()).all(is_same))
    }

    /// Drops all.
    pub(super) fn clear(&mut self) {
        self.tables.clear();
    }

    /// All of them as the engine reads them.
    pub(super) fn providers(&self) -> Result<Vec<(String, Arc<dyn TableProvider>)>> {
        let provider = |(name, table): (&String, &Arc<Table>)| Ok((name.clone(), table.provider()?));
        self.tables.iter().map(provider).collect()
    }

    /// All of them as the catalogs show them.
    pub(super) fn relations(&self, schema: &str) -> Vec<Relation> {
        let relation = |(name, table): (&String, &Arc<Table>)| Relation {
            schema: schema.to_owned(),
            name: name.clone(),
            columns: table.catalog_columns(),
            ..Relation::default()
        };
        self.tables.iter().map(relation).collect()
    }

    fn find(&self, name: &ObjectName) -> Option<(&String, &Arc<Table>)> {
        let parts: Vec<&str> = name.0.iter().filter_map(|part| part.as_ident()).map(|own| own.value.as_str()).collect();
        match parts.as_slice() {
            [name] | [TEMPORARY, name] => self.tables.get_key_value(*name),
            _ => None,
        }
    }
}

impl Table {
    fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|own| {
            let mut field = field(own.column.as_deref().unwrap_or_default(), own.ty, ZONE);
            if own.typmod >= 0 {
                field.metadata_mut().insert(PG_TYPMOD.to_owned(), own.typmod.to_string());
            }
            field
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let batches = self.batches.iter().map(|held| held.batch.clone()).collect();
        let table = MemTable::try_new(self.schema(), vec![batches]);
        Ok(Arc::new(table.map_err(|error| Error::internal(error.to_string()))?))
    }

    fn catalog_columns(&self) -> Vec<catalog::Column> {
        let columns = self.columns.iter().zip(&self.not_null).map(|(own, not_null)| catalog::Column {
            name: own.column.clone().unwrap_or_default(),
            type_oid: own.ty.oid(),
            not_null: *not_null,
            comment: None,
        });
        columns.collect()
    }

    /// A batch of some of the columns as one of all, with NULL for the others.
    fn widened(&self, batch: &RecordBatch, given: &[usize], name: &str) -> Result<RecordBatch> {
        let schema = self.schema();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (at, field) in schema.fields().iter().enumerate() {
            columns.push(match given.iter().position(|own| *own == at) {
                Some(place) => {
                    cast(batch.column(place), field.data_type()).map_err(|error| Error::internal(error.to_string()))?
                }
                None => new_null_array(field.data_type(), batch.num_rows()),
            });
        }
        for ((column, field), not_null) in columns.iter().zip(schema.fields()).zip(&self.not_null) {
            if *not_null && column.null_count() > 0 {
                let column = field.name();
                let message =
                    format!("null value in column \"{column}\" of relation \"{name}\" violates not-null constraint");
                return Err(Error::new(Kind::NotNullViolation, message));
            }
        }
        RecordBatch::try_new(schema, columns).map_err(|error| Error::internal(error.to_string()))
    }
}

impl Session {
    /// Plans the rows of CREATE TEMPORARY TABLE AS.
    pub(super) async fn prepare_create(
        &mut self,
        parsed: &Parsed,
        create: &Create,
        declared: &[u32],
    ) -> Result<(Work, Vec<u32>)> {
        let Contents::Query { query, .. } = &create.contents else {
            return Ok((Work::Create(None), Vec::new()));
        };
        let rows = self.prepare_inner(parsed, query, declared).await?;
        let oids = rows.parameter_oids.clone();
        Ok((Work::Create(Some(rows)), oids))
    }

    /// Plans the rows of INSERT.
    ///
    /// # Errors
    /// 25006 for a table that is not temporary.
    pub(super) async fn prepare_insert(
        &mut self,
        parsed: &Parsed,
        insert: &Insert,
        declared: &[u32],
    ) -> Result<(Work, Vec<u32>)> {
        let Some((name, table)) = self.temporary.find(&insert.table) else { return Err(answer::read_only("INSERT")) };
        let (name, table) = (name.clone(), Arc::clone(table));
        let given: Vec<usize> = match &insert.columns {
            None => (0..table.columns.len()).collect(),
            Some(columns) => placed(columns, &table, &name)?,
        };
        let Some(query) = &insert.query else { return Ok((Work::Insert { rows: None, given }, Vec::new())) };
        let columns = given.iter().map(|at| table.columns[*at].clone()).collect();
        let targets = Targets { columns, is_listed: insert.columns.is_some() };
        let view = self.view()?;
        let declared: Vec<Option<PgType>> = declared.iter().map(|oid| PgType::from_oid(*oid)).collect();
        let plan = Box::pin(self.gateway.engine.plan(&view, query, &parsed.text, &declared, targets)).await?;
        let oids = oids(&plan.parameters);
        Ok((Work::Insert { rows: Some(Box::new(plan)), given }, oids))
    }

    /// CREATE TEMPORARY TABLE.
    pub(super) async fn create(
        &mut self,
        create: &Create,
        rows: Option<&Arc<super::prepared::Prepared>>,
        parameters: Vec<ScalarValue>,
        statement: &Arc<Statement>,
    ) -> Result<Outcome> {
        let verb = match create.verb {
            CreateVerb::Create => "CREATE TABLE",
            CreateVerb::Select => "CREATE TABLE AS",
        };
        if self.temporary.tables.contains_key(&create.name) {
            let message = format!("relation \"{}\" already exists", create.name);
            if create.if_not_exists {
                tell(statement, format!("{message}, skipping"));
                return Ok(Outcome::Done { tag: verb.to_owned() });
            }
            return Err(Error::new(Kind::DuplicateTable, message));
        }
        let (mut table, names, with_data) = match &create.contents {
            Contents::Columns(definitions) => {
                let mut table = Table::new(create.on_commit);
                for own in definitions {
                    let (ty, typmod) = named_type(&own.data_type)?;
                    table.add(own.name.clone(), ty, typmod, own.not_null)?;
                }
                (table, &[][..], false)
            }
            Contents::Query { names, with_data, .. } => (Table::new(create.on_commit), names.as_slice(), *with_data),
        };
        let mut tag = verb.to_owned();
        if let Some(prepared) = rows {
            let schema = prepared.schema().ok_or_else(|| Error::internal("a query without columns"))?;
            if names.len() > schema.fields().len() {
                return Err(Error::new(Kind::Syntax, "too many column names were specified"));
            }
            for (at, field) in schema.fields().iter().enumerate() {
                let typmod = field.metadata().get(PG_TYPMOD).and_then(|typmod| typmod.parse().ok()).unwrap_or(-1);
                let name = names.get(at).unwrap_or(field.name()).clone();
                // What has no type of its own is text.
                let ty = Some(PgType::of(field)?).filter(|ty| *ty != PgType::Unknown).unwrap_or(PgType::Text);
                table.add(name, ty, typmod, false)?;
            }
            if with_data {
                let rows = Box::pin(self.rows(prepared, parameters, statement)).await?;
                let given: Vec<usize> = (0..table.columns.len()).collect();
                let n_rows = self.fill(&mut table, &create.name, rows, &given).await?;
                tag = format!("SELECT {n_rows}");
            }
        }
        self.temporary.tables.insert(create.name.clone(), Arc::new(table));
        self.forget_view();
        Ok(Outcome::Done { tag })
    }

    /// INSERT.
    pub(super) async fn insert(
        &mut self,
        insert: &Insert,
        plan: Option<&Plan>,
        given: &[usize],
        parameters: Vec<ScalarValue>,
        statement: &Arc<Statement>,
    ) -> Result<Outcome> {
        let Some((name, table)) = self.temporary.find(&insert.table) else { return Err(answer::read_only("INSERT")) };
        let (name, mut table) = (name.clone(), Table::clone(table));
        let view = self.view()?;
        let (rows, given) = match plan {
            Some(plan) => {
                let width = plan.schema.fields().len();
                (self.gateway.engine.run(&view, plan, parameters, statement).await?, &given[..width])
            }
            None => {
                let row = row_of(vec![datafusion::sql::sqlparser::ast::Expr::value(
                    datafusion::sql::sqlparser::ast::Value::Null,
                )]);
                let plan = self.gateway.engine.plan(&view, &row, "", &[], Targets::default()).await?;
                (self.gateway.engine.run(&view, &plan, Vec::new(), statement).await?, &[][..])
            }
        };
        let n_rows = self.fill(&mut table, &name, rows, given).await?;
        self.temporary.tables.insert(name, Arc::new(table));
        self.forget_view();
        Ok(Outcome::Done { tag: format!("INSERT 0 {n_rows}") })
    }

    async fn fill(&self, table: &mut Table, name: &str, mut rows: Rows, given: &[usize]) -> Result<usize> {
        let mut n_rows = 0;
        while let Some(batch) = rows.next().await {
            let batch = table.widened(&batch?, given, name)?;
            if batch.num_rows() == 0 {
                continue;
            }
            n_rows += batch.num_rows();
            let memory = self.gateway.engine.hold(&self.memory, batch.get_array_memory_size())?;
            table.batches.push(Arc::new(Held { batch, _memory: memory }));
        }
        Ok(n_rows)
    }

    /// DROP TABLE.
    pub(super) fn drop_tables(&mut self, drop: &Drop, statement: &Statement) -> Result<Outcome> {
        let mut names = Vec::new();
        for table in &drop.tables {
            let found = self.temporary.find(table).map(|(name, _)| name.clone());
            match found {
                Some(name) => names.push(name),
                None if self.is_relation(table)? => return Err(answer::read_only("DROP TABLE")),
                None => {
                    let name = table.0.last().and_then(|part| part.as_ident()).map(|own| own.value.clone());
                    let message = format!("table \"{}\" does not exist", name.unwrap_or_default());
                    if !drop.if_exists {
                        return Err(Error::new(Kind::UndefinedTable, message));
                    }
                    tell(statement, format!("{message}, skipping"));
                }
            }
        }
        for name in names {
            self.temporary.tables.remove(&name);
        }
        self.forget_view();
        Ok(Outcome::Done { tag: "DROP TABLE".to_owned() })
    }

    fn is_relation(&mut self, name: &ObjectName) -> Result<bool> {
        Ok(self.view()?.has(name))
    }
}

impl Table {
    fn new(on_commit: OnCommit) -> Self {
        Table { columns: Vec::new(), not_null: Vec::new(), batches: Vec::new(), on_commit }
    }

    fn add(&mut self, name: String, ty: PgType, typmod: i32, not_null: bool) -> Result<()> {
        if self.columns.iter().any(|own| own.column.as_ref() == Some(&name)) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(Error::new(Kind::DuplicateColumn, message));
        }
        self.columns.push(Target { column: Some(name), ty, typmod });
        self.not_null.push(not_null);
        Ok(())
    }
}

/// The places of columns in a table.
fn placed(columns: &[String], table: &Table, name: &str) -> Result<Vec<usize>> {
    let mut places = Vec::with_capacity(columns.len());
    for column in columns {
        let place = table.columns.iter().position(|own| own.column.as_ref() == Some(column)).ok_or_else(|| {
            let message = format!("column \"{column}\" of relation \"{name}\" does not exist");
            Error::new(Kind::UndefinedColumn, message)
        })?;
        if places.contains(&place) {
            let message = format!("column \"{column}\" specified more than once");
            return Err(Error::new(Kind::DuplicateColumn, message));
        }
        places.push(place);
    }
    Ok(places)
}

fn tell(statement: &Statement, message: String) {
    statement.notice(Notice { severity: Severity::Notice, message, detail: None, hint: None });
}
