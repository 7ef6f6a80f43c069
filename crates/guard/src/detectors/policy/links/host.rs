//! Which host a browser takes out of what stands before the path of a URL (WHATWG URL, section 4.4).

use bartizan_core::host::canonical_host;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::text::unescape::{Parsed, parse};

/// Longest host that is looked at, in bytes. Names have 253, more in other scripts.
const MAX_HOST_BYTES: usize = 512;

/// Characters that stand for a dot in a name, or bring one along (UTS #46, section 4).
const DOTS: [char; 5] = ['\u{3002}', '\u{FF0E}', '\u{FF61}', '\u{2024}', '\u{FE52}'];

/// Names of the topmost level in scripts that put no blank behind a full stop.
const TOP_LEVEL: [&str; 56] = [
    "中国",
    "中國",
    "公司",
    "网络",
    "網路",
    "网址",
    "在线",
    "中文网",
    "我爱你",
    "手机",
    "商城",
    "香港",
    "台湾",
    "台灣",
    "澳門",
    "新加坡",
    "机构",
    "组织机构",
    "政务",
    "政府",
    "公益",
    "商标",
    "商店",
    "集团",
    "移动",
    "信息",
    "游戏",
    "娱乐",
    "企业",
    "广东",
    "佛山",
    "网店",
    "网站",
    "时尚",
    "餐厅",
    "招聘",
    "健康",
    "购物",
    "食品",
    "书籍",
    "世界",
    "慈善",
    "八卦",
    "珠宝",
    "家電",
    "みんな",
    "コム",
    "クラウド",
    "グーグル",
    "ストア",
    "セール",
    "ファッション",
    "ポイント",
    "아마존",
    "닷컴",
    "한국",
];

/// The host that a browser would ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// This one, in canonical form.
    Named(String),
    /// None that could be told: it is spelled with escapes, or so that readers differ.
    Odd,
    /// None at all.
    None,
}

/// The host of what stands between the slashes and the path. In a sentence, the host ends where the sentence
/// goes on.
pub(super) fn host(authority: &[u8], in_sentence: bool) -> Host {
    // Everything before the last `@` is a name and a password.
    let behind = memchr::memrchr(b'@', authority).map_or(0, |at| at + 1);
    let host = authority.get(behind..).unwrap_or_default();
    if host.len() > MAX_HOST_BYTES {
        return Host::Odd;
    }
    let kept = host.iter().copied().filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r'));
    let Ok(host) = String::from_utf8(kept.collect()) else { return Host::Odd };
    let host = host.trim();
    if host.contains('%') {
        return Host::Odd;
    }
    if let Some(host) = behind_entity(host) {
        return host;
    }
    if host.starts_with('[') {
        let end = host.find(']').map_or(host.len(), |at| at + 1);
        let address = canonical_host(host.get(..end).unwrap_or_default());
        return address.map_or(Host::Odd, Host::Named);
    }
    let host = if in_sentence { spoken(host) } else { host };
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || "[]^|<>".contains(c);
    if !is_port || host.contains(is_forbidden) {
        // Browsers refuse it; others may take a part of it.
        return if host.contains('.') { Host::Odd } else { Host::None };
    }
    if let Some(host) = canonical_host(host) {
        return Host::Named(host);
    }
    // Slots of a template, and letters that names seldom have: what is behind them decides.
    let in_name =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let stood_in: String = host.chars().map(|c| if in_name(c) { c } else { 'x' }).collect();
    match canonical_host(&stood_in) {
        Some(host) if host.contains('.') => Host::Named(host),
        // Signs that browsers and other readers bring to different ones.
        _ if host.contains('.') && !host.is_ascii() => Host::Odd,
        _ => Host::None,
    }
}

/// What an entity makes of a host. One that is known was read already, in another reading, so that what it
/// stands for is judged there, unless a name goes on behind it.
fn behind_entity(host: &str) -> Option<Host> {
    let (at, _) = host.match_indices('&').next_back()?;
    let rest = host.get(at..).unwrap_or_default();
    let len = rest.find(';')?;
    let name = rest.get(1..len).unwrap_or_default();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let is_known = matches!(parse(rest.as_bytes()), Parsed::Char(..));
    let ends = !rest.get(len..).unwrap_or_default().contains('.');
    Some(if is_known && ends { Host::None } else { Host::Odd })
}

/// The host of a URL in a sentence, without what the sentence goes on with.
fn spoken(host: &str) -> &str {
    let punctuation = ['.', ',', ';', ':', '!', '?', '*', '_', '~', '('];
    let host = host.split(char::is_whitespace).next().unwrap_or_default();
    let host = host.trim_end_matches(punctuation);
    let Some(first) = host.find(|c: char| !c.is_ascii()) else { return host };
    // In scripts without blanks the sentence goes on right behind; a name goes on to a dot and a name, or
    // with letters that browsers write in Latin ones.
    let (head, behind) = host.split_at_checked(first).unwrap_or_default();
    let from = if head.ends_with('.') { first - 1 } else { first };
    if first == 0 || is_glued(behind) || goes_on(host.get(from..).unwrap_or_default()) {
        return host;
    }
    head.trim_end_matches(punctuation)
}

/// Whether a name goes on behind one of the dots.
fn goes_on(rest: &str) -> bool {
    rest.char_indices().filter(|(_, c)| is_dot(*c)).any(|(at, dot)| {
        let label = rest.get(at + dot.len_utf8()..).unwrap_or_default();
        let label = label.trim_start_matches(is_invisible);
        let len = label.find(|c: char| !c.is_alphanumeric()).unwrap_or(label.len());
        let label = label.get(..len).unwrap_or_default();
        let Some(first) = label.chars().next() else { return false };
        // Behind their own full stop, what such a script goes on with is the next sentence.
        let may_be_sentence =
            is_unspaced(first) && matches!(dot, '\u{3002}' | '\u{FF0E}' | '\u{FF61}');
        !may_be_sentence || TOP_LEVEL.contains(&label)
    })
}

/// Whether a name goes on right here, as browsers read it: without what cannot be seen, and with one form for
/// each letter (UTS #46, section 4).
fn is_glued(rest: &str) -> bool {
    let Some(c) = rest.chars().find(|c| !is_invisible(*c)) else { return false };
    let read = c.nfkc().next().unwrap_or(c);
    if read.is_ascii() {
        return read.is_ascii_alphanumeric() || matches!(read, '-' | '_') && c != read;
    }
    (c.is_alphanumeric() || is_combining_mark(c)) && !is_unspaced(c)
}

fn is_dot(c: char) -> bool {
    c == '.' || DOTS.contains(&c) || matches!(c, '\u{2488}'..='\u{249B}')
}

/// Letters of scripts that put no blanks between words.
const fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        '\u{E00}'..='\u{FFF}' | '\u{1000}'..='\u{109F}' | '\u{1100}'..='\u{11FF}' | '\u{1780}'..='\u{17FF}'
            | '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}'
            | '\u{FF66}'..='\u{FFDC}' | '\u{20000}'..='\u{3FFFF}'
    )
}

/// What names leave out.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_what_stands_between_name_and_port() {
        let named = |text: &str| Host::Named(text.to_owned());
        for (text, expected) in [
            ("example.org", named("example.org")),
            ("a:b@EXAMPLE.org:8080", named("example.org")),
            ("exam\tple.org", named("example.org")),
            ("[::1]:80", named("[::1]")),
            ("a$b.example", named("axb.example")),
            ("a%2eb", Host::Odd),
            ("a&shy;b.example", Host::Odd),
            ("a b.example", Host::Odd),
            ("a.example:b", Host::Odd),
            ("", Host::None),
            (":a.example", Host::None),
            ("{host}", Host::None),
        ] {
            assert_eq!(host(text.as_bytes(), false), expected, "{text}");
        }
        assert_eq!(host(&[b'a'; 600], false), Host::Odd);
        assert_eq!(host(b"a\xff.example", false), Host::Odd);
    }

    #[test]
    fn sentences_end_where_no_name_goes_on() {
        for (text, expected) in [
            ("example.org!", "example.org"),
            ("example.org\u{3002}\u{8c22}\u{8c22}", "example.org"),
            ("example.org\u{ff0c}see", "example.org"),
            ("example.org\u{3002}\u{4e2d}\u{56fd}", "example.org\u{3002}\u{4e2d}\u{56fd}"),
            ("example.org.\u{440}\u{444}", "example.org.\u{440}\u{444}"),
            (
                "example.org\u{3002}\u{200b}\u{440}\u{444}",
                "example.org\u{3002}\u{200b}\u{440}\u{444}",
            ),
            ("example.org\u{2488}\u{440}\u{444}", "example.org\u{2488}\u{440}\u{444}"),
            ("example.org\u{3000}x.evil", "example.org"),
        ] {
            assert_eq!(spoken(text), expected, "{text}");
        }
    }
}
