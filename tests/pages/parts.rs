//! The outline of the pages: both languages have the same parts, the first pages are short, one thing has one name.

use crate::page::{Page, READMES, headings, twins};

/// What somebody reads before deciding whether to read on.
const LONGEST_README: usize = 9_000;

/// Headings, rows and examples of a page, in order.
fn outline(page: &Page) -> Vec<String> {
    let part = |line: &str| match line.split(' ').next().unwrap_or_default() {
        mark if mark.starts_with('#') => Some(mark.to_owned()),
        mark if mark.starts_with("```") && mark.len() > 3 => Some(mark.to_owned()),
        _ if line.starts_with('|') => Some(format!("row of {}", line.split(" | ").count())),
        _ => None,
    };
    page.text.lines().filter_map(part).collect()
}

/// What was added to one page and forgotten in the other shows here.
#[test]
fn both_languages_have_the_same_parts() {
    for [english, chinese] in twins() {
        if english.name == READMES[0] {
            // The Chinese one begins with the robot, and prints its first call; else they have the same parts.
            let counted = |page: &Page| {
                let prose = page.prose();
                let rows = prose.lines().filter(|line| line.starts_with('|')).count();
                (headings(&prose).iter().map(|heading| heading.level).sum::<usize>(), headings(&prose).len(), rows)
            };
            assert_eq!(counted(&english), counted(&chinese), "the READMEs");
        } else {
            assert_eq!(outline(&english), outline(&chinese), "{}", english.name);
        }
    }
}

#[test]
fn the_readmes_are_short() {
    for page in READMES.map(Page::read) {
        assert!(page.text.len() <= LONGEST_README, "{} has {} bytes", page.name, page.text.len());
    }
}

/// In Chinese the control center is 控制中心, and neither the platform nor the server.
#[test]
fn one_thing_has_one_name() {
    for [_, chinese] in twins() {
        // What `msg` says stands in examples; the server of the benchmark is no control center.
        let prose = chinese.prose().replace("代理服务器", "");
        assert!(!chinese.text.contains("平台"), "{} says 平台", chinese.name);
        let is_of_benchmark = chinese.name == "docs/zh-CN/performance.md";
        assert!(is_of_benchmark || !prose.contains("服务器"), "{} says 服务器", chinese.name);
    }
}
