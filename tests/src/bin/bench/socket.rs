//! The daemon's socket, on one connection that stays open: the client must not be what is measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// One connection.
pub(crate) struct Socket {
    stream: BufReader<UnixStream>,
}

impl Socket {
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path).with_context(|| format!("no daemon on {}", path.display()))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Posts JSON and waits for the whole answer.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<Vec<u8>> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: xdpgate\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let (status, length) = self.head()?;
        let answer = match length {
            Some(length) => {
                let mut answer = vec![0; length];
                self.stream.read_exact(&mut answer)?;
                answer
            }
            None => self.chunks()?,
        };
        if status != 200 {
            bail!("{path}: {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }

    /// Status, and the length of the body unless it comes in chunks.
    fn head(&mut self) -> Result<(u16, Option<usize>)> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.with_context(|| format!("not a status line: {line:?}"))?;
        let mut length = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok((status, length));
            }
            let Some((name, value)) = line.split_once(':') else { bail!("not a header: {line:?}") };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            }
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = usize::from_str_radix(&line, 16).with_context(|| format!("not a chunk: {line:?}"))?;
            let start = body.len();
            body.resize(start + size, 0);
            self.stream.read_exact(body.get_mut(start..).unwrap_or_default())?;
            ensure!(self.line()?.is_empty(), "a chunk without an end");
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// A line without its end.
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "the daemon closed the connection");
        Ok(line.trim_end().to_owned())
    }
}
