//! A vendor whose columns, units and words are all unlike the shape, read through the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use datafusion::arrow::array::{
    AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{Float64Type, Int64Type};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::*;
use crate::model::canonical::shape;
use crate::model::connector::{Auth, Connector, Quota, Request, Told, never_absent, plain_refusal};
use crate::model::table::{PG_TYPE, TABLE, bigint, double, extra, filter_only, jsonb, text, timestamptz};

const ODD: Table = Table {
    name: "logs",
    columns: &[
        text("key"),
        double("seconds").null(),
        bigint("tokens").null(),
        text("state").null(),
        text("error").null(),
        jsonb("prompt").null(),
        bigint("number").null(),
        bigint("milli_usd").null(),
        filter_only("hidden"),
        jsonb("tags").null(),
        double("score").null(),
        timestamptz("seen").null(),
        column_of_truth(),
        text("note").null(),
        extra(),
    ],
    canonical: Some(Canonical {
        shape: "spans",
        columns: &[
            ("id", Take::Column("key")),
            ("duration_ms", Take::Scaled("seconds", 1e3)),
            ("total_tokens", Take::Column("tokens")),
            ("type", Take::Words("state", &[("SUCCESS", "ok"), ("FAIL", "error")], "unknown")),
            ("status", Take::IfNull("error", "ok", "error")),
            ("input", Take::Text("prompt")),
            ("session_id", Take::Text("number")),
            ("cost_usd", Take::Scaled("milli_usd", 0.001)),
        ],
    }),
    ..TABLE
};

const PLAIN: Table = Table {
    name: "plain",
    columns: &[text("id")],
    canonical: Some(Canonical { shape: "spans", columns: &[("id", Take::Column("id"))] }),
    ..TABLE
};

const fn column_of_truth() -> Column {
    let mut column = text("cached").null();
    column.ty = Type::Boolean;
    column
}

static VENDOR: Connector = Connector {
    kind: "odd",
    title: "Odd",
    base_url: "http://localhost",
    auth: Auth::Bearer,
    quota: Quota { calls: 1, per: Duration::from_secs(1), concurrency: 1 },
    told: Told::NOTHING,
    settings: &[],
    required: &[],
    tables: &[ODD, PLAIN],
    request: |scan, _| Request::get(scan.table.path, Vec::new()),
    refusal: plain_refusal,
    absent: never_absent,
};

fn source(name: &str) -> Arc<Source> {
    Arc::new(Source {
        name: name.to_owned(),
        connector: &VENDOR,
        base_url: url::Url::parse("http://localhost").expect("a URL"),
        quota: VENDOR.quota,
        lookback: Duration::from_secs(1),
        settle: Duration::ZERO,
        body_bytes: 1,
        settings: BTreeMap::new(),
    })
}

fn zone() -> Arc<str> {
    Arc::from("UTC")
}

fn batch(table: &Table) -> RecordBatch {
    let schema = table.schema(&zone());
    if table.name == "plain" {
        return RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec!["p"]))]).expect("rows of the schema");
    }
    let texts = |values: [Option<&str>; 3]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let numbers = |values: [Option<i64>; 3]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    let doubles = |values: [Option<f64>; 3]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let seen = TimestampMicrosecondArray::from(vec![
        Some(1_700_000_000_123_456),
        Some(1_700_000_000_100_000),
        Some(1_700_000_000_000_000),
    ])
    .with_timezone("UTC");
    let columns = vec![
        texts([Some("a"), Some("b"), Some("c")]),
        doubles([Some(0.5), Some(2.0), None]),
        numbers([Some(7), None, Some(9)]),
        texts([Some("SUCCESS"), Some("other"), None]),
        texts([None, Some("boom"), None]),
        texts([Some("{\"q\": 1}"), None, Some("[1, 2]")]),
        numbers([Some(42), None, Some(-1)]),
        numbers([Some(1_500), Some(0), None]),
        texts([None, None, None]),
        texts([Some("[\"x\", {\"b\": null}]"), None, None]),
        doubles([Some(1e-7), Some(1e21), None]),
        Arc::new(seen) as ArrayRef,
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])) as ArrayRef,
        texts([Some("say \"hi\"\n\u{1}"), Some(""), None]),
        texts([Some("{\"z\": 1, \"note\": \"hidden by the column\"}"), Some("{}"), None]),
    ];
    RecordBatch::try_new(schema, columns).expect("rows of the schema")
}

fn context() -> SessionContext {
    let sources = [source("one")];
    let spans = shape("spans").expect("a shape");
    let own = |part: &Part<'_>| {
        let rows = batch(part.table);
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).expect("a table");
        Arc::new(table) as Arc<dyn TableProvider>
    };
    let view = view(spans, &parts(spans, &sources), &zone(), own).expect("the columns fit");
    let context = SessionContext::new();
    context.register_table("spans", view).expect("a new name");
    context
}

async fn run(sql: &str) -> Vec<RecordBatch> {
    context().sql(sql).await.expect("a plan").collect().await.expect("rows")
}

fn text_of(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let row = |batch: &RecordBatch, row: usize| {
        let value = |column: &ArrayRef| match column.is_null(row) {
            true => "NULL".to_owned(),
            false => array_value_to_string(column, row).expect("a value"),
        };
        batch.columns().iter().map(value).collect()
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect()
}

#[tokio::test]
async fn units_words_and_texts_become_those_of_the_shape() {
    let sql = "SELECT source, id, total_tokens, type, status, input, session_id, metadata FROM spans ORDER BY id";
    let got = text_of(&run(sql).await);
    let expected = [
        ["one", "a", "7", "ok", "ok", "{\"q\": 1}", "42", "NULL"],
        ["one", "b", "NULL", "unknown", "error", "NULL", "NULL", "NULL"],
        ["one", "c", "9", "unknown", "ok", "[1, 2]", "-1", "NULL"],
        ["one", "p", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"],
    ];
    assert_eq!(got, expected);
    let numbers = run("SELECT duration_ms, cost_usd, total_tokens FROM spans WHERE id = 'a'").await;
    let numbers = numbers.iter().find(|batch| batch.num_rows() > 0).expect("a row");
    assert_eq!(numbers.column(0).as_primitive::<Float64Type>().value(0), 500.0);
    assert_eq!(numbers.column(1).as_primitive::<Float64Type>().value(0), 1.5);
    assert_eq!(numbers.column(2).as_primitive::<Int64Type>().value(0), 7);
}

#[tokio::test]
async fn extra_holds_what_no_column_reads() {
    let got = text_of(&run("SELECT id, extra FROM spans ORDER BY id").await);
    let first = "{\"z\": 1, \"note\": \"say \\\"hi\\\"\\n\\u0001\", \"seen\": \"2023-11-14T22:13:20.123456+00:00\", \
                 \"tags\": [\"x\", {\"b\": null}], \"score\": 0.0000001, \"cached\": true}";
    let expected = [
        ["a", first],
        [
            "b",
            "{\"note\": \"\", \"seen\": \"2023-11-14T22:13:20.1+00:00\", \"score\": 1000000000000000000000, \"cached\": false}",
        ],
        ["c", "{\"seen\": \"2023-11-14T22:13:20+00:00\"}"],
        ["p", "NULL"],
    ];
    assert_eq!(got, expected);
}

#[tokio::test]
async fn a_column_that_nobody_asks_for_is_not_computed() {
    for (columns, computed) in [("id, status", false), ("extra", true)] {
        let sql = format!("SELECT {columns} FROM spans WHERE id <> ''");
        let plan = context().sql(&sql).await.expect("a plan").into_optimized_plan().expect("a plan");
        let text = plan.display_indent().to_string();
        assert_eq!((text.contains("extra("), text.contains("tags")), (computed, computed), "{text}");
    }
}

#[tokio::test]
async fn a_column_is_jsonb_only_where_the_shape_says_so() {
    let batches = run("SELECT * FROM spans").await;
    let schema = batches[0].schema();
    for column in shape("spans").expect("a shape").columns {
        let field = schema.field_with_name(column.name).expect("a column");
        assert_eq!(field.data_type(), &column.ty.arrow(&zone()), "{}", column.name);
        assert_eq!(field.metadata().contains_key(PG_TYPE), column.ty == Type::Jsonb, "{}", column.name);
    }
}

#[test]
fn the_definition_reads_as_sql() {
    let sources = [source("one"), source("Two")];
    let spans = shape("spans").expect("a shape");
    let text = definition(spans, &parts(spans, &sources));
    for part in [
        " SELECT 'one'::text AS source,\n    key AS id,\n    NULL::text AS trace_id,",
        "seconds * 1000 AS duration_ms",
        "CASE state WHEN 'SUCCESS' THEN 'ok' WHEN 'FAIL' THEN 'error' ELSE 'unknown' END AS type",
        "CASE WHEN error IS NULL THEN 'ok' ELSE 'error' END AS status",
        "prompt::text AS input",
        "(VALUES ('tags', to_jsonb(tags)), ('score', to_jsonb(score)), ('seen', to_jsonb(seen)), ('cached', to_jsonb(cached)), ('note', to_jsonb(note))) AS member(name, value) WHERE value IS NOT NULL), '{}'::jsonb)",
        "FROM one.plain\nUNION ALL\n SELECT 'Two'::text AS source",
        "FROM \"Two\".logs",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains("hidden"), "{text}");
    assert!(definition(spans, &[]).ends_with("WHERE false;"));
}
