//! The country rule in the policy's words and in those of the API.

use crate::api::Failure;
use crate::api::types::{GeoRule, GeoRuleRequest, RuleWord};
use crate::config::{CountryRule, CountrySelection, DefaultAction};

impl From<&CountryRule> for GeoRule {
    fn from(rule: &CountryRule) -> Self {
        let (word, countries) = match &rule.rule {
            CountrySelection::Off => (RuleWord::Off, std::collections::BTreeSet::new()),
            CountrySelection::Deny(countries) => (RuleWord::Deny, countries.clone()),
            CountrySelection::AllowOnly(countries) => (RuleWord::AllowOnly, countries.clone()),
        };
        Self { rule: word, countries, unknown: rule.unknown, scope: rule.scope, mode: rule.mode }
    }
}

impl GeoRule {
    /// The rule as the policy knows it.
    pub(super) fn in_policy(&self) -> CountryRule {
        let rule = match self.rule {
            RuleWord::Off => CountrySelection::Off,
            RuleWord::Deny => CountrySelection::Deny(self.countries.clone()),
            RuleWord::AllowOnly => CountrySelection::AllowOnly(self.countries.clone()),
        };
        CountryRule { rule, unknown: self.unknown, scope: self.scope, mode: self.mode }
    }

    /// The rule that a request asks for.
    pub(super) fn requested(request: &GeoRuleRequest, file: &CountryRule) -> Result<Self, Failure> {
        if request.rule != RuleWord::Off && request.countries.is_empty() {
            return Err(Failure::usage(format!(
                "`{}` needs at least one country, such as DE; `off` ends the rule",
                request.rule.as_str()
            )));
        }
        Ok(Self {
            rule: request.rule,
            countries: request.countries.clone(),
            unknown: request.unknown.unwrap_or(file.unknown),
            scope: request.scope.unwrap_or(file.scope),
            mode: request.mode.unwrap_or(file.mode),
        })
    }

    /// The rule in a few words.
    pub(super) fn summary(&self) -> String {
        if self.rule == RuleWord::Off {
            return "off".to_owned();
        }
        let countries: Vec<_> = self.countries.iter().map(ToString::to_string).collect();
        let unknown = match self.unknown {
            DefaultAction::Pass => "unknown passes",
            DefaultAction::Drop => "unknown drops",
        };
        format!("{} {} ({unknown}, {}, {})", self.rule.as_str(), countries.join(" "), self.scope, self.mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;

    fn request(rule: RuleWord, countries: &[&str]) -> GeoRuleRequest {
        GeoRuleRequest {
            rule,
            countries: countries.iter().map(|code| code.parse().unwrap()).collect(),
            unknown: None,
            scope: None,
            mode: None,
            force: false,
        }
    }

    #[test]
    fn what_a_request_leaves_out_is_as_in_the_file() {
        let file =
            CountryRule { unknown: DefaultAction::Drop, mode: Mode::Monitor, ..CountryRule::default() };
        let rule = GeoRule::requested(&request(RuleWord::Deny, &["KP", "CU"]), &file).unwrap();
        assert_eq!((rule.unknown, rule.mode), (DefaultAction::Drop, Mode::Monitor));
        assert_eq!(rule.summary(), "deny CU KP (unknown drops, initiating, monitor)");
        assert_eq!(GeoRule::from(&rule.in_policy()), rule);
    }

    #[test]
    fn a_rule_without_countries_is_refused() {
        let file = CountryRule::default();
        assert_eq!(
            GeoRule::requested(&request(RuleWord::AllowOnly, &[]), &file).unwrap_err().kind.exit_code(),
            2
        );
        assert_eq!(GeoRule::requested(&request(RuleWord::Off, &[]), &file).unwrap().summary(), "off");
    }
}
