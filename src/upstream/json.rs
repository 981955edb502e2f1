//! Cuts a body into its rows while it comes, so that no more than one row of it is ever held. Knows brackets and strings
//! and the shapes of bodies: a bare array, an object that holds the array, an object a line, and an object with the text
//! of a file, which comes out in pieces. What stands inside a row is `decode`'s.

/// Members of the envelope beside the rows that are kept, and how long each may be.
const MAX_MEMBERS: usize = 64;
const MAX_MEMBER_BYTES: usize = 16 << 10;

/// Why a body cannot be cut into rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A web page.
    Html,
    /// Not JSON, or not of either envelope's shape.
    Syntax,
    /// The body ended early.
    Cut,
    /// Something follows the end.
    Trailing,
    /// An object without an array of rows, or without the text of a file.
    NoRows,
    /// An element of the array that is no object.
    NotAnObject,
    /// One row is longer than allowed.
    RowTooLong,
    /// A line that ends within its object.
    BrokenLine,
}

/// What a splitter cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// An array, bare or in an object under one of these keys.
    Rows(&'static [&'static str]),
    /// An object a line.
    Lines,
    /// An object with a string under this key.
    Text(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// So many bytes of a byte order mark have come.
    Mark(usize),
    FirstKey,
    Key,
    InKey,
    Colon,
    Member,
    InMember,
    InScalar,
    AfterMember,
    FirstRow,
    Row,
    InRow,
    AfterRow,
    /// Behind a row, in its line.
    AfterLine,
    Line,
    InText,
    Done,
}

/// The cutter. Feed it by [`Splitter::next`].
#[derive(Debug)]
pub(super) struct Splitter {
    mode: Mode,
    max_row_bytes: usize,
    state: State,
    enveloped: bool,
    rows_seen: bool,
    key: String,
    members: Vec<(String, String)>,
    /// What came in earlier chunks of a row, key or member.
    carry: Vec<u8>,
    /// The carry has been handed out and is to be forgotten.
    carried_out: bool,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

impl Splitter {
    /// Makes a cutter that finds the rows of an envelope under one of these keys.
    pub(super) fn new(rows_keys: &'static [&'static str], max_row_bytes: usize) -> Self {
        Splitter::of(Mode::Rows(rows_keys), max_row_bytes)
    }

    /// Makes a cutter of lines, each of which is a row. Blank lines are no rows.
    pub(super) fn lines(max_row_bytes: usize) -> Self {
        Splitter::of(Mode::Lines, max_row_bytes)
    }

    /// Makes a cutter that gives the string under this key of an object: between its quotes, with its escapes, in pieces
    /// as they come.
    pub(super) fn text(key: &'static str) -> Self {
        Splitter::of(Mode::Text(key), 0)
    }

    fn of(mode: Mode, max_row_bytes: usize) -> Self {
        Splitter {
            mode,
            max_row_bytes,
            state: State::Start,
            enveloped: false,
            rows_seen: false,
            key: String::new(),
            members: Vec::new(),
            carry: Vec::new(),
            carried_out: false,
            depth: 0,
            in_string: false,
            escaped: false,
        }
    }

    /// Gives the next row that is complete and moves `chunk` behind it; `None` when the chunk is used up.
    ///
    /// # Errors
    /// When the body is not one of rows. After an error the splitter is of no use.
    pub(super) fn next<'a, 'chunk: 'a>(&'a mut self, chunk: &mut &'chunk [u8]) -> Result<Option<&'a [u8]>, Fault> {
        if std::mem::take(&mut self.carried_out) {
            self.carry.clear();
        }
        while let Some(&byte) = chunk.first() {
            match self.state {
                State::InRow => {
                    if let Some(row) = self.row_end(chunk)? {
                        return Ok(Some(if self.carried_out { &self.carry } else { row }));
                    }
                }
                State::InText => return Ok(Some(self.text_part(chunk))),
                State::InKey | State::InMember => self.member_part(chunk)?,
                State::InScalar if !matches!(byte, b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r') => {
                    self.keep(&[byte]);
                    *chunk = &chunk[1..];
                }
                State::InScalar => self.member_end()?,
                State::AfterLine if byte == b'\n' => {
                    self.state = State::Line;
                    *chunk = &chunk[1..];
                }
                _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => *chunk = &chunk[1..],
                _ => {
                    self.step(byte)?;
                    // The first byte of a row or member belongs to it.
                    if !matches!(self.state, State::InRow | State::InMember | State::InKey | State::InScalar) {
                        *chunk = &chunk[1..];
                    }
                }
            }
        }
        Ok(None)
    }

    /// Tells that the body has ended, and gives the members of the envelope beside the rows.
    ///
    /// # Errors
    /// When the body was not complete, or held no rows.
    pub(super) fn finish(&self) -> Result<&[(String, String)], Fault> {
        match self.state {
            State::Done if self.rows_seen => Ok(&self.members),
            State::Done => Err(Fault::NoRows),
            State::Start | State::AfterLine | State::Line if self.mode == Mode::Lines => Ok(&[]),
            _ => Err(Fault::Cut),
        }
    }

    /// The members of the envelope that have come so far.
    pub(super) fn members(&self) -> &[(String, String)] {
        &self.members
    }

    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        self.state = match (self.state, byte) {
            (State::Start | State::Line, b'{') if self.mode == Mode::Lines => State::InRow,
            (State::Start | State::Line, b'[' | b'"' | b'-' | b'0'..=b'9') if self.mode == Mode::Lines => {
                return Err(Fault::NotAnObject);
            }
            (State::Start, b'[') if matches!(self.mode, Mode::Rows(_)) => self.open_rows(),
            (State::Start, b'{') => {
                self.enveloped = true;
                State::FirstKey
            }
            (State::Start, b'<') => return Err(Fault::Html),
            (State::Start, first) if first == MARK[0] => State::Mark(1),
            (State::Mark(1), second) if second == MARK[1] => State::Mark(2),
            (State::Mark(2), third) if third == MARK[2] => State::Start,
            (State::FirstKey | State::Key, b'"') => State::InKey,
            (State::FirstKey, b'}') | (State::AfterMember, b'}') => State::Done,
            (State::Colon, b':') => State::Member,
            (State::Member, b'[') if self.holds_rows() => self.open_rows(),
            (State::Member, b'"') if self.holds_text() => {
                self.rows_seen = true;
                self.in_string = true;
                State::InText
            }
            (State::Member, b'{' | b'[' | b'"') => State::InMember,
            (State::Member, b'-' | b'0'..=b'9' | b'a'..=b'z') => State::InScalar,
            (State::AfterMember, b',') => State::Key,
            (State::FirstRow, b']') | (State::AfterRow, b']') if self.enveloped => State::AfterMember,
            (State::FirstRow, b']') | (State::AfterRow, b']') => State::Done,
            (State::FirstRow | State::Row, b'{') => State::InRow,
            (State::FirstRow | State::Row, b'[' | b'"' | b'-' | b'0'..=b'9' | b'a'..=b'z') => {
                return Err(Fault::NotAnObject);
            }
            (State::AfterRow, b',') => State::Row,
            (State::Done, _) => return Err(Fault::Trailing),
            _ => return Err(Fault::Syntax),
        };
        Ok(())
    }

    fn holds_rows(&self) -> bool {
        matches!(self.mode, Mode::Rows(keys) if !self.rows_seen && keys.contains(&self.key.as_str()))
    }

    fn holds_text(&self) -> bool {
        matches!(self.mode, Mode::Text(key) if !self.rows_seen && key == self.key)
    }

    fn open_rows(&mut self) -> State {
        self.rows_seen = true;
        State::FirstRow
    }

    /// Takes what of the row stands in the chunk. Gives the row if it ends there; `carried_out` tells that it began in
    /// an earlier chunk and stands in the carry.
    fn row_end<'a>(&mut self, chunk: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Fault> {
        let end = self.skip(chunk);
        let (part, rest) = chunk.split_at(end.unwrap_or(chunk.len()));
        *chunk = rest;
        if self.mode == Mode::Lines && part.contains(&b'\n') {
            return Err(Fault::BrokenLine);
        }
        if self.carry.len() + part.len() > self.max_row_bytes {
            return Err(Fault::RowTooLong);
        }
        if end.is_none() || !self.carry.is_empty() {
            self.carry.extend_from_slice(part);
        }
        if end.is_none() {
            return Ok(None);
        }
        self.state = if self.mode == Mode::Lines { State::AfterLine } else { State::AfterRow };
        self.carried_out = !self.carry.is_empty();
        Ok(Some(part))
    }

    fn text_part<'a>(&mut self, chunk: &mut &'a [u8]) -> &'a [u8] {
        let end = self.skip(chunk);
        let (part, rest) = chunk.split_at(end.unwrap_or(chunk.len()));
        *chunk = rest;
        match end {
            Some(end) => {
                self.state = State::AfterMember;
                &part[..end - 1]
            }
            None => part,
        }
    }

    fn member_part(&mut self, chunk: &mut &[u8]) -> Result<(), Fault> {
        let end = self.skip(chunk);
        let (part, rest) = chunk.split_at(end.unwrap_or(chunk.len()));
        *chunk = rest;
        self.keep(part);
        match end {
            None => Ok(()),
            Some(_) if self.state == State::InKey => {
                let long = self.carry.len() > MAX_MEMBER_BYTES;
                self.key = match serde_json::from_slice(&self.carry) {
                    Ok(key) => key,
                    // Nobody looks for a key that long.
                    Err(_) if long => String::new(),
                    Err(_) => return Err(Fault::Syntax),
                };
                self.carry.clear();
                self.state = State::Colon;
                Ok(())
            }
            Some(_) => self.member_end(),
        }
    }

    fn keep(&mut self, part: &[u8]) {
        // One byte more than is kept tells that there was more.
        let room = (MAX_MEMBER_BYTES + 1).saturating_sub(self.carry.len());
        self.carry.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn member_end(&mut self) -> Result<(), Fault> {
        self.state = State::AfterMember;
        let raw = std::mem::take(&mut self.carry);
        if raw.len() > MAX_MEMBER_BYTES {
            return Ok(());
        }
        let raw = String::from_utf8(raw).map_err(|_| Fault::Syntax)?;
        serde_json::from_str::<serde::de::IgnoredAny>(&raw).map_err(|_| Fault::Syntax)?;
        if self.members.len() < MAX_MEMBERS {
            self.members.push((std::mem::take(&mut self.key), raw));
        }
        Ok(())
    }

    /// Finds where the value ends whose first byte has set depth zero, over as many chunks as it takes.
    fn skip(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = usize::from(std::mem::take(&mut self.escaped));
        while at < bytes.len() {
            if self.in_string {
                at += quote_or_backslash(&bytes[at..])?;
                if bytes[at] == b'\\' {
                    at += 2;
                    self.escaped = at > bytes.len();
                    continue;
                }
                self.in_string = false;
                if self.depth == 0 {
                    return Some(at + 1);
                }
            } else {
                match bytes[at] {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth -= 1;
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
            }
            at += 1;
        }
        None
    }
}

/// Position of the first `"` or `\`, eight bytes at a time: text is most of a body.
pub(super) fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let holds = |word: u64, byte: u8| {
        let folded = word ^ (ONES * u64::from(byte));
        folded.wrapping_sub(ONES) & !folded & HIGHS
    };
    let (words, _) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The lowest hit is exact; only hits above it may be false.
        let hits = holds(word, b'"') | holds(word, b'\\');
        if hits != 0 {
            return Some(index * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    let done = words.len() * 8;
    bytes[done..].iter().position(|byte| matches!(byte, b'"' | b'\\')).map(|at| done + at)
}

#[cfg(test)]
mod tests;
