//! Carries a path out.

use crate::error::{Error, Kind, Result};
use crate::function::jsonpath::ast::{Expression, Head, Path, Step};
use crate::function::jsonpath::item::Item;
use crate::pgtype::jsonb::access::{Key, elements, member};

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is an item.
    Found,
    NotFound,
    /// There was an error that is not to be reported.
    Failed,
}

/// What a predicate gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    False,
    True,
    Unknown,
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Truth::True } else { Truth::False }
    }
}

/// Where items go; without it the first one is enough.
pub(super) type Sink<'s, 'a> = Option<&'s mut Vec<Item<'a>>>;

/// What holds while a path is carried out.
pub(super) struct Execution<'a, 'p> {
    pub(super) root: Item<'a>,
    /// The object that variables are taken of; without it all are null, as for the operators.
    pub(super) variables: Option<&'a str>,
    pub(super) is_lax: bool,
    pub(super) current: Item<'a>,
    /// What does not fit the structure is passed over.
    ignores: bool,
    /// Errors are reported.
    pub(super) throws: bool,
    /// The length of the array around.
    length: usize,
    path: &'p Path,
}

impl<'a, 'p> Execution<'a, 'p> {
    pub(super) fn new(path: &'p Path, root: Item<'a>, variables: Option<&'a str>, throws: bool) -> Self {
        let current = root.clone();
        Execution { root, variables, is_lax: path.is_lax, current, ignores: path.is_lax, throws, length: 0, path }
    }

    /// Gathers the items of the path.
    pub(super) fn query(&mut self, found: &mut Vec<Item<'a>>) -> Result<Outcome> {
        let (path, root) = (self.path, self.root.clone());
        self.expression(&path.expression, &root, Some(found))
    }

    /// Whether there is an item.
    pub(super) fn exists(&mut self) -> Result<Outcome> {
        if self.is_lax {
            let (path, root) = (self.path, self.root.clone());
            return self.expression(&path.expression, &root, None);
        }
        // All of them must be free of errors.
        let mut found = Vec::new();
        let outcome = self.query(&mut found)?;
        Ok(match outcome {
            Outcome::Failed => Outcome::Failed,
            _ if found.is_empty() => Outcome::NotFound,
            _ => Outcome::Found,
        })
    }

    pub(super) fn fail(&self, kind: Kind, message: impl Into<String>) -> Result<Outcome> {
        if self.throws { Err(Error::new(kind, message)) } else { Ok(Outcome::Failed) }
    }

    /// A fault of structure, which the lax mode passes over.
    fn misfit(&self, kind: Kind, message: impl Into<String>) -> Result<Outcome> {
        if self.ignores { Ok(Outcome::NotFound) } else { self.fail(kind, message) }
    }

    /// Carries an expression out on an item.
    pub(super) fn expression(&mut self, expression: &Expression, on: &Item<'a>, sink: Sink<'_, 'a>) -> Result<Outcome> {
        let steps = &expression.steps;
        let item = match &expression.head {
            Head::Root => self.root.clone(),
            Head::Current => self.current.clone(),
            Head::Last => Item::Number((i64::try_from(self.length).unwrap_or(i64::MAX) - 1).into()),
            Head::Null => Item::Null,
            Head::Bool(value) => Item::Bool(*value),
            Head::Number(number) => Item::Number(number.clone()),
            Head::Text(text) => Item::Text(text.clone().into()),
            Head::Variable(name) => self.variable(name)?,
            Head::Arithmetic(operator, left, right) => return self.arithmetic(*operator, left, right, steps, on, sink),
            Head::Sign { is_minus, of } => return self.sign(*is_minus, of, steps, on, sink),
            Head::Predicate(predicate) => match self.predicate(predicate, on)? {
                Truth::Unknown => Item::Null,
                truth => Item::Bool(truth == Truth::True),
            },
        };
        self.next(steps, item, sink)
    }

    fn variable(&self, name: &str) -> Result<Item<'a>> {
        let Some(variables) = self.variables else { return Ok(Item::Null) };
        let found = member(variables, &Key::new(name));
        let missing = || Error::new(Kind::UndefinedObject, format!("could not find jsonpath variable \"{name}\""));
        Item::read(found.ok_or_else(missing)?)
    }

    /// Carries an expression out and opens the arrays among its items in lax mode.
    pub(super) fn unwrapped(
        &mut self,
        expression: &Expression,
        on: &Item<'a>,
        found: &mut Vec<Item<'a>>,
    ) -> Result<Outcome> {
        if !self.is_lax {
            return self.expression(expression, on, Some(found));
        }
        let mut items = Vec::new();
        if self.expression(expression, on, Some(&mut items))? == Outcome::Failed {
            return Ok(Outcome::Failed);
        }
        for item in items {
            if item.is_array() { found.extend(item.children()?) } else { found.push(item) }
        }
        Ok(Outcome::Found)
    }

    /// The same, but no error is reported.
    pub(super) fn quietly<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let throws = std::mem::replace(&mut self.throws, false);
        let result = run(self);
        self.throws = throws;
        result
    }

    /// Takes the steps of an item, or lets it be found if there are none.
    pub(super) fn next(&mut self, steps: &[Step], item: Item<'a>, sink: Sink<'_, 'a>) -> Result<Outcome> {
        self.steps(steps, item, sink, self.is_lax)
    }

    /// Takes the steps of each of some items; without steps they are found.
    fn each(&mut self, steps: &[Step], items: Vec<Item<'a>>, mut sink: Sink<'_, 'a>, unwraps: bool) -> Result<Outcome> {
        let mut outcome = Outcome::NotFound;
        for item in items {
            outcome = self.steps(steps, item, sink.as_deref_mut(), unwraps)?;
            if outcome == Outcome::Failed || (outcome == Outcome::Found && sink.is_none()) {
                break;
            }
        }
        Ok(outcome)
    }

    /// The first step, and those after it. `unwraps` tells whether an array is opened for a step that wants none.
    fn steps(&mut self, steps: &[Step], item: Item<'a>, sink: Sink<'_, 'a>, unwraps: bool) -> Result<Outcome> {
        let Some((step, rest)) = steps.split_first() else {
            if let Some(found) = sink {
                found.push(item);
            }
            return Ok(Outcome::Found);
        };
        let opens = unwraps && item.is_array();
        match step {
            Step::AnyElement if item.is_array() => self.each(rest, item.children()?, sink, self.is_lax),
            Step::AnyElement if self.is_lax => self.next(rest, item, sink),
            Step::AnyElement => {
                self.misfit(Kind::JsonArrayNotFound, "jsonpath wildcard array accessor can only be applied to an array")
            }
            Step::Elements(places) => self.elements(places, rest, &item, sink),
            Step::AnyKey if item.is_object() => self.each(rest, item.children()?, sink, self.is_lax),
            Step::Key(key) if item.is_object() => match self.member(&item, key)? {
                Some(value) => self.next(rest, value, sink),
                None => self.misfit(Kind::JsonMemberNotFound, format!("JSON object does not contain key \"{key}\"")),
            },
            Step::AnyKey | Step::Key(_) | Step::Filter(_) if opens => self.each(steps, item.children()?, sink, false),
            Step::AnyKey => self
                .misfit(Kind::JsonObjectNotFound, "jsonpath wildcard member accessor can only be applied to an object"),
            Step::Key(_) => {
                self.misfit(Kind::JsonMemberNotFound, "jsonpath member accessor can only be applied to an object")
            }
            Step::Filter(predicate) => {
                let outer = std::mem::replace(&mut self.current, item.clone());
                let truth = self.predicate(predicate, &item);
                self.current = outer;
                if truth? == Truth::True { self.next(rest, item, sink) } else { Ok(Outcome::NotFound) }
            }
            Step::Descend { first, last } => self.descend(*first, *last, rest, &item, sink),
            Step::Method(method) => {
                if opens && method.wants_no_array() {
                    return self.each(steps, item.children()?, sink, false);
                }
                self.method(*method, rest, item, sink)
            }
        }
    }

    fn member(&self, item: &Item<'a>, key: &str) -> Result<Option<Item<'a>>> {
        let key = Key::new(key);
        let found =
            item.parts(|json| member(json, &key).map(|value| Ok(((), Item::read(value)?))).into_iter().collect())?;
        Ok(found.into_iter().next().map(|(_, value)| value))
    }

    fn descend(
        &mut self,
        first: u32,
        last: u32,
        rest: &[Step],
        item: &Item<'a>,
        mut sink: Sink<'_, 'a>,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::NotFound;
        if first == 0 {
            let ignores = std::mem::replace(&mut self.ignores, true);
            let found = self.next(rest, item.clone(), sink.as_deref_mut());
            self.ignores = ignores;
            outcome = found?;
            if outcome == Outcome::Failed || (outcome == Outcome::Found && sink.is_none()) {
                return Ok(outcome);
            }
        }
        if matches!(item, Item::Container(_)) {
            outcome = self.below(1, (first, last), rest, item, sink)?;
        }
        Ok(outcome)
    }

    /// The items at and below a level within a container.
    fn below(
        &mut self,
        level: u32,
        (first, last): (u32, u32),
        rest: &[Step],
        item: &Item<'a>,
        mut sink: Sink<'_, 'a>,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::NotFound;
        if level > last {
            return Ok(outcome);
        }
        for child in item.children()? {
            let is_container = matches!(child, Item::Container(_));
            // From last to last are those without children.
            if level >= first || (first == u32::MAX && last == u32::MAX && !is_container) {
                let ignores = std::mem::replace(&mut self.ignores, true);
                let found = self.next(rest, child.clone(), sink.as_deref_mut());
                self.ignores = ignores;
                outcome = found?;
                if outcome == Outcome::Failed || (outcome == Outcome::Found && sink.is_none()) {
                    break;
                }
            }
            if level < last && is_container {
                outcome = self.below(level + 1, (first, last), rest, &child, sink.as_deref_mut())?;
                if outcome == Outcome::Failed || (outcome == Outcome::Found && sink.is_none()) {
                    break;
                }
            }
        }
        Ok(outcome)
    }

    fn elements(
        &mut self,
        places: &[(Expression, Option<Expression>)],
        rest: &[Step],
        item: &Item<'a>,
        mut sink: Sink<'_, 'a>,
    ) -> Result<Outcome> {
        if !item.is_array() && !self.is_lax {
            return self.misfit(Kind::JsonArrayNotFound, "jsonpath array accessor can only be applied to an array");
        }
        // What is no array is one of itself.
        let items = if item.is_array() { item.children()? } else { vec![item.clone()] };
        let outer = std::mem::replace(&mut self.length, items.len());
        let outcome = self.places(places, rest, item, &items, &mut sink);
        self.length = outer;
        outcome
    }

    fn places(
        &mut self,
        places: &[(Expression, Option<Expression>)],
        rest: &[Step],
        item: &Item<'a>,
        items: &[Item<'a>],
        sink: &mut Sink<'_, 'a>,
    ) -> Result<Outcome> {
        let mut outcome = Outcome::NotFound;
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        for (from, to) in places {
            let Some(from) = self.place(from, item)? else { return Ok(Outcome::Failed) };
            let to = match to {
                None => from,
                Some(to) => match self.place(to, item)? {
                    Some(to) => to,
                    None => return Ok(Outcome::Failed),
                },
            };
            if !self.ignores && (from < 0 || from > to || to >= length) {
                return self.fail(Kind::JsonValue, "jsonpath array subscript is out of bounds");
            }
            outcome = Outcome::NotFound;
            let start = usize::try_from(from).unwrap_or(0);
            let end = usize::try_from(to.saturating_add(1)).unwrap_or(0).min(items.len());
            for found in items.get(start..end).unwrap_or_default() {
                // The subscripts of what comes after have their own array.
                let length = self.length;
                let found = self.next(rest, found.clone(), sink.as_deref_mut());
                self.length = length;
                outcome = found?;
                if outcome == Outcome::Failed || (outcome == Outcome::Found && sink.is_none()) {
                    return Ok(outcome);
                }
            }
        }
        Ok(outcome)
    }

    /// A subscript; `None` for an error that is not reported.
    fn place(&mut self, subscript: &Expression, on: &Item<'a>) -> Result<Option<i64>> {
        let mut found = Vec::new();
        if self.expression(subscript, on, Some(&mut found))? == Outcome::Failed {
            return Ok(None);
        }
        let [Item::Number(number)] = found.as_slice() else {
            self.fail(Kind::JsonValue, "jsonpath array subscript is not a single numeric value")?;
            return Ok(None);
        };
        match number.trunc(0).to_i32() {
            Ok(place) => Ok(Some(place.into())),
            Err(_) => {
                self.fail(Kind::JsonValue, "jsonpath array subscript is out of integer range")?;
                Ok(None)
            }
        }
    }
}

/// The elements of an array of `jsonb`.
pub(super) fn length(json: &str) -> usize {
    elements(json).count()
}
