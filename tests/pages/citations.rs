//! What a page or a comment cites is there: files, and the tests and programs that commands name.

use std::fs;
use std::path::{Path, PathBuf};

use rpa_test_support::tools;

use crate::page::all;

/// Where this repository's files lie.
const FOLDERS: [&str; 9] = ["src", "crates", "tests", "benches", "examples", "fuzz", "docs", "include", ".ci"];
/// Files that hold comments, by what their names end in.
const COMMENTED: [&str; 12] = ["rs", "py", "toml", "yml", "c", "h", "hpp", "cpp", "cs", "java", "js", "go"];
/// Endings of files that a comment may cite.
const CITED: [&str; 13] = ["rs", "py", "toml", "md", "c", "h", "hpp", "cs", "txt", "supp", "java", "js", "go"];

/// The words of a text that are paths into this repository. What holds a `*` is a pattern, not a path.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let of_path = |c: char| c.is_ascii_alphanumeric() || "._-/*".contains(c);
    let words = text.split(move |c: char| !of_path(c)).map(|word| word.trim_end_matches(['.', '/', '-']));
    words.filter(|word| {
        let mut parts = word.split('/');
        parts.next().is_some_and(|first| FOLDERS.contains(&first)) && parts.next().is_some() && !word.contains('*')
    })
}

fn is_cited_as_file(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| CITED.iter().any(|cited| ending == *cited))
}

#[test]
fn every_path_that_a_page_names_is_there() {
    // What has changed may name what is no more; a page of figures names nothing.
    let history = ["CHANGELOG.md", "benches/RESULTS.md"];
    for page in all().iter().filter(|page| !history.contains(&page.name.as_str())) {
        for span in page.code_spans() {
            // A command's own arguments, and a path with a gap, are no paths of this repository.
            let is_command = span.contains(' ') && !span.starts_with("bash ") && !span.starts_with("python3 ");
            for path in paths(&span).filter(|path| !is_command && !path.contains("...")) {
                assert!(tools::in_tree(path).exists(), "{} names `{path}`, which is not there", page.name);
            }
        }
    }
}

/// All files with comments, from the root of the repository.
fn commented(folder: &Path, files: &mut Vec<PathBuf>) {
    // The scripts there have no ending.
    let in_ci = folder.file_name().is_some_and(|name| name == ".ci");
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned());
        if path.is_dir() && !["target", "corpus", "vectors", "artifacts", "__pycache__"].contains(&name.as_str()) {
            commented(&path, files);
        } else if ending.map_or(in_ci, |ending| COMMENTED.contains(&ending.as_str())) && path.is_file() {
            files.push(path);
        }
    }
}

/// The comments of a file, each line from the mark on. Of Python the descriptions count, too.
fn comments(file: &Path, text: &str) -> String {
    let has_ending = |ending: &str| file.extension().is_some_and(|own| own == ending);
    let by_hash = file.extension().is_none() || ["py", "toml", "yml"].into_iter().any(has_ending);
    let marks: &[&str] = if by_hash { &["# "] } else { &["// ", "/// ", "//! ", "/* ", " * "] };
    let comment = |line: &str| {
        let begin = marks.iter().filter_map(|mark| line.find(mark)).min()?;
        Some(line[begin..].to_owned())
    };
    let of_lines = |text: &str| text.lines().filter_map(comment).collect::<Vec<_>>().join("\n");
    if !has_ending("py") {
        return of_lines(text);
    }
    let parts = text.split("\"\"\"").enumerate();
    parts
        .map(|(number, part)| if number % 2 == 0 { of_lines(part) } else { part.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_file_that_a_comment_cites_is_there() {
    let root = tools::in_tree("");
    let mut files = vec![root.join("build.rs"), root.join("Cargo.toml")];
    for folder in FOLDERS.into_iter().filter(|folder| *folder != "docs") {
        commented(&root.join(folder), &mut files);
    }
    assert!(files.len() > 150, "{}", files.len());
    let mut missing = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let shown = file.strip_prefix(&root).unwrap_or(&file);
        for path in paths(&comments(&file, &text)).filter(|path| is_cited_as_file(path)) {
            // From the root, or from the package that the file is of.
            let there = shown.ancestors().any(|folder| root.join(folder).join(path).exists());
            if !there {
                missing.push(format!("{} cites {path}", shown.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A test that a page tells to run is a test: `cargo test --test faults`, `cargo run --example demo`, `cargo run -p ...`.
#[test]
fn every_test_and_program_that_a_page_runs_is_there() {
    for page in all().iter().filter(|page| page.name != "CHANGELOG.md") {
        let words: Vec<&str> = page.text.split(|c: char| c.is_whitespace() || "`()（）：，。".contains(c)).collect();
        let after = |option: &str| -> Vec<&str> {
            words.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1]).collect()
        };
        let there = |path: String| tools::in_tree(&path).is_file();
        for name in after("--test") {
            let found = there(format!("tests/{name}.rs")) || there(format!("tests/{name}/main.rs"));
            assert!(found, "{}: there is no test {name}", page.name);
        }
        for name in after("--example") {
            let found = there(format!("examples/{name}.rs")) || there(format!("examples/{name}/main.rs"));
            assert!(found, "{}: there is no example {name}", page.name);
        }
        for name in after("-p") {
            let folder = name.strip_prefix("rpa-").unwrap_or(name);
            let found = name == "rpa-openapi" || there(format!("crates/{folder}/Cargo.toml"));
            assert!(found || !name.starts_with("rpa-"), "{}: there is no package {name}", page.name);
        }
    }
}
