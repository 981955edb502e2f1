//! Operands with a syntax of their own: EXTRACT, SUBSTRING, TRIM, COALESCE, INTERVAL and the names of types.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, DateTimeField, Expr, ExtractSyntax, Ident, Interval, ObjectName, TrimWhereField, TypedString,
    Value,
};

use super::cursor::{Parser, is_key, is_mark, is_text};
use super::lexer::Tok;
use super::make::{call, function, private};
use super::operator::level;
use crate::error::{Error, Result};

/// The first and the last field of an interval, and the digits of its seconds.
pub(super) type Fields = (&'static str, Option<&'static str>, Option<u64>);

impl Parser<'_> {
    /// An operand that a word which is no column starts here; none if the word is a name.
    pub(super) fn special(&mut self, word: &'static str) -> Result<Option<Expr>> {
        let open = is_mark(self.ahead(1), "(");
        let span = self.span();
        let name = Ident { value: word.to_owned(), quote_style: None, span };
        Ok(Some(match word {
            "row" if open => {
                let start = self.position();
                let row = self.row()?;
                self.overlaps(Expr::Tuple(row), start)?
            }
            "exists" if open => self.exists()?,
            "extract" if open => self.within(Self::extract)?,
            "position" if open => self.within(Self::position_in)?,
            "substring" if open => self.within(|parser| parser.substring(name))?,
            "overlay" if open => self.within(|parser| parser.overlay(name))?,
            "trim" if open => self.within(Self::trim)?,
            "normalize" if open => self.within(|parser| parser.normalize(name))?,
            "coalesce" | "greatest" | "least" | "grouping" if open => self.within(|parser| {
                let list = parser.exprs()?;
                Ok(call(ObjectName::from(vec![name]), list))
            })?,
            "nullif" if open => self.within(|parser| {
                let first = parser.expr()?;
                parser.expect_mark(",")?;
                Ok(call(ObjectName::from(vec![name]), vec![first, parser.expr()?]))
            })?,
            "treat" if open => return Err(Error::unsupported("TREAT")),
            "xmlconcat" | "xmlelement" | "xmlexists" | "xmlforest" | "xmlparse" | "xmlpi" | "xmlroot"
            | "xmlserialize"
                if open =>
            {
                return Err(Error::unsupported("XML"));
            }
            "collation" if self.is_ahead(1, "for") => {
                self.advance();
                self.advance();
                self.expect_mark("(")?;
                let expr = self.expr()?;
                self.expect_mark(")")?;
                call(private("pg_collation_for"), vec![expr])
            }
            "current_schema" if !open => {
                self.advance();
                Expr::Function(function(
                    ObjectName::from(vec![name]),
                    datafusion::sql::sqlparser::ast::FunctionArguments::None,
                ))
            }
            "interval" if self.interval_ahead() => self.interval()?,
            _ if self.type_ahead(word) => {
                let data_type = self.constant_type()?;
                let value = self.text()?;
                Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false })
            }
            _ => return Ok(None),
        }))
    }

    /// Reads the inside of the parentheses behind the word that stands here.
    fn within(&mut self, read: impl FnOnce(&mut Self) -> Result<Expr>) -> Result<Expr> {
        self.advance();
        self.expect_mark("(")?;
        let expr = self.nested(|parser| parser.unlabelled(read))?;
        self.expect_mark(")")?;
        Ok(expr)
    }

    /// Whether the word of a type stands here and not a column of that name.
    fn type_ahead(&self, word: &str) -> bool {
        let next = self.ahead(1);
        let constant = is_text(next);
        match word {
            "int" | "integer" | "smallint" | "bigint" | "real" | "boolean" => constant,
            "double" => is_key(next, "precision"),
            "float" | "decimal" | "dec" | "numeric" | "varchar" => constant || is_mark(next, "("),
            "bit" | "character" | "char" | "nchar" => constant || is_mark(next, "(") || is_key(next, "varying"),
            "national" => is_key(next, "character") || is_key(next, "char"),
            "time" | "timestamp" => {
                constant
                    || is_mark(next, "(")
                    || ((is_key(next, "with") || is_key(next, "without")) && self.is_ahead(2, "time"))
            }
            _ => false,
        }
    }

    fn interval_ahead(&self) -> bool {
        is_text(self.ahead(1)) || is_mark(self.ahead(1), "(")
    }

    fn interval(&mut self) -> Result<Expr> {
        self.expect("interval")?;
        let precision = self.optional_length()?;
        let value = Box::new(Expr::Value(self.text()?));
        let mut made = Interval {
            value,
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: precision,
        };
        if precision.is_some() {
            return Ok(Expr::Interval(made));
        }
        if let Some((first, last, seconds)) = self.interval_fields()? {
            made.leading_field = Some(field(first));
            made.last_field = last.map(field);
            made.fractional_seconds_precision = seconds;
        }
        Ok(Expr::Interval(made))
    }

    /// The fields of an interval: the first, the last and the digits of its seconds.
    pub(super) fn interval_fields(&mut self) -> Result<Option<Fields>> {
        let Tok::Key(key) = self.tok() else { return Ok(None) };
        let first = key.word;
        let lasts: &[&str] = match first {
            "year" => &["month"],
            "day" => &["hour", "minute", "second"],
            "hour" => &["minute", "second"],
            "minute" => &["second"],
            "month" | "second" => &[],
            _ => return Ok(None),
        };
        self.advance();
        if first == "second" {
            return Ok(Some((first, None, self.optional_length()?)));
        }
        if lasts.is_empty() || !self.accept("to") {
            return Ok(Some((first, None, None)));
        }
        let last = match self.tok() {
            Tok::Key(key) if lasts.contains(&key.word) => key.word,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        let seconds = if last == "second" { self.optional_length()? } else { None };
        Ok(Some((first, Some(last), seconds)))
    }

    pub(super) fn cast(&mut self) -> Result<Expr> {
        self.within(|parser| {
            let expr = Box::new(parser.expr()?);
            parser.expect("as")?;
            let data_type = parser.type_name()?;
            Ok(Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None })
        })
    }

    fn extract(&mut self) -> Result<Expr> {
        let span = self.span();
        let field = match self.tok() {
            Tok::Name { value, quoted } => {
                named_field(value, Ident { value: value.clone(), quote_style: quoted.then_some('"'), span })
            }
            Tok::Text { value, .. } if self.at_text() => {
                let custom = Ident { value: value.clone(), quote_style: Some('\''), span };
                DateTimeField::Custom(custom)
            }
            Tok::Key(key) if matches!(key.word, "year" | "month" | "day" | "hour" | "minute" | "second") => {
                field(key.word)
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect("from")?;
        Ok(Expr::Extract { field, syntax: ExtractSyntax::From, expr: Box::new(self.expr()?) })
    }

    fn position_in(&mut self) -> Result<Expr> {
        let expr = Box::new(self.plain_expr()?);
        self.expect("in")?;
        Ok(Expr::Position { expr, r#in: Box::new(self.plain_expr()?) })
    }

    /// The rest of a list of arguments in PostgreSQL's plain syntax.
    fn plain_call(&mut self, name: Ident, first: Expr) -> Result<Expr> {
        let mut list = vec![first];
        while self.accept_mark(",") {
            list.push(self.expr()?);
        }
        Ok(call(ObjectName::from(vec![name]), list))
    }

    fn substring(&mut self, name: Ident) -> Result<Expr> {
        if self.is_mark(")") {
            return Ok(call(ObjectName::from(vec![name]), Vec::new()));
        }
        let first = self.expr()?;
        if self.accept("similar") {
            let pattern = self.expr()?;
            self.expect("escape")?;
            return Ok(call(private("substring"), vec![first, pattern, self.expr()?]));
        }
        let (from, length) = if self.accept("from") {
            let from = Some(Box::new(self.expr()?));
            (from, if self.accept("for") { Some(Box::new(self.expr()?)) } else { None })
        } else if self.accept("for") {
            let length = Some(Box::new(self.expr()?));
            (if self.accept("from") { Some(Box::new(self.expr()?)) } else { None }, length)
        } else {
            return self.plain_call(name, first);
        };
        Ok(Expr::Substring {
            expr: Box::new(first),
            substring_from: from,
            substring_for: length,
            special: false,
            shorthand: false,
        })
    }

    fn overlay(&mut self, name: Ident) -> Result<Expr> {
        if self.is_mark(")") {
            return Ok(call(ObjectName::from(vec![name]), Vec::new()));
        }
        let first = self.expr()?;
        if !self.accept("placing") {
            return self.plain_call(name, first);
        }
        let overlay_what = Box::new(self.expr()?);
        self.expect("from")?;
        let overlay_from = Box::new(self.expr()?);
        let overlay_for = if self.accept("for") { Some(Box::new(self.expr()?)) } else { None };
        Ok(Expr::Overlay { expr: Box::new(first), overlay_what, overlay_from, overlay_for })
    }

    fn trim(&mut self) -> Result<Expr> {
        let trim_where = match self.tok() {
            Tok::Key(key) => match key.word {
                "both" => Some(TrimWhereField::Both),
                "leading" => Some(TrimWhereField::Leading),
                "trailing" => Some(TrimWhereField::Trailing),
                _ => None,
            },
            _ => None,
        };
        if trim_where.is_some() {
            self.advance();
        }
        let mut what = None;
        let list = if self.accept("from") {
            self.exprs()?
        } else {
            let first = self.expr()?;
            if self.accept("from") {
                what = Some(first);
                self.exprs()?
            } else {
                let mut list = vec![first];
                while self.accept_mark(",") {
                    list.push(self.expr()?);
                }
                list
            }
        };
        if list.len() > 2 || (what.is_some() && list.len() > 1) {
            // Any number of arguments is syntax; no function has so many.
            let name = match trim_where {
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            };
            return Ok(call(private(name), list.into_iter().chain(what).collect()));
        }
        let mut list = list.into_iter();
        let expr = Box::new(list.next().ok_or_else(|| Error::internal("TRIM of nothing"))?);
        let rest: Vec<Expr> = list.collect();
        Ok(Expr::Trim {
            trim_where,
            trim_what: what.map(Box::new),
            expr,
            trim_characters: if rest.is_empty() { None } else { Some(rest) },
        })
    }

    fn normalize(&mut self, name: Ident) -> Result<Expr> {
        let mut list = vec![self.expr()?];
        if self.accept_mark(",") {
            let span = self.span();
            let form = match self.tok() {
                Tok::Key(key) if matches!(key.word, "nfc" | "nfd" | "nfkc" | "nfkd") => key.word.to_uppercase(),
                _ => return Err(self.unexpected()),
            };
            self.advance();
            list.push(Self::value(Value::SingleQuotedString(form), span));
        }
        Ok(call(ObjectName::from(vec![name]), list))
    }

    /// A type that a constant follows.
    fn constant_type(&mut self) -> Result<DataType> {
        self.simple_type()
    }

    /// A number or one in parentheses, as FETCH FIRST has it.
    pub(super) fn fetch_count(&mut self) -> Result<Expr> {
        if self.is_op("+") || self.is_op("-") {
            if !matches!(self.ahead(1), Tok::Number { .. }) {
                self.advance();
                return Err(self.unexpected());
            }
            return self.operand(level::SIGN, false);
        }
        self.nested(Self::primary)
    }
}

fn field(word: &str) -> DateTimeField {
    match word {
        "year" => DateTimeField::Year,
        "month" => DateTimeField::Month,
        "day" => DateTimeField::Day,
        "hour" => DateTimeField::Hour,
        "minute" => DateTimeField::Minute,
        _ => DateTimeField::Second,
    }
}

fn named_field(word: &str, custom: Ident) -> DateTimeField {
    match word {
        "year" | "month" | "day" | "hour" | "minute" | "second" => field(word),
        "century" => DateTimeField::Century,
        "decade" => DateTimeField::Decade,
        "dow" => DateTimeField::Dow,
        "doy" => DateTimeField::Doy,
        "epoch" => DateTimeField::Epoch,
        "isodow" => DateTimeField::Isodow,
        "isoyear" => DateTimeField::Isoyear,
        "julian" => DateTimeField::Julian,
        "microseconds" => DateTimeField::Microseconds,
        "millennium" => DateTimeField::Millennium,
        "milliseconds" => DateTimeField::Milliseconds,
        "quarter" => DateTimeField::Quarter,
        "timezone" => DateTimeField::Timezone,
        "timezone_hour" => DateTimeField::TimezoneHour,
        "timezone_minute" => DateTimeField::TimezoneMinute,
        "week" => DateTimeField::Week(None),
        _ => DateTimeField::Custom(custom),
    }
}
