//! The SQL behind objects: `pg_get_…def`, and the helpers of `information_schema`.

use super::super::context::Context;
use super::super::context::Source;
use super::super::tables::{self, key_columns};
use super::super::value::Value;
use super::super::{oids, relations, types};
use super::{Function, int_at, lax, oid_at, quoted, strict};
use crate::error::Result;

pub(super) const FUNCTIONS: &[Function] = &[
    strict("pg_get_expr", "pg_node_tree oid|pg_node_tree oid bool", "text", |_, _| Ok(Value::Null)),
    strict("pg_get_indexdef", "oid|oid int4 bool", "text", |a, c| Ok(index_definition(a, c).into())),
    strict("pg_get_constraintdef", "oid|oid bool", "text", |a, c| Ok(constraint_definition(oid_at(a, 0), c).into())),
    strict("pg_get_viewdef", "oid|oid bool|oid int4", "text", |a, c| Ok(view_definition(oid_at(a, 0), c).into())),
    strict("pg_get_ruledef", "oid|oid bool", "text", |a, c| Ok(rule_definition(oid_at(a, 0), c).into())),
    strict("pg_get_triggerdef", "oid|oid bool", "text", |_, _| Ok(Value::Null)),
    strict("pg_get_statisticsobjdef_columns", "oid", "text", |_, _| Ok(Value::Null)),
    strict("pg_get_statisticsobjdef", "oid", "text", |_, _| Ok(Value::Null)),
    strict("pg_get_partkeydef", "oid", "text", |_, _| Ok(Value::Null)),
    strict("pg_get_partition_constraintdef", "oid", "text", |_, _| Ok(Value::Null)),
    strict("pg_get_serial_sequence", "text text", "text", |_, _| Ok(Value::Null)),
    strict("pg_sequence_last_value", "regclass", "int8", |_, _| Ok(Value::Null)),
    strict("pg_get_function_result", "oid", "text", |a, c| function_result(oid_at(a, 0), c)),
    strict("pg_get_function_arguments", "oid", "text", |a, c| function_arguments(oid_at(a, 0), c)),
    strict("pg_get_function_identity_arguments", "oid", "text", |a, c| function_arguments(oid_at(a, 0), c)),
    strict("pg_get_function_sqlbody", "oid", "text", |_, _| Ok(Value::Null)),
    strict("pg_get_functiondef", "oid", "text", |a, c| function_definition(oid_at(a, 0), c)),
    strict("pg_get_function_arg_default", "oid int4", "text", |_, _| Ok(Value::Null)),
    strict("pg_relation_is_publishable", "regclass", "bool", |_, _| Ok(Value::Bool(false))),
    strict("pg_relation_is_updatable", "regclass bool", "int4", |_, _| Ok(Value::Int(0))),
    strict("pg_column_is_updatable", "regclass int2 bool", "bool", |_, _| Ok(Value::Bool(false))),
    strict("pg_relation_filenode", "regclass", "oid", |_, _| Ok(Value::Null)),
    strict("pg_partition_root", "regclass", "regclass", |_, _| Ok(Value::Null)),
    strict("_pg_char_max_length", "oid int4", "int4", |a, _| Ok(max_length(a))),
    strict("_pg_char_octet_length", "oid int4", "int4", |a, _| Ok(octet_length(a))),
    strict("_pg_numeric_precision", "oid int4", "int4", |a, _| Ok(precision(a).into())),
    strict("_pg_numeric_precision_radix", "oid int4", "int4", |a, _| Ok(radix(a).into())),
    strict("_pg_numeric_scale", "oid int4", "int4", |a, _| Ok(scale(a).into())),
    strict("_pg_datetime_precision", "oid int4", "int4", |a, _| Ok(datetime_precision(a).into())),
    strict("_pg_interval_type", "oid int4", "text", |_, _| Ok(Value::Null)),
    strict("_pg_index_position", "oid int2", "int4", |a, c| Ok(index_position(a, c).into())),
    lax("acldefault", "char oid", "_aclitem", |_, _| Ok(Value::Null)),
];

fn index_definition(args: &[Value], context: &Context<'_>) -> Option<String> {
    let index = context.class(oid_at(args, 0))?;
    let table = context.owner_of_index(index)?;
    let relation = context.relation(index)?;
    let names: Vec<String> =
        key_columns(relation).iter().filter_map(|&at| relation.columns.get(at)).map(|c| quoted(&c.name)).collect();
    match int_at(args, 1).and_then(|n| usize::try_from(n).ok()) {
        Some(n) if n > 0 => names.get(n - 1).cloned(),
        _ => {
            // The pretty form leaves out the schema where it can.
            let pretty = args.get(2).is_some_and(Value::is_true);
            let full = || format!("{}.{}", quoted(&table.schema), quoted(&table.name));
            let on = if pretty { tables::qualified(context, table) } else { full() };
            Some(format!("CREATE UNIQUE INDEX {} ON {on} USING btree ({})", quoted(&index.name), names.join(", ")))
        }
    }
}

fn constraint_definition(oid: u32, context: &Context<'_>) -> Option<String> {
    for class in context.classes {
        let (Source::User(_), Some(relation)) = (class.source, context.relation(class)) else { continue };
        let list = |columns: &[usize], of: &super::super::Relation| {
            let names = columns.iter().filter_map(|&at| of.columns.get(at)).map(|c| quoted(&c.name));
            names.collect::<Vec<_>>().join(", ")
        };
        if relation.primary_key.is_some() && oids::primary_key(class.oid) == oid {
            return Some(format!("PRIMARY KEY ({})", list(key_columns(relation), relation)));
        }
        for (n, key) in relation.foreign_keys.iter().enumerate() {
            if oids::foreign_key(class.oid, n) == oid {
                let target = context.class_named(&key.schema, &key.name)?;
                let other = context.relation(target)?;
                let (own, name) = (list(&key.columns, relation), tables::qualified(context, target));
                return Some(format!("FOREIGN KEY ({own}) REFERENCES {name}({})", list(&key.referenced, other)));
            }
        }
    }
    None
}

fn view_definition(oid: u32, context: &Context<'_>) -> Option<String> {
    let class = context.class(oid).filter(|class| class.kind == 'v')?;
    match class.source {
        Source::System(position) => relations::view_text(position).map(|sql| format!(" {sql};")),
        _ => {
            let relation = context.relation(class)?;
            let columns = || relation.columns.iter().map(|c| quoted(&c.name)).collect::<Vec<_>>().join(", ");
            Some(relation.definition.clone().unwrap_or_else(|| format!(" SELECT {};", columns())))
        }
    }
}

fn rule_definition(oid: u32, context: &Context<'_>) -> Option<String> {
    let class = context.class(oid)?;
    let name = tables::qualified(context, class);
    view_definition(oid, context)
        .map(|sql| format!("CREATE RULE \"_RETURN\" AS\n    ON SELECT TO {name} DO INSTEAD {sql}"))
}

/// The cells of a function's row that describe it.
struct Signature {
    name: String,
    returns: u32,
    set: bool,
    args: Vec<u32>,
    names: Vec<String>,
    modes: Vec<String>,
}

fn signature(oid: u32, context: &Context<'_>) -> Result<Option<Signature>> {
    let Some(row) = super::name::find_row("pg_proc", i64::from(oid), context)? else { return Ok(None) };
    let Some(position) = relations::find("pg_catalog", "pg_proc") else { return Ok(None) };
    let columns = &relations::all()[position].columns;
    let cell = |name: &str| columns.iter().position(|c| c.name == name).map_or(&Value::Null, |at| &row[at]);
    let oids =
        |value: &Value| -> Vec<u32> { value.items().unwrap_or_default().iter().filter_map(Value::as_oid).collect() };
    let texts = |value: &Value| -> Vec<String> {
        value.items().unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let all = cell("proallargtypes");
    Ok(Some(Signature {
        name: cell("proname").as_str().unwrap_or_default().to_owned(),
        returns: cell("prorettype").as_oid().unwrap_or_default(),
        set: cell("proretset").is_true(),
        args: oids(if all.is_null() { cell("proargtypes") } else { all }),
        names: texts(cell("proargnames")),
        modes: texts(cell("proargmodes")),
    }))
}

fn function_result(oid: u32, context: &Context<'_>) -> Result<Value> {
    Ok(signature(oid, context)?.map_or(Value::Null, |signature| {
        let name = context.type_name(signature.returns, None).unwrap_or_default();
        Value::from(if signature.set { format!("SETOF {name}") } else { name })
    }))
}

fn arguments(signature: &Signature, context: &Context<'_>) -> String {
    let args = signature.args.iter().enumerate().map(|(i, oid)| {
        let mode = match signature.modes.get(i).map(String::as_str) {
            Some("o") => "OUT ",
            Some("b") => "INOUT ",
            Some("v") => "VARIADIC ",
            _ => "",
        };
        let name = signature.names.get(i).filter(|name| !name.is_empty()).map(|name| format!("{} ", quoted(name)));
        format!("{mode}{}{}", name.unwrap_or_default(), context.type_name(*oid, None).unwrap_or_default())
    });
    args.collect::<Vec<_>>().join(", ")
}

fn function_arguments(oid: u32, context: &Context<'_>) -> Result<Value> {
    Ok(signature(oid, context)?.map_or(Value::Null, |signature| arguments(&signature, context).into()))
}

fn function_definition(oid: u32, context: &Context<'_>) -> Result<Value> {
    let Some(signature) = signature(oid, context)? else { return Ok(Value::Null) };
    let result = function_result(oid, context)?;
    let head = format!(
        "CREATE OR REPLACE FUNCTION pg_catalog.{}({})",
        quoted(&signature.name),
        arguments(&signature, context)
    );
    Ok(format!(
        "{head}\n RETURNS {}\n LANGUAGE internal\nAS $function${}$function$\n",
        result.as_str().unwrap_or_default(),
        signature.name
    )
    .into())
}

fn modifier(args: &[Value]) -> Option<i64> {
    int_at(args, 1).filter(|&modifier| modifier >= 0)
}

fn max_length(args: &[Value]) -> Value {
    match oid_at(args, 0) {
        types::BPCHAR | types::VARCHAR => modifier(args).map(|m| m - 4).into(),
        1560 | 1562 => modifier(args).into(),
        _ => Value::Null,
    }
}

fn octet_length(args: &[Value]) -> Value {
    match (oid_at(args, 0), modifier(args)) {
        (types::TEXT, _) => Value::Int(1 << 30),
        (types::BPCHAR | types::VARCHAR, Some(m)) => Value::Int((m - 4) * 4),
        (types::BPCHAR | types::VARCHAR, None) => Value::Int(1 << 30),
        _ => Value::Null,
    }
}

fn precision(args: &[Value]) -> Option<i64> {
    match oid_at(args, 0) {
        types::INT2 => Some(16),
        types::INT4 => Some(32),
        types::INT8 => Some(64),
        types::FLOAT4 => Some(24),
        types::FLOAT8 => Some(53),
        types::NUMERIC => modifier(args).map(|m| ((m - 4) >> 16) & 0xffff),
        _ => None,
    }
}

fn radix(args: &[Value]) -> Option<i64> {
    match oid_at(args, 0) {
        types::INT2 | types::INT4 | types::INT8 | types::FLOAT4 | types::FLOAT8 => Some(2),
        types::NUMERIC => Some(10),
        _ => None,
    }
}

fn scale(args: &[Value]) -> Option<i64> {
    match oid_at(args, 0) {
        types::INT2 | types::INT4 | types::INT8 => Some(0),
        types::NUMERIC => modifier(args).map(|m| (m - 4) & 0x7ff),
        _ => None,
    }
}

fn datetime_precision(args: &[Value]) -> Option<i64> {
    match oid_at(args, 0) {
        types::DATE => Some(0),
        1083 | 1266 | types::TIMESTAMP | types::TIMESTAMPTZ | types::INTERVAL => Some(modifier(args).unwrap_or(6)),
        _ => None,
    }
}

fn index_position(args: &[Value], context: &Context<'_>) -> Option<i64> {
    let relation = context.relation(context.class(oid_at(args, 0))?)?;
    let wanted = usize::try_from(int_at(args, 1)?).ok()?;
    key_columns(relation).iter().position(|&column| column + 1 == wanted).map(|at| at as i64 + 1)
}
