//! The statements of psql 15, as `psql -E` shows them, and those of other clients, with edge cases of the evaluator. The
//! answers stand in `testdata/*.expected` (`UPDATE_EXPECT=1` rewrites them); each was compared with PostgreSQL 15.

use expect_test::{ExpectFile, expect_file};

use super::super::{applies, plan};
use super::{ask, parse, session, snapshot};

/// Answers every statement of a file. `16386` and `16407` are the oids that the comparison had for two relations.
fn answers(file: &str) -> String {
    let oid =
        |name: &str| ask(&format!("select '{name}'::regclass::oid")).lines().last().unwrap_or_default().to_owned();
    let (table, view) = (oid("public.requests"), oid("spanwire.sources"));
    let mut text = String::new();
    for chunk in file.trim_end().split("\n\n-- ") {
        let (name, sql) = chunk.trim_start_matches("-- ").split_once('\n').expect("a name line");
        let sql = sql.replace("16386", &table).replace("16407", &view);
        if let Ok(rowset) = super::answer(&sql) {
            let described =
                plan(&parse(&sql), &snapshot(), &session(), &[]).expect("what runs can be planned").description;
            assert_eq!(described.columns, rowset.columns, "{sql}");
            assert!(applies(&parse(&sql), &snapshot(), &session()), "{sql}");
        }
        let answer = ask(&sql);
        text.push_str(&format!("-- {name}\n{}\n\n", answer.replace(&table, "16386").replace(&view, "16407")));
    }
    text
}

fn check(file: &str, expected: &ExpectFile) {
    expected.assert_eq(&answers(file));
}

#[test]
fn psql() {
    check(include_str!("../testdata/psql.sql"), &expect_file!["../testdata/psql.expected"]);
}

#[test]
fn clients() {
    check(include_str!("../testdata/clients.sql"), &expect_file!["../testdata/clients.expected"]);
}
