//! Values of which not every change of letters and digits is one of the same kind.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Preserver;
use crate::checks::date::is_date;

/// Years with four digits, and nothing but those.
const FIRST_YEAR: u64 = 1000;
const LAST_YEAR: u64 = 9999;
const MINUTES: u64 = 24 * 60;
const SECONDS: u64 = MINUTES * 60;

impl Preserver {
    /// The address of a device. Its second digit stays, which says whether it is of one device or of many.
    pub(super) fn device(&self, value: &str) -> Option<String> {
        let digits: Vec<u8> = value.chars().filter_map(nibble).collect();
        let is_separator = |byte: u8| matches!(byte, b':' | b'-' | b'.');
        let fits = matches!(digits.len(), 12 | 16)
            && value.bytes().all(|byte| byte.is_ascii_hexdigit() || is_separator(byte));
        let (first, rest) = digits.split_first()?;
        let (kind, rest) = rest.split_first()?;
        if !fits {
            return None;
        }
        let numerals = [&[*first], rest].concat();
        let mut written = self.until(16, "MAC_ADDRESS", &numerals, |_| true)?;
        written.insert(1, *kind);
        let is_upper = value.contains(|c: char| c.is_ascii_uppercase());
        let mut written = written.iter();
        let fill =
            |c: char| if c.is_ascii_hexdigit() { hex(*written.next()?, is_upper) } else { Some(c) };
        value.chars().map(fill).collect()
    }

    /// An address of a network, with the length of its prefix or its zone.
    pub(super) fn network(&self, value: &str) -> Option<String> {
        let end = value.find(['/', '%']).unwrap_or(value.len());
        let (address, rest) = value.split_at_checked(end)?;
        if let Ok(address) = address.parse::<Ipv4Addr>() {
            return Some(format!("{}{rest}", self.older(address)?));
        }
        let address = address.parse::<Ipv6Addr>().ok()?;
        if let Some(older) = address.to_ipv4_mapped() {
            return Some(format!("::ffff:{}{rest}", self.older(older)?));
        }
        // The first group says what kind of address it is.
        let groups = address.segments();
        let (first, others) = groups.split_first()?;
        let numerals: Vec<u8> =
            others.iter().flat_map(|group| nibbles(u64::from(*group), 4)).collect();
        let written = self.until(16, &format!("IP_ADDRESS {first}"), &numerals, |_| true)?;
        let number =
            written.iter().fold(u128::from(*first), |sum, digit| sum << 4 | u128::from(*digit));
        Some(format!("{}{rest}", Ipv6Addr::from(number)))
    }

    /// Addresses of hosts become such.
    fn older(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        let is_host = |first: u8| (1..=223).contains(&first) && first != 127;
        let kind = is_host(address.octets()[0]);
        let first = |digits: &[u8]| digits.iter().take(2).fold(0, |sum, digit| sum << 4 | digit);
        let numerals = nibbles(u64::from(u32::from(address)), 8);
        let written =
            self.until(16, "IP_ADDRESS", &numerals, |digits| is_host(first(digits)) == kind)?;
        Some(Ipv4Addr::from(written.iter().fold(0_u32, |sum, digit| sum << 4 | u32::from(*digit))))
    }

    /// A mailbox, without the topmost domain, which has only the names that there are.
    pub(super) fn mailbox(&self, value: &str) -> Option<String> {
        let (user, domain) = value.rsplit_once('@')?;
        let is_coded = |name: &str| name.get(2..4) == Some("--");
        if domain.starts_with('[') || domain.split('.').any(is_coded) {
            return None;
        }
        let Some((domain, top)) = domain.rsplit_once('.') else {
            let user = self.letters_and_digits("EMAIL_ADDRESS", user)?;
            return Some(format!("{user}@{domain}"));
        };
        let written = self.letters_and_digits("EMAIL_ADDRESS", &format!("{user}@{domain}"))?;
        Some(format!("{written}.{top}"))
    }

    /// A date of three numbers with a year of four digits, and the time behind it. With other years there are
    /// fewer dates than the cipher may be used for, and names of months have no digits to change.
    pub(super) fn date(&self, label: &str, value: &str) -> Option<String> {
        let date = Date::read(value)?;
        let per_day = date.clock.per_day();
        let count = days_before(LAST_YEAR + 1) * per_day;
        let digits = decimals(count);
        let index = days(date.year, date.month, date.day) * per_day + date.clock.value();
        let tweak = format!("{label} {per_day} {:?} {:?}", date.order, date.order.class(&date));
        let read = |numerals: &[u8]| {
            let index = numerals.iter().fold(0, |sum, digit| sum * 10 + u64::from(*digit));
            (index < count).then(|| date.at(index))
        };
        let counts = |numerals: &[u8]| {
            read(numerals).is_some_and(|new| date.order.class(&new) == date.order.class(&date))
        };
        let numerals: Vec<u8> = nth_digits(index, digits);
        let written = self.until(10, &tweak, &numerals, counts)?;
        Some(read(&written)?.write())
    }
}

fn nibble(c: char) -> Option<u8> {
    c.to_digit(16).map(|digit| digit as u8)
}

fn hex(digit: u8, is_upper: bool) -> Option<char> {
    let c = char::from_digit(u32::from(digit), 16)?;
    Some(if is_upper { c.to_ascii_uppercase() } else { c })
}

/// The last `count` digits of radix 16, most significant first.
fn nibbles(number: u64, count: u32) -> Vec<u8> {
    (0..count).rev().map(|at| (number >> (4 * at) & 15) as u8).collect()
}

/// Decimal digits that the numbers below `count` take.
const fn decimals(count: u64) -> u32 {
    (count - 1).ilog10() + 1
}

fn nth_digits(number: u64, digits: u32) -> Vec<u8> {
    (0..digits).rev().map(|at| (number / 10_u64.pow(at) % 10) as u8).collect()
}

/// In which order a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    YearFirst,
    DayFirst,
    MonthFirst,
    /// One of the two before; nobody can tell.
    Either,
}

impl Order {
    /// What must stay so that the order can be told as before: whether the day is larger than any month.
    const fn class(self, date: &Date<'_>) -> bool {
        match self {
            Self::YearFirst => false,
            Self::DayFirst | Self::MonthFirst | Self::Either => date.day > 12,
        }
    }
}

/// What is written of the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    None,
    Minutes(u64),
    Seconds(u64),
}

impl Clock {
    const fn per_day(self) -> u64 {
        match self {
            Self::None => 1,
            Self::Minutes(_) => MINUTES,
            Self::Seconds(_) => SECONDS,
        }
    }

    const fn value(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minutes(value) | Self::Seconds(value) => value,
        }
    }

    /// Reads `14:30` or `14:30:05`.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(|part| number(part, 2..=2));
        let (hours, minutes) = (parts.next()??, parts.next()??);
        let seconds = parts.next();
        let fits = hours < 24 && minutes < 60 && parts.next().is_none();
        match seconds {
            None => fits.then_some(Self::Minutes(hours * 60 + minutes)),
            Some(seconds) => {
                let seconds = seconds.filter(|seconds| *seconds < 60 && fits)?;
                Some(Self::Seconds((hours * 60 + minutes) * 60 + seconds))
            }
        }
    }

    fn write(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Minutes(value) => format!("{:02}:{:02}", value / 60, value % 60),
            Self::Seconds(value) => {
                format!("{:02}:{:02}:{:02}", value / 3600, value / 60 % 60, value % 60)
            }
        }
    }
}

/// A date as it is written.
#[derive(Debug, Clone, Copy)]
struct Date<'v> {
    year: u64,
    month: u64,
    day: u64,
    order: Order,
    clock: Clock,
    separator: char,
    /// Whether numbers below ten have a zero before them.
    is_padded: bool,
    /// What stands between date and time, and behind the time.
    between: &'v str,
    behind: &'v str,
}

impl<'v> Date<'v> {
    fn read(value: &'v str) -> Option<Self> {
        let end = value.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '/' | '.'));
        let (date, rest) = value.split_at_checked(end.unwrap_or(value.len()))?;
        let separator = date.chars().find(|c| !c.is_ascii_digit())?;
        let parts: Vec<&str> = date.split(separator).collect();
        let &[first, second, third] = parts.as_slice() else { return None };
        let small = |part: &str| number(part, 1..=2);
        let (year, one, two, order) = if first.len() == 4 {
            (number(first, 4..=4)?, small(second)?, small(third)?, Order::YearFirst)
        } else {
            let (one, two) = (small(first)?, small(second)?);
            let order = match (one > 12, two > 12) {
                (true, false) => Order::DayFirst,
                (false, true) => Order::MonthFirst,
                _ if separator == '.' => Order::DayFirst,
                _ => Order::Either,
            };
            (number(third, 4..=4)?, one, two, order)
        };
        let (month, day) = match order {
            Order::YearFirst | Order::MonthFirst => (one, two),
            Order::DayFirst | Order::Either => (two, one),
        };
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) || !is_date(year, month, day) {
            return None;
        }
        let smalls = parts.iter().filter(|part| part.len() < 4);
        let is_padded = smalls.clone().all(|part| part.len() == 2);
        let (between, clock, behind) = time(rest)?;
        Some(Self { year, month, day, order, clock, separator, is_padded, between, behind })
    }

    /// The date and time of this form with a number.
    fn at(&self, index: u64) -> Self {
        let (day, clock) = (index / self.clock.per_day(), index % self.clock.per_day());
        let (year, month, day) = calendar(day);
        let clock = match self.clock {
            Clock::None => Clock::None,
            Clock::Minutes(_) => Clock::Minutes(clock),
            Clock::Seconds(_) => Clock::Seconds(clock),
        };
        Self { year, month, day, clock, ..*self }
    }

    fn write(&self) -> String {
        let small =
            |number: u64| if self.is_padded { format!("{number:02}") } else { number.to_string() };
        let (year, month, day) = (self.year.to_string(), small(self.month), small(self.day));
        let parts = match self.order {
            Order::YearFirst => [year, month, day],
            Order::MonthFirst => [month, day, year],
            Order::DayFirst | Order::Either => [day, month, year],
        };
        let date = parts.join(self.separator.encode_utf8(&mut [0; 4]));
        format!("{date}{}{}{}", self.between, self.clock.write(), self.behind)
    }
}

/// The time behind a date, with what stands around it: nothing, or an offset.
fn time(rest: &str) -> Option<(&str, Clock, &str)> {
    if rest.is_empty() {
        return Some(("", Clock::None, ""));
    }
    let between = rest.get(..1).filter(|between| matches!(*between, "T" | "t" | " "))?;
    let rest = rest.get(1..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(rest.len());
    let (time, behind) = rest.split_at_checked(end)?;
    let offset = behind.strip_prefix(['+', '-']).map_or(behind, |offset| offset);
    let is_offset = matches!(behind, "" | "Z" | "z")
        || offset.len() < behind.len()
            && offset.len() <= 5
            && offset.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    Some((between, Clock::read(time)?, behind)).filter(|_| is_offset)
}

/// A number of so many digits.
fn number(text: &str, len: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let fits = len.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Days from the first year to the beginning of another.
const fn days_before(year: u64) -> u64 {
    const fn leaps(year: u64) -> u64 {
        (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400
    }
    (year - FIRST_YEAR) * 365 + leaps(year) - leaps(FIRST_YEAR)
}

fn days_in(year: u64, month: u64) -> u64 {
    (28..=31).rev().find(|day| is_date(year, month, *day)).unwrap_or(28)
}

/// The number of a day, counted from the beginning of the first year.
fn days(year: u64, month: u64, day: u64) -> u64 {
    days_before(year) + (1..month).map(|month| days_in(year, month)).sum::<u64>() + day - 1
}

/// Year, month and day of the number of a day.
fn calendar(mut rest: u64) -> (u64, u64, u64) {
    // A year has at most 366 days, so that the guess is not too late, and at least 365.
    let mut year = FIRST_YEAR + rest / 366;
    while days_before(year + 1) <= rest {
        year += 1;
    }
    rest -= days_before(year);
    let mut month = 1;
    while month < 12 && rest >= days_in(year, month) {
        rest -= days_in(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::super::tests::key;
    use super::*;

    fn preserved(label: &str, value: &str) -> Option<String> {
        Preserver::new(&key()).unwrap().preserve(label, value)
    }

    #[test]
    fn addresses_of_devices_stay_such() {
        for value in
            ["00:00:5e:00:53:af", "00-00-5E-00-53-AF", "0000.5e00.53af", "00:00:5e:ef:10:00:00:01"]
        {
            let written = preserved("MAC_ADDRESS", value).unwrap();
            assert_ne!(written, value);
            let shape = |text: &str| text.replace(|c: char| c.is_ascii_hexdigit(), "x");
            assert_eq!(shape(&written), shape(value));
            assert_eq!(written.get(1..2), Some("0"), "of one device: {written}");
            assert!(!(value.contains('E') && written.contains(|c: char| c.is_ascii_lowercase())));
        }
        assert_eq!(preserved("MAC_ADDRESS", "00:00:5e:00:53"), None);
        assert_eq!(preserved("MAC_ADDRESS", "00%3A00%3A5e%3A00%3A53%3Aaf"), None);
    }

    #[test]
    fn addresses_of_networks_stay_such() {
        for value in ["10.0.0.1", "8.8.8.8/24", "255.255.255.255"] {
            let written = preserved("IP_ADDRESS", value).unwrap();
            let address = written.split('/').next().unwrap().parse::<Ipv4Addr>();
            assert!(written != value && address.is_ok(), "{written}");
            assert_eq!(written.ends_with("/24"), value.ends_with("/24"));
        }
        for value in ["fe80::1%eth0", "2001:db8::1", "::1"] {
            let written = preserved("IP_ADDRESS", value).unwrap();
            let address = written.split('%').next().unwrap().parse::<Ipv6Addr>();
            assert!(written != value && address.is_ok(), "{written}");
            assert_eq!(written.starts_with("fe80:"), value.starts_with("fe80:"), "{written}");
        }
        let mapped = preserved("IP_ADDRESS", "::ffff:1.2.3.4").unwrap();
        assert!(mapped.strip_prefix("::ffff:").unwrap().parse::<Ipv4Addr>().is_ok(), "{mapped}");
        assert_eq!(preserved("IP_ADDRESS", "10.0.0.256"), None);
    }

    #[test]
    fn dates_stay_days_of_the_calendar() {
        for value in [
            "2021-05-05",
            "1999/12/31",
            "31.12.1999",
            "5.6.2021",
            "5/20/2021",
            "20/5/2021",
            "05-06-2021",
            "2024-02-29T14:30:00Z",
            "2024-03-15 14:30+02:00",
        ] {
            let written = preserved("DATE_TIME", value).unwrap();
            assert_ne!(written, value);
            let read = Date::read(&written).unwrap();
            let given = Date::read(value).unwrap();
            assert_eq!(
                (read.order, read.separator),
                (given.order, given.separator),
                "{value} {written}"
            );
            assert_eq!(written.ends_with('Z'), value.ends_with('Z'));
        }
        for value in [
            "5 May 2021",
            "05/21",
            "5/6/21",
            "2021-02-30",
            "2024-03-15T14:30:00.123Z",
            "0999-01-01",
        ] {
            assert_eq!(preserved("DATE_TIME", value), None, "{value}");
        }
    }

    #[test]
    fn the_calendar_counts_days() {
        assert_eq!(days(1000, 1, 1), 0);
        assert_eq!(days(2024, 3, 1) - days(2024, 2, 28), 2);
        assert_eq!(days(2100, 3, 1) - days(2100, 2, 28), 1);
        assert_eq!(calendar(days_before(LAST_YEAR + 1) - 1), (9999, 12, 31));
    }

    #[test]
    fn mailboxes_keep_the_topmost_domain() {
        for (value, end) in [
            ("bob@shop.test", ".test"),
            ("a.b@mail.shop.co.uk", ".uk"),
            ("robert@localhost", "@localhost"),
        ] {
            let written = preserved("EMAIL_ADDRESS", value).unwrap();
            assert!(written != value && written.ends_with(end), "{written}");
            assert_eq!(written.matches(['@', '.']).count(), value.matches(['@', '.']).count());
        }
        assert_eq!(preserved("EMAIL_ADDRESS", "bob@xn--bcher-kva.example"), None);
        assert_eq!(preserved("EMAIL_ADDRESS", "bob@[192.0.2.1]"), None);
    }

    #[test]
    fn dates_stay_apart() {
        let preserver = Preserver::new(&key()).unwrap();
        let day = |day: u64| {
            let (year, month, day) = calendar(days(2000, 1, 1) + day);
            preserver.preserve("DATE_TIME", &format!("{day:02}/{month:02}/{year}")).unwrap()
        };
        let all: BTreeSet<String> = (0..2000).map(day).collect();
        assert_eq!(all.len(), 2000);
    }

    proptest! {
        #[test]
        fn days_read_back(day in 0..days_before(LAST_YEAR + 1)) {
            let (year, month, number) = calendar(day);
            prop_assert!(is_date(year, month, number));
            prop_assert_eq!(days(year, month, number), day);
        }

        #[test]
        fn no_value_is_too_odd(value in "[0-9a-fA-F:./%@TZ -]{0,24}", pick in 0usize..5) {
            let label = ["MAC_ADDRESS", "IP_ADDRESS", "DATE_TIME", "DATE_OF_BIRTH", "EMAIL_ADDRESS"][pick];
            let written = preserved(label, &value);
            prop_assert_eq!(preserved(label, &value), written);
        }
    }
}
