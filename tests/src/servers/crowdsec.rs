use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{Running, folder};
use crate::namespace::Namespace;
use crate::process;

const VARIABLE: &str = "XDPGATE_CROWDSEC";
const PORT: u16 = 8080;
const READY_WITHIN: Duration = Duration::from_secs(20);
const PASSWORD: &str = "of-the-test";
/// The organisational unit of bouncers that may ask.
const BOUNCERS: &str = "bouncers";

/// The local API of a real `CrowdSec`, without its other parts: nothing is read, nothing leaves the host.
#[derive(Debug)]
pub struct Crowdsec {
    folder: PathBuf,
    directory: TempDir,
    /// What leads `nsenter` into the namespace.
    enter: Vec<String>,
    tls: bool,
    running: Option<Running>,
}

/// Files for a server that only speaks TLS, and for its bouncers.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The authority of all others.
    pub ca: PathBuf,
    /// Of a bouncer that may ask.
    pub bouncer: (PathBuf, PathBuf),
    /// Of one that may not: it is of another organisational unit.
    pub stranger: (PathBuf, PathBuf),
}

impl Crowdsec {
    /// Starts it in a namespace, on 127.0.0.1:8080.
    ///
    /// # Errors
    ///
    /// When it is not there, or does not start.
    pub fn start(namespace: &Namespace) -> Result<Self> {
        let mut server = Self::prepare(namespace)?;
        server.configure("")?;
        server.start_again()?;
        Ok(server)
    }

    /// Likewise, with TLS.
    ///
    /// # Errors
    ///
    /// Likewise.
    pub fn start_with_tls(namespace: &Namespace) -> Result<(Self, Tls)> {
        let mut server = Self::prepare(namespace)?;
        let directory = server.directory.path();
        let tls = Tls::in_folder(directory)?;
        server.tls = true;
        server.configure(&format!(
            ", tls: {{cert_file: {0}/server.pem, key_file: {0}/server.key, ca_cert_path: {0}/ca.pem, \
             bouncers_allowed_ou: [{BOUNCERS}], agents_allowed_ou: [agents]}}",
            directory.display()
        ))?;
        server.start_again()?;
        Ok((server, tls))
    }

    /// Starts it again, after [`Self::stop`].
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        let mut command = self.command("crowdsec");
        let mut running = Running::start(command.arg("-no-cs"), &self.log_path())?;
        let start = Instant::now();
        while self.cscli(&["decisions", "list"]).is_err() {
            if running.has_ended()? || start.elapsed() > READY_WITHIN {
                bail!("crowdsec did not start:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.running = Some(running);
        Ok(())
    }

    /// Ends it with SIGTERM and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub fn stop(&mut self) -> Result<()> {
        self.running.take().context("crowdsec is not running")?.end(Signal::TERM)
    }

    /// Makes a key for a bouncer. Returns a file that holds it, which only root can read.
    ///
    /// # Errors
    ///
    /// When `cscli` fails.
    pub fn key(&self, bouncer: &str) -> Result<PathBuf> {
        let key = self.cscli(&["bouncers", "add", bouncer, "-o", "raw"])?;
        let path = self.directory.path().join(format!("{bouncer}.key"));
        fs::write(&path, key)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(path)
    }

    /// Runs `cscli`; its standard output.
    ///
    /// # Errors
    ///
    /// When it ends with another status than 0.
    pub fn cscli(&self, arguments: &[&str]) -> Result<String> {
        process::run(self.command("cscli").args(arguments))
    }

    /// Where it is asked.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{PORT}", if self.tls { "https" } else { "http" })
    }

    fn prepare(namespace: &Namespace) -> Result<Self> {
        let enter = namespace.command("true");
        let enter = enter.get_args().map(|argument| argument.to_string_lossy().into_owned());
        Ok(Self {
            folder: folder(VARIABLE)?,
            directory: tempfile::Builder::new().prefix("xdpgate-crowdsec").tempdir()?,
            enter: enter.filter(|argument| argument != "true").collect(),
            tls: false,
            running: None,
        })
    }

    fn configure(&self, tls: &str) -> Result<()> {
        let directory = self.directory.path();
        for name in ["data", "hub", "notifications", "plugins"] {
            fs::create_dir_all(directory.join(name))?;
        }
        for name in ["profiles.yaml", "simulation.yaml"] {
            fs::copy(self.folder.join("etc/crowdsec").join(name), directory.join(name))?;
        }
        fs::write(directory.join("hub/.index.json"), "{}")?;
        let at = directory.display();
        let config = format!(
            "common: {{daemonize: false, log_media: stdout, log_level: info, working_dir: .}}\n\
             config_paths: {{config_dir: {at}, data_dir: {at}/data, simulation_path: {at}/simulation.yaml, \
             hub_dir: {at}/hub, index_path: {at}/hub/.index.json, notification_dir: {at}/notifications, \
             plugin_dir: {at}/plugins}}\n\
             crowdsec_service: {{enable: false}}\n\
             cscli: {{output: human}}\n\
             db_config: {{log_level: info, type: sqlite, db_path: {at}/data/crowdsec.db, use_wal: true}}\n\
             api:\n  client: {{credentials_path: {at}/credentials.yaml}}\n  \
             server: {{log_level: info, listen_uri: '127.0.0.1:{PORT}', profiles_path: {at}/profiles.yaml, \
             console_path: {at}/console.yaml{tls}}}\n\
             prometheus: {{enabled: false}}\n"
        );
        fs::write(directory.join("config.yaml"), config)?;
        let authority = if self.tls { format!("ca_cert_path: {at}/ca.pem\n") } else { String::new() };
        let credentials = format!("url: {}/\nlogin: host\npassword: {PASSWORD}\n{authority}", self.url());
        fs::write(directory.join("credentials.yaml"), &credentials)?;
        // It writes the file anew, for the plain protocol.
        let unused = directory.join("unused.yaml").display().to_string();
        self.cscli(&["machines", "add", "host", "--password", PASSWORD, "-f", &unused]).map(drop)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(&self.enter).arg(self.folder.join("usr/bin").join(program));
        command.arg("-c").arg(self.directory.path().join("config.yaml"));
        command
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }
}

impl Tls {
    fn in_folder(folder: &Path) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "authority of the test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = folder.join("ca.pem");
        fs::write(&ca, params.self_signed(&key)?.pem())?;
        let issuer = Issuer::new(params, key);
        let signed = |name: &str, unit: &str, usage| -> Result<(PathBuf, PathBuf)> {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
            params.distinguished_name.push(DnType::CommonName, name);
            params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
            params.extended_key_usages = vec![usage];
            let paths = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
            fs::write(&paths.0, params.signed_by(&key, &issuer)?.pem())?;
            fs::write(&paths.1, key.serialize_pem())?;
            fs::set_permissions(&paths.1, Permissions::from_mode(0o600))?;
            Ok(paths)
        };
        signed("server", "servers", ExtendedKeyUsagePurpose::ServerAuth)?;
        Ok(Self {
            bouncer: signed("bouncer", BOUNCERS, ExtendedKeyUsagePurpose::ClientAuth)?,
            stranger: signed("stranger", "strangers", ExtendedKeyUsagePurpose::ClientAuth)?,
            ca,
        })
    }
}
