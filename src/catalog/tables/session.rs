//! What belongs to sessions: settings, activity, time zones.

use chrono::{DateTime, Offset, TimeZone, Utc};

use super::super::context::Context;
use super::super::oids;
use super::super::value::Value;
use super::Made;

pub(super) fn settings(context: &Context<'_>) -> Made {
    let rows = context.session.settings.iter().map(|setting| {
        vec![
            Value::text(&setting.name),
            Value::text(&setting.raw),
            Value::optional_text(setting.unit.as_deref()),
            Value::text(&setting.category),
            Value::text(&setting.description),
            Value::text(&setting.context),
            Value::text(&setting.vartype),
            Value::text(&setting.source),
            Value::text(&setting.reset_value),
            Value::text(&setting.reset_value),
            Value::Bool(false),
            setting.words.as_ref().map_or(Value::Null, |words| Value::array(words.iter().map(Value::text).collect())),
            Value::optional_text(setting.bounds.as_ref().map(|(least, _)| least.as_str())),
            Value::optional_text(setting.bounds.as_ref().map(|(_, most)| most.as_str())),
        ]
    });
    Made {
        columns: &[
            "name",
            "setting",
            "unit",
            "category",
            "short_desc",
            "context",
            "vartype",
            "source",
            "boot_val",
            "reset_val",
            "pending_restart",
            "enumvals",
            "min_val",
            "max_val",
        ],
        rows: rows.collect(),
    }
}

fn time(time: Option<DateTime<Utc>>) -> Value {
    time.map_or(Value::Null, |time| Value::Timestamptz(time.timestamp_micros()))
}

pub(super) fn activity(context: &Context<'_>) -> Made {
    let rows = context.session.sessions.iter().map(|session| {
        vec![
            Value::oid(oids::database(&session.database)),
            Value::text(&session.database),
            Value::Int(i64::from(session.pid)),
            context.role_oid(&session.user).map_or(Value::Null, Value::oid),
            Value::text(&session.user),
            Value::text(&session.application_name),
            Value::optional_text(session.client_addr.as_deref()),
            session.client_port.map_or(Value::Null, |port| Value::Int(i64::from(port))),
            time(session.backend_start),
            time(session.xact_start),
            time(session.query_start),
            time(session.state_change),
            Value::text(&session.state),
            Value::text(&session.query),
            Value::text("client backend"),
        ]
    });
    Made {
        columns: &[
            "datid",
            "datname",
            "pid",
            "usesysid",
            "usename",
            "application_name",
            "client_addr",
            "client_port",
            "backend_start",
            "xact_start",
            "query_start",
            "state_change",
            "state",
            "query",
            "backend_type",
        ],
        rows: rows.collect(),
    }
}

pub(super) fn prepared_statements(context: &Context<'_>) -> Made {
    let rows = context.session.prepared.iter().map(|own| {
        vec![
            Value::text(&own.name),
            Value::text(&own.statement),
            time(own.since),
            Value::array(own.parameters.iter().copied().map(Value::oid).collect()),
            Value::Bool(own.from_sql),
            Value::Int(0),
            Value::Int(0),
        ]
    });
    Made {
        columns: &["name", "statement", "prepare_time", "parameter_types", "from_sql", "generic_plans", "custom_plans"],
        rows: rows.collect(),
    }
}

pub(super) fn cursors(context: &Context<'_>) -> Made {
    let rows = context.session.cursors.iter().map(|own| {
        vec![
            Value::text(&own.name),
            Value::text(&own.statement),
            Value::Bool(own.is_holdable),
            Value::Bool(own.is_binary),
            Value::Bool(own.is_scrollable),
            time(own.since),
        ]
    });
    Made {
        columns: &["name", "statement", "is_holdable", "is_binary", "is_scrollable", "creation_time"],
        rows: rows.collect(),
    }
}

pub(super) fn timezones(context: &Context<'_>) -> Made {
    let now = context.session.now.naive_utc();
    let rows = chrono_tz::TZ_VARIANTS.iter().map(|zone| {
        let local = zone.from_utc_datetime(&now);
        let micros = i64::from(local.offset().fix().local_minus_utc()) * 1_000_000;
        vec![
            Value::text(zone.name()),
            Value::text(local.format("%Z").to_string()),
            Value::Interval { months: 0, days: 0, micros },
            Value::Bool(false),
        ]
    });
    Made { columns: &["name", "abbrev", "utc_offset", "is_dst"], rows: rows.collect() }
}
