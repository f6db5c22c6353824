//! What may be changed while the emulator runs: by which rule signatures are checked, and how a refused one looks.

use std::sync::{PoisonError, RwLock};

use serde::Serialize;

use crate::look::Look;
use crate::percent::Accepted;

#[derive(Clone, Debug, Serialize)]
pub struct Rules {
    pub encoding: Accepted,
    pub refuse_signature: Option<Look>,
}

pub struct CurrentRules(RwLock<Rules>);

impl CurrentRules {
    pub fn new(rules: Rules) -> Self {
        Self(RwLock::new(rules))
    }

    pub fn now(&self) -> Rules {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn change(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
