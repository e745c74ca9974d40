//! Whom a client trusts, and as whom it comes.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts};

use super::error::HttpError;

/// A certificate that a client shows, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The PEM file of the certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// The PEM file of the key.
    pub key: PathBuf,
}

impl Identity {
    /// Reads both, and checks that they belong together.
    pub(super) fn read(&self, provider: &CryptoProvider) -> Result<ClientCert, HttpError> {
        let chain = certificates(&self.certificate)?;
        let refused = |problem: String| HttpError::Credentials { path: self.key.clone(), problem };
        let text = fs::read(&self.key).map_err(|error| refused(error.to_string()))?;
        let key =
            PrivateKeyDer::from_pem_slice(&text).map_err(|_| refused("holds no private key".to_owned()))?;
        CertifiedKey::from_der(chain.clone(), key, provider).map_err(|_| {
            refused(format!("is not the key of the certificate in {}", self.certificate.display()))
        })?;
        let chain: Vec<_> = chain.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
        let key = PrivateKey::from_pem(&text).map_err(|error| refused(error.to_string()))?;
        Ok(ClientCert::new_with_certs(&chain, key))
    }
}

/// The authorities of a file, or those that the host trusts.
pub(super) fn roots(ca: Option<&Path>) -> Result<RootCerts, HttpError> {
    let trusted = match ca {
        Some(path) => certificates(path)?,
        None => of_the_host()?,
    };
    Ok(RootCerts::from(trusted.iter().map(|one| Certificate::from_der(one).to_owned()).collect::<Vec<_>>()))
}

fn of_the_host() -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let found = rustls_native_certs::load_native_certs();
    // One that cannot be read is no reason to trust none.
    if found.certs.is_empty() {
        return Err(HttpError::NoAuthorities);
    }
    Ok(found.certs)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let refused = |problem: String| HttpError::Credentials { path: path.to_owned(), problem };
    let text = fs::read(path).map_err(|error| refused(error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| refused(format!("is not PEM: {error}")))?;
    if found.is_empty() {
        return Err(refused("holds no certificate in PEM".to_owned()));
    }
    Ok(found)
}
