//! The filters of a request body.
//!
//! `{"filters": {field: condition or list of conditions}, "operator": "AND" | "OR"}`. The order of the fields counts,
//! as connectors join from left to right, so the object is read in the order in which it was sent.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::filter::{Condition, Filter, Target};
use super::refusal::Refusal;

#[derive(Debug, Deserialize)]
struct Body {
    #[serde(default)]
    filters: Option<Members>,
    #[serde(default)]
    operator: Option<String>,
}

/// The members of an object in the order of the text.
#[derive(Debug, Default)]
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Members, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Reader)
    }
}

/// The filters of a body, without those on targets that the URL filters. An empty body has none.
pub(super) fn read(body: &[u8], overruled: impl Fn(&str) -> bool) -> Result<Filter, Refusal> {
    // An array would be taken for the members in their order.
    match body.trim_ascii_start().first() {
        None => return Ok(Filter::default()),
        Some(b'{') => {}
        Some(_) => return Err(Refusal::Format),
    }
    let body: Body = serde_json::from_slice(body).map_err(|_| Refusal::Format)?;
    let any = match body.operator {
        Some(operator) => connector("operator", &Value::String(operator))?,
        None => false,
    };
    let mut filter = Filter::default();
    for (name, value) in body.filters.unwrap_or_default().0 {
        let (or, group) = field(&name, &value)?;
        if !Target::in_body(&name).is_some_and(|target| overruled(&target.name())) {
            filter.push_group(any || or, group);
        }
    }
    Ok(filter)
}

/// The conditions on one field, and how the first of them joins the field before.
fn field(name: &str, value: &Value) -> Result<(bool, Filter), Refusal> {
    let conditions = match value {
        Value::Array(conditions) => conditions.as_slice(),
        Value::Null => &[],
        condition => std::slice::from_ref(condition),
    };
    let mut group = Filter::default();
    let mut joins = false;
    for (place, condition) in conditions.iter().enumerate() {
        let target = Target::in_body(name).ok_or_else(|| Refusal::Unsupported(name.to_owned()))?;
        let Value::Object(members) = condition else {
            return Err(Refusal::invalid(name, "A condition must be an object."));
        };
        let or = connector(name, members.get("connector").unwrap_or(&Value::Null))?;
        let operator = match members.get("operator") {
            None | Some(Value::Null) => "",
            Some(Value::String(operator)) => operator.as_str(),
            Some(_) => return Err(Refusal::invalid(name, "An operator must be a string.")),
        };
        let values = match members.get("value") {
            None => return Err(Refusal::invalid(name, "A condition must have a value.")),
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        if place == 0 {
            joins = or;
        }
        group.push(or, Condition::new(name, target, operator, values)?);
    }
    Ok((joins, group))
}

/// Whether a connector is OR; without one it is AND.
pub(super) fn connector(name: &str, value: &Value) -> Result<bool, Refusal> {
    match value {
        Value::Null => Ok(false),
        Value::String(text) if text.is_empty() || text.eq_ignore_ascii_case("and") => Ok(false),
        Value::String(text) if text.eq_ignore_ascii_case("or") => Ok(true),
        _ => Err(Refusal::invalid(name, "A connector must be AND or OR.")),
    }
}
