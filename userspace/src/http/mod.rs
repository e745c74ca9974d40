//! Asks HTTP and HTTPS servers that operators name: those of feeds, and the local APIs of other tools. Every call blocks.

mod client;
mod credentials;
mod error;
mod headers;
mod redirect;
mod resolver;
mod response;
#[cfg(test)]
pub(crate) mod tests;

pub use client::{Client, ClientOptions};
pub use credentials::Identity;
pub use error::HttpError;
pub use headers::{HeaderFileError, Headers};
pub use redirect::{UrlError, parse_url, shown};
pub use response::Response;

pub use url::Url;
