//! Reads what test programs print.

use std::collections::BTreeMap;

use crate::outcome::Outcome;

/// Counts the tests. One that says `skipped: <test>: <why>` passed for the test program, but ran nothing.
pub(super) fn read(text: &str, succeeded: bool) -> Outcome {
    let mut outcome = Outcome::default();
    for counts in text.lines().filter_map(result_line) {
        outcome.add(&counts);
    }
    let ignored = outcome.skipped;
    if ignored > 0 {
        outcome.reasons.push(format!("skipped: {ignored} marked #[ignore]"));
    }
    let skips: BTreeMap<&str, &str> = text.lines().filter_map(skip_line).collect();
    outcome.passed = outcome.passed.saturating_sub(skips.len());
    outcome.skipped += skips.len();
    outcome.reasons.extend(skips.into_iter().map(|(test, why)| format!("skipped: {test}: {why}")));
    outcome.reasons.extend(text.lines().filter_map(failed_line));
    if !succeeded && outcome.failed == 0 {
        outcome.fail("the tests did not compile, or a test program died; see above");
    }
    outcome
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn result_line(line: &str) -> Option<Outcome> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |name: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(name))
            .and_then(|number| number.trim().parse().ok())
    };
    Some(Outcome {
        passed: count("passed")?,
        failed: count("failed")?,
        skipped: count("ignored")?,
        reasons: Vec::new(),
    })
}

fn skip_line(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("skipped: ")?.split_once(": ")
}

/// `test some::name ... FAILED`
fn failed_line(line: &str) -> Option<String> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(format!("failed: {name}"))
}

#[cfg(test)]
mod tests {
    use super::read;

    const GREEN: &str = "running 3 tests\ntest a ... ok\n\
        test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.00s\n";

    #[test]
    fn results_of_several_programs_add_up() {
        let outcome = read(&GREEN.repeat(2), true);
        assert_eq!((outcome.passed, outcome.failed, outcome.skipped), (6, 0, 0));
        assert!(outcome.reasons.is_empty());
    }

    #[test]
    fn a_skip_is_no_pass_and_is_counted_once() {
        let skips =
            "skipped: wire::ban: not root: see the manual\nskipped: wire::ban: not root: see the manual\n";
        let outcome = read(&format!("{skips}{GREEN}"), true);
        assert_eq!((outcome.passed, outcome.failed, outcome.skipped), (2, 0, 1));
        assert_eq!(outcome.reasons, ["skipped: wire::ban: not root: see the manual"]);
    }

    #[test]
    fn failures_and_ignored_tests_are_named() {
        let text = "test x::y ... FAILED\n\
            test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
        let outcome = read(text, false);
        assert_eq!((outcome.passed, outcome.failed, outcome.skipped), (3, 1, 2));
        assert_eq!(outcome.reasons, ["skipped: 2 marked #[ignore]", "failed: x::y"]);
    }

    #[test]
    fn a_program_that_died_without_a_result_is_a_failure() {
        assert_eq!(read("", false).failed, 1);
        assert_eq!(read(GREEN, false).failed, 1);
    }
}
