//! Which table a name means: search_path, three-part names, and an error that names the nearest one.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, ObjectNamePart, Query, Spanned, Statement, TableFactor, VisitMut, VisitorMut, visit_relations,
};

use crate::error::{Error, Kind, Result};
use crate::sql::fault::nearest;
use crate::sql::place::position;

/// Schema of the session's temporary tables.
pub const TEMPORARY: &str = "pg_temp";

/// The tables that a session sees.
#[derive(Clone, Debug)]
pub struct Relations {
    /// Name of the database, for three-part names.
    pub database: String,
    /// Schemas in which an unqualified name is looked for, in order.
    pub search_path: Vec<String>,
    /// (schema, table) of all of them.
    pub tables: Vec<(String, String)>,
    /// Their numbers in `pg_class`.
    pub oids: Arc<HashMap<(String, String), u32>>,
}

/// Whether a statement names a relation that is neither a CTE nor a function.
pub fn names_a_relation(statement: &Statement) -> bool {
    let mut statement = statement.clone();
    let mut ctes = CteNames::default();
    let _: ControlFlow<()> = statement.visit(&mut ctes);
    let named = visit_relations(&statement, |name| match name.0.as_slice() {
        [ObjectNamePart::Identifier(only)] if ctes.names.contains(&folded(only)) => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    });
    named.is_break()
}

/// Names that are no tables: those that WITH gives anywhere in the statement, and functions. A CTE that hides a table
/// outside its scope is not told apart.
#[derive(Default)]
struct CteNames {
    names: HashSet<String>,
}

impl VisitorMut for CteNames {
    type Break = ();

    /// `FROM generate_series(1, 3)` names a function, not a table.
    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(_), .. } = factor {
            self.names.extend(name.0.last().and_then(ObjectNamePart::as_ident).map(folded));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.names.extend(ctes.map(|cte| folded(&cte.alias.name)));
        ControlFlow::Continue(())
    }
}

fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

impl Relations {
    /// Schema and name of the table that a name means.
    ///
    /// # Errors
    /// 42P01 with the place in the text and the nearest name.
    pub fn find(&self, name: &ObjectName, sql: &str) -> Result<(String, String)> {
        let parts: Vec<String> = name.0.iter().filter_map(ObjectNamePart::as_ident).map(folded).collect();
        let found = match parts.as_slice() {
            [table] => self.search_path.iter().find(|schema| self.has(schema, table)).map(|schema| (schema, table)),
            [schema, table] => self.has(schema, table).then_some((schema, table)),
            [database, schema, table] if *database == self.database => {
                self.has(schema, table).then_some((schema, table))
            }
            [_, _, _] => {
                let written = parts.join(".");
                let error = Error::unsupported(format!("cross-database reference \"{written}\""));
                return Err(Error { position: position(sql, name.span().start), ..error });
            }
            _ => None,
        };
        match found {
            Some((schema, table)) => Ok((schema.clone(), table.clone())),
            None => Err(self.missing(&parts, position(sql, name.span().start))),
        }
    }

    fn has(&self, schema: &str, table: &str) -> bool {
        self.tables.iter().any(|(own_schema, own_table)| own_schema == schema && own_table == table)
    }

    fn missing(&self, parts: &[String], position: Option<usize>) -> Error {
        let written = parts.join(".");
        let error = Error::new(Kind::UndefinedTable, format!("relation \"{written}\" does not exist"));
        let error = Error { position, ..error };
        let qualified: Vec<String> = self.tables.iter().map(|(schema, table)| format!("{schema}.{table}")).collect();
        let table = parts.last().map(String::as_str).unwrap_or_default();
        let near = nearest(&written, qualified.iter().map(String::as_str)).map(str::to_owned).or_else(|| {
            let near = nearest(table, self.tables.iter().map(|(_, table)| table.as_str()))?;
            self.tables.iter().find(|(_, table)| table == near).map(|(schema, table)| format!("{schema}.{table}"))
        });
        match near {
            Some(near) => error.hint(format!("Perhaps you meant the table \"{near}\".")),
            None => error,
        }
    }
}
