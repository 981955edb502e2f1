//! Names, columns and types of all relations of `pg_catalog` and `information_schema`, and the SQL of those that are views
//! over the others. Both are dumps of PostgreSQL 15.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::sql::sqlparser::ast::{Query, Statement};

use super::types;

/// A catalog relation.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) oid: u32,
    pub(crate) schema: &'static str,
    pub(crate) name: &'static str,
    /// `r` or `v`.
    pub(crate) kind: char,
    pub(crate) row_type: u32,
    pub(crate) columns: Vec<Column>,
}

/// A column of a catalog relation.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) type_oid: u32,
    pub(crate) not_null: bool,
}

static ALL: LazyLock<Vec<System>> =
    LazyLock::new(|| include_str!("data/relations.tsv").lines().filter_map(relation).collect());

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), usize>> = LazyLock::new(|| {
    ALL.iter().enumerate().map(|(position, relation)| ((relation.schema, relation.name), position)).collect()
});

static VIEWS: LazyLock<HashMap<usize, (Arc<Query>, &'static str)>> = LazyLock::new(|| {
    let mut views = HashMap::new();
    for line in
        [include_str!("data/views.tsv"), include_str!("data/own_views.tsv")].iter().flat_map(|text| text.lines())
    {
        let Some((name, sql)) = line.split_once('\t') else { continue };
        let Some(position) = name.split_once('.').and_then(|(schema, name)| find(schema, name)) else { continue };
        let parsed = crate::sql::parse::statements(sql).ok().and_then(|mut list| list.pop());
        if let Some(Statement::Query(query)) = parsed {
            views.insert(position, (Arc::from(query), sql));
        }
    }
    views
});

fn relation(line: &'static str) -> Option<System> {
    let mut cells = line.split('\t');
    let mut cell = || cells.next();
    let (oid, schema, name) = (cell()?.parse().ok()?, cell()?, cell()?);
    let (kind, row_type) = (cell()?.chars().next()?, cell()?.parse().ok()?);
    let columns = cell()?.split(' ').filter_map(|text| {
        let (name, type_name) = text.split_once(':')?;
        let not_null = type_name.ends_with('!');
        let type_oid = types::by_name(type_name.trim_end_matches('!'))?;
        Some(Column { name, type_oid, not_null })
    });
    Some(System { oid, schema, name, kind, row_type, columns: columns.collect() })
}

/// Returns all catalog relations.
pub(crate) fn all() -> &'static [System] {
    &ALL
}

/// Returns the position of a catalog relation in [`all`].
pub(crate) fn find(schema: &str, name: &str) -> Option<usize> {
    BY_NAME.get(&(schema, name)).copied()
}

/// Returns the query of a catalog relation that is a view over the others.
pub(crate) fn view(position: usize) -> Option<&'static Arc<Query>> {
    VIEWS.get(&position).map(|(query, _)| query)
}

/// Returns the text of that query.
pub(crate) fn view_text(position: usize) -> Option<&'static str> {
    VIEWS.get(&position).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_are_read_whole() {
        let class = &all()[find("pg_catalog", "pg_class").expect("pg_class")];
        assert_eq!((class.oid, class.columns.len()), (1259, 33));
        assert_eq!(all().len(), 208);
        for line in include_str!("data/relations.tsv").lines() {
            assert_eq!(
                relation(line).map(|r| r.columns.len()),
                line.split('\t').nth(5).map(|c| c.split(' ').count()),
                "{line}"
            );
        }
        let views = [include_str!("data/views.tsv"), include_str!("data/own_views.tsv")].concat();
        for line in views.lines() {
            let name = line.split('\t').next().and_then(|name| name.split_once('.')).expect("schema.name");
            let position = find(name.0, name.1).expect("known relation");
            assert!(view(position).is_some(), "{name:?}");
        }
    }
}
