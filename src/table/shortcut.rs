//! AND and OR that compute their right side only for the rows that need it, as PostgreSQL does: `x <> 0 AND 10 / x > 1` is
//! no division by zero.
//!
//! The engine computes both sides for all rows of a batch unless few of them need the right one. A CASE around the left
//! side would not help: the engine makes AND and OR of it again. So the plan's expressions are changed last of all, and
//! only where the right side can fail.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, BooleanArray};
use datafusion::arrow::compute::{and_kleene, filter_record_batch, or_kleene};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result as EngineResult;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr,
};
use datafusion::physical_expr::utils::{collect_columns, conjunction, split_conjunction};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use crate::sql::scalar::is_total;

type Expr = Arc<dyn PhysicalExpr>;

/// Changes every AND and OR in an expression whose right side can fail; None if there is none.
///
/// # Errors
/// Never, unless the engine refuses to rebuild one of its own expressions.
pub fn lazily(expr: &Expr) -> EngineResult<Option<Expr>> {
    let changed = Arc::clone(expr).transform_up(|expr| {
        let Some(both) = expr.downcast_ref::<BinaryExpr>() else { return Ok(Transformed::no(expr)) };
        let is_and = match both.op() {
            Operator::And => true,
            Operator::Or => false,
            _ => return Ok(Transformed::no(expr)),
        };
        if !can_fail(both.right()) {
            return Ok(Transformed::no(expr));
        }
        let shortcut = Shortcut::new(is_and, Arc::clone(both.left()), Arc::clone(both.right()))?;
        Ok(Transformed::yes(Arc::new(shortcut) as Expr))
    })?;
    Ok(changed.transformed.then_some(changed.data))
}

/// As [`lazily`], for a condition that rows must satisfy: its parts are asked in the order of their cost, those of one
/// cost as they were written, as PostgreSQL does.
///
/// # Errors
/// As [`lazily`].
pub fn filter(condition: &Expr) -> EngineResult<Option<Expr>> {
    let mut parts: Vec<&Expr> = split_conjunction(condition);
    if !parts.iter().skip(1).any(|part| can_fail(part)) && !parts.first().is_some_and(|first| can_fail(first)) {
        return Ok(None);
    }
    parts.sort_by_key(|part| cost(part));
    let ordered = conjunction(parts.into_iter().map(Arc::clone));
    Ok(Some(lazily(&ordered)?.unwrap_or(ordered)))
}

/// Whether an expression may be an error for some row.
fn can_fail(expr: &Expr) -> bool {
    let own = if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        let op = binary.op();
        !(op.supports_propagation() || op.is_logic_operator())
    } else if let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>() {
        !is_total(function.fun().name())
    } else {
        !(expr.is::<Column>()
            || expr.is::<Literal>()
            || expr.is::<NotExpr>()
            || expr.is::<IsNullExpr>()
            || expr.is::<IsNotNullExpr>()
            || expr.is::<LikeExpr>()
            || expr.is::<InListExpr>()
            || expr.is::<CaseExpr>())
    };
    own || expr.children().into_iter().any(can_fail)
}

/// Functions and operators that are called, in halves: what PostgreSQL estimates, as all of them cost the same.
/// <https://www.postgresql.org/docs/15/runtime-config-query.html#GUC-CPU-OPERATOR-COST>
fn cost(expr: &Expr) -> usize {
    let own = if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        if binary.op().is_logic_operator() { 0 } else { 2 }
    } else if let Some(list) = expr.downcast_ref::<InListExpr>() {
        list.list().len()
    } else if expr.is::<LikeExpr>() || expr.is::<ScalarFunctionExpr>() {
        2
    } else {
        0
    };
    expr.children().into_iter().map(cost).fold(own, usize::saturating_add)
}

/// AND or OR.
#[derive(Debug)]
struct Shortcut {
    is_and: bool,
    left: Expr,
    right: Expr,
    /// The columns that the right side reads, so that no others are copied.
    columns: Vec<usize>,
    /// The right side over these columns.
    narrow: Expr,
}

impl Shortcut {
    fn new(is_and: bool, left: Expr, right: Expr) -> EngineResult<Self> {
        let mut columns: Vec<usize> = collect_columns(&right).iter().map(Column::index).collect();
        columns.sort_unstable();
        columns.dedup();
        let narrow = Arc::clone(&right).transform_up(|expr| {
            let Some(column) = expr.downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
            let at = columns.binary_search(&column.index()).unwrap_or_default();
            Ok(Transformed::yes(Arc::new(Column::new(column.name(), at)) as Expr))
        })?;
        Ok(Shortcut { is_and, left, right, columns, narrow: narrow.data })
    }

    /// The right side for the rows of `wanted`; what it is for others does not matter.
    fn right_of(&self, batch: &RecordBatch, wanted: &BooleanArray) -> EngineResult<BooleanArray> {
        let rows = wanted.true_count();
        if rows == wanted.len() {
            return truth(&self.right, batch);
        }
        let part = filter_record_batch(&batch.project(&self.columns)?, wanted)?;
        let found = truth(&self.narrow, &part)?;
        let mut found = found.iter();
        let all = wanted.values().iter().map(|is_wanted| if is_wanted { found.next().flatten() } else { None });
        Ok(all.collect())
    }
}

fn truth(expr: &Expr, batch: &RecordBatch) -> EngineResult<BooleanArray> {
    Ok(expr.evaluate(batch)?.into_array(batch.num_rows())?.as_boolean().clone())
}

impl PhysicalExpr for Shortcut {
    fn return_field(&self, _schema: &Schema) -> EngineResult<FieldRef> {
        Ok(Arc::new(Field::new(self.to_string(), DataType::Boolean, true)))
    }

    fn evaluate(&self, batch: &RecordBatch) -> EngineResult<ColumnarValue> {
        let left = truth(&self.left, batch)?;
        // NULL leaves the answer to the right side too.
        let wanted: BooleanArray = left.iter().map(|value| Some(value != Some(!self.is_and))).collect();
        if wanted.true_count() == 0 {
            return Ok(ColumnarValue::Array(Arc::new(left)));
        }
        let right = self.right_of(batch, &wanted)?;
        let both = if self.is_and { and_kleene(&left, &right)? } else { or_kleene(&left, &right)? };
        Ok(ColumnarValue::Array(Arc::new(both)))
    }

    fn children(&self) -> Vec<&Expr> {
        vec![&self.left, &self.right]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Expr>) -> EngineResult<Expr> {
        let [left, right] = children.as_slice() else { return Ok(self) };
        Ok(Arc::new(Shortcut::new(self.is_and, Arc::clone(left), Arc::clone(right))?))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} {} {})", self.left, if self.is_and { "AND" } else { "OR" }, self.right)
    }
}

impl PartialEq for Shortcut {
    fn eq(&self, other: &Self) -> bool {
        (self.is_and, &self.left, &self.right) == (other.is_and, &other.left, &other.right)
    }
}

impl Eq for Shortcut {}

impl Hash for Shortcut {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.is_and.hash(state);
        self.left.hash(state);
        self.right.hash(state);
    }
}
