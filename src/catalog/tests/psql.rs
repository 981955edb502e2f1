//! The statements of psql 15, as `psql -E` shows them.

use super::ask;

#[test]
fn explore() {
    let mut out = String::new();
    for chunk in include_str!("../testdata/psql.sql").split("\n\n-- ") {
        let (name, sql) = chunk.trim_start_matches("-- ").split_once('\n').expect("a name line");
        let oid = ask("select 'public.requests'::regclass::oid").lines().last().unwrap_or_default().to_owned();
        let view = ask("select 'spanwire.sources'::regclass::oid").lines().last().unwrap_or_default().to_owned();
        let sql2 = sql.replace("16386", &oid).replace("16407", &view);
        let start = std::time::Instant::now();
        let text = ask(&sql2);
        let text = text.replace(&oid, "16386").replace(&view, "16407");
        out.push_str(&format!("#### {name} {:?}\n{sql}\n----\n{text}\n", start.elapsed()));
    }
    std::fs::write("/tmp/catpg/mine.txt", out).expect("write");
}
