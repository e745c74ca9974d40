use super::*;

#[test]
fn lists_plans_limits_and_services_share_no_name() {
    let list = "[[list]]\nname = \"a\"\npath = \"a.txt\"\n";
    let uses = "[[service]]\nname = \"s\"\nports = [1]\nlimits = [\"a\"]\n[service.plans]\na = []\n";
    let limit = "[[limit]]\nname = \"a\"\nrate = \"1/s\"\n";
    let plan = "[[plan]]\nname = \"a\"\nprefixes = [\"192.0.2.1\"]\n";
    assert_eq!(
        problems(&format!("{uses}{limit}{plan}{list}")),
        [
            "11: plan.name: `a` is already the name of the limit on line 8; allowed: each name once; choose another name",
            "14: list.name: `a` is already the name of the limit on line 8; allowed: each name once; choose another name",
        ]
    );
    assert_eq!(
        problems("[[service]]\nname = \"s\"\nports = [1]\n[[service]]\nname = \"s\"\nports = [2]\n"),
        [
            "5: service.name: `s` is already the name of the service on line 2; allowed: each name once; choose another name"
        ]
    );
}

#[test]
fn words_of_commands_are_no_names() {
    for (name, table) in RESERVED_NAMES {
        assert_eq!(
            problems(&format!("[[service]]\nname = \"{name}\"\nports = [1]\n")),
            [format!(
                "2: service.name: `{name}` is already the name of the rule {table}; allowed: each name once; choose another name"
            )]
        );
    }
}

#[test]
fn one_problem_causes_no_others() {
    for text in [
        // A wrong limit is still there to be named.
        "[[limit]]\nname = \"a\"\nrate = \"0/s\"\n[[service]]\nname = \"s\"\nports = [1]\nlimits = [\"a\"]",
        // A wrong name is named by itself.
        "[[limit]]\nname = \"a b\"\nrate = \"1/s\"\n[[service]]\nname = \"s\"\nports = [1]\nlimits = [\"a b\"]",
        // What was misspelt is not unused.
        "[[limit]]\nname = \"ab\"\nrate = \"1/s\"\n[[service]]\nname = \"s\"\nports = [1]\nlimits = [\"abc\"]",
        "[[limit]]\nname = \"a\"\nrate = \"1/s\"\n[[service]]\nname = \"s\"\nports = [1]\nlimits = \"a\"",
        "[[service]]\nname = \"s\"\nprotocol = \"tpc\"",
        "[service]\nname = \"s\"",
    ] {
        assert_eq!(problems(text).len(), 1, "{:?}", problems(text));
    }
}
