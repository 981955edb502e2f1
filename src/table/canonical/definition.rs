//! A virtual table as the SQL that it stands for, for people who look a view up in the catalogs.

use super::{Part, unread};
use crate::model::canonical::{Shape, Take};
use crate::model::table::{Column, From, Type};

/// The query of a virtual table, as `pg_get_viewdef` shows it.
pub fn definition(shape: &Shape, parts: &[Part<'_>]) -> String {
    if parts.is_empty() {
        let columns: Vec<String> = shape.columns.iter().map(|column| named(&null(column), column.name)).collect();
        return format!(" SELECT {}\n  WHERE false;", columns.join(",\n    "));
    }
    let selects: Vec<String> = parts.iter().map(|part| select(shape, part)).collect();
    format!("{};", selects.join("\nUNION ALL\n"))
}

fn select(shape: &Shape, part: &Part<'_>) -> String {
    let columns = shape.columns.iter().map(|column| {
        let take = part.canonical.columns.iter().find(|(own, _)| *own == column.name).map(|(_, take)| take);
        let value = match (column.name, take) {
            ("source", _) => format!("{}::text", quoted(&part.source.name)),
            ("extra", _) => rest(part),
            (_, Some(take)) => taken(part, column, take),
            (_, None) => null(column),
        };
        named(&value, column.name)
    });
    let columns: Vec<String> = columns.collect();
    format!(" SELECT {}\n   FROM {}.{}", columns.join(",\n    "), ident(&part.source.name), ident(part.table.name))
}

fn named(value: &str, name: &str) -> String {
    let name = ident(name);
    if value == name { name } else { format!("{value} AS {name}") }
}

fn null(column: &Column) -> String {
    format!("NULL::{}", column.ty.name())
}

fn taken(part: &Part<'_>, target: &Column, take: &Take) -> String {
    let name = ident(take.column());
    let own = part.table.column(take.column()).map_or(target.ty, |column| column.ty);
    match take {
        Take::Column(_) if own == target.ty => name,
        Take::Column(_) => format!("{name}::{}", target.ty.name()),
        Take::Scaled(_, factor) if own == Type::Double => format!("{name} * {factor}"),
        Take::Scaled(_, factor) => format!("{name}::double precision * {factor}"),
        Take::Text(_) => format!("{name}::text"),
        Take::Words(_, pairs, other) => {
            let whens: String = pairs
                .iter()
                .map(|(word, canonical)| format!(" WHEN {} THEN {}", quoted(word), quoted(canonical)))
                .collect();
            format!("CASE {name}{whens} ELSE {} END", quoted(other))
        }
        Take::IfNull(_, absent, present) => {
            format!("CASE WHEN {name} IS NULL THEN {} ELSE {} END", quoted(absent), quoted(present))
        }
    }
}

fn rest(part: &Part<'_>) -> String {
    let columns: Vec<&Column> = unread(part.table, &part.canonical).collect();
    let own = columns.iter().find(|column| column.from == From::Rest).map(|column| ident(column.name));
    let members = columns.iter().filter(|column| column.from != From::Rest);
    let members: Vec<String> =
        members.map(|column| format!("({}, to_jsonb({}))", quoted(column.name), ident(column.name))).collect();
    // Columns that are NULL are left out, nulls within a document are not: jsonb_strip_nulls would take both.
    let object = format!(
        "coalesce((SELECT jsonb_object_agg(name, value) FROM (VALUES {}) AS member(name, value) WHERE value IS NOT NULL), '{{}}'::jsonb)",
        members.join(", ")
    );
    match (own, members.is_empty()) {
        (None, true) => "NULL::jsonb".to_owned(),
        (Some(own), true) => own,
        (None, false) => format!("nullif({object}, '{{}}'::jsonb)"),
        (Some(own), false) => format!("nullif(coalesce({own}, '{{}}'::jsonb) || {object}, '{{}}'::jsonb)"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name, in quotes if it needs them.
fn ident(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
