//! Texts quoted for SQL, and `format`.

use std::borrow::Cow;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::{Function, io, lax, strict};
use crate::pgtype::style::Style;
use crate::pgtype::text::parse_int;

/// The functions of this family. The caller turns the arguments of `format` into text.
pub const FUNCTIONS: &[Function] = &[
    lax("format", "text", "text", format),
    lax("format", "text text...", "text", format),
    strict("quote_ident", "text", "text", quote_ident),
    strict("quote_literal", "text", "text", quote_literal),
    strict("quote_literal", "anyelement", "text", quote_literal),
    lax("quote_nullable", "text", "text", quote_nullable),
    lax("quote_nullable", "anyelement", "text", quote_nullable),
];

/// The keywords that mean something else where a name may stand: all but the unreserved ones.
pub const KEYWORDS: &str = "all analyse analyze and any array as asc asymmetric authorization between bigint binary bit \
    boolean both case cast char character check coalesce collate collation column concurrently constraint create cross \
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec decimal \
    default deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full \
    grant greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull \
    join lateral leading least left like limit localtime localtimestamp national natural nchar none normalize not \
    notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary \
    real references returning right row select session_user setof similar smallint some substring symmetric table \
    tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic verbose \
    when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot \
    xmlserialize xmltable";

/// A name as SQL takes it: in quotes unless it is plain.
pub fn identifier(name: &str) -> Cow<'_, str> {
    let is_plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !KEYWORDS.split(' ').any(|keyword| keyword == name);
    if is_plain { Cow::Borrowed(name) } else { Cow::Owned(format!("\"{}\"", name.replace('"', "\"\""))) }
}

/// A text as an SQL literal; with backslashes in it an `E''` one, which means the same under any setting.
pub fn literal(text: &str) -> String {
    let prefix = if text.contains('\\') { "E" } else { "" };
    format!("{prefix}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn quote_ident<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    match args {
        [Datum::Text(name)] => Ok(Datum::text(identifier(name))),
        _ => Err(Error::internal("quote_ident() was called with arguments of other types")),
    }
}

fn quote_literal<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    match args {
        [Datum::Text(text)] => Ok(Datum::text(literal(text))),
        [value] => Ok(Datum::text(literal(&io::output_variant(value, style)))),
        _ => Err(Error::internal("quote_literal() takes one argument")),
    }
}

fn quote_nullable<'a>(args: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    if let [Datum::Null] = args { Ok(Datum::text("NULL")) } else { quote_literal(args, style) }
}

fn format<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let Some((template, arguments)) = args.split_first() else {
        return Err(Error::internal("format() takes at least one argument"));
    };
    let Datum::Text(template) = template else { return Ok(Datum::Null) };
    let mut out = String::with_capacity(template.len());
    let mut formatter = Formatter { rest: template, arguments, last: 0 };
    while let Some((plain, behind)) = formatter.rest.split_once('%') {
        out.push_str(plain);
        formatter.rest = behind;
        if let Some(behind) = behind.strip_prefix('%') {
            out.push('%');
            formatter.rest = behind;
        } else {
            formatter.specifier(&mut out)?;
        }
    }
    out.push_str(formatter.rest);
    Ok(Datum::text(out))
}

/// The most bytes that PostgreSQL makes of one text.
const LARGEST: usize = 0x3fff_ffff;

/// The width of a specifier.
enum Width {
    Given(i32),
    /// The argument of this number, or the next one.
    Argument(Option<usize>),
}

struct Formatter<'t, 'a> {
    rest: &'t str,
    arguments: &'t [Datum<'a>],
    /// The number of the argument that was used last, from 1.
    last: usize,
}

impl<'t> Formatter<'t, '_> {
    /// Writes what the specifier behind a `%` stands for.
    fn specifier(&mut self, out: &mut String) -> Result<()> {
        let (position, is_left, width) = self.parse()?;
        let letter = self.first()?;
        if !['s', 'I', 'L'].contains(&letter) {
            let message = format!("unrecognized format() type specifier \"{letter}\"");
            return Err(Error::new(Kind::InvalidParameterValue, message).hint("For a single \"%\" use \"%%\"."));
        }
        self.rest = &self.rest[1..];
        let width = match width {
            Width::Given(width) => width,
            Width::Argument(position) => match self.argument(position)? {
                Some(text) => i32::try_from(parse_int(text, "integer", i32::MIN.into(), i32::MAX.into())?)
                    .map_err(|_| out_of_range())?,
                None => 0,
            },
        };
        let text = match (letter, self.argument(position)?) {
            ('I', None) => {
                let message = "null values cannot be formatted as an SQL identifier";
                return Err(Error::new(Kind::NullNotAllowed, message));
            }
            ('I', Some(text)) => identifier(text),
            ('L', None) => Cow::Borrowed("NULL"),
            ('L', Some(text)) => Cow::Owned(literal(text)),
            (_, text) => Cow::Borrowed(text.unwrap_or_default()),
        };
        let size = width.checked_abs().and_then(|size| usize::try_from(size).ok()).ok_or_else(out_of_range)?;
        pad(&text, size, is_left || width < 0, out)
    }

    /// Reads argument number, flags and width up to the type.
    fn parse(&mut self) -> Result<(Option<usize>, bool, Width)> {
        let mut position = None;
        if let Some(number) = self.number()? {
            if self.first()? != '$' {
                return Ok((None, false, Width::Given(number)));
            }
            self.rest = &self.rest[1..];
            position = Some(argument_number(number)?);
        }
        let mut is_left = false;
        while self.first()? == '-' {
            self.rest = &self.rest[1..];
            is_left = true;
        }
        if self.first()? != '*' {
            return Ok((position, is_left, Width::Given(self.number()?.unwrap_or(0))));
        }
        self.rest = &self.rest[1..];
        let Some(number) = self.number()? else { return Ok((position, is_left, Width::Argument(None))) };
        if self.first()? != '$' {
            let message = "width argument position must be ended by \"$\"";
            return Err(Error::new(Kind::InvalidParameterValue, message));
        }
        self.rest = &self.rest[1..];
        Ok((position, is_left, Width::Argument(Some(argument_number(number)?))))
    }

    /// The next character, which there must be.
    fn first(&self) -> Result<char> {
        self.rest.chars().next().ok_or_else(|| {
            Error::new(Kind::InvalidParameterValue, "unterminated format() type specifier")
                .hint("For a single \"%\" use \"%%\".")
        })
    }

    fn number(&mut self) -> Result<Option<i32>> {
        let end = self.rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        if digits.is_empty() {
            return Ok(None);
        }
        self.rest = rest;
        digits.parse().map(Some).map_err(|_| out_of_range())
    }

    /// The argument of a number, or the next one; `None` for NULL.
    fn argument(&mut self, position: Option<usize>) -> Result<Option<&'t str>> {
        self.last = position.unwrap_or(self.last + 1);
        match self.arguments.get(self.last - 1) {
            Some(Datum::Text(text)) => Ok(Some(text)),
            Some(Datum::Null) => Ok(None),
            Some(_) => Err(Error::internal("format() was called with arguments that are no text")),
            None => Err(Error::new(Kind::InvalidParameterValue, "too few arguments for format()")),
        }
    }
}

fn argument_number(number: i32) -> Result<usize> {
    usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| {
        let message = "format specifies argument 0, but arguments are numbered from 1";
        Error::new(Kind::InvalidParameterValue, message)
    })
}

fn out_of_range() -> Error {
    Error::new(Kind::NumericOutOfRange, "number is out of range")
}

fn pad(text: &str, width: usize, is_left: bool, out: &mut String) -> Result<()> {
    let blanks = width.saturating_sub(text.chars().count());
    let before = out.len() + if is_left { text.len() } else { 0 };
    if before + blanks >= LARGEST {
        return Err(Error::new(Kind::ProgramLimit, "out of memory")
            .detail(format!("Cannot enlarge string buffer containing {before} bytes by {blanks} more bytes.")));
    }
    if is_left {
        out.push_str(text);
    }
    out.extend(std::iter::repeat_n(' ', blanks));
    if !is_left {
        out.push_str(text);
    }
    Ok(())
}

#[cfg(test)]
#[path = "quote_tests.rs"]
mod tests;
