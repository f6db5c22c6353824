//! A page of this repository, and what stands on it.

use std::fs;
use std::path::Path;

use rpa_test_support::tools;

/// The page that everybody sees first, in English and in Chinese.
pub const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// Pages in English alone.
const ENGLISH: [&str; 4] = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benches/RESULTS.md"];

/// A page, with line ends as on Linux.
pub struct Page {
    /// Its path from the root of the repository.
    pub name: String,
    pub text: String,
}

/// A heading and its level, 1 being the title.
pub struct Heading<'p> {
    pub level: usize,
    pub text: &'p str,
}

impl Page {
    pub fn read(name: &str) -> Page {
        let text = fs::read_to_string(tools::in_tree(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Page { name: name.to_owned(), text: text.replace("\r\n", "\n") }
    }

    /// The name of the folder that it lies in, with a slash at its end.
    pub fn folder(&self) -> &str {
        &self.name[..self.name.rfind('/').map_or(0, |slash| slash + 1)]
    }

    /// What comes after the comment `<!-- mark -->`, which must be there once.
    pub fn after_mark(&self, mark: &str) -> &str {
        let mark = format!("<!-- {mark} -->\n");
        let mut parts = self.text.split(mark.as_str()).skip(1);
        match (parts.next(), parts.next()) {
            (Some(after), None) => after,
            _ => panic!("{} must hold {mark:?} once", self.name),
        }
    }

    /// The fenced block after a mark.
    pub fn block(&self, mark: &str, language: &str) -> &str {
        let (name, after) = (&self.name, self.after_mark(mark));
        let open = format!("```{language}\n");
        let code = after.strip_prefix(open.as_str()).unwrap_or_else(|| panic!("{name}: {open:?} must follow {mark:?}"));
        &code[..code.find("```\n").unwrap_or_else(|| panic!("{name}: the block after {mark:?} has no end"))]
    }

    /// The rows of the table after a mark, without its head, as cells.
    pub fn table(&self, mark: &str) -> Vec<Vec<&str>> {
        let rows = self.after_mark(mark).lines().take_while(|line| line.starts_with('|')).skip(2);
        rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
    }

    /// The page without its fenced blocks.
    pub fn prose(&self) -> String {
        let mut fenced = false;
        let outside = self.text.lines().filter(|line| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        });
        outside.collect::<Vec<_>>().join("\n")
    }

    /// The texts between backticks, outside of fenced blocks.
    pub fn code_spans(&self) -> Vec<String> {
        let prose = self.prose();
        // A span may hold backticks only between double ones, which no page needs but for a quoted message.
        prose.split("\n\n").flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
    }
}

/// The headings of a page's prose.
pub fn headings(prose: &str) -> Vec<Heading<'_>> {
    let heading = |line| {
        let text: &str = str::trim_start_matches(line, '#');
        let level = line.len() - text.len();
        (level > 0).then(|| Heading { level, text: text.trim() })
    };
    prose.lines().filter_map(heading).collect()
}

/// Every page that there is in both languages: English first.
pub fn twins() -> Vec<[Page; 2]> {
    let (english, chinese) = (names("docs"), names("docs/zh-CN"));
    assert!(english.len() >= 12, "{english:?}");
    assert_eq!(english, chinese, "each page of docs has its twin in docs/zh-CN");
    let mut twins = vec![READMES.map(Page::read)];
    twins.extend(english.iter().map(|name| docs(name)));
    twins
}

/// A page of `docs` in both languages.
pub fn docs(name: &str) -> [Page; 2] {
    [format!("docs/{name}"), format!("docs/zh-CN/{name}")].map(|path| Page::read(&path))
}

/// All pages.
pub fn all() -> Vec<Page> {
    twins().into_iter().flatten().chain(ENGLISH.map(Page::read)).collect()
}

fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(tools::in_tree(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let names = entries.map(|entry| entry.expect("a folder can be read").file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().expect("names are UTF-8")).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
    names.sort();
    names
}
