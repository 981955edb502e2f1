//! CSV with a header, while it comes: each record becomes the text of a row object, so that one plan reads both. The cell
//! of a column is written as its type is in JSON; what cannot be is left a string, which the column then refuses.
//!
//! <https://www.rfc-editor.org/rfc/rfc4180>

use csv_core::{ReadFieldResult, Reader};
use serde_json::value::RawValue;

use super::MAX_ROW_BYTES;
use super::batch::Rows;
use super::fault::Fault;
use crate::model::table::{Column, Form, From, Table, Type};
use crate::pgtype::jsonb;
use crate::upstream::json;

/// A cell's first room.
const CELL_BYTES: usize = 256;
/// A header in an error is cut to so many characters.
const SHOWN_CHARS: usize = 100;

/// Reads the text.
#[derive(Debug)]
pub(super) struct Csv {
    table: &'static Table,
    reader: Reader,
    /// One for each cell of a record; still growing until the first has ended.
    header: Vec<Head>,
    header_read: bool,
    /// The cell that is being read; `filled` bytes of it.
    cell: Vec<u8>,
    filled: usize,
    quotes: Quotes,
    /// Cells of the record that have ended.
    cells: usize,
    /// The row object so far.
    row: Vec<u8>,
}

/// A column of the text.
#[derive(Debug)]
struct Head {
    name: String,
    /// What stands before the value in a row object: `"name":`.
    member: String,
    writes: Writes,
    /// A column that is never NULL reads it.
    never_null: bool,
}

/// How a cell stands in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writes {
    Text,
    Time,
    Number,
    Boolean,
    Json,
    /// A number if it is one, else text.
    Millis,
}

/// What the reader does not tell of a cell: whether it stands in quotes, and whether these are closed.
#[derive(Clone, Copy, Debug, Default)]
struct Quotes {
    begun: bool,
    quoted: bool,
    open: bool,
}

impl Quotes {
    /// Looks at the next piece of a cell. `first` is whether it is the first of its record, before which line ends stand.
    fn see(&mut self, mut piece: &[u8], first: bool) {
        if !self.begun {
            while let (true, Some((b'\r' | b'\n', rest))) = (first, piece.split_first()) {
                piece = rest;
            }
            let Some(byte) = piece.first() else { return };
            self.begun = true;
            self.quoted = *byte == b'"';
        }
        if self.quoted {
            // A quote within is written as two.
            let odd = piece.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            self.open ^= odd;
        }
    }
}

impl Csv {
    pub(super) fn new(table: &'static Table) -> Self {
        Csv {
            table,
            reader: Reader::new(),
            header: Vec::new(),
            header_read: false,
            cell: vec![0; CELL_BYTES],
            filled: 0,
            quotes: Quotes::default(),
            cells: 0,
            row: Vec::new(),
        }
    }

    /// Reads the next piece.
    pub(super) fn feed(&mut self, piece: &[u8], rows: &mut Rows) -> Result<(), Fault> {
        let mut rest = piece;
        // To the reader, nothing is the end.
        while !rest.is_empty() {
            rest = &rest[self.step(rest, rows)?.1..];
        }
        Ok(())
    }

    /// Tells that the text has ended.
    pub(super) fn finish(&mut self, rows: &mut Rows) -> Result<(), Fault> {
        // The last record may lack its line end, but neither a quote nor a cell.
        let wanted = if self.header_read { self.header.len() } else { self.cells + 1 };
        let within = self.cells > 0 || self.quotes.begun;
        if within && (self.quotes.open || self.cells + 1 < wanted) {
            return Err(Fault::CutCsv);
        }
        while self.step(&[], rows)?.0 != ReadFieldResult::End {}
        Ok(())
    }

    /// Reads to the end of a cell at the most, and tells how much that was.
    fn step(&mut self, input: &[u8], rows: &mut Rows) -> Result<(ReadFieldResult, usize), Fault> {
        let (result, read, written) = self.reader.read_field(input, &mut self.cell[self.filled..]);
        self.quotes.see(&input[..read], self.cells == 0);
        self.filled += written;
        match result {
            ReadFieldResult::OutputFull => {
                let room = self.cell.len() * 2;
                self.cell.resize(room, 0);
            }
            ReadFieldResult::Field { record_end } => self.cell_end(record_end, rows)?,
            ReadFieldResult::InputEmpty | ReadFieldResult::End => {}
        }
        if self.row.len() + self.filled > MAX_ROW_BYTES {
            return Err(json::Fault::RowTooLong.into());
        }
        Ok((result, read))
    }

    fn cell_end(&mut self, record_end: bool, rows: &mut Rows) -> Result<(), Fault> {
        let quoted = std::mem::take(&mut self.quotes).quoted;
        let cell = &self.cell[..std::mem::take(&mut self.filled)];
        let index = self.cells;
        self.cells += 1;
        if !self.header_read {
            self.header.push(Head::new(self.table, &String::from_utf8_lossy(cell)));
        } else if let Some(head) = self.header.get(index) {
            self.row.push(if index == 0 { b'{' } else { b',' });
            self.row.extend_from_slice(head.member.as_bytes());
            write(head.writes, cell, quoted || head.never_null, &mut self.row);
        }
        if record_end { self.record_end(rows) } else { Ok(()) }
    }

    fn record_end(&mut self, rows: &mut Rows) -> Result<(), Fault> {
        let cells = std::mem::take(&mut self.cells);
        if !self.header_read {
            self.header_read = true;
            let known = |head: &Head| columns(self.table, &head.name).next().is_some();
            return if self.header.iter().any(known) { Ok(()) } else { Err(Fault::Header(self.shown_header())) };
        }
        if cells != self.header.len() {
            return Err(rows.refuse(format!("It has {cells} cells where the header has {}.", self.header.len())));
        }
        self.row.push(b'}');
        let taken = rows.take(&self.row);
        self.row.clear();
        taken
    }

    fn shown_header(&self) -> String {
        let names: Vec<&str> = self.header.iter().map(|head| head.name.as_str()).collect();
        let header = names.join(",").split_whitespace().collect::<Vec<_>>().join(" ");
        match header.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("{}…", &header[..end]),
            None => header,
        }
    }
}

/// The columns that take this key's value as it stands.
fn columns(table: &'static Table, key: &str) -> impl Iterator<Item = &'static Column> {
    table.columns.iter().filter(move |column| column.row_keys().any(|name| name == key))
}

impl Head {
    fn new(table: &'static Table, name: &str) -> Self {
        let mut member = String::new();
        jsonb::quote(name, &mut member);
        member.push(':');
        let writes = columns(table, name).map(writes).find(|writes| *writes != Writes::Text);
        // Where no NULL can be, an empty cell is an empty text.
        let never_null = columns(table, name).any(|column| column.ty == Type::Text && !column.nullable);
        Head { name: name.to_owned(), member, writes: writes.unwrap_or(Writes::Text), never_null }
    }
}

/// How the cells of a column are written.
fn writes(column: &'static Column) -> Writes {
    match (column.from, column.ty, column.form) {
        // Their keys hold times and documents, whatever the type of the column is.
        (From::Between(..), ..) => Writes::Time,
        (From::Inside(..), ..) | (_, Type::Text, _) | (_, Type::Jsonb, Form::JsonText) => Writes::Text,
        (_, Type::Bigint | Type::Double, _) => Writes::Number,
        (_, Type::Boolean, _) => Writes::Boolean,
        (_, Type::Jsonb, _) => Writes::Json,
        (_, Type::Timestamptz, Form::EpochMillis) => Writes::Millis,
        (_, Type::Timestamptz, _) => Writes::Time,
    }
}

/// Writes a cell as a JSON value. An empty one is NULL unless quotes say that it is an empty text.
fn write(writes: Writes, cell: &[u8], quoted: bool, row: &mut Vec<u8>) {
    let takes_empty = matches!(writes, Writes::Text | Writes::Json);
    if cell.is_empty() && !(quoted && takes_empty) {
        row.extend_from_slice(b"null");
        return;
    }
    let text = match std::str::from_utf8(cell) {
        Ok(text) => text,
        // The row is refused for it.
        Err(_) => return row.extend_from_slice(cell),
    };
    let json = || serde_json::from_str::<&RawValue>(text).is_ok();
    let number = || text.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) && json();
    let bare = match writes {
        Writes::Text | Writes::Time => false,
        Writes::Number | Writes::Millis => number(),
        // Python writes them with a capital.
        Writes::Boolean => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        Writes::Json => json(),
    };
    if bare && writes == Writes::Boolean {
        return row.extend(cell.to_ascii_lowercase());
    }
    if bare {
        return row.extend_from_slice(cell);
    }
    let mut literal = String::with_capacity(text.len() + 2);
    jsonb::quote(text, &mut literal);
    row.extend_from_slice(literal.as_bytes());
}
