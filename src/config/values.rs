//! The scalar types of a configuration: counts, switches, durations, sizes, paths and addresses.
//!
//! A variable is text, so each of them is read from text too.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;

use super::Listen;
use super::node::Value;
use super::read::{Item, Section};

/// PostgreSQL keeps its timeouts as milliseconds in 32 bits, and clients read them back so.
pub(super) const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(2_147_483_647);

const SIZE_HINT: &str = "write \"512MB\", \"2GiB\" or a number of bytes";

impl Item<'_> {
    /// A whole number within a range.
    pub(super) fn count(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = match &self.node.value {
            Value::Integer(number) => *number,
            Value::Text(text) if self.is_variable() => text.trim().parse().ok(),
            _ => {
                self.mismatch("an integer");
                return None;
            }
        };
        let count = number.and_then(|number| u32::try_from(number).ok()).filter(|count| range.contains(count));
        if count.is_none() {
            self.fault(format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        count
    }

    /// A part of a whole, in thousandths: `0.5`, or `"50%"`.
    pub(super) fn per_mille(&self) -> Option<u16> {
        let part = match &self.node.value {
            Value::Float(part) => Some(*part),
            Value::Integer(Some(whole)) => Some(*whole as f64),
            Value::Text(text) => match text.trim().strip_suffix('%') {
                Some(percent) => percent.trim().parse().ok().map(|percent: f64| percent / 100.0),
                None => text.trim().parse().ok(),
            },
            _ => {
                self.mismatch("a number");
                return None;
            }
        };
        let thousandths = part.filter(|part| (0.001..=1.0).contains(part)).map(|part| (part * 1e3).round() as u16);
        if thousandths.is_none() {
            self.fault_hint("must be above 0 and at most 1", "write 0.5 for the half");
        }
        thousandths
    }

    /// A switch.
    pub(super) fn boolean(&self) -> Option<bool> {
        match &self.node.value {
            Value::Boolean(boolean) => Some(*boolean),
            Value::Text(text) if self.is_variable() => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "on" | "yes" | "1" => Some(true),
                "false" | "off" | "no" | "0" => Some(false),
                _ => {
                    self.fault("must be true or false");
                    None
                }
            },
            _ => {
                self.mismatch("a boolean");
                None
            }
        }
    }

    /// A duration within a range.
    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let duration = self.any_duration()?;
        if range.contains(&duration) {
            return Some(duration);
        }
        let (least, most) = range.into_inner();
        if duration.is_zero() {
            self.fault("must not be 0");
        } else if duration < least {
            self.fault(format!("must be at least {}", humantime::format_duration(least)));
        } else {
            self.fault(format!("must be at most {}", humantime::format_duration(most)));
        }
        None
    }

    /// A duration within a range, or `0` or `off` for none.
    pub(super) fn duration_or_off(&self, range: RangeInclusive<Duration>) -> Option<Option<Duration>> {
        if self.is_off() || self.any_duration()?.is_zero() { Some(None) } else { self.duration(range).map(Some) }
    }

    fn any_duration(&self) -> Option<Duration> {
        match &self.node.value {
            Value::Integer(Some(0)) => Some(Duration::ZERO),
            Value::Integer(_) => {
                self.fault_hint("has no unit", "write \"10s\", \"10min\" or \"30d\"");
                None
            }
            Value::Text(text) if text.trim() == "0" => Some(Duration::ZERO),
            Value::Text(text) => {
                let parsed = humantime::parse_duration(text);
                if let Err(error) = &parsed {
                    self.fault(format!("{text:?} is not a duration: {error}"));
                }
                parsed.ok()
            }
            _ => {
                self.mismatch("a duration such as \"10min\"");
                None
            }
        }
    }

    /// A number of bytes, at least `least`.
    pub(super) fn size(&self, least: u64) -> Option<u64> {
        let size = match &self.node.value {
            Value::Integer(number) => number.and_then(|number| u64::try_from(number).ok()),
            Value::Text(text) => text.trim().parse::<ByteSize>().ok().map(|size| size.as_u64()),
            _ => {
                self.mismatch("a size such as \"512MB\"");
                return None;
            }
        };
        match size {
            None => self.fault_hint("is not a size", SIZE_HINT),
            // The parser stops at the end of 64 bits; half of it is beyond any disk and safe to add to.
            Some(size) if size > u64::MAX / 2 => self.fault("is too large"),
            Some(size) if size < least => self.fault(format!("must be at least {least}")),
            Some(size) => return Some(size),
        }
        None
    }

    /// A number of bytes, or `0` or `off` for no bound.
    pub(super) fn size_or_off(&self) -> Option<Option<u64>> {
        if self.is_off() { Some(None) } else { self.size(0).map(|size| (size > 0).then_some(size)) }
    }

    /// A path; relative ones start at the directory of the file.
    pub(super) fn path_buf(&self) -> Option<PathBuf> {
        self.text().map(|text| self.reader.resolve(text))
    }

    fn is_off(&self) -> bool {
        matches!(&self.node.value, Value::Text(text) if text.trim() == "off")
    }
}

/// Reads an address that `text` holds; `item` is where it stands.
pub(super) fn listen(text: &str, item: &Item<'_>) -> Option<Listen> {
    match text.parse::<Listen>() {
        Ok(listen) => Some(listen),
        Err(message) => {
            item.fault_hint(message, "write host:port, such as \"127.0.0.1:5433\"");
            None
        }
    }
}

/// Reads a key that has a default.
pub(super) fn or<'a, T>(
    section: &mut Section<'a>,
    key: &'static str,
    default: T,
    read: impl FnOnce(&Item<'a>) -> Option<T>,
) -> T {
    match section.get(key) {
        // A wrong value has left its fault, which refuses the whole: any value will do.
        Some(item) => read(&item).unwrap_or(default),
        None => default,
    }
}
