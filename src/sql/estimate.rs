//! What EXPLAIN gives as cost, rows and width: for clients that read `(cost=… rows=… width=…)`.

use datafusion::arrow::datatypes::Schema;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;

use crate::model::statement::Statement;
use crate::pgtype::types::PgType;
use crate::sql::budget;
use crate::table::exec::ScanExec;

/// Rows of a scan of which nothing is known; PostgreSQL takes as many for a set-returning function.
const UNKNOWN_ROWS: u64 = 1_000;

/// What a value takes whose type has no fixed length, as PostgreSQL takes it.
const UNKNOWN_WIDTH: u64 = 32;

/// The least cost: nothing is free.
const LEAST: f64 = 0.01;

/// An estimate for one node of a plan, those below it included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The least number of upstream calls, which are all that costs here; never less than 0.01.
    pub cost: f64,
    /// Rows that come.
    pub rows: u64,
    /// Bytes of a row.
    pub width: u64,
}

impl Estimate {
    /// Of rows that are here already.
    pub fn of_rows(rows: u64, schema: &Schema) -> Self {
        Estimate { cost: LEAST, rows, width: width(schema) }
    }

    /// As it stands at the end of the first line of a plan.
    pub fn text(&self) -> String {
        format!("  (cost=0.00..{:.2} rows={} width={})", self.cost, self.rows, self.width)
    }
}

/// Estimates a plan for a statement that would run now.
pub fn of(plan: &dyn ExecutionPlan, statement: &Statement) -> Estimate {
    let calls = budget::of_plan(plan, statement);
    Estimate { cost: (calls as f64).max(LEAST), rows: rows(plan, statement), width: width(&plan.schema()) }
}

fn rows(plan: &dyn ExecutionPlan, statement: &Statement) -> u64 {
    let below: Vec<u64> = plan.children().into_iter().map(|child| rows(child.as_ref(), statement)).collect();
    let own = match (plan.downcast_ref::<ScanExec>(), plan.downcast_ref::<AggregateExec>()) {
        (Some(scan), _) if scan.scans().is_empty() => 0,
        (Some(scan), _) => scan.held(statement).map_or(UNKNOWN_ROWS, |held| held as u64),
        (_, Some(aggregate)) if aggregate.group_expr().expr().is_empty() => 1,
        // More than the larger side of a join is as likely as less.
        _ => below.into_iter().max().unwrap_or(1),
    };
    plan.fetch().map_or(own, |fetch| own.min(fetch as u64))
}

fn width(schema: &Schema) -> u64 {
    let of = |ty: PgType| u64::try_from(ty.typlen()).unwrap_or(UNKNOWN_WIDTH);
    schema.fields().iter().map(|field| PgType::of(field).map_or(UNKNOWN_WIDTH, of)).sum()
}
