//! A bound statement: every name resolved, every expression typed.
//!
//! While the FROM of a SELECT is run, a tuple holds one row per relation of the FROM (its *slot*); rows are shared, never
//! copied. Slots after those hold the aggregates, the window functions and the set-returning functions of the SELECT.

use std::sync::Arc;

use super::aggregate::Aggregate;
use super::engine::EngineCall;
use super::functions::Function;
use super::sets::Set;
use super::value::Value;

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    /// Output names and types.
    pub(crate) columns: Vec<(String, u32)>,
    pub(crate) ctes: Vec<Cte>,
    pub(crate) body: Body,
    /// Sort keys are positions in the body's rows, which may be wider than `columns`.
    pub(crate) sort: Vec<SortKey>,
    pub(crate) limit: Option<Node>,
    pub(crate) offset: Option<Node>,
}

/// One WITH item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cte {
    pub(crate) id: usize,
    pub(crate) query: Query,
    /// The term that refers to the item itself, and whether UNION drops duplicates.
    pub(crate) recursive: Option<(Query, bool)>,
}

/// What gives the rows of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Select(Box<Select>),
    Values(Vec<Vec<Node>>),
    Set { op: SetOp, all: bool, left: Box<Query>, right: Box<Query> },
    Query(Box<Query>),
}

/// UNION and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetOp {
    Union,
    Intersect,
    Except,
}

/// An ORDER BY item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SortKey {
    pub(crate) column: usize,
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// A SELECT.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    /// Width of a tuple.
    pub(crate) slots: usize,
    pub(crate) from: From,
    pub(crate) filter: Vec<Node>,
    pub(crate) group: Option<Group>,
    pub(crate) having: Vec<Node>,
    pub(crate) windows: Vec<Window>,
    pub(crate) sets: Vec<SetCall>,
    /// Outputs, then hidden sort keys.
    pub(crate) outputs: Vec<Node>,
    pub(crate) distinct: Distinct,
    /// The slots of aggregates, windows and sets.
    pub(crate) extra_slot: usize,
}

/// DISTINCT.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Distinct {
    No,
    /// Over the first n outputs.
    Rows(usize),
    /// Over these outputs.
    On(Vec<usize>),
}

/// GROUP BY and the aggregates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) keys: Vec<Node>,
    pub(crate) calls: Vec<AggregateCall>,
}

/// A call of an aggregate function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AggregateCall {
    pub(crate) function: Aggregate,
    pub(crate) args: Vec<Node>,
    pub(crate) distinct: bool,
    pub(crate) order: Vec<(Node, SortKey)>,
    pub(crate) filter: Option<Node>,
}

/// A call of a window function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) function: WindowFunction,
    pub(crate) partition: Vec<Node>,
    pub(crate) order: Vec<(Node, SortKey)>,
}

/// The window functions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WindowFunction {
    RowNumber,
    Rank,
    DenseRank,
    /// An aggregate over the whole partition (there is no frame without ORDER BY).
    Aggregate(AggregateCall),
}

/// A call of a set-returning function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SetCall {
    pub(crate) function: Set,
    pub(crate) args: Vec<Node>,
}

/// The FROM clause.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum From {
    /// No FROM: one tuple.
    Nothing,
    /// A catalog relation that is a table.
    Scan {
        slot: usize,
        relation: usize,
        width: usize,
        key: Option<(usize, Node)>,
        filter: Vec<Node>,
    },
    /// A CTE.
    Cte {
        slot: usize,
        id: usize,
        width: usize,
        filter: Vec<Node>,
    },
    /// A subquery; `lateral` when it depends on tuples at its left.
    Derived {
        slot: usize,
        query: Box<Query>,
        id: usize,
        correlated: bool,
        filter: Vec<Node>,
    },
    /// Set-returning functions side by side.
    Functions {
        slot: usize,
        calls: Vec<SetCall>,
        widths: Vec<usize>,
        ordinality: bool,
        filter: Vec<Node>,
    },
    Join(Box<Join>),
}

/// A join; everything but the kind is filled in by the optimiser.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Join {
    pub(crate) kind: JoinKind,
    pub(crate) left: From,
    pub(crate) right: From,
    /// Pairs that must be equal, left and right.
    pub(crate) hash: Vec<(Node, Node)>,
    pub(crate) on: Vec<Node>,
    /// Whether the right side must be run for each left tuple.
    pub(crate) lateral: bool,
}

/// The kinds of join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    Power,
}

/// What a subquery in an expression is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SubqueryKind {
    Scalar,
    Exists,
    /// ARRAY(SELECT …).
    Array,
    /// `x op ANY (SELECT …)`: operand, test on it and the row's first column, whether ALL.
    Quantified {
        operand: Box<Node>,
        op: Test,
        all: bool,
    },
}

/// A two-valued test of two values that are not NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Compare(Compare),
    Regex { ignore_case: bool, negated: bool },
    Like { ignore_case: bool, negated: bool },
}

/// A subquery in an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subquery {
    pub(crate) kind: SubqueryKind,
    pub(crate) query: Query,
    /// Its number in the statement.
    pub(crate) id: usize,
    /// Whether it reads columns of the queries around it.
    pub(crate) correlated: bool,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Const(Value),
    Param {
        index: usize,
        type_oid: u32,
    },
    Column {
        depth: usize,
        slot: usize,
        column: usize,
    },
    Cast {
        from: u32,
        to: u32,
        arg: Box<Node>,
    },
    Call {
        function: &'static Function,
        args: Vec<Node>,
    },
    /// A function of the engine.
    EngineCall {
        call: EngineCall,
        args: Vec<Node>,
    },
    Test {
        test: Test,
        left: Box<Node>,
        right: Box<Node>,
    },
    /// LIKE with an ESCAPE that is not the backslash.
    LikeEscape {
        ignore_case: bool,
        negated: bool,
        escape: Option<char>,
        left: Box<Node>,
        right: Box<Node>,
    },
    AnyArray {
        test: Test,
        all: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
    In {
        left: Box<Node>,
        list: Vec<Node>,
        negated: bool,
    },
    Distinct {
        left: Box<Node>,
        right: Box<Node>,
        negated: bool,
    },
    Arith {
        op: Arith,
        left: Box<Node>,
        right: Box<Node>,
    },
    Concat {
        left: Box<Node>,
        right: Box<Node>,
    },
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    IsNull {
        arg: Box<Node>,
        negated: bool,
    },
    IsBool {
        arg: Box<Node>,
        value: Option<bool>,
        negated: bool,
    },
    Case {
        branches: Vec<(Node, Node)>,
        otherwise: Box<Node>,
    },
    Coalesce(Vec<Node>),
    Array(Vec<Node>),
    Row(Vec<Node>),
    /// The row of a slot as one value.
    WholeRow {
        depth: usize,
        slot: usize,
    },
    Subscript {
        base: Box<Node>,
        index: Box<Node>,
    },
    Slice {
        base: Box<Node>,
        lower: Option<Box<Node>>,
        upper: Option<Box<Node>>,
    },
    Field {
        base: Box<Node>,
        index: usize,
    },
    Subquery(Arc<Subquery>),
}
