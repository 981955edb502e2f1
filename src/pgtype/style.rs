//! How a session wants values shown: the settings that change the text of a value, and nothing else.

use crate::pgtype::zone::Zone;

/// The form of one result column or parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// What a person reads.
    #[default]
    Text,
    /// What `typsend` of the type makes.
    Binary,
}

/// The settings that change the text of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// `TimeZone`
    pub timezone: Zone,
    /// `extra_float_digits`: above 0 the shortest digits that come back as the same number, else 15 (6) and this many.
    pub extra_float_digits: i32,
    /// `bytea_output`
    pub bytea_output: ByteaOutput,
    /// `IntervalStyle`
    pub interval_style: IntervalStyle,
    /// The second half of `DateStyle`. The first half is ISO.
    pub date_order: DateOrder,
}

/// `bytea_output`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteaOutput {
    /// `\x00ff`
    #[default]
    Hex,
    /// `\000\377`
    Escape,
}

/// `IntervalStyle`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 year 2 mons 3 days 04:05:06`
    #[default]
    Postgres,
    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs`
    PostgresVerbose,
    /// `+1-2 +3 +4:05:06`
    SqlStandard,
    /// `P1Y2M3DT4H5M6S`
    Iso8601,
}

/// How `01/02/03` is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            timezone: Zone::utc(),
            extra_float_digits: 1,
            bytea_output: ByteaOutput::default(),
            interval_style: IntervalStyle::default(),
            date_order: DateOrder::default(),
        }
    }
}
