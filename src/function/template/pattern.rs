//! Templates of dates, times and intervals, taken apart into fields and the characters between them.

/// The letters in which a name is written, or a field's value is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// `MONTH`
    Upper,
    /// `Month`
    Title,
    /// `month`
    Lower,
}

impl Case {
    /// Writes a name that is given as `January`.
    pub(super) fn write(self, name: &str) -> String {
        match self {
            Case::Upper => name.to_ascii_uppercase(),
            Case::Title => name.to_owned(),
            Case::Lower => name.to_ascii_lowercase(),
        }
    }
}

/// What a field of a template stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `AM`, `P.M.`
    Meridiem {
        is_dotted: bool,
        case: Case,
    },
    /// `AD`, `B.C.`
    Era {
        is_dotted: bool,
        case: Case,
    },
    Century,
    DayName(Case),
    ShortDayName(Case),
    DayOfYear,
    Day,
    /// `D`: Sunday is 1.
    Weekday,
    /// `FF1` to `FF6`
    Fraction(u8),
    /// `FX`
    Exact,
    Hour24,
    Hour12,
    IsoDayOfYear,
    /// `ID`: Monday is 1.
    IsoWeekday,
    IsoWeek,
    /// `IYYY` to `I`, by the number of digits
    IsoYear(u8),
    JulianDay,
    Minute,
    Month,
    MonthName(Case),
    ShortMonthName(Case),
    Milliseconds,
    /// `OF`
    Offset,
    Quarter,
    RomanMonth(Case),
    SecondsOfDay,
    Second,
    ZoneHours,
    ZoneMinutes,
    /// `TZ`
    ZoneName(Case),
    Microseconds,
    Week,
    WeekOfMonth,
    /// `Y,YYY`
    GroupedYear,
    /// `YYYY` to `Y`, by the number of digits
    Year(u8),
}

/// The two ways to name a day, which a template must not mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calendar {
    Gregorian,
    IsoWeek,
}

impl Field {
    fn lower(self) -> Field {
        let case = Case::Lower;
        match self {
            Field::Meridiem { is_dotted, .. } => Field::Meridiem { is_dotted, case },
            Field::Era { is_dotted, .. } => Field::Era { is_dotted, case },
            Field::DayName(_) => Field::DayName(case),
            Field::ShortDayName(_) => Field::ShortDayName(case),
            Field::MonthName(_) => Field::MonthName(case),
            Field::ShortMonthName(_) => Field::ShortMonthName(case),
            Field::RomanMonth(_) => Field::RomanMonth(case),
            Field::ZoneName(_) => Field::ZoneName(case),
            other => other,
        }
    }

    /// Whether its text begins with a digit, so that a number before it must end by its length.
    pub(super) fn is_digits(self) -> bool {
        !matches!(
            self,
            Field::Meridiem { .. }
                | Field::Era { .. }
                | Field::DayName(_)
                | Field::ShortDayName(_)
                | Field::MonthName(_)
                | Field::ShortMonthName(_)
                | Field::RomanMonth(_)
                | Field::ZoneName(_)
                | Field::ZoneHours
                | Field::Offset
                | Field::Exact
        )
    }

    /// The calendar to which it belongs, if to one only.
    pub(super) fn calendar(self) -> Option<Calendar> {
        match self {
            Field::IsoDayOfYear | Field::IsoWeekday | Field::IsoWeek | Field::IsoYear(_) => Some(Calendar::IsoWeek),
            Field::DayOfYear
            | Field::Day
            | Field::Weekday
            | Field::Month
            | Field::MonthName(_)
            | Field::ShortMonthName(_)
            | Field::RomanMonth(_)
            | Field::Week
            | Field::WeekOfMonth
            | Field::GroupedYear
            | Field::Year(_) => Some(Calendar::Gregorian),
            _ => None,
        }
    }
}

const UPPER: Case = Case::Upper;
const TITLE: Case = Case::Title;

/// The names of fields; of two that begin alike the longer one comes first. Those in capitals may also be written small.
const NAMES: &[(&str, Field)] = &[
    ("A.D.", Field::Era { is_dotted: true, case: UPPER }),
    ("A.M.", Field::Meridiem { is_dotted: true, case: UPPER }),
    ("AD", Field::Era { is_dotted: false, case: UPPER }),
    ("AM", Field::Meridiem { is_dotted: false, case: UPPER }),
    ("B.C.", Field::Era { is_dotted: true, case: UPPER }),
    ("BC", Field::Era { is_dotted: false, case: UPPER }),
    ("CC", Field::Century),
    ("DAY", Field::DayName(UPPER)),
    ("DDD", Field::DayOfYear),
    ("DD", Field::Day),
    ("DY", Field::ShortDayName(UPPER)),
    ("Day", Field::DayName(TITLE)),
    ("Dy", Field::ShortDayName(TITLE)),
    ("D", Field::Weekday),
    ("FF1", Field::Fraction(1)),
    ("FF2", Field::Fraction(2)),
    ("FF3", Field::Fraction(3)),
    ("FF4", Field::Fraction(4)),
    ("FF5", Field::Fraction(5)),
    ("FF6", Field::Fraction(6)),
    ("FX", Field::Exact),
    ("HH24", Field::Hour24),
    ("HH12", Field::Hour12),
    ("HH", Field::Hour12),
    ("IDDD", Field::IsoDayOfYear),
    ("ID", Field::IsoWeekday),
    ("IW", Field::IsoWeek),
    ("IYYY", Field::IsoYear(4)),
    ("IYY", Field::IsoYear(3)),
    ("IY", Field::IsoYear(2)),
    ("I", Field::IsoYear(1)),
    ("J", Field::JulianDay),
    ("MI", Field::Minute),
    ("MM", Field::Month),
    ("MONTH", Field::MonthName(UPPER)),
    ("MON", Field::ShortMonthName(UPPER)),
    ("MS", Field::Milliseconds),
    ("Month", Field::MonthName(TITLE)),
    ("Mon", Field::ShortMonthName(TITLE)),
    ("OF", Field::Offset),
    ("P.M.", Field::Meridiem { is_dotted: true, case: UPPER }),
    ("PM", Field::Meridiem { is_dotted: false, case: UPPER }),
    ("Q", Field::Quarter),
    ("RM", Field::RomanMonth(UPPER)),
    ("SSSSS", Field::SecondsOfDay),
    ("SSSS", Field::SecondsOfDay),
    ("SS", Field::Second),
    ("TZH", Field::ZoneHours),
    ("TZM", Field::ZoneMinutes),
    ("TZ", Field::ZoneName(UPPER)),
    ("US", Field::Microseconds),
    ("WW", Field::Week),
    ("W", Field::WeekOfMonth),
    ("Y,YYY", Field::GroupedYear),
    ("YYYY", Field::Year(4)),
    ("YYY", Field::Year(3)),
    ("YY", Field::Year(2)),
    ("Y", Field::Year(1)),
];

/// A field with its modifiers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) field: Field,
    /// As the template writes it.
    pub(super) name: &'a str,
    /// `FM`: without blanks and zeros before it.
    pub(super) is_fill: bool,
    /// `TM`: the name in the language of `lc_time`, and as long as it is.
    pub(super) is_local: bool,
    /// `TH` or `th`
    pub(super) ordinal: Option<Case>,
}

/// A part of a template.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node<'a> {
    Field(Item<'a>),
    /// White space outside of quotes.
    Space(char),
    /// Any other ASCII character outside of quotes that is neither letter nor digit.
    Separator(char),
    /// A quoted character, or one that means nothing.
    Letter(char),
}

impl Node<'_> {
    /// The character to print if it is no field.
    pub(super) fn letter(&self) -> Option<char> {
        match *self {
            Node::Field(_) => None,
            Node::Space(letter) | Node::Separator(letter) | Node::Letter(letter) => Some(letter),
        }
    }
}

/// White space as C's `isspace` knows it.
pub(super) fn is_space(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == '\x0b'
}

/// Whether the character separates fields: an ASCII character that can be seen and is neither letter nor digit.
pub(super) fn is_separator(letter: char) -> bool {
    letter.is_ascii_punctuation()
}

/// Takes a template apart.
pub(super) fn parse(template: &str) -> Vec<Node<'_>> {
    let mut nodes = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let prefix = ["FM", "fm", "TM", "tm"].into_iter().find(|prefix| rest.starts_with(prefix));
        if let Some(prefix) = prefix {
            rest = &rest[prefix.len()..];
        }
        if let Some((field, name)) = field(rest) {
            rest = &rest[name.len()..];
            let ordinal = [("TH", Some(Case::Upper)), ("th", Some(Case::Lower)), ("SP", None)]
                .into_iter()
                .find(|(postfix, _)| rest.starts_with(postfix));
            if ordinal.is_some() {
                rest = &rest[2..];
            }
            nodes.push(Node::Field(Item {
                field,
                name,
                is_fill: matches!(prefix, Some("FM" | "fm")),
                is_local: matches!(prefix, Some("TM" | "tm")),
                ordinal: ordinal.and_then(|(_, case)| case),
            }));
            continue;
        }
        rest = characters(rest, |letter, is_quoted| {
            nodes.push(match letter {
                _ if is_quoted => Node::Letter(letter),
                _ if is_separator(letter) => Node::Separator(letter),
                _ if is_space(letter) => Node::Space(letter),
                _ => Node::Letter(letter),
            });
        });
    }
    nodes
}

fn field(rest: &str) -> Option<(Field, &str)> {
    let head = |name: &str| rest.get(..name.len());
    NAMES.iter().find_map(|(name, field)| {
        let head = head(name)?;
        if head == *name {
            return Some((*field, head));
        }
        // Names with small letters in them exist in one form only.
        let is_small = !name.contains(|letter: char| letter.is_ascii_lowercase())
            && !head.contains(|letter: char| letter.is_ascii_uppercase())
            && head.eq_ignore_ascii_case(name);
        is_small.then(|| (field.lower(), head))
    })
}

/// Takes one character that belongs to no field, or a quoted text, from the start of a template and gives what is left.
/// A backslash takes the meaning from a quote, and within quotes from any character.
pub(super) fn characters(rest: &str, mut take: impl FnMut(char, bool)) -> &str {
    let mut letters = rest.chars();
    match letters.next() {
        Some('"') => {
            while let Some(letter) = letters.next() {
                match letter {
                    '"' => break,
                    '\\' => take(letters.next().unwrap_or('\\'), true),
                    _ => take(letter, true),
                }
            }
        }
        Some('\\') if letters.as_str().starts_with('"') => {
            letters.next();
            take('"', false);
        }
        Some(letter) => take(letter, false),
        None => {}
    }
    letters.as_str()
}
