//! Statements as PostgreSQL 15 takes or refuses them.

use super::{statement_at, statements};

/// What is no fault of the grammar although it has the grammar's SQLSTATE.
const LATER: [&str; 2] = ["SELECT *, 1", "SELECT * FROM json_to_record('{}') t(a, b)"];

/// SQLSTATE 42601 or `ok`, the position if known, the message, the statement. The expectations are PostgreSQL 15's.
#[test]
fn statements_are_taken_and_refused_as_by_postgresql() {
    let mut count = 0;
    for line in include_str!("statements.tsv").lines() {
        let cells: Vec<&str> = line.splitn(4, '\t').collect();
        let [state, position, message, sql] = cells.as_slice() else { panic!("{line}") };
        count += 1;
        match (*state, statements(sql)) {
            ("ok", Ok(_)) => {}
            ("ok", Err(error)) => assert_ne!(error.sqlstate(), "42601", "{sql}: {error}"),
            (_, Ok(_)) => assert!(LATER.contains(sql), "taken: {sql}"),
            (_, Err(error)) => {
                assert_eq!((error.sqlstate(), error.message.as_str()), ("42601", *message), "{sql}");
                if let Ok(position) = position.parse::<usize>() {
                    assert_eq!(error.position, Some(position), "{sql}");
                }
            }
        }
    }
    assert!(count > 300);
}

/// Fills in the parentheses of every operator.
fn grouped(sql: &str) -> String {
    use std::ops::ControlFlow;

    use datafusion::sql::sqlparser::ast::{Expr, Statement, visit_expressions_mut};
    let mut statement: Statement = statements(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).remove(0);
    let _: ControlFlow<()> = visit_expressions_mut(&mut statement, |expr| {
        let bare = !matches!(expr, Expr::Identifier(_) | Expr::Value(_) | Expr::Nested(_) | Expr::Function(_));
        if bare {
            *expr = Expr::Nested(Box::new(expr.clone()));
        }
        ControlFlow::Continue(())
    });
    statement.to_string().trim_start_matches("SELECT ").to_owned()
}

/// The pairs follow the precedence table of chapter 4.1.6 of the documentation.
#[test]
fn operators_group_as_in_postgresql() {
    let pairs = [
        ("a IS DISTINCT FROM 200 AND b = 1", "((a IS DISTINCT FROM 200) AND (b = 1))"),
        ("a IS DISTINCT FROM b = c", "(a IS DISTINCT FROM (b = c))"),
        ("a || b LIKE c || d", "((a || b) LIKE (c || d))"),
        ("a -> b = c", "((a -> b) = c)"),
        ("a + b || c * d", "((a + b) || (c * d))"),
        ("- a ^ b", "((-a) ^ b)"),
        ("a ^ b ^ c", "((a ^ b) ^ c)"),
        ("- a::int", "(-(a::INT))"),
        ("NOT a = b", "(NOT (a = b))"),
        ("a = NOT b", "(a = (NOT b))"),
        ("NOT a AND b OR c", "(((NOT a) AND b) OR c)"),
        ("a OR b AND c", "(a OR (b AND c))"),
        ("a < b IS NULL", "((a < b) IS NULL)"),
        ("a IS NULL = b", "((a IS NULL) = b)"),
        ("a BETWEEN b AND c AND d", "((a BETWEEN b AND c) AND d)"),
        ("a BETWEEN b + 1 AND c + 1 = d", "((a BETWEEN (b + 1) AND (c + 1)) = d)"),
        ("a + 1 IN (1)", "((a + 1) IN (1))"),
        ("@ a + b", "(@(a + b))"),
        ("@ a || b", "((@a) || b)"),
        ("a - b - c", "((a - b) - c)"),
        ("a + b AT TIME ZONE c", "(a + (b AT TIME ZONE c))"),
        ("a || b COLLATE c", "(a || (b COLLATE c))"),
        ("a = b IS NOT TRUE AND c", "(((a = b) IS NOT true) AND c)"),
        ("a * b % c / d", "(((a * b) % c) / d)"),
        ("a = ANY(b) = c", "((a = ANY(b)) = c)"),
        ("a ISNULL AND b NOTNULL", "((a IS NULL) AND (b IS NOT NULL))"),
        ("a ~ b || c", "((a ~ b) || c)"),
        ("a NOT LIKE b ESCAPE 'x' AND c", "((a NOT LIKE b ESCAPE 'x') AND c)"),
        ("a SIMILAR TO b", "(a ~ pg_catalog.similar_to_escape(b))"),
    ];
    for (sql, expected) in pairs {
        assert_eq!(grouped(&format!("SELECT {sql}")).to_lowercase(), expected.to_lowercase(), "{sql}");
    }
}

#[test]
fn deep_statements_are_refused_and_do_not_overflow() {
    let nested = |depth: usize| format!("SELECT {}1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(statements(&nested(150)).is_ok());
    assert_eq!(statements(&nested(20_000)).expect_err("deep").sqlstate(), "54001");
    let tables = |depth: usize| format!("{}SELECT 1{}", "SELECT * FROM (".repeat(depth), ") x".repeat(depth));
    assert!(statements(&tables(40)).is_ok());
    assert_eq!(statements(&tables(5_000)).expect_err("deep").sqlstate(), "54001");
    let joins = format!("SELECT FROM a{}{}", " JOIN a".repeat(90), " ON true".repeat(90));
    assert!(statements(&joins).is_ok());
    assert_eq!(statements(&format!("SELECT {}", "- ".repeat(10_000) + "1")).expect_err("long").sqlstate(), "54001");
}

#[test]
fn names_are_folded_and_cut() {
    let long = "x".repeat(70);
    let sql = format!("SELECT FOO, \"Foo\", {long}, Éa");
    let shown = statements(&sql).expect("names").remove(0).to_string();
    assert_eq!(shown, format!("SELECT foo, \"Foo\", {}, \"Éa\"", "x".repeat(63)));
}

#[test]
fn statements_are_read_from_within_a_text() {
    use datafusion::sql::sqlparser::tokenizer::Location;
    let text = "EXPLAIN\n SELECT 1; SELECT 2";
    let read = statement_at(text, Location { line: 2, column: 2 }).expect("a query");
    assert_eq!(read.to_string(), "SELECT 1");
}
