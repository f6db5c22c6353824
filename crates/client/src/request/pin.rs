//! An entry of `tls.pin_sha256`: the fingerprint of a certificate, or of the key in it.

use std::fmt::Write;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// What a server must show to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pin {
    /// The SHA-256 of the certificate in DER: exactly this certificate.
    Certificate([u8; 32]),
    /// The SHA-256 of the certificate's SubjectPublicKeyInfo in DER, as HPKP (RFC 7469) and curl have it: any certificate
    /// with this key, so that it survives a renewal that keeps the key.
    Key([u8; 32]),
}

/// Why a text is no pin. Both sentences go on after the entry's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoPin {
    pub(super) cause: String,
    pub(super) detail: String,
}

impl NoPin {
    fn new(cause: impl Into<String>, detail: impl Into<String>) -> NoPin {
        NoPin { cause: cause.into(), detail: detail.into() }
    }
}

/// How curl writes a key's fingerprint; Base64 follows.
const CURLS_PREFIX: &str = "sha256//";
const KEY_PREFIX: &str = "spki:";

/// The longest excerpt of an entry that is looked at: PEM text may come here by mistake.
const LONGEST: usize = 256;

/// curl leaves the padding to the writer.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Pin {
    /// Reads the pins of one text. Like curl, it takes several with `;` between them.
    pub(super) fn parse_all(text: &str) -> impl Iterator<Item = Result<Pin, NoPin>> {
        text.split(';').map(|entry| Pin::parse(entry.trim()))
    }

    fn parse(entry: &str) -> Result<Pin, NoPin> {
        if entry.is_empty() {
            return Err(NoPin::new("不能为空", "must not be empty; leave it out instead"));
        }
        if entry.len() > LONGEST || entry.starts_with("-----BEGIN") {
            return Err(NoPin::new(
                "过长,须为64位十六进制的SHA-256指纹;证书文件请填入tls.ca_file",
                "is too long for a fingerprint: it must be 64 hexadecimal digits; a certificate's PEM file belongs into `tls.ca_file`",
            ));
        }
        if let Some(base64) = entry.get(CURLS_PREFIX.len()..).filter(|_| has_prefix(entry, CURLS_PREFIX)) {
            return key_in_base64(base64).map(Pin::Key);
        }
        if let Some(hex) = entry.get(KEY_PREFIX.len()..).filter(|_| has_prefix(entry, KEY_PREFIX)) {
            return fingerprint(hex.trim()).map(Pin::Key);
        }
        if has_prefix(entry, "sha256/") {
            return Err(NoPin::new(
                "少一个斜杠,应写成sha256//加Base64",
                "must have two slashes: `sha256//` and the Base64 of the key's SHA-256",
            ));
        }
        if key_in_base64(entry).is_ok() {
            return Err(NoPin::new(
                "前面须加sha256//",
                "looks like the Base64 of a key's SHA-256: write `sha256//` before it",
            ));
        }
        fingerprint(entry).map(Pin::Certificate)
    }
}

fn has_prefix(entry: &str, prefix: &str) -> bool {
    entry.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn key_in_base64(base64: &str) -> Result<[u8; 32], NoPin> {
    let wrong = |_| {
        NoPin::new(
            "中sha256//之后须为公钥SHA-256的Base64(44个字符)",
            "must have after `sha256//` the Base64 of a key's SHA-256: 44 characters that stand for 32 bytes",
        )
    };
    let bytes = BASE64.decode(base64).map_err(|_| ()).and_then(|bytes| <[u8; 32]>::try_from(bytes).map_err(|_| ()));
    bytes.map_err(wrong)
}

/// 32 bytes in hex, any case, with or without colons.
fn fingerprint(text: &str) -> Result<[u8; 32], NoPin> {
    let mut digits = Vec::with_capacity(64);
    for (index, c) in text.chars().enumerate() {
        match c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
            Some(digit) => digits.push(digit),
            None if c == ':' => {}
            None => return Err(not_hex(text, index, c)),
        }
    }
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    match <[u8; 32]>::try_from(bytes) {
        Ok(bytes) if digits.len() == 64 => Ok(bytes),
        _ => Err(wrong_length(digits.len())),
    }
}

fn not_hex(text: &str, index: usize, c: char) -> NoPin {
    if text.contains('=') && text.to_ascii_lowercase().contains("fingerprint") {
        return NoPin::new(
            "只填等号之后的部分",
            "must be the fingerprint alone: only what stands after the equals sign",
        );
    }
    let code = u32::from(c);
    let is_seen = c.is_ascii_graphic() || (c.is_alphanumeric() || ('\u{ff01}'..='\u{ff5e}').contains(&c));
    let (mut cause, mut detail) = (String::new(), String::new());
    let place = index + 1;
    let written = if is_seen {
        write!(cause, "第{place}个字符“{c}”(U+{code:04X})不是十六进制数字").and_then(|()| {
            write!(detail, "has `{c}` (U+{code:04X}) as character {place}, which is no hexadecimal digit")
        })
    } else {
        write!(cause, "第{place}个字符是空白或看不见的U+{code:04X},请删去").and_then(|()| {
            write!(detail, "has a blank or an invisible character, U+{code:04X}, as character {place}; take it out")
        })
    };
    written.expect("writing to a String cannot fail");
    detail.push_str(": it must be a SHA-256 fingerprint of 64 hexadecimal digits, with or without colons");
    NoPin { cause, detail }
}

fn wrong_length(digits: usize) -> NoPin {
    let other = match digits {
        32 => "MD5",
        40 => "SHA-1",
        96 => "SHA-384",
        128 => "SHA-512",
        _ => {
            return NoPin::new(
                format!("有{digits}位十六进制数字,SHA-256指纹须为64位"),
                format!("has {digits} hexadecimal digits: a SHA-256 fingerprint has 64"),
            );
        }
    };
    NoPin::new(
        format!("是{other}指纹({digits}位),须为64位十六进制的SHA-256指纹"),
        format!("is a fingerprint of {digits} hexadecimal digits, which is {other}: it must be SHA-256, with 64"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Pin, NoPin> {
        Pin::parse_all(text).next().unwrap()
    }

    #[test]
    fn a_certificate_or_its_key_is_pinned_in_every_usual_spelling() {
        let (hex, colons) = ("aB".repeat(32), ["ab"; 32].join(":"));
        let base64 = BASE64.encode([0xab; 32]);
        for text in [hex.clone(), colons.clone(), format!(" {colons}\n")] {
            assert_eq!(parse(&text), Ok(Pin::Certificate([0xab; 32])), "{text}");
        }
        for text in [
            format!("spki:{hex}"),
            format!("SPKI:{colons}"),
            format!("spki: {hex}"),
            format!("sha256//{base64}"),
            format!("SHA256//{base64}"),
            format!("sha256//{}", base64.trim_end_matches('=')),
        ] {
            assert_eq!(parse(&text), Ok(Pin::Key([0xab; 32])), "{text}");
        }
        let several = format!("sha256//{base64};{hex} ; spki:{hex}");
        let several: Result<Vec<_>, _> = Pin::parse_all(&several).collect();
        let (certificate, key) = (Pin::Certificate([0xab; 32]), Pin::Key([0xab; 32]));
        assert_eq!(several.unwrap(), [key, certificate, key]);
    }

    #[test]
    fn what_is_no_pin_is_told_by_its_fault() {
        let hex = "ab".repeat(32);
        let base64 = BASE64.encode([0xab; 32]);
        for (text, cause, detail) in [
            (String::new(), "不能为空", "must not be empty"),
            ("ab".repeat(20), "SHA-1指纹", "which is SHA-1"),
            ("ab".repeat(16), "MD5指纹", "which is MD5"),
            ("ab".repeat(48), "SHA-384指纹", "which is SHA-384"),
            ("ab".repeat(31), "有62位", "has 62 hexadecimal digits"),
            (format!("{hex}a"), "有65位", "has 65"),
            (format!("\u{200e}{hex}"), "第1个字符是空白或看不见的U+200E", "U+200E, as character 1"),
            (hex.replacen("ab", "ab ", 1), "第3个字符是空白", "U+0020"),
            (hex.replacen("ab", "ab：", 1), "第3个字符“：”(U+FF1A)", "`：` (U+FF1A) as character 3"),
            (hex.replacen("ab", "g", 1), "第1个字符“g”", "`g`"),
            (format!("SHA256 Fingerprint={hex}"), "等号之后", "after the equals sign"),
            (format!("sha256/{base64}"), "少一个斜杠", "two slashes"),
            (base64, "前面须加sha256//", "write `sha256//` before it"),
            ("sha256//".to_owned(), "44个字符", "44 characters"),
            (format!("sha256//{hex}"), "44个字符", "44 characters"),
            ("spki:".to_owned(), "有0位", "has 0"),
            (format!("-----BEGIN CERTIFICATE-----{hex}"), "tls.ca_file", "`tls.ca_file`"),
        ] {
            let fault = parse(&text).expect_err(&text);
            assert!(fault.cause.contains(cause), "{text}: {fault:?}");
            assert!(fault.detail.contains(detail), "{text}: {fault:?}");
        }
    }
}
