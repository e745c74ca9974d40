//! The real databases, read as their own readers read them: `maxminddb` for an MMDB file, and Python's `bisect` over the
//! plain rows for a CSV file.

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write as _;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::path::Path;
    use std::process::{Command, Stdio};

    use xdpgate::country::CountryCode;
    use xdpgate::feeds::{Address, GeoDatabase};
    use xdpgate_tests::geo;

    /// Of both families together, beside the ends of every range.
    const RANDOM: u64 = 1_000_000;

    /// Steps through the space in a way that is random enough, and the same each time.
    fn scattered(index: u64) -> u64 {
        let mut x = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    fn random(index: u64) -> IpAddr {
        let bits = scattered(index);
        if index.is_multiple_of(2) {
            let [a, b, c, d, ..] = bits.to_be_bytes();
            return Ipv4Addr::new(a, b, c, d).into();
        }
        // 2000::/3, where addresses were given out, and every second time close to where an allocation begins.
        let top = 0x2000_0000_0000_0000 | bits >> 3;
        let top = if index % 4 == 1 { top } else { top & 0xFFFF_FFFF_0000_0000 };
        Ipv6Addr::from_bits(u128::from(top) << 64 | u128::from(scattered(bits))).into()
    }

    /// Both ends of a range, and their neighbours outside.
    fn around<A: Address>(first: A, last: A) -> impl Iterator<Item = IpAddr> {
        let ends = [first.predecessor(), Some(first), Some(last), last.successor()];
        ends.into_iter().flatten().map(Address::to_ip)
    }

    fn addresses(database: &GeoDatabase) -> Vec<IpAddr> {
        let ipv4 = database.ranges4().flat_map(|found| around(found.range.first, found.range.last));
        let ipv6 = database.ranges6().flat_map(|found| around(found.range.first, found.range.last));
        (0..RANDOM).map(random).chain(ipv4).chain(ipv6).collect()
    }

    #[test]
    fn every_address_has_the_country_that_the_databases_own_reader_gives_it() {
        let paths = geo::databases();
        if paths.is_empty() {
            eprintln!("skipped: XDPGATE_GEO_DATABASE and XDPGATE_GEO_CSV name no file");
            return;
        }
        for path in paths {
            let database = GeoDatabase::open(&path).unwrap();
            let addresses = addresses(&database);
            let is_mmdb = path.extension().is_some_and(|extension| extension == "mmdb");
            let theirs = if is_mmdb { of_maxminddb(&path, &addresses) } else { of_python(&path, &addresses) };
            assert_eq!(theirs.len(), addresses.len());
            let mut known = 0;
            for (address, theirs) in addresses.iter().zip(theirs) {
                let Some(theirs) = theirs else { continue };
                let country: Option<CountryCode> = theirs.parse().ok();
                assert_eq!(database.lookup(*address), country, "{address} by {}", path.display());
                known += u64::from(country.is_some());
            }
            assert!(known > RANDOM / 4, "{}: only {known} addresses had a country", path.display());
            eprintln!("{}: {} addresses, {known} with a country", path.display(), addresses.len());
        }
    }

    /// The answers of the format's own reader. Nothing for addresses that only repeat IPv4 in the file, of which xdpgate says
    /// nothing.
    fn of_maxminddb(path: &Path, addresses: &[IpAddr]) -> Vec<Option<String>> {
        let reader = maxminddb::Reader::open_readfile(path).unwrap();
        let answer = |address: &IpAddr| {
            if let IpAddr::V6(ip) = address
                && (ip.segments()[0] == 0x2002
                    || ip.segments()[..2] == [0x2001, 0]
                    || ip.to_ipv4_mapped().is_some())
            {
                return None;
            }
            let found = reader.lookup(*address).unwrap();
            let flat = found.decode_path::<&str>(&maxminddb::path!["country_code"]).unwrap();
            Some(flat.unwrap_or_default().to_owned())
        };
        addresses.iter().map(answer).collect()
    }

    /// Another reading of the rows, in another language. `ZZ` is how they say that nobody knows.
    const PYTHON: &str = r#"
import bisect, ipaddress, sys
starts, rows = {4: [], 6: []}, {4: [], 6: []}
for line in open(sys.argv[1]):
    first, last, country = line.strip().split(",")
    if country == "ZZ":
        continue
    if first.isdigit():
        family, first, last = 4, int(first), int(last)
    else:
        family, first, last = 6, int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last))
    rows[family].append((first, last, country))
for family in rows:
    rows[family].sort()
    starts[family] = [row[0] for row in rows[family]]
for line in sys.stdin:
    family, address = line.split()
    family, address = int(family), int(address)
    at = bisect.bisect_right(starts[family], address) - 1
    found = at >= 0 and address <= rows[family][at][1]
    print(rows[family][at][2] if found else "-")
"#;

    fn of_python(path: &Path, addresses: &[IpAddr]) -> Vec<Option<String>> {
        let mut python = Command::new("python3");
        python.args(["-c", PYTHON]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut python = python.spawn().unwrap();
        let mut questions = String::new();
        for address in addresses {
            match address {
                IpAddr::V4(ip) => writeln!(questions, "4 {}", ip.to_bits()).unwrap(),
                IpAddr::V6(ip) => writeln!(questions, "6 {}", ip.to_bits()).unwrap(),
            }
        }
        let mut stdin = python.stdin.take().unwrap();
        let asking = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
        let answers = python.wait_with_output().unwrap();
        asking.join().unwrap().unwrap();
        assert!(answers.status.success());
        String::from_utf8(answers.stdout).unwrap().lines().map(|line| Some(line.to_owned())).collect()
    }
}
