//! Parse analysis: a statement's tree → a typed plan of the engine, with PostgreSQL's rules.
//!
//! Names, types, functions and operators are resolved here as PostgreSQL resolves them, every cast is written out, and
//! each column of a plan gets a name of its own (`r3.model`, `o17`); what the client sees stands beside the plan. So the
//! engine has nothing left to decide but the order of the work.
//!
//! ```text
//! Query ─ query.rs ─┬─ select.rs ── from.rs ── scope.rs      tables, joins, names
//!                   │      ├─ group.rs · window.rs · output.rs
//!                   │      └─ expr.rs ── operator · compare · call · cast · literal
//!                   ├─ setop.rs · cte.rs · values
//!                   └─ subquery.rs ── decorrelate.rs          subqueries become joins
//! ```

mod aggregate;
mod assign;
mod call;
mod cast;
mod compare;
mod construct;
mod cte;
mod decorrelate;
mod expr;
mod from;
mod group;
mod literal;
mod operator;
mod output;
mod query;
mod scope;
mod select;
mod setop;
mod sets;
mod special;
mod subquery;
mod typed;
mod types;
mod window;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast::{Query, Spanned};
use datafusion::sql::sqlparser::tokenizer::Location;

pub use self::assign::{Target, Targets};
pub use self::output::{ColumnOrigin, Output, shown_schema};
use self::typed::Typed;
pub use self::types::resolve as named_type;
use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;
use crate::sql::barrier::held;
use crate::sql::facts::Facts;
use crate::sql::fault::from_engine;
use crate::sql::inferred::guarded;
use crate::sql::place::position;
use crate::sql::relations::Relations;

/// What a session's statements are analyzed against.
#[derive(Clone, Debug)]
pub struct Environment {
    /// How names of relations are found.
    pub relations: Relations,
    /// The relations, by schema and name.
    pub tables: Arc<HashMap<(String, String), Arc<dyn TableProvider>>>,
    /// The settings that change what texts mean and how values are written.
    pub style: Arc<Style>,
    /// The session's zone as the types of columns carry it.
    pub zone: Arc<str>,
    /// What the session's functions tell.
    pub facts: Facts,
    /// The moment that `now()` tells, in microseconds since 1970-01-01 UTC.
    pub now: i64,
    /// The moment that `statement_timestamp()` tells, in microseconds since 1970-01-01 UTC.
    pub started: i64,
    /// The settings of the session, by name.
    pub settings: Arc<HashMap<String, String>>,
}

impl Environment {
    /// The environment of a statement: its transaction and itself started at these moments, in microseconds since
    /// 1970-01-01 UTC.
    #[must_use]
    pub fn at(&self, now: i64, started: i64) -> Self {
        Environment { now, started, ..self.clone() }
    }
}

/// A statement that has been analyzed.
#[derive(Clone, Debug)]
pub struct Analyzed {
    /// What the engine does.
    pub plan: LogicalPlan,
    /// The columns as the client sees them, in the order of the plan's.
    pub outputs: Vec<Output>,
    /// The types of `$1`, `$2`, …; `None` where nothing tells.
    pub parameters: Vec<Option<PgType>>,
    /// Whether the moment is in the plan, so that it holds for this execution only.
    pub uses_now: bool,
}

/// Analyzes a query. `parameters` are the types that the client declared, `None` where it left them open; `values` are
/// given when the statement is about to run; `targets`, if any, are what the columns are assigned to.
///
/// # Errors
/// What PostgreSQL's parse analysis says.
pub fn analyze(
    environment: &Environment,
    query: &Query,
    sql: &str,
    parameters: &[Option<PgType>],
    values: Option<&[Datum<'static>]>,
    targets: &Targets,
) -> Result<Analyzed> {
    let analyzer = Analyzer {
        environment,
        sql,
        next: Cell::new(0),
        parameters: RefCell::new(parameters.to_vec()),
        values: values.map(<[_]>::to_vec),
        columns: RefCell::default(),
        one_zero: RefCell::default(),
        origins: RefCell::default(),
        rows: RefCell::default(),
        chains: RefCell::default(),
        listed_chains: RefCell::default(),
        subqueries: RefCell::default(),
        uses_now: Cell::new(false),
    };
    let bound = analyzer.statement(query, targets)?;
    let parameters = analyzer.parameters.into_inner();
    let uses_now = analyzer.uses_now.get();
    let plan = held(bound.plan).and_then(guarded).map_err(from_engine)?;
    Ok(Analyzed { plan, outputs: bound.outputs, parameters, uses_now })
}

/// The state of one analysis.
struct Analyzer<'s> {
    environment: &'s Environment,
    sql: &'s str,
    next: Cell<usize>,
    parameters: RefCell<Vec<Option<PgType>>>,
    values: Option<Vec<Datum<'static>>>,
    /// The type of each column that has been made.
    columns: RefCell<HashMap<Column, PgType>>,
    /// The columns of floating point numbers that have one zero only: upstream's, and those that repeat them.
    one_zero: RefCell<HashSet<Column>>,
    /// The columns that are those of relations.
    origins: RefCell<HashMap<Column, ColumnOrigin>>,
    /// The types of the fields of columns of rows.
    rows: RefCell<HashMap<Column, Arc<[PgType]>>>,
    /// The ANDs and ORs in GROUP BY, as they are written.
    chains: RefCell<Vec<Expr>>,
    /// Those in select lists, which GROUP BY may name.
    listed_chains: RefCell<Vec<Expr>>,
    /// The subqueries so far, by their text and what they see.
    subqueries: RefCell<HashMap<String, Typed>>,
    uses_now: Cell<bool>,
}

impl Analyzer<'_> {
    /// A name that nothing in the plan has yet.
    fn fresh(&self, prefix: &str) -> String {
        let number = self.next.get();
        self.next.set(number + 1);
        format!("{prefix}{number}")
    }

    fn style(&self) -> &Arc<Style> {
        &self.environment.style
    }

    fn zone(&self) -> &Arc<str> {
        &self.environment.zone
    }

    /// The error with the position of a place in the text.
    fn at(&self, error: Error, place: Location) -> Error {
        let position = error.position.or_else(|| position(self.sql, place));
        Error { position, ..error }
    }

    /// The error with the position of a part of the statement.
    fn located(&self, error: Error, part: &impl Spanned) -> Error {
        if error.position.is_some() {
            return error;
        }
        self.at(error, part.span().start)
    }
}
