//! The one error of the crate: what went wrong, what the client is told, and which SQLSTATE it carries.
//!
//! Style of the texts is PostgreSQL's: the message starts in lower case and has no full stop; detail and hint are
//! sentences; the hint says what to do. The mapping from [`Kind`] to SQLSTATE stands here and nowhere else.

use std::fmt;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error as a client sees it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What happened, hence the SQLSTATE.
    pub kind: Kind,
    /// One line, lower case, no full stop.
    pub message: String,
    /// What more there is to know, in sentences.
    pub detail: Option<String>,
    /// What to do about it, in sentences.
    pub hint: Option<String>,
    /// 1-based character offset into the statement text.
    pub position: Option<usize>,
}

/// What happened. Each kind is one SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text that is not SQL.
    Syntax,
    /// A table that does not exist.
    UndefinedTable,
    /// A column that does not exist.
    UndefinedColumn,
    /// A name that more than one column has.
    AmbiguousColumn,
    /// A function, or one with these argument types, that does not exist.
    UndefinedFunction,
    /// A schema that does not exist.
    UndefinedSchema,
    /// A type, setting or other object that does not exist.
    UndefinedObject,
    /// A parameter `$n` that was not given.
    UndefinedParameter,
    /// A column neither grouped nor aggregated.
    Grouping,
    /// Types that do not go together.
    DatatypeMismatch,
    /// A parameter or literal whose type cannot be told.
    IndeterminateDatatype,
    /// Valid SQL that the gateway does not carry out.
    FeatureNotSupported,
    /// An attempt to write.
    ReadOnly,
    /// Division by zero.
    DivisionByZero,
    /// A number outside its type.
    NumericOutOfRange,
    /// Text that is not a value of its type.
    InvalidText,
    /// An escape in a text that stands for no character of PostgreSQL's.
    UntranslatableCharacter,
    /// A cast between two types that there is not.
    CannotCoerce,
    /// Text that is not a date or time.
    InvalidDatetime,
    /// A date or time outside its type.
    DatetimeOverflow,
    /// A text longer than its type allows.
    StringLength,
    /// NULL where a value is needed.
    NullNotAllowed,
    /// A time zone offset outside its range.
    InvalidTimeZone,
    /// A negative length of a part of a text.
    SubstringLength,
    /// A window frame's offset that is negative or NULL.
    InvalidPreceding,
    /// An argument of `ntile` that is not positive.
    InvalidNtile,
    /// An interval outside its range.
    IntervalFieldOverflow,
    /// An argument of `nth_value` that is not positive.
    InvalidNthValue,
    /// A logarithm of zero or of a negative number.
    InvalidLogarithm,
    /// A power that is no real number, or a root of a negative number.
    InvalidPower,
    /// Bounds or a count that `width_bucket` does not take.
    InvalidWidthBucket,
    /// A text that is no regular expression.
    InvalidRegularExpression,
    /// A negative LIMIT.
    InvalidLimit,
    /// A negative OFFSET.
    InvalidOffset,
    /// A pattern that ends in its escape character, or an escape that is no single character.
    InvalidEscape,
    /// More of a pattern's escaped double quotes than it may have.
    EscapeUse,
    /// A JSON object key that is NULL or stands twice.
    DuplicateJsonKey,
    /// Text that is no JSON.
    InvalidJson,
    /// A JSON value that a function or path does not take.
    JsonValue,
    /// A sequence of JSON items where a single one of some type is wanted.
    JsonSingletonRequired,
    /// A JSON item that is no number where one is wanted.
    NonNumericJsonItem,
    /// A JSON item that is no array.
    JsonArrayNotFound,
    /// A JSON item that has no such member.
    JsonMemberNotFound,
    /// A JSON item that is not a number, as an operand.
    JsonNumberNotFound,
    /// A JSON item that is no object.
    JsonObjectNotFound,
    /// An array subscript or dimension that does not fit.
    ArraySubscript,
    /// A call that more than one function or operator fits.
    AmbiguousFunction,
    /// A table name that stands twice in FROM.
    DuplicateAlias,
    /// A column name that stands twice where it must not.
    DuplicateColumn,
    /// An ORDER BY, GROUP BY or DISTINCT item that refers to nothing.
    InvalidColumnReference,
    /// A recursive query that PostgreSQL does not take.
    InvalidRecursion,
    /// A window that does not exist or stands where it must not.
    Windowing,
    /// A function or relation used as another kind of object.
    WrongObjectType,
    /// A name that is none.
    InvalidName,
    /// A binary value that is not one of its type.
    InvalidBinary,
    /// A value that a setting or function does not take.
    InvalidParameterValue,
    /// A setting that a session cannot change.
    CantChangeRuntimeParam,
    /// Bytes that are not UTF-8.
    CharacterNotInRepertoire,
    /// A subquery that gave more than one row where one is wanted.
    Cardinality,
    /// A password, user or database that was refused.
    InvalidPassword,
    /// A user that may not connect in this way.
    InvalidAuthorization,
    /// An object the user may not see.
    InsufficientPrivilege,
    /// A message that breaks the wire protocol.
    Protocol,
    /// A statement in a transaction that has failed.
    InFailedTransaction,
    /// A transaction command inside a transaction.
    ActiveTransaction,
    /// A transaction command outside a transaction.
    NoActiveTransaction,
    /// A prepared statement that does not exist.
    UndefinedStatement,
    /// A prepared statement that exists already.
    DuplicateStatement,
    /// A cursor or portal that does not exist.
    UndefinedCursor,
    /// A cursor or portal that exists already.
    DuplicateCursor,
    /// CREATE TABLE of what cannot be.
    InvalidTableDefinition,
    /// A table that exists already.
    DuplicateTable,
    /// NULL for a column that takes none.
    NotNullViolation,
    /// DECLARE with options that do not go together.
    InvalidCursorDefinition,
    /// A cursor or other object that is not in the state for what is asked of it.
    ObjectState,
    /// A savepoint that does not exist.
    UndefinedSavepoint,
    /// Cancelled by the client or by `statement_timeout`.
    QueryCanceled,
    /// A session idle in a transaction for too long.
    IdleInTransactionTimeout,
    /// A session idle for too long.
    IdleSessionTimeout,
    /// The gateway is shutting down.
    AdminShutdown,
    /// All connections are taken.
    TooManyConnections,
    /// The query's memory is used up.
    OutOfMemory,
    /// A limit of the configuration: calls of a statement, size of a body.
    ConfigurationLimit,
    /// Something that another process holds.
    ObjectInUse,
    /// A file that cannot be read or written.
    Io,
    /// A limit that the upstream sets and that cannot be read past.
    ProgramLimit,
    /// A statement nested or chained too deeply.
    StatementTooComplex,
    /// The upstream cannot be reached.
    UpstreamConnection,
    /// The upstream refused the credential (401, 403).
    UpstreamAuthorization,
    /// The upstream does not know what was asked for (404, 422).
    UpstreamRequest,
    /// The upstream asked to slow down and the statement cannot wait (429).
    UpstreamQuota,
    /// The upstream failed (5xx), or answered what cannot be read.
    UpstreamFault,
    /// The upstream cut its answer.
    UpstreamTruncated,
    /// A value from upstream that is not of its column's type.
    UpstreamData,
    /// The configuration of the gateway is at fault.
    Config,
    /// A fault of the gateway itself.
    Internal,
}

impl Kind {
    /// Returns the five-character SQLSTATE.
    pub fn sqlstate(self) -> &'static str {
        match self {
            Kind::Syntax => "42601",
            Kind::UndefinedTable => "42P01",
            Kind::UndefinedColumn => "42703",
            Kind::AmbiguousColumn => "42702",
            Kind::UndefinedFunction => "42883",
            Kind::UndefinedSchema => "3F000",
            Kind::UndefinedObject => "42704",
            Kind::UndefinedParameter => "42P02",
            Kind::Grouping => "42803",
            Kind::DatatypeMismatch => "42804",
            Kind::IndeterminateDatatype => "42P18",
            Kind::FeatureNotSupported => "0A000",
            Kind::ReadOnly => "25006",
            Kind::DivisionByZero => "22012",
            Kind::NumericOutOfRange => "22003",
            Kind::InvalidText => "22P02",
            Kind::UntranslatableCharacter => "22P05",
            Kind::CannotCoerce => "42846",
            Kind::InvalidDatetime => "22007",
            Kind::DatetimeOverflow => "22008",
            Kind::StringLength => "22001",
            Kind::NullNotAllowed => "22004",
            Kind::InvalidTimeZone => "22009",
            Kind::SubstringLength => "22011",
            Kind::InvalidPreceding => "22013",
            Kind::InvalidNtile => "22014",
            Kind::IntervalFieldOverflow => "22015",
            Kind::InvalidNthValue => "22016",
            Kind::InvalidLogarithm => "2201E",
            Kind::InvalidPower => "2201F",
            Kind::InvalidWidthBucket => "2201G",
            Kind::InvalidRegularExpression => "2201B",
            Kind::InvalidLimit => "2201W",
            Kind::InvalidOffset => "2201X",
            Kind::InvalidEscape => "22025",
            Kind::EscapeUse => "2200C",
            Kind::DuplicateJsonKey => "22030",
            Kind::InvalidJson => "22032",
            Kind::JsonValue => "22033",
            Kind::JsonSingletonRequired => "22038",
            Kind::NonNumericJsonItem => "22036",
            Kind::JsonArrayNotFound => "22039",
            Kind::JsonMemberNotFound => "2203A",
            Kind::JsonNumberNotFound => "2203B",
            Kind::JsonObjectNotFound => "2203C",
            Kind::ArraySubscript => "2202E",
            Kind::AmbiguousFunction => "42725",
            Kind::DuplicateAlias => "42712",
            Kind::DuplicateColumn => "42701",
            Kind::InvalidColumnReference => "42P10",
            Kind::InvalidRecursion => "42P19",
            Kind::Windowing => "42P20",
            Kind::WrongObjectType => "42809",
            Kind::InvalidName => "42602",
            Kind::InvalidBinary => "22P03",
            Kind::InvalidParameterValue => "22023",
            Kind::CantChangeRuntimeParam => "55P02",
            Kind::CharacterNotInRepertoire => "22021",
            Kind::Cardinality => "21000",
            Kind::InvalidPassword => "28P01",
            Kind::InvalidAuthorization => "28000",
            Kind::InsufficientPrivilege => "42501",
            Kind::Protocol => "08P01",
            Kind::InFailedTransaction => "25P02",
            Kind::ActiveTransaction => "25001",
            Kind::NoActiveTransaction => "25P01",
            Kind::UndefinedStatement => "26000",
            Kind::DuplicateStatement => "42P05",
            Kind::UndefinedCursor => "34000",
            Kind::DuplicateCursor => "42P03",
            Kind::InvalidTableDefinition => "42P16",
            Kind::DuplicateTable => "42P07",
            Kind::NotNullViolation => "23502",
            Kind::InvalidCursorDefinition => "42P11",
            Kind::ObjectState => "55000",
            Kind::ObjectInUse => "55006",
            Kind::Io => "58030",
            Kind::UndefinedSavepoint => "3B001",
            Kind::QueryCanceled => "57014",
            Kind::IdleInTransactionTimeout => "25P03",
            Kind::IdleSessionTimeout => "57P05",
            Kind::AdminShutdown => "57P01",
            Kind::TooManyConnections => "53300",
            Kind::OutOfMemory => "53200",
            Kind::ConfigurationLimit => "53400",
            Kind::ProgramLimit => "54000",
            Kind::StatementTooComplex => "54001",
            Kind::UpstreamConnection => "08001",
            Kind::UpstreamAuthorization => "HV00N",
            Kind::UpstreamRequest => "HV00P",
            Kind::UpstreamQuota => "53400",
            Kind::UpstreamFault => "HV000",
            Kind::UpstreamTruncated => "HV00L",
            Kind::UpstreamData => "HV004",
            Kind::Config => "F0000",
            Kind::Internal => "XX000",
        }
    }
}

impl Error {
    /// Makes an error with a message alone.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), detail: None, hint: None, position: None }
    }

    /// Adds the detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the 1-based character offset into the statement.
    #[must_use]
    pub fn position(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }

    /// A fault of the gateway itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(Kind::Internal, message)
    }

    /// Valid SQL that the gateway does not carry out; `what` names it.
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Error::new(Kind::FeatureNotSupported, format!("{what} is not supported"))
    }

    /// The statement was cancelled by the client.
    pub fn canceled() -> Self {
        Error::new(Kind::QueryCanceled, "canceling statement due to user request")
    }

    /// Returns the SQLSTATE.
    pub fn sqlstate(&self) -> &'static str {
        self.kind.sqlstate()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, "\nDETAIL:  {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nHINT:  {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
