//! The operators and functions over regular expressions.

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::regex::matches::{Search, matches, out_of_range, replace, split};
use crate::function::regex::options::Options;
use crate::function::regex::program::{Span, compile};
use crate::function::regex::similar::similar_to_escape;
use crate::function::text::args::{count, int4, offset, part, text};
use crate::function::{Function, SetFunction, strict};
use crate::pgtype::style::Style;

/// `~` and its like.
pub const OPERATORS: &[Function] = &[
    strict("~", "text text", "bool", matches_operator::<true, false>),
    strict("~", "bpchar text", "bool", matches_operator::<true, false>),
    strict("~", "name text", "bool", matches_operator::<true, false>),
    strict("~*", "text text", "bool", matches_operator::<true, true>),
    strict("~*", "bpchar text", "bool", matches_operator::<true, true>),
    strict("~*", "name text", "bool", matches_operator::<true, true>),
    strict("!~", "text text", "bool", matches_operator::<false, false>),
    strict("!~", "bpchar text", "bool", matches_operator::<false, false>),
    strict("!~", "name text", "bool", matches_operator::<false, false>),
    strict("!~*", "text text", "bool", matches_operator::<false, true>),
    strict("!~*", "bpchar text", "bool", matches_operator::<false, true>),
    strict("!~*", "name text", "bool", matches_operator::<false, true>),
];

/// The functions that give one value.
pub const FUNCTIONS: &[Function] = &[
    strict("regexp_count", "text text", "int4", regexp_count),
    strict("regexp_count", "text text int4", "int4", regexp_count),
    strict("regexp_count", "text text int4 text", "int4", regexp_count),
    strict("regexp_instr", "text text", "int4", regexp_instr),
    strict("regexp_instr", "text text int4", "int4", regexp_instr),
    strict("regexp_instr", "text text int4 int4", "int4", regexp_instr),
    strict("regexp_instr", "text text int4 int4 int4", "int4", regexp_instr),
    strict("regexp_instr", "text text int4 int4 int4 text", "int4", regexp_instr),
    strict("regexp_instr", "text text int4 int4 int4 text int4", "int4", regexp_instr),
    strict("regexp_like", "text text", "bool", regexp_like),
    strict("regexp_like", "text text text", "bool", regexp_like),
    strict("regexp_match", "text text", "text[]", regexp_match),
    strict("regexp_match", "text text text", "text[]", regexp_match),
    strict("regexp_replace", "text text text", "text", regexp_replace),
    strict("regexp_replace", "text text text text", "text", regexp_replace),
    strict("regexp_replace", "text text text int4", "text", regexp_replace_from),
    strict("regexp_replace", "text text text int4 int4", "text", regexp_replace_from),
    strict("regexp_replace", "text text text int4 int4 text", "text", regexp_replace_from),
    strict("regexp_split_to_array", "text text", "text[]", regexp_split_to_array),
    strict("regexp_split_to_array", "text text text", "text[]", regexp_split_to_array),
    strict("regexp_substr", "text text", "text", regexp_substr),
    strict("regexp_substr", "text text int4", "text", regexp_substr),
    strict("regexp_substr", "text text int4 int4", "text", regexp_substr),
    strict("regexp_substr", "text text int4 int4 text", "text", regexp_substr),
    strict("regexp_substr", "text text int4 int4 text int4", "text", regexp_substr),
    strict("similar_to_escape", "text", "text", similar_to),
    strict("similar_to_escape", "text text", "text", similar_to),
    strict("substring", "text text", "text", substring),
    strict("substring", "text text text", "text", substring_similar),
];

/// The functions that give rows.
pub const SETS: &[SetFunction] = &[
    set("regexp_matches", "text text", "text[]", regexp_matches),
    set("regexp_matches", "text text text", "text[]", regexp_matches),
    set("regexp_split_to_table", "text text", "text", regexp_split_to_table),
    set("regexp_split_to_table", "text text text", "text", regexp_split_to_table),
];

const fn set(
    name: &'static str,
    args: &'static str,
    columns: &'static str,
    rows: crate::function::Rows,
) -> SetFunction {
    SetFunction { name, args, columns, strict: true, rows }
}

fn matches_operator<'a, const WANTED: bool, const IGNORE_CASE: bool>(
    args: &[Datum<'a>],
    _: &Style,
) -> Result<Datum<'a>> {
    let options = if IGNORE_CASE { Options::ADVANCED_IGNORE_CASE } else { Options::ADVANCED };
    let program = compile(text(args, 1)?, options)?;
    Ok(Datum::Bool(program.is_match(text(args, 0)?)? == WANTED))
}

/// An `integer` argument that may be left out, and must not be less than `least`.
fn int_or(args: &[Datum<'_>], at: usize, default: i32, name: &str, least: i32) -> Result<i32> {
    let value = if at < args.len() { int4(args, at)? } else { default };
    if value < least { Err(out_of_range(name, value)) } else { Ok(value) }
}

/// The flags argument that may be left out.
fn flags(args: &[Datum<'_>], at: usize) -> Result<(Options, bool)> {
    if at < args.len() { Options::parse(text(args, at)?) } else { Ok((Options::ADVANCED, false)) }
}

/// The same for a function that does not take `g`.
fn flags_of(function: &str, args: &[Datum<'_>], at: usize) -> Result<Options> {
    let (options, global) = flags(args, at)?;
    if global {
        return Err(no_global(function));
    }
    Ok(options)
}

fn no_global(function: &str) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("{function}() does not support the \"global\" option"))
}

/// The byte that the 1-based place of a character is; `None` if it is past the end.
fn start_byte(subject: &str, start: i32) -> Option<usize> {
    let characters = usize::try_from(start).unwrap_or(1).saturating_sub(1);
    let is_within = characters <= subject.len() && (characters == 0 || characters <= subject.chars().count());
    is_within.then(|| offset(subject, characters))
}

/// All matches from a place on, which is a character counted from 1.
fn matches_from(args: &[Datum<'_>], options: Options, start: i32, groups: bool) -> Result<Vec<Vec<Option<Span>>>> {
    let subject = text(args, 0)?;
    let pattern = text(args, 1)?;
    let Some(start) = start_byte(subject, start) else {
        // A wrong expression is told even so.
        compile(pattern, options)?;
        return Ok(Vec::new());
    };
    matches(subject, pattern, options, Search { start, global: true, groups, no_empty_ends: false })
}

fn regexp_count<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let start = int_or(args, 2, 1, "start", 1)?;
    let options = flags_of("regexp_count", args, 3)?;
    Ok(count(matches_from(args, options, start, false)?.len()))
}

/// The part of the `nth` match that `group` names, if there is one.
fn nth_match(args: &[Datum<'_>], options: Options, start: i32, nth: i32, group: i32) -> Result<Option<Span>> {
    let all = matches_from(args, options, start, group > 0)?;
    let index = |number: i32| usize::try_from(number).unwrap_or(0).saturating_sub(1);
    Ok(all.get(index(nth)).and_then(|spans| spans.get(index(group))).copied().flatten())
}

fn regexp_instr<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let start = int_or(args, 2, 1, "start", 1)?;
    let nth = int_or(args, 3, 1, "n", 1)?;
    let end_option = int_or(args, 4, 0, "endoption", 0)?;
    if end_option > 1 {
        return Err(out_of_range("endoption", end_option));
    }
    let group = int_or(args, 6, 0, "subexpr", 0)?;
    let options = flags_of("regexp_instr", args, 5)?;
    let found = nth_match(args, options, start, nth, group)?;
    let Some((start, end)) = found else { return Ok(Datum::Int4(0)) };
    let at = if end_option == 1 { end } else { start };
    Ok(count(text(args, 0)?[..at].chars().count() + 1))
}

fn regexp_substr<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let start = int_or(args, 2, 1, "start", 1)?;
    let nth = int_or(args, 3, 1, "n", 1)?;
    let group = int_or(args, 5, 0, "subexpr", 0)?;
    let options = flags_of("regexp_substr", args, 4)?;
    match nth_match(args, options, start, nth, group)? {
        Some((start, end)) => part(args, 0, start..end),
        None => Ok(Datum::Null),
    }
}

fn regexp_like<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let options = flags_of("regexp_like", args, 2)?;
    Ok(Datum::Bool(compile(text(args, 1)?, options)?.is_match(text(args, 0)?)?))
}

fn groups<'a>(args: &[Datum<'a>], spans: Vec<Option<Span>>) -> Result<Datum<'a>> {
    let items = spans.into_iter().map(|span| match span {
        Some((start, end)) => part(args, 0, start..end),
        None => Ok(Datum::Null),
    });
    Ok(Datum::Array(items.collect::<Result<_>>()?))
}

fn regexp_match<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (options, global) = flags(args, 2)?;
    if global {
        return Err(no_global("regexp_match").hint("Use the regexp_matches function instead."));
    }
    let search = Search { start: 0, global: false, groups: true, no_empty_ends: false };
    match matches(text(args, 0)?, text(args, 1)?, options, search)?.pop() {
        Some(spans) => groups(args, spans),
        None => Ok(Datum::Null),
    }
}

fn regexp_matches<'a>(args: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    let (options, global) = flags(args, 2)?;
    let search = Search { start: 0, global, groups: true, no_empty_ends: false };
    let all = matches(text(args, 0)?, text(args, 1)?, options, search)?;
    all.into_iter().map(|spans| Ok(vec![groups(args, spans)?])).collect()
}

fn regexp_replace<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    if let Some(Datum::Text(flags)) = args.get(3)
        && let Some(digit) = flags.chars().next().filter(char::is_ascii_digit)
    {
        let message = format!("invalid regular expression option: \"{digit}\"");
        let hint = "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer \
                    explicitly.";
        return Err(Error::new(Kind::InvalidParameterValue, message).hint(hint));
    }
    let (options, global) = flags(args, 3)?;
    let nth = if global { 0 } else { 1 };
    Ok(Datum::text(replace(text(args, 0)?, text(args, 1)?, text(args, 2)?, options, 0, nth)?))
}

fn regexp_replace_from<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let start = int_or(args, 3, 1, "start", 1)?;
    let nth = int_or(args, 4, 1, "n", 0)?;
    let (options, _) = flags(args, 5)?;
    let subject = text(args, 0)?;
    let Some(start) = start_byte(subject, start) else {
        compile(text(args, 1)?, options)?;
        return part(args, 0, 0..subject.len());
    };
    Ok(Datum::text(replace(subject, text(args, 1)?, text(args, 2)?, options, start, nth)?))
}

fn regexp_split_to_array<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let options = flags_of("regexp_split_to_array", args, 2)?;
    let parts = split(text(args, 0)?, text(args, 1)?, options)?;
    Ok(Datum::Array(parts.into_iter().map(Datum::text).collect()))
}

fn regexp_split_to_table<'a>(args: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    let options = flags_of("regexp_split_to_table", args, 2)?;
    let parts = split(text(args, 0)?, text(args, 1)?, options)?;
    Ok(parts.into_iter().map(|part| vec![Datum::text(part)]).collect())
}

fn similar_to<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let escape = if args.len() > 1 { text(args, 1)? } else { "\\" };
    Ok(Datum::text(similar_to_escape(text(args, 0)?, escape)?))
}

fn substring_of<'a>(args: &[Datum<'a>], pattern: &str) -> Result<Datum<'a>> {
    let program = compile(pattern, Options::ADVANCED)?;
    let Some(spans) = program.on(text(args, 0)?)?.find(0, program.groups > 0)? else { return Ok(Datum::Null) };
    match spans.get(usize::from(program.groups > 0)).copied().flatten() {
        Some((start, end)) => part(args, 0, start..end),
        None => Ok(Datum::Null),
    }
}

fn substring<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    substring_of(args, text(args, 1)?)
}

fn substring_similar<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    substring_of(args, &similar_to_escape(text(args, 1)?, text(args, 2)?)?)
}
