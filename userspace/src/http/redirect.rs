//! Addresses of servers, and where answers send on to.

use ureq::{Body, http};
use url::Url;

use super::error::HttpError;

/// More is a loop, or as good as one.
pub(super) const MOST_REDIRECTS: usize = 5;

/// Not the address of something that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address to ask: {why}; write it like `https://lists.example/drop.txt`")]
pub struct UrlError {
    text: String,
    why: String,
}

/// Reads the address of a server.
///
/// # Errors
/// When it is none, is neither http nor https, or has a password in it.
pub fn parse_url(text: &str) -> Result<Url, UrlError> {
    let refused = |why: String| UrlError { text: without_secrets(text), why };
    let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(refused(format!("{} is neither http nor https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it has a name or a password in it, which logs would show".to_owned()));
    }
    Ok(url)
}

/// The address as messages show it: without the part where keys are.
#[must_use]
pub fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_fragment(None);
    let has_query = shown.query().is_some();
    shown.set_query(None);
    if has_query { format!("{shown}?…") } else { shown.to_string() }
}

/// The server of an address, with its port where that is not the usual one.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Where an answer sends on to.
pub(super) fn followed(at: &Url, answer: &http::Response<Body>) -> Result<Option<Url>, HttpError> {
    if ![301, 302, 303, 307, 308].contains(&answer.status().as_u16()) {
        return Ok(None);
    }
    let location = answer.headers().get(http::header::LOCATION).and_then(|to| to.to_str().ok());
    let next = location.and_then(|to| at.join(to).ok()).filter(|next| parse_url(next.as_str()).is_ok());
    let next = next.ok_or_else(|| HttpError::NowhereToGo { from: shown(at) })?;
    if at.scheme() == "https" && next.scheme() != "https" {
        return Err(HttpError::NotEncrypted { to: shown(&next) });
    }
    Ok(Some(next))
}

fn without_secrets(text: &str) -> String {
    let text = text.split_once('?').map_or(text, |(before, _)| before);
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => text.to_owned(),
    }
}
