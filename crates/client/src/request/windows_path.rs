//! Windows paths in JSON whose backslashes are single. JSON takes each for the beginning of an escape: of `C:\temp` it makes
//! `C:`, a tab and `emp`, and `C:\Users` is no JSON at all.

/// Where the last text between quotes begins that is a Windows path with single backslashes.
pub(super) fn last_in(json: &str) -> Option<usize> {
    json.match_indices('"').map(|(at, _)| at + 1).rfind(|&at| begins(&json[at..]))
}

/// Whether a text in JSON begins like `C:\folder` or `\\server\folder`, with each backslash as it is.
pub(super) fn begins(text: &str) -> bool {
    let mut characters = text.chars();
    let begin = [characters.next(), characters.next(), characters.next(), characters.next()];
    match begin {
        [Some(drive), Some(':' | '：'), Some('\\'), next] => drive.is_ascii_alphabetic() && next != Some('\\'),
        [Some('\\'), Some('\\'), Some(server), _] if server.is_alphanumeric() => {
            let rest = &text[2..];
            // Rightly written it begins with four.
            rest.find('\\')
                .is_some_and(|at| at < rest.find('"').unwrap_or(rest.len()) && !rest[at..].starts_with("\\\\"))
        }
        _ => false,
    }
}

/// Whether a path that was read from JSON holds what a backslash before `t`, `n`, `r`, `b` or `f` has become.
pub(crate) fn was_misread(path: &str) -> bool {
    let became = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{8}' | '\u{c}');
    let mut characters = path.chars();
    let is_on_windows = match (characters.next(), characters.next()) {
        (Some(drive), Some(':')) => drive.is_ascii_alphabetic(),
        (Some('\\'), Some(_)) => true,
        _ => false,
    };
    // The end of a line at the end was pasted along, unless there is nothing else behind the drive.
    let within = path.trim_end_matches(['\r', '\n']).contains(became);
    is_on_windows && (within || characters.next().is_some_and(became))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_whose_backslashes_were_escapes_is_recognised() {
        for path in ["C:\temp", "C:\new", "D:\\a\report", "C:\u{8}in", "\\server\tools"] {
            assert!(was_misread(path), "{path:?}");
        }
        for path in ["C:\\temp", "/tmp/a\tb", "/tmp/ca.pem\n", "C:\\temp\\ca.pem\r\n", "\\\\server\\share"] {
            assert!(!was_misread(path), "{path:?}");
        }
    }
}
