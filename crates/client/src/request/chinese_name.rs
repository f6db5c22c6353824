//! Chinese host names: their labels as DNS has them, `xn--` and Punycode (RFC 3492).
//!
//! Chinese characters alone are turned. Others would have to be mapped and checked by the tables of IDNA (RFC 5891),
//! which are as large as a tenth of this library; a Chinese character stands for itself there.

/// The name in ASCII; `None` where it holds a character that would need the tables.
pub(super) fn to_ascii(name: &str) -> Option<String> {
    let labels: Option<Vec<String>> = name.split('.').map(label_to_ascii).collect();
    labels.map(|labels| labels.join("."))
}

fn label_to_ascii(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    let usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || is_chinese(c);
    // An `xn--` of its own would be turned twice.
    let wrong = label.starts_with('-') || label.ends_with('-') || label.get(2..4) == Some("--");
    if wrong || label.chars().count() > LONGEST_LABEL || !label.chars().all(usable) {
        return None;
    }
    let ascii = format!("xn--{}", punycode(&label.to_ascii_lowercase()));
    (ascii.len() <= LONGEST_LABEL).then_some(ascii)
}

/// The ideographs that IDNA takes as they are: neither those for compatibility nor the strokes and radicals.
fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2a6df}')
}

/// As long as a label may be in DNS.
const LONGEST_LABEL: usize = 63;

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;

/// RFC 3492, 6.3. A label has at most 63 characters, so nothing overflows.
fn punycode(label: &str) -> String {
    let points: Vec<u32> = label.chars().map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = out.len();
    if basic > 0 {
        out.push('-');
    }
    let (mut point, mut delta, mut bias, mut handled) = (0x80, 0, 72, basic);
    while handled < points.len() {
        let next = points.iter().copied().filter(|&other| other >= point).min().expect("some are not handled yet");
        delta += (next - point) * count(handled + 1);
        point = next;
        for &other in &points {
            delta += u32::from(other < point);
            if other == point {
                push_number(delta, bias, &mut out);
                bias = adapt(delta, count(handled + 1), handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta += 1;
        point += 1;
    }
    out
}

fn count(characters: usize) -> u32 {
    u32::try_from(characters).expect("a label is short")
}

/// A number of variable length, the lowest digit first.
fn push_number(number: u32, bias: u32, out: &mut String) {
    let mut rest = number;
    for step in 1.. {
        let threshold = (step * BASE).saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < threshold {
            break;
        }
        out.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
        rest = (rest - threshold) / (BASE - threshold);
    }
    out.push(digit(rest));
}

fn digit(value: u32) -> char {
    char::from_digit(if value < 26 { value + 10 } else { value - 26 }, BASE).expect("a digit is below 36")
}

/// How long the next number will probably be.
fn adapt(delta: u32, handled: u32, is_first: bool) -> u32 {
    const SKEW: u32 = 38;
    const DAMP: u32 = 700;
    let mut delta = delta / if is_first { DAMP } else { 2 };
    delta += delta / handled;
    let mut bias = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        bias += BASE;
    }
    bias + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers, as Python's `encode("idna")` gives them.
    #[test]
    fn labels_as_dns_has_them() {
        for (name, ascii) in [
            ("中文.example", "xn--fiq228c.example"),
            ("控制中心.公司.中国", "xn--fiq21hn5o0xd.xn--55qx5d.xn--fiqs8s"),
            ("a中b文-c.cn", "xn--ab-c-0f5fz05j.cn"),
            ("机器人2020控制台.内网", "xn--2020-4z5fu8pondjyge69aiqh.xn--v6q792i"),
            ("龘𠀀中〇.x", "xn--w6j702gs09couwq.x"),
            ("Rpa平台.LAN", "xn--rpa-i03eo49b.LAN"),
            (&format!("{}.a", "中".repeat(20)), "xn--fiqaaaaaaaaaaaaaaaaaaa.a"),
        ] {
            assert_eq!(to_ascii(name).as_deref(), Some(ascii), "{name}");
        }
    }

    #[test]
    fn names_that_need_the_tables_of_idna_are_left_to_others() {
        for name in [
            "bücher.example",
            "中文é",
            "пример",
            "中文。例",
            "-中",
            "a_中",
            "中 文",
            "ＡＢ",
            "ab--中",
            &"中".repeat(64),
            "\u{f90a}",
        ] {
            assert_eq!(to_ascii(name), None, "{name}");
        }
    }
}
