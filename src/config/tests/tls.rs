//! TLS: the files, their faults, and who gets in.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, Error, RootCertStore, ServerConfig, ServerConnection};

use super::super::{Tls, tls_server_config};
use super::secrets::set_mode;
use super::{SOURCE, USER, check, config};

/// Writes a certificate and its key, and returns both paths.
fn certificate(dir: &Path, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (cert_path, key_path) = (dir.join(format!("{name}.crt")), dir.join(format!("{name}.key")));
    fs::write(&cert_path, params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&key_path, key.serialize_pem()).unwrap();
    set_mode(&key_path, 0o600);
    (cert_path.display().to_string(), key_path.display().to_string())
}

#[test]
fn tls_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(dir.path(), "one");
    let parsed = config(&format!("tls = {{ cert = '{cert}', key = '{key}', client_ca = '{cert}' }}\n{SOURCE}{USER}"));
    let tls = parsed.tls.unwrap();
    assert!(tls.required);
    assert_eq!(parsed.warnings, [""; 0]);
    let server = tls_server_config(&tls).unwrap();
    assert_eq!(server.alpn_protocols, [b"postgresql".to_vec()]);
    assert_eq!(Arc::strong_count(&server), 1);

    set_mode(Path::new(&key), 0o644);
    let text =
        format!("tls = {{ cert = '{cert}', key = '{key}', required = false }}\nlisten = '0.0.0.0:1'\n{SOURCE}{USER}");
    assert_eq!(
        config(&text).warnings,
        [
            format!("spanwire.toml:1: tls.key: file {key:?} can be read by every user of this machine; use mode 600"),
            "spanwire.toml:2: listen: rows may cross the network unencrypted; set tls, with required = true".to_owned(),
        ]
    );
}

#[test]
fn faults_of_tls() {
    let dir = tempfile::tempdir().unwrap();
    let ((cert, key), (other_cert, other_key)) = (certificate(dir.path(), "one"), certificate(dir.path(), "two"));
    let broken = dir.path().join("broken").display().to_string();
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\nhush\n").unwrap();
    let nothing = "cannot be read: No such file or directory (os error 2)";
    for (fields, faults) in [
        (
            format!("cert = '{cert}', key = '{other_key}'"),
            vec![format!("key: file {other_key:?} is not the key of the certificate in {cert:?}")],
        ),
        (
            "cert = '/nowhere/c', key = '/nowhere/k', client_ca = '/nowhere/a'".to_owned(),
            vec![
                format!("cert: file \"/nowhere/c\" {nothing}"),
                format!("key: file \"/nowhere/k\" {nothing}"),
                format!("client_ca: file \"/nowhere/a\" {nothing}"),
            ],
        ),
        (
            format!("cert = '{key}', key = '{cert}', client_ca = '{key}'"),
            vec![
                format!("cert: file {key:?} holds no certificate"),
                format!("key: file {cert:?} holds no private key"),
                format!("client_ca: file {key:?} holds no certificate"),
            ],
        ),
        (format!("cert = '{broken}', key = '{key}'"), vec![format!("cert: file {broken:?} is not valid PEM")]),
        (
            format!("cert = '{cert}', key = '{key}', client_ca = '{other_cert}', required = false"),
            vec!["required: must be true where client_ca asks for client certificates".to_owned()],
        ),
        (format!("cert = '{cert}'"), vec!["key: is missing".to_owned()]),
    ] {
        let faults: Vec<String> = faults.iter().map(|fault| format!("spanwire.toml:1: tls.{fault}")).collect();
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        // A key in a file of certificates is warned about only where nothing is wrong.
        check(&format!("tls = {{ {fields} }}\n{SOURCE}{USER}"), &faults);
    }
    let tls = Tls { cert: cert.into(), key: other_key.clone().into(), client_ca: None, required: true };
    assert!(tls_server_config(&tls).unwrap_err().starts_with(&format!("file {other_key:?} is not the key")));
}

/// Lets a client and the server speak over memory until both are content or the server refuses.
fn handshake(server: &Arc<ServerConfig>, client: ClientConfig) -> Result<Option<Vec<u8>>, Error> {
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), "localhost".try_into().unwrap()).unwrap();
    while client.wants_write() || server.wants_write() {
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        while client.wants_write() {
            client.write_tls(&mut to_server).unwrap();
        }
        let mut unread = to_server.as_slice();
        while !unread.is_empty() {
            server.read_tls(&mut unread).unwrap();
            server.process_new_packets()?;
        }
        while server.wants_write() {
            server.write_tls(&mut to_client).unwrap();
        }
        let mut unread = to_client.as_slice();
        while !unread.is_empty() {
            client.read_tls(&mut unread).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    assert!(!server.is_handshaking());
    Ok(server.alpn_protocol().map(<[u8]>::to_vec))
}

#[test]
fn client_ca_lets_in_its_certificates_alone() {
    let dir = tempfile::tempdir().unwrap();
    // The server's certificate is its own root, hence must not be an authority.
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("server.crt"), certificate.pem()).unwrap();
    fs::write(path("server.key"), key.serialize_pem()).unwrap();
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(path("ca.crt"), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let client_key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(&ca, &ca_key);
    let client = CertificateParams::new(vec!["client".to_owned()]).unwrap().signed_by(&client_key, &issuer).unwrap();
    let client_key = PrivateKeyDer::from_pem_slice(client_key.serialize_pem().as_bytes()).unwrap();

    let connect = |client_ca: Option<&str>, shown: Option<CertificateDer<'static>>| {
        let tls =
            Tls { cert: path("server.crt"), key: path("server.key"), client_ca: client_ca.map(path), required: true };
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shown {
            Some(shown) => builder.with_client_auth_cert(vec![shown], client_key.clone_key()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        handshake(&tls_server_config(&tls).unwrap(), config)
    };
    let agreed = Ok(Some(b"postgresql".to_vec()));
    assert_eq!(connect(None, None), agreed);
    assert_eq!(connect(Some("ca.crt"), Some(client.der().clone())), agreed);
    assert_eq!(connect(Some("ca.crt"), None), Err(Error::NoCertificatesPresented));
    assert!(matches!(connect(Some("server.crt"), Some(client.der().clone())), Err(Error::InvalidCertificate(_))));
}
