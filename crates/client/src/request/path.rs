//! Paths of files, as people write them who know shells and Windows' dialogs.

/// Why a path names no file as it stands, in English and in Chinese. A shell puts a folder in the place of `~` or
/// `%LOCALAPPDATA%`, a library does not: a folder of that name would be made wherever the program happens to stand. And
/// whose folder it is would depend on who runs the robot.
pub(super) fn fault(path: &str) -> Option<(&'static str, &'static str)> {
    if is_home(path) {
        return Some((
            "begins with `~`, which only a shell replaces by a folder: write the whole path, such as `/home/robot/token.json`",
            "不能以~开头,请写完整路径,如/home/robot/token.json",
        ));
    }
    if has_variable(path) {
        return Some((
            "holds a variable (`%NAME%` or `$NAME`), which is not replaced here: write the whole path, such as `C:\\rpa\\token.json`",
            "中的变量(%…%或$…)不会被替换,请写完整路径,如C:\\rpa\\token.json",
        ));
    }
    let scheme = path.split_once("://").map(|(scheme, _)| scheme);
    if scheme.is_some_and(|scheme| !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return Some((
            "is a URL, not a path: write the path alone, such as `C:\\rpa\\token.json`",
            "不能是网址,请写文件路径,如C:\\rpa\\token.json",
        ));
    }
    None
}

/// `~`, `~/a` and `~user/a`; `~a` is a file.
fn is_home(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('~') else { return false };
    rest.is_empty() || rest.contains(['/', '\\'])
}

/// `%LOCALAPPDATA%`, `$HOME`, `${HOME}`, `$env:APPDATA`; `100%` and `a$b` are names.
fn has_variable(path: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "_()".contains(c);
    let is_name =
        |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(of_name);
    let mut between = path.split('%').skip(1).collect::<Vec<_>>();
    // Behind the last sign no variable ends.
    between.pop();
    let of_windows = between.into_iter().any(is_name);
    let of_shell = path.split(['/', '\\']).any(|part| {
        let name = part.strip_prefix('$').map(|name| name.trim_start_matches('{').trim_end_matches('}'));
        name.is_some_and(|name| is_name(name.split(':').next().unwrap_or(name)))
    });
    of_windows || of_shell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_shell_understands_is_refused() {
        for path in ["~", "~/token", "~\\token", "~robot/token"] {
            assert!(fault(path).is_some_and(|(_, zh)| zh.contains("不能以~开头")), "{path}");
        }
        for path in [
            "%LOCALAPPDATA%\\rpa\\token",
            "C:\\%username%\\token",
            "%ProgramFiles(x86)%\\a",
            "$HOME/token",
            "${HOME}/token",
            "$env:APPDATA\\token",
            "/srv/$USER/token",
        ] {
            assert!(fault(path).is_some_and(|(_, zh)| zh.contains("变量")), "{path}");
        }
        for path in ["file:///srv/token", "https://10.0.0.5/token"] {
            assert!(fault(path).is_some_and(|(_, zh)| zh.contains("网址")), "{path}");
        }
        for path in [
            "token",
            "/srv/a~b/token",
            "/srv/~/token",
            "~token",
            "C:\\PROGRA~1\\token",
            "100%/50%/token",
            "%/%",
            "a$b",
            "$/a",
            "\\\\server\\share$\\token",
            "D:\\令牌.json",
        ] {
            assert_eq!(fault(path), None, "{path}");
        }
    }
}
