//! Both ports with TLS: certificates that are renewed, clients that have to show one.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_testkit::tls::{AltName, Authority, Issued, VALID};
use bartizan_testkit::upstream::{Script, Upstream};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::cli::Place;
use crate::support::{Stage, chat};

const POLICY: &str = r#"version: 1
listen:
  gateway: "127.0.0.1:0"
  console: "127.0.0.1:0"
  tls: { certificate: file:cert.pem, key: file:key.pem }
providers: { demo: { demo: {} } }
endpoints: { demo: { routes: [{ provider: demo }] } }
"#;

fn put(folder: &Path, authority: &Authority) {
    let (certificate, key) = authority.pair("localhost").unwrap();
    std::fs::write(folder.join("cert.pem"), certificate).unwrap();
    std::fs::write(folder.join("key.pem"), key).unwrap();
}

async fn stage(policy: &str, authority: &Authority) -> Stage {
    let folder = TempDir::new().unwrap();
    put(folder.path(), authority);
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    Stage::with_policy(upstream, folder, policy).await
}

/// Connects to `https://…` trusting an authority.
async fn connect(
    base: &str,
    trusted: &Authority,
    own: Option<(String, String)>,
    protocol: &[u8],
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
            let chain = chain.collect::<Result<_, _>>().unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let address = base.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Says what was agreed on with `https://…`, and what is answered to a request.
async fn ask(
    base: &str,
    trusted: &Authority,
    own: Option<(String, String)>,
    protocol: &[u8],
    request: &str,
) -> io::Result<(Option<Vec<u8>>, String)> {
    let mut stream = connect(base, trusted, own, protocol).await?;
    let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    if request.is_empty() {
        return Ok((agreed, String::new()));
    }
    stream.write_all(request.as_bytes()).await?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await?;
    Ok((agreed, String::from_utf8_lossy(&said).into_owned()))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

fn post(stage: &Stage) -> String {
    let body = chat("demo", "repeat after me: well met", false).to_string();
    let key = stage.process.ready().client_key.clone().unwrap();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn both_ports_speak_tls_and_nothing_else() {
    let authority = Authority::new().unwrap();
    let stage = stage(POLICY, &authority).await;
    let ready = stage.process.ready();
    assert!(ready.gateway.starts_with("https://") && ready.console.starts_with("https://"));
    let (agreed, said) =
        ask(&ready.gateway, &authority, None, b"http/1.1", &post(&stage)).await.unwrap();
    assert_eq!(agreed.as_deref(), Some(&b"http/1.1"[..]));
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("well met"), "{said}");
    let (agreed, _) = ask(&ready.gateway, &authority, None, b"h2", "").await.unwrap();
    assert_eq!(agreed.as_deref(), Some(&b"h2"[..]));
    let (_, said) =
        ask(&ready.console, &authority, None, b"http/1.1", &get("/healthz")).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    // What it does not speak is not agreed on.
    assert!(ask(&ready.console, &authority, None, b"h2", "").await.is_err());
    let stranger = Authority::new().unwrap();
    assert!(ask(&ready.gateway, &stranger, None, b"h2", "").await.is_err());

    for base in [&ready.gateway, &ready.console] {
        let mut plain = TcpStream::connect(base.strip_prefix("https://").unwrap()).await.unwrap();
        plain.write_all(get("/healthz").as_bytes()).await.unwrap();
        let mut said = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(20), plain.read_to_end(&mut said)).await;
        assert!(!said.starts_with(b"HTTP/"), "{said:?}");
    }

    // The log is served there too, to whoever trusts the authority.
    let ca = stage.folder.path().join("ca.pem");
    let key = std::fs::read_to_string(stage.folder.path().join("data/ledger/log.vkey")).unwrap();
    let address = ready.console.replace("127.0.0.1", "localhost") + "/ledger";
    let words = ["audit", "verify", &address, "--ca", ca.to_str().unwrap(), "--key", key.trim()];
    let ran = Place::new().run(&words, "");
    assert!(!ran.stderr.contains("certificate"), "{} {}{}", ran.code, ran.stdout, ran.stderr);
    let ran = Place::new().run(&["audit", "verify", &address, "--key", key.trim()], "");
    assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_and_a_wrong_one_is_not() {
    let (first, second) = (Authority::new().unwrap(), Authority::new().unwrap());
    let stage = stage(POLICY, &first).await;
    let gateway = stage.process.ready().gateway.clone();
    let trusts =
        async |authority: &Authority| ask(&gateway, authority, None, b"h2", "").await.is_ok();
    assert!(trusts(&first).await && !trusts(&second).await);
    put(stage.folder.path(), &second);
    let mut taken = false;
    for _ in 0..200 {
        taken = trusts(&second).await;
        if taken {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(taken, "{}", stage.process.stderr());
    // The key of one and the certificate of another.
    let (_, other) = first.pair("localhost").unwrap();
    std::fs::write(stage.folder.path().join("key.pem"), other).unwrap();
    for _ in 0..200 {
        if stage.process.stderr().contains("certificate not read again") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        stage.process.stderr().contains("do not belong together"),
        "{}",
        stage.process.stderr()
    );
    assert!(trusts(&second).await);
}

#[tokio::test]
async fn clients_have_to_show_a_certificate_where_policy_says_so() {
    let authority = Authority::new().unwrap();
    let policy = POLICY.replace("key: file:key.pem", "key: file:key.pem, client-ca: file:ca.pem");
    let stage = stage(&policy, &authority).await;
    let ready = stage.process.ready();
    let stranger = Authority::new().unwrap();
    for (base, request) in [(&ready.gateway, post(&stage)), (&ready.console, get("/healthz"))] {
        let own = authority.pair("agent-7").unwrap();
        let (_, said) = ask(base, &authority, Some(own), b"http/1.1", &request).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        // A client notices with what it reads first.
        let said = ask(base, &authority, None, b"http/1.1", &request).await;
        assert!(said.is_err(), "{said:?}");
        let other = stranger.pair("agent-7").unwrap();
        let said = ask(base, &authority, Some(other), b"http/1.1", &request).await;
        assert!(said.is_err(), "{said:?}");
    }
}

/// A policy in which clients may show certificates, and two kinds of them stand for callers.
fn certificates(more: &str) -> String {
    let asked = format!("key: file:key.pem, client-ca: file:ca.pem{more}");
    let policy = POLICY.replace("key: file:key.pem", &asked);
    let staff = ", staff: { routes: [{ provider: demo }], allow: [\"alice@example.com\", \"sp:support\"] } }\n";
    let identity = r#"identity:
  certificates:
    - { id: c-staff, email: "*@example.com" }
    - { id: c-mesh, uri: "spiffe://example.org/agent/*", endpoints: [demo], tags: { team: search } }
"#;
    policy.trim_end().strip_suffix('}').unwrap().to_owned() + staff + identity
}

/// A request without a key.
fn keyless(endpoint: &str) -> String {
    let body = chat(endpoint, "repeat after me: well met", false).to_string();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_certificate_stands_for_its_caller() {
    let authority = Authority::new().unwrap();
    let stage = stage(&certificates(", client-certificates: optional"), &authority).await;
    let gateway = stage.process.ready().gateway.clone();
    let status = async |own: Option<&Issued>, request: &str| {
        let own = own.map(Issued::pair);
        let (_, said) = ask(&gateway, &authority, own, b"http/1.1", request).await.unwrap();
        said.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let issue = |name| authority.issue(&[name], VALID).unwrap();
    let alice = issue(AltName::Email("alice@example.com"));
    let bob = issue(AltName::Email("bob@example.com"));
    let agent = issue(AltName::Uri("spiffe://example.org/agent/support"));
    let nobody = issue(AltName::Email("eve@example.net"));
    assert_eq!(status(Some(&alice), &keyless("staff")).await, 200);
    assert_eq!(status(Some(&bob), &keyless("staff")).await, 403);
    assert_eq!(status(Some(&bob), &keyless("demo")).await, 200);
    assert_eq!(status(Some(&agent), &keyless("demo")).await, 200);
    assert_eq!(status(Some(&agent), &keyless("staff")).await, 403, "its entry opens one endpoint");
    assert_eq!(status(Some(&nobody), &keyless("demo")).await, 401);
    assert_eq!(status(None, &keyless("demo")).await, 401);
    // Who sends a key calls by it, with or without a certificate; one that is wrong is not made up for.
    assert_eq!(status(Some(&nobody), &post(&stage)).await, 200);
    assert_eq!(status(None, &post(&stage)).await, 200);
    let wrong = keyless("demo").replace("host:", "authorization: Bearer bzc_wrong\r\nhost:");
    assert_eq!(status(Some(&alice), &wrong).await, 401);
    // Headers that say who calls mean nothing.
    let forged = keyless("staff").replace(
        "host:",
        "x-forwarded-client-cert: URI=alice@example.com\r\nx-ssl-client-cert: alice\r\nhost:",
    );
    assert_eq!(status(None, &forged).await, 401);
    assert_eq!(status(Some(&bob), &forged).await, 403);

    let events = stage.events();
    let of = |who: &str| {
        let event = events.iter().find(|event| event["principal"] == who).unwrap();
        event["credential"].as_str().unwrap().to_owned()
    };
    assert!(of("alice@example.com").starts_with("certificate:c-staff:"));
    assert!(of("sp:support").starts_with("certificate:c-mesh:"));
    let support = events.iter().find(|event| event["principal"] == "sp:support").unwrap();
    assert_eq!(support["tags"], serde_json::json!({ "team": "search" }));
    let refused = events.iter().find(|event| {
        event["detail"].as_str().is_some_and(|it| it.contains("certificate-unknown"))
    });
    assert_eq!(refused.unwrap().get("principal"), None);
}

#[tokio::test]
async fn a_certificate_that_is_revoked_ends_within_moments_also_on_connections_that_are_open() {
    let authority = Authority::new().unwrap();
    let folder = TempDir::new().unwrap();
    put(folder.path(), &authority);
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let names = [AltName::Email("alice@example.com")];
    let [alice, old] = [(); 2].map(|()| authority.issue(&names, VALID).unwrap());
    let list = folder.path().join("crl.pem");
    std::fs::write(&list, authority.revoked(&[&old], VALID[1]).unwrap()).unwrap();
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let policy = certificates(", client-crl: file:crl.pem");
    let stage = Stage::with_policy(upstream, folder, &policy).await;
    let gateway = stage.process.ready().gateway.clone();
    let call = async |own: &Issued| {
        ask(&gateway, &authority, Some(own.pair()), b"http/1.1", &keyless("staff")).await
    };
    assert!(call(&alice).await.unwrap().1.starts_with("HTTP/1.1 200"));
    assert!(call(&old).await.is_err());
    // One to each port that stays open, and has been used.
    let console = stage.process.ready().console.clone();
    let mut seen = connect(&console, &authority, Some(alice.pair()), b"http/1.1").await.unwrap();
    let page = get("/healthz").replace("connection: close\r\n", "");
    seen.write_all(page.as_bytes()).await.unwrap();
    seen.read_exact(&mut [0; 12]).await.unwrap();
    let mut open = connect(&gateway, &authority, Some(alice.pair()), b"http/1.1").await.unwrap();
    let request = keyless("staff").replace("connection: close\r\n", "");
    open.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    open.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");

    std::fs::write(&list, authority.revoked(&[&old, &alice], VALID[1]).unwrap()).unwrap();
    // It ends by itself.
    let mut rest = Vec::new();
    let began = Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(20), open.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "{}", stage.process.stderr());
    eprintln!("the connection ended {} ms after the list", began.elapsed().as_millis());
    let ended = tokio::time::timeout(Duration::from_secs(20), seen.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "{}", stage.process.stderr());
    assert!(call(&alice).await.is_err());
}

#[tokio::test]
async fn an_authority_that_is_revoked_takes_its_certificates_with_it() {
    let root = Authority::new().unwrap();
    let [good, leaked, silent] = ["good", "leaked", "silent"].map(|name| root.below(name).unwrap());
    let folder = TempDir::new().unwrap();
    put(folder.path(), &root);
    std::fs::write(folder.path().join("ca.pem"), root.pem()).unwrap();
    // The root says who is revoked below it, and so does each of the others but one.
    let lists = [
        root.revoked(&[leaked.own()], VALID[1]).unwrap(),
        good.revoked(&[], VALID[1]).unwrap(),
        leaked.revoked(&[], VALID[1]).unwrap(),
    ];
    std::fs::write(folder.path().join("crl.pem"), lists.concat()).unwrap();
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let policy = certificates(", client-crl: file:crl.pem");
    let stage = Stage::with_policy(upstream, folder, &policy).await;
    let gateway = stage.process.ready().gateway.clone();
    let call = async |by: &Authority| {
        let (leaf, key) = by.issue(&[AltName::Email("alice@example.com")], VALID).unwrap().pair();
        let own = Some((leaf + &by.pem(), key));
        ask(&gateway, &root, own, b"http/1.1", &keyless("staff")).await
    };
    assert!(call(&good).await.unwrap().1.starts_with("HTTP/1.1 200"));
    for other in [&leaked, &silent] {
        assert!(call(other).await.is_err());
    }
}

#[tokio::test]
async fn a_list_of_revoked_certificates_that_is_out_of_date_lets_nobody_in() {
    let authority = Authority::new().unwrap();
    let folder = TempDir::new().unwrap();
    put(folder.path(), &authority);
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let list = authority.revoked(&[], "260101000000Z").unwrap();
    std::fs::write(folder.path().join("crl.pem"), list).unwrap();
    let upstream = Upstream::start(Script::obedient()).await.unwrap();
    let policy = certificates(", client-crl: file:crl.pem");
    let stage = Stage::with_policy(upstream, folder, &policy).await;
    let gateway = stage.process.ready().gateway.clone();
    let alice = authority.issue(&[AltName::Email("alice@example.com")], VALID).unwrap();
    let said = ask(&gateway, &authority, Some(alice.pair()), b"http/1.1", &keyless("staff")).await;
    assert!(said.is_err(), "{said:?}");
}

#[test]
fn files_that_cannot_be_used_are_told_before_a_start() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let place = Place::new();
    place.write("bartizan.yaml", POLICY);
    let check = |part: &str| {
        let ran = place.run(&["config", "check"], "");
        assert_eq!(ran.code, 2, "{part}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    };
    check("cannot read `cert.pem`");
    let (certificate, key) = authority.pair("localhost").unwrap();
    let (_, stranger) = other.pair("localhost").unwrap();
    place.write("cert.pem", "no certificate");
    check("`cert.pem` holds no certificate in PEM");
    place.write("cert.pem", &certificate);
    place.write("key.pem", &certificate);
    check("`key.pem` holds no private key in PEM");
    place.write("key.pem", stranger);
    check("do not belong together");
    place.write("key.pem", key);
    assert_eq!(place.run(&["config", "check"], "").code, 0);
    place.write("bartizan.yaml", POLICY.replace("file:key.pem", "env:TLS_KEY"));
    check("`key` names no file");
}
