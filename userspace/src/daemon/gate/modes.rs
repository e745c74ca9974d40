use super::replace::Change;
use super::{Gate, lockout};
use crate::api::Failure;
use crate::api::types::{ModeAnswer, ModeRequest};
use crate::config::Name;
use crate::daemon::Caller;

impl Gate {
    /// Moves one rule between dropping and only counting, whatever was written where it stands.
    ///
    /// # Errors
    /// When there is no such rule, the operator would lock himself out, or the kernel or the disk refuses.
    pub fn set_mode(
        &self,
        name: &Name,
        request: ModeRequest,
        caller: &Caller,
    ) -> Result<ModeAnswer, Failure> {
        let only = self.policy_change()?;
        let live = self.live();
        let rules = live.inputs.written_modes();
        let written = *rules.get(name.as_str()).ok_or_else(|| {
            let names: Vec<&str> = rules.keys().map(String::as_str).collect();
            Failure::not_found(format!("there is no rule {name}; there are: {}", names.join(", ")))
        })?;
        let before = live.inputs.mode(name.as_str(), written);
        let mut answer = ModeAnswer {
            name: name.clone(),
            mode: request.mode,
            before,
            generation: live.settings.generation,
        };
        if before == request.mode {
            return Ok(answer);
        }
        let after = live.inputs.with_mode(name, request.mode, written);
        let seen = after.clone();
        let approve = |image: &_| lockout::check_image(&live.inputs, &seen, image, caller, request.force);
        let change = Change::new(caller, request.mode.as_str(), name.to_string())
            .between(before.as_str(), request.mode.as_str());
        answer.generation = self.replace(&only, after, approve, &change)?.generation;
        tracing::info!(rule = %name, mode = %request.mode, "mode changed by an operator");
        Ok(answer)
    }
}
