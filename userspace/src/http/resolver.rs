use std::io;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The name has no address.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NotResolved(pub(super) io::Error);

/// Asks as every program of the host does, and says of a failure that it was one of the name: ureq gives it the shape of
/// any other.
#[derive(Debug, Default)]
pub(super) struct TellingResolver(DefaultResolver);

impl Resolver for TellingResolver {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other error says what it is")]
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.resolve(uri, config, timeout).map_err(|error| match error {
            ureq::Error::Io(error) => ureq::Error::Other(Box::new(NotResolved(error))),
            other => other,
        })
    }
}
