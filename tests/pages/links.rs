//! Links lead somewhere: to files that are there, and to headings that they have.

use std::collections::BTreeMap;

use rpa_test_support::tools;

use crate::page::{Page, READMES, all, headings, twins};

/// The targets of a page's links and pictures.
fn targets(prose: &str) -> impl Iterator<Item = &str> {
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The file that a target leads to, as a path from the root of the repository. `None` if it leads out of it.
fn from_root(page: &Page, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or(target);
    if target.is_empty() {
        return Some(page.name.clone());
    }
    let mut parts: Vec<&str> = page.folder().split_terminator('/').collect();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a page as GitHub makes them: lower case, without punctuation, with hyphens for spaces, and numbered where
/// a heading comes again.
fn anchors(page: &Page) -> Vec<String> {
    let mut seen = BTreeMap::new();
    let prose = page.prose();
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let text: String = kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let times = seen.entry(text.clone()).or_insert(0);
        *times += 1;
        if *times == 1 { text } else { format!("{text}-{}", *times - 1) }
    };
    headings(&prose).iter().map(|heading| heading.text).map(anchor).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_of_it() {
    let pages = all();
    for page in &pages {
        let prose = page.prose();
        for target in targets(&prose).filter(|target| !target.contains("://")) {
            let wrong = format!("{} links to {target}, which is not there", page.name);
            let path = from_root(page, target).expect(&wrong);
            assert!(tools::in_tree(&path).exists(), "{wrong}");
            let Some((_, anchor)) = target.split_once('#') else { continue };
            let other = pages.iter().find(|other| other.name == path).expect(&wrong);
            let anchors = anchors(other);
            assert!(anchors.iter().any(|one| one == anchor), "{}: {target}: there are {anchors:?}", page.name);
        }
    }
}

#[test]
fn anchors_are_those_of_github() {
    let text =
        "# A b_c\n\n## Retries and `delivered`\n\n## 重试与 `delivered`\n\n## What, how & why?\n\n## C++\n\n## A b_c\n";
    let page = Page { name: "page.md".to_owned(), text: text.to_owned() };
    let expected = ["a-b_c", "retries-and-delivered", "重试与-delivered", "what-how--why", "c", "a-b_c-1"];
    assert_eq!(anchors(&page), expected);
}

#[test]
fn each_page_links_to_its_twin_at_its_top() {
    for [english, chinese] in twins() {
        for (page, other) in [(&english, &chinese), (&chinese, &english)] {
            let top: Vec<&str> = page.text.lines().take(5).collect();
            let top = top.join("\n");
            let leads = targets(&top).any(|target| from_root(page, target).as_ref() == Some(&other.name));
            assert!(leads, "{} must link to {} at its top", page.name, other.name);
        }
    }
}

/// A page that nobody can get to is as good as none.
#[test]
fn the_readmes_link_to_each_page_of_their_language() {
    let twins = twins();
    for (language, name) in READMES.into_iter().enumerate() {
        let readme = Page::read(name);
        let prose = readme.prose();
        for page in twins.iter().map(|twins| &twins[language]).filter(|page| page.name != name) {
            assert!(targets(&prose).any(|target| target == page.name), "{name} must link to {}", page.name);
        }
    }
}

/// A Chinese page sends nobody to an English one that has a Chinese twin.
#[test]
fn links_stay_within_a_language() {
    for [english, chinese] in twins() {
        let prose = chinese.prose();
        for target in targets(&prose).filter(|target| !target.contains("://")) {
            let Some(path) = from_root(&chinese, target).filter(|path| *path != english.name) else { continue };
            let leaves = path == READMES[0] || path.starts_with("docs/") && !path.starts_with("docs/zh-CN/");
            assert!(!leaves, "{} links to the English {path}", chinese.name);
        }
    }
}
