//! Characters that cannot be seen, or that look like others: pasted along with a key, typed by a Chinese keyboard, put in
//! by a text editor. Who looks at the text sees nothing wrong, so the error names the character and its place.

use std::borrow::Cow;

/// A character that cannot belong where it stands.
#[derive(Debug)]
pub(crate) struct Stray {
    character: char,
    /// In characters, the first being 1.
    place: usize,
    end: Option<End>,
    look: Look,
    /// What it is called.
    chinese: &'static str,
    english: &'static str,
}

/// The end of a text that a character stands at.
#[derive(Debug, Clone, Copy)]
enum End {
    Beginning,
    End,
}

/// What a character looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    /// Like nothing: it is one of the control characters, a tab and the ends of lines among them.
    Control,
    /// Like nothing.
    Nothing,
    /// Like a blank.
    Blank,
    /// Like what is meant, which is a character of ASCII.
    Like(Cow<'static, str>),
    /// Like a character that was lost when a text was turned into another charset.
    Lost,
    /// Like itself, but it stands around the text and does not belong to it.
    Quote,
}

/// In a key, a token or an API's path: a control character, one that cannot be seen, one that only looks like a
/// character of ASCII, or a blank at an end. Chinese characters and a blank between others may be meant.
pub(crate) fn in_key(text: &str) -> Option<Stray> {
    first(text, |stray| stray.end.is_some() || stray.character != ' ')
}

/// In what has no blanks, such as a host, a port, a fingerprint or a word: what [`in_key`] finds, and any blank.
pub(crate) fn in_word(text: &str) -> Option<Stray> {
    first(text, |_| true)
}

/// In the path of a file, which may hold nearly anything: a control character, at an end a blank or a character that
/// cannot be seen (Windows puts U+202A before a path that is copied from a file's properties), quotes around all of it
/// (as "Copy as path" puts them), or a full-width colon after the drive.
pub(crate) fn in_file_path(text: &str) -> Option<Stray> {
    first(text, |stray| match stray.look {
        Look::Control | Look::Quote => true,
        Look::Nothing | Look::Blank => stray.end.is_some(),
        Look::Like(_) => stray.place == 2 && stray.character == '：',
        Look::Lost => false,
    })
}

/// In a parameter's text, which may hold anything: what nobody sees, and the server takes for a part of it.
pub(crate) fn in_parameter(text: &str) -> Option<Stray> {
    let joins_an_emoji = |c: char| matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}');
    first(text, |stray| match stray.look {
        Look::Control => stray.end.is_some() || !matches!(stray.character, '\t' | '\n' | '\r'),
        Look::Nothing => !joins_an_emoji(stray.character),
        Look::Blank => stray.end.is_some() || !matches!(stray.character, ' ' | '\u{3000}'),
        Look::Lost => true,
        Look::Like(_) | Look::Quote => false,
    })
}

/// The first character that does not look like itself, and that `counts`.
fn first(text: &str, counts: impl Fn(&Stray) -> bool) -> Option<Stray> {
    if let Some(quote) = quotes_around(text).filter(&counts) {
        return Some(quote);
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let is_seen = |c: char| Stray::of(c, 1).is_none_or(|stray| matches!(stray.look, Look::Like(_) | Look::Lost));
    let begins = text.find(is_seen).unwrap_or(text.len());
    let ends = text.rfind(is_seen).unwrap_or(0);
    text.char_indices().zip(1..).find_map(|((at, character), place)| {
        let end = if at < begins {
            Some(End::Beginning)
        } else if at > ends {
            Some(End::End)
        } else {
            None
        };
        Some(Stray { end, ..Stray::of(character, place)? }).filter(&counts)
    })
}

/// Quotes around all of a text were pasted along with it.
fn quotes_around(text: &str) -> Option<Stray> {
    let character = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let both = text.len() > 1 && text.ends_with(character);
    let end = Some(End::Beginning);
    both.then_some(Stray { character, place: 1, end, look: Look::Quote, chinese: "引号", english: "a quote" })
}

impl Stray {
    /// What is wrong and what to do, in Chinese, as it goes on after the name of the text.
    pub(crate) fn cause(&self) -> String {
        let end = match self.end {
            Some(End::Beginning) => "开头",
            Some(End::End) => "末尾",
            None => "",
        };
        format!("{end}的第{}个字符是{}", self.place, self.cause_alone())
    }

    /// The same without the place.
    pub(super) fn cause_alone(&self) -> String {
        let Stray { character, chinese, .. } = self;
        let code = format!("U+{:04X}", u32::from(*character));
        match &self.look {
            Look::Control | Look::Nothing => format!("看不见的{chinese}({code}),请删去"),
            Look::Blank => format!("{chinese}({code}),请删去"),
            Look::Like(meant) => format!("{chinese}「{character}」({code}),请改成半角「{meant}」"),
            Look::Lost => format!("{chinese}「{character}」({code}),原来的字符已丢失,请重新填写"),
            Look::Quote => format!("{chinese}「{character}」({code}),请删去两端的引号"),
        }
    }

    /// What is wrong and what to do, in English, as it goes on after the name of the text.
    pub(crate) fn detail(&self) -> String {
        let end = match self.end {
            Some(End::Beginning) => ", at the beginning",
            Some(End::End) => ", at the end",
            None => "",
        };
        let (what, remedy) = self.what_and_remedy();
        format!("holds {what} as character {}{end}: {remedy}", self.place)
    }

    /// The character by its name and its code point, and what to do about it.
    pub(super) fn what_and_remedy(&self) -> (String, String) {
        let Stray { character, english, .. } = self;
        let code = format!("U+{:04X}", u32::from(*character));
        match &self.look {
            Look::Control | Look::Nothing => {
                (format!("{english} ({code}), which cannot be seen,"), "take it out".into())
            }
            Look::Blank => (format!("{english} ({code})"), "take it out".into()),
            Look::Like(meant) => (format!("{english} `{character}` ({code})"), format!("write `{meant}`")),
            Look::Lost => (format!("{english} ({code})"), "what stood there was lost; write it anew".into()),
            Look::Quote => (format!("{english} ({code})"), "take out the quotes at both ends".into()),
        }
    }

    /// The character of ASCII that it looks like, if it looks like one.
    pub(super) fn meant(&self) -> Option<&str> {
        match &self.look {
            Look::Like(meant) => Some(meant),
            _ => None,
        }
    }

    /// The character at a place, unless it looks like itself.
    pub(super) fn of(character: char, place: usize) -> Option<Stray> {
        let (look, chinese, english) = look(character)?;
        Some(Stray { character, place, end: None, look, chinese, english })
    }
}

type Named = (Look, &'static str, &'static str);

/// What a character looks like, unless it looks like itself, with its Chinese and its English name.
fn look(c: char) -> Option<Named> {
    use Look::{Blank, Control, Lost, Nothing};
    Some(match c {
        '!'..='~' => return None,
        ' ' => (Blank, "空格", "a blank"),
        '\t' => (Control, "制表符(Tab)", "a tab"),
        '\n' => (Control, "换行符", "a line feed"),
        '\r' => (Control, "回车符", "a carriage return"),
        c if c.is_control() => (Control, "控制字符", "a control character"),
        '\u{a0}' => (Blank, "不换行空格(NBSP)", "a no-break space"),
        '\u{3000}' => (Blank, "全角空格", "a full-width blank"),
        '\u{2028}' | '\u{2029}' => (Control, "换行符", "a line separator"),
        c if c.is_whitespace() => (Blank, "特殊宽度的空格", "a blank of an odd width"),
        '\u{ad}' => (Nothing, "软连字符", "a soft hyphen"),
        '\u{feff}' => (Nothing, "字节顺序标记(BOM)", "a byte-order mark"),
        '\u{200b}' => (Nothing, "零宽空格", "a zero-width space"),
        '\u{200c}' => (Nothing, "零宽不连字符", "a zero-width non-joiner"),
        '\u{200d}' => (Nothing, "零宽连字符", "a zero-width joiner"),
        '\u{2060}' => (Nothing, "零宽词连接符", "a word joiner"),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            (Nothing, "文字方向控制符", "a mark of the direction of writing")
        }
        '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{180b}'..='\u{180f}'
        | '\u{2061}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffc}'
        | '\u{e0000}'..='\u{e0fff}' => (Nothing, "格式字符", "a format character"),
        '\u{fffd}' => (Lost, "乱码", "a replacement character"),
        '０'..='９' => full_width(c, "全角数字", "a full-width digit"),
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' => full_width(c, "全角字母", "a full-width letter"),
        '：' => full_width(c, "全角冒号", "a full-width colon"),
        '，' => full_width(c, "全角逗号", "a full-width comma"),
        '．' => full_width(c, "全角句点", "a full-width point"),
        '／' => full_width(c, "全角斜杠", "a full-width slash"),
        '＂' | '＇' => full_width(c, "全角引号", "a full-width quote"),
        '！'..='～' => full_width(c, "全角符号", "a full-width character"),
        '。' | '｡' => like(".", "中文句号", "a Chinese full stop"),
        '、' | '､' => like("/", "中文顿号", "a Chinese enumeration comma"),
        '“' | '”' | '„' | '‟' | '〝' | '〞' | '″' => like("\"", "中文引号", "a curly quote"),
        '‘' | '’' | '‚' | '‛' | '′' => like("'", "中文单引号", "a curly single quote"),
        '【' | '〔' => like("[", "中文方括号", "a Chinese bracket"),
        '】' | '〕' => like("]", "中文方括号", "a Chinese bracket"),
        '《' | '〈' => like("<", "中文书名号", "a Chinese bracket"),
        '》' | '〉' => like(">", "中文书名号", "a Chinese bracket"),
        '「' | '『' => like("{", "中文直角引号", "a Chinese bracket"),
        '」' | '』' => like("}", "中文直角引号", "a Chinese bracket"),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => like("-", "特殊长度的横线", "a dash"),
        '…' => like("...", "省略号", "an ellipsis"),
        '·' => like(".", "间隔号", "a middle dot"),
        '￥' | '¥' => like("$", "货币符号", "a currency sign"),
        _ => return None,
    })
}

fn like(meant: &'static str, chinese: &'static str, english: &'static str) -> Named {
    (Look::Like(meant.into()), chinese, english)
}

/// The full-width forms stand in the order of ASCII.
fn full_width(c: char, chinese: &'static str, english: &'static str) -> Named {
    const DISTANCE: u32 = '！' as u32 - '!' as u32;
    let meant = char::from_u32(u32::from(c) - DISTANCE).expect("each full-width form stands for a character of ASCII");
    (Look::Like(meant.to_string().into()), chinese, english)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stray: Option<Stray>) -> (String, String) {
        stray.map(|stray| (stray.cause(), stray.detail())).unwrap_or_default()
    }

    #[test]
    fn each_is_named_with_its_code_point_its_place_and_the_remedy() {
        for (text, cause, detail) in [
            (
                "https：//a",
                "的第6个字符是全角冒号「：」(U+FF1A),请改成半角「:」",
                "a full-width colon `：` (U+FF1A) as character 6: write `:`",
            ),
            (
                "10.0。0.5",
                "的第5个字符是中文句号「。」(U+3002),请改成半角「.」",
                "a Chinese full stop `。` (U+3002) as character 5: write `.`",
            ),
            (
                "中１",
                "的第2个字符是全角数字「１」(U+FF11),请改成半角「1」",
                "a full-width digit `１` (U+FF11) as character 2: write `1`",
            ),
            (
                "a“b",
                "的第2个字符是中文引号「“」(U+201C),请改成半角「\"」",
                "a curly quote `“` (U+201C) as character 2: write `\"`",
            ),
            (
                "\u{feff}a",
                "开头的第1个字符是看不见的字节顺序标记(BOM)(U+FEFF),请删去",
                "a byte-order mark (U+FEFF), which cannot be seen, as character 1, at the beginning: take it out",
            ),
            (
                "ab\u{200b}",
                "末尾的第3个字符是看不见的零宽空格(U+200B),请删去",
                "a zero-width space (U+200B), which cannot be seen, as character 3, at the end: take it out",
            ),
            (
                "a\u{200e}b",
                "的第2个字符是看不见的文字方向控制符(U+200E),请删去",
                "a mark of the direction of writing (U+200E), which cannot be seen, as character 2: take it out",
            ),
            (
                "a \n",
                "末尾的第2个字符是空格(U+0020),请删去",
                "a blank (U+0020) as character 2, at the end: take it out",
            ),
            (
                "a\n",
                "末尾的第2个字符是看不见的换行符(U+000A),请删去",
                "a line feed (U+000A), which cannot be seen, as character 2, at the end: take it out",
            ),
            (
                "a\u{a0}b",
                "的第2个字符是不换行空格(NBSP)(U+00A0),请删去",
                "a no-break space (U+00A0) as character 2: take it out",
            ),
            (
                "\"a\"",
                "开头的第1个字符是引号「\"」(U+0022),请删去两端的引号",
                "a quote (U+0022) as character 1, at the beginning: take out the quotes at both ends",
            ),
            (
                "a\u{fffd}",
                "的第2个字符是乱码「\u{fffd}」(U+FFFD),原来的字符已丢失,请重新填写",
                "a replacement character (U+FFFD) as character 2: what stood there was lost; write it anew",
            ),
        ] {
            assert_eq!(told(in_key(text)), (cause.to_owned(), format!("holds {detail}")), "{text:?}");
        }
    }

    #[test]
    fn every_character_of_the_ranges_is_found_in_a_key() {
        let ranges = [
            '\0'..='\x1f',
            '\x7f'..='\u{a0}',
            '\u{ad}'..='\u{ad}',
            '\u{2000}'..='\u{2015}',
            '\u{2018}'..='\u{201f}',
            '\u{2028}'..='\u{202f}',
            '\u{205f}'..='\u{2064}',
            '\u{2066}'..='\u{206f}',
            '\u{3000}'..='\u{3002}',
            '\u{feff}'..='\u{feff}',
            '\u{ff01}'..='\u{ff5e}',
        ];
        for c in ranges.into_iter().flatten() {
            for (text, place) in [(format!("{c}key"), 1), (format!("k{c}ey"), 2), (format!("key{c}"), 4)] {
                assert_eq!(in_key(&text).map(|stray| (stray.character, stray.place)), Some((c, place)), "{text:?}");
            }
        }
    }

    #[test]
    fn what_may_be_meant_is_left_alone() {
        for text in ["", "9f2c4b7e1d5a48c0", "two words", "密钥", "a\"b", "'", "😀"] {
            assert!(in_key(text).is_none(), "{text}");
        }
        for path in ["D:\\数据（一）\\令牌　1.json", "/home/a b/c：d", "C:\\家\u{200d}庭"] {
            assert!(in_file_path(path).is_none(), "{path}");
        }
        for text in ["月结：“完成”，１２", "a\tb\nc", "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}!", "全角　空格"]
        {
            assert!(in_parameter(text).is_none(), "{text}");
        }
    }

    #[test]
    fn each_kind_of_text_has_its_own_rule() {
        assert!(in_word("a b").is_some() && in_key("a b").is_none());
        for path in ["\u{202a}C:\\a", "C:\\a ", "\"C:\\a b\"", "C：\\a", "C:\tmp", "a\u{3000}"] {
            assert!(in_file_path(path).is_some(), "{path:?}");
        }
        for text in
            ["P001\u{200b}", "\u{feff}P001", " P001", "P001\n", "P\u{a0}001", "P\u{0}", "P001\u{3000}", "\u{fffd}"]
        {
            assert!(in_parameter(text).is_some(), "{text:?}");
        }
    }
}
