//! Redis over TLS: who is trusted, and who is not.

use std::fs;

use bartizan_core::settings::{SharedTls, WhenAway};
use bartizan_testkit::servers::{Keeps, RedisServer, free_port};
use bartizan_testkit::tls::Authority;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_trusted_only_by_the_authority_that_the_policy_names() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let (certificate, key) = authority.pair("localhost").unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let own = file("ca.pem", &authority.pem());
    let foreign = file("foreign.pem", &Authority::new().unwrap().pem());
    let port = free_port().unwrap();
    let text = |path: std::path::PathBuf| path.display().to_string();
    let server = RedisServer::start(
        Keeps::Nothing,
        &[
            "--tls-port",
            &port.to_string(),
            "--tls-auth-clients",
            "no",
            "--tls-cert-file",
            &text(file("server.pem", &certificate)),
            "--tls-key-file",
            &text(file("server.key", &key)),
            "--tls-ca-cert-file",
            &text(own.clone()),
        ],
    )
    .unwrap();
    let open = async |host: &str, ca: &std::path::Path| {
        let mut settings = settings(&server, WhenAway::Deny);
        settings.server.host = host.to_owned();
        settings.server.port = port;
        settings.server.tls = Some(SharedTls { ca: Some(ca.to_owned()) });
        let counters = RedisCounters::open(&settings).await.unwrap();
        ask(&counters, vec![demand("", 1, 10, Duration::from_secs(60))]).await
    };
    open("localhost", &own).await.unwrap();
    assert_eq!(open("localhost", &foreign).await, Err(NoRoom::Away));
    assert_eq!(open("127.0.0.1", &own).await, Err(NoRoom::Away), "it is not its name");
}
