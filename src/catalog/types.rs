//! The builtin types: oids, names, families. Read once from `data/pg_type.tsv`, a dump of PostgreSQL 15.

use std::collections::HashMap;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::ast::{ArrayElemTypeDef, DataType, ObjectName, ObjectNamePart, TimezoneInfo};

use super::tsv::Tsv;
use crate::error::{Error, Kind, Result};

pub(crate) const BOOL: u32 = 16;
pub(crate) const CHAR: u32 = 18;
pub(crate) const NAME: u32 = 19;
pub(crate) const INT8: u32 = 20;
pub(crate) const INT2: u32 = 21;
pub(crate) const INT2VECTOR: u32 = 22;
pub(crate) const INT4: u32 = 23;
pub(crate) const REGPROC: u32 = 24;
pub(crate) const TEXT: u32 = 25;
pub(crate) const OID: u32 = 26;
pub(crate) const XID: u32 = 28;
pub(crate) const CID: u32 = 29;
pub(crate) const OIDVECTOR: u32 = 30;
pub(crate) const FLOAT4: u32 = 700;
pub(crate) const FLOAT8: u32 = 701;
pub(crate) const UNKNOWN: u32 = 705;
pub(crate) const BPCHAR: u32 = 1042;
pub(crate) const VARCHAR: u32 = 1043;
pub(crate) const DATE: u32 = 1082;
pub(crate) const TIMESTAMP: u32 = 1114;
pub(crate) const TIMESTAMPTZ: u32 = 1184;
pub(crate) const INTERVAL: u32 = 1186;
pub(crate) const NUMERIC: u32 = 1700;
pub(crate) const REGPROCEDURE: u32 = 2202;
pub(crate) const REGCLASS: u32 = 2205;
pub(crate) const REGTYPE: u32 = 2206;
pub(crate) const RECORD: u32 = 2249;
pub(crate) const ANY: u32 = 2276;
pub(crate) const ANYARRAY: u32 = 2277;
pub(crate) const ANYELEMENT: u32 = 2283;
pub(crate) const REGNAMESPACE: u32 = 4089;
pub(crate) const REGROLE: u32 = 4096;
pub(crate) const XID8: u32 = 5069;

/// A builtin type.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) schema: u32,
    pub(crate) len: i64,
    pub(crate) by_value: bool,
    pub(crate) align: String,
    pub(crate) storage: String,
    pub(crate) kind: char,
    pub(crate) category: char,
    pub(crate) elem: u32,
    pub(crate) array: u32,
    pub(crate) base: u32,
    pub(crate) collation: u32,
}

/// What values of different types compare and convert freely among themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Unknown,
    Bool,
    Number,
    Text,
    Time,
    Interval,
    Array,
    Record,
    Other,
}

struct Types {
    by_oid: HashMap<u32, Type>,
    by_name: HashMap<String, u32>,
}

static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let table = Tsv::new(include_str!("data/pg_type.tsv"));
    let number =
        |row: &[&'static str], name: &str| -> u32 { table.cell(row, name).and_then(|t| t.parse().ok()).unwrap_or(0) };
    let text = |row: &[&'static str], name: &str| table.cell(row, name).unwrap_or_default().to_owned();
    let letter = |row: &[&'static str], name: &str| table.cell(row, name).and_then(|t| t.chars().next()).unwrap_or(' ');
    let mut types = Types { by_oid: HashMap::new(), by_name: HashMap::new() };
    for row in table.rows() {
        let entry = Type {
            oid: number(&row, "oid"),
            name: text(&row, "typname"),
            schema: number(&row, "typnamespace"),
            len: table.cell(&row, "typlen").and_then(|t| t.parse().ok()).unwrap_or(-1),
            by_value: table.cell(&row, "typbyval") == Some("t"),
            align: text(&row, "typalign"),
            storage: text(&row, "typstorage"),
            kind: letter(&row, "typtype"),
            category: letter(&row, "typcategory"),
            elem: number(&row, "typelem"),
            array: number(&row, "typarray"),
            base: number(&row, "typbasetype"),
            collation: number(&row, "typcollation"),
        };
        types.by_name.entry(entry.name.clone()).or_insert(entry.oid);
        types.by_oid.insert(entry.oid, entry);
    }
    types
});

/// Returns the builtin type of that oid.
pub(crate) fn get(oid: u32) -> Option<&'static Type> {
    TYPES.by_oid.get(&oid)
}

/// Returns the oid of the builtin type of that `pg_type.typname`.
pub(crate) fn by_name(name: &str) -> Option<u32> {
    TYPES.by_name.get(name).copied()
}

/// Returns the type under a domain, as a RowDescription shows it.
pub(crate) fn base(oid: u32) -> u32 {
    match get(oid) {
        Some(entry) if entry.kind == 'd' => base(entry.base),
        _ => oid,
    }
}

/// Returns the family of a type; types of the gateway's own rows are records.
pub(crate) fn family(oid: u32) -> Family {
    match oid {
        UNKNOWN => return Family::Unknown,
        CHAR => return Family::Text,
        XID | CID | XID8 => return Family::Number,
        RECORD => return Family::Record,
        INT2VECTOR | OIDVECTOR | ANYARRAY => return Family::Array,
        _ => {}
    }
    match get(base(oid)).map(|entry| entry.category) {
        Some('B') => Family::Bool,
        Some('N') => Family::Number,
        Some('S') => Family::Text,
        Some('D') => Family::Time,
        Some('T') => Family::Interval,
        Some('A') => Family::Array,
        Some('C') | None => Family::Record,
        Some(_) => Family::Other,
    }
}

/// Whether a value of the type is held as an integer.
pub(crate) fn is_integer(oid: u32) -> bool {
    family(oid) == Family::Number && !matches!(base(oid), FLOAT4 | FLOAT8 | NUMERIC | 790)
}

/// Whether it is one of the types whose text is the name of an object.
pub(crate) fn is_reg(oid: u32) -> bool {
    matches!(
        oid,
        REGPROC | REGPROCEDURE | 2203 | 2204 | REGCLASS | REGTYPE | REGROLE | REGNAMESPACE | 3734 | 3769 | 4191
    )
}

/// Returns the element type of an array type.
pub(crate) fn element(oid: u32) -> Option<u32> {
    match oid {
        INT2VECTOR => Some(INT2),
        OIDVECTOR => Some(OID),
        _ => get(base(oid)).filter(|entry| entry.category == 'A').map(|entry| entry.elem),
    }
}

/// Returns the array type over an element type; `text[]` if there is none.
pub(crate) fn array_of(oid: u32) -> u32 {
    match get(if oid == UNKNOWN { TEXT } else { oid }).map(|entry| entry.array) {
        Some(array) if array != 0 => array,
        _ => 1009,
    }
}

/// Whether it is the array type of its elements; `int2vector` is an array in another sense.
pub(crate) fn is_array(entry: &Type) -> bool {
    get(entry.elem).is_some_and(|element| element.array == entry.oid)
}

/// Returns the name that SQL gives a builtin type (`int4` is `integer`), with its modifier: `format_type`.
pub(crate) fn format(oid: u32, modifier: Option<i64>) -> Option<String> {
    let entry = get(oid)?;
    if is_array(entry)
        && let Some(element) = format(entry.elem, modifier)
    {
        return Some(format!("{element}[]"));
    }
    // No modifier at all is the type of the standard, -1 is the one without a length.
    let unlimited = modifier == Some(-1);
    let modifier = modifier.filter(|&m| m >= 0);
    let length = |name: &str| modifier.map_or_else(|| name.to_owned(), |m| format!("{name}({})", m - 4));
    let seconds = |name: &str| modifier.map_or_else(String::new, |m| format!("({m}){name}"));
    Some(match oid {
        BOOL => "boolean".to_owned(),
        CHAR => "\"char\"".to_owned(),
        INT8 => "bigint".to_owned(),
        INT2 => "smallint".to_owned(),
        INT4 => "integer".to_owned(),
        FLOAT4 => "real".to_owned(),
        FLOAT8 => "double precision".to_owned(),
        BPCHAR if unlimited => "bpchar".to_owned(),
        BPCHAR => length("character"),
        VARCHAR => length("character varying"),
        1083 => format!("time{} without time zone", seconds("")),
        1266 => format!("time{} with time zone", seconds("")),
        TIMESTAMP => format!("timestamp{} without time zone", seconds("")),
        TIMESTAMPTZ => format!("timestamp{} with time zone", seconds("")),
        NUMERIC => modifier.map_or_else(
            || "numeric".to_owned(),
            |m| format!("numeric({},{})", ((m - 4) >> 16) & 0xffff, (m - 4) & 0x7ff),
        ),
        INTERVAL => "interval".to_owned(),
        1560 => modifier.map_or_else(|| "bit".to_owned(), |m| format!("bit({m})")),
        1562 => modifier.map_or_else(|| "bit varying".to_owned(), |m| format!("bit varying({m})")),
        _ => super::functions::quoted(&entry.name),
    })
}

/// Returns the oid that a name in SQL stands for (`integer`, `int4`, `pg_catalog.text`, `varchar(10)`, `text[]`).
pub(crate) fn parse(name: &str) -> Option<u32> {
    let name = name.trim();
    if let Some(element) = name.strip_suffix("[]") {
        return parse(element).map(array_of);
    }
    let (head, tail) = match (name.find('('), name.find(')')) {
        (Some(open), Some(close)) if open < close => (name[..open].trim(), name[close + 1..].trim()),
        _ => (name, ""),
    };
    let joined = if tail.is_empty() { head.to_owned() } else { format!("{head} {tail}") };
    let bare = joined.strip_prefix("pg_catalog.").or(joined.strip_prefix("information_schema.")).unwrap_or(&joined);
    if let Some(quoted) = bare.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        return by_name(quoted);
    }
    Some(match bare.to_lowercase().as_str() {
        "boolean" => BOOL,
        "bigint" => INT8,
        "smallint" => INT2,
        "integer" | "int" => INT4,
        "real" => FLOAT4,
        "double precision" | "float" => FLOAT8,
        "char" | "character" => BPCHAR,
        "character varying" => VARCHAR,
        "decimal" => NUMERIC,
        "timestamp without time zone" => TIMESTAMP,
        "timestamp with time zone" => TIMESTAMPTZ,
        "time without time zone" => 1083,
        "time with time zone" => 1266,
        "bit varying" => 1562,
        other => return by_name(other),
    })
}

/// Returns the oid of a type as the parser wrote it.
pub(crate) fn of_ast(data_type: &DataType) -> Result<u32> {
    let oid = match data_type {
        DataType::Custom(name, _) => of_name(name),
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => Some(array_of(of_ast(element)?)),
        DataType::Regclass => Some(REGCLASS),
        DataType::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => Some(TIMESTAMPTZ),
        DataType::Timestamp(..) => Some(TIMESTAMP),
        DataType::Interval { .. } => Some(INTERVAL),
        DataType::Varchar(_) | DataType::CharacterVarying(_) => Some(VARCHAR),
        DataType::Char(_) | DataType::Character(_) => Some(BPCHAR),
        other => parse(&other.to_string()),
    };
    oid.ok_or_else(|| undefined(&data_type.to_string()))
}

fn of_name(name: &ObjectName) -> Option<u32> {
    let parts: Vec<_> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
    let last = parts.last()?;
    if last.quote_style.is_some() {
        return by_name(&last.value);
    }
    let lower = last.value.to_lowercase();
    if parts.len() > 1 { by_name(&lower).or_else(|| parse(&lower)) } else { parse(&lower) }
}

/// The error for a type that does not exist.
pub(crate) fn undefined(name: &str) -> Error {
    Error::new(Kind::UndefinedObject, format!("type \"{name}\" does not exist"))
}
