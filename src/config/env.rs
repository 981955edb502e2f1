//! The environment: what `{ env = "…" }` reads, and overrides of single keys.
//!
//! An override is `SPANWIRE_LISTEN` or `SPANWIRE_<SECTION>__<KEY>`, with two underscores at each step. A source or user
//! is named by its name in capitals with `_` for what is no letter or digit; it must stand in the file. The value is
//! text as it would stand in the file, lists are separated by commas. An empty variable counts as not set, because
//! container files can often not leave one out.
//!
//! Other variables that start with `SPANWIRE_` are left alone: Kubernetes makes `SPANWIRE_SERVICE_HOST` and the like
//! for a service of that name. Only what is clearly an override with one underscore too few is a fault.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use super::node::{Node, Origin, Table, Value};
use super::read::{Reader, suggest};

const PREFIX: &str = "SPANWIRE_";

/// The sections and the keys that an override may name; the readers decide what is unknown, this is for hints.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    ("tls", &["cert", "key", "client_ca", "required"]),
    ("source", &["kind", "base_url", "credential", "quota", "lookback", "settle", "sync"]),
    ("user", &["password", "sources", "credentials", "settings"]),
    ("cache", &["dir", "max_bytes", "memory"]),
    (
        "limits",
        &[
            "connections",
            "statement_timeout",
            "query_memory",
            "total_memory",
            "max_calls",
            "body_bytes",
            "idle_session_timeout",
            "idle_in_transaction_session_timeout",
            "authentication_timeout",
        ],
    ),
    ("metrics", &["listen"]),
];

/// The variables of a process, or of a test.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, OsString>,
}

impl Env {
    /// Takes the variables of this process. A name that is not UTF-8 cannot be meant.
    pub fn of_process() -> Self {
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
    }

    /// Returns the text of a variable: none where it is not set, an error where it is not UTF-8.
    pub(super) fn text(&self, name: &str) -> Option<Result<&str, &'static str>> {
        self.variables.get(name).map(|value| value.to_str().ok_or("holds what is not UTF-8"))
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Env { variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

/// Shows the names alone: any value may be a secret.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Lays the overrides over the tree of the file.
pub(super) fn overlay(root: &mut Table, reader: &Reader<'_>) {
    // Names are looked up as the file has them: an override of a name must not move the overrides after it.
    let named = BTreeMap::from(["source", "user"].map(|section| (section, names(root, section))));
    for variable in reader.env.variables.keys() {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        let path = rest.to_ascii_lowercase();
        if path != "listen" && !path.contains("__") {
            continue;
        }
        let origin = Origin::Variable(variable.clone());
        let text = match reader.env.text(variable) {
            Some(Ok(text)) if !text.is_empty() => text.to_owned(),
            Some(Err(message)) => {
                reader.fault(&origin, "", message, None);
                continue;
            }
            _ => continue,
        };
        let value = Node { value: Value::Text(text), origin: origin.clone() };
        let outcome = match path.split_once("__") {
            Some((section, rest)) if named.contains_key(section) => {
                element(root, section, &named[section], rest).and_then(|(table, key)| put(table, &key, value))
            }
            _ => put(root, &path.split("__").map(str::to_owned).collect::<Vec<_>>(), value),
        };
        if let Err((message, hint)) = outcome {
            reader.fault(&origin, "", message, hint);
        }
    }
}

/// Says which variables are overrides with `_` for `__`, now that the file has been read and it is known which
/// variables it names itself.
pub(super) fn check_misspelt(reader: &Reader<'_>) {
    for variable in reader.env.variables.keys() {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        if rest.contains("__") || rest == "LISTEN" || reader.is_noted(variable) {
            continue;
        }
        if let Some(meant) = meant(&rest.to_ascii_lowercase()) {
            let hint = format!("did you mean {PREFIX}{}?", meant.to_ascii_uppercase());
            reader.fault(&Origin::Variable(variable.clone()), "", "is not an override", Some(hint));
        }
    }
}

fn meant(rest: &str) -> Option<String> {
    if strsim::damerau_levenshtein(rest, "listen") <= 2 {
        return Some("listen".to_owned());
    }
    let (section, keys) = SECTIONS.iter().find(|(section, _)| rest == *section || starts_step(rest, section))?;
    let Some(rest) = rest.get(section.len() + 1..) else {
        // The section alone, with no key.
        return Some(format!("{section}__…"));
    };
    if matches!(*section, "source" | "user") {
        let key = keys.iter().find(|key| rest.ends_with(&format!("_{key}")))?;
        return Some(format!("{section}__{}__{key}", &rest[..rest.len() - key.len() - 1]));
    }
    keys.contains(&rest).then(|| format!("{section}__{rest}"))
}

fn starts_step(rest: &str, section: &str) -> bool {
    rest.strip_prefix(section).is_some_and(|rest| rest.starts_with('_'))
}

/// What keeps an override from its place: the message and a hint.
type Refusal = (String, Option<String>);

/// The names in `[[section]]` as an override writes them (in lower case), each with its index.
fn names(root: &Table, section: &str) -> Vec<(String, usize)> {
    let Some(Value::List(nodes)) = root.get(section).map(|node| &node.value) else {
        return Vec::new();
    };
    let name = |(index, node): (usize, &Node)| {
        let Value::Table(table) = &node.value else { return None };
        let Value::Text(name) = &table.get("name")?.value else { return None };
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        Some((name.chars().map(plain).collect(), index))
    };
    nodes.iter().enumerate().filter_map(name).collect()
}

/// Finds the table of `[[section]]` that `rest` starts with the name of, and what of `rest` comes after the name.
fn element<'a>(
    root: &'a mut Table,
    section: &str,
    names: &[(String, usize)],
    rest: &str,
) -> Result<(&'a mut Table, Vec<String>), Refusal> {
    let after = |name: &str| rest.strip_prefix(name).and_then(|rest| rest.strip_prefix("__"));
    let longest = names.iter().filter(|(name, _)| after(name).is_some()).max_by_key(|(name, _)| name.len());
    let Some((name, index)) = longest else {
        let wrong = rest.split("__").next().unwrap_or(rest);
        let known: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        let hint = suggest(wrong, &known, &format!("{section}s of the file"));
        return Err((format!("names no {section} of the file, or no key of it"), Some(hint)));
    };
    if names.iter().filter(|(other, _)| other == name).count() > 1 {
        return Err((format!("more than one {section} of the file is named so"), None));
    }
    let Some(Node { value: Value::List(nodes), .. }) = root.get_mut(section) else {
        return Err((format!("the file has no [[{section}]]"), None));
    };
    let Some(Node { value: Value::Table(table), .. }) = nodes.get_mut(*index) else {
        return Err((format!("the file has no [[{section}]]"), None));
    };
    let keys = after(name).unwrap_or_default();
    // The name of a source may itself hold two underscores.
    let keys = match keys.split_once("__") {
        Some(("credentials", source)) => vec!["credentials".to_owned(), source.to_owned()],
        _ => keys.split("__").map(str::to_owned).collect(),
    };
    Ok((table, keys))
}

/// Puts a value at a path, making the tables on the way.
fn put(table: &mut Table, path: &[String], value: Node) -> Result<(), Refusal> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(());
    };
    if rest.is_empty() {
        table.insert(key.clone(), value);
        return Ok(());
    }
    let origin = value.origin.clone();
    let inner = table.entry(key.clone()).or_insert_with(|| Node { value: Value::Table(Table::new()), origin });
    match &mut inner.value {
        Value::Table(inner) => put(inner, rest, value),
        other => Err((format!("{key:?} is {}, not a table", other.type_name()), None)),
    }
}
