use crate::config::FolderError;
use crate::daemon::inputs::list_content::{ListCause, ListProblem};
use crate::feeds::GuardError;
use crate::http::{HeaderFileError, HttpError};
use crate::store::StoreError;

/// Why a list stays as it is.
#[derive(Debug, thiserror::Error)]
pub(in crate::daemon) enum FeedError {
    /// Its server gave nothing.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The headers for its server can't be used.
    #[error("header_file {0}")]
    Headers(#[from] HeaderFileError),
    /// Its folder can't be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What came is no list, or one that may not take effect.
    #[error(transparent)]
    List(#[from] ListProblem),
    /// What came is packed, and damaged or too large.
    #[error("what came is packed with gzip and can't be unpacked: {0}")]
    Unpack(std::io::Error),
    /// It can't be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It would cut somebody off who must not be.
    #[error("{0}")]
    LockOut(String),
    /// The policy does not compile with it, or the kernel does not take it.
    #[error("{0}")]
    Policy(String),
}

impl FeedError {
    /// The kind of the error in a word, for metrics.
    #[must_use]
    pub(in crate::daemon) const fn kind(&self) -> &'static str {
        match self {
            Self::Http(error) => error.kind(),
            Self::Headers(_) => "header-file",
            Self::Folder(_) => "unreadable",
            Self::List(ListProblem { cause, .. }) => match cause {
                ListCause::Unreadable(_) => "unreadable",
                ListCause::NoList(_) => "no-list",
                ListCause::Guarded(GuardError::Dangerous(_)) => "dangerous",
                ListCause::Guarded(_) => "size",
                ListCause::Blank => "blank",
            },
            Self::Unpack(_) => "broken",
            Self::Store(_) => "disk",
            Self::LockOut(_) => "lock-out",
            Self::Policy(_) => "policy",
        }
    }

    /// Whether something came and was refused; otherwise nothing came.
    #[must_use]
    pub(in crate::daemon) const fn is_refusal(&self) -> bool {
        match self {
            Self::List(ListProblem { cause, .. }) => !matches!(cause, ListCause::Unreadable(_)),
            Self::LockOut(_) | Self::Policy(_) | Self::Unpack(_) => true,
            Self::Http(error) => matches!(error, HttpError::TooLarge { .. }),
            Self::Headers(_) | Self::Folder(_) | Self::Store(_) => false,
        }
    }

    /// When the server wants to be asked again.
    #[must_use]
    pub(in crate::daemon) const fn retry_after(&self) -> Option<std::time::Duration> {
        if let Self::Http(error) = self { error.retry_after() } else { None }
    }
}
