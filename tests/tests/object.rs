//! The object that the kernel is given, as it was built: what it holds, and what it must not hold.

use std::collections::BTreeSet;
use std::{env, fs};

use object::read::elf::ElfFile64;
use object::{Architecture, LittleEndian, Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};
use xdpgate_tests::prerequisites::xdpgate_object;

type Elf<'data> = ElfFile64<'data, LittleEndian>;

/// Every section with a program, and the program.
const PROGRAMS: [(&str, &str); 2] = [("xdp", "xdpgate"), ("xdp.frags", "xdpgate_frags")];
/// Every map that userspace opens by its name.
const PINNED_MAPS: [&str; 27] = [
    "ABI",
    "ATTRIBUTES",
    "BANS_V4",
    "BANS_V6",
    "BAN_PREFIXES_V4",
    "BAN_PREFIXES_V6",
    "BUCKETS",
    "CONTROL",
    "COUNTERS",
    "COUNTRY_COUNTERS",
    "DESTINATIONS",
    "EVENTS",
    "EVENT_COUNTERS",
    "EXCESSES",
    "GRACE",
    "INTERFACES",
    "LIMITS",
    "LIMIT_COUNTERS",
    "LIST_COUNTERS",
    "PREFIX_BLOCKS",
    "ROOTS_V4",
    "ROOTS_V6",
    "RULES",
    "SERVICES",
    "SERVICE_PORTS",
    "SERVICE_ROWS",
    "SETTINGS",
];
/// The memory of one CPU.
const OWN_MAP: &str = "SCRATCH";
/// Steps that the verifier proves by themselves.
const STEPS: [&str; 5] =
    ["xdpgate_ban", "xdpgate_excess", "xdpgate_ipv6", "xdpgate_rules", "xdpgate_service"];
/// What the compiler may call instead of inlining it.
const FUNCTIONS: [&str; 4] = ["memcpy", "memmove", "memset", "memcmp"];
const LARGEST_FUNCTION: u64 = 256;
/// In bytes of instructions: far above what it is, far below what loads slowly.
const LARGEST_PROGRAM: u64 = 64 << 10;

/// The object's bytes. Without an object, says why `test` is skipped.
fn object_or_skip(test: &str) -> Option<Vec<u8>> {
    match xdpgate_object().and_then(|path| Ok(fs::read(path)?)) {
        Ok(bytes) => Some(bytes),
        Err(why) => {
            let required = env::var_os("XDPGATE_REQUIRE_KERNEL").is_some_and(|value| value == "1");
            assert!(!required, "{test} cannot run: {why:#}");
            eprintln!("skipped: {test}: {why:#}");
            None
        }
    }
}

#[test]
fn it_is_for_the_kernels_machine() {
    let Some(bytes) = object_or_skip("it_is_for_the_kernels_machine") else { return };
    let elf = Elf::parse(&*bytes).unwrap();
    assert_eq!(elf.architecture(), Architecture::Bpf);
    assert!(elf.is_little_endian());
}

/// The section tells the loader the program's type, and whether it takes frames in several buffers.
#[test]
fn both_programs_are_there_and_nothing_else() {
    let Some(bytes) = object_or_skip("both_programs_are_there_and_nothing_else") else { return };
    let elf = Elf::parse(&*bytes).unwrap();
    for (section, program) in PROGRAMS {
        let section = elf.section_by_name(section).unwrap();
        let symbol = elf.symbol_by_name(program).unwrap();
        assert_eq!(symbol.section_index(), Some(section.index()), "{program}");
        assert_eq!((symbol.address(), symbol.size()), (0, section.size()), "{program} is its section");
        assert!(section.size() < LARGEST_PROGRAM, "{program}: {} bytes", section.size());
    }
    for symbol in elf.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
        let name = symbol.name().unwrap();
        if PROGRAMS.iter().any(|(_, program)| *program == name) {
            continue;
        }
        if STEPS.contains(&name) {
            assert!(
                symbol.is_global(),
                "{name}: one that is not global is proved anew for each way to its call"
            );
            continue;
        }
        assert!(FUNCTIONS.contains(&name), "{name} was not inlined: the verifier loses its bounds there");
        assert!(symbol.size() <= LARGEST_FUNCTION, "{name}: {} bytes", symbol.size());
    }
}

#[test]
fn every_map_that_userspace_opens_is_defined() {
    let Some(bytes) = object_or_skip("every_map_that_userspace_opens_is_defined") else { return };
    let elf = Elf::parse(&*bytes).unwrap();
    let maps = elf.section_by_name(".maps").unwrap().index();
    let defined: BTreeSet<_> = elf
        .symbols()
        .filter(|symbol| symbol.section_index() == Some(maps) && symbol.kind() == SymbolKind::Data)
        .map(|symbol| symbol.name().unwrap())
        .collect();
    let expected: BTreeSet<_> = PINNED_MAPS.into_iter().chain([OWN_MAP]).collect();
    assert_eq!(defined, expected);
    assert!(elf.section_by_name("maps").is_none(), "maps in the format before BTF");
}

/// The loader sets the slot; the verifier then knows it.
#[test]
fn the_slot_of_the_interface_is_a_constant_of_four_bytes() {
    let Some(bytes) = object_or_skip("the_slot_of_the_interface_is_a_constant_of_four_bytes") else { return };
    let elf = Elf::parse(&*bytes).unwrap();
    let symbol = elf.symbol_by_name("INTERFACE_SLOT").unwrap();
    let section = elf.section_by_index(symbol.section_index().unwrap()).unwrap();
    assert_eq!(section.name().unwrap(), ".rodata");
    assert_eq!((section.size(), symbol.size()), (4, 4), "nothing else is in .rodata");
    // Anything that could be written would be one map that all CPUs share.
    for name in [".data", ".bss"] {
        assert!(elf.section_by_name(name).is_none_or(|section| section.size() == 0), "{name}");
    }
}

/// What a packet's answer depends on comes from maps and the one constant.
#[test]
fn nothing_else_is_referred_to() {
    let Some(bytes) = object_or_skip("nothing_else_is_referred_to") else { return };
    let elf = Elf::parse(&*bytes).unwrap();
    let steps = elf.section_by_name(".text").unwrap();
    for (name, _) in PROGRAMS {
        let section = elf.section_by_name(name).unwrap();
        let mut referred = BTreeSet::new();
        for (offset, relocation) in section.relocations().chain(steps.relocations()) {
            let RelocationTarget::Symbol(index) = relocation.target() else {
                unreachable!("{name}+{offset:#x}: a relocation without a symbol")
            };
            let symbol = elf.symbol_by_index(index).unwrap();
            assert!(
                !symbol.is_undefined(),
                "{name}+{offset:#x}: {} is defined nowhere",
                symbol.name().unwrap()
            );
            let text = symbol.section_index() == elf.section_by_name(".text").map(|text| text.index());
            if !text {
                referred.insert(symbol.name().unwrap());
            }
        }
        let expected: BTreeSet<_> = PINNED_MAPS
            .into_iter()
            .chain([OWN_MAP, "INTERFACE_SLOT"])
            // Written and read by userspace only.
            .filter(|map| !["ABI", "GRACE", "INTERFACES"].contains(map))
            .collect();
        assert_eq!(referred, expected, "{name}");
    }
}

#[test]
fn the_licence_is_one_that_the_kernel_takes() {
    let Some(bytes) = object_or_skip("the_licence_is_one_that_the_kernel_takes") else { return };
    let elf = Elf::parse(&*bytes).unwrap();
    let section = elf.section_by_name("license").unwrap();
    assert_eq!(
        section.data().unwrap(),
        b"Dual MIT/GPL\0",
        "see license_is_gpl_compatible of linux/license.h"
    );
}

#[test]
fn types_and_lines_are_there_for_the_loader_and_the_verifier() {
    let test = "types_and_lines_are_there_for_the_loader_and_the_verifier";
    let Some(bytes) = object_or_skip(test) else { return };
    let elf = Elf::parse(&*bytes).unwrap();
    for name in [".BTF", ".BTF.ext"] {
        let section = elf.section_by_name(name).unwrap();
        assert_eq!(section.data().unwrap().get(..3), Some(&[0x9f, 0xeb, 1][..]), "{name}: magic and version");
    }
}

/// The build is reproducible, and tells nobody who built it.
#[test]
fn no_path_of_the_machine_that_built_it() {
    let Some(bytes) = object_or_skip("no_path_of_the_machine_that_built_it") else { return };
    let home = env::var("HOME").unwrap_or_default();
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned();
    for path in ["/home/", "/Users/", "/tmp/", ".cargo/registry", &home, &workspace] {
        // A home of `/` names nobody.
        if path.len() > 1 {
            let found = bytes.windows(path.len()).position(|window| window == path.as_bytes());
            assert_eq!(found, None, "the object holds `{path}`");
        }
    }
}
