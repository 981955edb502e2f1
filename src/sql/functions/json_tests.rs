//! The operators through the engine: values, types, precedence, refusals.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;

const DOCUMENTS: &[Option<&str>] = &[
    Some(r#"{"a": {"b": "x", "n": 5}, "k": "v\n", "l": [1, "two", null, {"z": true}], "n": "4", "nil": null}"#),
    Some("[10, \"eleven\"]"),
    None,
];

fn context() -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(1);
    let mut context = SessionContext::new_with_config(config.set_str("datafusion.sql_parser.dialect", "PostgreSQL"));
    register(&mut context).unwrap();
    let tag = [(PG_TYPE.to_owned(), "jsonb".to_owned())];
    let fields = vec![
        Field::new("id", DataType::Int64, false),
        Field::new("j", DataType::Utf8, true).with_metadata(tag.into()),
        Field::new("key", DataType::Utf8, true),
    ];
    let schema = Arc::new(Schema::new(fields));
    let ids: ArrayRef = Arc::new((0..3_i64).collect::<datafusion::arrow::array::Int64Array>());
    let documents: ArrayRef = Arc::new(DOCUMENTS.iter().collect::<StringArray>());
    let keys: ArrayRef = Arc::new(StringArray::from(vec![Some("k"), None, Some("k")]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![ids, documents, keys]).unwrap();
    context.register_table("t", Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())).unwrap();
    context
}

async fn answer(sql: &str) -> Result<(Vec<String>, FieldRef), String> {
    let context = context();
    let run = async {
        let frame = context.sql(sql).await?;
        let field = Arc::clone(frame.schema().field(0));
        EngineResult::Ok((frame.collect().await?, field))
    };
    let (batches, field) = run.await.map_err(|error: datafusion::error::DataFusionError| error.strip_backtrace())?;
    let options = FormatOptions::new().with_null("NULL");
    let values = batches.iter().flat_map(|batch| {
        let formatter = ArrayFormatter::try_new(batch.column(0), &options).unwrap();
        (0..batch.num_rows()).map(|row| formatter.value(row).to_string()).collect::<Vec<_>>()
    });
    Ok((values.collect(), field))
}

async fn first(expression: &str) -> String {
    answer(&format!("SELECT {expression} FROM t WHERE id = 0")).await.unwrap().0.remove(0)
}

#[tokio::test]
async fn parts_are_those_that_postgresql_gives() {
    let wanted = [
        ("j->'a'", r#"{"b": "x", "n": 5}"#),
        ("j->>'a'", r#"{"b": "x", "n": 5}"#),
        ("j->'k'", r#""v\n""#),
        ("j->>'k'", "v\n"),
        ("j->'a'->'b'", "\"x\""),
        ("j->'a'->>'n'", "5"),
        ("j->'nil'", "null"),
        ("j->>'nil'", "NULL"),
        ("j->'absent'", "NULL"),
        ("j->'absent'->>'x'", "NULL"),
        ("j->'l'->1", "\"two\""),
        ("j->'l'->>1", "two"),
        ("j->'l'->>-1", r#"{"z": true}"#),
        ("j->'l'->-1->>'z'", "true"),
        ("j->'l'->>2", "NULL"),
        ("j->'l'->9", "NULL"),
        ("j->'l'->'1'", "NULL"),
        ("j->0", "NULL"),
        ("j->NULL", "NULL"),
        ("j->key", r#""v\n""#),
        ("jsonb_object_field_text(j, 'n')", "4"),
    ];
    for (expression, value) in wanted {
        assert_eq!(first(expression).await, value, "{expression}");
    }
    let (values, _) = answer("SELECT j->>1 FROM t ORDER BY id").await.unwrap();
    assert_eq!(values, ["NULL", "eleven", "NULL"]);
    let (values, _) = answer("SELECT j->>key FROM t ORDER BY id").await.unwrap();
    assert_eq!(values, ["v\n", "NULL", "NULL"]);
}

#[tokio::test]
async fn arrow_gives_jsonb_and_long_arrow_text() {
    let (_, part) = answer("SELECT x->'b' FROM (SELECT j->'a' AS x FROM t) AS s").await.unwrap();
    assert!(is_jsonb(&part), "{part:?}");
    let (_, text) = answer("SELECT j->>'a' FROM t").await.unwrap();
    assert_eq!((text.data_type(), is_jsonb(&text)), (&DataType::Utf8, false));
}

#[tokio::test]
async fn operators_bind_as_in_postgresql() {
    let clauses = [
        "j->>'n' = '4'",
        "j->'a'->>'b' = 'x'",
        "'x' = j->'a'->>'b'",
        "(j->>'n')::int > 3",
        "(j->>'n')::double precision > 3.5 AND (j->>'n')::numeric < 4.5",
        "j->>'k' LIKE 'v%'",
        "j->>'nil' IS NULL",
        "j->>'n' IN ('4', '5')",
        "j->>'n' BETWEEN '3' AND '5'",
        "NOT j->>'n' = '5'",
        "j->>'n' || '!' = '4!'",
        "j->'l'->>1 + 0 = 'two'",
        "j->'l'->1 IS NOT NULL",
    ];
    for clause in clauses {
        let (values, _) = answer(&format!("SELECT id FROM t WHERE id = 0 AND {clause}")).await.unwrap();
        assert_eq!(values, ["0"], "{clause}");
    }
}

#[tokio::test]
async fn what_is_no_jsonb_has_no_such_operator() {
    let refused = [
        ("key->'a'", "operator does not exist: text -> text"),
        ("id->>'a'", "operator does not exist: bigint ->> text"),
        ("j->1.5", "operator does not exist: jsonb -> double precision"),
    ];
    for (expression, message) in refused {
        let error = answer(&format!("SELECT {expression} FROM t")).await.unwrap_err();
        assert!(error.contains(message), "{expression}: {error}");
    }
}

#[tokio::test]
async fn a_parameter_beside_the_operator_is_a_key() {
    let context = context();
    let plan = context.state().create_logical_plan("SELECT j->>$1 FROM t").await.unwrap();
    let types = plan.get_parameter_types().unwrap();
    assert_eq!(types.get("$1").cloned().flatten(), Some(DataType::Utf8));
}

#[tokio::test]
async fn operators_between_documents_are_planned() {
    let wanted = [
        (r#"j @> '{"n": "4"}'"#, "true"),
        (r#"j @> '{"n":"5"}'"#, "false"),
        (r#"j @> '{"a":{"n":5.0}}'"#, "true"),
        (r#"j->'l' @> '["two"]'"#, "true"),
        (r#"j->'l' @> '"two"'"#, "true"),
        (r#"'[1.0]' <@ (j->'l')"#, "true"),
        (r#"j->'l' <@ '[1, "two"]'"#, "false"),
        (r#"j @> jsonb_in('{"n":"4"}')"#, "true"),
        ("j @> j", "true"),
        ("j @> (j->'a')", "false"),
        ("j @> NULL", "NULL"),
        ("j ? 'a'", "true"),
        ("j ? 'x'", "false"),
        ("j->'l' ? 'two'", "true"),
        ("j->'k' ? key", "false"),
        ("j ? key", "true"),
        ("j ? NULL", "NULL"),
        ("j ?| '{x,a}'", "true"),
        ("j ?| ARRAY['x', 'y']", "false"),
        ("j ?& ARRAY['k', 'a']", "true"),
        ("j ?& '{k,NULL}'::text[]", "true"),
        ("j ?& '{}'", "true"),
        ("j #> '{a,b}'", "\"x\""),
        ("j #>> '{a,b}'", "x"),
        ("j #> ARRAY['l', '3', 'z']", "true"),
        ("j #>> '{l,2}'", "NULL"),
        ("j #> '{a,NULL}'", "NULL"),
        ("j #> '{l}' -> 1", "\"two\""),
        ("jsonb_extract_path(j, 'a', 'n')", "5"),
        ("jsonb_extract_path_text(j, 'a', key)", "NULL"),
        ("(j->'a') || '{\"n\":6}'", r#"{"b": "x", "n": 6}"#),
        ("'[1]' || (j->'k')", r#"[1, "v\n"]"#),
        ("(j->'a') || NULL", "NULL"),
        ("(j->>'n') || '!'", "4!"),
        ("key || '!'", "k!"),
        (r#"jsonb_in('{"b":1e1,"a":[]}')"#, r#"{"a": [], "b": 10}"#),
        ("jsonb_in(NULL)", "NULL"),
        ("jsonb_in(j)->>'n'", "4"),
    ];
    for (expression, value) in wanted {
        assert_eq!(first(expression).await, value, "{expression}");
    }
    let (values, _) =
        answer("SELECT id FROM t WHERE j @> '10' AND NOT j ? 'ten' OR j ? key ORDER BY id").await.unwrap();
    assert_eq!(values, ["0", "1"]);
    let (values, _) = answer("SELECT j ? key FROM t ORDER BY id").await.unwrap();
    assert_eq!(values, ["true", "NULL", "NULL"]);
}

#[tokio::test]
async fn what_gives_a_document_is_one() {
    for expression in ["j #> '{a}'", "j || j", "jsonb_in(key)"] {
        let context = context();
        let plan = context.state().create_logical_plan(&format!("SELECT {expression} FROM t")).await.unwrap();
        assert!(is_jsonb(plan.schema().field(0)), "{expression}");
    }
}

#[tokio::test]
async fn constants_are_read_when_they_are_planned() {
    let refused = [
        ("j @> 'x'", "invalid input syntax for type json"),
        ("'{' <@ j", "invalid input syntax for type json"),
        ("j || 'x'", "invalid input syntax for type json"),
        (r#"j @> '"\ud800"'"#, "Unicode low surrogate must follow a high surrogate."),
        (r#"j @> '"\u0000"'"#, "unsupported Unicode escape sequence"),
        ("j @> '1e200000'", "value overflows numeric format"),
        ("j ?| 'a'", "malformed array literal: \"a\""),
        ("j #> '{a'", "malformed array literal: \"{a\""),
        ("key @> '[1]'", "operator does not exist: text @> text"),
        ("j @> key", "operator does not exist: jsonb @> text"),
        ("id <@ j", "operator does not exist: bigint <@ jsonb"),
        ("j ? 1", "operator does not exist: jsonb ? bigint"),
        ("j ?& ARRAY[1]", "operator does not exist: jsonb ?& bigint[]"),
        ("key #>> '{a}'", "operator does not exist: text #>> text[]"),
        ("jsonb_in(id)", "cannot cast type bigint to jsonb"),
    ];
    for (expression, message) in refused {
        let context = context();
        let planned = context.state().create_logical_plan(&format!("SELECT {expression} FROM t WHERE id = 9")).await;
        let error = planned.map(|_| ()).unwrap_err().strip_backtrace();
        assert!(error.contains(message), "{expression}: {error}");
    }
}

#[tokio::test]
async fn parameters_get_the_types_of_the_operators() {
    let context = context();
    let query = "SELECT 1 FROM t WHERE j @> $1 AND j ? $2 AND j ?& $3 AND j #>> $4 = 'x' AND $5 <@ j";
    let plan = context.state().create_logical_plan(query).await.unwrap();
    let types = plan.get_parameter_types().unwrap();
    let list = DataType::new_list(DataType::Utf8, true);
    for (name, ty) in
        [("$1", DataType::Utf8), ("$2", DataType::Utf8), ("$3", list.clone()), ("$4", list), ("$5", DataType::Utf8)]
    {
        assert_eq!(types.get(name).cloned().flatten(), Some(ty), "{name}");
    }
}
