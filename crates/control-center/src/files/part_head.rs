//! The head of one part of a multipart/form-data body (RFC 7578).

use crate::percent;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct PartHead {
    pub name: String,
    /// `None` for a field that is no file.
    pub file_name: Option<String>,
    pub content_type: Option<String>,
}

/// Reads the lines of a head, without the empty one at its end.
pub fn parse(head: &[u8]) -> Result<PartHead, &'static str> {
    let text = std::str::from_utf8(head).map_err(|_| "a part's head is not UTF-8")?;
    let mut read = PartHead::default();
    let mut is_form_data = false;
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or("a line of a part's head has no colon")?;
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                disposition(value.trim(), &mut read)?;
                is_form_data = true;
            }
            "content-type" => read.content_type = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    match is_form_data {
        true => Ok(read),
        false => Err("a part has no Content-Disposition"),
    }
}

fn disposition(value: &str, read: &mut PartHead) -> Result<(), &'static str> {
    let mut rest = value.strip_prefix("form-data").ok_or("a part is not form-data")?.trim_start();
    let (mut name, mut plain, mut extended) = (None, None, None);
    while let Some(parameter) = rest.strip_prefix(';') {
        let (key, value) = parameter.trim_start().split_once('=').ok_or("a parameter of a part has no value")?;
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim_end().to_owned(), &value[end..])
            }
        };
        rest = after.trim_start();
        match key.to_ascii_lowercase().as_str() {
            "name" => name = Some(value),
            "filename" => plain = Some(value),
            "filename*" => {
                let encoded = value.strip_prefix("UTF-8''").ok_or("filename* is not UTF-8''...")?;
                extended = Some(percent::decoded(encoded).ok_or("filename* is not percent-encoded UTF-8")?);
            }
            _ => return Err("a part has a parameter beside name, filename and filename*"),
        }
    }
    if !rest.is_empty() {
        return Err("a part's Content-Disposition goes on after its end");
    }
    read.name = name.ok_or("a part has no name")?;
    // RFC 6266: who knows filename* prefers it.
    read.file_name = extended.or(plain);
    Ok(())
}

/// A quoted text, as browsers write it (`%22`, `%0D`, `%0A`) and as curl does (`\"`); and what follows it.
fn unquoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => {
                let value = value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n");
                return Ok((value, &text[at + 1..]));
            }
            '\\' if characters.peek().is_some_and(|(_, next)| *next == '"') => {
                value.push('"');
                characters.next();
            }
            _ => value.push(c),
        }
    }
    Err("a quoted text of a part's head has no end")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(head: &str) -> (String, Option<String>) {
        let read = parse(head.as_bytes()).unwrap();
        (read.name, read.file_name)
    }

    #[test]
    fn names_of_each_form() {
        let head = "Content-Disposition: form-data; name=\"f\"; filename=\"月结 1.xlsx\"\r\nContent-Type: text/plain";
        let read = parse(head.as_bytes()).unwrap();
        assert_eq!((read.name.as_str(), read.file_name.as_deref()), ("f", Some("月结 1.xlsx")));
        assert_eq!(read.content_type.as_deref(), Some("text/plain"));
        let both = "content-disposition: form-data; name=f; filename=\"x\"; filename*=UTF-8''%E6%9C%88%20%22";
        assert_eq!(file(both), ("f".to_owned(), Some("月 \"".to_owned())));
        let quotes = "Content-Disposition: form-data; name=\"a%22b\"; filename=\"c\\\"d;e\"";
        assert_eq!(file(quotes), ("a\"b".to_owned(), Some("c\"d;e".to_owned())));
        assert_eq!(file("Content-Disposition: form-data; name=\"f\""), ("f".to_owned(), None));
    }

    #[test]
    fn broken_heads_are_refused() {
        for head in [
            "Content-Type: a/b",
            "Content-Disposition: attachment; name=\"f\"",
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; name=\"f",
            "Content-Disposition: form-data; name=\"f\" x",
            "Content-Disposition: form-data; name=\"f\"; size=1",
            "Content-Disposition: form-data; name=\"f\"; filename*=GBK''%D4",
            "no colon",
        ] {
            assert!(parse(head.as_bytes()).is_err(), "{head}");
        }
        assert!(parse(b"Content-Disposition: form-data; name=\"\xd4\xc2\"").is_err());
    }
}
