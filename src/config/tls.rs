//! TLS towards the clients: the files, read and tried before the gateway listens.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::Tls;
use super::credential::warn_if_public;
use super::read::{Item, Section};

/// What PostgreSQL's clients ask for in a direct TLS handshake (`sslnegotiation=direct`).
const ALPN: &[u8] = b"postgresql";

/// Builds the TLS side of the server. The error names the files at fault, one after the other.
pub fn tls_server_config(tls: &Tls) -> Result<Arc<ServerConfig>, String> {
    build(tls).map_err(|faults| faults.into_iter().map(|(_, message)| message).collect::<Vec<_>>().join("; "))
}

/// Reads `[tls]`; the files are parsed, and what is wrong with them are faults.
pub(super) fn read(mut section: Section<'_>) -> Option<Tls> {
    let (cert, key, client_ca) = (section.need("cert"), section.need("key"), section.get("client_ca"));
    let required_item = section.get("required");
    let required = required_item.as_ref().and_then(Item::boolean).unwrap_or(true);
    if let (Some(required_item), Some(_), false) = (&required_item, &client_ca, required) {
        required_item.fault("must be true where client_ca asks for client certificates");
    }
    section.finish();
    let tls = Tls {
        cert: cert.as_ref()?.path_buf()?,
        key: key.as_ref()?.path_buf()?,
        client_ca: match &client_ca {
            Some(item) => Some(item.path_buf()?),
            None => None,
        },
        required,
    };
    if let Some(key) = &key {
        warn_if_public(key, &tls.key);
    }
    for (field, message) in build(&tls).err().unwrap_or_default() {
        let item = match field {
            Field::Cert => &cert,
            Field::Key => &key,
            Field::ClientCa => &client_ca,
        };
        if let Some(item) = item {
            item.fault(message);
        }
    }
    Some(tls)
}

/// Which of the three files is at fault.
#[derive(Clone, Copy)]
enum Field {
    Cert,
    Key,
    ClientCa,
}

fn build(tls: &Tls) -> Result<Arc<ServerConfig>, Vec<(Field, String)>> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates(&tls.cert);
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| describe(&tls.key, &error, "no private key"));
    let verifier = tls.client_ca.as_deref().map(|path| client_verifier(path, &provider)).transpose();
    let (chain, key, verifier) = match (chain, key, verifier) {
        (Ok(chain), Ok(key), Ok(verifier)) => (chain, key, verifier),
        (chain, key, verifier) => {
            let faults = [
                chain.err().map(|message| (Field::Cert, message)),
                key.err().map(|message| (Field::Key, message)),
                verifier.err().map(|message| (Field::ClientCa, message)),
            ];
            return Err(faults.into_iter().flatten().collect());
        }
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| vec![(Field::Cert, error.to_string())])?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| vec![mismatch(tls, &error)])?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

fn mismatch(tls: &Tls, error: &rustls::Error) -> (Field, String) {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            (Field::Key, format!("file {:?} is not the key of the certificate in {:?}", tls.key, tls.cert))
        }
        rustls::Error::InvalidCertificate(_) => (Field::Cert, format!("file {:?} cannot be used: {error}", tls.cert)),
        _ => (Field::Key, format!("file {:?} cannot be used: {error}", tls.key)),
    }
}

fn client_verifier(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let unusable = |error: &dyn std::error::Error| format!("file {path:?} cannot be used: {error}");
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| unusable(&error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => Err(format!("file {path:?} holds no certificate")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(describe(path, &error, "no certificate")),
    }
}

/// The parser's own texts repeat lines of the file, which may be the key.
fn describe(path: &Path, error: &pem::Error, nothing: &str) -> String {
    match error {
        pem::Error::Io(error) => format!("file {path:?} cannot be read: {error}"),
        pem::Error::NoItemsFound => format!("file {path:?} holds {nothing}"),
        _ => format!("file {path:?} is not valid PEM"),
    }
}
