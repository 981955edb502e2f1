//! Values by templates and back: `to_char`, `to_date`, `to_timestamp` and `to_number`.

mod digits;
mod input;
mod integer;
mod layout;
mod number;
mod ordinal;
mod output;
mod pattern;
mod picture;
mod scan;
mod week;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::OffsetName;

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::function::template::output::Shown;
use crate::function::template::week::{Ymd, weekday};
use crate::function::{Function, strict};
use crate::pgtype::calendar::{self, DAY_US};
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::interval::Interval;
use crate::pgtype::style::Style;
use crate::pgtype::zone::Zone;

/// The functions of this family.
pub const FUNCTIONS: &[Function] = &[
    strict("to_char", "timestamp text", "text", to_char),
    strict("to_char", "timestamptz text", "text", to_char),
    strict("to_char", "interval text", "text", to_char),
    strict("to_char", "int4 text", "text", to_char),
    strict("to_char", "int8 text", "text", to_char),
    strict("to_char", "float4 text", "text", to_char),
    strict("to_char", "float8 text", "text", to_char),
    strict("to_char", "numeric text", "text", to_char),
    strict("to_date", "text text", "date", to_date),
    strict("to_timestamp", "text text", "timestamptz", to_timestamp),
    strict("to_number", "text text", "numeric", to_number),
    Function { name: "timeofday", args: "", result: "text", strict: true, volatile: true, call: time_of_day },
];

fn to_char<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let [value, Datum::Text(template)] = args else { return Err(arguments("to_char")) };
    let shown = match value {
        Datum::Timestamp(INFINITY | NEG_INFINITY) | Datum::Timestamptz(INFINITY | NEG_INFINITY) => {
            return Ok(Datum::Null);
        }
        Datum::Timestamp(_) | Datum::Timestamptz(_) | Datum::Interval(_) if template.is_empty() => {
            return Ok(Datum::Null);
        }
        Datum::Timestamp(micros) => moment(*micros, 0, String::new()),
        Datum::Timestamptz(micros) => {
            let seconds = micros.div_euclid(1_000_000);
            moment(*micros, style.timezone.offset_at(seconds), abbreviation(&style.timezone, seconds))
        }
        Datum::Interval(interval) => parts(*interval),
        _ => return layout::write(value, template).map(Datum::text),
    };
    output::write(&shown, template).map(Datum::text)
}

fn time_of_day<'a>(_: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let now = Datum::Timestamptz(Utc::now().timestamp_micros());
    to_char(&[now, Datum::text("Dy Mon DD HH24:MI:SS.US YYYY TZ")], style)
}

fn to_date<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (text, template) = texts(args, "to_date")?;
    input::to_date(text, template).map(Datum::Date)
}

fn to_timestamp<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    let (text, template) = texts(args, "to_timestamp")?;
    input::to_timestamp(text, template, &style.timezone).map(Datum::Timestamptz)
}

fn to_number<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (text, template) = texts(args, "to_number")?;
    if template.is_empty() {
        return Ok(Datum::Null);
    }
    number::to_number(text, template).map(Datum::Numeric)
}

fn texts<'t>(args: &'t [Datum<'_>], name: &str) -> Result<(&'t str, &'t str)> {
    match args {
        [Datum::Text(text), Datum::Text(template)] => Ok((text, template)),
        _ => Err(arguments(name)),
    }
}

fn arguments(name: &str) -> Error {
    Error::internal(format!("{name}() was called with arguments of other types"))
}

/// A moment as a clock shows it that is ahead of UTC by an offset in seconds.
fn moment(micros: i64, offset: i32, zone: String) -> Shown {
    let seconds = micros.div_euclid(1_000_000) + i64::from(offset);
    let (year, month, day) = calendar::civil(seconds.div_euclid(86_400));
    let small = |value: i64| i32::try_from(value).unwrap_or_default();
    let date = Ymd { year: small(year), month: small(i64::from(month)), day: small(i64::from(day)) };
    let julian = date.julian();
    let clock = small(seconds.rem_euclid(86_400));
    Shown {
        is_interval: false,
        date,
        hour: i64::from(clock / 3_600),
        minute: clock / 60 % 60,
        second: clock % 60,
        micros: small(micros.rem_euclid(1_000_000)),
        weekday: weekday(julian),
        yearday: julian - Ymd { month: 1, day: 1, ..date }.julian() + 1,
        offset,
        zone,
    }
}

fn parts(interval: Interval) -> Shown {
    let Interval { months, days, micros } = interval;
    let small = |value: i64| i32::try_from(value).unwrap_or_default();
    Shown {
        is_interval: true,
        date: Ymd { year: months / 12, month: months % 12, day: days },
        hour: micros / (DAY_US / 24),
        minute: small(micros / 60_000_000 % 60),
        second: small(micros / 1_000_000 % 60),
        micros: small(micros % 1_000_000),
        weekday: 0,
        // About the days that it spans.
        yearday: months.wrapping_mul(30).wrapping_add(days),
        offset: 0,
        zone: String::new(),
    }
}

/// The zone's abbreviation at a moment in Unix seconds.
fn abbreviation(zone: &Zone, seconds: i64) -> String {
    let Some(tz) = zone.iana() else { return fixed_abbreviation(zone.name()) };
    let east = zone.offset_at(seconds);
    // chrono's zones have rules up to 2099, and every zone has its local mean time before 1800.
    const RULES: std::ops::Range<i64> = -5_364_662_400..4_070_908_800;
    const WINTER_AND_SUMMER: [i64; 2] = [4_040_000_000, 4_055_616_000];
    let name = |seconds: i64| {
        let moment = DateTime::from_timestamp(seconds, 0)?;
        let offset = tz.offset_from_utc_datetime(&moment.naive_utc());
        (offset.fix().local_minus_utc() == east).then(|| offset.abbreviation().map(str::to_owned))?
    };
    let name = match seconds {
        _ if RULES.contains(&seconds) => name(seconds),
        _ if seconds < RULES.start => name(RULES.start),
        _ => WINTER_AND_SUMMER.into_iter().find_map(name),
    };
    // Many zones have no letters: the offset stands for them.
    name.unwrap_or_else(|| {
        let (sign, size) = (if east < 0 { '-' } else { '+' }, east.abs());
        let minutes = if size % 3_600 == 0 { String::new() } else { format!("{:02}", size % 3_600 / 60) };
        format!("{sign}{:02}{minutes}", size / 3_600)
    })
}

/// The letters of a zone without rules: `<+02>-02`, `UTC+3`, `Etc/UTC`.
fn fixed_abbreviation(name: &str) -> String {
    if let Some((name, _)) = name.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        return name.to_owned();
    }
    match name {
        "GMT" | "Etc/GMT" => "GMT".to_owned(),
        "Etc/UTC" | "Zulu" | "UCT" | "Etc/UCT" => "UTC".to_owned(),
        _ => name.chars().take_while(char::is_ascii_alphabetic).collect(),
    }
}
