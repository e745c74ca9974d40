use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, http};
use url::Url;

use super::credentials::{self, Identity};
use super::error::{HttpError, of_call};
use super::headers::Headers;
use super::redirect::{MOST_REDIRECTS, followed, host_of};
use super::resolver::TellingResolver;
use super::response::Response;

/// What every request says of who asks.
const USER_AGENT: &str = concat!("xdpgate/", env!("CARGO_PKG_VERSION"));
/// A server that is there answers sooner, also over a satellite.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A body of which nothing comes for so long comes no more.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// How servers are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// A PEM file of the only authorities whose certificates are good. Absent: those that this host trusts.
    pub ca: Option<PathBuf>,
    /// The certificate that the client shows.
    pub identity: Option<Identity>,
    /// For everything together: name, connection, redirects and body.
    pub timeout: Duration,
}

/// A client. Connections to the same server are used again.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    timeout: Duration,
}

impl Client {
    /// A client. Nothing is connected yet.
    ///
    /// # Errors
    /// When a file of certificates or keys cannot be used.
    pub fn new(options: &ClientOptions) -> Result<Self, HttpError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(credentials::roots(options.ca.as_deref())?)
            .client_cert(options.identity.as_ref().map(|named| named.read(&provider)).transpose()?)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .user_agent(USER_AGENT)
            .http_status_as_error(false)
            // Followed here: what was meant for one server must not go to another one.
            .max_redirects(0)
            .timeout_global(Some(options.timeout))
            .timeout_connect(Some(options.timeout.min(CONNECT_WITHIN)))
            .timeout_per_read(Some(options.timeout.min(STALLED_AFTER)))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), TellingResolver::default());
        Ok(Self { agent, timeout: options.timeout })
    }

    /// Asks for what is at `url`, and follows up to five redirects. `headers` go only to servers of the same origin.
    /// An answer is one of success, or 304.
    ///
    /// # Errors
    /// When there is no such answer.
    pub fn get(&self, url: &Url, headers: &Headers) -> Result<Response, HttpError> {
        let deadline = Instant::now() + self.timeout;
        let mut at = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut request = self.agent.get(at.as_str()).config().timeout_global(Some(left)).build();
            if at.origin() == url.origin() {
                request = headers.add_to(request);
            }
            let answer = request.call().map_err(|error| of_call(error, &host_of(&at), self.timeout))?;
            match followed(&at, &answer)? {
                Some(next) => at = next,
                None => return self.good(at, answer),
            }
        }
        Err(HttpError::TooManyRedirects { to: super::shown(&at) })
    }

    /// Sends JSON to `url`. Redirects are not followed.
    ///
    /// # Errors
    /// When the answer is not one of success.
    pub fn post_json(
        &self,
        url: &Url,
        headers: &Headers,
        body: &impl Serialize,
    ) -> Result<Response, HttpError> {
        let text = serde_json::to_vec(body).map_err(HttpError::Unwritable)?;
        let request = headers.add_to(self.agent.post(url.as_str())).content_type("application/json");
        let answer = request.send(&text).map_err(|error| of_call(error, &host_of(url), self.timeout))?;
        self.good(url.clone(), answer)
    }

    fn good(&self, url: Url, answer: http::Response<Body>) -> Result<Response, HttpError> {
        Response::new(url, answer, self.timeout).checked()
    }
}
