//! What a statement is answered from: the snapshot, the session, and what is looked up in them over and over — objects by
//! oid and by name, rows of relations (made on first use), compiled regular expressions.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use regex::Regex;

use super::value::{Key, Row, Value};
use super::{Effect, Relation, SessionInfo, Snapshot, oids, relations, tables, types};
use crate::error::{Error, Kind, Result};

/// How many rows a statement may look at; a join of all catalogs on their oids takes some thousands.
const MOST_STEPS: usize = 5_000_000;

/// Rows of one relation or of one CTE.
pub(crate) type Rows = Arc<Vec<Row>>;

/// Rows of a relation by the value of one column.
pub(crate) type Index = Arc<HashMap<Key, Vec<usize>>>;

/// Where the columns of a class are described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A catalog relation, by position in [`relations::all`].
    System(usize),
    /// A relation of the snapshot, by position.
    User(usize),
    /// The primary-key index of a relation of the snapshot, by the relation's position.
    Index(usize),
}

/// One row of `pg_class`.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) kind: char,
    pub(crate) source: Source,
}

/// What follows from a snapshot alone, made when it is first wanted: a session asks its catalogs over and over.
#[derive(Debug, Default)]
pub struct Kept {
    names: OnceLock<Names>,
    rows: Mutex<HashMap<usize, Rows>>,
    indexes: Mutex<HashMap<(usize, usize), Index>>,
}

/// The classes and schemas, and where they are found.
#[derive(Debug)]
struct Names {
    classes: Vec<Class>,
    schemas: Vec<(String, u32)>,
    by_oid: HashMap<u32, usize>,
    by_name: HashMap<String, HashMap<String, usize>>,
}

/// Relations of which the rows are another statement's tomorrow.
const MOVING: &[&str] =
    &["pg_settings", "pg_stat_activity", "pg_prepared_statements", "pg_cursors", "pg_timezone_names"];

/// Everything a running statement can see.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) session: &'a SessionInfo,
    pub(crate) parameters: &'a [Value],
    pub(crate) classes: &'a [Class],
    /// Schemas with their oids, in the order of the catalog.
    pub(crate) schemas: &'a [(String, u32)],
    names: &'a Names,
    rows: RefCell<HashMap<usize, Rows>>,
    indexes: RefCell<HashMap<(usize, usize), Index>>,
    regexes: RefCell<HashMap<String, Rc<Regex>>>,
    /// Rows of the CTEs that are being used, by id.
    pub(crate) ctes: RefCell<HashMap<usize, Rows>>,
    /// What is to be done when the statement has run.
    pub(crate) effects: RefCell<Vec<Effect>>,
    /// How many rows were looked at.
    steps: Cell<usize>,
    /// Results of subqueries that do not depend on outer rows, by id.
    pub(crate) cached: RefCell<HashMap<usize, Rows>>,
}

impl Names {
    fn of(snapshot: &Snapshot) -> Self {
        let mut schemas = vec![
            ("pg_catalog".to_owned(), oids::PG_CATALOG),
            ("information_schema".to_owned(), oids::INFORMATION_SCHEMA),
        ];
        for schema in &snapshot.schemas {
            schemas.push((schema.name.clone(), schema.oid.unwrap_or_else(|| oids::schema(&schema.name))));
        }
        let mut classes = Vec::with_capacity(relations::all().len() + snapshot.relations.len() * 2);
        for (position, relation) in relations::all().iter().enumerate() {
            classes.push(Class {
                oid: relation.oid,
                schema: relation.schema.to_owned(),
                name: relation.name.to_owned(),
                kind: relation.kind,
                source: Source::System(position),
            });
        }
        let assigned = oids::assign(snapshot);
        for (position, relation) in snapshot.relations.iter().enumerate() {
            let (oid, index) = assigned[position];
            let class =
                |oid, name: String, kind, source| Class { oid, schema: relation.schema.clone(), name, kind, source };
            classes.push(class(oid, relation.name.clone(), relation.kind.letter(), Source::User(position)));
            if relation.primary_key.is_some() {
                classes.push(class(index, format!("{}_pkey", relation.name), 'i', Source::Index(position)));
            }
        }
        let by_oid = classes.iter().enumerate().map(|(position, class)| (class.oid, position)).collect();
        let mut by_name: HashMap<String, HashMap<String, usize>> = HashMap::new();
        for (position, class) in classes.iter().enumerate() {
            by_name.entry(class.schema.clone()).or_default().insert(class.name.clone(), position);
        }
        Names { classes, schemas, by_oid, by_name }
    }
}

impl<'a> Context<'a> {
    /// Prepares the lookups. A snapshot belongs to one session: what is kept of it is what that one sees.
    pub(crate) fn new(snapshot: &'a Snapshot, session: &'a SessionInfo, parameters: &'a [Value]) -> Context<'a> {
        let names = snapshot.kept.names.get_or_init(|| Names::of(snapshot));
        Context {
            snapshot,
            session,
            parameters,
            classes: &names.classes,
            schemas: &names.schemas,
            names,
            rows: RefCell::default(),
            indexes: RefCell::default(),
            regexes: RefCell::default(),
            ctes: RefCell::default(),
            cached: RefCell::default(),
            effects: RefCell::default(),
            steps: Cell::new(0),
        }
    }

    /// Returns the class of that oid.
    pub(crate) fn class(&self, oid: u32) -> Option<&Class> {
        self.names.by_oid.get(&oid).map(|&position| &self.classes[position])
    }

    /// Returns the class of that schema and name.
    pub(crate) fn class_named(&self, schema: &str, name: &str) -> Option<&Class> {
        // Every session's own temporary tables are also in a schema of that name.
        let temporary = self.temporary_schema().filter(|_| schema == "pg_temp");
        let schema = temporary.map_or(schema, |(own, _)| own);
        self.names.by_name.get(schema)?.get(name).map(|&position| &self.classes[position])
    }

    /// Returns the first class of that name on the search path.
    pub(crate) fn visible_class(&self, name: &str) -> Option<&Class> {
        self.search_path(true).iter().find_map(|schema| self.class_named(schema, name))
    }

    /// Returns the snapshot's relation behind a class or its index.
    pub(crate) fn relation(&self, class: &Class) -> Option<&'a Relation> {
        match class.source {
            Source::User(position) | Source::Index(position) => self.snapshot.relations.get(position),
            Source::System(_) => None,
        }
    }

    /// Returns the class that the index class belongs to.
    pub(crate) fn owner_of_index(&self, index: &Class) -> Option<&Class> {
        let Source::Index(position) = index.source else { return None };
        self.classes.iter().find(|class| class.source == Source::User(position))
    }

    /// Returns the class of the primary-key index of a class.
    pub(crate) fn index_of(&self, class: &Class) -> Option<&Class> {
        let Source::User(position) = class.source else { return None };
        self.classes.iter().find(|other| other.source == Source::Index(position))
    }

    /// Returns the oid of a schema.
    pub(crate) fn schema_oid(&self, name: &str) -> Option<u32> {
        self.schemas.iter().find(|(schema, _)| schema == name).map(|(_, oid)| *oid)
    }

    /// Returns the name of a schema.
    pub(crate) fn schema_name(&self, oid: u32) -> Option<&str> {
        self.schemas.iter().find(|(_, other)| *other == oid).map(|(name, _)| name.as_str())
    }

    /// Returns the existing schemas of the search path; `pg_catalog` comes first unless the path places it.
    pub(crate) fn search_path(&self, with_implicit: bool) -> Vec<String> {
        let mut path: Vec<String> = Vec::new();
        for entry in &self.session.search_path {
            let name = if entry == "$user" { &self.session.user } else { entry };
            if self.schema_oid(name).is_some() && !path.contains(name) {
                path.push(name.clone());
            }
        }
        if with_implicit && !path.iter().any(|name| name == "pg_catalog") {
            path.insert(0, "pg_catalog".to_owned());
        }
        if let Some((temporary, _)) = self.temporary_schema().filter(|_| with_implicit) {
            path.insert(0, temporary.to_owned());
        }
        path
    }

    /// Returns the schema of the session's temporary tables, if it has any.
    pub(crate) fn temporary_schema(&self) -> Option<(&str, u32)> {
        let own = self.schemas.iter().find(|(name, _)| name.starts_with("pg_temp_"));
        own.map(|(name, oid)| (name.as_str(), *oid))
    }

    /// Returns all roles: the owner of everything, then the users.
    pub(crate) fn roles(&self) -> Vec<(String, u32)> {
        let mut roles = vec![(self.snapshot.owner.clone(), oids::OWNER)];
        for user in self.snapshot.users.iter().chain([&self.session.user, &self.session.session_user]) {
            if !roles.iter().any(|(name, _)| name == user) {
                roles.push((user.clone(), oids::role(user)));
            }
        }
        roles
    }

    /// Returns the oid of a role.
    pub(crate) fn role_oid(&self, name: &str) -> Option<u32> {
        self.roles().into_iter().find(|(role, _)| role == name).map(|(_, oid)| oid)
    }

    /// Returns the (name, type oid, not null) of each column of a class.
    pub(crate) fn columns(&self, class: &Class) -> Vec<(String, u32, bool)> {
        match class.source {
            Source::System(position) => {
                relations::all()[position].columns.iter().map(|c| (c.name.to_owned(), c.type_oid, c.not_null)).collect()
            }
            Source::User(position) => self.snapshot.relations[position]
                .columns
                .iter()
                .map(|c| (c.name.clone(), c.type_oid, c.not_null))
                .collect(),
            Source::Index(position) => {
                let relation = &self.snapshot.relations[position];
                let key = relation.primary_key.as_deref().unwrap_or_default();
                key.iter()
                    .filter_map(|&at| relation.columns.get(at))
                    .map(|c| (c.name.clone(), c.type_oid, false))
                    .collect()
            }
        }
    }

    /// Returns the name of a type as `format_type` gives it, row types of relations included.
    pub(crate) fn type_name(&self, oid: u32, modifier: Option<i64>) -> Option<String> {
        types::format(oid, modifier).or_else(|| {
            self.classes.iter().filter(|class| class.kind != 'i').find_map(|class| {
                let name = || tables::qualified(self, class);
                match () {
                    () if oids::row_type(class.oid) == oid => Some(name()),
                    () if oids::row_array(class.oid) == oid => Some(format!("{}[]", name())),
                    () => None,
                }
            })
        })
    }

    /// Returns the rows of a catalog relation, made on first use.
    pub(crate) fn rows(&self, relation: usize) -> Result<Rows> {
        if let Some(rows) = self.rows.borrow().get(&relation) {
            return Ok(Arc::clone(rows));
        }
        let kept = (!is_moving(relation)).then_some(&self.snapshot.kept.rows);
        let found = kept.and_then(|kept| lock(kept).get(&relation).map(Arc::clone));
        let rows = match found {
            Some(rows) => rows,
            None => Arc::new(tables::rows(self, relation)?),
        };
        if let Some(kept) = kept {
            lock(kept).insert(relation, Arc::clone(&rows));
        }
        self.rows.borrow_mut().insert(relation, Arc::clone(&rows));
        Ok(rows)
    }

    /// Returns an index over a column of a catalog relation, made on first use.
    pub(crate) fn index(&self, relation: usize, column: usize) -> Result<Index> {
        let place = (relation, column);
        if let Some(index) = self.indexes.borrow().get(&place) {
            return Ok(Arc::clone(index));
        }
        let kept = (!is_moving(relation)).then_some(&self.snapshot.kept.indexes);
        let found = kept.and_then(|kept| lock(kept).get(&place).map(Arc::clone));
        let index = match found {
            Some(index) => index,
            None => {
                let mut index: HashMap<Key, Vec<usize>> = HashMap::new();
                for (position, row) in self.rows(relation)?.iter().enumerate() {
                    if let Some(key) = row[column].key() {
                        index.entry(key).or_default().push(position);
                    }
                }
                Arc::new(index)
            }
        };
        if let Some(kept) = kept {
            lock(kept).insert(place, Arc::clone(&index));
        }
        self.indexes.borrow_mut().insert(place, Arc::clone(&index));
        Ok(index)
    }

    /// Counts rows that are looked at: a product of catalogs must not hold up the server, and nothing cancels it.
    pub(crate) fn spend(&self, n_rows: usize) -> Result<()> {
        let total = self.steps.get().saturating_add(n_rows);
        self.steps.set(total);
        if total > MOST_STEPS {
            let message = "the statement reads too many combinations of catalog rows";
            return Err(Error::new(Kind::ConfigurationLimit, message).hint("Join the catalogs on their oid columns."));
        }
        Ok(())
    }

    /// Returns a compiled PostgreSQL regular expression.
    pub(crate) fn regex(&self, pattern: &str, ignore_case: bool) -> Result<Rc<Regex>> {
        let translated = format!("{}{}", if ignore_case { "(?si)" } else { "(?s)" }, translate(pattern));
        if let Some(regex) = self.regexes.borrow().get(&translated) {
            return Ok(Rc::clone(regex));
        }
        let regex = Regex::new(&translated).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Error::new(Kind::InvalidParameterValue, format!("invalid regular expression: {reason}"))
        })?;
        let regex = Rc::new(regex);
        self.regexes.borrow_mut().insert(translated, Rc::clone(&regex));
        Ok(regex)
    }
}

impl Snapshot {
    /// Schema, name and oid of each relation.
    pub fn oids(&self) -> Vec<(String, String, u32)> {
        let names = self.kept.names.get_or_init(|| Names::of(self));
        let own = names.classes.iter().filter(|class| matches!(class.source, Source::User(_)));
        own.map(|class| (class.schema.clone(), class.name.clone(), class.oid)).collect()
    }
}

fn is_moving(relation: usize) -> bool {
    MOVING.contains(&relations::all()[relation].name)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rewrites what PostgreSQL's regular expressions spell differently: `\m \M \y \Y \Z`, and `***=` for a literal.
fn translate(pattern: &str) -> String {
    if let Some(literal) = pattern.strip_prefix("***=") {
        return regex::escape(literal);
    }
    let mut result = String::with_capacity(pattern.len());
    let mut chars = pattern.strip_prefix("***:").unwrap_or(pattern).chars();
    while let Some(letter) = chars.next() {
        if letter != '\\' {
            result.push(letter);
            continue;
        }
        match chars.next() {
            Some('m') => result.push_str(r"\b{start}"),
            Some('M') => result.push_str(r"\b{end}"),
            Some('y') => result.push_str(r"\b"),
            Some('Y') => result.push_str(r"\B"),
            Some('Z') => result.push_str(r"\z"),
            // An escaped letter that is no escape is itself, and an escaped underscore or quote too.
            Some(other) if other == '_' || (other.is_ascii_punctuation()) => {
                result.push_str(&regex::escape(&other.to_string()))
            }
            Some(other) => result.extend(['\\', other]),
            None => result.push_str(r"\\"),
        }
    }
    result
}

/// Makes a row.
pub(crate) fn row(values: Vec<Value>) -> Row {
    Arc::from(values)
}
