//! The patterns of SIMILAR TO as regular expressions.

use crate::error::{Error, Kind, Result};

/// Makes a regular expression of a pattern.
///
/// # Errors
/// 22025 for an escape that is no single character, 2200C for too many of its double quotes.
pub(crate) fn similar_to_escape(pattern: &str, escape: &str) -> Result<String> {
    let escape = single(escape)?;
    let mut expression = String::with_capacity(pattern.len() + 8);
    expression.push_str("^(?:");
    let mut quotes = 0;
    let mut escaped = false;
    let mut brackets = 0_usize;
    // How far into a set in brackets: up to 2, a `]` is a letter of it.
    let mut in_set = 0;
    for letter in pattern.chars() {
        if escaped {
            escaped = false;
            if letter == '"' && brackets == 0 {
                expression.push_str(match quotes {
                    0 => "){1,1}?(",
                    1 => "){1,1}(?:",
                    _ => {
                        return Err(Error::new(
                            Kind::EscapeUse,
                            "SQL regular expression may not contain more than two escape-double-quote separators",
                        ));
                    }
                });
                quotes += 1;
            } else {
                expression.extend(['\\', letter]);
                in_set = 3;
            }
        } else if Some(letter) == escape {
            escaped = true;
        } else if brackets > 0 {
            if letter == '\\' {
                expression.push('\\');
            }
            expression.push(letter);
            match letter {
                ']' if in_set > 2 => brackets -= 1,
                '[' => {
                    brackets += 1;
                    in_set = 3;
                }
                '^' => in_set += 1,
                _ => in_set = 3,
            }
        } else {
            match letter {
                '[' => {
                    expression.push('[');
                    brackets = 1;
                    in_set = 1;
                }
                '%' => expression.push_str(".*"),
                '_' => expression.push('.'),
                '(' => expression.push_str("(?:"),
                '\\' | '.' | '^' | '$' => expression.extend(['\\', letter]),
                _ => expression.push(letter),
            }
        }
    }
    expression.push_str(")$");
    Ok(expression)
}

/// The one character that an escape is, or `None` if there is none.
///
/// # Errors
/// 22025 if it has more.
pub(crate) fn single(escape: &str) -> Result<Option<char>> {
    let mut letters = escape.chars();
    let first = letters.next();
    if letters.next().is_some() {
        return Err(Error::new(Kind::InvalidEscape, "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    Ok(first)
}
