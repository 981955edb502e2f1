//! For tests: random WHERE clauses, and the values that they and the rows are made of.

use proptest::prelude::*;
use proptest::sample::select;

pub(super) const TEXTS: &[&str] =
    &["openai", "OpenAI", "gpt-4o", "gpt-4o-mini", "a%b", "a_b", "axb", "a\\b", "é", "É", ""];
const PATTERNS: &[&str] = &[
    "%a\\_b%",
    "%a\\%b%",
    "%a\\\\b%",
    "%mini%",
    "%GPT-4o%",
    "%open%",
    "open%",
    "%ai",
    "_pen%",
    "a\\%b",
    "a\\_b",
    "a\\\\b",
    "%",
    "",
    "OPENAI",
    "%é%",
    "a%b",
    "%GPT%",
    "gpt%o%mini",
    "a_b",
];
const REGEXES: &[&str] =
    &["a\\\\b", "open", "^gpt", "ai$", "^gpt-4o$", "gpt.*mini", "a.b", "open|gpt", "a_b", "a%b", "a\\.b", "^$", ""];
pub(super) const NUMBERS: &[i64] =
    &[-450, -399, -8, -7, -1, 0, 1, 2, 3, 7, 99, 100, 199, 200, 399, 400, 404, 499, 500, 599, 600];
/// Midnights and clock changes of UTC, Berlin, Santiago, Havana and St. John's (where the
/// clocks once went back a minute after midnight), and the turns of a month and a year.
pub(super) const TIMES: &[&str] = &[
    "2026-05-01T00:00:00Z",
    "2026-05-01T12:00:00Z",
    "2026-03-29T01:00:00Z",
    "2026-03-28T23:00:00Z",
    "2026-03-29T22:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-10-24T22:00:00Z",
    "2026-10-25T23:00:00Z",
    "2026-04-05T03:00:00Z",
    "2026-04-05T04:00:00Z",
    "2026-09-06T04:00:00Z",
    "2026-09-06T03:00:00Z",
    "2026-11-01T04:00:00Z",
    "2026-11-01T05:00:00Z",
    "2010-11-07T02:30:00Z",
    "2010-11-07T03:30:00Z",
    "2025-12-31T23:00:00Z",
    "2026-01-01T00:00:00Z",
    "2026-01-01T03:00:00Z",
    "1969-12-31T23:59:59.5Z",
];

pub(super) fn micros(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_micros()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(super) fn texts() -> impl Strategy<Value = String> {
    let column = || select(&["provider", "model", "model", "model", "trace_id"][..]);
    let text = || select(TEXTS).prop_map(quoted);
    let term = || {
        prop_oneof![
            3 => column().prop_map(str::to_owned),
            1 => column().prop_map(|column| format!("lower({column})")),
            1 => column().prop_map(|column| format!("upper({column})")),
            1 => (column(), 0..4).prop_map(|(column, n)| format!("left({column}, {n})")),
            1 => column().prop_map(|column| format!("substr(lower({column}), 1, 6)")),
        ]
    };
    let op = select(&["=", "<>", "<", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"][..]);
    let like = select(&["LIKE", "ILIKE", "ILIKE", "NOT LIKE", "NOT ILIKE"][..]);
    let regex = select(&["~", "~*", "!~"][..]);
    prop_oneof![
        1 => (term(), op, text()).prop_map(|(term, op, text)| format!("({term} {op} {text})")),
        3 => (term(), like, select(PATTERNS)).prop_map(|(term, op, text)| format!("{term} {op} {}", quoted(text))),
        1 => (column(), regex, select(REGEXES)).prop_map(|(term, op, text)| format!("{term} {op} {}", quoted(text))),
        1 => (term(), any::<bool>(), prop::collection::vec(text(), 1..6)).prop_map(|(term, not, list)| {
            format!("{term} {} ({})", if not { "NOT IN" } else { "IN" }, list.join(", "))
        }),
        1 => (term(), text(), comparison(), -1..3)
            .prop_map(|(term, text, op, n)| format!("strpos({term}, {text}) {op} {n}")),
        1 => (column(), text()).prop_map(|(column, text)| format!("starts_with({column}, {text})")),
        1 => (term(), any::<bool>()).prop_map(|(term, not)| format!("{term} IS {}NULL", if not { "NOT " } else { "" })),
    ]
}

fn comparison() -> impl Strategy<Value = &'static str> {
    select(&["=", "<>", "<", "<=", ">", ">="][..])
}

pub(super) fn integers() -> impl Strategy<Value = String> {
    let number = || select(NUMBERS);
    let column = select(&["status_code", "latency_ms"][..]).prop_map(str::to_owned);
    let term = column.prop_recursive(2, 4, 1, move |inner| {
        prop_oneof![
            (inner.clone(), number()).prop_map(|(term, n)| format!("({term} + ({n}))")),
            (inner.clone(), number()).prop_map(|(term, n)| format!("(({n}) - {term})")),
            (inner.clone(), -3..4).prop_map(|(term, n)| format!("({term} * ({n}))")),
            (inner.clone(), select(&[1, 2, 3, 100, -3, -100][..])).prop_map(|(term, n)| format!("({term} / ({n}))")),
            inner.prop_map(|term| format!("(- {term})")),
        ]
    });
    let steps = ["/ 1000.0", "* 0.25", "/ (-2.0)", "/ 3.0", "+ 0.5", "- 0.5", "/ 1e20", "* 1e-30"];
    let real = (term.clone(), select(&["", "", "::float8", "::numeric"][..]), select(steps.to_vec()), any::<bool>())
        .prop_map(|(term, cast, step, from)| match from {
            true => format!("(0.7 - ({term}{cast} {step}))"),
            false => format!("({term}{cast} {step})"),
        });
    let constant = prop_oneof![
        4 => number().prop_map(|n| format!("({n})")),
        1 => select(&["0.25", "199.5", "200.0", "(-0.5)", "1e3", "'1.5'::float8", "'NaN'::numeric", "66.6666666666666667"][..])
            .prop_map(str::to_owned),
        1 => Just("NULL".to_owned()),
    ];
    prop_oneof![
        3 => (prop_oneof![3 => term.clone(), 1 => real], comparison(), constant.clone())
            .prop_map(|(term, op, n)| format!("({term} {op} {n})")),
        1 => (constant, comparison(), term.clone()).prop_map(|(n, op, term)| format!("({n} {op} {term})")),
        1 => (term.clone(), any::<bool>(), number(), number()).prop_map(|(term, not, low, high)| {
            format!("({term} {} ({low}) AND ({high}))", if not { "NOT BETWEEN" } else { "BETWEEN" })
        }),
        1 => (term.clone(), any::<bool>(), prop::collection::vec(number(), 1..6)).prop_map(|(term, not, list)| {
            let list: Vec<String> = list.iter().map(|n| format!("({n})")).collect();
            format!("{term} {} ({})", if not { "NOT IN" } else { "IN" }, list.join(", "))
        }),
        1 => (term, number()).prop_map(|(term, n)| format!("({term})::text = '{n}'")),
        1 => (comparison(), select(&["0.5", "1", "-3.0"][..])).prop_map(|(op, n)| format!("(cost_usd {op} {n})")),
    ]
}

pub(super) fn times() -> impl Strategy<Value = String> {
    let time =
        || (select(TIMES), select(&["Z", "+02:00", ""][..])).prop_map(|(time, zone)| quoted(&time.replace('Z', zone)));
    let day = select(TIMES).prop_map(|time| format!("date '{}'", &time[..10]));
    let unit = select(&["second", "minute", "hour", "day", "week", "month", "quarter", "year"][..]);
    let step = select(&["1 hour", "30 minutes", "1 day", "7 days", "1 month", "-2 days", "1 year"][..]);
    let unit2 = select(&["", "date", "hour", "day", "month"][..]);
    let named = || select(&["UTC", "Europe/Berlin", "America/Santiago", "America/St_Johns"][..]);
    let local = || select(TIMES).prop_map(|time| time.trim_end_matches('Z').replace('T', " "));
    let instant = || select(TIMES).prop_map(|time| format!("timestamptz {}", quoted(time)));
    prop_oneof![
        1 => (comparison(), time()).prop_map(|(op, time)| format!("created_at {op} {time}")),
        1 => (time(), comparison()).prop_map(|(time, op)| format!("{time} {op} created_at")),
        1 => (comparison(), day).prop_map(|(op, day)| format!("(created_at::date {op} {day})")),
        1 => (unit, comparison(), instant())
            .prop_map(|(unit, op, time)| format!("(date_trunc('{unit}', created_at) {op} {time})")),
        1 => (comparison(), 2024..2028).prop_map(|(op, year)| format!("extract(year from created_at) {op} {year}")),
        1 => (comparison(), select(TIMES))
            .prop_map(|(op, time)| { format!("extract(epoch from created_at) {op} {}", micros(time) / 1_000_000) }),
        1 => (comparison(), select(&["infinity", "-infinity"][..]))
            .prop_map(|(op, time)| format!("(created_at {op} '{time}')")),
        1 => (comparison(), select(TIMES)).prop_map(|(op, time)| {
            format!("(date_part('epoch', created_at) * 2 {op} {})", micros(time) / 500_000)
        }),
        1 => (select(&["year", "epoch"][..]), comparison(), -3..4).prop_map(|(part, op, n)| {
            format!("(extract({part} from created_at) / 1000 - 1 {op} {n}.5)")
        }),
        2 => (named(), unit2, comparison(), local()).prop_map(|(zone, unit, op, time)| match unit {
            "" => format!("(created_at AT TIME ZONE '{zone}' {op} '{time}')"),
            "date" => format!("((created_at AT TIME ZONE '{zone}')::date {op} '{time}')"),
            unit => format!("(date_trunc('{unit}', created_at AT TIME ZONE '{zone}') {op} '{time}')"),
        }),
        1 => (comparison(), local()).prop_map(|(op, time)| format!("(created_at::timestamp {op} '{time}')")),
        1 => (comparison(), local(), -3..4)
            .prop_map(|(op, time, n)| format!("(created_at::date + {n} {op} date '{time}')")),
        1 => (comparison(), local(), -3..4)
            .prop_map(|(op, time, n)| format!("(date '{time}' - created_at::date {op} {n})")),
        1 => (instant(), comparison(), select(&["1 day", "25 hours", "1 month", "-3 hours"][..]))
            .prop_map(|(time, op, span)| format!("({time} - created_at {op} interval '{span}')")),
        2 => (select(&["+", "-"][..]), step, comparison(), instant())
            .prop_map(|(sign, step, op, time)| format!("(created_at {sign} interval '{step}' {op} {time})")),
    ]
}

pub(super) fn clauses() -> impl Strategy<Value = String> {
    let side = || (select(&["status_code", "latency_ms"][..]), comparison(), select(NUMBERS));
    let side = move || side().prop_map(|(column, op, n)| format!("{column} {op} ({n})"));
    // Branches over the same columns, which may or may not melt into one range of each.
    let boxes = (side(), side(), side(), side()).prop_map(|(a, b, c, d)| format!("({a} AND {b} OR {c} AND {d})"));
    let leaf = prop_oneof![1 => texts(), 1 => integers(), 1 => times(), 2 => boxes];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            2 => inner.clone().prop_map(|part| format!("(NOT ({part}))")),
            1 => (inner, select(&["TRUE", "FALSE", "NOT TRUE", "NOT FALSE", "NULL", "NOT NULL"][..]))
                .prop_map(|(part, what)| format!("(({part}) IS {what})")),
        ]
    })
}
