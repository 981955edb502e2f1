//! Which aggregates there are.

use crate::error::Result;
use crate::function::aggregate::bits::{Bits, Logic};
use crate::function::aggregate::exact::{IntSum, Numbers};
use crate::function::aggregate::extreme::Extreme;
use crate::function::aggregate::float::{DoubleSum, PairCount, Pairs, RealSum, Spread};
use crate::function::aggregate::gather::{Bytes, First, Items, Strings};
use crate::function::aggregate::hypothetical::{Function, Hypothetical};
use crate::function::aggregate::json::{List, Map, Object};
use crate::function::aggregate::ordered::{Mode, Percentile};
use crate::function::aggregate::span::Spans;
use crate::function::datum::Datum;
use crate::function::{Aggregate, State};
use crate::pgtype::style::Style;

type Make = fn(&[Datum<'_>], &Style) -> Result<Box<dyn State>>;

const fn strict(name: &'static str, args: &'static str, result: &'static str, make: Make) -> Aggregate {
    Aggregate { name, direct: None, args, result, strict: true, make }
}

const fn lax(name: &'static str, args: &'static str, result: &'static str, make: Make) -> Aggregate {
    Aggregate { name, direct: None, args, result, strict: false, make }
}

const fn ordered(name: &'static str, direct: usize, args: &'static str, result: &'static str, make: Make) -> Aggregate {
    Aggregate { name, direct: Some(direct), args, result, strict: true, make }
}

/// PostgreSQL takes any number of arguments; here it is one.
const fn hypothetical(name: &'static str, result: &'static str, make: Make) -> Aggregate {
    Aggregate { name, direct: Some(1), args: "anycompatible anycompatible", result, strict: false, make }
}

/// All of them but `count`.
pub const AGGREGATES: &[Aggregate] = &[
    strict("sum", "int2", "int8", |_, _| Ok(Box::new(IntSum::default()))),
    strict("sum", "int4", "int8", |_, _| Ok(Box::new(IntSum::default()))),
    strict("sum", "int8", "numeric", |_, _| Numbers::sum()),
    strict("sum", "numeric", "numeric", |_, _| Numbers::sum()),
    strict("sum", "float4", "float4", |_, _| Ok(Box::new(RealSum::default()))),
    strict("sum", "float8", "float8", |_, _| Ok(Box::new(DoubleSum::default()))),
    strict("sum", "interval", "interval", |_, _| Spans::sum()),
    strict("avg", "int2", "numeric", |_, _| Numbers::avg()),
    strict("avg", "int4", "numeric", |_, _| Numbers::avg()),
    strict("avg", "int8", "numeric", |_, _| Numbers::avg()),
    strict("avg", "numeric", "numeric", |_, _| Numbers::avg()),
    strict("avg", "float4", "float8", |_, _| Spread::avg()),
    strict("avg", "float8", "float8", |_, _| Spread::avg()),
    strict("avg", "interval", "interval", |_, _| Spans::avg()),
    strict("stddev", "int2", "numeric", |_, _| Numbers::stddev_samp()),
    strict("stddev", "int4", "numeric", |_, _| Numbers::stddev_samp()),
    strict("stddev", "int8", "numeric", |_, _| Numbers::stddev_samp()),
    strict("stddev", "numeric", "numeric", |_, _| Numbers::stddev_samp()),
    strict("stddev", "float4", "float8", |_, _| Spread::stddev_samp()),
    strict("stddev", "float8", "float8", |_, _| Spread::stddev_samp()),
    strict("stddev_pop", "int2", "numeric", |_, _| Numbers::stddev_pop()),
    strict("stddev_pop", "int4", "numeric", |_, _| Numbers::stddev_pop()),
    strict("stddev_pop", "int8", "numeric", |_, _| Numbers::stddev_pop()),
    strict("stddev_pop", "numeric", "numeric", |_, _| Numbers::stddev_pop()),
    strict("stddev_pop", "float4", "float8", |_, _| Spread::stddev_pop()),
    strict("stddev_pop", "float8", "float8", |_, _| Spread::stddev_pop()),
    strict("stddev_samp", "int2", "numeric", |_, _| Numbers::stddev_samp()),
    strict("stddev_samp", "int4", "numeric", |_, _| Numbers::stddev_samp()),
    strict("stddev_samp", "int8", "numeric", |_, _| Numbers::stddev_samp()),
    strict("stddev_samp", "numeric", "numeric", |_, _| Numbers::stddev_samp()),
    strict("stddev_samp", "float4", "float8", |_, _| Spread::stddev_samp()),
    strict("stddev_samp", "float8", "float8", |_, _| Spread::stddev_samp()),
    strict("variance", "int2", "numeric", |_, _| Numbers::var_samp()),
    strict("variance", "int4", "numeric", |_, _| Numbers::var_samp()),
    strict("variance", "int8", "numeric", |_, _| Numbers::var_samp()),
    strict("variance", "numeric", "numeric", |_, _| Numbers::var_samp()),
    strict("variance", "float4", "float8", |_, _| Spread::var_samp()),
    strict("variance", "float8", "float8", |_, _| Spread::var_samp()),
    strict("var_pop", "int2", "numeric", |_, _| Numbers::var_pop()),
    strict("var_pop", "int4", "numeric", |_, _| Numbers::var_pop()),
    strict("var_pop", "int8", "numeric", |_, _| Numbers::var_pop()),
    strict("var_pop", "numeric", "numeric", |_, _| Numbers::var_pop()),
    strict("var_pop", "float4", "float8", |_, _| Spread::var_pop()),
    strict("var_pop", "float8", "float8", |_, _| Spread::var_pop()),
    strict("var_samp", "int2", "numeric", |_, _| Numbers::var_samp()),
    strict("var_samp", "int4", "numeric", |_, _| Numbers::var_samp()),
    strict("var_samp", "int8", "numeric", |_, _| Numbers::var_samp()),
    strict("var_samp", "numeric", "numeric", |_, _| Numbers::var_samp()),
    strict("var_samp", "float4", "float8", |_, _| Spread::var_samp()),
    strict("var_samp", "float8", "float8", |_, _| Spread::var_samp()),
    strict("corr", "float8 float8", "float8", |_, _| Pairs::make(Pairs::corr)),
    strict("covar_pop", "float8 float8", "float8", |_, _| Pairs::make(Pairs::covar_pop)),
    strict("covar_samp", "float8 float8", "float8", |_, _| Pairs::make(Pairs::covar_samp)),
    strict("regr_avgx", "float8 float8", "float8", |_, _| Pairs::make(Pairs::regr_avgx)),
    strict("regr_avgy", "float8 float8", "float8", |_, _| Pairs::make(Pairs::regr_avgy)),
    strict("regr_intercept", "float8 float8", "float8", |_, _| Pairs::make(Pairs::regr_intercept)),
    strict("regr_r2", "float8 float8", "float8", |_, _| Pairs::make(Pairs::regr_r2)),
    strict("regr_slope", "float8 float8", "float8", |_, _| Pairs::make(Pairs::regr_slope)),
    strict("regr_sxx", "float8 float8", "float8", |_, _| Pairs::make(Pairs::regr_sxx)),
    strict("regr_sxy", "float8 float8", "float8", |_, _| Pairs::make(Pairs::regr_sxy)),
    strict("regr_syy", "float8 float8", "float8", |_, _| Pairs::make(Pairs::regr_syy)),
    strict("regr_count", "float8 float8", "int8", |_, _| Ok(Box::new(PairCount::default()))),
    strict("min", "anyarray", "anyarray", |_, _| Extreme::min()),
    strict("min", "date", "date", |_, _| Extreme::min()),
    strict("min", "float4", "float4", |_, _| Extreme::min()),
    strict("min", "float8", "float8", |_, _| Extreme::min()),
    strict("min", "int2", "int2", |_, _| Extreme::min()),
    strict("min", "int4", "int4", |_, _| Extreme::min()),
    strict("min", "int8", "int8", |_, _| Extreme::min()),
    strict("min", "interval", "interval", |_, _| Extreme::min()),
    strict("min", "numeric", "numeric", |_, _| Extreme::min()),
    strict("min", "oid", "oid", |_, _| Extreme::min()),
    strict("min", "text", "text", |_, _| Extreme::min()),
    strict("min", "time", "time", |_, _| Extreme::min()),
    strict("min", "timestamp", "timestamp", |_, _| Extreme::min()),
    strict("min", "timestamptz", "timestamptz", |_, _| Extreme::min()),
    strict("min", "bpchar", "bpchar", |_, _| Extreme::min_padded()),
    strict("max", "anyarray", "anyarray", |_, _| Extreme::max()),
    strict("max", "date", "date", |_, _| Extreme::max()),
    strict("max", "float4", "float4", |_, _| Extreme::max()),
    strict("max", "float8", "float8", |_, _| Extreme::max()),
    strict("max", "int2", "int2", |_, _| Extreme::max()),
    strict("max", "int4", "int4", |_, _| Extreme::max()),
    strict("max", "int8", "int8", |_, _| Extreme::max()),
    strict("max", "interval", "interval", |_, _| Extreme::max()),
    strict("max", "numeric", "numeric", |_, _| Extreme::max()),
    strict("max", "oid", "oid", |_, _| Extreme::max()),
    strict("max", "text", "text", |_, _| Extreme::max()),
    strict("max", "time", "time", |_, _| Extreme::max()),
    strict("max", "timestamp", "timestamp", |_, _| Extreme::max()),
    strict("max", "timestamptz", "timestamptz", |_, _| Extreme::max()),
    strict("max", "bpchar", "bpchar", |_, _| Extreme::max_padded()),
    strict("bit_and", "int2", "int2", |_, _| Bits::make(Logic::And)),
    strict("bit_and", "int4", "int4", |_, _| Bits::make(Logic::And)),
    strict("bit_and", "int8", "int8", |_, _| Bits::make(Logic::And)),
    strict("bit_or", "int2", "int2", |_, _| Bits::make(Logic::Or)),
    strict("bit_or", "int4", "int4", |_, _| Bits::make(Logic::Or)),
    strict("bit_or", "int8", "int8", |_, _| Bits::make(Logic::Or)),
    strict("bit_xor", "int2", "int2", |_, _| Bits::make(Logic::Xor)),
    strict("bit_xor", "int4", "int4", |_, _| Bits::make(Logic::Xor)),
    strict("bit_xor", "int8", "int8", |_, _| Bits::make(Logic::Xor)),
    strict("bool_and", "bool", "bool", |_, _| Bits::make(Logic::And)),
    strict("bool_or", "bool", "bool", |_, _| Bits::make(Logic::Or)),
    strict("every", "bool", "bool", |_, _| Bits::make(Logic::And)),
    lax("string_agg", "text text", "text", |_, _| Ok(Box::new(Strings::default()))),
    lax("string_agg", "bytea bytea", "bytea", |_, _| Ok(Box::new(Bytes::default()))),
    lax("array_agg", "anynonarray", "anyarray", |_, _| Ok(Box::new(Items::default()))),
    lax("json_agg", "json", "json", |_, _| List::json()),
    lax("json_agg_lines", "json", "json", |_, _| List::json_lines()),
    lax("jsonb_agg", "jsonb", "jsonb", |_, _| List::jsonb()),
    lax("json_object_agg", "text json", "json", |_, _| Ok(Box::new(Object::default()))),
    lax("jsonb_object_agg", "text jsonb", "jsonb", |_, _| Ok(Box::new(Map::default()))),
    lax("single_value", "anyelement", "anyelement", |_, _| First::single_value()),
    lax("first_of", "anyelement", "anyelement", |_, _| First::first_of()),
    ordered("percentile_cont", 1, "float8 float8", "float8", |direct, _| Percentile::cont(direct)),
    ordered("percentile_cont", 1, "float8 interval", "interval", |direct, _| Percentile::cont(direct)),
    ordered("percentile_cont", 1, "_float8 float8", "_float8", |direct, _| Percentile::cont_many(direct)),
    ordered("percentile_cont", 1, "_float8 interval", "_interval", |direct, _| Percentile::cont_many(direct)),
    ordered("percentile_disc", 1, "float8 anyelement", "anyelement", |direct, _| Percentile::disc(direct)),
    ordered("percentile_disc", 1, "_float8 anyelement", "anyarray", |direct, _| Percentile::disc_many(direct)),
    hypothetical("rank", "int8", |direct, _| Hypothetical::make(direct, Function::Rank)),
    hypothetical("dense_rank", "int8", |direct, _| Hypothetical::make(direct, Function::DenseRank)),
    hypothetical("percent_rank", "float8", |direct, _| Hypothetical::make(direct, Function::PercentRank)),
    hypothetical("cume_dist", "float8", |direct, _| Hypothetical::make(direct, Function::CumeDist)),
    ordered("mode", 0, "anyelement", "anyelement", |_, _| Ok(Box::new(Mode::default()))),
];
