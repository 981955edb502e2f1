//! Dumps of PostgreSQL's own catalogs, in the text format of COPY with a header line, compiled into the binary.

/// One dump.
#[derive(Debug)]
pub(crate) struct Tsv {
    columns: Vec<&'static str>,
    body: &'static str,
}

impl Tsv {
    /// Reads the header.
    pub(crate) fn new(text: &'static str) -> Tsv {
        let (header, body) = text.split_once('\n').unwrap_or((text, ""));
        Tsv { columns: header.split('\t').collect(), body }
    }

    /// Returns the column names.
    pub(crate) fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// Returns the rows, each as its cells; escapes are left as they are (the dumps hold none that matter).
    pub(crate) fn rows(&self) -> impl Iterator<Item = Vec<&'static str>> {
        self.body.lines().map(|line| line.split('\t').collect())
    }

    /// Returns the cell of a row under a column name, `None` for NULL.
    pub(crate) fn cell(&self, row: &[&'static str], column: &str) -> Option<&'static str> {
        let position = self.columns.iter().position(|name| *name == column)?;
        row.get(position).copied().filter(|cell| *cell != "\\N")
    }
}
