//! One cell of a catalog answer, and how two of them compare.
//!
//! Which PostgreSQL type a cell has stands beside it (in the plan, in [`super::Rowset::columns`]), never in it: an oid, an
//! `int2` and a `bigint` are all `Int`, a name, a text and a "char" are all `Text`.

use std::cmp::Ordering;
use std::sync::Arc;

/// One cell.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// SQL NULL.
    #[default]
    Null,
    /// `boolean`.
    Bool(bool),
    /// Every integer type, `oid`, `xid` and, inside the evaluator, the `reg…` types.
    Int(i64),
    /// `real`, `double precision`, and `numeric` (catalog statements need no more digits).
    Float(f64),
    /// Every type whose value is its text.
    Text(Arc<str>),
    /// `date`: days since 1970-01-01.
    Date(i32),
    /// `timestamp`: microseconds since 1970-01-01.
    Timestamp(i64),
    /// `timestamptz`: microseconds since 1970-01-01 UTC.
    Timestamptz(i64),
    /// `interval`.
    Interval {
        /// Whole months.
        months: i32,
        /// Whole days.
        days: i32,
        /// The rest in microseconds.
        micros: i64,
    },
    /// An array of one dimension.
    Array(Arc<Array>),
    /// A row.
    Record(Arc<[Value]>),
}

/// An array of one dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The subscript of the first element: 1, but 0 for `int2vector` and `oidvector`.
    pub lower: i32,
    /// The elements.
    pub items: Vec<Value>,
}

/// A row of a relation or of a result.
pub(crate) type Row = Arc<[Value]>;

impl Value {
    /// Makes a text.
    pub fn text(text: impl AsRef<str>) -> Value {
        Value::Text(Arc::from(text.as_ref()))
    }

    /// Makes a text, NULL for `None`.
    pub fn optional_text(text: Option<&str>) -> Value {
        text.map_or(Value::Null, Value::text)
    }

    /// Makes an oid.
    pub fn oid(oid: u32) -> Value {
        Value::Int(i64::from(oid))
    }

    /// Makes an array whose first subscript is 1.
    pub fn array(items: Vec<Value>) -> Value {
        Value::Array(Arc::new(Array { lower: 1, items }))
    }

    /// Makes an `int2vector` or `oidvector`.
    pub(crate) fn vector(items: Vec<Value>) -> Value {
        Value::Array(Arc::new(Array { lower: 0, items }))
    }

    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether this is true; neither false nor NULL is.
    pub fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    /// Returns the text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// Returns the integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        if let Value::Int(int) = self { Some(*int) } else { None }
    }

    /// Returns the oid, if it can be one.
    pub fn as_oid(&self) -> Option<u32> {
        self.as_int().and_then(|int| u32::try_from(int).ok())
    }

    /// Returns the elements, if it is an array.
    pub fn items(&self) -> Option<&[Value]> {
        if let Value::Array(array) = self { Some(&array.items) } else { None }
    }

    /// Returns what hashes alike exactly when two values of comparable types are equal; `None` for NULL.
    pub(crate) fn key(&self) -> Option<Key> {
        Some(match self {
            Value::Null => return None,
            Value::Int(int) => Key::Int(*int),
            Value::Bool(bool) => Key::Int(i64::from(*bool)),
            Value::Text(text) => Key::Text(Arc::clone(text)),
            Value::Float(float) if float.fract() == 0.0 && float.abs() < 9e15 => Key::Int(*float as i64),
            Value::Array(array) => Key::Many(array.items.iter().map(Value::key).collect()),
            Value::Record(items) => Key::Many(items.iter().map(Value::key).collect()),
            other => Key::Bits(other.number().unwrap_or_default().to_bits()),
        })
    }

    /// Compares two values that are not NULL, texts by bytes (the C collation); NULLs inside arrays and rows come last.
    pub(crate) fn compare(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            (Value::Array(a), Value::Array(b)) => compare_items(&a.items, &b.items),
            (Value::Record(a), Value::Record(b)) => compare_items(a, b),
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    /// Returns what stands on the number line: mixed numbers, times of any kind in microseconds, intervals (30-day months).
    fn number(&self) -> Option<f64> {
        const DAY: f64 = 86_400_000_000.0;
        match self {
            Value::Int(int) => Some(*int as f64),
            // -0 equals 0 and compares so.
            Value::Float(float) => Some(float + 0.0),
            Value::Date(days) => Some(f64::from(*days) * DAY),
            Value::Timestamp(micros) | Value::Timestamptz(micros) => Some(*micros as f64),
            Value::Interval { months, days, micros } => {
                Some((f64::from(*months) * 30.0 + f64::from(*days)) * DAY + *micros as f64)
            }
            _ => None,
        }
    }

    /// An order among unlike values, so that sorting is total whatever comes.
    fn rank(&self) -> u8 {
        match self {
            Value::Bool(_) => 0,
            Value::Int(_) | Value::Float(_) => 1,
            Value::Text(_) => 2,
            Value::Date(_) | Value::Timestamp(_) | Value::Timestamptz(_) => 3,
            Value::Interval { .. } => 4,
            Value::Array(_) => 5,
            Value::Record(_) => 6,
            Value::Null => 7,
        }
    }

    /// Equality in which NULL equals NULL: of DISTINCT, GROUP BY, UNION and IS NOT DISTINCT FROM.
    pub(crate) fn same(&self, other: &Value) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

fn compare_items(left: &[Value], right: &[Value]) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(a, b)| a.compare(b))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// A value as the key of a hash join or index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// An integer, oid or boolean.
    Int(i64),
    /// A text, name or "char".
    Text(Arc<str>),
    /// A point on the number line that is no integer.
    Bits(u64),
    /// An array or row.
    Many(Vec<Option<Key>>),
}

impl From<bool> for Value {
    fn from(bool: bool) -> Value {
        Value::Bool(bool)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Value {
        Value::Int(int)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Arc::from(text))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}
