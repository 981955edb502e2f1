//! `jsonb_pretty`: a line for each member, four blanks for each level.

use crate::error::Result;
use crate::function::datum::Datum;
use crate::function::json::{Shape, document, shape};
use crate::pgtype::jsonb::access::{elements, members};
use crate::pgtype::style::Style;

pub(super) fn pretty<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let json = document(args, 0)?;
    let mut out = String::with_capacity(json.len() * 2);
    put(json, 0, &mut out);
    Ok(Datum::text(out))
}

fn line(level: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", level));
}

fn put(json: &str, level: usize, out: &mut String) {
    match shape(json) {
        Shape::Array => {
            out.push('[');
            for (index, item) in elements(json).enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                line(level + 1, out);
                put(item, level + 1, out);
            }
            line(level, out);
            out.push(']');
        }
        Shape::Object => {
            out.push('{');
            for (index, (key, value)) in members(json).enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                line(level + 1, out);
                out.push_str(key);
                out.push_str(": ");
                put(value, level + 1, out);
            }
            line(level, out);
            out.push('}');
        }
        _ => out.push_str(json),
    }
}
