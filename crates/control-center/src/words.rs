//! A sentence for people, in both languages.

use std::borrow::Cow;

use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    pub en: Cow<'static, str>,
    pub zh: Cow<'static, str>,
}

pub const fn words(en: &'static str, zh: &'static str) -> Words {
    Words { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
}

impl Words {
    pub fn new(en: String, zh: String) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }
}
