//! Secrets and passwords: a literal, `{ env = "…" }` or `{ file = "…" }`.
//!
//! No text of this file repeats what it read. Even the name in `{ env = "…" }` is shown only if it looks like one:
//! people do paste the token there.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::node::Value;
use super::read::Item;
use crate::scram::{self, Verifier};
use crate::secret::Secret;

/// Longer than any token; a device or a wrong file must not fill the memory.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A text that was read, and whether it stands in the file itself.
struct Found {
    text: String,
    is_literal: bool,
}

/// Reads a credential that an HTTP header can carry.
pub(super) fn credential(item: &Item<'_>) -> Option<Secret> {
    let found = find(item)?;
    let is_header_value =
        found.text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && found.text.trim() == found.text;
    if !is_header_value {
        item.fault_hint(
            "holds a character that an HTTP header cannot carry",
            "a credential is printable ASCII on one line, without a space at either end",
        );
        return None;
    }
    note_literal(item, &found);
    Some(Secret::new(found.text))
}

/// Reads a password or a verifier; true when the password stands in the file in plain text.
pub(super) fn password(item: &Item<'_>) -> Option<(Verifier, bool)> {
    let found = find(item)?;
    if found.text.starts_with(scram::PREFIX) {
        let parsed = Verifier::parse(&found.text);
        if let Err(error) = &parsed {
            item.fault_hint(error.message.clone(), "make one with \"spanwire password\"");
        }
        return parsed.ok().map(|verifier| (verifier, false));
    }
    let is_md5 = |text: &str| text.len() == 35 && text[3..].bytes().all(|byte| byte.is_ascii_hexdigit());
    if found.text.is_ascii() && found.text.starts_with("md5") && is_md5(&found.text) {
        item.fault_hint("is an MD5 verifier, which cannot be used", "make a SCRAM one with \"spanwire password\"");
        return None;
    }
    note_literal(item, &found);
    if found.is_literal {
        item.warn("password in plain text; make a verifier with \"spanwire password\"");
    }
    Some((Verifier::from_password(&found.text), found.is_literal))
}

/// Warns, once, about a configuration file that itself holds a secret for all to read.
fn note_literal(item: &Item<'_>, found: &Found) {
    let file = item.reader.file;
    if found.is_literal && is_public(Path::new(file)) {
        item.reader.warn(format!("{file}: holds secrets and can be read by every user of this machine; use mode 600"));
    }
}

fn find(item: &Item<'_>) -> Option<Found> {
    if let Value::Text(_) = item.node.value {
        return Some(Found { text: item.text()?.to_owned(), is_literal: !item.is_variable() });
    }
    let Value::Table(_) = item.node.value else {
        item.mismatch("a string, { env = \"…\" } or { file = \"…\" }");
        return None;
    };
    let mut section = item.section()?;
    let (env, file) = (section.get("env"), section.get("file"));
    section.finish();
    let text = match (env, file) {
        (Some(env), None) => from_env(&env),
        (None, Some(file)) => from_file(&file),
        _ => {
            item.fault("must have one of env and file");
            None
        }
    }?;
    if text.is_empty() {
        item.fault("is empty");
        return None;
    }
    Some(Found { text, is_literal: false })
}

fn from_env(item: &Item<'_>) -> Option<String> {
    let name = item.text()?;
    item.reader.note_variable(name);
    let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let shown = if is_name { format!("environment variable {name}") } else { "the environment variable".to_owned() };
    match item.reader.env.text(name) {
        Some(Ok(text)) => return Some(text.to_owned()),
        Some(Err(message)) => item.fault(format!("{shown} {message}")),
        None if is_name => item.fault(format!("{shown} is not set")),
        None => item.fault_hint(
            format!("{shown} is not set"),
            "env takes the name of a variable; the secret itself goes without { env = … }",
        ),
    }
    None
}

fn from_file(item: &Item<'_>) -> Option<String> {
    let path = item.path_buf()?;
    let mut text = match read(&path) {
        Ok(text) => text,
        Err(message) => {
            item.fault(format!("file {path:?} {message}"));
            return None;
        }
    };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    warn_if_public(item, &path);
    Some(text)
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("is longer than a secret can be".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "holds what is not UTF-8".to_owned())
}

/// Warns about a file with a secret that any user of the machine can read.
pub(super) fn warn_if_public(item: &Item<'_>, path: &Path) {
    if is_public(path) {
        item.warn(&format!("file {path:?} can be read by every user of this machine; use mode 600"));
    }
}

#[cfg(unix)]
fn is_public(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_public(_path: &Path) -> bool {
    false
}
