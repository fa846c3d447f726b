//! HTTP clients for tests.

use rustls::crypto::ring;

/// Returns the builder of a client, with the cryptography that a client needs even for `http:`.
pub fn http_client() -> reqwest::ClientBuilder {
    // fails only if a provider is installed already
    let _ = ring::default_provider().install_default();
    reqwest::Client::builder()
}

/// Asks for an address.
pub async fn http_get(url: impl reqwest::IntoUrl) -> reqwest::Result<reqwest::Response> {
    http_client().build()?.get(url).send().await
}
