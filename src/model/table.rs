//! The description of a virtual table. From this one constant follow the Arrow schema, pg_catalog with its comments,
//! pushdown, EXPLAIN, decoding, the README's table reference and the contract tests.
//!
//! Descriptions are `const`, so the builders below are `const fn`; a test checks all of them at once.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Key of the Arrow field metadata that names a PostgreSQL type which the Arrow type alone does not tell.
pub const PG_TYPE: &str = "pg.type";

/// One virtual table of a connector.
#[derive(Debug)]
pub struct Table {
    /// Name within the source's schema.
    pub name: &'static str,
    /// Path below the source's base URL.
    pub path: &'static str,
    /// One sentence; becomes the table's comment.
    pub doc: &'static str,
    /// Columns in the order of `SELECT *`. A last column `extra` takes what upstream sent beyond them.
    pub columns: &'static [Column],
    /// Column that upstream's time bounds apply to, if a row carries it.
    pub time: Option<&'static str>,
    /// Column whose value is unique, if the API guarantees one.
    pub key: Option<&'static str>,
    /// Whether upstream keeps to the time bounds it is sent for this table.
    pub window: Window,
    /// What is known about this table and fits nowhere else; shown in the README.
    pub notes: &'static [&'static str],
    /// Three statements that show what it is for.
    pub examples: &'static [&'static str],
}

/// What becomes of `from` and `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Rows outside are not sent.
    Kept,
    /// Some deployments ignore the bounds, so a full page cannot be read past by time.
    Doubtful,
}

/// One column of a virtual table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// SQL name.
    pub name: &'static str,
    /// SQL type.
    pub ty: Type,
    /// Where the value stands in a row of upstream.
    pub from: From,
    /// Whether a row may lack it.
    pub nullable: bool,
    /// Unit of a number, for people: "ms", "USD", "tokens".
    pub unit: Option<&'static str>,
    /// One sentence; becomes the column's comment.
    pub doc: &'static str,
    /// What upstream can filter by this column.
    pub push: &'static [Push],
}

/// Where a column's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The first of these keys of the row object that is there.
    Keys(&'static [&'static str]),
    /// The first of these keys, or else the end of the time range that was asked for (now, if it is open).
    KeysOrWindowEnd(&'static [&'static str]),
    /// Nowhere: upstream filters by it but does not return it. It takes `=` and `IN` and shows the value asked for.
    FilterOnly,
    /// All keys of the row that no other column reads, as one JSON object; NULL when there are none.
    Rest,
}

/// SQL type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `text`, UTF-8.
    Text,
    /// `bigint`.
    Bigint,
    /// `double precision`.
    Double,
    /// `boolean`.
    Boolean,
    /// `timestamptz`, microseconds since 1970-01-01 UTC.
    Timestamptz,
    /// `jsonb`, kept as PostgreSQL prints it.
    Jsonb,
}

/// One thing that upstream can filter by a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// What SQL must say.
    pub op: Op,
    /// Name of the request parameter.
    pub parameter: &'static str,
    /// Whether upstream keeps to it to the letter.
    pub fidelity: Fidelity,
}

/// A comparison that upstream offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `column = value`.
    Equal,
    /// `column ILIKE '%value%'`; hence also a superset of `=` and of `LIKE` patterns.
    Contains,
    /// `column` within one of these ranges, each under its own word. Bounds are inclusive.
    Class(&'static [(&'static str, i64, i64)]),
    /// `column >= value`, at a precision of so many microseconds.
    AtLeast(i64),
    /// `column <= value`, at a precision of so many microseconds.
    AtMost(i64),
}

/// How well upstream keeps to a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fidelity {
    /// Not sent: the rows are filtered here.
    Local,
    /// Sent, and all rows that match come, with others among them: checked again here.
    Superset,
    /// Sent, and exactly the rows that match come.
    Exact,
}

impl Fidelity {
    /// The word that EXPLAIN and the system views use.
    pub fn word(self) -> &'static str {
        match self {
            Fidelity::Local => "local",
            Fidelity::Superset => "re-checked",
            Fidelity::Exact => "pushed",
        }
    }
}

impl Type {
    /// The name that `format_type` gives.
    pub fn name(self) -> &'static str {
        match self {
            Type::Text => "text",
            Type::Bigint => "bigint",
            Type::Double => "double precision",
            Type::Boolean => "boolean",
            Type::Timestamptz => "timestamp with time zone",
            Type::Jsonb => "jsonb",
        }
    }

    /// The oid in `pg_type`.
    pub fn oid(self) -> u32 {
        match self {
            Type::Text => 25,
            Type::Bigint => 20,
            Type::Double => 701,
            Type::Boolean => 16,
            Type::Timestamptz => 1184,
            Type::Jsonb => 3802,
        }
    }

    /// The Arrow type; times carry `zone`, the session's, so that the engine truncates, casts and extracts in it.
    pub fn arrow(self, zone: &Arc<str>) -> DataType {
        match self {
            Type::Text | Type::Jsonb => DataType::Utf8,
            Type::Bigint => DataType::Int64,
            Type::Double => DataType::Float64,
            Type::Boolean => DataType::Boolean,
            Type::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(zone))),
        }
    }
}

const fn column(name: &'static str, ty: Type) -> Column {
    Column { name, ty, from: From::Keys(&[]), nullable: false, unit: None, doc: "", push: &[] }
}

/// A `text` column, never NULL.
pub const fn text(name: &'static str) -> Column {
    column(name, Type::Text)
}

/// A `bigint` column, never NULL.
pub const fn bigint(name: &'static str) -> Column {
    column(name, Type::Bigint)
}

/// A `double precision` column, never NULL.
pub const fn double(name: &'static str) -> Column {
    column(name, Type::Double)
}

/// A `timestamptz` column, never NULL.
pub const fn timestamptz(name: &'static str) -> Column {
    column(name, Type::Timestamptz)
}

/// A `jsonb` column, never NULL.
pub const fn jsonb(name: &'static str) -> Column {
    column(name, Type::Jsonb)
}

/// The last column of every table: what upstream sent beyond the others.
pub const fn extra() -> Column {
    let mut extra = column("extra", Type::Jsonb);
    extra.from = From::Rest;
    extra.nullable = true;
    extra.doc = "What upstream sent beyond the other columns, as one JSON object.";
    extra
}

/// A `text` column that upstream filters by but does not return.
pub const fn filter_only(name: &'static str) -> Column {
    let mut hidden = column(name, Type::Text);
    hidden.from = From::FilterOnly;
    hidden.nullable = true;
    hidden
}

impl Column {
    /// Reads the value from the first of these keys instead of the key of the column's own name.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.from = From::Keys(keys);
        self
    }

    /// Reads the value from the first of these keys, or else takes the end of the range asked for.
    #[must_use]
    pub const fn keys_or_window_end(mut self, keys: &'static [&'static str]) -> Self {
        self.from = From::KeysOrWindowEnd(keys);
        self
    }

    /// Says that a row may lack the value.
    #[must_use]
    pub const fn null(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Names the unit.
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// Describes the column.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Says what upstream can filter by it.
    #[must_use]
    pub const fn push(mut self, push: &'static [Push]) -> Self {
        self.push = push;
        self
    }

    /// The row keys that the column reads.
    pub fn row_keys(&self) -> impl Iterator<Item = &'static str> {
        let (own, keys): (Option<&'static str>, &'static [&'static str]) = match self.from {
            From::Keys([]) => (Some(self.name), &[]),
            From::Keys(keys) | From::KeysOrWindowEnd(keys) => (None, keys),
            From::FilterOnly | From::Rest => (None, &[]),
        };
        own.into_iter().chain(keys.iter().copied())
    }

    /// The comment that pg_catalog shows.
    pub fn comment(&self) -> String {
        let mut comment = self.doc.to_owned();
        if let Some(unit) = self.unit {
            comment.push_str(&format!(" Unit: {unit}."));
        }
        if self.from == From::FilterOnly {
            comment.push_str(" Filter only: takes = and IN, and shows the value asked for.");
        }
        comment
    }

    fn field(&self, zone: &Arc<str>) -> Field {
        let field = Field::new(self.name, self.ty.arrow(zone), self.nullable);
        match self.ty {
            Type::Jsonb => field.with_metadata([(PG_TYPE.to_owned(), "jsonb".to_owned())].into()),
            _ => field,
        }
    }
}

impl Table {
    /// The Arrow schema, times in `zone`.
    pub fn schema(&self, zone: &Arc<str>) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(|column| column.field(zone)).collect::<Vec<_>>()))
    }

    /// Position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Position of the time column.
    pub fn time_position(&self) -> Option<usize> {
        self.time.and_then(|name| self.position(name))
    }
}

/// `=` under a parameter.
pub const fn equal(parameter: &'static str, fidelity: Fidelity) -> Push {
    Push { op: Op::Equal, parameter, fidelity }
}

/// Case-insensitive substring under a parameter.
pub const fn contains(parameter: &'static str, fidelity: Fidelity) -> Push {
    Push { op: Op::Contains, parameter, fidelity }
}

/// Classes of numbers under a parameter.
pub const fn class(parameter: &'static str, fidelity: Fidelity, classes: &'static [(&'static str, i64, i64)]) -> Push {
    Push { op: Op::Class(classes), parameter, fidelity }
}
