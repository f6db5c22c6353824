//! How a server or a proxy quotes what it was sent.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// How a server's or a proxy's page may quote the request: the page of this number, if there are so many.
pub fn quoted(seen: &str, number: usize) -> Option<String> {
    const STEP: usize = 23;
    const WAYS: usize = 21;
    let html = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let decoded = percent_encoding::percent_decode_str(seen).decode_utf8_lossy();
    let text = if number.is_multiple_of(2) { seen } else { &*decoded };
    let (way, cut) = (number / 2 % WAYS, number / 2 / WAYS * STEP);
    // Cut at every place, also where the library cuts its excerpt.
    let from = (cut.min(text.len())..=text.len()).find(|&at| text.is_char_boundary(at))?;
    let (before, after) = text.split_at(from);
    let page = match way {
        0 => after.to_owned(),
        1 => html(after),
        2 => after.lines().map(|line| format!("<tr><td>{}</td></tr>", html(line))).collect(),
        3 => format!("error: {}", serde_json::to_string(after).unwrap()),
        4 => format!("{}{after}", ".".repeat(cut % 200)),
        5 => format!("<pre>{}...", html(before)),
        6 => after.chars().map(|c| format!("<i>{c}")).collect(),
        7 => after.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        8 => after.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        9 => format!("{} {}", ".".repeat(cut % 200), BASE64_STANDARD.encode(after)),
        10 => in_lines(&BASE64_STANDARD.encode(after), 19, "\r\n"),
        11 => in_lines(&BASE64_STANDARD.encode(after).replace('+', "-").replace('/', "_"), 7, " "),
        12 => after.bytes().map(|byte| format!("%25{byte:02X}")).collect(),
        13 => after.chars().map(|c| format!("&#{}", u32::from(c))).collect(),
        14 => after.bytes().map(|byte| format!("{byte:02x}")).collect(),
        15 => in_lines(after, 5, "<!-- a > b -->"),
        16 => after.bytes().map(|byte| format!("{byte} ")).collect(),
        17 => format!("{:?}", after.as_bytes()),
        18 => after.bytes().map(|byte| format!("0x{byte:02x} ")).collect(),
        19 => after.bytes().map(|byte| format!("\\{byte:03o}")).collect(),
        _ => format!("<title>404</title>{}", in_lines(after, 7, "<br class='x'>")),
    };
    // No page is JSON by chance.
    (cut < text.len()).then(|| format!(".{page}"))
}

fn in_lines(text: &str, length: usize, end: &str) -> String {
    let chars: Vec<_> = text.chars().collect();
    chars.chunks(length).map(|line| line.iter().collect::<String>() + end).collect()
}
