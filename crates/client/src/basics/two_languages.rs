//! Texts for two readers: English for whoever searches for it, and behind it, between parentheses, Chinese.

/// Both parts, without the parentheses: English, Chinese. A text without Chinese at its end has none.
pub(crate) fn two(text: &str) -> (&str, Option<&str>) {
    let Some(inner) = text.strip_suffix(')') else { return (text, None) };
    let mut depth = 1u32;
    for (place, byte) in inner.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (english, chinese) = (&inner[..place], &inner[place + 1..]);
            return match has_chinese(chinese) {
                true => (english.trim_end(), Some(chinese)),
                false => (text, None),
            };
        }
    }
    (text, None)
}

/// Whether a text holds a Chinese character.
pub(crate) fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_apart_at_its_last_parentheses() {
        for (text, english, chinese) in [
            ("it is full (磁盘已满)", "it is full", Some("磁盘已满")),
            ("timed out (os error 110) (请检查)", "timed out (os error 110)", Some("请检查")),
            ("no Redis (请改为Redis的端口(一般是6379))", "no Redis", Some("请改为Redis的端口(一般是6379)")),
            ("denied (os error 13)", "denied (os error 13)", None),
            ("a (中) b", "a (中) b", None),
            ("中)", "中)", None),
            ("", "", None),
        ] {
            assert_eq!(two(text), (english, chinese), "{text}");
        }
    }
}
