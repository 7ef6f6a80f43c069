//! A certificate authority that lives as long as a test, for servers with TLS on this machine.
//!
//! Certificates are X.509 version 3 (RFC 5280) with ECDSA on P-256, in the few fields that a client
//! checks: names, validity, `basicConstraints`, `subjectAltName`. Keys are drawn anew each time.

use std::sync::Arc;

use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::base64;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No key was drawn, or nothing signed.
    #[error("the crypto library failed")]
    Crypto(#[from] Unspecified),
    /// A key that was just drawn is not taken.
    #[error("a key is rejected")]
    Key(#[from] KeyRejected),
    /// The server cannot use the certificate.
    #[error("the certificate cannot be served")]
    Server(#[from] rustls::Error),
}

/// Signs certificates for servers.
#[derive(Debug)]
pub struct Authority {
    key: EcdsaKeyPair,
    name: String,
    own: Issued,
}

/// A name in a certificate (RFC 5280, section 4.2.1.6).
#[derive(Debug, Clone, Copy)]
pub enum AltName<'n> {
    /// A host.
    Dns(&'n str),
    /// An address of electronic mail.
    Email(&'n str),
    /// A URI.
    Uri(&'n str),
}

impl AltName<'_> {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Email(text) => tlv(0x81, text.as_bytes()),
            Self::Dns(text) => tlv(0x82, text.as_bytes()),
            Self::Uri(text) => tlv(0x86, text.as_bytes()),
        }
    }
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub der: Vec<u8>,
    pkcs8: Vec<u8>,
    serial: Vec<u8>,
}

impl Issued {
    /// Certificate and key, as files have them.
    pub fn pair(&self) -> (String, String) {
        (pem("CERTIFICATE", &self.der), pem("PRIVATE KEY", &self.pkcs8))
    }
}

/// Bytes of a serial number.
const SERIAL_BYTES: usize = 16;

/// Common name of the authority.
const NAME: &str = "Bartizan test authority";

impl Authority {
    /// Draws a key and signs a certificate with itself.
    ///
    /// # Errors
    /// [`TlsError`] when the crypto library fails.
    pub fn new() -> Result<Self, TlsError> {
        Self::signed(NAME, None)
    }

    /// An authority of another name, whose certificate this one signs.
    ///
    /// # Errors
    /// [`TlsError`] when the crypto library fails.
    pub fn below(&self, name: &str) -> Result<Self, TlsError> {
        Self::signed(name, Some(self))
    }

    fn signed(name: &str, by: Option<&Self>) -> Result<Self, TlsError> {
        let (key, pkcs8) = draw()?;
        let is_authority = extension(BASIC_CONSTRAINTS, true, &sequence(&[&tlv(0x01, &[0xFF])]));
        let serial = serial()?;
        let issuer = by.map_or(name, |by| &by.name);
        let fields = Fields { serial: &serial, issuer, subject: name, valid: VALID };
        let signer = by.map_or(&key, |by| &by.key);
        let der = certificate(signer, &fields, &key, &is_authority)?;
        Ok(Self { key, name: name.to_owned(), own: Issued { der, pkcs8, serial } })
    }

    /// The certificate of the authority, to be trusted.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.own.der)
    }

    /// The certificate of the authority, as what its own authority issued.
    pub const fn own(&self) -> &Issued {
        &self.own
    }

    /// Certificate and key of a server, or a client, of that name, as files have them.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn pair(&self, host: &str) -> Result<(String, String), TlsError> {
        let (leaf, pkcs8) = self.leaf(host)?;
        Ok((pem("CERTIFICATE", &leaf), pem("PRIVATE KEY", &pkcs8)))
    }

    fn leaf(&self, host: &str) -> Result<(Vec<u8>, Vec<u8>), TlsError> {
        let issued = self.issue(&[AltName::Dns(host)], VALID)?;
        Ok((issued.der, issued.pkcs8))
    }

    /// A certificate with these names, good from one moment to another, as `YYMMDDhhmmssZ`.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn issue(&self, names: &[AltName<'_>], valid: [&str; 2]) -> Result<Issued, TlsError> {
        let (key, pkcs8) = draw()?;
        let serial = serial()?;
        let alternatives: Vec<Vec<u8>> = names.iter().map(AltName::encode).collect();
        let alternatives: Vec<&[u8]> = alternatives.iter().map(Vec::as_slice).collect();
        let extension = extension(SUBJECT_ALT_NAME, false, &sequence(&alternatives));
        let fields = Fields { serial: &serial, issuer: &self.name, subject: "leaf", valid };
        let der = certificate(&self.key, &fields, &key, &extension)?;
        Ok(Issued { der, pkcs8, serial })
    }

    /// The list of what was revoked, as files have it; out of date at `until`.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn revoked(&self, all: &[&Issued], until: &str) -> Result<String, TlsError> {
        let algorithm = sequence(&[&tlv(0x06, ECDSA_WITH_SHA256)]);
        let [from, _] = VALID;
        let entries: Vec<Vec<u8>> = all
            .iter()
            .map(|one| sequence(&[&tlv(0x02, &one.serial), &tlv(0x17, from.as_bytes())]))
            .collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        // An empty list is left out (RFC 5280, section 5.1.2.6).
        let entries = if entries.is_empty() { Vec::new() } else { sequence(&entries) };
        let number = extension(CRL_NUMBER, false, &tlv(0x02, &[1]));
        let body = sequence(&[
            // Version 2 is written as 1.
            &tlv(0x02, &[1]),
            &algorithm,
            &name(&self.name),
            &tlv(0x17, from.as_bytes()),
            &tlv(0x17, until.as_bytes()),
            &entries,
            &tlv(0xA0, &sequence(&[&number])),
        ]);
        let signature = self.key.sign(&SystemRandom::new(), &body)?;
        let list = sequence(&[&body, &algorithm, &bits(signature.as_ref())]);
        Ok(pem("X509 CRL", &list))
    }

    /// A server of that name, with HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn server(&self, host: &str) -> Result<TlsAcceptor, TlsError> {
        let (leaf, pkcs8) = self.leaf(host)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(leaf)],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8)),
            )?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Bytes as files of certificates and keys have them (RFC 7468).
fn pem(label: &str, bytes: &[u8]) -> String {
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in base64::padded(bytes).as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}

fn serial() -> Result<Vec<u8>, Unspecified> {
    let mut serial = vec![0; SERIAL_BYTES];
    aws_lc_rs::rand::fill(&mut serial)?;
    if let Some(first) = serial.first_mut() {
        // Neither negative nor shorter than it seems.
        *first = *first & 0x7F | 0x40;
    }
    Ok(serial)
}

/// A new key, and the same in PKCS #8.
fn draw() -> Result<(EcdsaKeyPair, Vec<u8>), TlsError> {
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new())?;
    let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref())?;
    Ok((key, pkcs8.as_ref().to_vec()))
}

// Object identifiers, encoded.
const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
const CRL_NUMBER: &[u8] = &[0x55, 0x1D, 0x14];

/// First and last moment of validity; a year of two digits ends in 2049.
pub const VALID: [&str; 2] = ["250101000000Z", "491231235959Z"];

/// What a certificate says besides its key.
struct Fields<'f> {
    serial: &'f [u8],
    issuer: &'f str,
    subject: &'f str,
    valid: [&'f str; 2],
}

/// A signed certificate.
fn certificate(
    signer: &EcdsaKeyPair,
    fields: &Fields<'_>,
    key: &EcdsaKeyPair,
    extension: &[u8],
) -> Result<Vec<u8>, TlsError> {
    let algorithm = sequence(&[&tlv(0x06, ECDSA_WITH_SHA256)]);
    let key_algorithm = sequence(&[&tlv(0x06, EC_PUBLIC_KEY), &tlv(0x06, P256)]);
    let public_key = sequence(&[&key_algorithm, &bits(key.public_key().as_ref())]);
    let [from, until] = fields.valid.map(|time| tlv(0x17, time.as_bytes()));
    let body = sequence(&[
        // Version 3 is written as 2.
        &tlv(0xA0, &tlv(0x02, &[2])),
        &tlv(0x02, fields.serial),
        &algorithm,
        &name(fields.issuer),
        &sequence(&[&from, &until]),
        &name(fields.subject),
        &public_key,
        &tlv(0xA3, &sequence(&[extension])),
    ]);
    let signature = signer.sign(&SystemRandom::new(), &body)?;
    Ok(sequence(&[&body, &algorithm, &bits(signature.as_ref())]))
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = sequence(&[&tlv(0x06, COMMON_NAME), &tlv(0x0C, common_name.as_bytes())]);
    sequence(&[&tlv(0x31, &attribute)])
}

fn extension(id: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if is_critical { tlv(0x01, &[0xFF]) } else { Vec::new() };
    sequence(&[&tlv(0x06, id), &critical, &tlv(0x04, value)])
}

/// A bit string of whole bytes.
fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// Tag, length and value in DER (X.690, 8.1 and 10.1).
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(zeros..).unwrap_or_default();
    let mut out = vec![tag];
    if value.len() >= 0x80 {
        out.push(0x80 | length.len() as u8);
    } else if value.is_empty() {
        out.push(0);
    }
    out.extend_from_slice(length);
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(tlv(4, &[]), [4, 0]);
        assert_eq!(tlv(4, &[7]), [4, 1, 7]);
        assert_eq!(tlv(4, &[7; 127])[..2], [4, 127]);
        assert_eq!(tlv(4, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
    }

    #[tokio::test]
    async fn a_client_that_trusts_the_authority_connects_and_no_other() {
        use rustls::pki_types::ServerName;
        let authority = Authority::new().unwrap();
        let server = authority.server("localhost").unwrap();
        for trusted in [true, false] {
            let mut roots = rustls::RootCertStore::empty();
            let root = if trusted { &authority } else { &Authority::new().unwrap() };
            roots.add(CertificateDer::from(root.own.der.clone())).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let client = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let client = tokio_rustls::TlsConnector::from(Arc::new(client));
            let (near, far) = tokio::io::duplex(64 << 10);
            let name = ServerName::try_from("localhost").unwrap();
            let (connected, _accepted) =
                tokio::join!(client.connect(name, near), server.accept(far));
            assert_eq!(connected.is_ok(), trusted);
        }
    }
}
