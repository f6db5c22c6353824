//! What the handlers note of a request for the page, while it is under way.

use std::sync::{Arc, Mutex, PoisonError};

use crate::signature::Stages;
use crate::tokens::View;

#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Noted>>);

#[derive(Default)]
pub struct Noted {
    pub stages: Option<Stages>,
    pub token: Option<View>,
    /// Of a body that was read by its handler, and not by the front: what there is to say of it.
    pub body: Option<String>,
}

impl Notes {
    pub fn add(&self, note: impl FnOnce(&mut Noted)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn take(&self) -> Noted {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
