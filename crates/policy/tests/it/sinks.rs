//! Sinks of the event log: what they become, and how they are shown.

use bartizan_core::settings::{Facility, NatsLogin, SinkKind, Transport, UrlStyle};
use expect_test::expect;

use super::load;

const SINKS: &str = "version: 1
ledger:
  sinks:
    - { id: s-siem, areas: [gateway, admin], syslog: { to: 'tls://siem.example' } }
    - { id: s-near, syslog: { to: 'udp://[::1]:5514', facility: local3 } }
    - { id: s-file, file: { path: export/events.jsonl } }
    - id: s-otel
      otlp: { endpoint: 'https://collector.example:4318/', headers: { Authorization: env:OPENAI_API_KEY } }
    - { id: s-near-otel, otlp: { endpoint: 'http://10.0.0.7:4318' } }
    - id: s-bus
      nats: { url: 'nats://127.0.0.1', stream: BARTIZAN, subject: bartizan.events, token: env:OPENAI_API_KEY }
    - id: s-bus-2
      nats: { url: 'tls://nats.example', stream: B, subject: b, credentials: env:BROKEN }
    - id: s-lake
      s3:
        endpoint: https://s3.example
        bucket: logs
        prefix: /bartizan/prod/
        region: eu-central-1
        style: virtual-host
        access-key: env:OPENAI_API_KEY
        secret-key: env:OPENAI_API_KEY
";

#[test]
fn each_becomes_what_it_says() {
    let sinks = load(SINKS).unwrap().sinks;
    let ids: Vec<&str> = sinks.iter().map(|sink| sink.id.as_str()).collect();
    let all = ["s-siem", "s-near", "s-file", "s-otel", "s-near-otel", "s-bus", "s-bus-2", "s-lake"];
    assert_eq!(ids, all);
    assert_eq!(sinks[0].areas.iter().collect::<Vec<_>>(), ["admin", "gateway"]);
    let SinkKind::Syslog(siem) = &sinks[0].kind else { panic!() };
    assert_eq!((siem.transport, siem.port, siem.facility.code()), (Transport::Tls, 6514, 13));
    let SinkKind::Syslog(near) = &sinks[1].kind else { panic!() };
    assert_eq!((near.host.as_str(), near.facility), ("::1", Facility::Local(3)));
    let SinkKind::Otlp(otlp) = &sinks[3].kind else { panic!() };
    assert_eq!(otlp.endpoint, "https://collector.example:4318");
    assert_eq!(otlp.headers[0].0, "authorization");
    let SinkKind::Nats(bus) = &sinks[5].kind else { panic!() };
    assert_eq!(bus.url, "nats://127.0.0.1:4222");
    let SinkKind::Nats(bus) = &sinks[6].kind else { panic!() };
    let Some(NatsLogin::Credentials(lines)) = &bus.login else { panic!() };
    assert_eq!(lines.expose(), "two\nlines");
    let SinkKind::S3(lake) = &sinks[7].kind else { panic!() };
    assert_eq!((lake.prefix.as_str(), lake.style), ("bartizan/prod", UrlStyle::VirtualHost));
}

#[test]
fn are_shown_without_credentials() {
    let shown = bartizan_policy::show(&load(SINKS).unwrap());
    let (_, sinks) = shown.split_once("  sinks:\n").unwrap();
    expect![[r#"
            - id: s-siem
              areas: [admin, gateway]
              names: true
              syslog:
                to: tls://siem.example:6514
                facility: audit
            - id: s-near
              names: true
              syslog:
                to: "udp://[::1]:5514"
                facility: local3
            - id: s-file
              names: true
              file:
                path: export/events.jsonl
                rotate: 64MiB
                keep: 8
            - id: s-otel
              names: true
              otlp:
                endpoint: https://collector.example:4318
                headers: { authorization: ‹set› }
            - id: s-near-otel
              names: true
              otlp:
                endpoint: http://10.0.0.7:4318
            - id: s-bus
              names: true
              nats:
                url: nats://127.0.0.1:4222
                stream: BARTIZAN
                subject: bartizan.events
                token: ‹set›
            - id: s-bus-2
              names: true
              nats:
                url: tls://nats.example:4222
                stream: B
                subject: b
                credentials: ‹set›
            - id: s-lake
              names: false
              s3:
                endpoint: https://s3.example
                bucket: logs
                prefix: bartizan/prod
                region: eu-central-1
                style: virtual-host
                access-key: ‹set›
                secret-key: ‹set›
        telemetry: {}
    "#]]
    .assert_eq(sinks);
    assert!(!shown.contains("sk-test"));
}
