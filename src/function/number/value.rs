//! Values taken out of [`Datum`]s and put back, and tables of functions of such values.

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::function::numeric::Numeric;

/// What an argument is taken as.
pub(super) trait Take<'d>: Sized {
    /// The value, if it is of this type.
    fn take(datum: &'d Datum<'_>) -> Option<Self>;
}

/// What a value is given as.
pub(super) trait Give {
    /// The value as one of its type.
    fn give(self) -> Datum<'static>;
}

macro_rules! plain {
    ($($rust:ty, $variant:ident;)*) => {$(
        impl Take<'_> for $rust {
            fn take(datum: &Datum<'_>) -> Option<Self> {
                match datum {
                    Datum::$variant(value) => Some(*value),
                    _ => None,
                }
            }
        }

        impl Give for $rust {
            fn give(self) -> Datum<'static> {
                Datum::$variant(self)
            }
        }
    )*};
}

plain! {
    bool, Bool;
    i16, Int2;
    i32, Int4;
    i64, Int8;
    u32, Oid;
    f32, Float4;
    f64, Float8;
}

impl<'d> Take<'d> for &'d Numeric {
    fn take(datum: &'d Datum<'_>) -> Option<Self> {
        match datum {
            Datum::Numeric(value) => Some(value),
            _ => None,
        }
    }
}

impl Give for Numeric {
    fn give(self) -> Datum<'static> {
        Datum::Numeric(self)
    }
}

impl Give for String {
    fn give(self) -> Datum<'static> {
        Datum::text(self)
    }
}

impl<T: Give> Give for Option<T> {
    fn give(self) -> Datum<'static> {
        self.map_or(Datum::Null, Give::give)
    }
}

/// The argument at `index`.
pub(super) fn take<'d, T: Take<'d>>(args: &'d [Datum<'_>], index: usize) -> Result<T> {
    args.get(index).and_then(T::take).ok_or_else(|| Error::internal("an argument is not of the type of its function"))
}

/// The type that a PostgreSQL type is taken as.
macro_rules! rust {
    (bool) => {
        bool
    };
    (int2) => {
        i16
    };
    (int4) => {
        i32
    };
    (int8) => {
        i64
    };
    (oid) => {
        u32
    };
    (float4) => {
        f32
    };
    (float8) => {
        f64
    };
    (numeric) => {
        &Numeric
    };
}

/// A function of one or more values: `name(types) -> result = function`, where the Rust function may fail.
macro_rules! function {
    ($name:literal, ($a:ident) -> $result:literal, $function:expr) => {
        strict($name, stringify!($a), $result, |args, _| {
            let function = $function;
            Ok(function(take::<rust!($a)>(args, 0)?)?.give())
        })
    };
    ($name:literal, ($a:ident, $b:ident) -> $result:literal, $function:expr) => {
        strict($name, concat!(stringify!($a), " ", stringify!($b)), $result, |args, _| {
            let function = $function;
            Ok(function(take::<rust!($a)>(args, 0)?, take::<rust!($b)>(args, 1)?)?.give())
        })
    };
    ($name:literal, ($a:ident, $b:ident, $c:ident, $d:ident) -> $result:literal, $function:expr) => {
        strict(
            $name,
            concat!(stringify!($a), " ", stringify!($b), " ", stringify!($c), " ", stringify!($d)),
            $result,
            |args, _| {
                let function = $function;
                let (a, b) = (take::<rust!($a)>(args, 0)?, take::<rust!($b)>(args, 1)?);
                Ok(function(a, b, take::<rust!($c)>(args, 2)?, take::<rust!($d)>(args, 3)?)?.give())
            },
        )
    };
}

/// The same of functions that cannot fail.
macro_rules! total {
    ($name:literal, ($a:ident) -> $result:literal, $function:expr) => {
        strict($name, stringify!($a), $result, |args, _| {
            let function = $function;
            Ok(function(take::<rust!($a)>(args, 0)?).give())
        })
    };
    ($name:literal, ($a:ident, $b:ident) -> $result:literal, $function:expr) => {
        strict($name, concat!(stringify!($a), " ", stringify!($b)), $result, |args, _| {
            let function = $function;
            Ok(function(take::<rust!($a)>(args, 0)?, take::<rust!($b)>(args, 1)?).give())
        })
    };
}
