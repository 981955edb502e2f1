//! The text of a file of rows: a JSON array, an object a line, CSV, or base64 of one of the former. Which it is shows at
//! its beginning; only CSV has to be asked for.

use super::batch::Rows;
use super::csv::Csv;
use super::encoded::Base64;
use super::fault::Fault;
use super::{MAX_ROW_BYTES, take_lines, take_rows};
use crate::model::scan::Scan;
use crate::model::table::Table;
use crate::upstream::json::{self, Splitter};

/// Enough of a text to be shown in an error.
const HEAD_BYTES: usize = 100;
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the text.
#[derive(Debug)]
pub(super) struct Text {
    table: &'static Table,
    /// What is not JSON may be.
    other: Other,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    Csv,
    Base64,
    Nothing,
}

#[derive(Debug)]
enum Stage {
    /// What has come of a text that is not yet known, without white space before it.
    Start(Vec<u8>),
    Array(Splitter),
    Lines(Splitter),
    Csv(Box<Csv>),
    Base64(Box<Base64>),
}

impl Text {
    /// Reads a file that the scan has asked for.
    pub(super) fn new(scan: &Scan) -> Self {
        let csv = scan.source.setting("format").first().is_some_and(|format| format == "csv");
        Text::of(scan.table, if csv { Other::Csv } else { Other::Base64 })
    }

    /// Reads rows of JSON, and nothing else.
    pub(super) fn json(table: &'static Table) -> Self {
        Text::of(table, Other::Nothing)
    }

    fn of(table: &'static Table, other: Other) -> Self {
        Text { table, other, stage: Stage::Start(Vec::new()) }
    }

    /// Reads the next piece.
    pub(super) fn feed(&mut self, piece: &[u8], rows: &mut Rows) -> Result<(), Fault> {
        if let Stage::Start(head) = &mut self.stage {
            head.extend_from_slice(piece);
            return self.begin(false, rows);
        }
        self.read(piece, rows)
    }

    /// Tells that the text has ended.
    pub(super) fn finish(&mut self, rows: &mut Rows) -> Result<(), Fault> {
        self.begin(true, rows)?;
        match &mut self.stage {
            // There is nothing in it.
            Stage::Start(_) => Ok(()),
            Stage::Array(splitter) | Stage::Lines(splitter) => Ok(splitter.finish().map(|_| ())?),
            Stage::Csv(csv) => csv.finish(rows),
            Stage::Base64(base64) => base64.finish(rows),
        }
    }

    fn read(&mut self, piece: &[u8], rows: &mut Rows) -> Result<(), Fault> {
        match &mut self.stage {
            Stage::Start(_) => Ok(()),
            Stage::Array(splitter) => take_rows(splitter, piece, rows),
            Stage::Lines(splitter) => take_lines(splitter, piece, rows),
            Stage::Csv(csv) => csv.feed(piece, rows),
            Stage::Base64(base64) => base64.feed(piece, rows),
        }
    }

    /// Finds out what the text is, as soon as enough of it has come, and reads what has come.
    fn begin(&mut self, ended: bool, rows: &mut Rows) -> Result<(), Fault> {
        let Stage::Start(head) = &mut self.stage else { return Ok(()) };
        let unmarked = head.strip_prefix(MARK).unwrap_or(head);
        let trimmed = unmarked.trim_ascii_start();
        if !ended && MARK.starts_with(head) {
            return Ok(());
        }
        if trimmed.is_empty() {
            head.clear();
            return Ok(());
        }
        let stage = match (trimmed[0], self.other) {
            (b'[', _) => Stage::Array(Splitter::new(&[], MAX_ROW_BYTES)),
            (b'{', _) => Stage::Lines(Splitter::lines(MAX_ROW_BYTES)),
            (b'<', _) => return Err(json::Fault::Html.into()),
            (_, Other::Csv) => Stage::Csv(Box::new(Csv::new(self.table))),
            // All of what an error shows, however it comes.
            _ if trimmed.len() <= HEAD_BYTES && !ended => return Ok(()),
            (_, Other::Base64) => Stage::Base64(Box::new(Base64::new(self.table, shown(trimmed)))),
            (_, Other::Nothing) => return Err(Fault::Unknown(shown(trimmed))),
        };
        let begun = trimmed.to_vec();
        self.stage = stage;
        self.read(&begun, rows)
    }
}

/// The beginning of a text on one line.
fn shown(text: &[u8]) -> String {
    let head = String::from_utf8_lossy(&text[..text.len().min(HEAD_BYTES)]);
    let line = head.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.len() > HEAD_BYTES { format!("{line}…") } else { line }
}
