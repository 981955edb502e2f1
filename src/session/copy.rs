//! The options of COPY TO STDOUT, checked as PostgreSQL checks them
//! (<https://www.postgresql.org/docs/15/sql-copy.html>).

use datafusion::arrow::datatypes::Schema;

use crate::error::{Error, Kind, Result};
use crate::sql::parse::utility::{CopyOption, CopyValue};

/// How COPY writes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    /// Columns between a delimiter, with escapes.
    Text {
        /// What stands between columns.
        delimiter: u8,
        /// What stands for NULL.
        null: Vec<u8>,
        /// Whether the names of the columns come first.
        header: bool,
    },
    /// Comma-separated values.
    Csv {
        /// What stands between columns.
        delimiter: u8,
        /// What stands for NULL.
        null: Vec<u8>,
        /// Whether the names of the columns come first.
        header: bool,
        /// What stands around a value.
        quote: u8,
        /// What stands before a quote or an escape within a value.
        escape: u8,
        /// For each column whether its values are always quoted.
        force_quote: Vec<bool>,
    },
    /// PostgreSQL's binary form.
    Binary,
}

/// What the options say, before their defaults.
#[derive(Debug, Default)]
struct Options {
    format: Option<Form>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<bool>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<CopyValue>,
    freeze: Option<bool>,
    encoding: Option<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Csv,
    Binary,
}

impl CopyFormat {
    /// Reads the options of a COPY of rows with these columns.
    ///
    /// # Errors
    /// PostgreSQL's, for options that are unknown, stand twice or do not go together.
    pub fn new(options: &[CopyOption], columns: &Schema) -> Result<Self> {
        let read = Options::read(options)?;
        let form = read.format.unwrap_or(Form::Text);
        if form == Form::Binary {
            return read.binary();
        }
        let is_csv = form == Form::Csv;
        let delimiter = read.delimiter.as_deref().unwrap_or(if is_csv { "," } else { "\t" });
        let null = read.null.as_deref().unwrap_or(if is_csv { "" } else { "\\N" });
        let delimiter = one_byte(delimiter, "delimiter")?;
        if matches!(delimiter, b'\n' | b'\r') {
            return Err(invalid("COPY delimiter cannot be newline or carriage return"));
        }
        if null.contains(['\n', '\r']) {
            return Err(invalid("COPY null representation cannot use newline or carriage return"));
        }
        // Letters and digits could be taken for escapes.
        if !is_csv && (delimiter.is_ascii_lowercase() || delimiter.is_ascii_digit() || b"\\.".contains(&delimiter)) {
            return Err(invalid(format!("COPY delimiter cannot be \"{}\"", char::from(delimiter))));
        }
        if !is_csv {
            read.refuse_csv_options()?;
        }
        let quote = one_byte(read.quote.as_deref().unwrap_or("\""), "quote")?;
        if is_csv && quote == delimiter {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        let escape = match read.escape.as_deref() {
            Some(escape) => one_byte(escape, "escape")?,
            None => quote,
        };
        let null = null.as_bytes().to_vec();
        if null.contains(&delimiter) {
            let message = "COPY delimiter must not appear in the NULL specification";
            return Err(Error::new(Kind::FeatureNotSupported, message));
        }
        if is_csv && null.contains(&quote) {
            let message = "CSV quote character must not appear in the NULL specification";
            return Err(Error::new(Kind::FeatureNotSupported, message));
        }
        let header = read.header.unwrap_or(false);
        if !is_csv {
            return Ok(CopyFormat::Text { delimiter, null, header });
        }
        let force_quote = forced(read.force_quote.as_ref(), columns)?;
        Ok(CopyFormat::Csv { delimiter, null, header, quote, escape, force_quote })
    }

    /// Whether the bytes are not text.
    pub fn is_binary(&self) -> bool {
        *self == CopyFormat::Binary
    }
}

impl Options {
    fn read(options: &[CopyOption]) -> Result<Options> {
        let mut read = Options::default();
        for option in options {
            let value = &option.value;
            let fresh = match option.name.as_str() {
                "format" => read.format.replace(form(option)?).is_none(),
                "delimiter" => read.delimiter.replace(said(option)?).is_none(),
                "null" => read.null.replace(said(option)?).is_none(),
                "header" => read.header.replace(header(option)?).is_none(),
                "quote" => read.quote.replace(said(option)?).is_none(),
                "escape" => read.escape.replace(said(option)?).is_none(),
                "freeze" => read.freeze.replace(boolean(option)?).is_none(),
                "encoding" => read.encoding.replace(encoding(option)?).is_none(),
                "force_quote" => match value {
                    CopyValue::All | CopyValue::Names(_) => read.force_quote.replace(value.clone()).is_none(),
                    _ => return Err(names_wanted(option)),
                },
                "force_not_null" | "force_null" => {
                    let what = option.name.replace('_', " ");
                    return Err(Error::unsupported(format!("COPY {what} in COPY TO, which only COPY FROM takes")));
                }
                other => {
                    let message = format!("option \"{other}\" not recognized");
                    return Err(Error::new(Kind::Syntax, message).position(option.position));
                }
            };
            if !fresh {
                return Err(Error::new(Kind::Syntax, "conflicting or redundant options").position(option.position));
            }
        }
        Ok(read)
    }

    fn binary(self) -> Result<CopyFormat> {
        let refused = |what: &str| Err(Error::new(Kind::Syntax, format!("cannot specify {what} in BINARY mode")));
        if self.delimiter.is_some() {
            return refused("DELIMITER");
        }
        if self.null.is_some() {
            return refused("NULL");
        }
        if self.header == Some(true) {
            return Err(Error::new(Kind::FeatureNotSupported, "cannot specify HEADER in BINARY mode"));
        }
        self.refuse_csv_options()?;
        Ok(CopyFormat::Binary)
    }

    fn refuse_csv_options(&self) -> Result<()> {
        let given = [
            (self.quote.is_some(), "quote"),
            (self.escape.is_some(), "escape"),
            (self.force_quote.is_some(), "force quote"),
        ];
        match given.into_iter().find(|(is_given, _)| *is_given) {
            Some((_, what)) => {
                let message = format!("COPY {what} available only in CSV mode");
                Err(Error::new(Kind::FeatureNotSupported, message))
            }
            None => Ok(()),
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidParameterValue, message)
}

fn one_byte(text: &str, what: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => {
            let message = format!("COPY {what} must be a single one-byte character");
            Err(Error::new(Kind::FeatureNotSupported, message))
        }
    }
}

fn said(option: &CopyOption) -> Result<String> {
    match &option.value {
        CopyValue::Text(text) => Ok(text.clone()),
        CopyValue::Nothing => Err(Error::new(Kind::Syntax, format!("{} requires a parameter", option.name))),
        CopyValue::All => Ok("*".to_owned()),
        CopyValue::Names(names) => Ok(names.join(", ")),
    }
}

fn boolean(option: &CopyOption) -> Result<bool> {
    if option.value == CopyValue::Nothing {
        return Ok(true);
    }
    match said(option)?.to_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(Error::new(Kind::Syntax, format!("{} requires a Boolean value", option.name))),
    }
}

fn header(option: &CopyOption) -> Result<bool> {
    if option.value == CopyValue::Text("match".to_owned()) {
        return Err(Error::new(Kind::FeatureNotSupported, "cannot use \"match\" with HEADER in COPY TO"));
    }
    boolean(option)
        .map_err(|_| Error::new(Kind::Syntax, format!("{} requires a Boolean value or \"match\"", option.name)))
}

fn form(option: &CopyOption) -> Result<Form> {
    let name = said(option)?;
    match name.as_str() {
        "text" => Ok(Form::Text),
        "csv" => Ok(Form::Csv),
        "binary" => Ok(Form::Binary),
        _ => Err(invalid(format!("COPY format \"{name}\" not recognized")).position(option.position)),
    }
}

fn encoding(option: &CopyOption) -> Result<()> {
    let name = said(option)?;
    match name.to_lowercase().replace(['-', '_'], "").as_str() {
        "utf8" | "unicode" => Ok(()),
        _ => Err(Error::unsupported(format!("COPY in the encoding {name}")).hint("Rows are sent in UTF8.")),
    }
}

fn names_wanted(option: &CopyOption) -> Error {
    let message = format!("argument to option \"{}\" must be a list of column names", option.name);
    invalid(message).position(option.position)
}

fn forced(option: Option<&CopyValue>, columns: &Schema) -> Result<Vec<bool>> {
    let names = match option {
        None => return Ok(vec![false; columns.fields().len()]),
        Some(CopyValue::Names(names)) => names,
        Some(_) => return Ok(vec![true; columns.fields().len()]),
    };
    let mut forced = vec![false; columns.fields().len()];
    for name in names {
        let at = columns.fields().iter().position(|field| field.name() == name);
        let at = at.ok_or_else(|| Error::new(Kind::UndefinedColumn, format!("column \"{name}\" does not exist")))?;
        if std::mem::replace(&mut forced[at], true) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(Error::new(Kind::DuplicateColumn, message));
        }
    }
    Ok(forced)
}
