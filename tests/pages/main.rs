//! The READMEs hold what they say: the quick starts run as pasted, the tables are complete, the links lead somewhere.

use rpa_test_support::{harness, python};

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};

use harness::{ControlCenter, Library};
use serde_json::Value;

const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// The address of a control center that was started without options, as the pages give it.
const ADDRESS: &str = "http://127.0.0.1:8080";
/// What each quick start says when it is done.
const STORY: &str = "月结 2020/11/30 ~ 完成";
const LONGEST_QUICK_START: usize = 35;

/// The kinds of errors of the contract.
const KINDS: [&str; 12] = [
    "argument",
    "mode",
    "dns",
    "connect",
    "proxy",
    "tls",
    "timeout",
    "disconnected",
    "redirect",
    "response",
    "too_large",
    "internal",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    let text = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.replace("\r\n", "\n")
}

/// What comes after the comment `<!-- mark -->`, which must be there once.
fn after_mark<'p>(name: &str, page: &'p str, mark: &str) -> &'p str {
    let mark = format!("<!-- {mark} -->\n");
    let mut parts = page.split(mark.as_str()).skip(1);
    match (parts.next(), parts.next()) {
        (Some(after), None) => after,
        _ => panic!("{name} must hold {mark:?} once"),
    }
}

/// The fenced block after a mark.
fn block<'p>(name: &str, page: &'p str, mark: &str, language: &str) -> &'p str {
    let after = after_mark(name, page, mark);
    let open = format!("```{language}\n");
    let code = after.strip_prefix(open.as_str()).unwrap_or_else(|| panic!("{name}: {open:?} must follow {mark:?}"));
    &code[..code.find("```\n").unwrap_or_else(|| panic!("{name}: the block after {mark:?} has no end"))]
}

/// A quick start as it is pasted, but for the address.
fn quick_start(name: &str, mark: &str, language: &str, center: &ControlCenter) -> String {
    let page = page(name);
    let code = block(name, &page, mark, language);
    assert_eq!(code.matches(ADDRESS).count(), 1, "{name}: the quick start {language} names {ADDRESS} once");
    let lines = code.lines().count();
    assert!(lines <= LONGEST_QUICK_START, "{name}: the quick start {language} has {lines} lines");
    code.replace(ADDRESS, center.text("base"))
}

/// A folder of its own, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn empty(title: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{title}-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn copy_library_and_header(&self) {
        let library = harness::built_library();
        fs::copy(library, self.0.join(library.file_name().unwrap())).unwrap();
        fs::copy(root().join("include/rpa_openapi.h"), self.0.join("rpa_openapi.h")).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn assert_told(what: &str, output: &Output) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{stdout}\n{stderr}", output.status);
    assert!(stdout.contains(STORY), "{what} did not print {STORY:?}:\n{stdout}\n{stderr}");
    assert!(stderr.is_empty(), "{what} says on stderr: {stderr}");
}

fn skipped(reason: &str) {
    // Not eprintln: the test harness would hide it.
    let _ = writeln!(io::stderr(), "skipped: {reason}");
}

#[test]
fn python_quick_starts_run_as_pasted() {
    if !cfg!(any(windows, target_os = "linux")) {
        return skipped("the Python quick start names the library of Windows or Linux");
    }
    for name in READMES {
        let folder = Folder::empty(&format!("python-{name}"));
        let script = folder.0.join("quick_start.py");
        let Some(mut python) = python::python(script.to_str().unwrap()) else { return };
        folder.copy_library_and_header();
        let center = ControlCenter::start(&[]);
        fs::write(&script, quick_start(name, "quick start: python", "python", &center)).unwrap();
        // A pipe has no encoding of its own; on Windows Python would take that of the system.
        python.env("PYTHONIOENCODING", "utf-8").current_dir(&folder.0);
        assert_told(&format!("{name}: Python"), &python.output().unwrap());
    }
}

#[test]
fn c_quick_starts_run_as_pasted() {
    if !cfg!(target_os = "linux") {
        return skipped("the commands of the C quick start are for Linux");
    }
    let compiler =
        env::var("CC").ok().filter(|compiler| !compiler.trim().is_empty()).unwrap_or_else(|| "cc".to_owned());
    let shell = |commands: &str| {
        let mut shell = Command::new("sh");
        // Cargo points this at its own build, and it comes before the path that the commands give.
        shell.args(["-ec", commands]).env_remove("LD_LIBRARY_PATH");
        shell
    };
    if !shell(&format!("{compiler} --version")).output().is_ok_and(|output| output.status.success()) {
        assert!(env::var_os("RPA_REQUIRE_TOOLS").is_none(), "RPA_REQUIRE_TOOLS is set, and {compiler} does not run");
        return skipped(&format!("the C compiler {compiler} does not run"));
    }
    for name in READMES {
        let folder = Folder::empty(&format!("c-{name}"));
        folder.copy_library_and_header();
        let center = ControlCenter::start(&[]);
        fs::write(folder.0.join("quick_start.c"), quick_start(name, "quick start: c", "c", &center)).unwrap();
        let page = page(name);
        let commands = block(name, &page, "quick start: c commands", "sh");
        let commands = commands.strip_prefix("gcc ").unwrap_or_else(|| panic!("{name}: gcc must come first"));
        let output = shell(&format!("{compiler} {commands}")).current_dir(&folder.0).output().unwrap();
        assert_told(&format!("{name}: C"), &output);
    }
}

#[test]
fn the_tables_of_errors_are_those_of_the_contract() {
    for name in READMES {
        let page = page(name);
        let table = after_mark(name, &page, "errors").lines().take_while(|line| line.starts_with('|')).skip(2);
        let kinds: Vec<&str> = table.map(|row| row.split('`').nth(1).unwrap_or(row)).collect();
        assert_eq!(kinds, KINDS, "{name}");
    }
}

/// The fields that a function takes, by its own words: it lists them when it meets one that it does not know.
fn fields_of(reply: &str) -> Vec<String> {
    let reply: Value = serde_json::from_str(reply).expect("a reply is JSON");
    let detail = reply["error"]["detail"].as_str().expect("an unknown field is refused");
    let (_, list) = detail.split_once("the fields here are ").unwrap_or_else(|| panic!("no list of fields: {detail}"));
    list.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_field_is_named() {
    let library = Library::load();
    let unknown = r#"{"zzzzzzzz":0}"#;
    let tls = r#"{"host":"https://a","accesskey":"a","secretkey":"a","tls":{"zzzzzzzz":0}}"#;
    let fields: BTreeSet<String> = [
        library.call("rpa_get_token", unknown),
        library.call("rpa_refresh_token", unknown),
        library.call("rpa_call", unknown),
        library.call("rpa_sign", unknown),
        library.call("rpa_get_token", tls),
    ]
    .iter()
    .flat_map(|reply| fields_of(reply))
    .collect();
    assert!(fields.len() >= 25, "{fields:?}");
    for name in READMES {
        let page = page(name);
        let prose = prose(&page);
        let missing: Vec<&String> = fields.iter().filter(|field| !prose.contains(&format!("`{field}`"))).collect();
        assert!(missing.is_empty(), "{name} does not name {missing:?}");
    }
}

/// The page without its fenced blocks.
fn prose(page: &str) -> String {
    let mut fenced = false;
    let outside = page.lines().filter(|line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    outside.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_relative_link_leads_to_a_file() {
    for name in READMES {
        let page = page(name);
        let prose = prose(&page);
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let relative: BTreeSet<&str> = targets.filter(|target| !target.contains("://")).collect();
        let missing: Vec<_> = relative.iter().filter(|target| !root().join(target).is_file()).collect();
        assert!(missing.is_empty(), "{name} links to {missing:?}");
        let other = READMES.iter().find(|other| **other != name).expect("there are two");
        let top = page.lines().take(5).collect::<String>();
        assert!(top.contains(&format!("]({other})")), "{name} must link to {other} at its top");
    }
}

/// What was added to one page and forgotten in the other shows here.
#[test]
fn both_pages_have_the_same_parts() {
    let outline = |name: &str| -> Vec<String> {
        let page = page(name);
        let part = |line: &str| {
            let mark = line.split(' ').next().unwrap_or_default();
            let is_row = line.starts_with('|');
            (is_row || mark.starts_with('#')).then(|| if is_row { "row" } else { mark }.to_owned())
        };
        prose(&page).lines().filter_map(part).collect()
    };
    assert_eq!(outline(READMES[0]), outline(READMES[1]));
}
