//! A failure as an operator meets it: one sentence, and the exit code of the command line.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Kinds of failure. Each has one exit code, the same from the daemon, over the socket and on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Anything without a kind of its own.
    Failed,
    /// Refused because it would lock somebody out; `--force` does it nevertheless.
    Refused,
    /// The request makes no sense.
    Usage,
    /// No daemon answers on the socket.
    Unreachable,
    /// There is no such ban, entry, list or interface.
    NotFound,
    /// The policy, a list or a geo database is not valid.
    Invalid,
    /// Root or capabilities are missing.
    Permission,
    /// The interface is missing, or another XDP program holds it.
    Interface,
    /// Another daemon is running.
    AlreadyRunning,
    /// What is pinned was made by another version.
    PinnedVersion,
    /// The kernel is too old or lacks a feature.
    KernelFeature,
    /// A table of the kernel is full.
    TableFull,
}

impl FailureKind {
    /// The exit code of the command line; docs/operations.md lists them.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed | Self::Refused => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::NotFound => 4,
            Self::Invalid => 5,
            Self::Permission => 6,
            Self::Interface => 7,
            Self::AlreadyRunning => 8,
            Self::PinnedVersion => 9,
            Self::KernelFeature => 10,
            Self::TableFull => 11,
        }
    }

    /// The kind that a module's own exit code stands for.
    #[must_use]
    pub const fn from_exit_code(code: u8) -> Self {
        match code {
            2 => Self::Usage,
            3 => Self::Unreachable,
            4 => Self::NotFound,
            5 => Self::Invalid,
            6 => Self::Permission,
            7 => Self::Interface,
            8 => Self::AlreadyRunning,
            9 => Self::PinnedVersion,
            10 => Self::KernelFeature,
            11 => Self::TableFull,
            _ => Self::Failed,
        }
    }

    /// The status of the HTTP answer.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Usage => 400,
            Self::Permission => 403,
            Self::NotFound => 404,
            Self::Refused | Self::Interface | Self::AlreadyRunning | Self::PinnedVersion => 409,
            Self::Invalid => 422,
            Self::Failed => 500,
            Self::KernelFeature => 501,
            Self::Unreachable => 503,
            Self::TableFull => 507,
        }
    }
}

/// What went wrong, where, and what to do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its kind.
    #[serde(rename = "code")]
    pub kind: FailureKind,
    /// The sentence.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string() }
    }

    /// A failure without a kind of its own.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(FailureKind::Failed, message)
    }

    /// A policy, list or database that is not valid.
    pub fn invalid(message: impl fmt::Display) -> Self {
        Self::new(FailureKind::Invalid, message)
    }

    /// Something that is not there.
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(FailureKind::NotFound, message)
    }

    /// A request that makes no sense.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(FailureKind::Usage, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The body of an answer that is a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureBody {
    /// The failure.
    pub error: Failure,
    /// The exit code of the command line.
    pub exit_code: u8,
}

impl From<Failure> for FailureBody {
    fn from(error: Failure) -> Self {
        Self { exit_code: error.kind.exit_code(), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [FailureKind; 12] = [
        FailureKind::Failed,
        FailureKind::Refused,
        FailureKind::Usage,
        FailureKind::Unreachable,
        FailureKind::NotFound,
        FailureKind::Invalid,
        FailureKind::Permission,
        FailureKind::Interface,
        FailureKind::AlreadyRunning,
        FailureKind::PinnedVersion,
        FailureKind::KernelFeature,
        FailureKind::TableFull,
    ];

    #[test]
    fn exit_codes_round_trip() {
        for kind in KINDS.into_iter().filter(|kind| *kind != FailureKind::Refused) {
            assert_eq!(FailureKind::from_exit_code(kind.exit_code()), kind);
        }
    }

    #[test]
    fn the_body_has_a_stable_shape() {
        let body = FailureBody::from(Failure::new(FailureKind::TableFull, "no room"));
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"error":{"code":"table-full","message":"no room"},"exit_code":11}"#
        );
    }
}
