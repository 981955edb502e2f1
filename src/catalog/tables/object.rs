//! Schemas, the database, roles, comments and dependencies.

use super::super::context::{Context, Source};
use super::super::oids;
use super::super::value::Value;
use super::Made;

const CLASS: u32 = 1259;
const NAMESPACE: u32 = 2615;
const REWRITE: u32 = 2618;

pub(super) fn namespaces(context: &Context<'_>) -> Made {
    let rows =
        context.schemas.iter().map(|(name, oid)| vec![Value::oid(*oid), Value::text(name), Value::oid(oids::OWNER)]);
    Made { columns: &["oid", "nspname", "nspowner"], rows: rows.collect() }
}

pub(super) fn databases(context: &Context<'_>) -> Made {
    let name = &context.session.database;
    Made {
        columns: &[
            "oid",
            "datname",
            "datdba",
            "encoding",
            "datlocprovider",
            "datallowconn",
            "datconnlimit",
            "dattablespace",
            "datcollate",
            "datctype",
        ],
        rows: vec![vec![
            Value::oid(oids::database(name)),
            Value::text(name),
            Value::oid(oids::OWNER),
            Value::Int(6),
            Value::text("c"),
            Value::Bool(true),
            Value::Int(-1),
            Value::oid(oids::TABLESPACE),
            Value::text("C.UTF-8"),
            Value::text("C.UTF-8"),
        ]],
    }
}

pub(super) fn roles(context: &Context<'_>) -> Made {
    let rows = context.roles().into_iter().map(|(name, oid)| {
        let owner = Value::Bool(oid == oids::OWNER);
        // The owner is a name for the gateway itself: nobody logs in as it unless a user has that name.
        let login =
            oid != oids::OWNER || name == context.session.session_user || context.snapshot.users.contains(&name);
        vec![
            Value::oid(oid),
            Value::text(name),
            owner.clone(),
            Value::Bool(true),
            Value::Bool(login),
            Value::Int(-1),
            owner,
        ]
    });
    Made {
        columns: &["oid", "rolname", "rolsuper", "rolinherit", "rolcanlogin", "rolconnlimit", "rolbypassrls"],
        rows: rows.collect(),
    }
}

pub(super) fn descriptions(context: &Context<'_>) -> Made {
    let mut rows = Vec::new();
    let mut push = |oid: u32, class: u32, part: usize, text: Option<&String>| {
        if let Some(text) = text {
            let part = Value::Int(i64::try_from(part).unwrap_or(i64::MAX));
            rows.push(vec![Value::oid(oid), Value::oid(class), part, Value::text(text)]);
        }
    };
    push(oids::PG_CATALOG, NAMESPACE, 0, Some(&"system catalog schema".to_owned()));
    for schema in &context.snapshot.schemas {
        push(context.schema_oid(&schema.name).unwrap_or_default(), NAMESPACE, 0, schema.comment.as_ref());
    }
    for class in context.classes {
        let (Source::User(_), Some(relation)) = (class.source, context.relation(class)) else { continue };
        push(class.oid, CLASS, 0, relation.comment.as_ref());
        for (position, column) in relation.columns.iter().enumerate() {
            push(class.oid, CLASS, position + 1, column.comment.as_ref());
        }
    }
    Made { columns: &["objoid", "classoid", "objsubid", "description"], rows }
}

/// The rule of a view: `_RETURN`, whose oid is that of the view's row type made odd.
pub(super) fn rewrites(context: &Context<'_>) -> Made {
    let views = context.classes.iter().filter(|class| class.kind == 'v');
    let rows = views.map(|class| {
        vec![
            Value::oid(class.oid),
            Value::text("_RETURN"),
            Value::oid(class.oid),
            Value::text("1"),
            Value::text("O"),
            Value::Bool(true),
        ]
    });
    Made { columns: &["oid", "rulename", "ev_class", "ev_type", "ev_enabled", "is_instead"], rows: rows.collect() }
}

pub(super) fn dependencies(context: &Context<'_>) -> Made {
    let mut rows = Vec::new();
    let mut push = |class: u32, object: u32, other_class: u32, other: u32, part: usize, kind: &str| {
        rows.push(vec![
            Value::oid(class),
            Value::oid(object),
            Value::oid(other_class),
            Value::oid(other),
            Value::Int(i64::try_from(part).unwrap_or(i64::MAX)),
            Value::text(kind),
        ]);
    };
    for class in context.classes.iter().filter(|class| !matches!(class.source, Source::System(_))) {
        match class.source {
            Source::Index(_) => {
                if let Some(table) = context.owner_of_index(class) {
                    push(CLASS, class.oid, 2606, oids::primary_key(table.oid), 0, "i");
                }
            }
            _ => push(CLASS, class.oid, NAMESPACE, context.schema_oid(&class.schema).unwrap_or_default(), 0, "n"),
        }
        if class.kind == 'v' {
            push(REWRITE, class.oid, CLASS, class.oid, 0, "i");
        }
        let Some(relation) = context.relation(class).filter(|_| class.kind != 'i') else { continue };
        for (n, key) in relation.foreign_keys.iter().enumerate() {
            let target = context.class_named(&key.schema, &key.name).and_then(|target| context.index_of(target));
            if let Some(index) = target {
                push(2606, oids::foreign_key(class.oid, n), CLASS, index.oid, 0, "n");
            }
        }
    }
    Made { columns: &["classid", "objid", "refclassid", "refobjid", "refobjsubid", "deptype"], rows }
}
