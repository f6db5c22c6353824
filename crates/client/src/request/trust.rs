//! The field `tls`: which server certificates are accepted.

use std::path::PathBuf;

use serde_json::value::RawValue;

use super::fields::Fields;
use super::pin::Pin;
use crate::error::Error;

/// Which certificate of the control center is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// One that the system's store, or the PEM file beside it, vouches for.
    System { ca_file: Option<PathBuf> },
    /// One that fits any of these pins; what else the certificate says does not count.
    Pinned(Vec<Pin>),
    /// Any.
    Anything,
}

/// The field `tls`.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) trust: Trust,
    /// Given beside a pin, or where nothing is verified, it counts for Redis alone.
    pub(super) ca_file: Option<PathBuf>,
}

/// They are compared with each other for each call.
const MOST_PINS: usize = 100;

impl Tls {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Tls, Error> {
        let Some(tls) = fields.object("tls", "tls.")? else {
            return Ok(Tls { trust: Trust::System { ca_file: None }, ca_file: None });
        };
        tls.only(&[&["verify", "ca_file", "pin_sha256"]])?;
        let verify = tls.flag("verify")?.unwrap_or(true);
        let ca_file = tls.text("ca_file")?;
        if let Some(path) = &ca_file {
            tls.check_file_path("ca_file", path)?;
        }
        let ca_file = ca_file.map(PathBuf::from);
        // A pin is stricter than either of the others: where it is given, it alone decides.
        let trust = match (pins(&tls)?, verify) {
            (Some(pins), _) => Trust::Pinned(pins),
            (None, true) => Trust::System { ca_file: ca_file.clone() },
            (None, false) => Trust::Anything,
        };
        Ok(Tls { trust, ca_file })
    }
}

/// `pin_sha256`, a text or a list of texts.
fn pins(tls: &Fields<'_>) -> Result<Option<Vec<Pin>>, Error> {
    let Some(raw) = tls.raw("pin_sha256") else { return Ok(None) };
    let wrong_type = |raw| tls.wrong_type("pin_sha256", "text or an array of texts", "文本或文本的数组", raw);
    let texts: Vec<&RawValue> = match serde_json::from_str(raw.get()) {
        Ok(list) => list,
        Err(_) => vec![raw],
    };
    let mut pins = Vec::new();
    for raw in texts {
        let text: String = serde_json::from_str(raw.get()).map_err(|_| wrong_type(raw))?;
        pins.extend(Pin::parse_all(&text));
    }
    if pins.is_empty() {
        return Err(tls.refuse("pin_sha256", "不能为空数组", "must not be an empty array; leave it out instead"));
    }
    if pins.len() > MOST_PINS {
        return Err(tls.refuse("pin_sha256", "过多", "must not hold more than 100 fingerprints"));
    }
    let count = pins.len();
    let numbered = pins.into_iter().enumerate().map(|(index, pin)| {
        pin.map_err(|fault| match count {
            1 => tls.refuse("pin_sha256", &fault.cause, &fault.detail),
            _ => {
                let number = index + 1;
                let cause = format!("的第{number}项(共{count}项){}", fault.cause);
                tls.refuse("pin_sha256", &cause, &format!("entry {number} of {count} {}", fault.detail))
            }
        })
    });
    numbered.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tls: &str) -> Result<Tls, Error> {
        Tls::read(&Fields::of_request(&format!("{{\"tls\":{tls}}}")).unwrap())
    }

    #[test]
    fn trust_settings() {
        let hex = "AB".repeat(32);
        let colons = ["ab"; 32].join(":");
        let pinned = Trust::Pinned(vec![Pin::Certificate([0xab; 32])]);
        let trust = |tls: &str| read(tls).map(|tls| tls.trust);
        assert_eq!(trust(&format!("{{\"pin_sha256\":\"{hex}\"}}")).unwrap(), pinned);
        assert_eq!(trust(&format!("{{\"pin_sha256\":\"{colons}\",\"verify\":false}}")).unwrap(), pinned);
        assert_eq!(trust(r#"{"verify":false}"#).unwrap(), Trust::Anything);
        for (tls, field) in [
            ("null", "tls"),
            (r#"{"verify":"no"}"#, "tls.verify"),
            (r#"{"pin_sha256":"abc"}"#, "tls.pin_sha256"),
            (r#"{"pin_sha256":""}"#, "tls.pin_sha256"),
            (r#"{"pin_sha256":null}"#, "tls.pin_sha256"),
            (r#"{"pin_sha256":[]}"#, "tls.pin_sha256"),
            (r#"{"pin_sha256":[1]}"#, "tls.pin_sha256"),
            (r#"{"ca_file":""}"#, "tls.ca_file"),
            (r#"{"cafile":"x"}"#, "tls.cafile"),
            (&format!("{{\"pin_sha256\":\"{hex}ab\"}}"), "tls.pin_sha256"),
            (&format!("{{\"pin_sha256\":\"{}{hex}\"}}", format!("{hex};").repeat(100)), "tls.pin_sha256"),
        ] {
            assert_eq!(trust(tls).unwrap_err().field.as_deref(), Some(field), "{tls}");
        }
    }

    #[test]
    fn several_pins_are_given_as_a_list_or_with_semicolons() {
        let (one, two) = ("ab".repeat(32), "cd".repeat(32));
        let both = Trust::Pinned(vec![Pin::Certificate([0xab; 32]), Pin::Key([0xcd; 32])]);
        for value in [format!("[\"{one}\",\"spki:{two}\"]"), format!("\"{one};spki:{two}\"")] {
            assert_eq!(read(&format!("{{\"pin_sha256\":{value}}}")).unwrap().trust, both, "{value}");
        }
    }

    #[test]
    fn a_bad_pin_is_told_with_its_place() {
        let good = "ab".repeat(32);
        let error = read(&format!("{{\"pin_sha256\":[\"{good}\",\"{good};{}\"]}}", "ab".repeat(20))).unwrap_err();
        assert_eq!(error.cause, "字段tls.pin_sha256的第3项(共3项)是SHA-1指纹(40位),须为64位十六进制的SHA-256指纹");
        assert!(error.detail.starts_with("`tls.pin_sha256` entry 3 of 3 is a fingerprint of 40"), "{}", error.detail);
        let alone = read(r#"{"pin_sha256":"abc"}"#).unwrap_err();
        assert!(alone.detail.starts_with("`tls.pin_sha256` has 3 hexadecimal digits"), "{}", alone.detail);
    }

    #[test]
    fn a_ca_file_stays_for_redis_beside_a_pin_or_without_verification() {
        let pin = "ab".repeat(32);
        for tls in [
            format!("{{\"pin_sha256\":\"{pin}\",\"ca_file\":\"a.pem\"}}"),
            r#"{"verify":false,"ca_file":"a.pem"}"#.to_owned(),
        ] {
            assert_eq!(read(&tls).unwrap().ca_file, Some(PathBuf::from("a.pem")), "{tls}");
        }
    }
}
