//! Certificate and key of the two ports, from their files, and again when these change.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use bartizan_core::limits::read_capped;
use bartizan_core::settings::{Tls, TlsClients};
use bartizan_gateway::TlsSource;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::sync::watch;

use crate::format::{chain, usage};

/// Most bytes of a file of certificates or a key.
const PEM_BYTES: u64 = 4 << 20;
/// How often the files are looked at.
const EVERY: Duration = Duration::from_millis(400);

/// How the ports are encrypted.
pub(crate) struct Ports {
    files: Tls,
    /// The files as they were just before they were read.
    read: Stamps,
    /// For HTTP/2 and HTTP/1.1.
    gateway: watch::Sender<Arc<ServerConfig>>,
    /// For HTTP/1.1 alone.
    console: watch::Sender<Arc<ServerConfig>>,
}

impl Ports {
    /// Reads the files.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn open(files: Tls) -> anyhow::Result<Self> {
        // Looked at first: what changes meanwhile is new to the first look afterwards.
        let read = stamps(&files);
        let (gateway, console) = load(&files)?;
        let source = |config| watch::Sender::new(Arc::new(config));
        Ok(Self { files, read, gateway: source(gateway), console: source(console) })
    }

    /// For the gateway: HTTP/2 and HTTP/1.1.
    pub(crate) fn gateway(&self) -> TlsSource {
        self.gateway.subscribe()
    }

    /// For the console: HTTP/1.1 alone.
    pub(crate) fn console(&self) -> TlsSource {
        self.console.subscribe()
    }

    /// Takes certificates that are renewed, until `stop` resolves. Files that are wrong change nothing and are said
    /// once.
    pub(crate) async fn follow(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut last = self.read;
        let mut unsettled = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = &mut stop => return,
            }
            let now = stamps(&self.files);
            // Certificate and key are written one after the other: both are there when a second look finds the same.
            if now == last || unsettled.replace(now.clone()) != Some(now.clone()) {
                continue;
            }
            last = now;
            match load(&self.files) {
                Ok((gateway, console)) => {
                    self.gateway.send_replace(Arc::new(gateway));
                    self.console.send_replace(Arc::new(console));
                    tracing::info!(certificate = %self.files.certificate.display(), "certificate read again");
                }
                Err(error) => {
                    let error = chain(error.as_ref());
                    tracing::error!(error, "certificate not read again; the last good one stays");
                }
            }
        }
    }
}

/// Says whether the files can be used.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn check(files: &Tls) -> anyhow::Result<()> {
    load(files).map(|_| ())
}

/// When each file was written and how long it is; nothing of one that is not there.
type Stamps = Vec<Option<(SystemTime, u64)>>;

fn stamps(files: &Tls) -> Stamps {
    let stamp = |path: &Path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    let clients = files.clients.as_ref();
    let authorities = clients.map(|clients| &clients.authorities);
    let revoked = clients.and_then(|clients| clients.revoked.as_ref());
    [Some(&files.certificate), Some(&files.key), authorities, revoked]
        .into_iter()
        .flatten()
        .map(|path| stamp(path))
        .collect()
}

fn load(files: &Tls) -> anyhow::Result<(ServerConfig, ServerConfig)> {
    let certificates = certificates(&files.certificate)?;
    let pem = read(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let file = files.key.display();
        usage(
            format!("`{file}` holds no private key in PEM"),
            "write `key: file:PATH` of the key that the certificate is about",
        )
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(verifier(clients, provider)?),
    };
    let mut gateway = builder.with_single_cert(certificates, key).map_err(|error| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        let message = format!(
            "`{certificate}` and `{key}` do not belong together, or cannot be served: {error}"
        );
        usage(
            message,
            "put the certificate of the server first in its file, and its own key into the other",
        )
    })?;
    if files.clients.is_some() {
        // Whoever resumes a session is not asked for a certificate again, which may have been revoked since.
        gateway.session_storage = Arc::new(NoServerSessionStorage {});
    }
    let mut console = gateway.clone();
    gateway.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    console.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((gateway, console))
}

/// Checks the certificates of clients.
fn verifier(
    clients: &TlsClients,
    provider: Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let TlsClients { authorities: path, revoked, are_required } = clients;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let unusable = || format!("`{}` holds no authority", path.display());
        roots.add(certificate).with_context(unusable)?;
    }
    let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if let Some(path) = revoked {
        // A list that is missing or old could hide that a certificate was revoked, so either refuses.
        verifier = verifier.with_crls(revocations(path)?).enforce_revocation_expiration();
    }
    if !are_required {
        verifier = verifier.allow_unauthenticated();
    }
    let unusable = || "the certificates of clients cannot be checked".to_owned();
    verifier.build().with_context(unusable)
}

fn revocations(path: &Path) -> anyhow::Result<Vec<CertificateRevocationListDer<'static>>> {
    let pem = read(path)?;
    let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&pem).collect();
    let all = all.ok().filter(|all| !all.is_empty());
    all.ok_or_else(|| {
        let message = format!("`{}` holds no list of revoked certificates in PEM", path.display());
        usage(message, "such a file begins with `-----BEGIN X509 CRL-----`")
    })
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.ok().filter(|all| !all.is_empty());
    all.ok_or_else(|| {
        let message = format!("`{}` holds no certificate in PEM", path.display());
        usage(message, "a file in PEM begins with `-----BEGIN CERTIFICATE-----`")
    })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    File::open(path)
        .and_then(|file| read_capped(file, PEM_BYTES))
        .with_context(|| format!("cannot read `{}`", path.display()))
}
