//! The parts of a `json` as they were written. The text was checked when it was read.

/// Cuts off the space that JSON allows.
pub(super) fn trim(json: &str) -> &str {
    json.trim_matches([' ', '\t', '\n', '\r'])
}

/// The elements of an array; none of anything else.
pub(super) fn elements(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = trim(json).strip_prefix('[').unwrap_or_default();
    std::iter::from_fn(move || {
        let (value, behind) = value(rest)?;
        rest = after(behind, ',');
        Some(value)
    })
}

/// The members of an object, each with its key in quotes; none of anything else.
pub(super) fn members(json: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = trim(json).strip_prefix('{').unwrap_or_default();
    std::iter::from_fn(move || {
        let (key, behind) = value(rest)?;
        let (value, behind) = value(after(behind, ':'))?;
        rest = after(behind, ',');
        Some((key, value))
    })
}

fn start(rest: &str) -> &str {
    rest.trim_start_matches([' ', '\t', '\n', '\r'])
}

fn after(rest: &str, mark: char) -> &str {
    let rest = start(rest);
    rest.strip_prefix(mark).unwrap_or(rest)
}

/// The value at the start and what follows it; none before a closing bracket.
fn value(rest: &str) -> Option<(&str, &str)> {
    let rest = start(rest);
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return None,
            b'}' | b']' => depth -= 1,
            _ if depth == 0 => {
                let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r');
                at += bytes[at..].iter().position(is_end).unwrap_or(bytes.len() - at);
                return (at > 0).then(|| rest.split_at(at));
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(rest.split_at(at));
        }
    }
}

/// Where the string that starts at a place has its closing quote.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_their_text() {
        let json = " [ 1 , {\"a\" : [2 ,3]}, \"x],\\\"\" ,[] ,null] ";
        assert_eq!(elements(json).collect::<Vec<_>>(), ["1", "{\"a\" : [2 ,3]}", "\"x],\\\"\"", "[]", "null"]);
        let json = "{\"a\" :1 , \"b\":{ } ,\"a\": \"}\"}";
        let expected = [("\"a\"", "1"), ("\"b\"", "{ }"), ("\"a\"", "\"}\"")];
        assert_eq!(members(json).collect::<Vec<_>>(), expected);
        assert_eq!(elements("[]").count() + members("{ }").count() + elements("1").count() + members("[1]").count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:a1 \\\\é]{0,30}") {
            for json in [text.clone(), format!("[{text}"), format!("{{{text}")] {
                let _ = (elements(&json).count(), members(&json).count());
            }
        }
    }
}
