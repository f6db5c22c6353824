//! The field `generation`, and which fields belong to which generation of the control center.

use super::fields::Fields;
use super::unseen;
use crate::error::Error;
use rpa_signing::scheme::{ALL, Pass, Scheme};

/// Fields that some generations alone have, and what to do where another one has them: in Chinese and in English.
struct Belonging {
    fields: &'static [&'static str],
    to: &'static [Pass],
    remedies: &'static [(Pass, &'static str, &'static str)],
}

const TAKE_OUT: (&str, &str) = ("请删去", "take it out");

static BELONGINGS: [Belonging; 5] = [
    Belonging {
        fields: &[
            "accesstoken",
            "accesskey",
            "secretkey",
            "token_store",
            "token_ttl_ms",
            "token_refused",
            "correct_clock",
        ],
        to: &[Pass::Token],
        remedies: &[
            (Pass::AppKey, "它没有token,请改用appkey", "it has no token: give `appkey` instead"),
            (Pass::Nothing, "它没有密钥,请删去", "it has no keys: take it out"),
        ],
    },
    Belonging {
        fields: &["appkey"],
        to: &[Pass::AppKey],
        remedies: &[(
            Pass::Token,
            "请改用accesstoken,或accesskey和secretkey;若控制中心是10.3版,请加上\"generation\":\"10.3\"",
            "give `accesstoken`, or `accesskey` and `secretkey`; for a control center of 10.3 add \"generation\":\"10.3\"",
        )],
    },
    Belonging {
        fields: &["action", "token"],
        to: &[Pass::Nothing],
        remedies: &[
            (
                Pass::Token,
                "请改用rest_type和accesstoken;若控制中心是9版,请加上\"generation\":\"9\"",
                "give `rest_type` and `accesstoken`; for a control center of 9 add \"generation\":\"9\"",
            ),
            (
                Pass::AppKey,
                "请改用rest_type和appkey;若控制中心是9版,请写\"generation\":\"9\"",
                "give `rest_type` and `appkey`; for a control center of 9 write \"generation\":\"9\"",
            ),
        ],
    },
    Belonging {
        fields: &["rest_type"],
        to: &[Pass::Token, Pass::AppKey],
        remedies: &[(
            Pass::Nothing,
            "它只有一个地址,请改用action,如get-process",
            "it has one address for all: give `action` instead, such as get-process",
        )],
    },
    Belonging { fields: &["query"], to: &[Pass::Token], remedies: &[] },
];

/// The generation that a request names, else the usual one.
pub(super) fn read(fields: &Fields<'_>) -> Result<&'static dyn Scheme, Error> {
    let [usual, later, ..] = ALL;
    let Some(raw) = fields.raw("generation") else { return Ok(usual) };
    // Who writes 10.3 as a number means the same.
    let is_number = raw.get().starts_with(|c: char| c.is_ascii_digit());
    let word = if is_number { raw.get().to_owned() } else { fields.text("generation")?.unwrap_or_default() };
    // Of 2021.1 the vendor's page says the same as of 2020.5.
    let found = ALL.into_iter().find(|scheme| scheme.name() == word).or((word == "2021.1").then_some(later));
    if let (None, Err(stray)) = (found, fields.without_stray("generation", &word, unseen::in_word)) {
        return Err(stray);
    }
    found.ok_or_else(|| {
        fields.refuse(
            "generation",
            "只能为\"2020.4\"、\"2020.5\"(2021.1也用它)、\"10.3\"、\"9\"",
            "must be one of \"2020.4\", \"2020.5\" (for 2021.1, too), \"10.3\", \"9\"",
        )
    })
}

/// Whether a field belongs to other generations alone, or may say more there.
pub(crate) fn is_foreign(field: &str, scheme: &dyn Scheme) -> bool {
    let is_fixed = field == "mode" && scheme.path().is_some();
    let is_other = |belonging: &Belonging| belonging.fields.contains(&field) && !belonging.to.contains(&scheme.pass());
    is_fixed || BELONGINGS.iter().any(is_other)
}

/// Refuses a field that the generation does not have, and says what to give.
pub(super) fn refuse_foreign(fields: &Fields<'_>, scheme: &'static dyn Scheme) -> Result<(), Error> {
    let (pass, name) = (scheme.pass(), scheme.name());
    for belonging in BELONGINGS.iter().filter(|belonging| !belonging.to.contains(&pass)) {
        let Some(field) = belonging.fields.iter().find(|field| fields.has(field)) else { continue };
        let remedy = belonging.remedies.iter().find(|(other, ..)| *other == pass);
        let (cause, detail) = remedy.map_or(TAKE_OUT, |(_, cause, detail)| (*cause, *detail));
        return Err(fields.refuse(
            field,
            &format!("不用于generation {name}:{cause}"),
            &format!("is no field of generation {name}: {detail}"),
        ));
    }
    Ok(())
}

/// The generation of a token function: one that has tokens.
pub(super) fn with_tokens(fields: &Fields<'_>) -> Result<(), Error> {
    let scheme = read(fields)?;
    let (cause, detail) = match scheme.pass() {
        Pass::Token => return Ok(()),
        Pass::AppKey => ("请在rpa_call中直接给appkey", "give `appkey` to rpa_call"),
        Pass::Nothing => ("rpa_call不需要密钥", "rpa_call needs no key"),
    };
    let name = scheme.name();
    Err(fields.refuse("generation", &format!("为{name}时没有token:{cause}"), &format!("{name} has no token: {detail}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_named_by_text_or_number() {
        let read = |value: &str| {
            let text = format!("{{\"generation\":{value}}}");
            super::read(&Fields::of_request(&text).unwrap()).map(Scheme::name)
        };
        for (value, name) in [
            ("\"2020.4\"", "2020.4"),
            ("\"2020.5\"", "2020.5"),
            ("\"2021.1\"", "2020.5"),
            ("\"10.3\"", "10.3"),
            ("10.3", "10.3"),
            ("9", "9"),
        ] {
            assert_eq!(read(value).unwrap(), name);
        }
        for value in ["\"8\"", "\"\"", "null", "[9]", "\"９\"", "\"10.3 \""] {
            assert_eq!(read(value).unwrap_err().field.as_deref(), Some("generation"), "{value}");
        }
    }
}
