//! A file within an answer: the text of it as a JSON string, or the URL of it. The string is read while it comes.

use super::batch::Rows;
use super::fault::Fault;
use super::text::Text;
use super::unescape::Unescape;
use crate::upstream::json::{self, Splitter};

/// So much of a string is unescaped at once.
const PIECE_BYTES: usize = 64 << 10;

/// The members of an object, as JSON.
pub(super) type Members = Vec<(String, String)>;

/// Reads the object around a file.
#[derive(Debug)]
pub(super) struct File {
    splitter: Splitter,
    unescape: Unescape,
    text: Text,
    content: &'static str,
    url: &'static str,
    /// A piece of the text.
    piece: Vec<u8>,
    /// There was a piece.
    filled: bool,
}

impl File {
    /// Reads the text under the key `content`, or else the URL under the key `url`.
    pub(super) fn new(content: &'static str, url: &'static str, text: Text) -> Self {
        File {
            splitter: Splitter::text(content),
            unescape: Unescape::default(),
            text,
            content,
            url,
            piece: Vec::new(),
            filled: false,
        }
    }

    /// Reads the next piece of the answer.
    pub(super) fn feed(&mut self, chunk: &[u8], rows: &mut Rows) -> Result<(), Fault> {
        let mut rest = chunk;
        while let Some(escaped) = self.splitter.next(&mut rest)? {
            for part in escaped.chunks(PIECE_BYTES) {
                self.piece.clear();
                self.unescape.push(part, &mut self.piece)?;
                self.text.feed(&self.piece, rows)?;
                self.filled = true;
            }
        }
        Ok(())
    }

    /// Tells that the answer has ended, and gives its other members and the URL if that is where the rows are.
    pub(super) fn finish(&mut self, rows: &mut Rows) -> Result<(Members, Option<String>), Fault> {
        let has_text = match self.splitter.finish() {
            Ok(_) => true,
            Err(json::Fault::NoRows) => false,
            Err(fault) => return Err(fault.into()),
        };
        if has_text {
            self.unescape.finish()?;
            self.text.finish(rows)?;
        } else if self.member(self.content).is_some_and(|raw| raw != "null") {
            return Err(json::Fault::NoRows.into());
        }
        let url = self.member(self.url).and_then(|raw| serde_json::from_str::<Option<String>>(raw).ok().flatten());
        // Rows lost are worse than a file fetched that turns out to be empty as well.
        let url = url.filter(|url| !url.is_empty() && !self.filled);
        match url {
            None if !has_text => Err(json::Fault::NoRows.into()),
            url => Ok((self.members().to_vec(), url)),
        }
    }

    /// The other members that have come so far.
    pub(super) fn members(&self) -> &[(String, String)] {
        self.splitter.members()
    }

    fn member(&self, key: &str) -> Option<&str> {
        self.members().iter().rev().find(|(name, _)| name == key).map(|(_, raw)| raw.as_str())
    }
}
