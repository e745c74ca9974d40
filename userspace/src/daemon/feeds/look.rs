//! A look at the source of a list. It takes as long as a server takes: nobody who looks holds a lock.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use tempfile::NamedTempFile;

use super::FeedError;
use crate::config::{ListFrom, UrlSource};
use crate::daemon::inputs::ListSource;
use crate::daemon::inputs::list_content::{ListContent, Place, read_files};
use crate::http::{Client, ClientOptions, Headers, HttpError, Response};
use crate::store::{FeedRecord, Store};

/// Longer than any version that a server names.
const LONGEST_VALIDATOR: usize = 1024;

/// A look that is to be taken.
#[derive(Debug)]
pub struct Look {
    /// The list, with what is in force of it.
    pub(in crate::daemon) source: ListSource,
    /// Bytes that have come so far.
    pub(in crate::daemon) progress: Arc<AtomicU64>,
}

/// A look that was taken.
#[derive(Debug)]
pub struct Done {
    /// The list as it was when the look began.
    pub(in crate::daemon) source: ListSource,
    /// What was seen.
    pub(in crate::daemon) seen: Result<Looked, FeedError>,
    /// How long it took.
    pub(in crate::daemon) took: Duration,
}

/// What a look saw.
#[derive(Debug)]
pub(in crate::daemon) enum Looked {
    /// Nothing new. What a server calls this version now, where it was asked.
    Same(Option<Validators>),
    /// Something new, and good.
    New {
        /// What was read.
        content: ListContent,
        /// The text, where it was fetched.
        download: Option<Download>,
    },
}

/// A text that was fetched. It is on the disk.
#[derive(Debug)]
pub(in crate::daemon) struct Download {
    /// Unpacked.
    pub(in crate::daemon) text: NamedTempFile,
    /// What the server calls it.
    pub(in crate::daemon) validators: Validators,
}

/// What a server calls a version of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::daemon) struct Validators {
    /// `ETag`.
    pub(in crate::daemon) etag: Option<String>,
    /// `Last-Modified`, in its own words.
    pub(in crate::daemon) last_modified: Option<String>,
}

/// Takes a look.
pub(in crate::daemon) fn look(look: Look, store: &Store) -> Done {
    let started = Instant::now();
    let Look { source, progress } = look;
    let seen = match &source.from {
        ListFrom::Url(url) => fetch(&source, url, store, &progress),
        ListFrom::File(_) | ListFrom::Folder(_) | ListFrom::Union(_) | ListFrom::Systems(_) => read(&source),
    };
    Done { source, seen, took: started.elapsed() }
}

fn read(source: &ListSource) -> Result<Looked, FeedError> {
    let Some(files) = source.from.files()? else { return Ok(Looked::Same(None)) };
    if source.content.is_of(&files) {
        return Ok(Looked::Same(None));
    }
    let previous = Some(source.content.entries);
    let content = read_files(&files, &source.reading, &source.guard(), previous, Place::File)?;
    Ok(Looked::New { content, download: None })
}

fn fetch(
    source: &ListSource,
    url: &UrlSource,
    store: &Store,
    progress: &AtomicU64,
) -> Result<Looked, FeedError> {
    // The newest of what the server said: what is in force may be older.
    let copy = store.feed(&source.name, url.url.as_str())?;
    let copy = copy.filter(|copy| source.copy.as_ref().is_some_and(|known| known.file == copy.file));
    let headers = url.header_file.as_deref().map(Headers::from_file).transpose()?.unwrap_or_default();
    let options = ClientOptions { ca: url.ca.clone(), identity: None, timeout: url.timeout };
    let answer = Client::new(&options)?.get(&url.url, &conditional(headers, copy.as_ref()))?;
    if let Some(copy) = copy.as_ref().filter(|_| answer.is_unchanged()) {
        let known = Validators { etag: copy.etag.clone(), last_modified: copy.last_modified.clone() };
        return Ok(Looked::Same(Some(known)));
    }
    let validators = Validators::of(&answer);
    let text = unpacked(received(answer, url.max_size, store, progress)?, url.max_size, store)?;
    if let Some(copy) = copy.filter(|copy| store.is_kept(&copy.file, text.path())) {
        tracing::debug!(list = %source.name, file = copy.file, "the server calls the same text by another name");
        return Ok(Looked::Same(Some(validators)));
    }
    let previous = source.copy.as_ref().map(|_| source.content.entries);
    let files = [text.path().to_owned()];
    let content = read_files(&files, &source.reading, &source.guard(), previous, Place::Fetched)?;
    text.as_file().sync_all().map_err(HttpError::NotTaken)?;
    Ok(Looked::New { content, download: Some(Download { text, validators }) })
}

/// The request for what is newer than the copy.
fn conditional(headers: Headers, copy: Option<&FeedRecord>) -> Headers {
    let Some(copy) = copy else { return headers };
    let conditions = [("If-None-Match", &copy.etag), ("If-Modified-Since", &copy.last_modified)];
    conditions.into_iter().fold(headers, |headers, (name, value)| match value {
        // What is no header is left out: then all of it comes again.
        Some(value) => headers.clone().with(name, value).unwrap_or(headers),
        None => headers,
    })
}

impl Validators {
    fn of(answer: &Response) -> Self {
        let header = |name| {
            let value = answer.header(name).filter(|value| value.len() <= LONGEST_VALIDATOR);
            value.map(str::to_owned)
        };
        Self { etag: header("etag"), last_modified: header("last-modified") }
    }
}

fn received(
    answer: Response,
    most: u64,
    store: &Store,
    progress: &AtomicU64,
) -> Result<NamedTempFile, FeedError> {
    let mut text = store.download()?;
    answer.read_to(most, |block| {
        progress.fetch_add(block.len() as u64, Ordering::Relaxed);
        text.write_all(block)
    })?;
    Ok(text)
}

/// The text itself, where the file on the server is packed with gzip.
fn unpacked(file: NamedTempFile, most: u64, store: &Store) -> Result<NamedTempFile, FeedError> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let mut head = Vec::new();
    let opened = file.reopen().map_err(FeedError::Unpack)?;
    opened.take(GZIP.len() as u64).read_to_end(&mut head).map_err(FeedError::Unpack)?;
    if head != GZIP {
        return Ok(file);
    }
    let mut text = store.download()?;
    let packed = file.reopen().map_err(FeedError::Unpack)?;
    let mut whole = MultiGzDecoder::new(packed).take(most.saturating_add(1));
    let bytes = io::copy(&mut whole, &mut text).map_err(FeedError::Unpack)?;
    if bytes > most {
        return Err(HttpError::TooLarge { most }.into());
    }
    Ok(text)
}
