//! The words of dates, times and intervals. Only the first ten letters of a word count, as in PostgreSQL.

/// A part of a moment or of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `microseconds`
    Microsecond,
    /// `milliseconds`
    Millisecond,
    /// `second`
    Second,
    /// `minute`
    Minute,
    /// `hour`
    Hour,
    /// `day`
    Day,
    /// `week`
    Week,
    /// `month`
    Month,
    /// `quarter`
    Quarter,
    /// `year`
    Year,
    /// `decade`
    Decade,
    /// `century`
    Century,
    /// `millennium`
    Millennium,
    /// `julian`
    Julian,
    /// `dow`: Sunday is 0.
    DayOfWeek,
    /// `isodow`: Sunday is 7.
    IsoDayOfWeek,
    /// `doy`
    DayOfYear,
    /// `isoyear`
    IsoYear,
    /// `timezone`
    Timezone,
    /// `timezone_hour`
    TimezoneHour,
    /// `timezone_minute`
    TimezoneMinute,
}

/// A word of a date or time that is no unit of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `-infinity`
    Early,
    /// `infinity`
    Late,
    /// `epoch`
    Epoch,
    /// `now`
    Now,
    /// `yesterday`, `today`, `tomorrow`: days from today.
    Today(i64),
    /// `allballs`
    Midnight,
    /// A month's name.
    Month(u32),
    /// A weekday's name.
    Weekday,
    /// `BC` or `AD`.
    Era {
        /// `BC`
        is_bc: bool,
    },
    /// `AM` or `PM`.
    Half {
        /// `PM`
        is_pm: bool,
    },
    /// `at`, `on`
    Ignored,
    /// What the number behind it means.
    Label(Unit),
    /// `t`: a time follows.
    Time,
    /// `dst`: an hour more than the zone before it.
    Summer,
}

/// A word of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalWord {
    /// A unit.
    Unit(Unit),
    /// `ago`
    Ago,
}

fn significant(word: &str) -> &str {
    word.get(..10).unwrap_or(word)
}

/// Finds a word of a date or time; it must be in lower case.
pub fn special(word: &str) -> Option<Word> {
    Some(match significant(word) {
        "-infinity" => Word::Early,
        "infinity" => Word::Late,
        "epoch" => Word::Epoch,
        "now" => Word::Now,
        "yesterday" => Word::Today(-1),
        "today" => Word::Today(0),
        "tomorrow" => Word::Today(1),
        "allballs" => Word::Midnight,
        "jan" | "january" => Word::Month(1),
        "feb" | "february" => Word::Month(2),
        "mar" | "march" => Word::Month(3),
        "apr" | "april" => Word::Month(4),
        "may" => Word::Month(5),
        "jun" | "june" => Word::Month(6),
        "jul" | "july" => Word::Month(7),
        "aug" | "august" => Word::Month(8),
        "sep" | "sept" | "september" => Word::Month(9),
        "oct" | "october" => Word::Month(10),
        "nov" | "november" => Word::Month(11),
        "dec" | "december" => Word::Month(12),
        "sun" | "sunday" | "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "weds" | "wednesday" | "thu"
        | "thur" | "thurs" | "thursday" | "fri" | "friday" | "sat" | "saturday" => Word::Weekday,
        "bc" => Word::Era { is_bc: true },
        "ad" => Word::Era { is_bc: false },
        "am" => Word::Half { is_pm: false },
        "pm" => Word::Half { is_pm: true },
        "at" | "on" => Word::Ignored,
        "dst" => Word::Summer,
        "t" => Word::Time,
        "d" => Word::Label(Unit::Day),
        "dow" => Word::Label(Unit::DayOfWeek),
        "doy" => Word::Label(Unit::DayOfYear),
        "h" => Word::Label(Unit::Hour),
        "isodow" => Word::Label(Unit::IsoDayOfWeek),
        "isoyear" => Word::Label(Unit::IsoYear),
        "j" | "jd" | "julian" => Word::Label(Unit::Julian),
        "m" => Word::Label(Unit::Month),
        "mm" => Word::Label(Unit::Minute),
        "s" => Word::Label(Unit::Second),
        "y" => Word::Label(Unit::Year),
        _ => return None,
    })
}

/// Finds a word of an interval; it must be in lower case.
pub fn interval(word: &str) -> Option<IntervalWord> {
    Some(IntervalWord::Unit(match significant(word) {
        "ago" => return Some(IntervalWord::Ago),
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" => Unit::Microsecond,
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecon" => Unit::Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "mon" | "mons" | "month" | "months" => Unit::Month,
        "qtr" | "quarter" => Unit::Quarter,
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
        "dec" | "decs" | "decade" | "decades" => Unit::Decade,
        "c" | "cent" | "century" | "centuries" => Unit::Century,
        "mil" | "mils" | "millennia" | "millennium" => Unit::Millennium,
        "timezone" => Unit::Timezone,
        "timezone_h" => Unit::TimezoneHour,
        "timezone_m" => Unit::TimezoneMinute,
        _ => return None,
    }))
}
