//! Predicates, arithmetic and methods.

use crate::error::{Kind, Result};
use crate::function::jsonpath::ast::{Expression, Method, Operator, Predicate, Step};
use crate::function::jsonpath::execute::{Execution, Outcome, Sink, Truth, length};
use crate::function::jsonpath::identity::identity;
use crate::function::jsonpath::item::Item;
use crate::function::numeric::Numeric;
use crate::function::regex::compile;
use crate::pgtype::float::parse_f64;
use crate::pgtype::jsonb::access::members;

impl<'a> Execution<'a, '_> {
    /// Whether a condition holds for an item.
    pub(super) fn predicate(&mut self, predicate: &Predicate, on: &Item<'a>) -> Result<Truth> {
        Ok(match predicate {
            Predicate::And(left, right) => match self.predicate(left, on)? {
                Truth::False => Truth::False,
                left => match self.predicate(right, on)? {
                    Truth::True => left,
                    right => right,
                },
            },
            Predicate::Or(left, right) => match self.predicate(left, on)? {
                Truth::True => Truth::True,
                left => match self.predicate(right, on)? {
                    Truth::False => left,
                    right => right,
                },
            },
            Predicate::Not(inner) => match self.predicate(inner, on)? {
                Truth::Unknown => Truth::Unknown,
                truth => Truth::from(truth == Truth::False),
            },
            Predicate::IsUnknown(inner) => Truth::from(self.predicate(inner, on)? == Truth::Unknown),
            Predicate::Exists(inner) => self.has_items(inner, on)?,
            Predicate::Compare(comparison, left, right) => {
                let Some(right) = self.operand(right, on, true)? else { return Ok(Truth::Unknown) };
                self.any(left, on, &right, |left, right| Ok(left.compare(*comparison, right)))?
            }
            Predicate::StartsWith(left, initial) => {
                let Some(initial) = self.operand(initial, on, false)? else { return Ok(Truth::Unknown) };
                self.any(left, on, &initial, |whole, initial| {
                    Ok(match (whole, initial) {
                        (Item::Text(whole), Item::Text(initial)) => Truth::from(whole.starts_with(initial.as_ref())),
                        _ => Truth::Unknown,
                    })
                })?
            }
            Predicate::LikeRegex(left, pattern, options) => {
                let program = compile(pattern, *options)?;
                self.any(left, on, &[Item::Null], |text, _| match text {
                    Item::Text(text) => program.is_match(text).map(Truth::from),
                    _ => Ok(Truth::Unknown),
                })?
            }
        })
    }

    fn has_items(&mut self, inner: &Expression, on: &Item<'a>) -> Result<Truth> {
        if self.is_lax {
            return Ok(match self.quietly(|own| own.expression(inner, on, None))? {
                Outcome::Failed => Truth::Unknown,
                outcome => Truth::from(outcome == Outcome::Found),
            });
        }
        let mut found = Vec::new();
        Ok(match self.quietly(|own| own.expression(inner, on, Some(&mut found)))? {
            Outcome::Failed => Truth::Unknown,
            _ => Truth::from(!found.is_empty()),
        })
    }

    /// The items of an operand; `None` if there was an error.
    fn operand(&mut self, operand: &Expression, on: &Item<'a>, unwraps: bool) -> Result<Option<Vec<Item<'a>>>> {
        let mut found = Vec::new();
        let outcome = self.quietly(|own| {
            if unwraps { own.unwrapped(operand, on, &mut found) } else { own.expression(operand, on, Some(&mut found)) }
        })?;
        Ok((outcome != Outcome::Failed).then_some(found))
    }

    /// Whether a condition holds for any pair of items. In strict mode one that is unknown makes it unknown.
    fn any(
        &mut self,
        left: &Expression,
        on: &Item<'a>,
        right: &[Item<'a>],
        test: impl Fn(&Item<'a>, &Item<'a>) -> Result<Truth>,
    ) -> Result<Truth> {
        let Some(left) = self.operand(left, on, true)? else { return Ok(Truth::Unknown) };
        let (mut is_found, mut is_unknown) = (false, false);
        for left in &left {
            for right in right {
                match test(left, right)? {
                    Truth::Unknown if !self.is_lax => return Ok(Truth::Unknown),
                    Truth::Unknown => is_unknown = true,
                    Truth::True if self.is_lax => return Ok(Truth::True),
                    Truth::True => is_found = true,
                    Truth::False => {}
                }
            }
        }
        Ok(match (is_found, is_unknown) {
            (true, _) => Truth::True,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::False,
        })
    }

    pub(super) fn arithmetic(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        steps: &[Step],
        on: &Item<'a>,
        sink: Sink<'_, 'a>,
    ) -> Result<Outcome> {
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        if self.unwrapped(left, on, &mut lefts)? == Outcome::Failed
            || self.unwrapped(right, on, &mut rights)? == Outcome::Failed
        {
            return Ok(Outcome::Failed);
        }
        let message = |side: &str| {
            format!("{side} operand of jsonpath operator {} is not a single numeric value", operator.symbol())
        };
        let [Item::Number(left)] = lefts.as_slice() else {
            return self.fail(Kind::JsonSingletonRequired, message("left"));
        };
        let [Item::Number(right)] = rights.as_slice() else {
            return self.fail(Kind::JsonSingletonRequired, message("right"));
        };
        let result = match operator {
            Operator::Add => left.add(right),
            Operator::Subtract => left.sub(right),
            Operator::Multiply => left.mul(right),
            Operator::Divide => left.div(right),
            Operator::Modulo => left.rem(right),
        };
        match result {
            Ok(number) => self.next(steps, Item::Number(number), sink),
            Err(error) if self.throws => Err(error),
            Err(_) => Ok(Outcome::Failed),
        }
    }

    pub(super) fn sign(
        &mut self,
        is_minus: bool,
        of: &Expression,
        steps: &[Step],
        on: &Item<'a>,
        mut sink: Sink<'_, 'a>,
    ) -> Result<Outcome> {
        let mut items = Vec::new();
        if self.unwrapped(of, on, &mut items)? == Outcome::Failed {
            return Ok(Outcome::Failed);
        }
        let mut outcome = Outcome::NotFound;
        for item in items {
            let Item::Number(number) = item else {
                // Whether there is a number is all that is asked.
                if sink.is_none() && steps.is_empty() {
                    continue;
                }
                let sign = if is_minus { '-' } else { '+' };
                let message = format!("operand of unary jsonpath operator {sign} is not a numeric value");
                return self.fail(Kind::JsonNumberNotFound, message);
            };
            let number = if is_minus { number.neg() } else { number };
            match self.next(steps, Item::Number(number), sink.as_deref_mut())? {
                Outcome::Failed => return Ok(Outcome::Failed),
                Outcome::Found if sink.is_none() => return Ok(Outcome::Found),
                Outcome::Found => outcome = Outcome::Found,
                Outcome::NotFound => {}
            }
        }
        Ok(outcome)
    }

    pub(super) fn method(
        &mut self,
        method: Method,
        rest: &[Step],
        item: Item<'a>,
        mut sink: Sink<'_, 'a>,
    ) -> Result<Outcome> {
        let only = |what: &str| format!("jsonpath item method .{}() can only be applied to {what}", method.name());
        let made = match (method, &item) {
            (Method::Type, item) => Item::Text(item.type_name().into()),
            (Method::Size, Item::Container(json)) if item.is_array() => {
                Item::Number(i64::try_from(length(json)).unwrap_or(i64::MAX).into())
            }
            (Method::Size, _) if self.is_lax => Item::Number(1.into()),
            (Method::Size, _) => return self.fail(Kind::JsonArrayNotFound, only("an array")),
            (Method::Abs, Item::Number(number)) => Item::Number(number.abs()),
            (Method::Ceiling, Item::Number(number)) => Item::Number(number.ceil()),
            (Method::Floor, Item::Number(number)) => Item::Number(number.floor()),
            (Method::Abs | Method::Ceiling | Method::Floor, _) => {
                return self.fail(Kind::NonNumericJsonItem, only("a numeric value"));
            }
            (Method::Double, Item::Number(number)) => {
                if number.to_f64().is_err() {
                    let message = "numeric argument of jsonpath item method .double() is out of range for type double \
                                   precision";
                    return self.fail(Kind::NonNumericJsonItem, message);
                }
                item
            }
            (Method::Double, Item::Text(text)) => match parse_f64(text) {
                Ok(number) if number.is_finite() => Item::Number(Numeric::from_f64(number)),
                Ok(_) => {
                    let message = "NaN or Infinity is not allowed for jsonpath item method .double()";
                    return self.fail(Kind::NonNumericJsonItem, message);
                }
                Err(_) => {
                    let message = "string argument of jsonpath item method .double() is not a valid representation of \
                                   a double precision number";
                    return self.fail(Kind::NonNumericJsonItem, message);
                }
            },
            (Method::Double, _) => return self.fail(Kind::NonNumericJsonItem, only("a string or numeric value")),
            (Method::KeyValue, Item::Container(json)) if item.is_object() => {
                let id = match &self.root {
                    Item::Container(root) => identity(root, json)?,
                    _ => 0,
                };
                let mut outcome = Outcome::NotFound;
                let pairs: Vec<String> = members(json)
                    .map(|(key, value)| format!("{{\"id\": {id}, \"key\": {key}, \"value\": {value}}}"))
                    .collect();
                for pair in pairs {
                    outcome = self.next(rest, Item::Container(pair.into()), sink.as_deref_mut())?;
                    if outcome == Outcome::Failed || (outcome == Outcome::Found && sink.is_none()) {
                        break;
                    }
                }
                return Ok(outcome);
            }
            (Method::KeyValue, _) => return self.fail(Kind::JsonObjectNotFound, only("an object")),
        };
        self.next(rest, made, sink)
    }
}

impl Method {
    /// Whether an array is opened for it in lax mode.
    pub(super) fn wants_no_array(self) -> bool {
        !matches!(self, Method::Size | Method::Type)
    }
}
