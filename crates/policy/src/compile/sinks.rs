//! Sinks of the event log: ids, kinds, addresses, credentials.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bartizan_core::id::RuleId;
use bartizan_core::settings::{
    Facility, FileSink, NatsLogin, NatsSink, OtlpSink, S3Sink, Sink, SinkKind, SyslogSink,
    Transport, UrlStyle,
};
use http::{HeaderName, Uri};

use crate::compile::Compiler;
use crate::compile::urls::{PlainHttp, is_loopback};
use crate::error::Problem;
use crate::file::scalar::SecretText;
use crate::file::sink::{FileSinkFile, NatsFile, OtlpFile, S3File, SinkFile, SyslogFile};
use crate::located::Located;
use crate::snippet::quote;

/// Kinds of sinks, as keys of an entry.
const KINDS: &str = "`file`, `syslog`, `otlp`, `nats` or `s3`";
/// Default of `rotate`.
const ROTATE_BYTES: u64 = 64 << 20;
/// Least of `rotate`: a file for each batch would be of no use.
const ROTATE_BYTES_MIN: u64 = 64 << 10;
/// Default of `keep`.
const KEEP: u64 = 8;
/// Most files that are kept.
const KEEP_MAX: u64 = 1_000;
/// Region that stores without regions take.
const REGION: &str = "us-east-1";
/// Port of NATS.
const NATS_PORT: u16 = 4222;

impl Compiler<'_, '_> {
    pub(super) fn sinks(&mut self, file: &[Located<SinkFile>]) -> Vec<Sink> {
        let mut taken = BTreeSet::new();
        file.iter().filter_map(|sink| self.sink(sink, &mut taken)).collect()
    }

    fn sink(&mut self, file: &Located<SinkFile>, taken: &mut BTreeSet<RuleId>) -> Option<Sink> {
        let given = &file.value;
        let id = self.sink_id(given, taken);
        let areas = given.areas.iter().filter_map(|area| self.word(area)).map(str::to_owned);
        let areas = areas.collect();
        let kinds: Vec<Option<SinkKind>> = [
            given.file.as_ref().map(|file| self.file_sink(&file.value).map(SinkKind::File)),
            given.syslog.as_ref().map(|file| self.syslog_sink(&file.value).map(SinkKind::Syslog)),
            given.otlp.as_ref().map(|file| self.otlp_sink(&file.value).map(SinkKind::Otlp)),
            given.nats.as_ref().map(|file| self.nats_sink(&file.value).map(SinkKind::Nats)),
            given.s3.as_ref().map(|file| self.s3_sink(&file.value).map(SinkKind::S3)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if kinds.len() != 1 {
            let message = match kinds.len() {
                0 => "a sink without a kind",
                _ => "a sink of more than one kind",
            };
            let help = format!("give it one of {KINDS}");
            self.report(Problem::new(given.id.place, message).help(help));
            return None;
        }
        let kind = kinds.into_iter().next().flatten()?;
        // What is kept for long is kept as it was signed, and no erasure reaches it.
        let usual = !matches!(kind, SinkKind::S3(_));
        let names = given.names.as_ref().map_or(usual, |names| names.value);
        Some(Sink { id: id?, areas, names, kind })
    }

    fn sink_id(&mut self, file: &SinkFile, taken: &mut BTreeSet<RuleId>) -> Option<RuleId> {
        let text = file.id.value.0.as_str();
        let id: RuleId = match text.parse() {
            Ok(id) => id,
            Err(error) => {
                let message = format!("{} cannot be the id of a sink: {error}", quote(text));
                self.report(Problem::new(file.id.place, message).help("write it like `s-siem`"));
                return None;
            }
        };
        if !taken.insert(id.clone()) {
            let message = format!("two sinks have the id {}", quote(text));
            let help = "give each its own; it names the file that says how far a sink got";
            self.report(Problem::new(file.id.place, message).help(help));
            return None;
        }
        Some(id)
    }

    fn file_sink(&mut self, file: &FileSinkFile) -> Option<FileSink> {
        let rotate_bytes = self.size(file.rotate.as_ref(), ROTATE_BYTES);
        if rotate_bytes.is_some_and(|bytes| bytes < ROTATE_BYTES_MIN) {
            let place = file.rotate.as_ref().and_then(|given| given.place);
            let message = "a file of a sink is smaller than 64KiB";
            self.report(Problem::new(place, message).help("write `rotate: 64MiB`"));
            return None;
        }
        let keep = file.keep.as_ref().map_or(KEEP, |given| given.value);
        if keep > KEEP_MAX {
            let place = file.keep.as_ref().and_then(|given| given.place);
            let message = format!("`keep` is {keep}, more than {KEEP_MAX}");
            self.report(Problem::new(place, message).help("write `keep: 8`"));
            return None;
        }
        let path = self.given_path("path", &file.path)?;
        Some(FileSink { path, rotate_bytes: rotate_bytes?, keep: keep as u32 })
    }

    fn syslog_sink(&mut self, file: &SyslogFile) -> Option<SyslogSink> {
        let facility = self.choice(file.facility.as_ref(), Facility::Audit);
        let ca = self.given_ca(file.ca.as_ref());
        let text = &file.to.value;
        let Some((transport, host, port)) = syslog_address(text) else {
            let message = format!("{} is not the address of a syslog receiver", quote(text));
            let help = "write `tls://siem.example:6514`, `tcp://siem.example:601` or \
                        `udp://siem.example:514`";
            self.report(Problem::new(file.to.place, message).help(help));
            return None;
        };
        if transport != Transport::Tls
            && let Some(ca) = &file.ca
        {
            let message = "`ca` is for TLS, and this sink uses none";
            let help = "remove `ca`, or write `to: tls://…`";
            self.report(Problem::new(ca.place, message).help(help));
            return None;
        }
        Some(SyslogSink { transport, host, port, ca: ca?, facility: facility? })
    }

    fn otlp_sink(&mut self, file: &OtlpFile) -> Option<OtlpSink> {
        let place = file.endpoint.place;
        // Entries hold no prompts and no keys, and a collector often listens on plain http nearby.
        let endpoint = self.base_url(&file.endpoint.value.0, place, PlainHttp::Anywhere);
        let ca = self.given_ca(file.ca.as_ref());
        let headers = file.headers.iter().map(|(name, value)| self.header(name, value));
        let headers: Vec<_> = headers.collect();
        let headers: Option<Vec<_>> = headers.into_iter().collect();
        let endpoint = endpoint?;
        let is_open = endpoint.parse().is_ok_and(|uri: Uri| {
            uri.scheme_str() == Some("http") && !uri.host().is_some_and(is_loopback)
        });
        if is_open && !file.headers.is_empty() {
            let message = format!("the headers for {} would travel unencrypted", quote(&endpoint));
            let help = "write `https://`, or remove `headers`";
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        Some(OtlpSink { endpoint, headers: headers?, ca: ca? })
    }

    fn header(
        &mut self,
        name: &Located<String>,
        value: &Located<SecretText>,
    ) -> Option<(String, bartizan_core::redact::Secret)> {
        let secret = self.secret(&name.value, value);
        let Ok(parsed) = name.value.parse::<HeaderName>() else {
            let message = format!("{} is not the name of a header", quote(&name.value));
            self.report(Problem::new(name.place, message).help("write it like `authorization`"));
            return None;
        };
        Some((parsed.as_str().to_owned(), secret?))
    }

    fn nats_sink(&mut self, file: &NatsFile) -> Option<NatsSink> {
        let token = file.token.as_ref().map(|given| self.secret("token", given));
        let credentials =
            file.credentials.as_ref().map(|given| self.secret_lines("credentials", given));
        let ca = self.given_ca(file.ca.as_ref());
        let url = self.nats_url(file);
        let stream = self.nats_name("stream", &file.stream, |byte| byte != b'.', "BARTIZAN");
        let subject = self.nats_name("subject", &file.subject, |_| true, "bartizan.events");
        let login = match (token, credentials) {
            (Some(_), Some(_)) => {
                let place = file.credentials.as_ref().and_then(|given| given.place);
                let message = "a sink signs in with `token` or with `credentials`, not with both";
                self.report(Problem::new(place, message).help("remove one of the two"));
                return None;
            }
            (Some(token), None) => Some(NatsLogin::Token(token?)),
            (None, Some(credentials)) => Some(NatsLogin::Credentials(credentials?)),
            (None, None) => None,
        };
        Some(NatsSink { url: url?, stream: stream?, subject: subject?, login, ca: ca? })
    }

    fn nats_url(&mut self, file: &NatsFile) -> Option<String> {
        let (text, place) = (&file.url.value, file.url.place);
        if text.contains('@') {
            let message = "the address holds a user or password";
            let help = "remove what stands before `@`; a token goes into `token` as a reference";
            self.report(Problem::new(place, message).help(help).secret());
            return None;
        }
        let parts = parts(text).filter(|(scheme, ..)| matches!(scheme.as_str(), "nats" | "tls"));
        let Some((scheme, host, port)) = parts else {
            let message = format!("{} is not the address of a NATS server", quote(text));
            let help = "write `tls://nats.example:4222` or `nats://127.0.0.1:4222`";
            self.report(Problem::new(place, message).help(help));
            return None;
        };
        let signs_in = file.token.is_some() || file.credentials.is_some();
        if scheme == "nats" && signs_in && !is_loopback(&host) {
            let message = format!("the credential for {} may travel unencrypted", quote(text));
            let help = "write `tls://`";
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        Some(format!("{scheme}://{host}:{}", port.unwrap_or(NATS_PORT)))
    }

    /// A name in NATS: no spaces and no wildcards.
    fn nats_name(
        &mut self,
        key: &str,
        given: &Located<String>,
        fits: impl Fn(u8) -> bool,
        example: &str,
    ) -> Option<String> {
        let text = &given.value;
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"*>/\\".contains(&byte);
        let has_gap = text.split('.').any(str::is_empty);
        if text.len() > 255 || has_gap || !text.bytes().all(|byte| is_plain(byte) && fits(byte)) {
            let message = format!("{} is not a {key} of NATS", quote(text));
            let help = format!("write `{key}: {example}`, without spaces and wildcards");
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        Some(text.clone())
    }

    fn s3_sink(&mut self, file: &S3File) -> Option<S3Sink> {
        // The key signs and does not travel.
        let (text, place) = (&file.endpoint.value.0, file.endpoint.place);
        let endpoint = self.base_url(text, place, PlainHttp::Anywhere);
        let ca = self.given_ca(file.ca.as_ref());
        let style = self.choice(file.style.as_ref(), UrlStyle::Path);
        let access_key = self.secret("access-key", &file.access_key);
        let secret_key = self.secret("secret-key", &file.secret_key);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let bucket = &file.bucket.value;
        if !(3..=255).contains(&bucket.len()) || !bucket.bytes().all(is_name) {
            let message = format!("{} is not the name of a bucket", quote(bucket));
            let help = "write 3 to 63 lower-case letters, digits, `-` and `.`";
            self.report(Problem::new(file.bucket.place, message).help(help));
            return None;
        }
        let region = file.region.as_ref().map_or(REGION, |given| given.value.as_str());
        if region.is_empty() || region.len() > 64 || !region.bytes().all(is_name) {
            let given = file.region.as_ref().and_then(|given| given.place);
            let message = format!("{} is not a region", quote(region));
            self.report(Problem::new(given, message).help("write it like `eu-central-1`"));
            return None;
        }
        let prefix = file.prefix.as_ref().map_or("", |given| given.value.trim_matches('/'));
        let is_part =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
        if prefix.len() > 512 || !prefix.is_empty() && !prefix.split('/').all(is_part) {
            let given = file.prefix.as_ref().and_then(|given| given.place);
            let message = format!("{} cannot begin the name of an object", quote(prefix));
            let help = "write it like `bartizan/prod`, without `.`, `..` and empty parts";
            self.report(Problem::new(given, message).help(help));
            return None;
        }
        Some(S3Sink {
            endpoint: endpoint?,
            bucket: bucket.clone(),
            prefix: prefix.to_owned(),
            region: region.to_owned(),
            style: style?,
            access_key: access_key?,
            secret_key: secret_key?,
            ca: ca?,
        })
    }

    /// A file of certificates, which has to be there.
    #[expect(clippy::option_option, reason = "the outer `None` means that a problem was reported")]
    pub(super) fn given_ca(&mut self, given: Option<&Located<String>>) -> Option<Option<PathBuf>> {
        let Some(given) = given else { return Some(None) };
        let path = self.given_path("ca", given)?;
        if !path.is_file() {
            let message = format!("no such file: {}", quote(&given.value));
            let help = "name a file of certificates in PEM; a relative path starts at the folder of \
                        the policy file";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        Some(Some(path))
    }

    fn given_path(&mut self, key: &str, given: &Located<String>) -> Option<PathBuf> {
        if given.value.trim().is_empty() {
            let problem = Problem::new(given.place, format!("`{key}` is empty"));
            self.report(problem.help("name a file"));
            return None;
        }
        Some(self.base_dir.join(&given.value))
    }
}

/// Transport, host and port of a syslog receiver.
fn syslog_address(text: &str) -> Option<(Transport, String, u16)> {
    let (scheme, host, port) = parts(text)?;
    let (transport, usual) = match scheme.as_str() {
        "udp" => (Transport::Udp, Some(514)),
        // RFC 6587 has no port of its own.
        "tcp" => (Transport::Tcp, None),
        "tls" => (Transport::Tls, Some(6514)),
        _ => return None,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((transport, host, port.or(usual)?))
}

/// Scheme, host and port of an address that has nothing else.
fn parts(text: &str) -> Option<(String, String, Option<u16>)> {
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let is_bare = !text.contains(['@', '?', '#']) && matches!(uri.path(), "" | "/");
    is_bare
        .then(|| (uri.scheme_str().unwrap_or_default().to_owned(), host.to_owned(), uri.port_u16()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_of_syslog_receivers() {
        let check = |text: &str, expected: Option<(Transport, &str, u16)>| {
            let expected = expected.map(|(way, host, port)| (way, host.to_owned(), port));
            assert_eq!(syslog_address(text), expected, "{text}");
        };
        check("tls://siem.example:6514", Some((Transport::Tls, "siem.example", 6514)));
        check("tls://siem.example", Some((Transport::Tls, "siem.example", 6514)));
        check("udp://10.0.0.1/", Some((Transport::Udp, "10.0.0.1", 514)));
        check("tcp://[::1]:601", Some((Transport::Tcp, "::1", 601)));
        for wrong in [
            "tcp://siem.example",
            "siem.example:514",
            "http://a:1",
            "tls://",
            "tls://a/b",
            "tls://u@a",
            "",
        ] {
            check(wrong, None);
        }
    }
}
