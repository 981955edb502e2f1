//! The settings that a session has, with PostgreSQL 15's names, defaults and descriptions.

/// How a value is checked and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Any text.
    Text,
    /// on or off.
    Bool,
    /// A whole number within bounds.
    Integer(i64, i64),
    /// A number.
    Real,
    /// Milliseconds, written with a unit or without.
    Millis,
    /// Milliseconds as well; larger units may be words.
    Age,
    /// Kilobytes, written with a unit or without.
    Kilobytes,
    /// One of these words.
    Enum(&'static [&'static str]),
    /// A time zone.
    Zone,
    /// A list of schemas.
    Path,
    /// Output style and order of day, month and year.
    DateStyle,
    /// UTF8 under its many names.
    Encoding,
    /// A span of time: `30d`, `30 days`, or empty for what the source says.
    Span,
}

impl Type {
    /// How `pg_settings` names it, and its unit.
    pub(super) fn described(self) -> (&'static str, Option<&'static str>) {
        match self {
            Type::Bool => ("bool", None),
            Type::Integer(..) => ("integer", None),
            Type::Real => ("real", None),
            Type::Millis | Type::Age => ("integer", Some("ms")),
            Type::Kilobytes => ("integer", Some("kB")),
            Type::Enum(["on"]) => ("bool", None),
            Type::Enum(_) => ("enum", None),
            Type::Text | Type::Zone | Type::Path | Type::DateStyle | Type::Encoding | Type::Span => ("string", None),
        }
    }
}

impl Type {
    /// The words that it takes, if it takes words only; `debug` means `debug2` and is not offered.
    pub(super) fn words(self) -> Option<&'static [&'static str]> {
        match self {
            Type::Enum(["on"]) => None,
            Type::Enum(words) => Some(words.strip_suffix(&["debug"]).unwrap_or(words)),
            _ => None,
        }
    }

    /// The least and the largest number that it takes, in its unit.
    pub(super) fn bounds(self) -> Option<(i64, i64)> {
        match self {
            Type::Integer(least, most) => Some((least, most)),
            Type::Millis | Type::Age => Some((0, DAYS_MS)),
            _ => None,
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) ty: Type,
    pub(super) default: &'static str,
    pub(super) doc: &'static str,
    /// Whether a session may set it.
    pub(super) open: bool,
    /// Whether clients are told when it changes.
    pub(super) report: bool,
}

const fn open(name: &'static str, ty: Type, default: &'static str, doc: &'static str) -> Setting {
    Setting { name, ty, default, doc, open: true, report: false }
}

const fn fixed(name: &'static str, default: &'static str, doc: &'static str) -> Setting {
    Setting { name, ty: Type::Text, default, doc, open: false, report: false }
}

const fn told(setting: Setting) -> Setting {
    Setting { report: true, ..setting }
}

const LEVELS: &[&str] = &["read committed", "repeatable read", "serializable", "read uncommitted"];
const MESSAGES: &[&str] =
    &["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error", "debug"];
const DAYS_MS: i64 = i32::MAX as i64;

/// All settings, in the order of SHOW ALL.
pub(super) const SETTINGS: &[Setting] = &[
    told(open("application_name", Type::Text, "", "Sets the application name to be reported in statistics and logs.")),
    fixed("block_size", "8192", "Shows the size of a disk block."),
    open("bytea_output", Type::Enum(&["hex", "escape"]), "hex", "Sets the output format for bytea."),
    told(open("client_encoding", Type::Encoding, "UTF8", "Sets the client's character set encoding.")),
    open("client_min_messages", Type::Enum(MESSAGES), "notice", "Sets the message levels that are sent to the client."),
    told(open("DateStyle", Type::DateStyle, "ISO, MDY", "Sets the display format for date and time values.")),
    open("default_table_access_method", Type::Text, "heap", "Sets the default table access method for new tables."),
    open("default_tablespace", Type::Text, "", "Sets the default tablespace to create tables and indexes in."),
    open("default_text_search_config", Type::Text, "pg_catalog.simple", "Sets default text search configuration."),
    open(
        "default_transaction_deferrable",
        Type::Bool,
        "off",
        "Sets the default deferrable status of new transactions.",
    ),
    open(
        "default_transaction_isolation",
        Type::Enum(LEVELS),
        "read committed",
        "Sets the transaction isolation level of each new transaction.",
    ),
    told(open(
        "default_transaction_read_only",
        Type::Bool,
        "on",
        "Sets the default read-only status of new transactions.",
    )),
    open("enable_hashjoin", Type::Bool, "on", "Enables the planner's use of hash join plans."),
    open("enable_indexscan", Type::Bool, "on", "Enables the planner's use of index-scan plans."),
    open("enable_mergejoin", Type::Bool, "on", "Enables the planner's use of merge join plans."),
    open("enable_nestloop", Type::Bool, "on", "Enables the planner's use of nested-loop join plans."),
    open("enable_seqscan", Type::Bool, "on", "Enables the planner's use of sequential-scan plans."),
    open("escape_string_warning", Type::Bool, "on", "Warn about backslash escapes in ordinary string literals."),
    open(
        "extra_float_digits",
        Type::Integer(-15, 3),
        "1",
        "Sets the number of digits displayed for floating-point values.",
    ),
    open(
        "from_collapse_limit",
        Type::Integer(1, DAYS_MS),
        "8",
        "Sets the FROM-list size beyond which subqueries are not collapsed.",
    ),
    open("geqo", Type::Bool, "on", "Enables genetic query optimization."),
    told(fixed("in_hot_standby", "on", "Shows whether hot standby is currently active.")),
    open(
        "idle_in_transaction_session_timeout",
        Type::Millis,
        "0",
        "Sets the maximum allowed idle time between queries, when in a transaction.",
    ),
    open(
        "idle_session_timeout",
        Type::Millis,
        "0",
        "Sets the maximum allowed idle time between queries, when not in a transaction.",
    ),
    told(fixed("integer_datetimes", "on", "Shows whether datetimes are integer based.")),
    told(open(
        "IntervalStyle",
        Type::Enum(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
        "postgres",
        "Sets the display format for interval values.",
    )),
    told(fixed("is_superuser", "off", "Shows whether the current user is a superuser.")),
    open("jit", Type::Bool, "off", "Allow JIT compilation."),
    open(
        "join_collapse_limit",
        Type::Integer(1, DAYS_MS),
        "8",
        "Sets the FROM-list size beyond which JOIN constructs are not flattened.",
    ),
    fixed("lc_collate", "C", "Shows the collation order locale."),
    fixed("lc_ctype", "C", "Shows the character classification and case conversion locale."),
    open("lc_messages", Type::Text, "C", "Sets the language in which messages are displayed."),
    open("lc_monetary", Type::Text, "C", "Sets the locale for formatting monetary amounts."),
    open("lc_numeric", Type::Text, "C", "Sets the locale for formatting numbers."),
    open("lc_time", Type::Text, "C", "Sets the locale for formatting date and time values."),
    open("lock_timeout", Type::Millis, "0", "Sets the maximum allowed duration of any wait for a lock."),
    fixed("max_connections", "200", "Sets the maximum number of concurrent connections."),
    fixed("max_identifier_length", "63", "Shows the maximum identifier length."),
    fixed("max_index_keys", "32", "Shows the maximum number of index keys."),
    open(
        "maintenance_work_mem",
        Type::Kilobytes,
        "65536",
        "Sets the maximum memory to be used for maintenance operations.",
    ),
    fixed("password_encryption", "scram-sha-256", "Chooses the algorithm for encrypting passwords."),
    open("row_security", Type::Bool, "on", "Enable row security."),
    open(
        "search_path",
        Type::Path,
        "\"$user\", public",
        "Sets the schema search order for names that are not schema-qualified.",
    ),
    told(fixed("server_encoding", "UTF8", "Shows the server (database) character set encoding.")),
    told(fixed("server_version", super::SERVER_VERSION, "Shows the server version.")),
    fixed("server_version_num", "150018", "Shows the server version as an integer."),
    told(fixed("session_authorization", "", "Shows the session user name.")),
    open(
        "spanwire.cache",
        Type::Enum(&["on", "off", "only"]),
        "on",
        "Whether rows that are held may answer a statement.",
    ),
    open(
        "spanwire.lookback",
        Type::Span,
        "",
        "How far back a statement without a lower time bound reads; empty takes the source's own.",
    ),
    open("spanwire.max_calls", Type::Integer(0, DAYS_MS), "", "Upstream calls that one statement may make."),
    open("spanwire.max_staleness", Type::Age, "30000", "How old held rows of the unsettled past may be."),
    open(
        "spanwire.on_truncated",
        Type::Enum(&["error", "warn"]),
        "error",
        "What happens when upstream cuts its answer.",
    ),
    open(
        "spanwire.on_upstream_error",
        Type::Enum(&["error", "warn"]),
        "error",
        "What happens when one of several upstreams fails.",
    ),
    open(
        "spanwire.priority",
        Type::Enum(&["interactive", "sync", "backfill"]),
        "interactive",
        "Rank of the session's calls among those that wait for the quota; sync and backfill take half of it at the most.",
    ),
    open("spanwire.pushdown", Type::Bool, "on", "Whether filters are sent upstream; off checks all of them here."),
    open(
        "spanwire.sample",
        Type::Bool,
        "off",
        "Whether a LIMIT without filter and order, also of distinct values, reads one small page of a table only.",
    ),
    told(open(
        "standard_conforming_strings",
        Type::Enum(&["on"]),
        "on",
        "Causes '...' strings to treat backslashes literally.",
    )),
    open("statement_timeout", Type::Millis, "0", "Sets the maximum allowed duration of any statement."),
    open("synchronize_seqscans", Type::Bool, "on", "Enable synchronized sequential scans."),
    open(
        "synchronous_commit",
        Type::Enum(&["on", "off", "local", "remote_write", "remote_apply"]),
        "on",
        "Sets the current transaction's synchronization level.",
    ),
    told(open("TimeZone", Type::Zone, "UTC", "Sets the time zone for displaying and interpreting time stamps.")),
    open("transaction_deferrable", Type::Bool, "off", "Whether to defer a read-only serializable transaction."),
    open(
        "transaction_isolation",
        Type::Enum(LEVELS),
        "read committed",
        "Sets the current transaction's isolation level.",
    ),
    open("transaction_read_only", Type::Bool, "on", "Sets the current transaction's read-only status."),
    open("work_mem", Type::Kilobytes, "4096", "Sets the maximum memory to be used for query workspaces."),
    open(
        "xmloption",
        Type::Enum(&["content", "document"]),
        "content",
        "Sets whether XML data is to be considered as documents or content fragments.",
    ),
    open(
        "seq_page_cost",
        Type::Real,
        "1",
        "Sets the planner's estimate of the cost of a sequentially fetched disk page.",
    ),
    open(
        "random_page_cost",
        Type::Real,
        "4",
        "Sets the planner's estimate of the cost of a nonsequentially fetched disk page.",
    ),
];
