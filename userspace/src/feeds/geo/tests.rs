use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::SystemTime;

use super::*;
use crate::feeds::range::{Address, Range};

mod asn;
mod mmdb_file;

use mmdb_file::{MmdbFile, Value};

/// Names a database for the tests that compare with the reader's own answers.
const DATABASE_VARIABLE: &str = "XDPGATE_GEO_DATABASE";

fn parse(text: &str) -> Result<GeoDatabase, GeoError> {
    GeoDatabase::parse(text.as_bytes().to_vec(), Path::new("/geo/test.csv"))
}

fn country(text: &str) -> CountryCode {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn each_csv_form_is_read() {
    let database = parse(
        "start,end,country_code\r\n\
         1.0.0.0,1.0.0.255,AU\r\n\
         \"16777472\",\"16778239\",\"cn\",\"China\"\n\
         # a comment\n\
         2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n\
         42540578174768769024160577283814916096,42540578254000931538424914877410246655,SG\n\
         ::ffff:9.0.0.0,::ffff:9.255.255.255,US\n\
         5.0.0.0,5.0.0.255,??\n6.0.0.0,6.0.0.255,A1\n7.0.0.0,7.0.0.255,\n",
    )
    .unwrap();
    assert_eq!(database.lookup(ip("1.0.0.255")), Some(country("AU")));
    assert_eq!(database.lookup(ip("1.0.1.0")), Some(country("CN")));
    assert_eq!(database.lookup(ip("1.0.4.0")), None);
    assert_eq!(database.lookup(ip("2001:200::1")), Some(country("JP")));
    assert_eq!(
        database.lookup(Ipv6Addr::from_bits(42_540_578_174_768_769_024_160_577_283_814_916_096).into()),
        Some(country("SG"))
    );
    assert_eq!(database.lookup(ip("9.1.2.3")), Some(country("US")));
    assert_eq!(database.lookup(ip("::ffff:9.1.2.3")), Some(country("US")));
    for unknown in ["0.0.0.0", "5.0.0.1", "6.0.0.1", "7.0.0.1", "255.255.255.255", "::", "2001:1ff:ffff::"] {
        assert_eq!(database.lookup(ip(unknown)), None, "{unknown}");
    }
    assert_eq!(database.name(), "test.csv");
    assert_eq!(database.built(), None);
    assert_eq!(database.countries().get(&country("CN")), Some(&(1, 0)));
    assert_eq!(database.countries().get(&country("JP")), Some(&(0, 1)));
}

#[test]
fn order_does_not_matter_and_neighbours_join() {
    let database =
        parse("1.0.1.0,1.0.1.255,AU\n1.0.0.0,1.0.0.255,AU\n1.0.1.7,1.0.1.9,AU\n0.0.0.0,0.0.0.9,CN").unwrap();
    let ranges: Vec<_> = database.ranges4().map(|found| (found.range.first, found.range.last)).collect();
    assert_eq!(ranges, [(0, 9), (0x0100_0000, 0x0100_01FF)]);
    assert_eq!(database.ranges6().count(), 0);
}

#[test]
fn the_ends_of_a_family_have_a_country() {
    let database =
        parse("0.0.0.0,255.255.255.255,AU\n::,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,NZ").unwrap();
    assert_eq!(database.ranges4().next().unwrap().range, Range::ALL);
    assert_eq!(database.lookup(Ipv4Addr::BROADCAST.into()), Some(country("AU")));
    assert_eq!(database.lookup(Ipv6Addr::from_bits(u128::MAX).into()), Some(country("NZ")));
}

#[test]
fn every_refusal_names_the_file_and_the_place() {
    let refusals = [
        ("1.0.0.0,1.0.0.255", "/geo/test.csv:1: \"1.0.0.0,1.0.0.255\": a line is start,end,country"),
        ("\n1.0.0.9,1.0.0.1,AU", "/geo/test.csv:2: \"1.0.0.9,1.0.0.1,AU\": the range ends before it starts"),
        (
            "1.0.0.0,::1,AU",
            "/geo/test.csv:1: \"1.0.0.0,::1,AU\": the first two fields must be addresses, or both whole numbers",
        ),
        (
            "1.0.0.0,1.0.0.1,AU\nstart,end,country",
            "/geo/test.csv:2: \"start,end,country\": the first two fields must be addresses, or both whole numbers",
        ),
        (
            "1.0.0.0,1.0.0.1,Australia",
            "/geo/test.csv:1: \"1.0.0.0,1.0.0.1,Australia\": the third field must be a country of two letters; \
             for an unknown one leave it empty",
        ),
        (
            "1.0.0.0,1.0.0.9,AU\n1.0.0.9,1.0.0.10,NZ",
            "/geo/test.csv: 1.0.0.0-1.0.0.9 (AU) and 1.0.0.9-1.0.0.10 (NZ) overlap, so two things are said of their \
             addresses; correct one of them",
        ),
        ("# nothing", "/geo/test.csv: test.csv tells of no countries; give a database that does"),
        ("\u{1F}\u{8}", "/geo/test.csv:1: \"\u{FFFD}\u{FFFD}\": a line is start,end,country"),
    ];
    for (text, message) in refusals {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text:?}");
    }
    let gzip = GeoDatabase::parse(b"\x1F\x8B\x08".to_vec(), Path::new("/geo/x.mmdb")).unwrap_err();
    assert_eq!(
        gzip.to_string(),
        "/geo/x.mmdb: it is compressed with gzip, unpack it first; a database of countries is an MMDB file, or a CSV file of \
         start,end,country"
    );
}

#[test]
fn a_missing_file_and_a_directory_are_named() {
    let missing = GeoDatabase::open(Path::new("/nowhere/geo.mmdb")).unwrap_err().to_string();
    assert!(missing.starts_with("/nowhere/geo.mmdb: can't be read: No such file"), "{missing}");
    let directory = GeoDatabase::open(Path::new("/")).unwrap_err().to_string();
    assert_eq!(directory, "/: not a regular file; name the database file itself");
}

fn nested(code: &'static str) -> Value {
    let country = Value::Map(vec![("geoname_id", Value::Number(7)), ("iso_code", Value::Text(code))]);
    Value::Map(vec![("city", Value::Map(vec![])), ("country", country)])
}

fn parse_mmdb(file: &MmdbFile) -> GeoDatabase {
    GeoDatabase::parse(file.bytes(), Path::new("/geo/x.mmdb")).unwrap()
}

#[test]
fn each_form_of_an_mmdb_record_is_read() {
    let mut file = MmdbFile::new(6);
    let records = [
        (nested("DE"), "1.0.0.0/8"),
        (Value::Map(vec![("country_code", Value::Text("FR"))]), "2001:200::/32"),
        (Value::Map(vec![("country", Value::Text("us"))]), "2001:300::/32"),
        (
            Value::Map(vec![("country", Value::Text("Nauru")), ("country_code", Value::Text("NR"))]),
            "2001:400::/32",
        ),
        (Value::Map(vec![("registered_country", nested("AU"))]), "2001:500::/32"),
        (Value::Map(vec![("country", Value::Number(3))]), "2001:600::/32"),
    ];
    for (record, network) in &records {
        let record = file.record(record);
        file.give(&[network], record);
    }
    let database = parse_mmdb(&file);
    assert_eq!(database.lookup(ip("1.255.255.255")), Some(country("DE")));
    assert_eq!(database.lookup(ip("2001:200::1")), Some(country("FR")));
    assert_eq!(database.lookup(ip("2001:300::1")), Some(country("US")));
    assert_eq!(database.lookup(ip("2001:400::1")), Some(country("NR")));
    for unknown in ["2.0.0.0", "0.255.255.255", "2001:500::1", "2001:600::1", "2001:700::1"] {
        assert_eq!(database.lookup(ip(unknown)), None, "{unknown}");
    }
    assert_eq!(database.name(), "Test");
    let built = database.built().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(built.as_secs(), 0x6553_F100);
}

#[test]
fn what_repeats_ipv4_is_left_out() {
    let mut file = MmdbFile::new(6);
    let record = file.record(&nested("DE"));
    file.give(&["1.0.0.0/8", "2.0.0.0/8", "2001:200::/32"], record);
    file.alias("::ffff:0:0/96", "0.0.0.0/0");
    file.alias("2002::/16", "0.0.0.0/0");
    let database = parse_mmdb(&file);
    assert_eq!(
        database.ranges4().map(|found| found.range).collect::<Vec<_>>(),
        [Range { first: 0x0100_0000, last: 0x02FF_FFFF }]
    );
    assert_eq!(
        database.ranges6().map(|found| found.range).collect::<Vec<_>>(),
        [Range::prefix(0x2001_0200 << 96, 32)]
    );
    assert_eq!(database.lookup(ip("2002:101:101::")), None);
}

#[test]
fn a_record_around_all_of_ipv4_answers_for_it() {
    let mut file = MmdbFile::new(6);
    let record = file.record(&nested("DE"));
    file.give(&["::/3", "4000::/3"], record);
    let database = parse_mmdb(&file);
    assert_eq!(database.lookup(ip("1.2.3.4")), Some(country("DE")));
    assert_eq!(database.lookup(ip("1fff::")), Some(country("DE")));
    assert_eq!(
        database.lookup(ip("4000::")),
        Some(country("DE")),
        "the same record elsewhere is no repetition"
    );
    assert_eq!(database.lookup(ip("2000::")), None);
}

#[test]
fn an_mmdb_of_ipv4_alone_is_read() {
    let mut file = MmdbFile::new(4);
    let record = file.record(&nested("DE"));
    file.give(&["128.0.0.0/1"], record);
    let database = parse_mmdb(&file);
    assert_eq!(database.lookup(ip("255.255.255.255")), Some(country("DE")));
    assert_eq!(database.lookup(ip("127.255.255.255")), None);
    assert_eq!(database.lookup(ip("::ffff:128.0.0.0")), Some(country("DE")));
    assert_eq!(database.ranges6().count(), 0);
}

#[test]
fn no_damage_to_an_mmdb_panics() {
    let mut file = MmdbFile::new(6);
    let record = file.record(&nested("DE"));
    file.give(&["1.0.0.0/8", "2001:200::/32"], record);
    let bytes = file.bytes();
    let path = Path::new("/geo/x.mmdb");
    for length in 0..bytes.len() {
        assert!(GeoDatabase::parse(bytes[..length].to_vec(), path).is_err(), "cut to {length} bytes");
    }
    for index in 0..bytes.len() {
        for change in [1, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[index] ^= change;
            let _ = GeoDatabase::parse(damaged, path);
        }
    }
}

#[test]
fn a_damaged_mmdb_is_refused_with_its_path() {
    let error = GeoDatabase::parse(b"garbage\xAB\xCD\xEFMaxMind.com\xE1".to_vec(), Path::new("/geo/x.mmdb"));
    let message = error.unwrap_err().to_string();
    assert!(
        message.starts_with("/geo/x.mmdb: the MMDB file is damaged, or not one of countries: "),
        "{message}"
    );
    assert!(message.ends_with("; get it again"), "{message}");
}

/// Steps through the space in a way that is random enough, and the same each time.
fn scattered(index: u64) -> u64 {
    let mut x = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[test]
fn answers_are_those_of_the_reader() {
    let Some(path) = std::env::var_os(DATABASE_VARIABLE) else {
        eprintln!("skipped: {DATABASE_VARIABLE} names no MMDB file");
        return;
    };
    if Path::new(&path).extension().is_none_or(|extension| extension != "mmdb") {
        eprintln!("skipped: {DATABASE_VARIABLE} names a file of another kind");
        return;
    }
    let database = GeoDatabase::open(Path::new(&path)).unwrap();
    let reader = maxminddb::Reader::open_readfile(&path).unwrap();
    let mut addresses = Vec::<IpAddr>::new();
    for index in 0..200_000 {
        let bits = scattered(index).to_be_bytes();
        addresses.push(Ipv4Addr::new(bits[0], bits[1], bits[2], bits[3]).into());
        // 2000::/3, where the data is; half of it close to the start of an allocation.
        let top = (scattered(index) >> 3) | (1 << 61);
        let top = if index % 2 == 0 { top } else { top & !0xFFFF_FFFF };
        addresses.push(Ipv6Addr::from_bits(u128::from(top) << 64 | u128::from(index)).into());
    }
    for found in database.ranges4() {
        addresses.extend([found.range.first.to_ip(), found.range.last.to_ip()]);
    }
    for found in database.ranges6() {
        addresses.extend([found.range.first.to_ip(), found.range.last.to_ip()]);
    }
    let mut known = 0;
    for address in addresses {
        if let IpAddr::V6(ip) = address
            && (ip.segments()[0] == 0x2002 || ip.segments()[..2] == [0x2001, 0])
        {
            continue;
        }
        if reader.metadata().ip_version == 4 && address.is_ipv6() {
            continue;
        }
        let expected = reader_country(&reader, address);
        assert_eq!(database.lookup(address), expected, "{address}");
        known += usize::from(expected.is_some());
    }
    assert!(known > 0, "nothing was compared");
}

fn reader_country(reader: &maxminddb::Reader<Vec<u8>>, address: IpAddr) -> Option<CountryCode> {
    let found = reader.lookup(address).unwrap();
    let nested = found.decode_path::<&str>(&maxminddb::path!["country", "iso_code"]);
    let code = nested
        .ok()
        .flatten()
        .or_else(|| found.decode_path::<&str>(&maxminddb::path!["country_code"]).unwrap());
    code?.parse().ok()
}
