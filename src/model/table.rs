//! The description of a virtual table. From this one constant follow the Arrow schema, pg_catalog with its comments,
//! pushdown, EXPLAIN, decoding, the README's table reference and the contract tests.
//!
//! Descriptions are `const`, so the builders below are `const fn`; a test checks all of them at once.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::model::canonical::Canonical;
use crate::model::connector::{Body, Paging};

pub use crate::model::push::{Fidelity, Op, Push, Takes, class, contains, equal, push};

/// Key of the Arrow field metadata that names a PostgreSQL type which the Arrow type alone does not tell.
pub const PG_TYPE: &str = "pg.type";
/// Metadata of an Arrow field: the modifier of its PostgreSQL type, where it has one.
pub const PG_TYPMOD: &str = "pg.typmod";

/// Metadata of an Arrow field: the column of a relation that it is, as `oid attnum` of `pg_attribute`.
pub const PG_ORIGIN: &str = "pg.origin";

/// Metadata of an Arrow field: the types of the fields of a row, as OIDs.
pub const PG_FIELDS: &str = "pg.fields";

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
    /// Columns whose values together are unique, if the API guarantees any.
    pub key: &'static [&'static str],
    /// Columns that tell whether a row of one answer is a row of another, if no key is guaranteed.
    pub identity: &'static [&'static str],
    /// Whether upstream keeps to the time bounds it is sent for this table.
    pub window: Window,
    /// Precision of upstream's time bounds, in microseconds; bounds are widened to it.
    pub precision_us: i64,
    /// How further rows are reached.
    pub paging: Paging,
    /// How the rows stand in an answer.
    pub body: Body,
    /// Orders that upstream serves.
    pub sorts: &'static [Sort],
    /// The column without whose value there are no rows, if upstream wants one.
    pub lookup: Option<Lookup>,
    /// A request asks for the columns that are wanted, so each further one makes the answer larger.
    pub narrows: bool,
    /// A setting of the source of which each value takes a scan of its own.
    pub each: Option<Each>,
    /// Filters of [`Push::counted`] kind that one request takes at the most.
    pub most_filters: usize,
    /// Upstream can be asked for rows of which any of several conditions holds, each over a column of its own.
    pub any: bool,
    /// What a session can switch on for it.
    pub switches: &'static [Switch],
    /// What it is among the virtual tables of schema `public`.
    pub canonical: Option<Canonical>,
    /// What is known about this table and fits nowhere else; shown in the README.
    pub notes: &'static [&'static str],
    /// Three statements that show what it is for.
    pub examples: &'static [&'static str],
}

/// An order that upstream serves, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: &'static str,
    /// The word for it in a request.
    pub parameter: &'static str,
    /// Upstream sends newest first without being asked, and cannot be asked for more.
    pub only_descending: bool,
    /// By a number within a `jsonb` column: under any one key, and then these. The key follows the word, after `__`.
    pub under: Option<&'static [&'static str]>,
}

/// Rows that come only by the value of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The column.
    pub column: &'static str,
    /// The request parameter that takes one value.
    pub parameter: &'static str,
    /// The values are UUIDs: any other text is the value of no row.
    pub uuid: bool,
    /// Table of the same source that lists the values.
    pub list: &'static str,
    /// Its column that holds them.
    pub list_column: &'static str,
    /// Rows lie at most so long after the time of their entry in the list, in microseconds; never before it.
    pub reach_us: i64,
}

/// A setting of the source of which each value takes a scan of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Each {
    /// Key of the configuration.
    pub setting: &'static str,
    /// The request parameter that takes one value.
    pub parameter: &'static str,
    /// The column that shows it.
    pub column: &'static str,
}

/// Something that a session can switch on, by `SET <source>.<name> = on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Name of the setting.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Rows come which the filters sent do not describe: these filters are not checked again, and choose other rows.
    pub widens: bool,
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
    /// How it is written there.
    pub form: Form,
    /// Whether a row may lack it.
    pub nullable: bool,
    /// Unit of a number, for people: "ms", "USD", "tokens".
    pub unit: Option<&'static str>,
    /// One sentence; becomes the column's comment.
    pub doc: &'static str,
    /// What upstream can filter by this column.
    pub push: &'static [Push],
    /// The table of the same source, and its column, whose values these are.
    pub references: Option<(&'static str, &'static str)>,
}

/// Where a column's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The first of these keys of the row object that is there.
    Keys(&'static [&'static str]),
    /// The first of these keys, or else the end of the time range that was asked for (now, if it is open).
    KeysOrWindowEnd(&'static [&'static str]),
    /// The value within the first of these keys, a document or the text of one: at the first of these paths that leads
    /// to a text. NULL if none does.
    Inside(&'static [&'static str], &'static [&'static [&'static str]]),
    /// From the time under the first key to the one under the second, in milliseconds; NULL if either is missing.
    Between(&'static str, &'static str),
    /// Nowhere: upstream filters by it but does not return it. It takes `=` and `IN` and shows the value asked for; of
    /// several values, NULL, for which of them a row has is not told.
    FilterOnly,
    /// Nowhere: the value of the table's [`Each`] that the scan asks for.
    Each,
    /// All keys of the row that no other column reads, as one JSON object; NULL when there are none.
    Rest,
}

/// How a value is written in a row, where that is not the plain way of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As its type: text, number, boolean, ISO 8601 time, JSON.
    Plain,
    /// A time as milliseconds since 1970-01-01 UTC.
    EpochMillis,
    /// JSON as a string that holds it; a string that holds none is taken as it is.
    JsonText,
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
    Column {
        name,
        ty,
        from: From::Keys(&[]),
        form: Form::Plain,
        nullable: false,
        unit: None,
        doc: "",
        push: &[],
        references: None,
    }
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

    /// Takes the value from within the document under one of these keys.
    #[must_use]
    pub const fn inside(mut self, keys: &'static [&'static str], paths: &'static [&'static [&'static str]]) -> Self {
        self.from = From::Inside(keys, paths);
        self.nullable = true;
        self
    }

    /// Takes the milliseconds from one time to another.
    #[must_use]
    pub const fn between(mut self, start: &'static str, end: &'static str) -> Self {
        self.from = From::Between(start, end);
        self.nullable = true;
        self
    }

    /// Shows the value of the table's [`Each`].
    #[must_use]
    pub const fn each(mut self) -> Self {
        self.from = From::Each;
        self
    }

    /// Reads a time as milliseconds since 1970.
    #[must_use]
    pub const fn epoch_millis(mut self) -> Self {
        self.form = Form::EpochMillis;
        self
    }

    /// Reads a string that holds JSON.
    #[must_use]
    pub const fn json_text(mut self) -> Self {
        self.form = Form::JsonText;
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

    /// Its values are those of a column of another table of the source.
    #[must_use]
    pub const fn references(mut self, table: &'static str, column: &'static str) -> Self {
        self.references = Some((table, column));
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
        let (own, keys): ([Option<&'static str>; 2], &'static [&'static str]) = match self.from {
            From::Keys([]) => ([Some(self.name), None], &[]),
            From::Keys(keys) | From::KeysOrWindowEnd(keys) | From::Inside(keys, _) => ([None, None], keys),
            From::Between(start, end) => ([Some(start), Some(end)], &[]),
            From::FilterOnly | From::Each | From::Rest => ([None, None], &[]),
        };
        own.into_iter().flatten().chain(keys.iter().copied())
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

    /// The Arrow field, times in `zone`.
    pub fn field(&self, zone: &Arc<str>) -> Field {
        let field = Field::new(self.name, self.ty.arrow(zone), self.nullable);
        match self.ty {
            Type::Jsonb => field.with_metadata([(PG_TYPE.to_owned(), "jsonb".to_owned())].into()),
            _ => field,
        }
    }
}

/// What most tables have; a description names what it has beyond this.
pub const TABLE: Table = Table {
    name: "",
    path: "",
    doc: "",
    columns: &[],
    time: None,
    key: &[],
    identity: &[],
    window: Window::Kept,
    precision_us: 1,
    paging: Paging::One,
    body: Body::Rows { keys: &[], count: false },
    sorts: &[],
    lookup: None,
    narrows: false,
    each: None,
    most_filters: usize::MAX,
    any: false,
    switches: &[],
    canonical: None,
    notes: &[],
    examples: &[],
};

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

    /// Positions of the columns of the key, if all of them are there.
    pub fn key_positions(&self) -> Option<Vec<usize>> {
        self.positions(self.key)
    }

    /// Positions of the columns of the identity, if all of them are there.
    pub fn identity_positions(&self) -> Option<Vec<usize>> {
        self.positions(self.identity)
    }

    fn positions(&self, names: &[&str]) -> Option<Vec<usize>> {
        let positions: Option<Vec<usize>> = names.iter().map(|name| self.position(name)).collect();
        positions.filter(|positions| !positions.is_empty())
    }

    /// Whether rows carry a time of their own that tells their place.
    pub fn has_own_time(&self) -> bool {
        self.time.and_then(|name| self.column(name)).is_some_and(|column| {
            // A time that a row may lack says nothing about the row's place.
            !column.nullable && matches!(column.from, From::Keys(_))
        })
    }

    /// Position of the time column.
    pub fn time_position(&self) -> Option<usize> {
        self.time.and_then(|name| self.position(name))
    }
}
