//! One limit of a token, as the check (Biscuit specification 3.3) that says it, and back. Whatever is not
//! exactly one of the checks that the crate's documentation lists is refused; there is nothing to evaluate.

use std::collections::BTreeSet;

use bartizan_core::id::Name;
use bartizan_core::money::NanoUsd;
use bartizan_core::time::Timestamp;

use crate::pattern::{Entry, HostPatterns, MAX_ENTRIES, NamePatterns, Patterns, Shape};
use crate::reach::{Budget, Reach};
use crate::symbols::{NewSymbols, Symbols};
use crate::wire::{Fields, Malformed, Message};

const ENDPOINT: &str = "endpoint";
const TOOL: &str = "tool";
const TABLE: &str = "table";
const HOST: &str = "host";
const TOKENS: &str = "tokens";
const NANO_USD: &str = "nano_usd";
const TIME: &str = "time";
/// Says what a request has nothing to do with.
const WITHOUT: &str = "without";
/// Head of every check.
const QUERY: &str = "query";

// Numbers of operations in the format of tokens.
const LESS_OR_EQUAL: u64 = 2;
const CONTAINS: u64 = 5;
const PREFIX: u64 = 6;
const SUFFIX: u64 = 7;

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Restriction {
    /// Endpoints that stay open.
    Endpoints(BTreeSet<Name>),
    /// Tools that stay open.
    Tools(NamePatterns),
    /// Tables that stay open.
    Tables(NamePatterns),
    /// Hosts that stay open.
    Hosts(HostPatterns),
    /// Most tokens of models.
    Tokens(u64),
    /// Highest cost.
    Cost(NanoUsd),
    /// The last second in which the token is good.
    Until(Timestamp),
}

impl Restriction {
    /// The limits that make a reach.
    pub(crate) fn of(reach: &Reach) -> Vec<Self> {
        let limits = [
            reach.endpoints.clone().map(Self::Endpoints),
            reach.tools.clone().map(Self::Tools),
            reach.tables.clone().map(Self::Tables),
            reach.hosts.clone().map(Self::Hosts),
            reach.budget.tokens.map(Self::Tokens),
            reach.budget.cost.map(Self::Cost),
        ];
        limits.into_iter().flatten().collect()
    }

    /// Whatever is open with this limit alone; nothing where it is about time.
    pub(crate) fn into_reach(self) -> Option<Reach> {
        let all = Reach::default();
        Some(match self {
            Self::Endpoints(names) => Reach { endpoints: Some(names), ..all },
            Self::Tools(names) => Reach { tools: Some(names), ..all },
            Self::Tables(names) => Reach { tables: Some(names), ..all },
            Self::Hosts(hosts) => Reach { hosts: Some(hosts), ..all },
            Self::Tokens(most) => {
                Reach { budget: Budget { tokens: Some(most), cost: None }, ..all }
            }
            Self::Cost(most) => Reach { budget: Budget { tokens: None, cost: Some(most) }, ..all },
            Self::Until(_) => return None,
        })
    }

    /// The check that says it.
    pub(crate) fn write(&self, symbols: &mut NewSymbols) -> Message {
        match self {
            Self::Endpoints(names) => {
                let names = names.iter().map(Name::as_str);
                Check::new(ENDPOINT, symbols).one_of(names).or_without()
            }
            Self::Tools(names) => patterns(TOOL, PREFIX, names, symbols),
            Self::Tables(names) => patterns(TABLE, PREFIX, names, symbols),
            Self::Hosts(hosts) => patterns(HOST, SUFFIX, hosts, symbols),
            Self::Tokens(most) => Check::new(TOKENS, symbols).at_most(&integer(*most)).or_without(),
            Self::Cost(most) => {
                Check::new(NANO_USD, symbols).at_most(&integer(most.0)).or_without()
            }
            Self::Until(last) => Check::new(TIME, symbols).at_most(&date(*last)).done(),
        }
    }

    /// Reads a check of a block that is written in a version of the language.
    pub(crate) fn read(
        check: Fields<'_>,
        version: u64,
        symbols: &Symbols<'_>,
    ) -> Result<Self, Malformed> {
        let mut check = check;
        let mut alternatives = Alternatives::default();
        while let Some(query) = check.message(1)? {
            alternatives.read(query, symbols)?;
        }
        // Kinds came with version 4, and 0 is the one that there was before.
        match check.number(2)? {
            None => {}
            Some(0) if version >= 4 => {}
            Some(_) => return Err(Malformed),
        }
        check.end()?;
        alternatives.into_restriction()
    }
}

/// A check that is being written: `check if … or … or …`.
struct Check<'s> {
    /// What it is about.
    of: &'static str,
    symbols: &'s mut NewSymbols,
    queries: Message,
}

impl<'s> Check<'s> {
    fn new(of: &'static str, symbols: &'s mut NewSymbols) -> Self {
        Self { of, symbols, queries: Message::default() }
    }

    /// `or of($of), {"a", "b"}.contains($of)`
    fn one_of<'n>(mut self, names: impl Iterator<Item = &'n str>) -> Self {
        let mut numbers: Vec<u64> = names.map(|name| self.symbols.number(name)).collect();
        // Sets are ordered by the numbers of their strings.
        numbers.sort_unstable();
        let set = numbers
            .into_iter()
            .fold(Message::default(), |set, number| set.message(1, &string(number)));
        let set = Message::default().message(7, &set);
        let variable = self.variable();
        self.compare(&set, &variable, CONTAINS)
    }

    /// `or of($of), $of.starts_with("a.")`
    fn affix(mut self, operation: u64, affix: &str) -> Self {
        let affix = string(self.symbols.number(affix));
        let variable = self.variable();
        self.compare(&variable, &affix, operation)
    }

    /// `or of($of), $of <= most`
    fn at_most(mut self, most: &Message) -> Self {
        let variable = self.variable();
        self.compare(&variable, most, LESS_OR_EQUAL)
    }

    /// `or without("of")`
    fn or_without(mut self) -> Message {
        let of = string(self.symbols.number(self.of));
        let body = predicate(self.symbols.number(WITHOUT), Some(&of));
        let head = self.head();
        let query = Message::default().message(1, &head).message(2, &body);
        self.queries.message(1, &query)
    }

    fn done(self) -> Message {
        self.queries
    }

    fn compare(mut self, left: &Message, right: &Message, operation: u64) -> Self {
        let value = |term: &Message| Message::default().message(1, term);
        let operation = Message::default().message(3, &Message::default().number(1, operation));
        let expression = Message::default()
            .message(1, &value(left))
            .message(1, &value(right))
            .message(1, &operation);
        let variable = self.variable();
        let body = predicate(self.symbols.number(self.of), Some(&variable));
        let head = self.head();
        let query = Message::default().message(1, &head).message(2, &body).message(3, &expression);
        self.queries = self.queries.message(1, &query);
        self
    }

    fn head(&mut self) -> Message {
        predicate(self.symbols.number(QUERY), None)
    }

    fn variable(&mut self) -> Message {
        Message::default().number(1, self.symbols.number(self.of))
    }
}

fn patterns<S: Shape>(
    of: &'static str,
    operation: u64,
    patterns: &Patterns<S>,
    symbols: &mut NewSymbols,
) -> Message {
    let mut check = Check::new(of, symbols);
    if patterns.one().len() > 0 {
        check = check.one_of(patterns.one());
    }
    patterns.below().fold(check, |check, affix| check.affix(operation, affix)).or_without()
}

fn predicate(name: u64, term: Option<&Message>) -> Message {
    let predicate = Message::default().number(1, name);
    match term {
        Some(term) => predicate.message(2, term),
        None => predicate,
    }
}

fn integer(value: u64) -> Message {
    Message::default().number(2, value)
}

fn string(number: u64) -> Message {
    Message::default().number(3, number)
}

fn date(time: Timestamp) -> Message {
    Message::default().number(4, time.as_second() as u64)
}

/// What was read of a check. All alternatives are about the same thing.
#[derive(Default)]
struct Alternatives<'a> {
    of: Option<&'a str>,
    without: bool,
    set: Option<Vec<&'a str>>,
    begins: Vec<&'a str>,
    ends: Vec<&'a str>,
    most: Option<Most>,
}

/// An upper bound.
enum Most {
    Integer(u64),
    Date(Timestamp),
}

impl<'a> Alternatives<'a> {
    fn read(&mut self, query: Fields<'_>, symbols: &Symbols<'a>) -> Result<(), Malformed> {
        let mut query = query;
        let head = query.message(1)?.ok_or(Malformed)?;
        if read_predicate(head, symbols)? != (QUERY, None) {
            return Err(Malformed);
        }
        let body = query.message(2)?.ok_or(Malformed)?;
        let (name, term) = read_predicate(body, symbols)?;
        let expression = query.message(3)?;
        // No further predicate or expression, and no scope: what a query sees cannot be widened.
        query.end()?;
        match (term, expression) {
            (Some(Term::String(of)), None) if name == WITHOUT && !self.without => {
                self.without = true;
                self.about(of)
            }
            (Some(Term::Variable(variable)), Some(expression)) => {
                self.about(name)?;
                self.read_expression(expression, variable, symbols)
            }
            _ => Err(Malformed),
        }
    }

    fn about(&mut self, of: &'a str) -> Result<(), Malformed> {
        if *self.of.get_or_insert(of) == of { Ok(()) } else { Err(Malformed) }
    }

    fn read_expression(
        &mut self,
        expression: Fields<'_>,
        variable: u64,
        symbols: &Symbols<'a>,
    ) -> Result<(), Malformed> {
        let mut expression = expression;
        let mut next = || expression.message(1)?.ok_or(Malformed);
        let left = Term::read(next()?.only(1)?, symbols)?;
        let right = Term::read(next()?.only(1)?, symbols)?;
        let mut operation = next()?.only(3)?;
        expression.end()?;
        let kind = operation.number(1)?.ok_or(Malformed)?;
        operation.end()?;
        let is_it = |term: &Term<'_>| matches!(term, Term::Variable(other) if *other == variable);
        match (left, kind, right) {
            (Term::Set(names), CONTAINS, it) if is_it(&it) && self.set.is_none() => {
                self.set = Some(names);
            }
            (it, PREFIX, Term::String(text)) if is_it(&it) => self.begins.push(text),
            (it, SUFFIX, Term::String(text)) if is_it(&it) => self.ends.push(text),
            (it, LESS_OR_EQUAL, Term::Integer(most)) if is_it(&it) && self.most.is_none() => {
                self.most = Some(Most::Integer(most));
            }
            (it, LESS_OR_EQUAL, Term::Date(most)) if is_it(&it) && self.most.is_none() => {
                self.most = Some(Most::Date(most));
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }

    fn into_restriction(self) -> Result<Restriction, Malformed> {
        let is_empty = self.set.is_none() && self.begins.is_empty() && self.ends.is_empty();
        let of = self.of.ok_or(Malformed)?;
        match (of, self.without, self.most) {
            (TIME, false, Some(Most::Date(last))) if is_empty => Ok(Restriction::Until(last)),
            (TOKENS, true, Some(Most::Integer(most))) if is_empty => Ok(Restriction::Tokens(most)),
            (NANO_USD, true, Some(Most::Integer(most))) if is_empty => {
                Ok(Restriction::Cost(NanoUsd(most)))
            }
            (ENDPOINT, true, None) if self.begins.is_empty() && self.ends.is_empty() => {
                let names = self.set.ok_or(Malformed)?;
                check_len(names.len())?;
                let names = names.into_iter().map(|name| name.parse().map_err(|_| Malformed));
                names.collect::<Result<_, _>>().map(Restriction::Endpoints)
            }
            (TOOL, true, None) if self.ends.is_empty() => {
                set_of(self.set, self.begins).map(Restriction::Tools)
            }
            (TABLE, true, None) if self.ends.is_empty() => {
                set_of(self.set, self.begins).map(Restriction::Tables)
            }
            (HOST, true, None) if self.begins.is_empty() => {
                set_of(self.set, self.ends).map(Restriction::Hosts)
            }
            _ => Err(Malformed),
        }
    }
}

/// A set, all of whose entries are in their one form.
fn set_of<S: Shape>(one: Option<Vec<&str>>, below: Vec<&str>) -> Result<Patterns<S>, Malformed> {
    let one = one.unwrap_or_default();
    check_len(one.len() + below.len())?;
    let mut set = Patterns::default();
    for name in one {
        match S::read(name) {
            Ok(Entry::One(same)) if *same == *name => set.insert(Entry::One(same)),
            _ => return Err(Malformed),
        }
    }
    for affix in below {
        match S::read(&S::text(affix)) {
            Ok(Entry::Below(same)) if *same == *affix => set.insert(Entry::Below(same)),
            _ => return Err(Malformed),
        }
    }
    Ok(set)
}

fn check_len(len: usize) -> Result<(), Malformed> {
    if (1..=MAX_ENTRIES).contains(&len) { Ok(()) } else { Err(Malformed) }
}

fn read_predicate<'a>(
    predicate: Fields<'_>,
    symbols: &Symbols<'a>,
) -> Result<(&'a str, Option<Term<'a>>), Malformed> {
    let mut predicate = predicate;
    let name = symbols.get(predicate.number(1)?.ok_or(Malformed)?)?;
    let term = predicate.message(2)?.map(|term| Term::read(term, symbols)).transpose()?;
    predicate.end()?;
    Ok((name, term))
}

/// A value, or a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term<'a> {
    Variable(u64),
    /// Not negative.
    Integer(u64),
    String(&'a str),
    Date(Timestamp),
    /// Of strings.
    Set(Vec<&'a str>),
}

impl<'a> Term<'a> {
    pub(crate) fn read(term: Fields<'_>, symbols: &Symbols<'a>) -> Result<Self, Malformed> {
        let mut term = term;
        let value = if let Some(variable) = term.number(1)? {
            // The name has to be there, whatever it is.
            symbols.get(variable)?;
            Self::Variable(u64::from(u32::try_from(variable).map_err(|_| Malformed)?))
        } else if let Some(integer) = term.number(2)? {
            // Negative numbers are those above.
            i64::try_from(integer).map_err(|_| Malformed)?;
            Self::Integer(integer)
        } else if let Some(string) = term.number(3)? {
            Self::String(symbols.get(string)?)
        } else if let Some(seconds) = term.number(4)? {
            let seconds = i64::try_from(seconds).map_err(|_| Malformed)?;
            Self::Date(Timestamp::from_second(seconds).map_err(|_| Malformed)?)
        } else {
            let mut set = term.message(7)?.ok_or(Malformed)?;
            let mut strings = Vec::new();
            while let Some(mut string) = set.message(1)? {
                strings.push(symbols.get(string.number(3)?.ok_or(Malformed)?)?);
                string.end()?;
            }
            set.end()?;
            Self::Set(strings)
        };
        term.end()?;
        Ok(value)
    }
}

/// A fact: a name and what is said, strings and at most one date.
pub(crate) fn write_fact(name: &str, terms: &[&str], symbols: &mut NewSymbols) -> Message {
    let fact = Message::default().number(1, symbols.number(name));
    let fact = terms.iter().fold(fact, |fact, text| fact.message(2, &string(symbols.number(text))));
    Message::default().message(1, &fact)
}

/// A fact about a time.
pub(crate) fn write_time_fact(name: &str, time: Timestamp, symbols: &mut NewSymbols) -> Message {
    let fact = predicate(symbols.number(name), Some(&date(time)));
    Message::default().message(1, &fact)
}
