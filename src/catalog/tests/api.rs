//! The border of the module: what it takes on, parameters, Describe, batches.

use std::time::{Duration, Instant};

use datafusion::arrow::datatypes::DataType;

use super::super::{Value, applies, plan, to_batch};
use super::answered;
use super::{answer, parse, print, session, snapshot};

#[test]
fn takes_catalog_statements_only() {
    let takes = |sql: &str| applies(&parse(sql), &snapshot(), &session());
    assert!(takes("select 1"));
    assert!(takes("select * from pg_class c, pg_catalog.pg_type, information_schema.tables"));
    assert!(takes("with requests as (select 1) select * from requests"));
    assert!(takes("select * from generate_series(1, 2)"));
    assert!(takes("select * from pg_catalog.no_such"));
    assert!(!takes("select * from requests"));
    assert!(!takes("select * from public.requests join pg_class on true"));
    assert!(!takes("select 1 where exists (select 1 from spanlens.requests)"));
    assert!(!takes("select * from no_such"));
    assert!(!takes("with a as (select * from traces) select * from a"));
}

#[test]
fn a_schema_before_pg_catalog_hides_its_relations() {
    let (mut snapshot, mut session) = (snapshot(), session());
    snapshot.relations[1].name = "pg_class".to_owned();
    assert!(applies(&parse("select * from pg_class"), &snapshot, &session));
    session.search_path = vec!["public".to_owned(), "pg_catalog".to_owned()];
    assert!(!applies(&parse("select * from pg_class"), &snapshot, &session));
    assert!(applies(&parse("select * from pg_catalog.pg_class"), &snapshot, &session));
}

#[test]
fn parameters_get_the_types_of_their_places() {
    let sql = "select $1, relname from pg_class where relname = $2 and oid = $3 and relkind = any($4) limit $5";
    let description = plan(&parse(sql), &snapshot(), &session(), &[]).expect("a plan").description;
    assert_eq!(description.parameters, [25, 19, 26, 1002, 20]);
    assert_eq!(description.columns, [("?column?".to_owned(), 25), ("relname".to_owned(), 19)]);
    let declared = plan(&parse("select $1"), &snapshot(), &session(), &[23]).expect("a plan").description;
    assert_eq!((declared.parameters, declared.columns[0].1), (vec![23], 23));
}

#[test]
fn parameters_come_as_values_or_texts() {
    let sql = "select relname, $2 from pg_class where oid = $1";
    let rows = |first: Value| {
        let rowset = answered(sql, &snapshot(), &[first, "x".into()]).expect("rows");
        print(&rowset)
    };
    assert_eq!(rows(Value::Int(1259)), "relname|?column?\npg_class|x");
    assert_eq!(rows("1259".into()), "relname|?column?\npg_class|x");
    assert_eq!(rows(Value::Null), "relname|?column?");
}

#[test]
fn batches_carry_the_names_of_types() {
    let sql = "select oid, relname, relkind, oid::regclass, relnatts, relpages, reltuples, relhasindex, relacl, \
               '1 2'::int2vector, '{a}'::name[], now() from pg_class where relname = 'pg_class'";
    let batch = to_batch(&answer(sql).expect("rows")).expect("a batch");
    let schema = batch.schema();
    let types: Vec<&str> = schema.fields().iter().map(|field| field.metadata()["pg.type"].as_str()).collect();
    let expected = "oid name char regclass int2 int4 float4 bool _aclitem int2vector _name timestamptz";
    assert_eq!(types.join(" "), expected);
    assert_eq!(schema.field(0).data_type(), &DataType::UInt32);
    assert!(matches!(schema.field(9).data_type(), DataType::List(item) if item.data_type() == &DataType::Int16));
    assert_eq!(to_batch(&answer("select from pg_am").expect("rows")).expect("a batch").num_rows(), 7);
}

#[test]
fn oids_are_stable_and_distinct() {
    let before = answer("select oid, relname from pg_class order by 1").expect("rows");
    let mut oids: Vec<&Value> = before.rows.iter().map(|row| &row[0]).collect();
    oids.dedup();
    assert_eq!(oids.len(), before.rows.len());
    let mut grown = snapshot();
    grown.relations.insert(0, grown.relations[3].clone());
    grown.relations[0].name = "another".to_owned();
    let after = answered("select oid, relname from pg_class order by 1", &grown, &[]).expect("rows");
    assert!(before.rows.iter().all(|row| after.rows.contains(row)));
}

#[test]
fn names_of_objects_are_shown_in_lists() {
    let text = print(
        &answer("select array_to_string(array[1259, 2615]::regclass[], ','), concat('pg_am'::regclass)").expect("rows"),
    );
    assert_eq!(text, "array_to_string|concat\npg_class,pg_namespace|pg_am");
}

#[test]
fn nothing_here_panics_or_runs_away() {
    for sql in [
        "select generate_series(1, 1000000000)",
        "select repeat('x', 2000000000)",
        "with recursive t(n) as (select 1 union all select n from t) select * from t limit 1",
        "select 9223372036854775807 + 1",
        "select '{{1},{2}}'::int[]",
        "select (select 1, 2)",
        "select substring('é', 0, 9223372036854775807)",
        "select date '2024-01-01' + 99999999999",
        "select ('{1}'::int[])[9223372036854775807]",
        "select timestamptz '2024-01-01' + interval '-99999999999999 months' * 99",
        "select interval '99999999999 days' * 1e30::float8 - interval '-99999999999 days'",
        "select pg_size_pretty((-9223372036854775807)::int8 - 1)",
        "select 'x' ~ '(((((a{1,1000}){1,1000}){1,1000})))'",
        "select 1::oid - 5::oid",
        "select abs((-9223372036854775807) - 1)",
    ] {
        let _ = answer(sql);
    }
    let product = answer("select count(*) from pg_proc a, pg_proc b, pg_proc c").expect_err("too much");
    assert_eq!(product.sqlstate(), "53400");
    assert_eq!(to_batch(&answer("select 2147483647 + 1").expect("rows")).expect_err("no int4").sqlstate(), "22003");
}

#[test]
fn joins_of_the_whole_catalog_are_quick() {
    let sql = "select count(*) from pg_attribute a, pg_class c, pg_namespace n, pg_type t, pg_authid r \
               where c.relnamespace = n.oid and a.attrelid = c.oid and a.atttypid = t.oid and r.oid = c.relowner";
    answer(sql).expect("rows");
    let start = Instant::now();
    assert!(print(&answer(sql).expect("rows")).starts_with("count\n"));
    // A few milliseconds in a release build; a join without a key would take minutes.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
