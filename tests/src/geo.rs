//! The geo database of the lab and the tests: a real one, which `cargo xtask` fetches.

use std::env;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use xdpgate::country::CountryCode;
use xdpgate::feeds::GeoDatabase;

const DATABASE: &str = "XDPGATE_GEO_DATABASE";
const CSV: &str = "XDPGATE_GEO_CSV";

/// The path of the database.
///
/// # Errors
///
/// When `XDPGATE_GEO_DATABASE` does not name a file.
pub fn database() -> Result<PathBuf> {
    let path = env::var_os(DATABASE).map(PathBuf::from);
    let path = path.with_context(|| format!("{DATABASE} is not set; `cargo xtask` sets it"))?;
    ensure!(path.is_file(), "{DATABASE} names {}, which is missing", path.display());
    Ok(path)
}

/// The paths of the real databases that the environment names, MMDB or CSV, each once.
#[must_use]
pub fn databases() -> Vec<PathBuf> {
    let named = [DATABASE, CSV].into_iter().filter_map(|name| env::var_os(name).map(PathBuf::from));
    let mut paths: Vec<_> = named.filter(|path| path.is_file()).collect();
    paths.dedup();
    paths
}

/// A country and its networks in both address families, as a database has them.
#[derive(Clone, Debug)]
pub struct Country {
    /// Its code.
    pub code: CountryCode,
    /// Its IPv4 networks, each of at least 256 addresses.
    pub ipv4: Vec<IpNet>,
    /// Its IPv6 networks, each of at least one /64.
    pub ipv6: Vec<IpNet>,
}

impl Country {
    /// The country in the database, if it has networks of both families there.
    #[must_use]
    pub fn find(database: &GeoDatabase, code: CountryCode) -> Option<Self> {
        let ipv4 = database.ranges4().filter(|range| range.country == code);
        let ipv4 = ipv4.flat_map(|range| range.range.prefixes()).filter(|(_, length)| *length <= 24);
        let ipv6 = database.ranges6().filter(|range| range.country == code);
        let ipv6 = ipv6.flat_map(|range| range.range.prefixes()).filter(|(_, length)| *length <= 64);
        let country = Self {
            code,
            ipv4: ipv4
                .filter_map(|(at, length)| Ipv4Net::new(at.into(), length).ok().map(Into::into))
                .collect(),
            ipv6: ipv6
                .filter_map(|(at, length)| Ipv6Net::new(at.into(), length).ok().map(Into::into))
                .collect(),
        };
        (!country.ipv4.is_empty() && !country.ipv6.is_empty()).then_some(country)
    }

    /// A host of the country in each family.
    #[must_use]
    pub fn hosts(&self) -> Vec<IpAddr> {
        [self.ipv4.first(), self.ipv6.first()].into_iter().flatten().map(|net| host(*net)).collect()
    }
}

/// An address inside the network that is neither its first nor its last.
fn host(net: IpNet) -> IpAddr {
    const HOST: u8 = 10;
    match net {
        IpNet::V4(net) => (net.network().to_bits() + u32::from(HOST)).to_be_bytes().into(),
        IpNet::V6(net) => (net.network().to_bits() + u128::from(HOST)).to_be_bytes().into(),
    }
}
