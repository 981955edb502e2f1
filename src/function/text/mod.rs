//! The functions and operators of `text` and `bytea`, by the rules of encoding UTF8 and locale C.UTF-8.

pub(crate) mod args;
mod binary;
mod encoding;
mod letters;
pub mod like;
mod md5;
mod normal;
mod pieces;
mod sha224;
mod split;
mod unicode;

use crate::function::{Function, SetFunction, lax, strict};

/// `||`, `^@` and LIKE.
pub const OPERATORS: &[Function] = &[
    strict("||", "text text", "text", letters::concatenate),
    strict("||", "text anynonarray", "text", letters::concatenate_any),
    strict("||", "anynonarray text", "text", letters::concatenate_any),
    strict("||", "bytea bytea", "bytea", binary::concatenate),
    strict("^@", "text text", "bool", pieces::starts_with),
    strict("~~", "text text", "bool", like::operator::<true, false>),
    strict("~~", "bpchar text", "bool", like::operator::<true, false>),
    strict("~~", "name text", "bool", like::operator::<true, false>),
    strict("~~", "bytea bytea", "bool", like::bytea_operator::<true>),
    strict("!~~", "text text", "bool", like::operator::<false, false>),
    strict("!~~", "bpchar text", "bool", like::operator::<false, false>),
    strict("!~~", "name text", "bool", like::operator::<false, false>),
    strict("!~~", "bytea bytea", "bool", like::bytea_operator::<false>),
    strict("~~*", "text text", "bool", like::operator::<true, true>),
    strict("~~*", "bpchar text", "bool", like::operator::<true, true>),
    strict("~~*", "name text", "bool", like::operator::<true, true>),
    strict("!~~*", "text text", "bool", like::operator::<false, true>),
    strict("!~~*", "bpchar text", "bool", like::operator::<false, true>),
    strict("!~~*", "name text", "bool", like::operator::<false, true>),
];

/// The functions that give one value.
pub const FUNCTIONS: &[Function] = &[
    strict("ascii", "text", "int4", letters::ascii),
    strict("bit_count", "bytea", "int8", binary::bit_count),
    strict("bit_length", "bytea", "int4", binary::bit_length),
    strict("bit_length", "text", "int4", letters::bit_length),
    strict("btrim", "bytea bytea", "bytea", binary::trim::<true, true>),
    strict("btrim", "text", "text", pieces::trim::<true, true>),
    strict("btrim", "text text", "text", pieces::trim::<true, true>),
    strict("byteacat", "bytea bytea", "bytea", binary::concatenate),
    strict("char_length", "bpchar", "int4", letters::blank_padded_length),
    strict("char_length", "text", "int4", letters::length),
    strict("character_length", "bpchar", "int4", letters::blank_padded_length),
    strict("character_length", "text", "int4", letters::length),
    strict("chr", "int4", "text", letters::chr),
    lax("concat", "text...", "text", letters::concat),
    lax("concat_ws", "text text...", "text", letters::concat_ws),
    strict("convert_from", "bytea name", "text", encoding::convert_from),
    strict("convert_to", "text name", "bytea", encoding::convert_to),
    strict("decode", "text text", "bytea", encoding::decode),
    strict("encode", "bytea text", "text", encoding::encode),
    Function {
        name: "gen_random_uuid",
        args: "",
        result: "uuid",
        strict: true,
        volatile: true,
        call: binary::gen_random_uuid,
    },
    strict("get_bit", "bytea int8", "int4", binary::get_bit),
    strict("get_byte", "bytea int4", "int4", binary::get_byte),
    strict("initcap", "text", "text", letters::initcap),
    strict("left", "text int4", "text", pieces::left),
    strict("length", "bpchar", "int4", letters::blank_padded_length),
    strict("length", "bytea", "int4", binary::length),
    strict("length", "bytea name", "int4", encoding::length_in),
    strict("length", "text", "int4", letters::length),
    strict("like", "bytea bytea", "bool", like::bytea_operator::<true>),
    strict("like", "name text", "bool", like::operator::<true, false>),
    strict("like", "text text", "bool", like::operator::<true, false>),
    strict("like_escape", "bytea bytea", "bytea", like::bytea_like_escape),
    strict("like_escape", "text text", "text", like::like_escape),
    strict("lower", "text", "text", letters::lower),
    strict("lpad", "text int4", "text", letters::pad::<true>),
    strict("lpad", "text int4 text", "text", letters::pad::<true>),
    strict("ltrim", "bytea bytea", "bytea", binary::trim::<true, false>),
    strict("ltrim", "text", "text", pieces::trim::<true, false>),
    strict("ltrim", "text text", "text", pieces::trim::<true, false>),
    strict("md5", "bytea", "text", md5::of_bytea),
    strict("md5", "text", "text", md5::of_text),
    strict("is_normalized", "text", "bool", normal::is_normalized),
    strict("is_normalized", "text text", "bool", normal::is_normalized),
    strict("normalize", "text", "text", normal::normalize),
    strict("normalize", "text text", "text", normal::normalize),
    strict("notlike", "bytea bytea", "bool", like::bytea_operator::<false>),
    strict("notlike", "name text", "bool", like::operator::<false, false>),
    strict("notlike", "text text", "bool", like::operator::<false, false>),
    strict("octet_length", "bpchar", "int4", letters::octet_length),
    strict("octet_length", "bytea", "int4", binary::length),
    strict("octet_length", "text", "int4", letters::octet_length),
    strict("overlay", "bytea bytea int4", "bytea", binary::overlay),
    strict("overlay", "bytea bytea int4 int4", "bytea", binary::overlay),
    strict("overlay", "text text int4", "text", pieces::overlay),
    strict("overlay", "text text int4 int4", "text", pieces::overlay),
    strict("position", "bytea bytea", "int4", binary::position),
    strict("position", "text text", "int4", pieces::position),
    strict("repeat", "text int4", "text", letters::repeat),
    strict("replace", "text text text", "text", letters::replace),
    strict("reverse", "text", "text", letters::reverse),
    strict("right", "text int4", "text", pieces::right),
    strict("rpad", "text int4", "text", letters::pad::<false>),
    strict("rpad", "text int4 text", "text", letters::pad::<false>),
    strict("rtrim", "bytea bytea", "bytea", binary::trim::<false, true>),
    strict("rtrim", "text", "text", pieces::trim::<false, true>),
    strict("rtrim", "text text", "text", pieces::trim::<false, true>),
    strict("set_bit", "bytea int8 int4", "bytea", binary::set_bit),
    strict("set_byte", "bytea int4 int4", "bytea", binary::set_byte),
    strict("sha224", "bytea", "bytea", sha224::sha224),
    strict("sha256", "bytea", "bytea", binary::sha256),
    strict("sha384", "bytea", "bytea", binary::sha384),
    strict("sha512", "bytea", "bytea", binary::sha512),
    strict("split_part", "text text int4", "text", pieces::split_part),
    strict("starts_with", "text text", "bool", pieces::starts_with),
    lax("string_to_array", "text text", "text[]", split::string_to_array),
    lax("string_to_array", "text text text", "text[]", split::string_to_array),
    strict("strpos", "text text", "int4", pieces::position),
    strict("substr", "bytea int4", "bytea", binary::substring),
    strict("substr", "bytea int4 int4", "bytea", binary::substring),
    strict("substr", "text int4", "text", pieces::substring),
    strict("substr", "text int4 int4", "text", pieces::substring),
    strict("substring", "bytea int4", "bytea", binary::substring),
    strict("substring", "bytea int4 int4", "bytea", binary::substring),
    strict("substring", "text int4", "text", pieces::substring),
    strict("substring", "text int4 int4", "text", pieces::substring),
    strict("textanycat", "text anynonarray", "text", letters::concatenate_any),
    strict("anytextcat", "anynonarray text", "text", letters::concatenate_any),
    strict("textcat", "text text", "text", letters::concatenate),
    strict("textlen", "text", "int4", letters::length),
    strict("textlike", "text text", "bool", like::operator::<true, false>),
    strict("textnlike", "text text", "bool", like::operator::<false, false>),
    strict("translate", "text text text", "text", letters::translate),
    strict("unistr", "text", "text", unicode::unistr),
    strict("upper", "text", "text", letters::upper),
];

/// The functions that give rows.
pub const SETS: &[SetFunction] = &[
    SetFunction {
        name: "string_to_table",
        args: "text text",
        columns: "text",
        strict: false,
        rows: split::string_to_table,
    },
    SetFunction {
        name: "string_to_table",
        args: "text text text",
        columns: "text",
        strict: false,
        rows: split::string_to_table,
    },
];

/// The most bytes that PostgreSQL gives a value, without its header.
const MOST_BYTES: usize = 0x3fff_ffff - 4;

#[cfg(test)]
pub(crate) mod tests;
