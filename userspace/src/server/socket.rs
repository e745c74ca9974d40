use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::api::{Failure, FailureKind};

/// Root and the socket's group may give orders.
const SOCKET_MODE: u32 = 0o660;

/// The listening socket. The file goes away with it.
#[derive(Debug)]
pub struct BoundSocket {
    path: PathBuf,
    listener: Option<UnixListener>,
}

impl BoundSocket {
    /// Listens. A socket that a dead daemon left behind is replaced; one on which somebody answers never is.
    ///
    /// # Errors
    /// When somebody answers there, something else is there, or the system refuses.
    pub fn bind(path: &Path) -> Result<Self, Failure> {
        let refused = |error: io::Error| {
            let path = path.display();
            Failure::failed(format!("cannot listen on {path}: {error}; name another socket with --socket"))
        };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs::create_dir_all(directory).map_err(refused)?;
        }
        remove_stale(path)?;
        let listener = UnixListener::bind(path).map_err(refused)?;
        let bound = Self { path: path.to_owned(), listener: Some(listener) };
        fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(refused)?;
        Ok(bound)
    }

    /// The listener, once.
    pub fn take_listener(&mut self) -> Option<UnixListener> {
        self.listener.take()
    }
}

impl Drop for BoundSocket {
    fn drop(&mut self) {
        // Nobody is left to tell; the next start replaces it.
        let _ = fs::remove_file(&self.path);
    }
}

fn remove_stale(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::failed(format!("cannot look at {shown}: {error}"))),
        Ok(metadata) => metadata,
    };
    if !metadata.file_type().is_socket() {
        let message =
            format!("{shown} is there and is no socket; move it away, or name another path with --socket");
        return Err(Failure::failed(message));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(Failure::new(
            FailureKind::AlreadyRunning,
            format!("another daemon answers on {shown}; stop it first, or name another socket with --socket"),
        )),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|error| Failure::failed(format!("cannot remove the stale socket {shown}: {error}"))),
        Err(error) => Err(Failure::failed(format!("cannot tell whether {shown} is in use: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap()
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let runtime = runtime();
        let _context = runtime.enter();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/xdpgate.sock");
        let bound = BoundSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);

        let error = BoundSocket::bind(&path).unwrap_err();
        assert_eq!(error.kind, FailureKind::AlreadyRunning);
        assert!(path.exists(), "the refused daemon left the other's socket alone");

        drop(bound);
        assert!(!path.exists());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a socket without a listener, as after kill -9");
        BoundSocket::bind(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_never_removed() {
        let runtime = runtime();
        let _context = runtime.enter();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.txt");
        fs::write(&path, "keep me").unwrap();
        let error = BoundSocket::bind(&path).unwrap_err();
        assert!(error.message.contains("is no socket"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "keep me");
    }
}
