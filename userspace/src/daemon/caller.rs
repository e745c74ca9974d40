//! Who asks: credentials that the kernel vouches for, and the SSH session that the command line tells of.

use std::fs;

use crate::api::SshPeer;
use crate::api::types::Who;

/// The program at the other end of the socket, or the daemon itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Who; absent: the daemon.
    pub credentials: Option<Credentials>,
    /// Where it comes from, if by SSH.
    pub ssh: Option<SshPeer>,
}

/// `SO_PEERCRED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The process, where the kernel says it.
    pub pid: Option<u32>,
}

/// No `loginuid` was ever set.
const NOBODY_LOGGED_IN: u32 = u32::MAX;
/// A command line may be long; its beginning tells.
const LONGEST_COMMAND: usize = 200;

impl Caller {
    /// The daemon, which does something by itself or was sent a signal.
    #[must_use]
    pub const fn daemon() -> Self {
        Self { credentials: None, ssh: None }
    }

    /// This process.
    #[must_use]
    pub fn this_process() -> Self {
        let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        Self { credentials: Some(Credentials { uid, gid, pid: Some(std::process::id()) }), ssh: None }
    }

    /// Its names, as far as they can be read now.
    #[must_use]
    pub fn who(&self) -> Who {
        let Some(Credentials { uid, gid, pid }) = self.credentials else {
            return Who { user: "daemon".to_owned(), ..Who::default() };
        };
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let name = |uid: u32| user_name(&accounts, uid).unwrap_or_else(|| uid.to_string());
        let login = pid.and_then(login_uid).filter(|login| *login != uid && *login != NOBODY_LOGGED_IN);
        Who {
            user: name(uid),
            uid: Some(uid),
            gid: Some(gid),
            pid,
            command: pid.and_then(command),
            login: login.map(name),
        }
    }
}

fn command(pid: u32) -> Option<String> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|words| !words.is_empty())?;
    Some(shown(&words))
}

/// The words of a command line, which `/proc` ends with zero bytes, without what a terminal would obey.
fn shown(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words.strip_suffix(b"\0").unwrap_or(words)).into_owned();
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LONGEST_COMMAND).collect()
}

fn login_uid(pid: u32) -> Option<u32> {
    fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?.trim().parse().ok()
}

/// The name of a user in the text of `/etc/passwd`.
fn user_name(accounts: &str, uid: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\n# comment\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(user_name(accounts, 0).as_deref(), Some("root"));
        assert_eq!(user_name(accounts, 1000).as_deref(), Some("alice"));
        assert_eq!(user_name(accounts, 1), None);
    }

    #[test]
    fn a_command_is_one_plain_line() {
        assert_eq!(shown(b"xdpgate\0ban\0add\0"), "xdpgate ban add");
        assert_eq!(shown(b"a\x1b[2Jb\n"), "a [2Jb ");
        assert_eq!(shown(&[b'a'; 1000]).len(), LONGEST_COMMAND);
    }

    #[test]
    fn this_process_is_known() {
        let who = Caller::this_process().who();
        assert_eq!(who.pid, Some(std::process::id()));
        assert!(who.command.is_some_and(|command| !command.is_empty()));
        assert_eq!(Caller::daemon().who().user, "daemon");
    }
}
