//! Clocks.

use chrono::{DateTime, Utc};

use super::super::context::Context;
use super::super::value::Value;
use super::super::{cast, types};
use super::{Function, lax, strict};
use crate::error::Result;

pub(super) const FUNCTIONS: &[Function] = &[
    lax("now", "", "timestamptz", |_, c| Ok(micros(c.session.transaction_start))),
    lax("current_timestamp", "", "timestamptz", |_, c| Ok(micros(c.session.transaction_start))),
    lax("transaction_timestamp", "", "timestamptz", |_, c| Ok(micros(c.session.transaction_start))),
    lax("statement_timestamp", "", "timestamptz", |_, c| Ok(micros(c.session.now))),
    lax("clock_timestamp", "", "timestamptz", |_, _| Ok(micros(Utc::now()))),
    lax("localtimestamp", "", "timestamp", |_, c| local(c, types::TIMESTAMP)),
    lax("current_date", "", "date", |_, c| local(c, types::DATE)),
    lax("pg_postmaster_start_time", "", "timestamptz", |_, c| Ok(micros(c.session.server_start))),
    lax("pg_conf_load_time", "", "timestamptz", |_, c| Ok(micros(c.session.server_start))),
    strict("age", "timestamptz|timestamp", "interval", |a, c| Ok(age(&a[0], &micros(c.session.transaction_start)))),
    strict("age", "timestamptz timestamptz|timestamp timestamp", "interval", |a, _| Ok(age(&a[1], &a[0]))),
    strict("age", "xid", "int4", |_, _| Ok(Value::Int(i64::from(i32::MAX)))),
];

fn micros(time: DateTime<Utc>) -> Value {
    Value::Timestamptz(time.timestamp_micros())
}

fn local(context: &Context<'_>, to: u32) -> Result<Value> {
    cast::cast(&micros(context.session.transaction_start), types::TIMESTAMPTZ, to, context)
}

/// The time between, in days and the rest (PostgreSQL would name months too; sessions do not last that long).
fn age(from: &Value, to: &Value) -> Value {
    const DAY: i64 = 86_400_000_000;
    let (Value::Timestamptz(a) | Value::Timestamp(a), Value::Timestamptz(b) | Value::Timestamp(b)) = (from, to) else {
        return Value::Null;
    };
    let gap = b.saturating_sub(*a);
    Value::Interval { months: 0, days: i32::try_from(gap / DAY).unwrap_or(i32::MAX), micros: gap % DAY }
}
