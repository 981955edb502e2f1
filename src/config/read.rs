//! A small typed reader over the tree: each value is asked for by name and type, each wrong one becomes a fault, and
//! what nobody asked for is an unknown key.
//!
//! Reading goes on after a fault: a wrong value gives `None`, for which the caller takes any stand-in, because the
//! configuration as a whole is refused in the end.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::env::Env;
use super::fault::Fault;
use super::node::{Node, Origin, Table, Value};

/// What all parts of a configuration share while it is read.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) env: &'a Env,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<String>>,
    /// Variables that a `{ env = "…" }` names, hence no misspelt overrides.
    named_variables: RefCell<BTreeSet<String>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, env: &'a Env) -> Self {
        Reader {
            file,
            env,
            faults: RefCell::default(),
            warnings: RefCell::default(),
            named_variables: RefCell::default(),
        }
    }

    /// Adds a fault at a place.
    pub(super) fn fault(&self, origin: &Origin, path: &str, message: impl Into<String>, hint: Option<String>) {
        let (file, line, key) = match origin {
            Origin::Line(line) => (self.file, Some(*line), path),
            Origin::Variable(name) => ("environment", None, name.as_str()),
            Origin::File => (self.file, None, path),
        };
        self.faults.borrow_mut().push(Fault {
            file: file.to_owned(),
            line,
            key: key.to_owned(),
            message: message.into(),
            hint,
        });
    }

    /// Adds a line for the log, once.
    pub(super) fn warn(&self, line: String) {
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&line) {
            warnings.push(line);
        }
    }

    /// Resolves a path that the configuration names: relative ones start at the directory of the file, so that the
    /// working directory of a service does not matter.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        Path::new(self.file).parent().unwrap_or(Path::new("")).join(path)
    }

    pub(super) fn note_variable(&self, name: &str) {
        self.named_variables.borrow_mut().insert(name.to_owned());
    }

    pub(super) fn is_noted(&self, variable: &str) -> bool {
        self.named_variables.borrow().contains(variable)
    }

    /// Gives up what was found: the faults in the order of the file, and the warnings.
    pub(super) fn into_findings(self) -> (Vec<Fault>, Vec<String>) {
        let mut faults = self.faults.into_inner();
        let file = self.file;
        // What is missing from the whole file comes after what stands in it; overrides come last.
        faults.sort_by_key(|fault| (fault.file != file, fault.line.is_none(), fault.line));
        (faults, self.warnings.into_inner())
    }
}

/// A value with its path.
#[derive(Clone)]
pub(super) struct Item<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) node: &'a Node,
    pub(super) path: String,
}

impl<'a> Item<'a> {
    /// Adds a fault at this value.
    pub(super) fn fault(&self, message: impl Into<String>) {
        self.reader.fault(&self.node.origin, &self.path, message, None);
    }

    /// Adds a fault at this value that says what to do.
    pub(super) fn fault_hint(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.reader.fault(&self.node.origin, &self.path, message, Some(hint.into()));
    }

    /// Adds a warning about this value.
    pub(super) fn warn(&self, message: &str) {
        let place = match &self.node.origin {
            Origin::Line(line) => format!("{}:{line}: {}", self.reader.file, self.path),
            Origin::Variable(name) => format!("environment: {name}"),
            Origin::File => format!("{}: {}", self.reader.file, self.path),
        };
        self.reader.warn(format!("{place}: {message}"));
    }

    /// Says that the value has another type than `wanted`.
    pub(super) fn mismatch(&self, wanted: &str) {
        self.fault(format!("{wanted} was expected, not {}", self.node.value.type_name()));
    }

    pub(super) fn is_variable(&self) -> bool {
        matches!(self.node.origin, Origin::Variable(_))
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        let Value::Text(text) = &self.node.value else {
            self.mismatch("a string");
            return None;
        };
        if text.is_empty() {
            self.fault("is empty");
            return None;
        }
        Some(text)
    }

    /// The value of a setting of a session, as SET has it.
    pub(super) fn setting(&self) -> Option<String> {
        match &self.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Integer(Some(number)) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Boolean(value) => Some(if *value { "on" } else { "off" }.to_owned()),
            _ => {
                self.mismatch("a string, a number or a boolean");
                None
            }
        }
    }

    /// The elements of a list; a variable separates them by commas.
    pub(super) fn list(&self) -> Option<Vec<Item<'a>>> {
        let Value::List(nodes) = &self.node.value else {
            self.mismatch("a list");
            return None;
        };
        let element = |(index, node)| Item { reader: self.reader, node, path: format!("{}[{index}]", self.path) };
        Some(nodes.iter().enumerate().map(element).collect())
    }

    /// The texts of a list that is not empty; one text is a list of one, a variable separates them by commas. Each comes
    /// with the item it stands in.
    pub(super) fn texts(&self) -> Option<Vec<(String, Item<'a>)>> {
        let texts = match &self.node.value {
            Value::Text(text) if self.is_variable() => {
                text.split(',').map(|part| (part.trim().to_owned(), self.clone())).collect()
            }
            Value::Text(_) => vec![(self.text()?.to_owned(), self.clone())],
            Value::List(_) => {
                let items = self.list()?.into_iter();
                items.map(|item| Some((item.text()?.to_owned(), item))).collect::<Option<Vec<_>>>()?
            }
            _ => {
                self.mismatch("a list of strings");
                return None;
            }
        };
        if texts.is_empty() || texts.iter().any(|(text, _)| text.is_empty()) {
            self.fault(if texts.is_empty() { "is an empty list" } else { "has an empty element" });
            return None;
        }
        Some(texts)
    }

    /// A table.
    pub(super) fn section(&self) -> Option<Section<'a>> {
        let Value::Table(table) = &self.node.value else {
            self.mismatch("a table");
            return None;
        };
        Some(Section::new(self.reader, table, self.path.clone(), &self.node.origin))
    }
}

/// A table from which keys are taken.
pub(super) struct Section<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) path: String,
    table: &'a Table,
    origin: &'a Origin,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn new(reader: &'a Reader<'a>, table: &'a Table, path: String, origin: &'a Origin) -> Self {
        Section { reader, path, table, origin, known: Vec::new() }
    }

    /// Takes a key, which is known from now on.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Item<'a>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table.get(key).map(|node| self.item(key, node))
    }

    /// Takes a key that must be there.
    pub(super) fn need(&mut self, key: &'static str) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            self.missing(key, "is missing", None);
        }
        item
    }

    /// Takes a table that may be absent.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        self.get(key)?.section()
    }

    /// Takes the tables of `[[key]]`.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(item) = self.get(key) else {
            return Vec::new();
        };
        if let Value::Table(_) = item.node.value {
            item.fault_hint("a list of tables was expected, not a table", format!("write [[{key}]]"));
            return Vec::new();
        }
        item.list().unwrap_or_default().iter().filter_map(Item::section).collect()
    }

    /// All keys of a table whose keys are names of the user's.
    pub(super) fn items(&self) -> Vec<(&'a str, Item<'a>)> {
        self.table.iter().map(|(key, node)| (key.as_str(), self.item(key, node))).collect()
    }

    /// Adds a fault about a key that is not there, at the head of the table.
    pub(super) fn missing(&self, key: &str, message: impl Into<String>, hint: Option<String>) {
        let origin = if let Origin::Line(_) = self.origin { self.origin } else { &Origin::File };
        self.reader.fault(origin, &self.child(key), message, hint);
    }

    /// Says which keys of the table nobody asked for.
    pub(super) fn finish(&self) {
        self.finish_with(|_| None);
    }

    /// The same; `explain` may know more of a key than that it is like another one.
    pub(super) fn finish_with(&self, explain: impl Fn(&str) -> Option<String>) {
        for (key, node) in self.table {
            if !self.known.contains(&key.as_str()) {
                let hint = explain(key).unwrap_or_else(|| suggest(key, &self.known, "known keys"));
                self.reader.fault(&node.origin, &self.child(key), format!("unknown key {key:?}"), Some(hint));
            }
        }
    }

    fn item(&self, key: &str, node: &'a Node) -> Item<'a> {
        Item { reader: self.reader, node, path: self.child(key) }
    }

    fn child(&self, key: &str) -> String {
        let is_bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let key = if is_bare { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }
}

/// Returns a hint: the name that is nearly the wrong one, else all of them.
pub(super) fn suggest(wrong: &str, known: &[&str], title: &str) -> String {
    let distance = |name: &str| strsim::damerau_levenshtein(&wrong.to_lowercase(), name);
    let nearest = known.iter().map(|name| (distance(name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= (name.len() / 3).max(1) => format!("did you mean {name:?}?"),
        _ => format!("{title}: {}", known.join(", ")),
    }
}
