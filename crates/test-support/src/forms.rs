//! The forms in which a secret may stand in something.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The forms in which a text may be written by who quotes it.
pub fn forms(secret: &str) -> Vec<String> {
    let escaped = |plain: &dyn Fn(u8) -> bool| -> String {
        let escape = |&byte: &u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        secret.as_bytes().iter().map(escape).collect()
    };
    let of_each = |write: &dyn Fn(char) -> String| secret.chars().map(write).collect::<String>();
    let units = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bytes =
        |write: &dyn Fn(u8) -> String, between: &str| secret.bytes().map(write).collect::<Vec<_>>().join(between);
    let mut forms = vec![
        secret.to_owned(),
        escaped(&|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)),
        escaped(&|byte| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte)),
        escaped(&|byte| byte.is_ascii_alphanumeric()),
        escaped(&|byte| byte.is_ascii_graphic() && !b"%\"<>&".contains(&byte)),
        escaped(&|_| false),
        escaped(&|_| false).replace('%', "%25"),
        of_each(&|c| if c.is_ascii() && c != '"' { c.to_string() } else { units(c) }),
        of_each(&units),
        of_each(&|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("&#{};", u32::from(c)) }),
        of_each(&|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("&#x{:X};", u32::from(c)) }),
        of_each(&|c| format!("&#{}", u32::from(c))),
        of_each(&|c| format!("&#x{:x};", u32::from(c))),
        secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
        hex.to_uppercase(),
        hex,
        bytes(&|byte| byte.to_string(), " "),
        bytes(&|byte| byte.to_string(), ","),
        bytes(&|byte| format!("{byte:02x}"), " "),
        bytes(&|byte| format!("0x{byte:02x}"), " "),
        bytes(&|byte| format!("\\{byte:03o}"), ""),
    ];
    forms.extend(forms.clone().iter().map(|form| form.to_lowercase()));
    // Base64 depends on what stands before: three ways, less the characters that share bits with the neighbours.
    for before in 0..3 {
        let encoded = BASE64_STANDARD.encode([vec![0; before], secret.as_bytes().to_vec()].concat());
        let (from, to) = ([0, 2, 3][before], encoded.trim_end_matches('=').len() - 1);
        forms.push(encoded[from..to].to_owned());
        forms.push(encoded[from..to].replace('+', "-").replace('/', "_"));
    }
    // Whatever is done to the rest, such a run gives it away.
    forms.extend(secret.split(|c: char| !c.is_ascii_alphanumeric()).filter(|run| run.len() >= 8).map(str::to_owned));
    forms
}
