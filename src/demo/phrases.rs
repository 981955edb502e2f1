//! Texts that break decoders, quoting and pattern matching, for the columns that take any text.

use super::dice::Dice;

/// Wildcards, quotes, separators, line ends, letters in both cases, scripts, and texts that look like other values.
pub(super) const ODD: [&str; 16] = [
    "100% sure_thing",
    r"C:\temp\new_file.txt",
    "it's a \"quoted\" 'answer'",
    "line one\nline two\r\n\tindented",
    "a,b;c|d",
    "Größe ÄÖÜ, straße",
    "模型过载 🚧 👩‍👩‍👧 e\u{301}tat",
    "שלום, سلام",
    "  blanks around  ",
    "null",
    "1e5",
    "=1+1,@SUM(A1)",
    "{\"looks\":\"like JSON\"}",
    "\u{feff}mark\u{2028}line\u{200b}",
    "SELECT 1; -- '); DROP",
    "TIMEOUT Timeout timeout",
];

/// What users and models say on most days.
const PLAIN: [&str; 8] = [
    "Summarize the attached report.",
    "Where is my order?",
    "Translate this to French.",
    "The answer is 42.",
    "No documents matched the query.",
    "Here is a short overview of the topic.",
    "please classify the ticket",
    "Write a test for this function.",
];

/// A text for a free column: mostly plain, one of six odd, now and then empty.
pub(super) fn any(dice: &mut Dice) -> &'static str {
    match dice.below(24) {
        0 => "",
        1..=4 => pick(dice, &ODD),
        _ => pick(dice, &PLAIN),
    }
}

/// One of them, all equally likely.
pub(super) fn pick<T: Copy>(dice: &mut Dice, of: &[T]) -> T {
    of[dice.below(of.len() as u64) as usize]
}
