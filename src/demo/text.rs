//! Rows as text: JSON objects and CSV records, written straight into a byte buffer.

use super::rows::Extra;

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `2026-05-15T09:00:00.000Z`, with six digits where three are not enough: JavaScript's form.
    Zulu,
    /// `2026-05-15T09:00:00.1234+00:00`, without zeros at the end of the fraction: PostgreSQL's form in JSON.
    Offset,
}

/// Takes the columns of one row, in order.
pub(super) trait Sink {
    fn text(&mut self, name: &'static str, value: Option<&str>);
    fn int(&mut self, name: &'static str, value: Option<i64>);
    fn number(&mut self, name: &'static str, value: Option<f64>);
    fn time(&mut self, name: &'static str, value: Option<i64>, style: Style);
    /// A value that is JSON text already.
    fn json(&mut self, name: &'static str, value: &str);
    /// A null column that the JSON object shall not have.
    fn absent(&mut self);
    /// Members beyond the documented ones.
    fn extra(&mut self, members: Extra);
    /// Whether strings from here on are written in ASCII.
    fn escape(&mut self, escape: bool);
}

/// Writes one JSON object.
#[derive(Debug)]
pub(super) struct Json<'a> {
    out: &'a mut Vec<u8>,
    pretty: bool,
    escape: bool,
    empty: bool,
}

impl<'a> Json<'a> {
    /// Opens the object. Pretty means: one member a line, two spaces a level, the object at the second level.
    pub(super) fn open(out: &'a mut Vec<u8>, pretty: bool) -> Json<'a> {
        out.push(b'{');
        Json { out, pretty, escape: false, empty: true }
    }

    pub(super) fn close(self) {
        self.out.extend_from_slice(if self.pretty { b"\n    }" } else { b"}" });
    }

    fn name(&mut self, name: &str) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.extend_from_slice(if self.pretty { b"\n      \"" } else { b"\"" });
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(if self.pretty { b"\": " } else { b"\":" });
    }

    fn value<T>(&mut self, name: &str, value: Option<T>, push: impl FnOnce(&mut Vec<u8>, T)) {
        self.name(name);
        match value {
            Some(value) => push(self.out, value),
            None => self.out.extend_from_slice(b"null"),
        }
    }
}

impl Sink for Json<'_> {
    fn text(&mut self, name: &'static str, value: Option<&str>) {
        let push = if self.escape { push_escaped } else { push_string };
        self.value(name, value, push);
    }

    fn int(&mut self, name: &'static str, value: Option<i64>) {
        self.value(name, value, push_int);
    }

    fn number(&mut self, name: &'static str, value: Option<f64>) {
        self.value(name, value, push_number);
    }

    fn time(&mut self, name: &'static str, value: Option<i64>, style: Style) {
        self.value(name, value, |out, at| {
            out.push(b'"');
            push_time(out, at, style);
            out.push(b'"');
        });
    }

    fn json(&mut self, name: &'static str, value: &str) {
        self.value(name, Some(value), |out, json| out.extend_from_slice(json.as_bytes()));
    }

    fn absent(&mut self) {}

    fn extra(&mut self, members: Extra) {
        for (name, json) in members {
            self.json(name, json);
        }
    }

    fn escape(&mut self, escape: bool) {
        self.escape = escape;
    }
}

/// Writes one CSV record (RFC 4180, but lines end with a line feed, which the caller writes). Null is an empty cell and
/// so is the empty string; members beyond the documented ones have no column.
#[derive(Debug)]
pub(super) struct Csv<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Csv<'a> {
    pub(super) fn open(out: &'a mut Vec<u8>) -> Csv<'a> {
        Csv { out, first: true }
    }

    fn cell<T>(&mut self, value: Option<T>, push: impl FnOnce(&mut Vec<u8>, T)) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        if let Some(value) = value {
            push(self.out, value);
        }
    }
}

impl Sink for Csv<'_> {
    fn text(&mut self, _: &'static str, value: Option<&str>) {
        self.cell(value, push_cell);
    }

    fn int(&mut self, _: &'static str, value: Option<i64>) {
        self.cell(value, push_int);
    }

    fn number(&mut self, _: &'static str, value: Option<f64>) {
        self.cell(value, push_number);
    }

    fn time(&mut self, _: &'static str, value: Option<i64>, style: Style) {
        self.cell(value, |out, at| push_time(out, at, style));
    }

    fn json(&mut self, _: &'static str, value: &str) {
        self.cell(Some(value), push_cell);
    }

    fn absent(&mut self) {
        self.cell(None::<()>, |_, ()| ());
    }

    fn extra(&mut self, _: Extra) {}

    fn escape(&mut self, _: bool) {}
}

fn push_cell(out: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// A JSON string as most servers write it: UTF-8, escapes only where JSON needs them.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing a string into memory cannot fail");
}

/// The same string in ASCII, with surrogate pairs and `\/`, as some other servers write it.
fn push_escaped(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'/') => out.extend_from_slice(b"\\/"),
            Ok(byte) if byte.is_ascii_alphanumeric() || byte == b' ' => out.push(byte),
            _ => out.extend_from_slice(format!("\\u{unit:04x}").as_bytes()),
        }
    }
    out.push(b'"');
}

fn push_int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The shortest text that reads back as the same double; whole numbers without a fraction, as JavaScript writes them.
fn push_number(out: &mut Vec<u8>, value: f64) {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        push_int(out, value as i64);
    } else {
        out.extend_from_slice(ryu::Buffer::new().format(value).as_bytes());
    }
}

/// An instant in microseconds since 1970 as ISO 8601 in UTC.
pub(super) fn push_time(out: &mut Vec<u8>, micros: i64, style: Style) {
    let seconds = micros.div_euclid(1_000_000);
    let fraction = micros.rem_euclid(1_000_000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    push_digits(out, year, 4);
    for (before, value) in [(b'-', month), (b'-', day), (b'T', of_day / 3600), (b':', of_day / 60 % 60)] {
        out.push(before);
        push_digits(out, value, 2);
    }
    out.push(b':');
    push_digits(out, of_day % 60, 2);
    match style {
        Style::Zulu => {
            out.push(b'.');
            let whole_ms = fraction % 1000 == 0;
            if whole_ms {
                push_digits(out, fraction / 1000, 3)
            } else {
                push_digits(out, fraction, 6)
            }
            out.push(b'Z');
        }
        Style::Offset => {
            if fraction != 0 {
                out.push(b'.');
                push_digits(out, fraction, 6);
                while out.last() == Some(&b'0') {
                    out.pop();
                }
            }
            out.extend_from_slice(b"+00:00");
        }
    }
}

fn push_digits(out: &mut Vec<u8>, mut value: i64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out[start..].iter_mut().rev() {
        *place += (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of a number of days since 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
