//! The page that a proxy shows in place of a tunnel: its title tells most of what there is to know.

use std::io::Read;

use rpa_charsets::gb18030;

use super::answer::Answer;

/// A title stands at the beginning of its page.
const ENOUGH: usize = 8 * 1024;

/// Whether content of some length follows the head.
pub(crate) fn is_announced(answer: &Answer) -> bool {
    let length = answer.header("content-length").and_then(|length| length.parse::<u64>().ok());
    length.is_some_and(|length| length > 0) || answer.header("transfer-encoding").is_some()
}

/// The title of the HTML page that follows the answer. Nothing is lost where it cannot be read: the status is known.
pub(crate) fn title(stream: &mut impl Read, answer: &Answer) -> Option<String> {
    let is_html = answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    if !is_html || answer.header("content-length").as_deref() == Some("0") {
        return None;
    }
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    title_in(&beginning(stream, length.unwrap_or(ENOUGH).min(ENOUGH)))
}

/// At most so much of the page, and no more than it takes to see its title: a proxy that keeps the connection open would
/// let us wait for the rest.
fn beginning(stream: &mut impl Read, limit: usize) -> Vec<u8> {
    let mut page = Vec::new();
    let mut piece = [0; 512];
    while page.len() < limit && !has(&page, b"</title>") && !has(&page, b"<body") && !has(&page, b"</html>") {
        let room = piece.len().min(limit - page.len());
        match stream.read(&mut piece[..room]) {
            Ok(amount @ 1..) => page.extend_from_slice(&piece[..amount]),
            _ => break,
        }
    }
    page
}

fn has(page: &[u8], tag: &[u8]) -> bool {
    page.windows(tag.len()).any(|window| window.eq_ignore_ascii_case(tag))
}

/// The words between `<title>` and `</title>`, in whichever of the two usual charsets they are.
pub(crate) fn title_in(page: &[u8]) -> Option<String> {
    let lower = page[..page.len().min(ENOUGH)].to_ascii_lowercase();
    let tag = position(&lower, b"<title")?;
    let start = tag + position(&lower[tag..], b">")? + 1;
    let end = start + position(&lower[start..], b"<")?;
    let title = &page[start..end];
    let text = std::str::from_utf8(title).map_or_else(|_| gb18030(title).text, str::to_owned);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then_some(words)
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_of_pages_in_utf8_and_gbk() {
        // 上网认证
        let gbk = b"<HTML><TITLE lang=zh>\xc9\xcf\xcd\xf8\xc8\xcf\xd6\xa4</TITLE>";
        for (page, expected) in [
            ("<html><head><title>上网 认证\n</title>".as_bytes(), Some("上网 认证")),
            (&gbk[..], Some("上网认证")),
            (b"<title></title>", None),
            (b"<title>cut", None),
            (b"plain text", None),
            (b"", None),
        ] {
            assert_eq!(title_in(page).as_deref(), expected);
        }
    }

    #[test]
    fn no_more_is_read_than_was_announced_or_than_the_title_takes() {
        let page = ["<title>a</title>", &"x".repeat(5000)].concat();
        let mut stream = page.as_bytes();
        let html = ("content-type", "text/html");
        assert_eq!(title(&mut stream, &Answer::of_test(403, &[html])).as_deref(), Some("a"));
        assert!(stream.len() > 4000, "{}", stream.len());
        let mut stream = page.as_bytes();
        assert_eq!(title(&mut stream, &Answer::of_test(403, &[html, ("content-length", "7")])), None);
        assert_eq!(stream.len(), page.len() - 7);
        assert_eq!(title(&mut stream, &Answer::of_test(403, &[html, ("content-length", "0")])), None);
        assert_eq!(title(&mut stream, &Answer::of_test(403, &[("content-length", "90")])), None);
        assert_eq!(stream.len(), page.len() - 7);
    }
}
