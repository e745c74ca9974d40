use super::*;

fn parse_asn(text: &str) -> Result<AsnDatabase, GeoError> {
    AsnDatabase::parse(text.as_bytes().to_vec(), Path::new("/geo/asn.csv"))
}

fn net(text: &str) -> ipnet::IpNet {
    text.parse().unwrap()
}

#[test]
fn each_csv_form_is_read() {
    let database = parse_asn(
        "start,end,asn,name\r\n\
         1.0.0.0,1.0.0.255,64500,\"Example, Inc. \"\"East\"\"\"\n\
         16777472,16777727,AS64501\n\
         2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,64500,Other\n\
         5.0.0.0,5.0.0.255,0,Not routed\n6.0.0.0,6.0.0.255,\n",
    )
    .unwrap();
    assert_eq!(database.lookup(ip("1.0.0.255")), Some(64_500));
    assert_eq!(database.lookup(ip("::ffff:1.0.1.0")), Some(64_501));
    assert_eq!(database.lookup(ip("2001:200::1")), Some(64_500));
    for unknown in ["5.0.0.1", "6.0.0.1", "1.0.2.0", "2001:201::"] {
        assert_eq!(database.lookup(ip(unknown)), None, "{unknown}");
    }
    assert_eq!(database.name_of(64_500), Some("Example, Inc. \"East\""), "the first name that was seen");
    assert_eq!(database.name_of(64_501), None);
    assert_eq!((database.systems(), database.ranges(), database.name()), (2, 3, "asn.csv"));
    assert!(database.knows(64_501) && !database.knows(64_502) && !database.knows(0));
    let ranges = database.ranges_of(&[64_500, 64_502].into());
    assert_eq!(ranges, [net("1.0.0.0/24"), net("2001:200::/32")].into_iter().collect());
}

#[test]
fn each_form_of_an_mmdb_record_is_read() {
    let mut file = MmdbFile::new(6);
    let number = |key| vec![(key, Value::Number(7))];
    let mut geolite = number("autonomous_system_number");
    geolite.push(("autonomous_system_organization", Value::Text("Seven")));
    let records = [
        (Value::Map(geolite), "1.0.0.0/8"),
        (Value::Map(vec![("asn", Value::Text("AS64500")), ("name", Value::Text("Flat"))]), "2001:200::/32"),
        (Value::Map(number("asn")), "2001:300::/32"),
        (nested("DE"), "2001:400::/32"),
        (Value::Map(vec![("asn", Value::Text("none"))]), "2001:500::/32"),
    ];
    for (record, network) in &records {
        let record = file.record(record);
        file.give(&[network], record);
    }
    let database = AsnDatabase::parse(file.bytes(), Path::new("/geo/asn.mmdb")).unwrap();
    let found = |address| {
        let number = database.lookup(ip(address))?;
        Some((number, database.name_of(number)))
    };
    assert_eq!(found("1.2.3.4"), Some((7, Some("Seven"))));
    assert_eq!(found("2001:200::1"), Some((64_500, Some("Flat"))));
    assert_eq!(found("2001:300::1"), Some((7, Some("Seven"))));
    assert_eq!((found("2001:400::1"), found("2001:500::1"), found("2.0.0.0")), (None, None, None));
    assert!(database.built().is_some());
}

#[test]
fn a_database_of_something_else_is_refused() {
    let countries = parse_asn("1.0.0.0,1.0.0.255,DE").unwrap_err().to_string();
    assert_eq!(
        countries,
        "/geo/asn.csv:1: \"1.0.0.0,1.0.0.255,DE\": the third field must be the number of an autonomous system; for an unknown \
         one leave it empty"
    );
    let mut file = MmdbFile::new(6);
    let record = file.record(&nested("DE"));
    file.give(&["1.0.0.0/8"], record);
    let error = AsnDatabase::parse(file.bytes(), Path::new("/geo/x.mmdb")).unwrap_err().to_string();
    assert_eq!(error, "/geo/x.mmdb: Test tells of no autonomous systems; give a database that does");
    let overlap = parse_asn("1.0.0.0,1.0.0.9,1\n1.0.0.9,1.0.0.10,2").unwrap_err().to_string();
    assert!(overlap.contains("1.0.0.0-1.0.0.9 (AS1) and 1.0.0.9-1.0.0.10 (AS2) overlap"), "{overlap}");
}

/// Those of cities carry more, and are read as well as those of countries.
#[test]
fn a_database_of_cities_tells_countries() {
    let text = |key, text| (key, Value::Text(text));
    let mut file = MmdbFile::new(6);
    let city = Value::Map(vec![
        ("city", Value::Map(vec![("names", Value::Map(vec![text("en", "Berlin")]))])),
        ("continent", Value::Map(vec![text("code", "EU")])),
        (
            "country",
            Value::Map(vec![text("iso_code", "DE"), ("names", Value::Map(vec![text("en", "Germany")]))]),
        ),
        ("registered_country", Value::Map(vec![text("iso_code", "FR")])),
        (
            "location",
            Value::Map(vec![("accuracy_radius", Value::Number(9)), text("time_zone", "Europe/Berlin")]),
        ),
    ]);
    let record = file.record(&city);
    file.give(&["1.0.0.0/8", "2001:200::/32"], record);
    let database = parse_mmdb(&file);
    assert_eq!(database.lookup(ip("1.2.3.4")), Some(country("DE")));
    assert_eq!(database.lookup(ip("2001:200::1")), Some(country("DE")));
    assert_eq!((database.ranges(), database.countries().len()), (2, 1));
}
