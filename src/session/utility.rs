//! Utility statements from their tokens: SET, SHOW, BEGIN and the like, in all the spellings that clients send.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Error, Kind, Result};
use crate::session::command::{Command, Discard, ExplainOptions, Modes, classify};
use crate::sql::parse::{self, statement_at};

/// Commands that write and that the parser need not understand to refuse them.
const WRITES: &[&str] = &[
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "TRUNCATE",
    "CREATE",
    "DROP",
    "ALTER",
    "GRANT",
    "REVOKE",
    "COMMENT",
    "VACUUM",
    "ANALYZE",
    "REINDEX",
    "CLUSTER",
    "REFRESH",
    "LOCK",
    "CALL",
    "DO",
    "IMPORT",
    "SECURITY",
    "REASSIGN",
    "CHECKPOINT",
    "LOAD",
];
const OBJECTS: &[&str] = &[
    "TABLE",
    "VIEW",
    "INDEX",
    "SCHEMA",
    "DATABASE",
    "FUNCTION",
    "SEQUENCE",
    "TYPE",
    "ROLE",
    "USER",
    "EXTENSION",
    "TRIGGER",
    "PROCEDURE",
    "SYSTEM",
    "TABLESPACE",
    "DOMAIN",
    "RULE",
    "POLICY",
    "PUBLICATION",
    "SUBSCRIPTION",
    "AGGREGATE",
];

/// Reads a utility statement; `None` for what is not one.
///
/// # Errors
/// 42601 where the words make no sense.
pub(super) fn read(sql: &str, tokens: &[TokenWithSpan]) -> Result<Option<Command>> {
    let mut words = Words { sql, tokens, at: 0 };
    let Some(verb) = words.keyword() else { return Ok(None) };
    words.at += 1;
    let command = match verb.as_str() {
        "SET" => words.set()?,
        "SHOW" => words.show()?,
        "RESET" => words.reset()?,
        "DISCARD" => words.discard()?,
        "BEGIN" => words.begin("BEGIN")?,
        "START" => {
            words.expect("TRANSACTION")?;
            words.begin("START TRANSACTION")?
        }
        "COMMIT" | "END" => words.end(Command::Commit)?,
        "ROLLBACK" | "ABORT" => words.rollback()?,
        "SAVEPOINT" => Command::Savepoint(words.last_name()?),
        "RELEASE" => {
            words.skip("SAVEPOINT");
            Command::Release(words.last_name()?)
        }
        "DEALLOCATE" => {
            words.skip("PREPARE");
            if words.skip("ALL") {
                words.done(Command::Deallocate(None))?
            } else {
                Command::Deallocate(Some(words.last_name()?))
            }
        }
        "EXPLAIN" => words.explain()?,
        "LISTEN" => {
            words.last_name()?;
            Command::Nothing("LISTEN")
        }
        "UNLISTEN" => {
            if !words.skip_token(&Token::Mul) {
                words.name()?;
            }
            words.done(Command::Nothing("UNLISTEN"))?
        }
        "NOTIFY" => {
            words.name()?;
            if words.skip_token(&Token::Comma) {
                words.value()?;
            }
            words.done(Command::Nothing("NOTIFY"))?
        }
        write if WRITES.contains(&write) => words.write(write),
        _ => return Ok(None),
    };
    Ok(Some(command))
}

struct Words<'a> {
    sql: &'a str,
    tokens: &'a [TokenWithSpan],
    at: usize,
}

impl Words<'_> {
    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|token| &token.token)
    }

    /// The next word in capitals, unless it is quoted.
    fn keyword(&self) -> Option<String> {
        match self.token()? {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_uppercase()),
            _ => None,
        }
    }

    fn skip(&mut self, word: &str) -> bool {
        let is = self.keyword().is_some_and(|next| next == word);
        self.at += usize::from(is);
        is
    }

    fn skip_token(&mut self, token: &Token) -> bool {
        let is = self.token() == Some(token);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        if self.skip(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Error {
        match self.tokens.get(self.at) {
            Some(token) => parse::unexpected(self.sql, token),
            None => Error::new(Kind::Syntax, "syntax error at end of input").position(self.sql.chars().count() + 1),
        }
    }

    fn done(&self, command: Command) -> Result<Command> {
        if self.at == self.tokens.len() { Ok(command) } else { Err(self.unexpected()) }
    }

    /// A name, folded unless quoted.
    fn name(&mut self) -> Result<String> {
        let name = match self.token() {
            Some(Token::Word(word)) if word.quote_style.is_some() => word.value.clone(),
            Some(Token::Word(word)) => word.value.to_lowercase(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(name)
    }

    fn last_name(&mut self) -> Result<String> {
        let name = self.name()?;
        if self.at == self.tokens.len() { Ok(name) } else { Err(self.unexpected()) }
    }

    /// A setting's name: `a`, or `a.b`.
    fn setting(&mut self) -> Result<String> {
        let mut name = self.name()?;
        while self.skip_token(&Token::Period) {
            name = format!("{name}.{}", self.name()?);
        }
        Ok(name)
    }

    /// One value of SET: a word, a string, or a number with its sign.
    fn value(&mut self) -> Result<String> {
        let minus = self.skip_token(&Token::Minus);
        if !minus {
            self.skip_token(&Token::Plus);
        }
        let value = match self.token() {
            Some(Token::Number(digits, _)) if minus => format!("-{digits}"),
            Some(Token::Number(digits, _)) => digits.clone(),
            Some(Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text)) if !minus => text.clone(),
            Some(Token::Word(word)) if !minus => match word.quote_style {
                Some(_) => word.value.clone(),
                None => word.value.to_lowercase(),
            },
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(value)
    }

    fn set(&mut self) -> Result<Command> {
        let local = self.skip("LOCAL");
        let of_session = !local && self.skip("SESSION");
        if of_session && self.skip("CHARACTERISTICS") {
            self.expect("AS")?;
            self.expect("TRANSACTION")?;
            let modes = Modes { of_session: true, ..self.modes()? };
            return self.done(Command::SetTransaction(modes));
        }
        if self.skip("TRANSACTION") {
            let modes = self.modes()?;
            return self.done(Command::SetTransaction(modes));
        }
        if self.skip("TIME") {
            self.expect("ZONE")?;
            return self.time_zone(local);
        }
        if self.skip("NAMES") {
            let values =
                if self.at == self.tokens.len() || self.skip("DEFAULT") { Vec::new() } else { vec![self.value()?] };
            return self.done(Command::Set { name: "client_encoding".to_owned(), values, local });
        }
        if self.keyword().as_deref() == Some("AUTHORIZATION") || self.keyword().as_deref() == Some("ROLE") {
            return self.identity();
        }
        let name = self.setting()?;
        if !self.skip_token(&Token::Eq) {
            self.expect("TO")?;
        }
        let values = if self.skip("DEFAULT") { Vec::new() } else { self.values()? };
        self.done(Command::Set { name, values, local })
    }

    fn values(&mut self) -> Result<Vec<String>> {
        let mut values = vec![self.value()?];
        while self.skip_token(&Token::Comma) {
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn time_zone(&mut self, local: bool) -> Result<Command> {
        let values = if self.skip("LOCAL") || self.skip("DEFAULT") {
            Vec::new()
        } else if self.skip("INTERVAL") {
            let value = self.value()?;
            if self.skip("HOUR") {
                self.expect("TO")?;
                self.expect("MINUTE")?;
            }
            vec![format!("INTERVAL '{value}'")]
        } else {
            vec![self.value()?]
        };
        self.done(Command::Set { name: "timezone".to_owned(), values, local })
    }

    /// SET SESSION AUTHORIZATION and SET ROLE: only back to oneself.
    fn identity(&mut self) -> Result<Command> {
        self.at += 1;
        if self.skip("DEFAULT") || self.skip("NONE") {
            return self.done(Command::Nothing("SET"));
        }
        Ok(Command::Unsupported { what: "changing the role of a session".to_owned() })
    }

    fn modes(&mut self) -> Result<Modes> {
        let mut modes = Modes::default();
        while self.at < self.tokens.len() {
            if self.skip("ISOLATION") {
                self.expect("LEVEL")?;
                modes.isolation = Some(self.level()?);
            } else if self.skip("READ") {
                modes.read_write = !self.skip("ONLY");
                if modes.read_write {
                    self.expect("WRITE")?;
                }
            } else if self.skip("NOT") {
                self.expect("DEFERRABLE")?;
            } else if !self.skip("DEFERRABLE") {
                return Err(self.unexpected());
            }
            self.skip_token(&Token::Comma);
        }
        Ok(modes)
    }

    fn level(&mut self) -> Result<String> {
        let level = match self.keyword().as_deref() {
            Some("SERIALIZABLE") => "serializable",
            Some("REPEATABLE") => {
                self.at += 1;
                return self.expect("READ").map(|()| "repeatable read".to_owned());
            }
            Some("READ") => {
                self.at += 1;
                if self.skip("COMMITTED") {
                    return Ok("read committed".to_owned());
                }
                return self.expect("UNCOMMITTED").map(|()| "read uncommitted".to_owned());
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(level.to_owned())
    }

    fn show(&mut self) -> Result<Command> {
        if self.skip("ALL") {
            return self.done(Command::ShowAll);
        }
        if self.skip("TIME") {
            self.expect("ZONE")?;
            return self.done(Command::Show("timezone".to_owned()));
        }
        if self.skip("TRANSACTION") {
            self.expect("ISOLATION")?;
            self.expect("LEVEL")?;
            return self.done(Command::Show("transaction_isolation".to_owned()));
        }
        if self.skip("SESSION") {
            self.expect("AUTHORIZATION")?;
            return self.done(Command::Show("session_authorization".to_owned()));
        }
        let name = self.setting()?;
        self.done(Command::Show(name))
    }

    fn reset(&mut self) -> Result<Command> {
        if self.skip("ALL") {
            return self.done(Command::ResetAll);
        }
        if self.skip("TIME") {
            self.expect("ZONE")?;
            return self.done(Command::Reset("timezone".to_owned()));
        }
        if self.skip("SESSION") {
            self.expect("AUTHORIZATION")?;
            return self.done(Command::Nothing("RESET"));
        }
        if self.skip("ROLE") {
            return self.done(Command::Nothing("RESET"));
        }
        let name = self.setting()?;
        self.done(Command::Reset(name))
    }

    fn discard(&mut self) -> Result<Command> {
        let what = match self.keyword().as_deref() {
            Some("ALL") => Discard::All,
            Some("PLANS") => Discard::Part("DISCARD PLANS"),
            Some("SEQUENCES") => Discard::Part("DISCARD SEQUENCES"),
            Some("TEMP" | "TEMPORARY") => Discard::Part("DISCARD TEMP"),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        self.done(Command::Discard(what))
    }

    fn begin(&mut self, tag: &'static str) -> Result<Command> {
        if !self.skip("WORK") {
            self.skip("TRANSACTION");
        }
        let modes = self.modes()?;
        self.done(Command::Begin { modes, tag })
    }

    fn end(&mut self, command: Command) -> Result<Command> {
        if !self.skip("WORK") {
            self.skip("TRANSACTION");
        }
        if self.skip("AND") {
            if !self.skip("NO") {
                return Ok(Command::Unsupported { what: "AND CHAIN".to_owned() });
            }
            self.expect("CHAIN")?;
        }
        self.done(command)
    }

    fn rollback(&mut self) -> Result<Command> {
        if !self.skip("WORK") {
            self.skip("TRANSACTION");
        }
        if self.skip("TO") {
            self.skip("SAVEPOINT");
            return Ok(Command::RollbackTo(self.last_name()?));
        }
        self.end(Command::Rollback)
    }

    fn explain(&mut self) -> Result<Command> {
        let mut options = ExplainOptions::default();
        if self.skip_token(&Token::LParen) {
            loop {
                let option = self.keyword().ok_or_else(|| self.unexpected())?;
                self.at += 1;
                let value = match self.token() {
                    Some(Token::Comma | Token::RParen) => "true".to_owned(),
                    _ => self.value()?,
                };
                let value = value.to_lowercase();
                let is_on = !matches!(value.as_str(), "false" | "off" | "0" | "f" | "no" | "n");
                match option.as_str() {
                    "ANALYZE" => options.analyze = is_on,
                    "COSTS" => options.costs = is_on,
                    "FORMAT" => match value.as_str() {
                        "text" => options.json = false,
                        "json" => options.json = true,
                        "xml" | "yaml" => {
                            return Ok(Command::Unsupported { what: format!("EXPLAIN in the format {value}") });
                        }
                        _ => {
                            let message = format!("unrecognized value for EXPLAIN option \"format\": \"{value}\"");
                            return Err(Error::new(Kind::InvalidParameterValue, message));
                        }
                    },
                    "VERBOSE" | "SETTINGS" | "BUFFERS" | "WAL" | "TIMING" | "SUMMARY" => {}
                    other => {
                        let message = format!("unrecognized EXPLAIN option \"{}\"", other.to_lowercase());
                        return Err(Error::new(Kind::Syntax, message));
                    }
                }
                if !self.skip_token(&Token::Comma) {
                    break;
                }
            }
            if !self.skip_token(&Token::RParen) {
                return Err(self.unexpected());
            }
        } else {
            options.analyze = self.skip("ANALYZE");
            self.skip("VERBOSE");
        }
        let rest = Words { sql: self.sql, tokens: &self.tokens[self.at..], at: 0 };
        if let Some(write) = rest.keyword().filter(|word| WRITES.contains(&word.as_str())) {
            return Ok(Words { at: 1, ..rest }.write(&write));
        }
        let Some(first) = rest.tokens.first() else { return Err(rest.unexpected()) };
        let statement = statement_at(self.sql, first.span.start)?;
        match classify(&statement) {
            Command::Query => Ok(Command::Explain { options, statement: Box::new(statement) }),
            other => Ok(other),
        }
    }

    /// The tag as PostgreSQL has it: CREATE TABLE, DROP SCHEMA, TRUNCATE TABLE.
    fn write(&self, verb: &str) -> Command {
        let object = self.tokens[self.at.min(self.tokens.len())..].iter().find_map(|token| match &token.token {
            Token::Word(word) if word.quote_style.is_none() => {
                Some(word.value.to_uppercase()).filter(|word| OBJECTS.contains(&word.as_str()))
            }
            _ => None,
        });
        let tag = match (verb, object) {
            ("CREATE" | "DROP" | "ALTER", Some(object)) => format!("{verb} {object}"),
            ("TRUNCATE" | "LOCK", _) => format!("{verb} TABLE"),
            ("REFRESH", _) => "REFRESH MATERIALIZED VIEW".to_owned(),
            _ => verb.to_owned(),
        };
        Command::Write { tag }
    }
}
