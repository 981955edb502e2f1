//! Why a body cannot be read, and what the client is told about it.

use super::MAX_ROW_BYTES;
use crate::error::{Error, Kind};
use crate::upstream::{json, refusal};

/// Why a body cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// It cannot be cut into rows.
    Json(json::Fault),
    /// The text of a file is no JSON string: a wrong escape, or half of a surrogate pair.
    Escape,
    /// A file that is of no known kind, with its beginning.
    Unknown(String),
    /// CSV of something else, with its header.
    Header(String),
    /// CSV that ends within a row.
    CutCsv,
    /// An object that tells of an error, with its members.
    Reported(Vec<(String, String)>),
    /// A row cannot be read.
    Row(Error),
}

impl From<json::Fault> for Fault {
    fn from(fault: json::Fault) -> Self {
        Fault::Json(fault)
    }
}

/// The names that errors speak of.
#[derive(Debug)]
pub(super) struct Names {
    /// `source.table`.
    pub(super) table: String,
    pub(super) source: String,
    pub(super) base_url: &'static str,
}

impl Names {
    /// The error of a body that broke off after so many rows; `why` is a sentence.
    pub(super) fn cut(&self, rows: u64, why: impl Into<String>) -> Error {
        let message = format!("upstream cut its answer for {} after {rows} rows", self.table);
        Error::new(Kind::UpstreamTruncated, message).detail(why)
    }
}

impl Fault {
    /// The error, after so many rows; `members` are those of the envelope so far.
    pub(super) fn explain(self, names: &Names, rows: u64, members: &[(String, String)]) -> Error {
        let table = &names.table;
        let broken = |what: String| Error::new(Kind::UpstreamFault, what);
        let no_rows = || broken(format!("upstream sent something other than JSON rows for {table}"));
        match self {
            Fault::Row(error) => error,
            Fault::Json(fault) => explain_json(fault, names, rows, members),
            Fault::Reported(members) => without_rows(names, &members),
            Fault::CutCsv => names.cut(rows, "The CSV ends within a row."),
            Fault::Escape => no_rows().detail(format!(
                "After {rows} rows the text of the file holds an escape that stands for no character."
            )),
            Fault::Unknown(beginning) => no_rows().detail(format!("The file begins with: {beginning}")),
            Fault::Header(header) => broken(format!("upstream sent CSV without a column of {table}"))
                .detail(format!("Its header is: {header}"))
                .hint("Check whether the vendor has changed its API."),
        }
    }
}

fn explain_json(fault: json::Fault, names: &Names, rows: u64, members: &[(String, String)]) -> Error {
    let table = &names.table;
    let broken = |what: String| Error::new(Kind::UpstreamFault, what);
    match fault {
        json::Fault::Cut => names.cut(rows, "The JSON ends before it is complete."),
        json::Fault::Html => refusal::web_page(&names.source, names.base_url),
        json::Fault::Syntax => broken(format!("upstream sent something other than JSON rows for {table}"))
            .detail(format!("After {rows} rows comes what is neither a row nor the end.")),
        json::Fault::Trailing => broken(format!("upstream sent more than one JSON value for {table}"))
            .detail(format!("Something follows the end of the answer, after {rows} rows.")),
        json::Fault::NotAnObject => broken(format!("upstream sent a row of {table} that is not a JSON object"))
            .detail(format!("It is row {} of the answer.", rows + 1)),
        json::Fault::BrokenLine => broken(format!("upstream sent a row of {table} that cannot be read"))
            .detail(format!("Row {} of the answer: Its line ends before it is complete.", rows + 1)),
        json::Fault::RowTooLong => {
            // No setting, and no narrower range, would let it in.
            Error::new(Kind::ProgramLimit, format!("a row of {table} is larger than {} MB", MAX_ROW_BYTES >> 20))
                .detail(format!("It is row {} of the answer.", rows + 1))
                .hint("Leave the row out by a filter that upstream takes.")
        }
        json::Fault::NoRows => without_rows(names, members),
    }
}

fn without_rows(names: &Names, members: &[(String, String)]) -> Error {
    let told = members.iter().find(|(key, _)| matches!(key.as_str(), "error" | "message" | "detail"));
    if let Some((key, raw)) = told
        && let Some(text) = refusal::text(&format!("{{\"{key}\":{raw}}}"))
    {
        return Error::new(Kind::UpstreamFault, "upstream reported an error instead of rows")
            .detail(format!("Upstream says for {}: {text}", names.table));
    }
    let keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
    Error::new(Kind::UpstreamFault, format!("upstream sent an object without rows for {}", names.table))
        .detail(format!("Its keys are: {}.", keys.join(", ")))
        .hint("Check base_url of the source, and whether the vendor has changed its API.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_too_long_is_no_answer_too_large() {
        // Whoever cuts the range of an answer too large must not cut this one again and again.
        let names = Names { table: "a.b".to_owned(), source: "a".to_owned(), base_url: "" };
        let error = Fault::Json(json::Fault::RowTooLong).explain(&names, 7, &[]);
        assert_eq!((error.kind, error.message.as_str()), (Kind::ProgramLimit, "a row of a.b is larger than 64 MB"));
        assert_eq!(error.detail.as_deref(), Some("It is row 8 of the answer."));
    }
}
