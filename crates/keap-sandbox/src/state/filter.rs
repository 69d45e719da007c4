//! Keap's filter language: `given_name==Mar*;ids==1,2,3`.
//!
//! Documented: clauses are joined by `;` (one at the end is legal), fields and operators are listed per operation.
//! Assumed: text is compared without letter case, and a field or operator that is not listed is a 400.

use jiff::Timestamp;

use super::time;

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The exact text.
    Text,
    /// Text with `*` at its end.
    Prefix,
    /// Text with `*` anywhere.
    Wildcard,
    /// A comma list.
    Set,
    Time,
    /// A number, also compared by size.
    Number,
}

/// Fields of one operation.
pub(crate) type Fields = &'static [(&'static str, Kind)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One `field==value`.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) field: String,
    kind: Kind,
    operator: Operator,
    value: String,
}

/// A filter that made sense.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) clauses: Vec<Clause>,
}

impl Filter {
    /// Reads a filter. `is_custom` tells which other names are custom fields.
    pub(crate) fn parse(
        text: &str,
        fields: Fields,
        is_custom: impl Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let clauses = text.split(';').map(str::trim).filter(|clause| !clause.is_empty());
        let clauses = clauses.map(|clause| parse_clause(clause, fields, &is_custom));
        Ok(Self { clauses: clauses.collect::<Result<_, _>>()? })
    }

    pub(crate) fn clause(&self, field: &str) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.field == field)
    }
}

impl Clause {
    /// Whether a text passes.
    pub(crate) fn takes(&self, text: &str) -> bool {
        match self.kind {
            Kind::Text | Kind::Time | Kind::Number => self.value.to_lowercase() == text.to_lowercase(),
            Kind::Prefix | Kind::Wildcard => wildcard(&self.value.to_lowercase(), &text.to_lowercase()),
            Kind::Set => self.set().any(|value| value == text),
        }
    }

    /// Whether a number passes.
    pub(crate) fn takes_number(&self, number: u64) -> bool {
        let Ok(value) = self.value.parse::<u64>() else { return false };
        match self.operator {
            Operator::Equal => number == value,
            Operator::Less => number < value,
            Operator::LessOrEqual => number <= value,
            Operator::Greater => number > value,
            Operator::GreaterOrEqual => number >= value,
        }
    }

    /// The values of a set.
    pub(crate) fn set(&self) -> impl Iterator<Item = &str> {
        self.value.split(',').map(str::trim).filter(|value| !value.is_empty())
    }

    /// The text, when it means exactly itself and an index can find it.
    pub(crate) fn exact(&self) -> Option<&str> {
        (!self.value.contains('*')).then_some(self.value.as_str())
    }

    /// The time, checked while reading.
    pub(crate) fn time(&self) -> Timestamp {
        time::read(&self.value).unwrap_or(Timestamp::MIN)
    }
}

/// Whether a time lies in the window that two clauses open. Both ends belong to it (assumed).
pub(crate) fn in_window(filter: &Filter, from: &str, until: &str, at: Timestamp) -> bool {
    filter.clause(from).is_none_or(|clause| at >= clause.time())
        && filter.clause(until).is_none_or(|clause| at <= clause.time())
}

fn parse_clause(clause: &str, fields: Fields, is_custom: impl Fn(&str) -> bool) -> Result<Clause, String> {
    let malformed = || format!("Invalid filter: {clause}");
    let at = clause.find(['=', '<', '>', '!']).ok_or_else(malformed)?;
    let (field, rest) = clause.split_at(at);
    let operators = [
        ("==", Operator::Equal),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    let found = operators.iter().find_map(|(sign, operator)| Some((rest.strip_prefix(sign)?, *operator)));
    let (value, operator) = found.ok_or_else(malformed)?;
    let field = field.trim();
    let kind = match fields.iter().find(|(name, _)| *name == field) {
        Some((_, kind)) => *kind,
        None if is_custom(field) => Kind::Wildcard,
        None => return Err(format!("Unsupported filter field: {field}")),
    };
    let clause = Clause { field: field.to_owned(), kind, operator, value: value.trim().to_owned() };
    check(&clause)?;
    Ok(clause)
}

fn check(clause: &Clause) -> Result<(), String> {
    let Clause { field, kind, operator, value } = clause;
    if *operator != Operator::Equal && *kind != Kind::Number {
        return Err(format!("Unsupported filter operator for {field}"));
    }
    let good = match kind {
        Kind::Time => time::read(value).is_some(),
        Kind::Number => value.parse::<u64>().is_ok(),
        Kind::Prefix => !value.trim_end_matches('*').contains('*'),
        Kind::Text | Kind::Wildcard | Kind::Set => true,
    };
    if good { Ok(()) } else { Err(format!("Invalid filter value for {field}: {value}")) }
}

/// Matches `*` against any run of characters, without backtracking into earlier stars.
fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Fields = &[
        ("name", Kind::Wildcard),
        ("city", Kind::Prefix),
        ("ids", Kind::Set),
        ("since", Kind::Time),
        ("contact_id", Kind::Number),
    ];

    fn parse(text: &str) -> Result<Filter, String> {
        Filter::parse(text, FIELDS, |name| name == "_Toy")
    }

    #[test]
    fn clauses_are_joined_and_the_last_semicolon_is_legal() {
        let filter = parse("name==Ann;ids==1,2, 3;").unwrap();
        assert_eq!(filter.clauses.len(), 2);
        assert_eq!(filter.clause("ids").unwrap().set().collect::<Vec<_>>(), ["1", "2", "3"]);
        assert!(parse("").unwrap().clauses.is_empty());
        assert!(parse("_Toy==Bear").is_ok());
    }

    #[test]
    fn nonsense_is_named() {
        for (text, about) in [
            ("name", "Invalid filter: name"),
            ("name=Ann", "Invalid filter: name=Ann"),
            ("shoe==1", "Unsupported filter field: shoe"),
            ("name<5", "Unsupported filter operator for name"),
            ("name!=5", "Invalid filter: name!=5"),
            ("since==yesterday", "Invalid filter value for since: yesterday"),
            ("contact_id>=x", "Invalid filter value for contact_id: x"),
            ("city==*x", "Invalid filter value for city: *x"),
        ] {
            assert_eq!(parse(text).unwrap_err(), about);
        }
    }

    #[test]
    fn stars_match_any_run() {
        for (pattern, text, good) in [
            ("mar*", "mary", true),
            ("mar*", "mar", true),
            ("mar*", "omar", false),
            ("*ry", "mary", true),
            ("*ar*", "mary", true),
            ("m*r*y", "mary", true),
            ("m*y*y", "mary", false),
            ("*", "", true),
            ("**", "x", true),
            ("a*a", "a", false),
            ("mary", "mary", true),
            ("", "mary", false),
        ] {
            assert_eq!(wildcard(pattern, text), good, "{pattern} {text}");
        }
    }

    #[test]
    fn numbers_are_compared_by_size() {
        let takes = |text: &str, number| parse(text).unwrap().clauses[0].takes_number(number);
        assert!(takes("contact_id>5", 6) && !takes("contact_id>5", 5));
        assert!(takes("contact_id>=5", 5) && takes("contact_id<=5", 5) && takes("contact_id<5", 4));
        assert!(takes("contact_id==5", 5));
    }
}
