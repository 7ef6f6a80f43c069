//! Names of hosts in the form in which they are compared, and patterns that stand for some of them.

use std::collections::HashSet;

/// Longest name of a host, in bytes (RFC 1035, section 2.3.4).
const MAX_HOST_BYTES: usize = 253;
/// Longest label of a name, in bytes.
const MAX_LABEL_BYTES: usize = 63;

/// One host, or all hosts below one: `example.org`, `*.corp.example`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPattern {
    /// In canonical form.
    host: String,
    below: bool,
}

impl HostPattern {
    /// Reads a pattern. `*.` in front stands for one label or more; it does not stand for none.
    ///
    /// # Errors
    /// A sentence that says what a host looks like, for anything with a scheme, port, path or blank.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let (host, below) = match text.strip_prefix("*.") {
            Some(host) => (host, true),
            None => (text, false),
        };
        let host = canonical_host(host)
            .ok_or("write a host, such as `example.org` or `*.example.org`, and nothing else")?;
        if below && (host.starts_with('[') || !host.contains(|c: char| c.is_ascii_lowercase())) {
            return Err("an address has no hosts below it; write it without `*.`");
        }
        Ok(Self { host, below })
    }

    /// Whether a host in canonical form is the one, or one of those below it.
    pub fn matches(&self, host: &str) -> bool {
        if !self.below {
            return host == self.host;
        }
        host.strip_suffix(self.host.as_str())
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|rest| !rest.is_empty())
    }

    /// Whether every host that the other pattern matches is one that this matches too.
    pub fn covers(&self, other: &Self) -> bool {
        // Below a host that lies below, all lie below.
        self == other || (self.below && self.matches(&other.host))
    }
}

/// Many patterns; to look for a host takes time in proportion to its labels, however many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSet {
    one: HashSet<String>,
    below: HashSet<String>,
}

impl HostSet {
    /// The set of these patterns.
    pub fn new(patterns: &[HostPattern]) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            let hosts = if pattern.below { &mut set.below } else { &mut set.one };
            hosts.insert(pattern.host.clone());
        }
        set
    }

    /// Whether a pattern matches a host in canonical form.
    pub fn contains(&self, host: &str) -> bool {
        let above = |(at, _): (usize, &str)| host.get(at + 1..).unwrap_or_default();
        self.one.contains(host)
            || host
                .match_indices('.')
                .filter(|(at, _)| *at > 0)
                .any(|dot| self.below.contains(above(dot)))
    }
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.host)
    }
}

/// The form in which hosts are compared: lower case, labels of other scripts in punycode (RFC 3492),
/// without a dot at the end. `None` for what is no name of a host and no address.
///
/// Look-alike characters stay what they are, so that a host which only looks like another is another.
/// Characters with several forms are not brought to one; such a host differs from the one that is meant.
pub fn canonical_host(text: &str) -> Option<String> {
    if text.starts_with('[') {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        let address = inside.parse::<std::net::Ipv6Addr>().ok()?;
        return Some(format!("[{address}]"));
    }
    if text.len() > 4 * MAX_HOST_BYTES {
        return None;
    }
    // The dots of Chinese and Japanese, as browsers take them (UTS #46, section 4).
    let dotted: String = text
        .chars()
        .map(|c| if matches!(c, '\u{3002}' | '\u{FF0E}' | '\u{FF61}') { '.' } else { c })
        .collect();
    let dotted = dotted.strip_suffix('.').unwrap_or(&dotted);
    let labels: Option<Vec<String>> = dotted.split('.').map(canonical_label).collect();
    Some(labels?.join(".")).filter(|host| host.len() <= MAX_HOST_BYTES)
}

fn canonical_label(label: &str) -> Option<String> {
    let lower = label.to_lowercase();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_letter = |c: char| !c.is_ascii() && !c.is_control() && !c.is_whitespace();
    if !lower.chars().all(|c| is_plain(c) || is_letter(c)) {
        return None;
    }
    let label = if lower.is_ascii() { lower } else { format!("xn--{}", punycode(&lower)?) };
    (!label.is_empty() && label.len() <= MAX_LABEL_BYTES).then_some(label)
}

/// Encodes a label (RFC 3492, section 6.3). `None` for one that no host can have.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    let chars: Vec<u32> = label.chars().map(u32::from).collect();
    if chars.len() > MAX_LABEL_BYTES {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = out.len() as u32;
    let mut done = basic;
    if basic > 0 {
        out.push('-');
    }
    let (mut code, mut delta, mut bias) = (128u32, 0u32, 72u32);
    while (done as usize) < chars.len() {
        let next = chars.iter().copied().filter(|c| *c >= code).min()?;
        delta = delta.checked_add((next - code).checked_mul(done + 1)?)?;
        code = next;
        for c in &chars {
            if *c < code {
                delta = delta.checked_add(1)?;
            }
            if *c != code {
                continue;
            }
            let mut rest = delta;
            let mut position = BASE;
            loop {
                let threshold = position.saturating_sub(bias).clamp(T_MIN, T_MAX);
                if rest < threshold {
                    break;
                }
                out.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
                rest = (rest - threshold) / (BASE - threshold);
                position += BASE;
            }
            out.push(digit(rest));
            // Adaptation, section 6.1.
            let mut spread = if done == basic { delta / 700 } else { delta / 2 };
            spread += spread / (done + 1);
            let mut rounds = 0;
            while spread > (BASE - T_MIN) * T_MAX / 2 {
                spread /= BASE - T_MIN;
                rounds += BASE;
            }
            bias = rounds + (BASE - T_MIN + 1) * spread / (spread + 38);
            delta = 0;
            done += 1;
        }
        delta = delta.checked_add(1)?;
        code += 1;
    }
    Some(out)
}

const fn digit(value: u32) -> char {
    let byte = value as u8;
    (if byte < 26 { b'a' + byte } else { b'0' + byte - 26 }) as char
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_form() {
        for (text, expected) in [
            ("Example.ORG", Some("example.org")),
            ("example.org.", Some("example.org")),
            ("b\u{fc}cher.example", Some("xn--bcher-kva.example")),
            ("B\u{dc}CHER\u{3002}example", Some("xn--bcher-kva.example")),
            ("\u{4f8b}\u{3048}.jp", Some("xn--r8jz45g.jp")),
            ("\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.example", Some("xn--e1afmkfd.example")),
            ("[::1]", Some("[::1]")),
            ("[0:0:0:0:0:0:0:1]", Some("[::1]")),
            ("localhost", Some("localhost")),
            ("a..b", None),
            ("", None),
            (".", None),
            ("a b", None),
            ("a{b}.example", None),
            ("example.org:80", None),
        ] {
            assert_eq!(canonical_host(text).as_deref(), expected, "{text}");
        }
        assert_eq!(canonical_host(&"a".repeat(64)), None);
        assert_eq!(canonical_host(&"\u{fc}".repeat(5000)), None);
    }

    #[test]
    fn stars_stand_for_hosts_below() {
        let below = HostPattern::new("*.Corp.example").unwrap();
        assert!(below.matches("a.corp.example") && below.matches("a.b.corp.example"));
        assert!(!below.matches("corp.example") && !below.matches("xcorp.example"));
        let one = HostPattern::new("example.org").unwrap();
        assert!(one.matches("example.org") && !one.matches("www.example.org"));
        assert_eq!(below.to_string(), "*.corp.example");
        let pattern = |text| HostPattern::new(text).unwrap();
        for covered in ["*.corp.example", "a.corp.example", "*.a.corp.example"] {
            assert!(below.covers(&pattern(covered)), "{covered}");
        }
        for other in ["corp.example", "*.example", "*.xcorp.example"] {
            assert!(!below.covers(&pattern(other)), "{other}");
        }
        assert!(one.covers(&one) && !one.covers(&pattern("*.example.org")));
        let set = HostSet::new(&[below.clone(), one.clone()]);
        for host in [
            "a.corp.example",
            "a.b.corp.example",
            "corp.example",
            "xcorp.example",
            "example.org",
            "org",
            ".corp.example",
        ] {
            assert_eq!(set.contains(host), below.matches(host) || one.matches(host), "{host}");
        }
        for text in ["https://example.org", "example.org/x", "*", "*.", "a.*.org", "*.10.0.0.1", ""]
        {
            assert!(HostPattern::new(text).is_err(), "{text}");
        }
    }
}
