//! Rules of the tree that no compiler checks: who may use whom, headers, sizes.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("below src").display().to_string();
            (name, fs::read_to_string(path).expect("a source file"))
        })
        .collect()
}

#[test]
fn layers_use_only_what_lies_below() {
    // (folder, what it must not name)
    let rules: &[(&str, &[&str])] = &[
        (
            "model/",
            &[
                "crate::wire",
                "crate::session",
                "crate::sql",
                "crate::table",
                "crate::fetch",
                "crate::upstream",
                "crate::config",
                "crate::demo",
            ],
        ),
        (
            "upstream/",
            &[
                "crate::wire",
                "crate::session",
                "crate::sql",
                "crate::table",
                "crate::fetch",
                "crate::config",
                "crate::demo",
            ],
        ),
        ("fetch/", &["crate::wire", "crate::session", "crate::sql", "crate::table", "crate::config", "crate::demo"]),
        (
            "table/",
            &["crate::wire", "crate::session", "crate::fetch", "crate::upstream", "crate::config", "crate::demo"],
        ),
        ("pgtype/", &["crate::wire", "crate::session", "crate::sql", "crate::fetch", "crate::upstream", "crate::demo"]),
        ("catalog/", &["crate::wire", "crate::session", "crate::fetch", "crate::upstream", "crate::demo"]),
        ("sql/", &["crate::wire", "crate::session", "crate::fetch", "crate::upstream", "crate::config", "crate::demo"]),
        ("session/", &["crate::wire", "crate::fetch", "crate::upstream", "crate::demo"]),
        ("wire/", &["crate::fetch", "crate::upstream", "crate::demo"]),
        (
            "demo/",
            &[
                "crate::model",
                "crate::upstream",
                "crate::fetch",
                "crate::table",
                "crate::sql",
                "crate::session",
                "crate::wire",
            ],
        ),
    ];
    let mut faults = Vec::new();
    for (name, text) in all().iter().filter(|(name, _)| !name.contains("test") && !name.contains("planned")) {
        for (folder, forbidden) in rules.iter().filter(|(folder, _)| name.starts_with(folder)) {
            faults.extend(
                forbidden.iter().filter(|word| text.contains(*word)).map(|word| format!("{name}: {word} in {folder}")),
            );
        }
        if text.contains("pgwire::") && !name.starts_with("wire/") {
            faults.push(format!("{name}: pgwire outside wire/"));
        }
        if text.contains("reqwest::") && !name.starts_with("upstream/http") {
            faults.push(format!("{name}: reqwest outside upstream/http.rs"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_start_with_a_header_and_stay_small() {
    let mut faults = Vec::new();
    for (name, text) in all() {
        if !text.starts_with("//!") {
            faults.push(format!("{name}: no //! header"));
        }
        let lines = text.split("\n#[cfg(test)]").next().unwrap_or_default().lines().count();
        if lines > 500 && !name.contains("test") {
            faults.push(format!("{name}: {lines} lines"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_connector_is_one_file_that_knows_only_the_model() {
    let (_, text) = all().into_iter().find(|(name, _)| name == "upstream/spanlens.rs").expect("the connector");
    let foreign = ["crate::", "datafusion", "tokio", "arrow"];
    let uses = text.lines().filter(|line| line.trim_start().starts_with("use "));
    for line in uses.filter(|line| foreign.iter().any(|word| line.contains(word))) {
        assert!(line.contains("crate::model") || line.contains("crate::error"), "{line}");
    }
}
