//! A server that answers as a test says, also what no good server would.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::http::{Identity, Url};

/// Answers requests on a port of its own until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    stop: Arc<AtomicBool>,
    requests: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// What it answers.
pub(crate) struct Answer {
    head: String,
    pub(crate) body: Vec<u8>,
    then: Then,
}

enum Then {
    Close,
    Silence(Duration),
    Trickle(Duration, Duration),
    Flood,
}

impl Server {
    /// Without encryption. `answer` is given the request, head and body.
    pub(crate) fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::run("http", None, answer)
    }

    pub(crate) fn start_tls(
        config: ServerConfig,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::run("https", Some(Arc::new(config)), answer)
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}{path}", self.scheme, self.address.port()).parse().unwrap()
    }

    /// How many requests were answered.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn run(
        scheme: &'static str,
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, requests) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (stopping, counted, answer) = (Arc::clone(&stop), Arc::clone(&requests), Arc::new(answer));
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let (tls, answer, counted) = (tls.clone(), Arc::clone(&answer), Arc::clone(&counted));
                let stopping = Arc::clone(&stopping);
                // A client that breaks off is what some tests are about.
                thread::spawn(move || {
                    let _ = match tls {
                        None => serve(stream, &*answer, &counted, &stopping),
                        Some(config) => {
                            ServerConnection::new(config).map_err(io::Error::other).and_then(|tls| {
                                serve(StreamOwned::new(tls, stream), &*answer, &counted, &stopping)
                            })
                        }
                    };
                });
            }
        });
        Self { address, scheme, stop, requests, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Answer {
    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status("200 OK", body)
    }

    pub(crate) fn status(status: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref().to_vec();
        let head =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        Self { head, body, then: Then::Close }
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::status("302 Found", "").with("Location", to)
    }

    /// With `Content-Encoding: gzip`.
    pub(crate) fn packed(body: &[u8]) -> Self {
        Self::ok(gzip(body)).with("Content-Encoding", "gzip")
    }

    /// Every byte as given.
    pub(crate) fn raw(text: &str) -> Self {
        Self { head: text.to_owned(), body: Vec::new(), then: Then::Close }
    }

    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        let head = self.head.replacen("\r\n", &format!("\r\n{name}: {value}\r\n"), 1);
        Self { head, ..self }
    }

    pub(crate) const fn then_silence(mut self, most: Duration) -> Self {
        self.then = Then::Silence(most);
        self
    }

    pub(crate) const fn then_trickle(mut self, every: Duration, most: Duration) -> Self {
        self.then = Then::Trickle(every, most);
        self
    }

    pub(crate) const fn then_flood(mut self) -> Self {
        self.then = Then::Flood;
        self
    }
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body).unwrap();
    packed.finish().unwrap()
}

fn serve(
    mut stream: impl Read + Write,
    answer: &impl Fn(&str) -> Answer,
    counted: &AtomicUsize,
    stopping: &AtomicBool,
) -> io::Result<()> {
    let request = read_request(&mut stream)?;
    counted.fetch_add(1, Ordering::SeqCst);
    let Answer { head, body, then } = answer(&request);
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)?;
    stream.flush()?;
    let started = Instant::now();
    let goes_on = |most: Duration| started.elapsed() < most && !stopping.load(Ordering::SeqCst);
    match then {
        Then::Close => {}
        Then::Silence(most) => {
            while goes_on(most) {
                thread::sleep(Duration::from_millis(5));
            }
        }
        Then::Trickle(every, most) => {
            while goes_on(most) {
                stream.write_all(b"1")?;
                stream.flush()?;
                thread::sleep(every);
            }
        }
        Then::Flood => loop {
            stream.write_all(&[b'1'; 4096])?;
        },
    }
    Ok(())
}

fn read_request(stream: &mut impl Read) -> io::Result<String> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    request.extend(body);
    Ok(String::from_utf8_lossy(&request).into_owned())
}

/// Signs certificates.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Its certificate in a file of this folder.
    pub(crate) fn file(&self, folder: &Path) -> PathBuf {
        let path = folder.join("authority.pem");
        fs::write(&path, &self.pem).unwrap();
        path
    }

    /// A server of these names.
    pub(crate) fn serve(&self, names: &[&str]) -> ServerConfig {
        self.serve_until(names, 4000)
    }

    /// Likewise, until the end of a year.
    pub(crate) fn serve_until(&self, names: &[&str], year: i32) -> ServerConfig {
        let (chain, key) = self.signed(names, year);
        builder().with_no_client_auth().with_single_cert(chain, key).unwrap()
    }

    /// Likewise, for clients with a certificate of this authority.
    pub(crate) fn serve_clients(&self, names: &[&str]) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        let (chain, key) = self.signed(names, 4000);
        builder().with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap()
    }

    /// A client's certificate in files of this folder.
    pub(crate) fn identity(&self, folder: &Path, name: &str) -> Identity {
        let (certificate, key) = self.pair(&[name], 4000, ExtendedKeyUsagePurpose::ClientAuth);
        let [certificate, key] = [("pem", certificate), ("key", key)].map(|(kind, text)| {
            let path = folder.join(format!("{name}.{kind}"));
            fs::write(&path, text).unwrap();
            path
        });
        Identity { certificate, key }
    }

    fn signed(&self, names: &[&str], year: i32) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let (certificate, key) = self.pair(names, year, ExtendedKeyUsagePurpose::ServerAuth);
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        (vec![certificate], PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
    }

    fn pair(&self, names: &[&str], year: i32, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}
