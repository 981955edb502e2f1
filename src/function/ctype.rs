//! Which characters are letters, and of which case: PostgreSQL's locale C.UTF-8, where each character has at most one
//! other of either case.
//!
//! The table next to this file holds what the C library of that locale says, as runs of code points: `first-last/step`,
//! and the distance to the other case after a colon. The standard library's own tables do not do: it changes one
//! character into several, and counts neither digits of other scripts nor marks the same way.

use std::sync::LazyLock;

/// Code points from `first` to `last`, each `step` after the one before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    first: u32,
    last: u32,
    step: u32,
    distance: i32,
}

impl Run {
    fn parse(text: &str) -> Option<Run> {
        let (text, distance) = match text.split_once(':') {
            Some((text, distance)) => (text, distance.parse().ok()?),
            None => (text, 0),
        };
        let (text, step) = match text.split_once('/') {
            Some((text, step)) => (text, step.parse().ok()?),
            None => (text, 1),
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some(Run {
            first: u32::from_str_radix(first, 16).ok()?,
            last: u32::from_str_radix(last, 16).ok()?,
            step,
            distance,
        })
    }

    fn has(&self, code: u32) -> bool {
        (self.first..=self.last).contains(&code) && (code - self.first).is_multiple_of(self.step)
    }
}

/// A line of the table, in ascending order.
type Line = LazyLock<Vec<Run>>;

static ALPHA: Line = LazyLock::new(|| line("alpha"));
static LOWER: Line = LazyLock::new(|| line("lower"));
static PUNCT: Line = LazyLock::new(|| line("punct"));
static UPPER: Line = LazyLock::new(|| line("upper"));
static TO_LOWER: Line = LazyLock::new(|| line("tolower"));
static TO_UPPER: Line = LazyLock::new(|| line("toupper"));

fn line(name: &str) -> Vec<Run> {
    let lines = include_str!("ctype.tsv").lines().filter_map(|line| line.split_once('\t'));
    lines.filter(|line| line.0 == name).flat_map(|line| line.1.split(' ')).filter_map(Run::parse).collect()
}

fn find(runs: &[Run], letter: char) -> Option<&Run> {
    let code = u32::from(letter);
    runs.get(runs.partition_point(|run| run.last < code)).filter(|run| run.has(code))
}

fn other(runs: &[Run], letter: char) -> char {
    let code = find(runs, letter).and_then(|run| u32::from(letter).checked_add_signed(run.distance));
    code.and_then(char::from_u32).unwrap_or(letter)
}

/// The character in lower case.
pub(crate) fn to_lower(letter: char) -> char {
    if letter.is_ascii() { letter.to_ascii_lowercase() } else { other(&TO_LOWER, letter) }
}

/// The character in upper case.
pub(crate) fn to_upper(letter: char) -> char {
    if letter.is_ascii() { letter.to_ascii_uppercase() } else { other(&TO_UPPER, letter) }
}

/// A text in lower case.
pub(crate) fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(to_lower).collect() }
}

/// A text in upper case.
pub(crate) fn upper(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_uppercase() } else { text.chars().map(to_upper).collect() }
}

/// A text with each word in lower case after a letter in upper case.
pub(crate) fn initcap(text: &str) -> String {
    let mut in_word = false;
    let letters = text.chars().map(|letter| {
        let made = if in_word { to_lower(letter) } else { to_upper(letter) };
        in_word = is_alphanumeric(made);
        made
    });
    letters.collect()
}

/// Whether the character is a letter or a digit; digits of other scripts count as letters.
pub(crate) fn is_alphanumeric(letter: char) -> bool {
    if letter.is_ascii() { letter.is_ascii_alphanumeric() } else { find(&ALPHA, letter).is_some() }
}

/// The blanks that are not ASCII's; all but the line and paragraph separators can be printed.
const SPACES: &[(char, char)] = &[
    ('\u{1680}', '\u{1680}'),
    ('\u{2000}', '\u{2006}'),
    ('\u{2008}', '\u{200a}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{205f}', '\u{205f}'),
    ('\u{3000}', '\u{3000}'),
];

/// Whether the character is a blank, or moves the place where text goes on.
pub(crate) fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t'..='\r') || SPACES.iter().any(|range| (range.0..=range.1).contains(&letter))
}

/// The characters of one of the classes that regular expressions name, as ranges; some of them overlap.
pub(crate) fn class(name: &str) -> Option<Vec<(char, char)>> {
    let (lines, ranges): (&[&Line], &[(char, char)]) = match name {
        "alnum" => (&[&ALPHA], &[('0', '9')]),
        "alpha" => (&[&ALPHA], &[]),
        "ascii" => (&[], &[('\0', '\x7f')]),
        "blank" => (&[], &[('\t', '\t'), (' ', ' ')]),
        "cntrl" => (&[], &[('\0', '\x1f'), ('\x7f', '\u{9f}')]),
        "digit" => (&[], &[('0', '9')]),
        "graph" => (&[&ALPHA, &PUNCT], &[('0', '9')]),
        "lower" => (&[&LOWER], &[]),
        "print" => (&[&ALPHA, &PUNCT], &[(' ', ' '), ('0', '9')]),
        "punct" => (&[&PUNCT], &[]),
        "space" => (&[], &[('\t', '\r'), (' ', ' ')]),
        "upper" => (&[&UPPER], &[]),
        "xdigit" => (&[], &[('0', '9'), ('A', 'F'), ('a', 'f')]),
        "word" => (&[&ALPHA], &[('0', '9'), ('_', '_')]),
        _ => return None,
    };
    let spaces = match name {
        "print" | "space" => SPACES,
        _ => &[],
    };
    let spaces = spaces.iter().filter(|range| name == "space" || range.0 != '\u{2028}');
    let mut all: Vec<_> = ranges.iter().chain(spaces).copied().collect();
    for run in lines.iter().flat_map(|line| line.iter()) {
        if run.step == 1 {
            all.extend(char::from_u32(run.first).zip(char::from_u32(run.last)));
        } else {
            let letters = (run.first..=run.last).filter(|code| run.has(*code)).filter_map(char::from_u32);
            all.extend(letters.map(|letter| (letter, letter)));
        }
    }
    Some(all)
}

/// The other cases of the characters in a range, as far as they have any.
pub(crate) fn other_cases(low: char, high: char) -> Vec<char> {
    let (low, high) = (u32::from(low), u32::from(high));
    let mut others = Vec::new();
    for run in TO_LOWER.iter().chain(TO_UPPER.iter()).filter(|run| run.first <= high && low <= run.last) {
        let codes = (run.first.max(low)..=run.last.min(high)).filter(|code| run.has(*code));
        others.extend(codes.filter_map(|code| code.checked_add_signed(run.distance)).filter_map(char::from_u32));
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counts are those of the characters that match `[[:class:]]` in PostgreSQL 15.
    #[test]
    fn classes_have_as_many_characters() {
        let expected = [
            ("alnum", 134056),
            ("alpha", 134046),
            ("ascii", 127),
            ("blank", 2),
            ("cntrl", 64),
            ("digit", 10),
            ("graph", 282149),
            ("lower", 2475),
            ("print", 282163),
            ("punct", 148093),
            ("space", 21),
            ("upper", 1982),
            ("word", 134057),
            ("xdigit", 22),
        ];
        for (name, count) in expected {
            let letters: std::collections::HashSet<char> = class(name)
                .unwrap()
                .into_iter()
                .flat_map(|(low, high)| low..=high)
                .filter(|letter| *letter != '\0')
                .collect();
            assert_eq!(letters.len(), count, "{name}");
        }
    }
}
