//! Statements of real clients against a small snapshot. What they must give was compared by hand with PostgreSQL 15, in which
//! the same tables had been created, before it was frozen.

mod api;
mod psql;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::sql::sqlparser::ast::{Query, Statement};

use super::{Activity, Column, Relation, RelationKind, Rowset, Schema, SessionInfo, Setting, Snapshot, Value, cast};
use crate::error::Result;

fn columns(list: &[(&str, u32, bool, Option<&str>)]) -> Vec<Column> {
    let column = |&(name, type_oid, not_null, comment): &(&str, u32, bool, Option<&str>)| Column {
        name: name.to_owned(),
        type_oid,
        not_null,
        comment: comment.map(str::to_owned),
    };
    list.iter().map(column).collect()
}

/// The tables that the comparison with PostgreSQL had.
fn snapshot() -> Snapshot {
    let requests = columns(&[
        ("source", 25, true, Some("Configured source")),
        ("id", 25, true, None),
        ("project_id", 25, false, None),
        ("provider", 25, false, None),
        ("model", 25, false, None),
        ("prompt_tokens", 20, false, None),
        ("cost_usd", 701, false, Some("Cost in USD")),
        ("streamed", 16, false, None),
        ("created_at", 1184, true, None),
        ("extra", 3802, false, None),
    ]);
    let traces = columns(&[
        ("source", 25, false, None),
        ("id", 25, false, None),
        ("tags", 1009, false, None),
        ("started_at", 1184, false, None),
    ]);
    let own = columns(&[("id", 25, true, None), ("model", 25, false, None)]);
    let sources = columns(&[("n", 20, false, None), ("name", 25, false, None)]);
    let relation = |schema: &str, name: &str, columns| Relation {
        schema: schema.to_owned(),
        name: name.to_owned(),
        columns,
        ..Relation::default()
    };
    let schema = |name: &str, comment: Option<&str>| Schema {
        name: name.to_owned(),
        oid: None,
        comment: comment.map(str::to_owned),
    };
    Snapshot {
        kept: Arc::default(),
        database: "app".to_owned(),
        owner: "postgres".to_owned(),
        schemas: vec![
            schema("public", Some("standard public schema")),
            schema("spanlens", Some("Spanlens export")),
            schema("spanwire", None),
        ],
        relations: vec![
            Relation {
                comment: Some("One row per LLM call.".to_owned()),
                primary_key: Some(vec![0, 1]),
                ..relation("public", "requests", requests)
            },
            relation("public", "traces", traces),
            Relation { primary_key: Some(vec![0]), ..relation("spanlens", "requests", own) },
            Relation {
                kind: RelationKind::View,
                comment: Some("Configured sources".to_owned()),
                definition: Some(" SELECT (1)::bigint AS n,\n    'x'::text AS name;".to_owned()),
                ..relation("spanwire", "sources", sources)
            },
        ],
        users: vec!["metabase".to_owned()],
    }
}

fn session() -> SessionInfo {
    let now: DateTime<Utc> = "2026-11-21T04:00:00Z".parse().expect("a time");
    let setting = |name: &str, value: &str| Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        reset_value: value.to_owned(),
        context: "user".to_owned(),
        vartype: "string".to_owned(),
        source: "default".to_owned(),
        ..Setting::default()
    };
    let mut session = SessionInfo::new("metabase", "app", now);
    session.server_version = "15.18".to_owned();
    session.settings = Arc::new(vec![
        setting("server_version_num", "150018"),
        setting("search_path", "\"$user\", public"),
        setting("max_index_keys", "32"),
    ]);
    session.sessions = vec![Activity {
        pid: 1,
        user: "metabase".to_owned(),
        database: "app".to_owned(),
        state: "active".to_owned(),
        ..Activity::default()
    }];
    session
}

fn parse(sql: &str) -> Query {
    let mut list = crate::sql::parse::statements(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    match list.pop() {
        Some(Statement::Query(query)) => *query,
        other => panic!("not a query: {other:?}"),
    }
}

fn answer(sql: &str) -> Result<Rowset> {
    answered(sql, &snapshot(), &[])
}

/// Prints an answer as `psql -A` does, NULL as `∅`.
fn print(rowset: &Rowset) -> String {
    let (snapshot, session) = (snapshot(), session());
    let context = super::Context::new(&snapshot, &session, &[]);
    let names: Vec<&str> = rowset.columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut lines = vec![names.join("|")];
    for row in &rowset.rows {
        let cell = |(value, (_, oid)): (&Value, &(String, u32))| match value {
            Value::Null => "∅".to_owned(),
            Value::Bool(bool) => (if *bool { "t" } else { "f" }).to_owned(),
            value => cast::text(value, *oid, &context),
        };
        lines.push(row.iter().zip(&rowset.columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}

/// Answers a statement as text, errors with their SQLSTATE.
fn ask(sql: &str) -> String {
    match answer(sql) {
        Ok(rowset) => {
            super::to_batch(&rowset).expect("a batch of every answer");
            print(&rowset)
        }
        Err(error) => format!("ERROR {}: {}", error.sqlstate(), error.message),
    }
}

/// The rows of a statement over a snapshot.
fn answered(sql: &str, snapshot: &Snapshot, parameters: &[Value]) -> Result<Rowset> {
    let planned = super::plan(&parse(sql), snapshot, &session(), &[])?;
    super::run(&planned, snapshot, &session(), parameters)
}
