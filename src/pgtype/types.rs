//! PostgreSQL's types as far as the gateway knows them: their numbers and names, and which one an Arrow column has.
//!
//! The numbers are those of `pg_type` in any PostgreSQL; clients have them compiled in.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};

use crate::error::{Error, Result};
use crate::model::table::PG_TYPE;

/// A PostgreSQL type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the type of that name")]
pub enum PgType {
    Bool,
    Bytea,
    /// `"char"`, one byte; not `character(1)`.
    Char,
    Name,
    Int8,
    Int2,
    Int2vector,
    Int4,
    Regproc,
    Text,
    Oid,
    Tid,
    Xid,
    Cid,
    Oidvector,
    Json,
    Xml,
    PgNodeTree,
    Float4,
    Float8,
    Unknown,
    Inet,
    Aclitem,
    Bpchar,
    Varchar,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    Numeric,
    Regprocedure,
    Regoper,
    Regoperator,
    Regclass,
    Regtype,
    Record,
    Anyarray,
    Void,
    Uuid,
    PgLsn,
    Jsonb,
    Regnamespace,
    Regrole,
    Xid8,
    /// An array of any dimension.
    Array(&'static PgType),
}

/// What `pg_type` holds of one type.
struct Entry {
    ty: PgType,
    oid: u32,
    array_oid: u32,
    typlen: i16,
    typname: &'static str,
    /// The array's `typname`.
    array: &'static str,
    /// As `format_type` prints it.
    name: &'static str,
    array_name: &'static str,
}

macro_rules! entries {
    ($($ty:ident $oid:literal $array_oid:literal $typlen:literal $typname:literal $name:literal;)*) => {
        const ENTRIES: &[Entry] = &[$(Entry {
            ty: PgType::$ty,
            oid: $oid,
            array_oid: $array_oid,
            typlen: $typlen,
            typname: $typname,
            array: concat!("_", $typname),
            name: $name,
            array_name: concat!($name, "[]"),
        }),*];
    };
}

// In the order of the enum, so that a type's discriminant is its index; a test holds this.
entries! {
    Bool 16 1000 1 "bool" "boolean";
    Bytea 17 1001 -1 "bytea" "bytea";
    Char 18 1002 1 "char" "\"char\"";
    Name 19 1003 64 "name" "name";
    Int8 20 1016 8 "int8" "bigint";
    Int2 21 1005 2 "int2" "smallint";
    Int2vector 22 1006 -1 "int2vector" "int2vector";
    Int4 23 1007 4 "int4" "integer";
    Regproc 24 1008 4 "regproc" "regproc";
    Text 25 1009 -1 "text" "text";
    Oid 26 1028 4 "oid" "oid";
    Tid 27 1010 6 "tid" "tid";
    Xid 28 1011 4 "xid" "xid";
    Cid 29 1012 4 "cid" "cid";
    Oidvector 30 1013 -1 "oidvector" "oidvector";
    Json 114 199 -1 "json" "json";
    Xml 142 143 -1 "xml" "xml";
    PgNodeTree 194 0 -1 "pg_node_tree" "pg_node_tree";
    Float4 700 1021 4 "float4" "real";
    Float8 701 1022 8 "float8" "double precision";
    Unknown 705 0 -2 "unknown" "unknown";
    Inet 869 1041 -1 "inet" "inet";
    Aclitem 1033 1034 12 "aclitem" "aclitem";
    Bpchar 1042 1014 -1 "bpchar" "character";
    Varchar 1043 1015 -1 "varchar" "character varying";
    Date 1082 1182 4 "date" "date";
    Time 1083 1183 8 "time" "time without time zone";
    Timestamp 1114 1115 8 "timestamp" "timestamp without time zone";
    Timestamptz 1184 1185 8 "timestamptz" "timestamp with time zone";
    Interval 1186 1187 16 "interval" "interval";
    Numeric 1700 1231 -1 "numeric" "numeric";
    Regprocedure 2202 2207 4 "regprocedure" "regprocedure";
    Regoper 2203 2208 4 "regoper" "regoper";
    Regoperator 2204 2209 4 "regoperator" "regoperator";
    Regclass 2205 2210 4 "regclass" "regclass";
    Regtype 2206 2211 4 "regtype" "regtype";
    Record 2249 2287 -1 "record" "record";
    Anyarray 2277 0 -1 "anyarray" "anyarray";
    Void 2278 0 4 "void" "void";
    Uuid 2950 2951 16 "uuid" "uuid";
    PgLsn 3220 3221 8 "pg_lsn" "pg_lsn";
    Jsonb 3802 3807 -1 "jsonb" "jsonb";
    Regnamespace 4089 4090 4 "regnamespace" "regnamespace";
    Regrole 4096 4097 4 "regrole" "regrole";
    Xid8 5069 271 8 "xid8" "xid8";
}

impl PgType {
    /// All types but arrays, by ascending OID.
    pub fn scalars() -> impl Iterator<Item = PgType> {
        ENTRIES.iter().map(|entry| entry.ty)
    }

    fn entry(self) -> &'static Entry {
        let scalar = if let PgType::Array(element) = self { *element } else { self };
        ENTRIES.iter().find(|entry| entry.ty == scalar).unwrap_or(&ENTRIES[0])
    }

    /// The number of the type.
    pub fn oid(self) -> u32 {
        if self.is_array() { self.entry().array_oid } else { self.entry().oid }
    }

    /// The number of the array of this type; 0 if there is none, as for an array, whose arrays have its own type.
    pub fn array_oid(self) -> u32 {
        if self.is_array() { 0 } else { self.entry().array_oid }
    }

    /// Bytes of a value, -1 if they vary.
    pub fn typlen(self) -> i16 {
        if self.is_array() { -1 } else { self.entry().typlen }
    }

    /// The name as `format_type` prints it: `timestamp with time zone`.
    pub fn name(self) -> &'static str {
        if self.is_array() { self.entry().array_name } else { self.entry().name }
    }

    /// The name in `pg_type`: `timestamptz`, `_timestamptz`.
    pub fn typname(self) -> &'static str {
        if self.is_array() { self.entry().array } else { self.entry().typname }
    }

    /// The array of this type; an array is its own.
    pub fn array(self) -> PgType {
        if self.is_array() { self } else { PgType::Array(&self.entry().ty) }
    }

    /// The type of an array's elements.
    pub fn element(self) -> Option<PgType> {
        match self {
            PgType::Array(element) => Some(*element),
            PgType::Int2vector => Some(PgType::Int2),
            PgType::Oidvector => Some(PgType::Oid),
            _ => None,
        }
    }

    /// Whether it is an array; the two vectors are not.
    pub fn is_array(self) -> bool {
        matches!(self, PgType::Array(_))
    }

    /// Whether the value is a 4-byte object number, shown as a number or as a name.
    pub fn is_oid(self) -> bool {
        use PgType::{
            Cid, Oid, Regclass, Regnamespace, Regoper, Regoperator, Regproc, Regprocedure, Regrole, Regtype, Xid,
        };
        matches!(
            self,
            Oid | Xid
                | Cid
                | Regproc
                | Regprocedure
                | Regoper
                | Regoperator
                | Regclass
                | Regtype
                | Regnamespace
                | Regrole
        )
    }

    /// Whether the binary form is the text itself.
    pub fn is_text(self) -> bool {
        use PgType::{Anyarray, Bpchar, Json, Name, PgNodeTree, Text, Unknown, Varchar, Xml};
        matches!(self, Name | Text | Varchar | Bpchar | Unknown | Json | Xml | PgNodeTree | Anyarray)
    }

    /// The type of that number.
    pub fn from_oid(oid: u32) -> Option<PgType> {
        let entry = ENTRIES.iter().find(|entry| oid != 0 && (entry.oid == oid || entry.array_oid == oid))?;
        Some(if entry.oid == oid { entry.ty } else { PgType::Array(&entry.ty) })
    }

    /// The type of that name: `int4`, `integer`, `_int4` or `integer[]`. What SQL calls `char` is not `"char"`, but in
    /// `pg_type` and in the metadata it is.
    pub fn from_name(name: &str) -> Option<PgType> {
        let scalar = |name: &str| ENTRIES.iter().find(|entry| entry.typname == name || entry.name == name);
        if let Some(entry) = scalar(name) {
            return Some(entry.ty);
        }
        let element = name.strip_prefix('_').or_else(|| name.strip_suffix("[]"))?;
        scalar(element).filter(|entry| entry.array_oid != 0).map(|entry| PgType::Array(&entry.ty))
    }

    /// The type of an Arrow column: what its metadata names, else what follows from its Arrow type.
    pub fn of(field: &Field) -> Result<PgType> {
        let Some(name) = field.metadata().get(PG_TYPE) else { return of_arrow(field.data_type()) };
        let named = PgType::from_name(name)
            .ok_or_else(|| Error::internal(format!("column \"{}\" has unknown type \"{name}\"", field.name())))?;
        // A list may be tagged with the type of its elements.
        let is_scalar = !named.is_array() && named.element().is_none();
        let is_list = matches!(
            field.data_type(),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) | DataType::ListView(_)
        );
        Ok(if is_list && is_scalar { named.array() } else { named })
    }

    /// The Arrow type that holds a value of this type when it comes as a parameter.
    pub fn arrow(self) -> DataType {
        match self {
            PgType::Bool => DataType::Boolean,
            PgType::Bytea => DataType::Binary,
            PgType::Int2 => DataType::Int16,
            PgType::Int4 => DataType::Int32,
            PgType::Int8 => DataType::Int64,
            PgType::Float4 => DataType::Float32,
            PgType::Float8 => DataType::Float64,
            PgType::Date => DataType::Date32,
            PgType::Time => DataType::Time64(TimeUnit::Microsecond),
            PgType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            PgType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            PgType::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            PgType::Numeric => DataType::Decimal128(38, 10),
            PgType::Array(element) => DataType::List(Arc::new(Field::new_list_field(element.arrow(), true))),
            PgType::Int2vector => DataType::List(Arc::new(Field::new_list_field(DataType::Int16, true))),
            PgType::Oidvector => DataType::List(Arc::new(Field::new_list_field(DataType::UInt32, true))),
            oid if oid.is_oid() => DataType::UInt32,
            _ => DataType::Utf8,
        }
    }
}

fn of_arrow(data_type: &DataType) -> Result<PgType> {
    use DataType as D;
    Ok(match data_type {
        D::Null | D::Utf8 | D::LargeUtf8 | D::Utf8View => PgType::Text,
        D::Boolean => PgType::Bool,
        D::Int8 | D::Int16 | D::UInt8 => PgType::Int2,
        D::Int32 | D::UInt16 => PgType::Int4,
        D::Int64 | D::UInt32 => PgType::Int8,
        D::UInt64 | D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => PgType::Numeric,
        D::Float32 => PgType::Float4,
        D::Float64 => PgType::Float8,
        D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => PgType::Bytea,
        D::Date32 => PgType::Date,
        D::Date64 | D::Timestamp(_, None) => PgType::Timestamp,
        D::Timestamp(_, Some(_)) => PgType::Timestamptz,
        D::Time32(_) | D::Time64(_) => PgType::Time,
        D::Interval(_) | D::Duration(_) => PgType::Interval,
        // A list of lists is an array of more dimensions, not an array of arrays.
        D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _) => PgType::of(item)?.array(),
        D::Dictionary(_, value) => of_arrow(value)?,
        D::Struct(_) => PgType::Record,
        other => return Err(Error::unsupported(format!("a column of type {other}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for ty in PgType::scalars() {
            assert_eq!(PgType::from_oid(ty.oid()), Some(ty));
            assert_eq!(PgType::from_name(ty.typname()), Some(ty));
            assert_eq!(PgType::from_name(ty.name()), Some(ty));
            if ty.array_oid() != 0 {
                let array = ty.array();
                assert_eq!((PgType::from_oid(array.oid()), array.element()), (Some(array), Some(ty)));
                assert_eq!(PgType::from_name(array.typname()), Some(array));
                assert_eq!(PgType::from_name(array.name()), Some(array));
            }
        }
        assert_eq!(PgType::from_oid(0), None);
        assert_eq!(PgType::from_oid(600), None);
        assert_eq!(
            (PgType::Timestamptz.name(), PgType::Timestamptz.array().typname()),
            ("timestamp with time zone", "_timestamptz")
        );
    }

    #[test]
    fn metadata_goes_before_the_arrow_type() {
        let tagged = |data_type: DataType, tag: &str| {
            PgType::of(&Field::new("c", data_type, true).with_metadata([(PG_TYPE.to_owned(), tag.to_owned())].into()))
        };
        let list = DataType::new_list(DataType::Utf8, true);
        assert_eq!(tagged(DataType::Utf8, "jsonb"), Ok(PgType::Jsonb));
        assert_eq!(tagged(list.clone(), "name"), Ok(PgType::Name.array()));
        assert_eq!(tagged(list.clone(), "_name"), Ok(PgType::Name.array()));
        assert_eq!(tagged(list.clone(), "int2vector"), Ok(PgType::Int2vector));
        assert_eq!(PgType::of(&Field::new("c", list, true)), Ok(PgType::Text.array()));
        assert!(tagged(DataType::Utf8, "nonsense").is_err());
        let map = DataType::Map(Arc::new(Field::new("entries", DataType::Null, true)), false);
        assert_eq!(PgType::of(&Field::new("c", map, true)).unwrap_err().sqlstate(), "0A000");
    }
}
