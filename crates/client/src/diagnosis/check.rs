//! A check: one thing that was looked at, and what was found.

use std::fmt::Arguments;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::basics::two_languages::two;
use crate::error::Error;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    Warning,
    Fail,
    /// Something else comes first: see `because`.
    Skipped,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Whoever set up this robot.
    You,
    /// Whoever looks after the network.
    Network,
    /// Whoever looks after the control center.
    ControlCenter,
}

/// A sentence in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) zh: String,
    pub(super) en: String,
}

/// Facts by their names.
#[derive(Debug, Default, Clone)]
pub(super) struct Facts(pub(super) Map<String, Value>);

#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) status: Status,
    pub(super) because: Option<Words>,
    pub(super) took: Duration,
    pub(super) facts: Facts,
    pub(super) words: Words,
    /// The setting to change.
    pub(super) setting: Option<String>,
    pub(super) turn: Option<Turn>,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Fail => "fail",
            Status::Skipped => "skipped",
        }
    }
}

impl Turn {
    /// Whose it is where this status comes with something else than the control center's JSON; none if that does not tell.
    pub(super) fn of_status(status: Option<u16>) -> Option<Turn> {
        match status {
            Some(500..) => Some(Turn::ControlCenter),
            Some(401 | 403 | 407 | 429) => Some(Turn::Network),
            _ => None,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Turn::You => "you",
            Turn::Network => "network",
            Turn::ControlCenter => "control_center",
        }
    }
}

impl Words {
    pub(super) fn new(zh: &str, en: &str) -> Words {
        Words { zh: zh.to_owned(), en: en.to_owned() }
    }

    /// With values in it. One call for both is less code than two `format!`, of which the second must clear up the first.
    pub(super) fn told(zh: Arguments<'_>, en: Arguments<'_>) -> Words {
        Words { zh: zh.to_string(), en: en.to_string() }
    }

    /// What the library's own error says.
    pub(super) fn of(error: &Error) -> Words {
        Words::new(&error.cause, &error.detail)
    }

    /// A text of the token's room, English with the Chinese between parentheses at its end, as two.
    pub(super) fn two(text: &str, zh: &str) -> Words {
        let (english, chinese) = two(text);
        Words::new(&[zh, ":", chinese.unwrap_or(english)].concat(), english)
    }

    /// Both texts with more behind them.
    pub(super) fn and(mut self, zh: &str, en: &str) -> Words {
        self.zh.push_str(zh);
        self.en.push_str(en);
        self
    }

    pub(super) fn json(&self) -> Value {
        let mut facts = Facts::default();
        facts.text("zh", &self.zh);
        facts.text("en", &self.en);
        facts.json()
    }
}

impl Facts {
    pub(super) fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.put(name, Value::String(text.to_owned()));
    }

    pub(super) fn number(&mut self, name: &str, number: i64) {
        self.put(name, number.into());
    }

    pub(super) fn flag(&mut self, name: &str, flag: bool) {
        self.put(name, Value::Bool(flag));
    }

    pub(super) fn json(self) -> Value {
        Value::Object(self.0)
    }
}

impl Check {
    pub(super) fn new(name: &'static str, status: Status, words: Words) -> Check {
        Check {
            name,
            status,
            because: None,
            took: Duration::ZERO,
            facts: Facts::default(),
            words,
            setting: None,
            turn: None,
        }
    }

    pub(super) fn ok(name: &'static str, zh: &str, en: &str) -> Check {
        Check::new(name, Status::Ok, Words::new(zh, en))
    }

    pub(super) fn fail(name: &'static str, words: Words, setting: &str, turn: Turn) -> Check {
        Check::new(name, Status::Fail, words).about(setting, turn)
    }

    pub(super) fn warning(name: &'static str, words: Words, setting: &str, turn: Turn) -> Check {
        Check::new(name, Status::Warning, words).about(setting, turn)
    }

    /// Not done: the words say why.
    pub(super) fn skipped(name: &'static str, zh: &str, en: &str) -> Check {
        Check::not_done(name, Words::new(zh, en))
    }

    /// The same.
    pub(super) fn not_done(name: &'static str, because: Words) -> Check {
        let words = Words::told(format_args!("未检查:{}", because.zh), format_args!("not checked: {}", because.en));
        Check { because: Some(because), ..Check::new(name, Status::Skipped, words) }
    }

    fn about(mut self, setting: &str, turn: Turn) -> Check {
        self.setting = Some(setting.to_owned()).filter(|setting| !setting.is_empty());
        self.turn = Some(turn);
        self
    }

    pub(super) fn with(self, facts: Facts, took: Duration) -> Check {
        Check { facts, took, ..self }
    }

    /// What was found is a consequence of something else.
    pub(super) fn follows_from(&mut self, because: Words) {
        self.status = Status::Skipped;
        self.because = Some(because);
        self.setting = None;
        self.turn = None;
    }

    pub(super) fn json(self) -> Value {
        let mut json = Facts::default();
        json.text("name", self.name);
        json.text("status", self.status.word());
        if let Some(because) = &self.because {
            json.put("because", because.json());
        }
        json.number("ms", milliseconds(self.took));
        json.put("facts", self.facts.json());
        json.text("zh", &self.words.zh);
        json.text("en", &self.words.en);
        json.json()
    }
}

pub(super) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
