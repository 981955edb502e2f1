//! Forms that the grammar has for single functions, words that call one, and functions whose types no signature can say.

mod pattern;

use datafusion::sql::sqlparser::ast::{self, CeilFloorKind, Function as Call, FunctionArguments, TrimWhereField};

use super::Analyzer;
use super::call::body;
use super::expr::Context;
use super::typed::Typed;
use crate::error::{Error, Kind, Result};
use crate::function::CastContext;
use crate::function::coerce::{Category, category};
use crate::function::datum::Datum;
use crate::pgtype::calendar::DAY_US;
use crate::pgtype::types::PgType;
use crate::sql::scalar::Declaration;

impl Analyzer<'_> {
    /// Forms of the grammar that stand for a function.
    pub(super) fn syntactic(&self, context: &Context<'_>, expr: &ast::Expr) -> Result<Typed> {
        use ast::Expr as E;
        let each = |exprs: &[&ast::Expr]| -> Result<Vec<Typed>> {
            exprs.iter().map(|expr| Ok(self.expr(context, expr)?.placed_at(*expr))).collect()
        };
        match expr {
            E::Extract { field, expr, .. } => {
                let text = field.to_string().trim_matches('\'').to_lowercase();
                let mut args = vec![self.text(&text)];
                args.extend(each(&[expr])?);
                self.by_name("extract", args)
            }
            E::Ceil { expr, field: CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                self.by_name("ceil", each(&[expr])?)
            }
            E::Floor { expr, field: CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                self.by_name("floor", each(&[expr])?)
            }
            E::Position { expr, r#in } => self.by_name("position", each(&[r#in, expr])?),
            E::Substring { expr, substring_from, substring_for, .. } => {
                let mut args = each(&[expr])?;
                match (substring_from, substring_for) {
                    (Some(from), None) => args.extend(each(&[from])?),
                    (Some(from), Some(length)) => args.extend(each(&[from, length])?),
                    (None, Some(length)) => {
                        args.push(self.constant(PgType::Int4, Datum::Int4(1))?);
                        args.extend(each(&[length])?);
                    }
                    (None, None) => {}
                }
                self.by_name("substring", args)
            }
            E::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    None | Some(TrimWhereField::Both) => "btrim",
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                };
                let mut args = each(&[expr])?;
                if let Some(what) = trim_what {
                    args.extend(each(&[what])?);
                }
                for what in trim_characters.iter().flatten() {
                    args.extend(each(&[what])?);
                }
                self.by_name(name, args)
            }
            E::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut args = each(&[expr, overlay_what, overlay_from])?;
                if let Some(length) = overlay_for {
                    args.extend(each(&[length])?);
                }
                self.by_name("overlay", args)
            }
            E::IsNormalized { expr, form, negated } => {
                let mut args = each(&[expr])?;
                args.extend(form.as_ref().map(|form| self.text(&form.to_string())));
                let typed = self.by_name("is_normalized", args)?;
                if *negated { self.negated(typed) } else { Ok(typed) }
            }
            E::Prefixed { .. } => Err(Error::new(Kind::Syntax, "syntax error at or near \"'\"")),
            other => {
                let text = other.to_string();
                let text: String = text.chars().take(60).collect();
                Err(Error::unsupported(format!("the expression {text}")))
            }
        }
    }

    /// Words that are no columns but call a function.
    pub(super) fn session_word(&self, ident: &ast::Ident) -> Result<Option<Typed>> {
        match ident.quote_style {
            Some(_) => Ok(None),
            None => self.session_value(&ident.value.to_ascii_lowercase(), -1),
        }
    }

    /// What a function without arguments tells of the session and of the moment.
    fn session_value(&self, name: &str, digits: i32) -> Result<Option<Typed>> {
        let facts = &self.environment.facts;
        let now = self.environment.now;
        let local = || now + i64::from(self.style().timezone.offset_at(now.div_euclid(1_000_000))) * 1_000_000;
        let text = |ty: PgType, value: &str| self.constant(ty, Datum::text(value)).map(Some);
        let timed = |ty: PgType, value: Datum<'static>| {
            self.uses_now.set(true);
            let typed = self.constant(ty, value)?;
            match digits {
                -1 => Ok(Some(typed)),
                digits => self.cast(typed, ty, digits, CastContext::Explicit).map(Some),
            }
        };
        match name {
            "current_timestamp" | "now" | "transaction_timestamp" => {
                timed(PgType::Timestamptz, Datum::Timestamptz(now))
            }
            "statement_timestamp" => timed(PgType::Timestamptz, Datum::Timestamptz(self.environment.started)),
            "localtimestamp" => timed(PgType::Timestamp, Datum::Timestamp(local())),
            "localtime" => timed(PgType::Time, Datum::Time(local().rem_euclid(DAY_US))),
            "current_time" => Err(Error::unsupported("the type time with time zone")),
            "current_date" => {
                let days = i32::try_from(local().div_euclid(DAY_US)).unwrap_or(i32::MAX);
                timed(PgType::Date, Datum::Date(days))
            }
            "current_user" | "session_user" | "user" | "current_role" => text(PgType::Name, &facts.user),
            "current_catalog" | "current_database" => text(PgType::Name, &facts.database),
            "current_schema" => match &facts.schema {
                Some(schema) => text(PgType::Name, schema),
                None => self.constant(PgType::Name, Datum::Null).map(Some),
            },
            "version" => text(PgType::Text, &facts.version),
            "pg_backend_pid" => self.constant(PgType::Int4, Datum::Int4(facts.backend_pid)).map(Some),
            "pg_is_in_recovery" => self.constant(PgType::Bool, Datum::Bool(true)).map(Some),
            _ => Ok(None),
        }
    }

    /// Calls that have a grammar, a clause or arguments of their own.
    pub(super) fn syntax_call(&self, context: &Context<'_>, name: &str, call: &Call) -> Result<Option<Typed>> {
        if matches!(call.args, FunctionArguments::None) {
            return self.session_value(name, -1);
        }
        let args = || self.arguments(context, call);
        match name {
            "coalesce" => {
                let before = context.set_calls();
                let args = args()?;
                if context.set_calls() > before {
                    let message = "set-returning functions are not allowed in COALESCE";
                    return Err(Error::new(Kind::FeatureNotSupported, message)
                        .hint("You might be able to move the set-returning function into a LATERAL FROM item."));
                }
                self.coalesce(args).map(Some)
            }
            "greatest" => self.extreme(args()?, true).map(Some),
            "least" => self.extreme(args()?, false).map(Some),
            "nullif" => match <[Typed; 2]>::try_from(args()?) {
                Ok([one, other]) => self.nullif(one, other).map(Some),
                Err(_) => Err(Error::new(Kind::Syntax, "syntax error at or near \")\"")),
            },
            "row" => {
                let list = super::call::list(call).map(|list| list.args.as_slice()).unwrap_or_default();
                let items = list.iter().map(|arg| match arg {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::QualifiedWildcard(name)) => {
                        let token = ast::helpers::attached_token::AttachedToken::empty();
                        Ok(ast::Expr::QualifiedWildcard(name.clone(), token))
                    }
                    _ => Err(Error::new(Kind::Syntax, "syntax error in ROW")),
                });
                let items = items.collect::<Result<Vec<_>>>()?;
                self.row(context, &items).map(Some)
            }
            "grouping" => self.grouping_call(context, args()?).map(Some),
            "make_interval" => self.make_interval(context, call).map(Some),
            "current_timestamp" | "localtimestamp" | "localtime" | "current_time" => {
                let digits = args()?.first().and_then(|arg| match arg.value {
                    Some(Datum::Int4(digits)) => Some(digits.clamp(0, 6)),
                    _ => None,
                });
                self.session_value(name, digits.unwrap_or(-1))
            }
            _ => Ok(None),
        }
    }

    /// `make_interval`, whose arguments have names and defaults.
    fn make_interval(&self, context: &Context<'_>, call: &Call) -> Result<Typed> {
        const NAMES: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
        let zero = |at: usize| match at {
            6 => self.constant(PgType::Float8, Datum::Float8(0.0)),
            _ => self.constant(PgType::Int4, Datum::Int4(0)),
        };
        let mut args = (0..7).map(zero).collect::<Result<Vec<_>>>()?;
        let list = super::call::list(call).map(|list| list.args.as_slice()).unwrap_or_default();
        for (at, arg) in list.iter().enumerate() {
            let (at, expr) = match arg {
                ast::FunctionArg::Named { name, arg: ast::FunctionArgExpr::Expr(expr), .. } => {
                    let name = super::scope::folded(name);
                    let found = NAMES.iter().position(|own| *own == name);
                    let message = format!("function make_interval({name} => …) does not exist");
                    (found.ok_or_else(|| Error::new(Kind::UndefinedFunction, message))?, expr)
                }
                ast::FunctionArg::ExprNamed { name, arg: ast::FunctionArgExpr::Expr(expr), .. } => {
                    let name = name.to_string().to_lowercase();
                    let found = NAMES.iter().position(|own| *own == name);
                    let message = format!("function make_interval({name} => …) does not exist");
                    (found.ok_or_else(|| Error::new(Kind::UndefinedFunction, message))?, expr)
                }
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) if at < 7 => (at, expr),
                _ => return Err(Error::new(Kind::Syntax, "syntax error in make_interval")),
            };
            args[at] = self.expr(context, expr)?.placed_at(expr);
        }
        self.by_name("make_interval", args)
    }

    /// Functions that take or give what no signature can say.
    pub(super) fn built_in(&self, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
        match (name, args) {
            (_, []) => self.session_value(name, -1),
            ("pg_typeof", [one]) => self.constant(PgType::Regtype, Datum::Oid(one.ty.oid())).map(Some),
            ("age", [one]) if one.ty == PgType::Unknown => {
                let message = "function age(unknown) is not unique";
                Err(Error::new(Kind::AmbiguousFunction, message)
                    .hint("Could not choose a best candidate function. You might need to add explicit type casts."))
            }
            ("age", [one]) => {
                let today = self.session_value("current_date", -1)?;
                let today = today.ok_or_else(|| Error::internal("there is no today"))?;
                let ty = if one.ty == PgType::Timestamp { PgType::Timestamp } else { PgType::Timestamptz };
                let today = self.implicit(today, ty)?;
                self.by_name("age", vec![today, self.implicit(one.clone(), ty)?]).map(Some)
            }
            ("to_json" | "to_jsonb" | "row_to_json" | "array_to_json", [one]) => {
                self.to_json(one.clone(), name == "to_jsonb").map(Some)
            }
            ("jsonb_build_array" | "json_build_array" | "jsonb_build_object" | "json_build_object", args) => {
                self.build_json(name, args).map(Some)
            }
            ("current_setting", [setting, rest @ ..]) => self.current_setting(setting, rest).map(Some),
            ("set_config", [setting, ..]) if self.is_no_setting(setting) => {
                let name = match &setting.value {
                    Some(Datum::Text(name)) => name.as_ref(),
                    _ => "",
                };
                let message = format!("unrecognized configuration parameter \"{name}\"");
                Err(Error::new(Kind::UndefinedObject, message))
            }
            ("set_config", _) => {
                Err(Error::unsupported("set_config among other values").hint("Use SET, or SELECT set_config(…) alone."))
            }
            ("pg_column_size" | "pg_sleep" | "pg_advisory_lock", _) => {
                Err(Error::unsupported(format!("the function {name}")))
            }
            _ => Ok(None),
        }
    }

    /// Whether a constant names no setting.
    fn is_no_setting(&self, setting: &Typed) -> bool {
        match &setting.value {
            Some(Datum::Text(name)) => {
                !name.contains('.') && !self.environment.settings.contains_key(&name.to_lowercase())
            }
            _ => false,
        }
    }

    fn current_setting(&self, setting: &Typed, rest: &[Typed]) -> Result<Typed> {
        let Some(Datum::Text(name)) = &setting.value else {
            return Err(Error::unsupported("current_setting of something that is no constant"));
        };
        let missing_ok = matches!(rest.first().and_then(|arg| arg.value.as_ref()), Some(Datum::Bool(true)));
        match self.environment.settings.get(&name.to_lowercase()) {
            Some(value) => self.constant(PgType::Text, Datum::text(value)),
            None if missing_ok => self.constant(PgType::Text, Datum::Null),
            None => {
                let message = format!("unrecognized configuration parameter \"{name}\"");
                Err(Error::new(Kind::UndefinedObject, message))
            }
        }
    }

    /// A value as `json` or `jsonb`.
    pub(super) fn to_json(&self, typed: Typed, binary: bool) -> Result<Typed> {
        let result = if binary { PgType::Jsonb } else { PgType::Json };
        let wrap = move |text: String| if binary { Datum::jsonb(text) } else { Datum::text(text) };
        if let Some(fields) = &typed.fields {
            let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
            let args = fields.iter().map(|(_, field)| self.to_json(field.clone(), binary));
            let args = args.collect::<Result<Vec<_>>>()?;
            let declaration = Declaration {
                name: "row_to_json".to_owned(),
                args: args.iter().map(|arg| arg.ty).collect(),
                result,
                strict: false,
                volatile: false,
                tag: format!("{names:?}"),
            };
            let call = body(move |args, _| {
                let mut text = String::from("{");
                for (name, value) in names.iter().zip(args) {
                    if text.len() > 1 {
                        text.push_str(if binary { ", " } else { "," });
                    }
                    crate::pgtype::jsonb::quote(name, &mut text);
                    text.push_str(if binary { ": " } else { ":" });
                    match value {
                        Datum::Text(json) | Datum::Jsonb(json) => text.push_str(json),
                        _ => text.push_str("null"),
                    }
                }
                text.push('}');
                let text = match binary {
                    true => crate::function::io::json::to_jsonb(&text)?,
                    false => text,
                };
                Ok(wrap(text))
            });
            return self.row_call(declaration, call, args);
        }
        let typed = self.known(typed)?;
        let ty = typed.ty;
        if ty == result {
            return Ok(typed);
        }
        let name = if binary { "to_jsonb" } else { "to_json" };
        self.named_call(name, result, vec![typed], move |args, style| {
            Ok(wrap(match binary {
                true => crate::function::json::to_jsonb(ty, &args[0], style)?,
                false => crate::function::json::to_json(ty, &args[0], style),
            }))
        })
    }

    fn build_json(&self, name: &str, args: &[Typed]) -> Result<Typed> {
        let binary = name.starts_with("jsonb");
        let is_object = name.ends_with("object");
        if is_object && args.len() % 2 == 1 {
            return Err(Error::new(Kind::InvalidParameterValue, "argument list must have even number of elements")
                .hint(format!("The arguments of {name}() must consist of alternating keys and values.")));
        }
        let args = args.iter().enumerate().map(|(at, arg)| match is_object && at % 2 == 0 {
            // A key is the text of its value.
            true => match category(arg.ty) {
                Category::Unknown | Category::String => self.implicit(arg.clone(), PgType::Text),
                _ => self.coerce(arg.clone(), PgType::Text, CastContext::Explicit),
            },
            false => self.to_json(arg.clone(), binary),
        });
        let args = args.collect::<Result<Vec<_>>>()?;
        let result = if binary { PgType::Jsonb } else { PgType::Json };
        let declaration = Declaration {
            name: name.to_owned(),
            args: args.iter().map(|arg| arg.ty).collect(),
            result,
            strict: false,
            volatile: false,
            tag: String::new(),
        };
        let call = body(move |args, _| {
            let mut text = String::from(if is_object { "{" } else { "[" });
            for (at, value) in args.iter().enumerate() {
                let is_key = is_object && at % 2 == 0;
                match (at, is_object && at % 2 == 1) {
                    (0, _) => {}
                    (_, true) => text.push_str(if binary { ": " } else { " : " }),
                    _ => text.push_str(", "),
                }
                match value {
                    Datum::Null if is_key => {
                        let message = match binary {
                            true => format!("argument {}: key must not be null", at + 1),
                            false => format!("argument {} cannot be null", at + 1),
                        };
                        let error = Error::new(Kind::InvalidParameterValue, message);
                        return Err(match binary {
                            true => error,
                            false => error.hint("Object keys should be text."),
                        });
                    }
                    Datum::Text(key) if is_key => crate::pgtype::jsonb::quote(key, &mut text),
                    Datum::Text(json) | Datum::Jsonb(json) => text.push_str(json),
                    _ => text.push_str("null"),
                }
            }
            text.push(if is_object { '}' } else { ']' });
            Ok(match binary {
                true => Datum::jsonb(crate::function::io::json::to_jsonb(&text)?),
                false => Datum::text(text),
            })
        });
        self.row_call(declaration, call, args)
    }

    /// A cast that may name an object.
    pub(super) fn object_cast(&self, typed: Typed, ty: PgType, typmod: i32) -> Result<Typed> {
        if ty.is_oid() && ty != PgType::Oid {
            if let (PgType::Regtype, Some(text)) = (ty, typed.unknown_text()) {
                let name = text.trim();
                let missing = || Error::new(Kind::UndefinedObject, format!("type \"{name}\" does not exist"));
                let found = match name.parse::<u32>() {
                    Ok(oid) => oid,
                    Err(_) => PgType::from_name(name).ok_or_else(missing)?.oid(),
                };
                return self.constant(PgType::Regtype, Datum::Oid(found));
            }
            if let (PgType::Regtype, Some(Datum::Oid(oid))) = (ty, &typed.value) {
                return self.constant(PgType::Regtype, Datum::Oid(*oid));
            }
            if let (PgType::Regtype, Some(Datum::Int4(oid))) = (ty, &typed.value) {
                return self.constant(PgType::Regtype, Datum::Oid(u32::try_from(*oid).unwrap_or(0)));
            }
            return Err(Error::unsupported(format!("a cast to {} outside of a catalog query", ty.name())));
        }
        if typed.fields.is_some() && !matches!(category(ty), Category::String) && ty != PgType::Record {
            let message = format!("cannot cast type record to {}", ty.name());
            return Err(Error::new(Kind::CannotCoerce, message));
        }
        self.cast(typed, ty, typmod, CastContext::Explicit)
    }
}

/// The modifier of an interval with these fields.
pub(super) fn interval_typmod(first: Option<&str>, last: Option<&str>, digits: Option<u64>) -> Result<i32> {
    use datafusion::sql::sqlparser::ast::{DataType, IntervalFields as F};
    let fields = match (first, last) {
        (None, _) => None,
        (Some(first), last) => Some(match (first, last) {
            ("year", None) => F::Year,
            ("month", None) => F::Month,
            ("day", None) => F::Day,
            ("hour", None) => F::Hour,
            ("minute", None) => F::Minute,
            ("second", None) => F::Second,
            ("year", Some("month")) => F::YearToMonth,
            ("day", Some("hour")) => F::DayToHour,
            ("day", Some("minute")) => F::DayToMinute,
            ("day", Some("second")) => F::DayToSecond,
            ("hour", Some("minute")) => F::HourToMinute,
            ("hour", Some("second")) => F::HourToSecond,
            ("minute", Some("second")) => F::MinuteToSecond,
            (first, _) => return Err(Error::new(Kind::Syntax, format!("syntax error at or near \"{first}\""))),
        }),
    };
    Ok(super::types::resolve(&DataType::Interval { fields, precision: digits })?.1)
}
