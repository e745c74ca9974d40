//! What other modules could not do, as an operator is told of it.

use crate::api::{Failure, FailureKind};
use crate::config::ConfigError;
use crate::feeds::GeoError;
use crate::kernel::KernelError;
use crate::policy::CompileError;
use crate::store::StoreError;

impl From<KernelError> for Failure {
    fn from(error: KernelError) -> Self {
        Self::new(FailureKind::from_exit_code(error.exit_code()), error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::failed(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::invalid(error)
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        Self::invalid(error)
    }
}

impl From<GeoError> for Failure {
    fn from(error: GeoError) -> Self {
        Self::invalid(error)
    }
}
