//! The reader of paths.

use crate::error::{Error, Kind, Result};
use crate::function::jsonpath::ast::{Comparison, Expression, Head, Operator, Path, Predicate};
use crate::function::jsonpath::lexer::{Lexeme, Token, fault, split};
use crate::function::numeric::Numeric;
use crate::function::regex::{Dialect, Options, compile};

/// How deep an expression may be nested: each level is some calls within the one before.
const DEPTH: usize = 100;

/// Reads a path.
///
/// # Errors
/// 42601 if it is none, 2201B for a bad regular expression in it, 0A000 for what is not carried out.
pub(super) fn parse(text: &str) -> Result<Path> {
    let lexemes = split(text)?;
    if lexemes.len() == 1 {
        return Err(Error::new(Kind::InvalidText, format!("invalid input syntax for type jsonpath: \"{text}\"")));
    }
    let mut parser = Parser { lexemes, at: 0, filters: 0, subscripts: 0, depth: 0 };
    let is_lax = !parser.word("strict");
    if is_lax {
        parser.word("lax");
    }
    let expression = match parser.any()? {
        Parsed::Expression(expression) => expression,
        Parsed::Predicate(predicate) => Expression::of(Head::Predicate(Box::new(predicate))),
    };
    if parser.peek() == &Token::End { Ok(Path { is_lax, expression }) } else { Err(parser.fault()) }
}

/// What was read: both may stand in parentheses.
pub(super) enum Parsed {
    Expression(Expression),
    Predicate(Predicate),
}

pub(super) struct Parser {
    pub(super) lexemes: Vec<Lexeme>,
    pub(super) at: usize,
    /// How many filters and subscripts the reader is within.
    pub(super) filters: usize,
    pub(super) subscripts: usize,
    depth: usize,
}

const COMPARISONS: [(&str, Comparison); 7] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<>", Comparison::NotEqual),
    ("<", Comparison::Less),
    ("<=", Comparison::LessOrEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterOrEqual),
];

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        // The last one is the end, which is never passed.
        self.lexemes.get(self.at).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    pub(super) fn fault(&self) -> Error {
        fault("syntax error", self.lexemes.get(self.at).map_or("", |lexeme| &lexeme.near))
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(own) if *own == symbol);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.fault()) }
    }

    pub(super) fn sees(&self, keyword: &str) -> bool {
        matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    pub(super) fn word(&mut self, keyword: &str) -> bool {
        let found = self.sees(keyword);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, keyword: &str) -> Result<()> {
        if self.word(keyword) { Ok(()) } else { Err(self.fault()) }
    }

    pub(super) fn as_expression(&self, parsed: Parsed) -> Result<Expression> {
        match parsed {
            Parsed::Expression(expression) => Ok(expression),
            Parsed::Predicate(_) => Err(self.fault()),
        }
    }

    fn as_predicate(&self, parsed: Parsed) -> Result<Predicate> {
        match parsed {
            Parsed::Predicate(predicate) => Ok(predicate),
            Parsed::Expression(_) => Err(self.fault()),
        }
    }

    pub(super) fn predicate(&mut self) -> Result<Predicate> {
        let parsed = self.any()?;
        self.as_predicate(parsed)
    }

    pub(super) fn any(&mut self) -> Result<Parsed> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Error::new(Kind::StatementTooComplex, "stack depth limit exceeded"));
        }
        let mut parsed = self.conjunction()?;
        while matches!(self.peek(), Token::Symbol("||")) {
            let left = self.as_predicate(parsed)?;
            self.at += 1;
            let right = self.conjunction()?;
            parsed = Parsed::Predicate(Predicate::Or(Box::new(left), Box::new(self.as_predicate(right)?)));
        }
        self.depth -= 1;
        Ok(parsed)
    }

    fn conjunction(&mut self) -> Result<Parsed> {
        let mut parsed = self.condition()?;
        while matches!(self.peek(), Token::Symbol("&&")) {
            let left = self.as_predicate(parsed)?;
            self.at += 1;
            let right = self.condition()?;
            parsed = Parsed::Predicate(Predicate::And(Box::new(left), Box::new(self.as_predicate(right)?)));
        }
        Ok(parsed)
    }

    fn condition(&mut self) -> Result<Parsed> {
        if self.symbol("!") {
            let inner = if self.sees("exists") {
                self.exists()?
            } else {
                self.expect("(")?;
                let inner = self.predicate()?;
                self.expect(")")?;
                inner
            };
            return Ok(Parsed::Predicate(Predicate::Not(Box::new(inner))));
        }
        let left = match self.sum()? {
            Parsed::Expression(left) => left,
            predicate => return Ok(predicate),
        };
        if let Token::Symbol(symbol) = self.peek()
            && let Some((_, comparison)) = COMPARISONS.iter().find(|(own, _)| own == symbol)
        {
            self.at += 1;
            let right = self.sum()?;
            let right = self.as_expression(right)?;
            return Ok(Parsed::Predicate(Predicate::Compare(*comparison, left, right)));
        }
        if self.word("starts") {
            self.expect_word("with")?;
            let head = match self.peek() {
                Token::Quoted(text) => Head::Text(text.clone()),
                Token::Variable(name) => Head::Variable(name.clone()),
                _ => return Err(self.fault()),
            };
            self.at += 1;
            return Ok(Parsed::Predicate(Predicate::StartsWith(left, Expression::of(head))));
        }
        if self.word("like_regex") {
            let pattern = self.text()?;
            let flags = if self.word("flag") { self.text()? } else { String::new() };
            let options = options(&flags)?;
            compile(&pattern, options)?;
            return Ok(Parsed::Predicate(Predicate::LikeRegex(left, pattern, options)));
        }
        Ok(Parsed::Expression(left))
    }

    fn text(&mut self) -> Result<String> {
        let Token::Quoted(text) = self.peek().clone() else { return Err(self.fault()) };
        self.at += 1;
        Ok(text)
    }

    fn exists(&mut self) -> Result<Predicate> {
        self.expect_word("exists")?;
        self.expect("(")?;
        let inner = self.any()?;
        let inner = self.as_expression(inner)?;
        self.expect(")")?;
        Ok(Predicate::Exists(inner))
    }

    fn operators(
        &mut self,
        among: &[(&str, Operator)],
        mut operand: impl FnMut(&mut Self) -> Result<Parsed>,
    ) -> Result<Parsed> {
        let mut parsed = operand(self)?;
        while let Token::Symbol(symbol) = *self.peek()
            && let Some((_, operator)) = among.iter().find(|(own, _)| *own == symbol)
        {
            let left = self.as_expression(parsed)?;
            self.at += 1;
            let right = operand(self)?;
            let right = self.as_expression(right)?;
            let head = Head::Arithmetic(*operator, Box::new(left), Box::new(right));
            parsed = Parsed::Expression(Expression::of(head));
        }
        Ok(parsed)
    }

    fn sum(&mut self) -> Result<Parsed> {
        self.operators(&[("+", Operator::Add), ("-", Operator::Subtract)], Parser::product)
    }

    fn product(&mut self) -> Result<Parsed> {
        let among = [("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Modulo)];
        self.operators(&among, Parser::signed)
    }

    fn signed(&mut self) -> Result<Parsed> {
        let mut signs = Vec::new();
        while let Token::Symbol(sign @ ("+" | "-")) = *self.peek() {
            signs.push(sign == "-");
            self.at += 1;
        }
        if signs.is_empty() {
            return self.primary();
        }
        if signs.len() > DEPTH {
            return Err(Error::new(Kind::StatementTooComplex, "stack depth limit exceeded"));
        }
        let parsed = self.primary()?;
        let mut expression = self.as_expression(parsed)?;
        for is_minus in signs.into_iter().rev() {
            expression = match expression {
                // PostgreSQL takes the sign into the number.
                Expression { head: Head::Number(number), steps } if steps.is_empty() => {
                    Expression::of(Head::Number(if is_minus { number.neg() } else { number }))
                }
                of => Expression::of(Head::Sign { is_minus, of: Box::new(of) }),
            };
        }
        Ok(Parsed::Expression(expression))
    }

    fn primary(&mut self) -> Result<Parsed> {
        if self.sees("exists") {
            return self.exists().map(Parsed::Predicate);
        }
        if self.symbol("(") {
            let inner = self.any()?;
            self.expect(")")?;
            let inner = match inner {
                Parsed::Predicate(inner) if self.sees("is") => {
                    self.at += 1;
                    self.expect_word("unknown")?;
                    return Ok(Parsed::Predicate(Predicate::IsUnknown(Box::new(inner))));
                }
                inner => inner,
            };
            let mut steps = self.steps()?;
            return Ok(match inner {
                Parsed::Predicate(inner) if !steps.is_empty() => {
                    Parsed::Expression(Expression { head: Head::Predicate(Box::new(inner)), steps })
                }
                Parsed::Expression(mut inner) => {
                    inner.steps.append(&mut steps);
                    Parsed::Expression(inner)
                }
                predicate @ Parsed::Predicate(_) => predicate,
            });
        }
        let head = match self.peek() {
            Token::Symbol("$") => Head::Root,
            Token::Symbol("@") => {
                if self.filters == 0 {
                    return Err(Error::new(Kind::Syntax, "@ is not allowed in root expressions"));
                }
                Head::Current
            }
            Token::Quoted(text) => Head::Text(text.clone()),
            Token::Variable(name) => Head::Variable(name.clone()),
            Token::Integer(digits) => Head::Number(Numeric::parse(digits)?),
            Token::Decimal(number) => Head::Number(number.clone()),
            Token::Word(word) => match word.as_str() {
                "null" => Head::Null,
                "true" => Head::Bool(true),
                "false" => Head::Bool(false),
                word if word.eq_ignore_ascii_case("last") => {
                    if self.subscripts == 0 {
                        return Err(Error::new(Kind::Syntax, "LAST is allowed only in array subscripts"));
                    }
                    Head::Last
                }
                _ => return Err(self.fault()),
            },
            _ => return Err(self.fault()),
        };
        self.at += 1;
        Ok(Parsed::Expression(Expression { head, steps: self.steps()? }))
    }
}

/// What the flags of `like_regex` mean: by default `.` takes no newline.
fn options(flags: &str) -> Result<Options> {
    let mut options = Options { newline_stops: true, ..Options::ADVANCED };
    let mut is_expanded = false;
    for flag in flags.chars() {
        match flag {
            'i' => options.ignore_case = true,
            's' => options.newline_stops = false,
            'm' => options.newline_anchors = true,
            'x' => is_expanded = true,
            'q' => options.dialect = Dialect::Literal,
            _ => {
                return Err(Error::new(Kind::Syntax, "invalid input syntax for type jsonpath")
                    .detail(format!("Unrecognized flag character \"{flag}\" in LIKE_REGEX predicate.")));
            }
        }
    }
    if options.dialect == Dialect::Literal {
        (options.newline_stops, options.newline_anchors) = (false, false);
    } else if is_expanded {
        return Err(Error::new(
            Kind::FeatureNotSupported,
            "XQuery \"x\" flag (expanded regular expressions) is not implemented",
        ));
    }
    Ok(options)
}
