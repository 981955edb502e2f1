//! Base64 of a file of rows, while it comes: the standard alphabet and that of URLs, with or without padding and line
//! breaks.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};

use super::batch::Rows;
use super::fault::Fault;
use super::text::Text;
use crate::model::table::Table;

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the text.
#[derive(Debug)]
pub(super) struct Base64 {
    /// Its beginning, for the error if it is none.
    head: String,
    text: Text,
    /// Characters that have not been read.
    carry: Vec<u8>,
    /// Padding has come.
    padded: bool,
    bytes: Vec<u8>,
}

impl Base64 {
    pub(super) fn new(table: &'static Table, head: String) -> Self {
        Base64 { head, text: Text::json(table), carry: Vec::new(), padded: false, bytes: Vec::new() }
    }

    /// Reads the next piece.
    pub(super) fn feed(&mut self, piece: &[u8], rows: &mut Rows) -> Result<(), Fault> {
        self.carry.extend(piece.iter().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        }));
        self.decode(self.carry.len() / 4 * 4, rows)
    }

    /// Tells that the text has ended.
    pub(super) fn finish(&mut self, rows: &mut Rows) -> Result<(), Fault> {
        self.decode(self.carry.len(), rows)?;
        let ended = self.text.finish(rows);
        ended.map_err(|fault| self.blame(fault))
    }

    fn decode(&mut self, length: usize, rows: &mut Rows) -> Result<(), Fault> {
        if length == 0 {
            return Ok(());
        }
        self.bytes.clear();
        let group = &self.carry[..length];
        if self.padded || ENGINE.decode_vec(group, &mut self.bytes).is_err() {
            return Err(Fault::Unknown(self.head.clone()));
        }
        self.padded = group.ends_with(b"=");
        self.carry.drain(..length);
        let read = self.text.feed(&self.bytes, rows);
        read.map_err(|fault| self.blame(fault))
    }

    /// What base64 may stand for by chance is as unknown as the text itself.
    fn blame(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Unknown(_) => Fault::Unknown(self.head.clone()),
            other => other,
        }
    }
}
