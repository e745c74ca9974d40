//! The local API of CrowdSec, as a bouncer asks it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::decision::Answer;
use super::schedule::Ask;
use crate::config::{CrowdsecConfig, CrowdsecLogin};
use crate::http::{Client, ClientOptions, Headers, HttpError, Identity, Url};

/// Longer than a loaded server takes for all of the community's decisions.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A million decisions.
const LARGEST_ANSWER: u64 = 512 << 20;
/// A key has 64 characters at most.
const LARGEST_KEY_FILE: u64 = 4096;

/// A connection to one server, with one set of wishes.
#[derive(Debug)]
pub struct Lapi {
    client: Client,
    headers: Headers,
    decisions: Url,
    usage: Url,
    by_key: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LapiError {
    /// The file of the key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The server knows nobody with this key.
    #[error(
        "{url} refuses the key (403); make one with `cscli bouncers add NAME` and write it to crowdsec.api_key_file"
    )]
    WrongKey {
        /// The server.
        url: String,
    },
    /// The server knows nobody with this certificate.
    #[error(
        "{url} refuses the certificate (403); its organisational unit must be in bouncers_allowed_ou of api.server.tls"
    )]
    WrongCertificate {
        /// The server.
        url: String,
    },
    /// Anything else.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Why a key was not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read the key in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner can read it.
    #[error(
        "{}: others can read it, and it holds a key; let root alone read it: chown root:root {0} && chmod 600 {0}",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("{} does not hold one key, as `cscli bouncers add NAME -o raw` prints it", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
}

impl Lapi {
    /// Prepares to ask. Nothing is connected yet.
    ///
    /// # Errors
    /// When a file of keys or certificates cannot be used.
    pub fn new(config: &CrowdsecConfig) -> Result<Self, LapiError> {
        let (headers, identity) = match &config.login {
            CrowdsecLogin::Key(path) => {
                let no_key = |_| KeyFileError::NoKey { path: path.clone() };
                (Headers::default().with("X-Api-Key", &key(path)?).map_err(no_key)?, None)
            }
            CrowdsecLogin::Certificate { certificate, key } => {
                (Headers::default(), Some(Identity { certificate: certificate.clone(), key: key.clone() }))
            }
        };
        let by_key = identity.is_none();
        let timeout = ANSWER_WITHIN;
        let client = Client::new(&ClientOptions { ca: config.ca.clone(), identity, timeout })?;
        let (decisions, usage) =
            (endpoint(&config.url, "decisions/stream"), endpoint(&config.url, "usage-metrics"));
        Ok(Self { client, headers, decisions: with_wishes(decisions, config), usage, by_key })
    }

    /// Asks for decisions.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(&self, ask: Ask) -> Result<Answer, LapiError> {
        let mut url = self.decisions.clone();
        url.query_pairs_mut().append_pair("startup", if ask == Ask::All { "true" } else { "false" });
        let answer = self.client.get(&url, &self.headers).map_err(|error| self.explained(error))?;
        Ok(answer.json::<Option<Answer>>(LARGEST_ANSWER)?.unwrap_or_default())
    }

    /// Tells what the bouncer does. False: the server is older than 1.6.3 and takes no such thing.
    ///
    /// # Errors
    /// When the server does not take it for another reason.
    pub fn tell(&self, usage: &impl Serialize) -> Result<bool, LapiError> {
        match self.client.post_json(&self.usage, &self.headers, usage) {
            Ok(_) => Ok(true),
            Err(HttpError::Status { status: 404 | 405, .. }) => Ok(false),
            Err(error) => Err(self.explained(error)),
        }
    }

    fn explained(&self, error: HttpError) -> LapiError {
        if !matches!(error, HttpError::Status { status: 401 | 403, .. }) {
            return error.into();
        }
        let url = self.usage.origin().ascii_serialization();
        if self.by_key { LapiError::WrongKey { url } } else { LapiError::WrongCertificate { url } }
    }
}

/// A path of the API. Servers are named with and without a slash at the end, and rarely under a path of their own.
fn endpoint(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/v1/{path}", base.path().trim_end_matches('/')));
    url
}

/// What the server is to leave out. It would also leave out all but the longest of several decisions on one value, and
/// then never say when that one is deleted that another one holds.
fn with_wishes(mut url: Url, config: &CrowdsecConfig) -> Url {
    let lists = [
        ("scopes", &config.scopes),
        ("origins", &config.origins),
        ("scenarios_containing", &config.scenarios_containing),
        ("scenarios_not_containing", &config.scenarios_not_containing),
    ];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        url.query_pairs_mut().append_pair(name, &list.join(","));
    }
    url.query_pairs_mut().append_pair("dedup", "false");
    url
}

/// The key in a file that nobody but root, or who runs this, may read.
fn key(path: &Path) -> Result<String, KeyFileError> {
    let unreadable = |source| KeyFileError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    // Of the open file: the name may stand for another one by now.
    let metadata = file.metadata().map_err(unreadable)?;
    let trusted = [0, rustix::process::geteuid().as_raw()];
    if metadata.mode() & 0o077 != 0 || !trusted.contains(&metadata.uid()) {
        return Err(KeyFileError::Exposed { path: path.to_owned() });
    }
    let mut text = String::new();
    file.take(LARGEST_KEY_FILE).read_to_string(&mut text).map_err(unreadable)?;
    let key = text.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(KeyFileError::NoKey { path: path.to_owned() });
    }
    Ok(key.to_owned())
}
