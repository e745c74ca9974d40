//! A real HTTPS server: nginx, which `cargo xtask test` fetches from Debian, in a network namespace.

use std::env;
use std::fs;
use std::net::{IpAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};
use tempfile::TempDir;

use crate::cleanup::{self, Guard, Leftover};
use crate::namespace::{Namespace, unique_name};

/// Names the folder that the server is unpacked in.
const FOLDER: &str = "XDPGATE_NGINX";
const LISTENS_WITHIN: Duration = Duration::from_secs(10);

/// Where nginx is.
///
/// # Errors
///
/// When `XDPGATE_NGINX` names no folder with it.
pub fn folder() -> Result<PathBuf> {
    let folder = env::var_os(FOLDER).map(PathBuf::from);
    let folder = folder.with_context(|| format!("{FOLDER} is not set; `cargo xtask test` sets it"))?;
    let program = folder.join("usr/sbin/nginx");
    ensure!(program.is_file(), "{FOLDER} names {}, where there is no nginx", folder.display());
    Ok(folder)
}

/// A server of files, over HTTPS on port 443 and HTTP on port 80 of one address. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    program: PathBuf,
    directory: TempDir,
    namespace: Vec<String>,
    address: IpAddr,
    running: Option<Running>,
    _leftover: Guard,
}

#[derive(Debug)]
struct Running {
    child: Child,
    _guard: Guard,
}

impl Nginx {
    /// Starts it inside `namespace`, on this address of it.
    ///
    /// # Errors
    ///
    /// When it is not there, or does not start.
    pub fn start(namespace: &Namespace, address: IpAddr) -> Result<Self> {
        let program = folder()?.join("usr/sbin/nginx");
        let directory = tempfile::Builder::new().prefix(&unique_name()).tempdir()?;
        let leftover = cleanup::register(Leftover::Directory(directory.path().to_owned()));
        fs::create_dir(directory.path().join("files"))?;
        certify(directory.path(), address)?;
        fs::write(directory.path().join("nginx.conf"), configuration(directory.path(), address))?;
        let enter = namespace.command(&program);
        let arguments = enter.get_args().filter(|argument| *argument != program.as_os_str());
        let namespace_arguments = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
        let mut server = Self {
            program,
            directory,
            namespace: namespace_arguments,
            address,
            running: None,
            _leftover: leftover,
        };
        server.start_again(namespace)?;
        Ok(server)
    }

    /// Starts it again after [`Self::stop`].
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_again(&mut self, namespace: &Namespace) -> Result<()> {
        let configuration = self.directory.path().join("nginx.conf");
        let child = Command::new("nsenter")
            .args(&self.namespace)
            .arg(&self.program)
            .arg("-p")
            .arg(self.directory.path())
            .arg("-c")
            .arg(configuration)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.directory.path().join("log"))?)
            .spawn()
            .context("cannot start nginx")?;
        let guard = cleanup::register(Leftover::Process(child.id()));
        self.running = Some(Running { child, _guard: guard });
        let start = Instant::now();
        while namespace.within(|| Ok(TcpStream::connect((self.address, 443)).is_err()))? {
            if start.elapsed() > LISTENS_WITHIN {
                bail!("nginx does not listen:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub fn stop(&mut self) -> Result<()> {
        let mut running = self.running.take().context("nginx is not running")?;
        running.child.kill()?;
        running.child.wait()?;
        Ok(())
    }

    /// The certificate of its authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// Puts a file there, whole at any moment, and lets nginx name a new version of it.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn publish(&self, name: &str, text: impl AsRef<[u8]>) -> Result<()> {
        let files = self.directory.path().join("files");
        let new = files.join(format!(".{name}"));
        fs::write(&new, text)?;
        fs::rename(new, files.join(name))?;
        Ok(())
    }

    /// The requests that it has answered, with their statuses: `GET /drop.txt 200`.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn requests(&self) -> Result<Vec<String>> {
        let log = fs::read_to_string(self.directory.path().join("access"))?;
        Ok(log.lines().map(str::to_owned).collect())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if self.running.is_some() {
            drop(self.stop());
        }
    }
}

/// One process, in the foreground: what is killed is all of it.
fn configuration(directory: &Path, address: IpAddr) -> String {
    let directory = directory.display();
    format!(
        "daemon off;\nmaster_process off;\npid {directory}/pid;\nevents {{}}\nhttp {{\n\
         log_format short '$request_method $request_uri $status';\naccess_log {directory}/access short;\n\
         client_body_temp_path {directory}/body;\nproxy_temp_path {directory}/proxy;\nfastcgi_temp_path {directory}/fastcgi;\n\
         uwsgi_temp_path {directory}/uwsgi;\nscgi_temp_path {directory}/scgi;\ngzip on;\ngzip_min_length 1;\n\
         default_type text/plain;\nserver {{\nlisten {address}:443 ssl;\nlisten {address}:80;\n\
         ssl_certificate {directory}/server.pem;\nssl_certificate_key {directory}/server.key;\nroot {directory}/files;\n\
         location = /downgrade {{ return 302 http://{address}/drop.txt; }}\n\
         location = /loop {{ return 302 https://{address}/loop; }}\n\
         location = /page {{ default_type text/html; return 200 '<!DOCTYPE html><html><body>gone</body></html>'; }}\n\
         location = /limited {{ add_header Retry-After 3600 always; return 429; }}\n}}\n}}\n"
    )
}

fn certify(directory: &Path, address: IpAddr) -> Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority of tests");
    fs::write(directory.join("authority.pem"), params.self_signed(&key)?.pem())?;
    let authority = Issuer::new(params, key);
    let mut params = CertificateParams::new(Vec::new())?;
    params.subject_alt_names = vec![SanType::IpAddress(address)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    fs::write(directory.join("server.pem"), params.signed_by(&key, &authority)?.pem())?;
    fs::write(directory.join("server.key"), key.serialize_pem())?;
    Ok(())
}
