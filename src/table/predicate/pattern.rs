//! LIKE patterns and plain regular expressions as literal pieces.

use crate::model::filter::Pattern;

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// One of these.
    OneOf(Vec<String>),
    /// None of these.
    NoneOf(Vec<String>),
    /// Something that matches.
    Like(Pattern),
    /// Not NULL.
    Any,
}

/// Literal pieces with wildcards between them, as they are gathered.
#[derive(Default)]
struct Gathered {
    pieces: Vec<String>,
    piece: String,
    starts_wild: bool,
    ends_wild: bool,
    /// No wildcard stands for anything but any text.
    exact: bool,
}

impl Gathered {
    fn literal(&mut self, letter: char) {
        self.piece.push(letter);
        self.ends_wild = false;
    }

    fn wildcard(&mut self) {
        if self.pieces.is_empty() && self.piece.is_empty() {
            self.starts_wild = true;
        }
        self.ends_wild = true;
        if !self.piece.is_empty() {
            self.pieces.push(std::mem::take(&mut self.piece));
        }
    }

    fn finish(mut self, ignore_case: bool) -> (Words, bool) {
        if !self.piece.is_empty() {
            self.pieces.push(self.piece);
        }
        let (anchored_start, anchored_end) = (!self.starts_wild, !self.ends_wild);
        // Of other letters than those of ASCII PostgreSQL does not ignore the case, upstream may.
        let exact = self.exact && !(ignore_case && self.pieces.iter().any(|piece| !piece.is_ascii()));
        let words = match self.pieces.as_slice() {
            [] if anchored_start && anchored_end => Words::OneOf(vec![String::new()]),
            [] => Words::Any,
            [whole] if anchored_start && anchored_end && !ignore_case => Words::OneOf(vec![whole.clone()]),
            _ => Words::Like(Pattern { pieces: self.pieces, anchored_start, anchored_end, ignore_case }),
        };
        (words, exact)
    }
}

/// Reads a LIKE pattern; tells whether the pieces say all. `_` is read as `%`, which is weaker.
pub(super) fn like(pattern: &str, escape: char, ignore_case: bool) -> (Words, bool) {
    let mut gathered = Gathered { exact: true, ..Gathered::default() };
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter == escape => match letters.next() {
                Some(escaped) => gathered.literal(escaped),
                // "LIKE pattern must not end with escape character": the engine may say so.
                None => return (Words::Any, false),
            },
            '%' => gathered.wildcard(),
            '_' => {
                gathered.wildcard();
                gathered.exact = false;
            }
            letter => gathered.literal(letter),
        }
    }
    gathered.finish(ignore_case)
}

/// Reads a regular expression of literal characters, `^`, `$` and `.`, `.*`, `.+`; nothing if there is more to it.
pub(super) fn regex(pattern: &str, ignore_case: bool) -> Option<(Words, bool)> {
    let (pattern, anchored_start) = match pattern.strip_prefix('^') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let mut gathered = Gathered { exact: true, ..Gathered::default() };
    if !anchored_start {
        gathered.wildcard();
    }
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '$' if letters.peek().is_none() => return Some(gathered.finish(ignore_case)),
            '.' => {
                letters.next_if(|next| matches!(next, '*' | '+'));
                gathered.wildcard();
                gathered.exact = false;
            }
            '\\' => gathered.literal(letters.next().filter(char::is_ascii_punctuation)?),
            '^' | '$' | '|' | '?' | '*' | '+' | '(' | ')' | '[' | ']' | '{' | '}' => return None,
            letter => gathered.literal(letter),
        }
    }
    gathered.wildcard();
    Some(gathered.finish(ignore_case))
}

/// A pattern of one piece.
pub(super) fn piece(text: &str, anchored_start: bool, anchored_end: bool, ignore_case: bool) -> Words {
    let pieces = vec![text.to_owned()];
    match text {
        "" if anchored_start && anchored_end => Words::OneOf(vec![String::new()]),
        "" => Words::Any,
        _ if anchored_start && anchored_end && !ignore_case => Words::OneOf(pieces),
        _ => Words::Like(Pattern { pieces, anchored_start, anchored_end, ignore_case }),
    }
}

/// The texts whose lower case is of these, and whether that says all. Only the letters of ASCII have one.
pub(super) fn before_lower(words: Words, exact: bool) -> (Words, bool) {
    before_case(words, exact, |byte| byte.is_ascii_uppercase())
}

/// The texts whose upper case is of these, and whether that says all.
pub(super) fn before_upper(words: Words, exact: bool) -> (Words, bool) {
    before_case(words, exact, |byte| byte.is_ascii_lowercase())
}

/// The texts that are of these once no letter is left that `is_gone` tells.
fn before_case(words: Words, exact: bool, is_gone: fn(&u8) -> bool) -> (Words, bool) {
    let is_never = |text: &str| text.as_bytes().iter().any(is_gone);
    match words {
        Words::OneOf(mut texts) => {
            texts.retain(|text| !is_never(text));
            match texts.as_slice() {
                [] => (Words::OneOf(texts), exact),
                [text] => (piece(text, true, true, true), exact && text.is_ascii()),
                _ => (Words::Any, false),
            }
        }
        Words::Like(pattern) if !pattern.ignore_case && pattern.pieces.iter().any(|piece| is_never(piece)) => {
            (Words::OneOf(Vec::new()), exact)
        }
        Words::Like(pattern) => {
            let plain = pattern.pieces.iter().all(|piece| piece.is_ascii());
            (Words::Like(Pattern { ignore_case: true, ..pattern }), exact && plain)
        }
        Words::NoneOf(_) => (Words::Any, false),
        Words::Any => (Words::Any, exact),
    }
}

/// The texts whose first `count` characters are of these.
pub(super) fn before_left(words: Words, exact: bool, count: usize) -> (Words, bool) {
    match words {
        Words::OneOf(texts) => match texts.as_slice() {
            [text] if text.chars().count() == count => (piece(text, true, false, false), exact),
            _ if texts.iter().all(|text| text.chars().count() != count) => {
                let shorter = texts.into_iter().filter(|text| text.chars().count() < count).collect();
                (Words::OneOf(shorter), exact)
            }
            _ => (Words::Any, false),
        },
        Words::Like(pattern) => (Words::Like(Pattern { anchored_end: false, ..pattern }), false),
        Words::NoneOf(_) => (Words::Any, false),
        Words::Any => (Words::Any, exact),
    }
}
