use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ureq::RequestBuilder;
use ureq::http::{HeaderName, HeaderValue};

/// More than any server asks for; reading a device by mistake must end.
const LARGEST_FILE: u64 = 64 << 10;
/// Headers that are the client's own business.
const REFUSED: &[&str] =
    &["connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"];

/// Headers of requests. Their values are shown nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

/// Why a file of headers was not taken.
#[derive(Debug, thiserror::Error)]
pub enum HeaderFileError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner can read it.
    #[error(
        "{}: others can read it, and it holds keys; let root alone read it: chown root:root {0} && chmod 600 {0}",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// A line of it is no header.
    #[error("{}: line {line} {problem}; write `Name: value` on each line, comments begin with #", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it; never its value.
        problem: &'static str,
    },
}

impl Headers {
    /// Reads `Name: value` lines from a file that nobody but root, or who runs this, may read.
    ///
    /// # Errors
    /// When it cannot be read, others can read it, or a line of it is no header.
    pub fn from_file(path: &Path) -> Result<Self, HeaderFileError> {
        let unreadable = |source| HeaderFileError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        // Of the open file: the name may stand for another one by now.
        if is_exposed(&file.metadata().map_err(unreadable)?) {
            return Err(HeaderFileError::Exposed { path: path.to_owned() });
        }
        let mut text = String::new();
        file.take(LARGEST_FILE).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text).map_err(|(line, problem)| HeaderFileError::Line {
            path: path.to_owned(),
            line,
            problem,
        })
    }

    /// With one more.
    ///
    /// # Errors
    /// What of it no header can have.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, &'static str> {
        self.0.push(header(name, value)?);
        Ok(self)
    }

    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let written = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(number, line): (usize, &str)| {
            let (name, value) = line.split_once(':').ok_or((number, "has no colon"))?;
            header(name, value).map_err(|problem| (number, problem))
        };
        Ok(Self(written.map(read).collect::<Result<_, _>>()?))
    }

    pub(super) fn add_to<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        self.0.iter().fold(request, |request, (name, value)| request.header(name, value))
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let name: HeaderName = name.trim().parse().map_err(|_| "has no name of a header before its colon")?;
    if REFUSED.contains(&name.as_str()) {
        return Err("names a header that the client sets by itself");
    }
    let mut value = HeaderValue::from_str(value.trim())
        .map_err(|_| "has a value with characters that no header can have")?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn is_exposed(file: &Metadata) -> bool {
    let others_may = file.mode() & 0o077 != 0;
    let trusted = [0, rustix::process::geteuid().as_raw()];
    others_may || !trusted.contains(&file.uid())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_of_headers_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "# of the list\nKey: s3cret\n\n Accept : text/plain\r\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let read = Headers::from_file(&path).unwrap();
        let expected =
            Headers::default().with("key", "s3cret").unwrap().with("accept", "text/plain").unwrap();
        assert_eq!(read, expected);
        assert!(!format!("{read:?}").contains("s3cret"), "{read:?}");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "Key: s3cret\n").unwrap();
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = Headers::from_file(&path).unwrap_err();
            assert!(matches!(error, HeaderFileError::Exposed { .. }), "{mode:o}: {error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused_without_its_value() {
        for (text, line) in [
            ("Key s3cret", 1),
            ("\nK ey: s3cret", 2),
            ("Key: s3cret\nHost: s3cret", 2),
            ("Key: s3\u{1}cret", 1),
        ] {
            let (at, problem) = Headers::parse(text).unwrap_err();
            assert_eq!(at, line, "{text:?}");
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }
}
