//! How TLS is spoken: rustls with ring, Mozilla's roots, TLS 1.2 and later.

use std::sync::Arc;

use super::TransportError;

/// An explicit provider and root list: a library installs no process-wide default.
pub(super) fn config() -> Result<rustls::ClientConfig, TransportError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::not_sent(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
