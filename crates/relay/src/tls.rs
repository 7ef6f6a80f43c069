//! TLS of all sinks, and of logs that are read: who is trusted.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bartizan_core::limits::read_capped;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::error::SinkError;

/// Most bytes of a file of certificates; that of all public authorities has 230 KB.
const CA_BYTES: u64 = 4 << 20;

/// Trusts the certificates of a file, or those of the system where there is none.
///
/// # Errors
/// [`SinkError::File`] for a file that cannot be read, [`SinkError::Setting`] for one without
/// certificates.
pub(crate) fn client(ca: Option<&Path>) -> Result<ClientConfig, SinkError> {
    let roots = match ca {
        Some(path) => given(path)?,
        None => of_system(),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn given(path: &Path) -> Result<RootCertStore, SinkError> {
    let failed = |source| SinkError::File { path: path.to_owned(), source };
    let pem = File::open(path).and_then(|file| read_capped(file, CA_BYTES)).map_err(failed)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong(format!("`{}` holds no certificate in PEM", path.display())));
    }
    Ok(roots)
}

fn of_system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a certificate of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (_, ignored) = roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!(
            ignored,
            "the system has no certificates; only what has a `ca` of its own can use TLS"
        );
    }
    roots
}

fn wrong(said: String) -> SinkError {
    SinkError::Setting { what: "`ca`", said }
}
