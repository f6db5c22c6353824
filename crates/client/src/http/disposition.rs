//! The name of a file in `Content-Disposition` (RFC 6266), as servers write it.

use percent_encoding::percent_decode_str;

/// The last part of the name, without control characters. `filename*` counts more than `filename`.
pub(super) fn file_name(value: &[u8]) -> Option<String> {
    let value = String::from_utf8(value.to_vec()).unwrap_or_else(|_| rpa_charsets::gb18030(value).text);
    let name = extended(&value).or_else(|| plain(&value))?;
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).collect();
    (!name.is_empty()).then_some(name)
}

/// `filename*=UTF-8''%E6%8A%A5.xlsx` (RFC 8187).
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = parameter(value, "filename*")?.split_once('\'')?;
    let (_, name) = rest.split_once('\'')?;
    let is_utf8 = charset.eq_ignore_ascii_case("utf-8");
    percent_decode_str(name).decode_utf8().ok().filter(|_| is_utf8).map(Into::into)
}

/// `filename="..."`; many servers write UTF-8 there, as it is or percent-encoded.
fn plain(value: &str) -> Option<String> {
    let name = parameter(value, "filename")?;
    let name = match name.strip_prefix('"') {
        Some(rest) => rest.split('"').next().unwrap_or_default(),
        None => name,
    };
    Some(percent_decode_str(name).decode_utf8().map_or_else(|_| name.to_owned(), Into::into))
}

/// The text of a parameter up to the semicolon after it, quotes included.
fn parameter<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    let mut rest = value;
    loop {
        let mut is_quoted = false;
        let end = rest.find(|c: char| {
            is_quoted ^= c == '"';
            c == ';' && !is_quoted
        });
        let part = end.map_or(rest, |end| &rest[..end]).trim();
        if let Some((this, text)) = part.split_once('=')
            && this.trim().eq_ignore_ascii_case(name)
        {
            return Some(text.trim());
        }
        rest = &rest[end?.saturating_add(1)..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_servers_write_them() {
        for (value, name) in [
            ("attachment; filename=\"a;b.xlsx\"", Some("a;b.xlsx")),
            ("attachment;filename=a.csv", Some("a.csv")),
            ("attachment; filename=\"x\"; filename*=UTF-8''%E6%8A%A5%E8%A1%A8.xlsx", Some("报表.xlsx")),
            ("attachment; filename=\"%E6%8A%A5.xlsx\"", Some("报.xlsx")),
            ("attachment; filename=\"报.xlsx\"", Some("报.xlsx")),
            ("attachment; filename=\"..\\\\../etc/pass\\u0007wd\"", Some("u0007wd")),
            ("attachment; filename*=GBK''%B1%A8; filename=r.txt", Some("r.txt")),
            ("attachment", None),
            ("inline; filename=\"\"", None),
        ] {
            assert_eq!(file_name(value.as_bytes()).as_deref(), name, "{value}");
        }
        assert_eq!(file_name(b"attachment; filename=\"\xb1\xa8.xlsx\"").as_deref(), Some("报.xlsx"));
    }
}
