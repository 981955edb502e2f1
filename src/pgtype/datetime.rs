//! Dates and times as text, in the ISO form of `DateStyle`. Reading them is in [`super::moment`].

use bytes::BufMut;

use crate::pgtype::calendar::{DAY_US, civil};

/// `infinity` as a timestamp in microseconds, and the largest raw value of any unit.
pub const INFINITY: i64 = i64::MAX;
/// `-infinity` as a timestamp.
pub const NEG_INFINITY: i64 = i64::MIN;

/// A few bytes on the stack: one copy into the output instead of one for each part.
struct Line {
    bytes: [u8; 64],
    len: usize,
}

impl Line {
    fn new() -> Line {
        Line { bytes: [0; 64], len: 0 }
    }

    fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn pair(&mut self, value: u32) {
        let digits = PAIRS[value as usize % 100];
        self.bytes[self.len..self.len + 2].copy_from_slice(&digits);
        self.len += 2;
    }

    fn date(&mut self, year: i64, month: u32, day: u32) {
        // 1 BC is year 0; the reader is told by the "BC" at the end.
        let shown = if year > 0 { year } else { 1 - year } as u64;
        if shown < 10_000 {
            self.pair(shown as u32 / 100);
            self.pair(shown as u32 % 100);
        } else {
            let mut buffer = itoa::Buffer::new();
            for byte in buffer.format(shown).bytes() {
                self.byte(byte);
            }
        }
        self.byte(b'-');
        self.pair(month);
        self.byte(b'-');
        self.pair(day);
    }

    fn clock(&mut self, micros: i64) {
        let (seconds, fraction) = ((micros / 1_000_000) as u32, (micros % 1_000_000) as u32);
        self.pair(seconds / 3_600);
        self.byte(b':');
        self.pair(seconds / 60 % 60);
        self.byte(b':');
        self.pair(seconds % 60);
        if fraction != 0 {
            self.byte(b'.');
            self.pair(fraction / 10_000);
            self.pair(fraction / 100 % 100);
            self.pair(fraction % 100);
            while self.bytes[self.len - 1] == b'0' {
                self.len -= 1;
            }
        }
    }

    fn offset(&mut self, east: i32) {
        self.byte(if east < 0 { b'-' } else { b'+' });
        let seconds = east.unsigned_abs();
        self.pair(seconds / 3_600);
        if !seconds.is_multiple_of(3_600) {
            self.byte(b':');
            self.pair(seconds / 60 % 60);
            if !seconds.is_multiple_of(60) {
                self.byte(b':');
                self.pair(seconds % 60);
            }
        }
    }

    fn era(&mut self, year: i64) {
        if year <= 0 {
            self.byte(b' ');
            self.byte(b'B');
            self.byte(b'C');
        }
    }

    fn finish(&self, out: &mut Vec<u8>) {
        out.put_slice(&self.bytes[..self.len]);
    }
}

const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut value = 0;
    while value < 100 {
        pairs[value] = [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        value += 1;
    }
    pairs
};

/// Appends a timestamp in microseconds since 1970-01-01, UTC. With an offset, in seconds east, it is shown in that
/// offset and with it; without one it is a `timestamp without time zone`.
pub fn put_timestamp(micros: i64, offset: Option<i32>, out: &mut Vec<u8>) {
    if micros == INFINITY {
        return out.put_slice(b"infinity");
    }
    if micros == NEG_INFINITY {
        return out.put_slice(b"-infinity");
    }
    let shift = i64::from(offset.unwrap_or(0)) * 1_000_000;
    let (mut day, mut clock) = (micros.div_euclid(DAY_US), micros.rem_euclid(DAY_US) + shift);
    // An offset is less than a day, or little more.
    while clock < 0 {
        clock += DAY_US;
        day -= 1;
    }
    while clock >= DAY_US {
        clock -= DAY_US;
        day += 1;
    }
    let (year, month, day) = civil(day);
    if (1..10_000).contains(&year) {
        put_common(year as u32, month, day, clock, out);
        match offset {
            None => {}
            Some(0) => out.put_slice(b"+00"),
            Some(east) => put_offset(east, out),
        }
        return;
    }
    let mut line = Line::new();
    line.date(year, month, day);
    line.byte(b' ');
    line.clock(clock);
    if let Some(east) = offset {
        line.offset(east);
    }
    line.era(year);
    line.finish(out);
}

/// Appends a timestamp of four digits of year. All places are known beforehand and the copy has a fixed length, so no
/// part is appended on its own; nearly all timestamps are such.
fn put_common(year: u32, month: u32, day: u32, clock: i64, out: &mut Vec<u8>) {
    let (seconds, fraction) = ((clock / 1_000_000) as u32, (clock % 1_000_000) as u32);
    let mut text = *b"0000-00-00 00:00:00.000000";
    put_pair(&mut text, 0, year / 100);
    put_pair(&mut text, 2, year % 100);
    put_pair(&mut text, 5, month);
    put_pair(&mut text, 8, day);
    put_pair(&mut text, 11, seconds / 3_600);
    put_pair(&mut text, 14, seconds / 60 % 60);
    put_pair(&mut text, 17, seconds % 60);
    let mut length = 19;
    if fraction != 0 {
        put_pair(&mut text, 20, fraction / 10_000);
        put_pair(&mut text, 22, fraction / 100 % 100);
        put_pair(&mut text, 24, fraction % 100);
        length = text.len();
        while text[length - 1] == b'0' {
            length -= 1;
        }
    }
    let start = out.len();
    out.put_slice(&text);
    out.truncate(start + length);
}

/// Writes two digits at a place.
#[inline]
pub(super) fn put_pair<const N: usize>(text: &mut [u8; N], at: usize, value: u32) {
    let [tens, ones] = PAIRS[value as usize % 100];
    text[at] = tens;
    text[at + 1] = ones;
}

/// Appends a date, in days since 1970-01-01.
pub fn put_date(days: i32, out: &mut Vec<u8>) {
    if days == i32::MAX {
        return out.put_slice(b"infinity");
    }
    if days == i32::MIN {
        return out.put_slice(b"-infinity");
    }
    let (year, month, day) = civil(i64::from(days));
    let mut line = Line::new();
    line.date(year, month, day);
    line.era(year);
    line.finish(out);
}

/// Appends a time of day in microseconds, up to `24:00:00`.
pub fn put_time(micros: i64, out: &mut Vec<u8>) {
    let mut line = Line::new();
    line.clock(micros.clamp(0, DAY_US));
    line.finish(out);
}

/// Appends an offset in seconds east: `+00`, `+05:30`.
pub fn put_offset(east: i32, out: &mut Vec<u8>) {
    let mut line = Line::new();
    line.offset(east);
    line.finish(out);
}
