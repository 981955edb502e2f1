//! Time zones as PostgreSQL names them, and the offset of one at a moment.

mod abbreviation;

use std::fmt;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::error::{Error, Kind, Result};
use crate::pgtype::calendar;
use crate::pgtype::zone::abbreviation::Meaning;

const SECONDS_IN_DAY: i64 = 86_400;

/// A time zone, and the name under which `SHOW TimeZone` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Seconds east of Greenwich.
    Fixed(i32),
    Named(Tz),
}

impl Zone {
    /// UTC.
    pub fn utc() -> Zone {
        Zone { name: "UTC".to_owned(), rule: Rule::Fixed(0) }
    }

    /// A fixed offset in seconds east, named as PostgreSQL names one: `<+02>-02`.
    pub fn fixed(east: i32) -> Zone {
        let clock = |seconds: i32| {
            let (hour, minute, second) = (seconds.abs() / 3600, seconds.abs() / 60 % 60, seconds.abs() % 60);
            let sign = if seconds < 0 { '-' } else { '+' };
            match (minute, second) {
                (0, 0) => format!("{sign}{hour:02}"),
                (_, 0) => format!("{sign}{hour:02}:{minute:02}"),
                _ => format!("{sign}{hour:02}:{minute:02}:{second:02}"),
            }
        };
        // POSIX counts west of Greenwich, hence the turned sign.
        let posix = if east == 0 { "-00".to_owned() } else { clock(-east) };
        Zone { name: format!("<{}>{posix}", clock(east)), rule: Rule::Fixed(east) }
    }

    /// Reads the value of `SET TimeZone`: a name, hours east (`+02`, `-5.5`), `INTERVAL '+02:00'`, or a POSIX zone
    /// without daylight saving (`UTC+3`, `<+02>-02`), whose numbers count west.
    pub fn parse(text: &str) -> Result<Zone> {
        let text = text.trim();
        named(text).or_else(|| hours(text)).or_else(|| interval(text)).or_else(|| posix(text)).ok_or_else(|| {
            Error::new(Kind::InvalidParameterValue, format!("invalid value for parameter \"TimeZone\": \"{text}\""))
        })
    }

    /// Reads the zone at the end of a timestamp or of `AT TIME ZONE`: an abbreviation, a name or a POSIX zone.
    pub fn parse_suffix(text: &str) -> Option<Zone> {
        Zone::abbreviation(&text.to_ascii_lowercase()).or_else(|| Zone::named_or_posix(text))
    }

    /// Finds an abbreviation, in lower case.
    pub fn abbreviation(text: &str) -> Option<Zone> {
        match abbreviation::find(text)? {
            Meaning::Fixed(east) => Some(Zone::fixed(east)),
            Meaning::Named(name) => named(name),
        }
    }

    /// Reads a name or a POSIX zone.
    pub fn named_or_posix(text: &str) -> Option<Zone> {
        named(text).or_else(|| posix(text))
    }

    /// The name as `SHOW TimeZone` gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name in Arrow types: IANA's, or `+hh:mm` east of Greenwich.
    pub fn arrow_name(&self) -> String {
        match self.rule {
            Rule::Fixed(0) | Rule::Named(Tz::UTC) => "UTC".to_owned(),
            Rule::Fixed(east) => {
                let sign = if east < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", east.abs() / 3600, east.abs() / 60 % 60)
            }
            Rule::Named(tz) => tz.name().to_owned(),
        }
    }

    /// The offset if it is always the same.
    pub fn constant(&self) -> Option<i32> {
        if let Rule::Fixed(east) = self.rule { Some(east) } else { None }
    }

    /// Whether its offset is not told by its name.
    pub fn needs_date(&self) -> bool {
        self.constant().is_none() && !self.name.starts_with("Etc/")
    }

    /// The IANA zone, if it is one with rules.
    pub fn iana(&self) -> Option<Tz> {
        if let Rule::Named(tz) = self.rule { Some(tz) } else { None }
    }

    /// Seconds east of Greenwich at a moment in Unix seconds.
    pub fn offset_at(&self, seconds: i64) -> i32 {
        match self.rule {
            Rule::Fixed(east) => east,
            Rule::Named(tz) => offset_of(tz, within_table(seconds)),
        }
    }

    /// Seconds east of Greenwich for a local time, given in seconds as if it were UTC. PostgreSQL takes an hour that
    /// occurs twice as the later one and an hour that does not occur by the offset before the change.
    pub fn offset_of_local(&self, local: i64) -> i32 {
        let Rule::Named(_) = self.rule else { return self.offset_at(local) };
        let before = self.offset_at(local - SECONDS_IN_DAY);
        let after = self.offset_at(local + SECONDS_IN_DAY);
        let holds = |offset: i32| self.offset_at(local - i64::from(offset)) == offset;
        if holds(after) { after } else { before }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn offset_of(tz: Tz, seconds: i64) -> i32 {
    let Some(moment) = DateTime::from_timestamp(seconds, 0) else { return 0 };
    let offset = tz.offset_from_utc_datetime(&moment.naive_utc());
    offset.fix().local_minus_utc()
}

/// chrono-tz lists changes up to 2099. The calendar repeats, so a later moment has the offset of the same moment in a
/// year of the table with the same weekdays, as PostgreSQL's POSIX rules give it.
fn within_table(seconds: i64) -> i64 {
    const YEAR_2099: i64 = 4_070_908_800;
    // Before 1800 every zone has its local mean time; chrono's own years end at -262143.
    const YEAR_1800: i64 = -5_364_662_400;
    if seconds < YEAR_1800 {
        return YEAR_1800;
    }
    if seconds < YEAR_2099 {
        return seconds;
    }
    let (year, _, _) = calendar::civil(seconds.div_euclid(SECONDS_IN_DAY));
    let first = calendar::days(year, 1, 1);
    let length = calendar::days(year + 1, 1, 1) - first;
    let alike = (2060..2099)
        .map(|year| (calendar::days(year, 1, 1), calendar::days(year + 1, 1, 1)))
        .find(|(start, end)| end - start == length && start.rem_euclid(7) == first.rem_euclid(7));
    alike.map_or(seconds, |(start, _)| seconds - (first - start) * SECONDS_IN_DAY)
}

fn named(text: &str) -> Option<Zone> {
    let same = || TZ_VARIANTS.iter().copied().find(|tz| tz.name().eq_ignore_ascii_case(text));
    let tz = text.parse().ok().or_else(same)?;
    let rule = match tz {
        Tz::UTC | Tz::Etc__UTC | Tz::GMT | Tz::Etc__GMT | Tz::Zulu | Tz::UCT | Tz::Etc__UCT => Rule::Fixed(0),
        other => Rule::Named(other),
    };
    Some(Zone { name: tz.name().to_owned(), rule })
}

/// `+02`, `-5.5`: hours east.
fn hours(text: &str) -> Option<Zone> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    let hours: f64 = text.parse().ok().filter(|_| is_number)?;
    (hours.abs() <= 167.0).then(|| Zone::fixed((hours * 3600.0) as i32))
}

/// `INTERVAL '+02:00' HOUR TO MINUTE`
fn interval(text: &str) -> Option<Zone> {
    let rest = text.get(..8).filter(|head| head.eq_ignore_ascii_case("interval")).map(|_| text[8..].trim_start())?;
    let (clock, _) = rest.strip_prefix('\'')?.split_once('\'')?;
    clock_seconds(clock).map(Zone::fixed)
}

/// `UTC+3`, `<+02>-02`: a name and what is to be added to local time to get UTC.
fn posix(text: &str) -> Option<Zone> {
    let (name, offset) = if let Some(rest) = text.strip_prefix('<') {
        rest.split_once('>')?
    } else {
        text.split_at(text.find(|letter: char| !letter.is_ascii_alphabetic())?)
    };
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-:".contains(&byte));
    let west = clock_seconds(offset).filter(|_| is_name)?;
    Some(Zone { name: text.to_ascii_uppercase(), rule: Rule::Fixed(-west) })
}

/// `+02`, `-5:30`, `2:00:15`
fn clock_seconds(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let mut seconds = 0;
    let mut unit = 3600;
    for part in digits.split(':') {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let value: i32 = part.parse().ok().filter(|value| is_number && (*value < 60 || unit == 3600))?;
        (unit > 0 && value <= 167).then_some(())?;
        seconds += value * unit;
        unit /= 60;
    }
    Some(sign * seconds)
}

/// The offsets of a zone by UTC day, so that a column of times does not search the zone's changes for each cell.
#[derive(Debug, Default)]
pub struct Offsets {
    days: Vec<Option<(i64, i32)>>,
}

impl Offsets {
    const SLOTS: i64 = 256;

    /// The same as [`Zone::offset_at`]; the zone must be the same in every call.
    pub fn offset_at(&mut self, zone: &Zone, seconds: i64) -> i32 {
        if let Rule::Fixed(east) = zone.rule {
            return east;
        }
        let day = seconds.div_euclid(SECONDS_IN_DAY);
        let slot = day.rem_euclid(Self::SLOTS) as usize;
        if self.days.is_empty() {
            self.days = vec![None; Self::SLOTS as usize];
        }
        if let Some((known, offset)) = self.days[slot]
            && known == day
        {
            return offset;
        }
        let (first, last) = (zone.offset_at(day * SECONDS_IN_DAY), zone.offset_at((day + 1) * SECONDS_IN_DAY - 1));
        if first != last {
            return zone.offset_at(seconds);
        }
        self.days[slot] = Some((day, first));
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `SET TimeZone` made of these in PostgreSQL 15, as `SHOW` gives it, and the offset in 2026.
    #[test]
    fn names_are_read_as_postgresql_does() {
        for (text, name, east) in [
            ("0", "<+00>-00", 0),
            ("+02", "<+02>-02", 7_200),
            ("-5.5", "<-05:30>+05:30", -19_800),
            ("5.123", "<+05:07:22>-05:07:22", 18_442),
            ("UTC+3", "UTC+3", -10_800),
            ("pst8", "PST8", -28_800),
            ("<+02>-02", "<+02>-02", 7_200),
            ("INTERVAL '-08:00' HOUR TO MINUTE", "<-08>+08", -28_800),
            ("europe/berlin", "Europe/Berlin", 7_200),
            ("utc", "UTC", 0),
            ("etc/utc", "Etc/UTC", 0),
            ("cet", "CET", 7_200),
        ] {
            let zone = Zone::parse(text).unwrap();
            assert_eq!((zone.name(), zone.offset_at(1_782_000_000)), (name, east), "{text}");
        }
        for text in ["PST", "", "Europe/Foo", "+", "200", "UTC+x", "interval 'x'"] {
            let error = Zone::parse(text).unwrap_err();
            assert_eq!(error.message, format!("invalid value for parameter \"TimeZone\": \"{text}\""));
        }
    }

    #[test]
    fn the_memory_of_offsets_agrees_with_the_zone() {
        let zone = Zone::parse("America/New_York").unwrap();
        let mut offsets = Offsets::default();
        for seconds in (1_700_000_000..1_800_000_000).step_by(9_000) {
            assert_eq!(offsets.offset_at(&zone, seconds), zone.offset_at(seconds), "{seconds}");
            assert_eq!(offsets.offset_at(&zone, seconds + 256 * 86_400), zone.offset_at(seconds + 256 * 86_400));
        }
    }
}
