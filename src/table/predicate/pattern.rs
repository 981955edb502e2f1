//! LIKE patterns and plain regular expressions as literal pieces.

use crate::model::filter::Pattern;

/// Capitals in the upper case of characters that are not these letters: `ß` gives `SS`, `ı` gives `I`, `ẗ` gives `T̈`.
const CAPITALS_OF_OTHERS: &str = "AFHIJLNSTWY";

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
        let words = match self.pieces.as_slice() {
            [] if anchored_start && anchored_end => Words::OneOf(vec![String::new()]),
            [] => Words::Any,
            [whole] if anchored_start && anchored_end && !ignore_case => Words::OneOf(vec![whole.clone()]),
            _ => Words::Like(Pattern { pieces: self.pieces, anchored_start, anchored_end, ignore_case }),
        };
        (words, self.exact)
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

/// The texts whose lower case is of these, and whether that says all.
pub(super) fn before_lower(words: Words, exact: bool) -> (Words, bool) {
    let shouts = |text: &str| text.bytes().any(|byte| byte.is_ascii_uppercase());
    match words {
        Words::OneOf(mut texts) => {
            texts.retain(|text| !shouts(text));
            match texts.as_slice() {
                [] => (Words::OneOf(texts), exact),
                [text] => (piece(text, true, true, true), exact && text.is_ascii()),
                _ => (Words::Any, false),
            }
        }
        Words::Like(pattern) if !pattern.ignore_case && pattern.pieces.iter().any(|piece| shouts(piece)) => {
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

/// The texts whose upper case is of these. Characters such as `ß`, `ı` and `ﬁ` have capitals among the ASCII letters
/// without being those letters in lower case, so the pieces are cut at the capitals that this can give.
pub(super) fn before_upper(words: Words, exact: bool) -> (Words, bool) {
    let whispers = |text: &str| text.bytes().any(|byte| byte.is_ascii_lowercase());
    let mut pieces = match words {
        Words::Any => return (Words::Any, exact),
        Words::NoneOf(_) => return (Words::Any, false),
        Words::OneOf(texts) if texts.iter().all(|text| whispers(text)) => return (Words::OneOf(Vec::new()), exact),
        Words::OneOf(texts) => match <[String; 1]>::try_from(texts) {
            Ok(text) => text.to_vec(),
            Err(_) => return (Words::Any, false),
        },
        Words::Like(pattern) if !pattern.ignore_case && pattern.pieces.iter().any(|piece| whispers(piece)) => {
            return (Words::OneOf(Vec::new()), exact);
        }
        Words::Like(pattern) => pattern.pieces,
    };
    pieces = pieces
        .iter()
        .flat_map(|piece| {
            piece.split(|letter: char| !letter.is_ascii() || CAPITALS_OF_OTHERS.contains(letter.to_ascii_uppercase()))
        })
        .filter(|piece| !piece.is_empty())
        .map(str::to_owned)
        .collect();
    match pieces.is_empty() {
        true => (Words::Any, false),
        false => {
            (Words::Like(Pattern { pieces, anchored_start: false, anchored_end: false, ignore_case: true }), false)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The capitals at which `before_upper` cuts are those of all characters beyond ASCII, by Rust's tables.
    #[test]
    fn capitals_from_beyond_ascii_are_cut_at() {
        let given = ('\u{80}'..=char::MAX).flat_map(char::to_uppercase).filter(char::is_ascii_uppercase);
        for capital in given {
            assert!(CAPITALS_OF_OTHERS.contains(capital), "{capital}");
        }
    }

    /// No text in lower case holds an ASCII capital, and the other way round.
    #[test]
    fn case_is_folded_away() {
        for letter in '\0'..=char::MAX {
            assert!(!letter.to_lowercase().any(|folded| folded.is_ascii_uppercase()), "{letter}");
            assert!(!letter.to_uppercase().any(|folded| folded.is_ascii_lowercase()), "{letter}");
        }
    }
}
