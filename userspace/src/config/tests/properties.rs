use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::config::reference::{KEYS, Key};

/// What an editor's slip leaves in a file.
fn slip() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,8}",
        select(vec![
            "\"",
            "[",
            "]",
            "[[",
            "=",
            "\n",
            "#",
            ",",
            ".",
            "0",
            "9999999999",
            "-",
            "true",
            "{",
            "\u{0}"
        ])
        .prop_map(ToOwned::to_owned),
    ]
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s).*") {
        let _ = parse(&text, Path::new("p"));
    }

    #[test]
    fn no_value_panics(key in select(KEYS.iter().map(Key::path).collect::<Vec<_>>()), value in "\\PC{0,20}", quoted: bool) {
        let value = if quoted { format!("{value:?}") } else { value };
        let _ = parse(&format!("{key} = {value}"), Path::new("p"));
        let _ = parse(&format!("{key} = [{value}]"), Path::new("p"));
    }

    #[test]
    fn an_edited_policy_parses_or_names_a_line(
        written in select(vec![EMBEDDED_DEFAULT, include_str!("../../../../packaging/examples/plans.toml")]),
        edits in prop::collection::vec((any::<Index>(), 0_usize..12, slip()), 1..4),
    ) {
        let mut text: Vec<char> = written.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        let lines = u32::try_from(text.lines().count()).unwrap().max(1);
        if let Err(error) = parse(&text, Path::new("p")) {
            prop_assert!(!error.problems().is_empty());
            for problem in error.problems() {
                prop_assert!((1..=lines + 1).contains(&problem.line), "{problem} of {lines} lines");
                prop_assert!(!problem.key.is_empty() && !problem.message.is_empty());
            }
        }
    }
}
