//! Both ports with TLS: certificates that are renewed, clients that have to show one.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bartizan_testkit::tls::Authority;
use bartizan_testkit::upstream::{Script, Upstream};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

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

/// Connects to `https://…` trusting an authority, and says what was agreed on and what is answered to a request.
async fn ask(
    base: &str,
    trusted: &Authority,
    own: Option<(String, String)>,
    protocol: &[u8],
    request: &str,
) -> io::Result<(Option<Vec<u8>>, String)> {
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
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let address = base.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
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
