//! What is handed to others: the shared library's exports, the header and the version.

use rpa_test_support::{folder, harness, tools};

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::Library;
use object::{BinaryFormat, NameOrOrdinal, Object};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All that the library exports, as docs/reference.md writes it.
const PROTOTYPES: [&str; 7] = [
    "char *rpa_call(const char *request)",
    "char *rpa_diagnose(const char *request)",
    "void rpa_free(char *reply)",
    "char *rpa_get_token(const char *request)",
    "char *rpa_refresh_token(const char *request)",
    "char *rpa_sign(const char *request)",
    "const char *rpa_version(void)",
];

fn function_name(prototype: &str) -> &str {
    prototype.split('(').next().unwrap_or_default().rsplit([' ', '*']).next().unwrap_or_default()
}

fn in_tree(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn header() -> String {
    in_tree("include/rpa_openapi.h")
}

/// A header without its comments and preprocessor lines.
fn declarations(header: &str) -> String {
    let mut code = String::new();
    let mut rest = header;
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").expect("each comment ends").1;
    }
    code.push_str(rest);
    code.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_library_exports_the_seven_functions_and_nothing_else() {
    let bytes = fs::read(harness::built_library()).expect("the library can be read");
    let file = object::File::parse(&*bytes).expect("the library is of a known format");
    let mut exported: Vec<String> = file
        .exports()
        .expect("the library has a list of exports")
        .map(|export| match export.expect("each export can be read").name() {
            NameOrOrdinal::Name(name) => String::from_utf8_lossy(name).into_owned(),
            NameOrOrdinal::Ordinal(ordinal) => format!("ordinal {ordinal}"),
        })
        .collect();
    if file.format() == BinaryFormat::MachO {
        // There every name of C begins with `_`.
        exported = exported.iter().map(|name| name.strip_prefix('_').unwrap_or(name).to_owned()).collect();
    }
    exported.sort();
    assert_eq!(exported, PROTOTYPES.map(function_name));
}

#[test]
fn the_header_declares_the_seven_functions_and_nothing_else() {
    let code = declarations(&header());
    let body = code
        .split_once("extern \"C\" {")
        .and_then(|(before, rest)| before.trim().is_empty().then_some(rest))
        .and_then(|rest| rest.rsplit_once('}'))
        .map(|(body, _)| body)
        .expect("all of the header is within extern \"C\"");
    let mut declared: Vec<String> = body
        .split(';')
        .map(|declaration| declaration.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|declaration| !declaration.is_empty())
        .collect();
    declared.sort_by(|a, b| function_name(a).cmp(function_name(b)));
    assert_eq!(declared, PROTOTYPES);
}

/// `RPA_UPDATE=1` writes it.
#[test]
fn the_committed_header_is_the_one_that_the_build_makes() {
    let fresh = include_str!(concat!(env!("OUT_DIR"), "/rpa_openapi.h"));
    if std::env::var_os("RPA_UPDATE").is_some() {
        fs::write(tools::in_tree("include/rpa_openapi.h"), fresh).expect("the header can be written");
    }
    assert!(header() == fresh, "include/rpa_openapi.h is out of step: set RPA_UPDATE=1 and test once more");
}

#[test]
fn each_function_of_the_header_has_a_comment() {
    let header = header();
    for prototype in PROTOTYPES {
        assert!(header.contains(&format!(" */\n{prototype};\n")), "{prototype}");
    }
}

#[test]
fn header_changelog_and_library_have_the_version_of_the_package() {
    let header = header();
    for (name, value) in [
        ("RPA_OPENAPI_VERSION", format!("\"{VERSION}\"")),
        ("RPA_OPENAPI_VERSION_MAJOR", env!("CARGO_PKG_VERSION_MAJOR").to_owned()),
        ("RPA_OPENAPI_VERSION_MINOR", env!("CARGO_PKG_VERSION_MINOR").to_owned()),
        ("RPA_OPENAPI_VERSION_PATCH", env!("CARGO_PKG_VERSION_PATCH").to_owned()),
    ] {
        let line = format!("#define {name} {value}");
        assert!(header.lines().any(|found| found == line), "the header has no line {line}");
    }
    let heading = format!("## [{VERSION}]");
    let changelog = in_tree("CHANGELOG.md");
    assert!(changelog.lines().any(|line| line.starts_with(&heading)), "CHANGELOG.md has no section {heading}");
    assert_eq!(Library::load().version(), VERSION);
}

/// Builds the script that looks for the commit, and runs it for this folder as Cargo would; what it tells the crate.
fn commit_of(folder: &folder::Folder, root: &Path, profile: &str) -> String {
    let script = folder.join("build-script");
    if !script.exists() {
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-o"]).arg(&script).arg(tools::in_tree("crates/client/build.rs"));
        tools::succeed(&mut rustc, "the build script");
    }
    let package = root.join("crates/client");
    fs::create_dir_all(&package).unwrap();
    let mut run = Command::new(&script);
    run.current_dir(&package).env("CARGO_MANIFEST_DIR", &package).env("PROFILE", profile);
    let told = String::from_utf8(tools::succeed(&mut run, "the build script").stdout).unwrap();
    let value = |key: &str| told.lines().find_map(|line| line.strip_prefix(key)).unwrap().to_owned();
    let commit = value("cargo::rustc-env=RPA_OPENAPI_COMMIT=");
    assert_eq!(value("cargo::metadata=COMMIT="), commit);
    for watched in told.lines().filter_map(|line| line.strip_prefix("cargo::rerun-if-changed=")) {
        assert!(watched == "build.rs" || Path::new(watched).exists(), "{watched} is not there: built anew each time");
    }
    commit
}

#[test]
fn the_build_knows_its_commit_wherever_git_keeps_it() {
    if !tools::all_run(&["git", "rustc"], "which commit a build is of") {
        return;
    }
    let folder = folder::Folder::new("commit");
    let (root, other) = (folder.join("tree"), folder.join("worktree"));
    fs::create_dir_all(root.join("unpacked")).unwrap();
    let git = |at: &Path, arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(at).args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
        // As hooks set them.
        git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
        String::from_utf8(tools::succeed(&mut git, "git").stdout).unwrap().trim().to_owned()
    };
    let commits = |at: &Path| {
        git(at, &["commit", "--quiet", "--allow-empty", "--message", "x"]);
        git(at, &["rev-parse", "HEAD"])
    };
    git(&root, &["init", "--quiet"]);
    assert_eq!(commit_of(&folder, &root, "release"), "", "nothing is committed yet");
    let first = commits(&root);
    assert_eq!(commit_of(&folder, &root, "release"), first);
    assert_eq!(commit_of(&folder, &root, "debug"), "", "a build for development is of no commit");
    git(&root, &["pack-refs", "--all"]);
    assert_eq!(commit_of(&folder, &root, "release"), first, "packed");
    git(&root, &["worktree", "add", "--quiet", "-b", "some/branch", &other.display().to_string()]);
    let second = commits(&other);
    assert_eq!((commit_of(&folder, &other, "release"), commit_of(&folder, &root, "release")), (second, first.clone()));
    git(&other, &["checkout", "--quiet", "--detach", &first]);
    assert_eq!(commit_of(&folder, &other, "release"), first, "no branch");
    assert_eq!(commit_of(&folder, &root.join("unpacked"), "release"), "", "a source archive within a repository");
}
