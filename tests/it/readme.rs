//! The table reference of the README is made from the connectors' descriptions. `UPDATE=1` writes it anew.

use std::path::Path;

use spanwire::model::connector::Connector;
use spanwire::model::table::{Column, Fidelity, From, Op};
use spanwire::upstream::CONNECTORS;

const START: &str =
    "<!-- tables: made from the connectors' descriptions by `UPDATE=1 cargo test --test it readme` -->\n";
const END: &str = "<!-- /tables -->";

#[test]
fn the_table_reference_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once(START).expect("the start of the reference");
    let (_, after) = rest.split_once(END).expect("the end of the reference");
    let fresh = format!("{before}{START}{}{END}{after}", reference(CONNECTORS));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).expect("the README can be written");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("the README"), fresh, "run it with UPDATE=1");
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The reference of these connectors' tables.
pub(crate) fn reference(connectors: &[&Connector]) -> String {
    let mut text = String::new();
    for connector in connectors {
        for table in connector.tables {
            line(&mut text, &format!("\n## {}.{}", connector.kind, table.name));
            line(&mut text, &format!("{} {}", table.doc, table.notes.join(" ")));
            line(&mut text, "\n| column | type | what it is | upstream filters by |\n|---|---|---|---|");
            for column in table.columns {
                let null = if column.nullable { "" } else { " not null" };
                let comment = column.comment().replace('|', "\\|");
                line(
                    &mut text,
                    &format!("| {} | {}{null} | {comment} | {} |", column.name, column.ty.name(), pushes(column)),
                );
            }
            line(&mut text, "```sql");
            for example in table.examples {
                line(&mut text, &format!("{example};"));
            }
            line(&mut text, "```");
        }
    }
    text
}

fn pushes(column: &Column) -> String {
    let one = |push: &spanwire::model::table::Push| {
        let what = match push.op {
            Op::Equal => "=".to_owned(),
            Op::AnyOf => "=, IN".to_owned(),
            Op::NoneOf | Op::Except => "<>, NOT IN".to_owned(),
            Op::Contains => "ILIKE '%…%', narrows = and LIKE".to_owned(),
            Op::ContainsCase => "LIKE '%…%'".to_owned(),
            Op::StartsWith => "LIKE '…%'".to_owned(),
            Op::EndsWith => "LIKE '%…'".to_owned(),
            Op::EqualIgnoreCase => "ILIKE '…'".to_owned(),
            Op::Class(classes) => {
                let classes: Vec<String> = classes.iter().map(|(_, low, high)| format!("{low}–{high}")).collect();
                format!("ranges within {}", classes.join(", "))
            }
            Op::AtLeast(_) | Op::GreaterEqual => ">=".to_owned(),
            Op::AtMost(_) | Op::LessEqual => "<=".to_owned(),
            Op::Greater => ">".to_owned(),
            Op::Less => "<".to_owned(),
            Op::Element => "?, @> of texts".to_owned(),
            Op::Null => "IS NULL".to_owned(),
            Op::NotNull => "IS NOT NULL".to_owned(),
        };
        let fidelity = if push.fidelity == Fidelity::Exact { "" } else { " (re-checked)" };
        format!("{what}{fidelity}")
    };
    column.push.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn descriptions_are_complete() {
    let faults = faults(CONNECTORS);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is missing from these connectors' descriptions.
pub(crate) fn faults(connectors: &[&Connector]) -> Vec<String> {
    let mut faults = Vec::new();
    for connector in connectors {
        for table in connector.tables {
            let place = format!("{}.{}", connector.kind, table.name);
            let names: std::collections::HashSet<&str> = table.columns.iter().map(|column| column.name).collect();
            let mut check = |holds: bool, what: &str| {
                if !holds {
                    faults.push(format!("{place}: {what}"));
                }
            };
            check(names.len() == table.columns.len(), "two columns of one name");
            check(table.columns.last().is_some_and(|last| last.from == From::Rest), "the last column is not extra");
            check(table.columns.iter().all(|column| !column.doc.is_empty()), "a column without a description");
            check(
                table.columns.iter().all(|column| column.from != From::FilterOnly || !column.push.is_empty()),
                "a filter-only column without a filter",
            );
            check(table.time.is_none_or(|name| names.contains(name)), "the time column does not exist");
            check(table.key.iter().all(|name| names.contains(name)), "the key column does not exist");
            check(table.path.starts_with('/') && table.doc.ends_with('.'), "path or description have not their form");
            check(table.examples.len() == 3, "three examples are wanted");
        }
    }
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_run() {
    let five = crate::five::start(crate::five::Options::small()).await;
    let client = five.client().await;
    for table in CONNECTORS.iter().flat_map(|connector| connector.tables) {
        for example in table.examples {
            assert!(!crate::support::rows(&client, example).await.is_empty(), "{example} gives no rows");
        }
    }
}
