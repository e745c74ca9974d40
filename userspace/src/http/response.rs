use std::io::{self, Read, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde::de::DeserializeOwned;
use ureq::{Body, http};
use url::Url;

use super::error::{HttpError, of_body};
use super::redirect::host_of;

/// What a message repeats of a body, in characters.
const SAID: usize = 120;
const BLOCK: usize = 64 << 10;

/// An answer, whose body has not been read yet.
#[derive(Debug)]
pub struct Response {
    url: Url,
    answer: http::Response<Body>,
    timeout: Duration,
}

impl Response {
    pub(super) const fn new(url: Url, answer: http::Response<Body>, timeout: Duration) -> Self {
        Self { url, answer, timeout }
    }

    /// Where it came from, after all redirects.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// Whether there is nothing new since what the request named.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.answer.status() == http::StatusCode::NOT_MODIFIED
    }

    /// A header, if it is a text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// How many bytes will come, where the server says it.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.answer.body().content_length()
    }

    /// Hands the body over as it comes, unpacked where the server packed it for the way. Returns how many bytes that were.
    ///
    /// # Errors
    /// When it breaks off, is larger than `most`, or `take` refuses it.
    pub fn read_to(self, most: u64, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> Result<u64, HttpError> {
        let host = host_of(&self.url);
        let mut reader = self.answer.into_body().into_reader();
        let mut block = vec![0; BLOCK];
        let mut total = 0_u64;
        loop {
            let read = reader.read(&mut block).map_err(|error| of_body(error, &host, self.timeout))?;
            if read == 0 {
                return Ok(total);
            }
            total += read as u64;
            if total > most {
                return Err(HttpError::TooLarge { most });
            }
            take(block.get(..read).unwrap_or_default()).map_err(HttpError::NotTaken)?;
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// When it breaks off, or is larger than `most`.
    pub fn bytes(self, most: u64) -> Result<Vec<u8>, HttpError> {
        let mut bytes = Vec::new();
        self.read_to(most, |block| bytes.write_all(block))?;
        Ok(bytes)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it breaks off, is larger than `most`, or is something else.
    pub fn json<T: DeserializeOwned>(self, most: u64) -> Result<T, HttpError> {
        let host = host_of(&self.url);
        let bytes = self.bytes(most)?;
        serde_json::from_slice(&bytes).map_err(|source| HttpError::OtherShape { host, source })
    }

    /// The answer, if it is one of success or 304.
    pub(super) fn checked(self) -> Result<Self, HttpError> {
        if self.answer.status().is_success() || self.is_unchanged() {
            return Ok(self);
        }
        let retry_after = self.header("retry-after").and_then(|text| retry_after(text, Timestamp::now()));
        let (url, status) = (super::shown(&self.url), self.status());
        Err(HttpError::Status { url, status, said: self.said(), retry_after })
    }

    /// The beginning of a body that is meant to be read by people or programs, in one line. A page for browsers is not.
    fn said(self) -> String {
        let kind = self.answer.body().mime_type().unwrap_or_default().to_owned();
        if !["application/json", "text/plain"].contains(&kind.as_str()) {
            return String::new();
        }
        let mut start = Vec::new();
        // What breaks off here changes nothing: the status is what went wrong.
        let _ = self.answer.into_body().into_reader().take(4 * SAID as u64).read_to_end(&mut start);
        let text = String::from_utf8_lossy(&start);
        let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let line = words.collect::<Vec<_>>().join(" ");
        if line.is_empty() { line } else { format!(": {}", line.chars().take(SAID).collect::<String>()) }
    }
}

/// How long a server wants to be left alone: seconds, or a date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_when_to_come_again() {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        let seconds = |text| retry_after(text, now).map(|time| time.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0), "past");
        assert_eq!(seconds("soon"), None);
    }
}
