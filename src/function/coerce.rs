//! Which types turn into which, and when: `pg_cast`, type categories and preferred types.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::function::{Cast, CastContext, registry};
use crate::pgtype::types::PgType;

/// `pg_type.typcategory`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the category of that name")]
pub enum Category {
    Array,
    Boolean,
    DateTime,
    Numeric,
    Pseudo,
    String,
    Timespan,
    UserDefined,
    Unknown,
    Internal,
}

/// The category of a type.
pub fn category(ty: PgType) -> Category {
    use PgType::{
        Bool, Bpchar, Char, Date, Float4, Float8, Int2, Int4, Int8, Interval, Name, Numeric, Record, Text, Time,
        Timestamp, Timestamptz, Unknown, Varchar, Void,
    };
    match ty {
        Bool => Category::Boolean,
        Int2 | Int4 | Int8 | Float4 | Float8 | Numeric => Category::Numeric,
        Text | Varchar | Bpchar | Name => Category::String,
        Date | Time | Timestamp | Timestamptz => Category::DateTime,
        Interval => Category::Timespan,
        Unknown => Category::Unknown,
        Record | Void => Category::Pseudo,
        Char => Category::Internal,
        PgType::Array(_) | PgType::Int2vector | PgType::Oidvector => Category::Array,
        oid if oid.is_oid() && !matches!(oid, PgType::Xid | PgType::Cid) => Category::Numeric,
        _ => Category::UserDefined,
    }
}

/// `pg_type.typispreferred`
pub fn is_preferred(ty: PgType) -> bool {
    use PgType::{Bool, Float8, Interval, Oid, Text, Timestamptz};
    matches!(ty, Bool | Float8 | Oid | Text | Timestamptz | Interval)
}

/// How a value of one type becomes one of another.
#[derive(Clone, Copy, Debug)]
pub enum Path {
    /// It is one already.
    Relabel,
    /// By a function.
    Function(&'static Cast),
    /// By writing it as text and reading that.
    Text,
    /// Element by element.
    Elements,
}

/// Pairs that share their values: a cast only changes the name. What `char(n)` and `varchar(n)` cut is another matter.
const RELABELED: &[(PgType, PgType, CastContext)] = &[
    (PgType::Text, PgType::Varchar, CastContext::Implicit),
    (PgType::Varchar, PgType::Text, CastContext::Implicit),
    (PgType::Text, PgType::Bpchar, CastContext::Implicit),
    (PgType::Varchar, PgType::Bpchar, CastContext::Implicit),
    (PgType::PgNodeTree, PgType::Text, CastContext::Implicit),
    (PgType::Regclass, PgType::Oid, CastContext::Implicit),
    (PgType::Oid, PgType::Regclass, CastContext::Implicit),
    (PgType::Regtype, PgType::Oid, CastContext::Implicit),
    (PgType::Oid, PgType::Regtype, CastContext::Implicit),
    (PgType::Regproc, PgType::Oid, CastContext::Implicit),
    (PgType::Oid, PgType::Regproc, CastContext::Implicit),
    (PgType::Regnamespace, PgType::Oid, CastContext::Implicit),
    (PgType::Oid, PgType::Regnamespace, CastContext::Implicit),
    (PgType::Regrole, PgType::Oid, CastContext::Implicit),
    (PgType::Oid, PgType::Regrole, CastContext::Implicit),
];

static CASTS: LazyLock<HashMap<(PgType, PgType), &'static Cast>> = LazyLock::new(|| {
    let pair = |cast: &'static Cast| Some(((PgType::from_name(cast.from)?, PgType::from_name(cast.to)?), cast));
    registry::casts().filter_map(pair).collect()
});

/// How `from` becomes `to` where `context` allows it.
pub fn path(from: PgType, to: PgType, context: CastContext) -> Option<Path> {
    if from == to {
        return Some(Path::Relabel);
    }
    if RELABELED.iter().any(|(own, other, when)| *own == from && *other == to && *when <= context) {
        return Some(Path::Relabel);
    }
    if let Some(cast) = CASTS.get(&(from, to)) {
        return (cast.context <= context).then_some(Path::Function(cast));
    }
    if let (PgType::Array(own), PgType::Array(other)) = (from, to) {
        return path(*own, *other, context).map(|_| Path::Elements);
    }
    let is_text = |ty: PgType| category(ty) == Category::String;
    let is_value = |ty: PgType| !matches!(ty, PgType::Void);
    let through_text = (is_text(to) && is_value(from) && context >= CastContext::Assignment)
        || (is_text(from) && !matches!(to, PgType::Record | PgType::Void) && context == CastContext::Explicit);
    through_text.then_some(Path::Text)
}

/// Whether `from` is taken for `to` without a written cast.
pub fn is_implicit(from: PgType, to: PgType) -> bool {
    from == PgType::Unknown || path(from, to, CastContext::Implicit).is_some()
}

/// The type that values of all these types become in UNION, CASE, COALESCE, VALUES and ARRAY; `None` if there is none.
/// Literals without a type do not count, unless there are only such: then it is text.
pub fn common(types: impl IntoIterator<Item = PgType>) -> Result<PgType, (PgType, PgType)> {
    let mut chosen = PgType::Unknown;
    for ty in types {
        if ty == PgType::Unknown || ty == chosen {
            continue;
        }
        if chosen == PgType::Unknown {
            chosen = ty;
            continue;
        }
        if category(ty) != category(chosen) {
            return Err((chosen, ty));
        }
        if !is_preferred(chosen) && is_implicit(chosen, ty) && !is_implicit(ty, chosen) {
            chosen = ty;
        }
    }
    Ok(if chosen == PgType::Unknown { PgType::Text } else { chosen })
}
