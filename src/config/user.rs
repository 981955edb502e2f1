//! `[[user]]`: who may connect, what they see and what they bring; and the checks between users and sources.

use std::collections::BTreeMap;

use super::read::{Item, Section};
use super::source::{Declared, unknown};
use super::{User, credential};

/// A user as declared. What is checked against the sources is there even if the user has faults.
pub(super) struct DeclaredUser<'a> {
    name: Option<(String, Item<'a>)>,
    /// None: all sources.
    sources: Option<Vec<(String, Item<'a>)>>,
    credentials: Vec<(&'a str, Item<'a>)>,
    pub(super) user: Option<User>,
}

impl DeclaredUser<'_> {
    fn sees(&self, source: &str) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.iter().any(|(name, _)| name == source))
    }

    fn brings(&self, source: &str) -> bool {
        self.credentials.iter().any(|(name, _)| *name == source)
    }
}

pub(super) fn read<'a>(mut section: Section<'a>) -> DeclaredUser<'a> {
    let name = section.need("name").and_then(|item| Some((item.text()?.to_owned(), item)));
    if let Some((name, item)) = &name
        && (name.len() > 63 || name.chars().any(char::is_control))
    {
        item.fault("cannot be the name of a user: at most 63 bytes, no control characters");
    }
    let password = section.need("password").and_then(|item| credential::password(&item));
    let sources = section.get("sources").map(|item| item.texts().unwrap_or_default());
    let credentials = section.section("credentials").map(|credentials| credentials.items()).unwrap_or_default();
    let settings = section.section("settings").map(|settings| settings.items()).unwrap_or_default();
    section.finish();
    let settings = settings.iter().filter_map(|(name, item)| Some(((*name).to_owned(), item.setting()?))).collect();
    let secrets: BTreeMap<_, _> = credentials
        .iter()
        .filter_map(|(source, item)| Some(((*source).to_owned(), credential::credential(item)?)))
        .collect();
    let user = match (&name, password) {
        (Some((name, _)), Some((verifier, plain_password))) => Some(User {
            name: name.clone(),
            verifier,
            plain_password,
            sources: sources.as_ref().map(|sources| sources.iter().map(|(name, _)| name.clone()).collect()),
            credentials: secrets,
            settings,
        }),
        _ => None,
    };
    DeclaredUser { name, sources, credentials, user }
}

/// Checks what no part can see alone: names given twice, references, and whether each query finds a credential.
pub(super) fn check(root: &Section<'_>, sources: &[Declared<'_>], users: &[DeclaredUser<'_>]) {
    if sources.is_empty() {
        root.missing("source", "there is no source", Some("add a [[source]]".to_owned()));
    }
    if users.is_empty() {
        root.missing("user", "there is no user, hence nobody can connect", Some("add a [[user]]".to_owned()));
    }
    check_twice("source", sources.iter().filter_map(|source| source.name.as_ref()));
    check_twice("user", users.iter().filter_map(|user| user.name.as_ref()));
    let names: Vec<&str> =
        sources.iter().filter_map(|source| source.name.as_ref()).map(|(name, _)| name.as_str()).collect();
    for user in users {
        check_references(user, &names);
    }
    for source in sources {
        check_credential(source, users);
    }
}

fn check_twice<'a>(what: &str, names: impl Iterator<Item = &'a (String, Item<'a>)>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, item) in names {
        if let Some(first) = seen.get(name.as_str()) {
            item.fault(format!("{what} {name:?} is declared twice, first by {first}"));
        } else {
            seen.insert(name, &item.path);
        }
    }
}

fn check_references(user: &DeclaredUser<'_>, names: &[&str]) {
    for (name, item) in user.sources.iter().flatten() {
        if !names.contains(&name.as_str()) {
            unknown(name, names, item);
        }
    }
    for (name, item) in &user.credentials {
        if !names.contains(name) {
            unknown(name, names, item);
        } else if !user.sees(name) {
            item.fault_hint(format!("the user does not see source {name:?}"), "add it to sources");
        }
    }
}

fn check_credential(declared: &Declared<'_>, users: &[DeclaredUser<'_>]) {
    let Some((source, item)) = &declared.name else { return };
    let (mut is_seen, mut without) = (false, Vec::new());
    for user in users.iter().filter(|user| user.sees(source)) {
        is_seen = true;
        if !user.brings(source) {
            without.push(user.name.as_ref().map_or("?", |(name, _)| name));
        }
    }
    if !is_seen && !users.is_empty() {
        item.warn(&format!("no user sees source {source:?}"));
    }
    if declared.lacks_credential && (!without.is_empty() || !is_seen) {
        let message = match without.first() {
            Some(user) => format!("is missing, and user {user:?} has none of their own"),
            None => "is missing".to_owned(),
        };
        declared.section.missing("credential", message, None);
    }
}
