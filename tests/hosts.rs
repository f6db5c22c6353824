//! The examples in C, C++ and C#, as people use them: pasted into an empty folder with the library, compiled there, and
//! run against a control center.
//!
//! A compiler or a valgrind that is missing means that its part is skipped; with `RPA_REQUIRE_TOOLS` set, it fails.

use rpa_test_support::{c, counting, folder, harness, tools};

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use c::{LEAK_FOUND, Language, on_windows, with_its_library};
use folder::Folder;
use harness::ControlCenter;
use serde_json::Value;
use tools::{in_tree, said, skipped, succeed};

const C_STANDARDS: [&str; 2] = ["c99", "c11"];
const CPP_STANDARDS: [&str; 2] = ["c++11", "c++17"];

/// An empty folder into which files of the repository are pasted, beside the library.
struct Pasted(Folder);

impl Pasted {
    fn new(name: &str, files: &[&str]) -> Pasted {
        let folder = Folder::new(&format!("hosts-{name}"));
        folder.paste(harness::built_library());
        files.iter().for_each(|file| folder.paste(&in_tree(file)));
        Pasted(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Compiles a file of the folder, which sees no other.
    fn compile(&self, language: Language, standard: &str, source: &str, options: &[&str]) -> Option<PathBuf> {
        let Some(mut compile) = language.compile(standard) else {
            skipped(&format!("no C++ compiler, so {source} is not compiled as {standard}"));
            return None;
        };
        let program = self.path(&format!("{source}-{standard}"));
        compile.args(options).current_dir(&self.0);
        c::link(compile, Path::new(source), &self.0, &program);
        Some(program)
    }
}

fn c_story(name: &str) -> Pasted {
    Pasted::new(name, &["include/rpa_openapi.h", "examples/c/story.c"])
}

fn cpp_story(name: &str) -> Pasted {
    Pasted::new(name, &["include/rpa_openapi.h", "examples/cpp/rpa_openapi.hpp", "examples/cpp/story.cpp"])
}

/// What each story prints, in whatever language it is told.
fn story() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "version {version}\ntoken: ok\njob started: ok\njob read back: 月结 & 100% 完成\ntoken refreshed: ok\n\
         refused on purpose: argument acesstoken\n"
    )
}

/// Runs a program that tells the story: over TLS and plain, and with what must make it fail.
fn check(what: &str, program: impl Fn() -> Command) {
    let run = |arguments: &[&str]| {
        let mut command = program();
        with_its_library(&mut command).args(arguments);
        command.output().unwrap_or_else(|error| panic!("{what}: cannot be started: {error}"))
    };
    let secure = ControlCenter::start(&["--tls"]);
    let (base, fingerprint) = (secure.text("base"), secure.text("fingerprint"));
    assert_told(what, &run(&[base, fingerprint, "-"]));

    // Without a third argument the environment says which proxy to use: here, none.
    let plain = ControlCenter::start(&[]);
    let output = with_its_library(program().args([plain.text("base"), "-"]).env("NO_PROXY", "*").env("no_proxy", "*"))
        .output()
        .unwrap_or_else(|error| panic!("{what}: cannot be started: {error}"));
    assert_told(what, &output);

    assert_fails(what, &run(&[base, &"00".repeat(32), "-"]), "tls: ");
    assert_fails(what, &run(&[base, "-", "-"]), "tls: ");
    assert_fails(what, &run(&[base, fingerprint, "http://127.0.0.1:1"]), "proxy: ");
    assert_fails(what, &run(&["no \"URL\" \\", "-", "-"]), "argument: `host`");
    // A control center that refuses: it says why in a reply of its own.
    let elsewhere = format!("{}/elsewhere", plain.text("base"));
    assert_fails(what, &run(&[&elsewhere, "-", "-"]), "接口不存在");
    let wrong_usage = run(&[base]);
    assert_eq!(wrong_usage.status.code(), Some(2), "{what}: {}", said(&wrong_usage));
}

fn assert_told(what: &str, output: &Output) {
    assert!(output.status.success(), "{what}: {}\n{}", output.status, said(output));
    // Of a failed comparison the whole is wanted, with what is on stderr.
    assert_eq!(said(output).replace("\r\n", "\n"), story(), "{what}");
}

/// The program ended with the status of failure before it got a token, and said why.
fn assert_fails(what: &str, output: &Output, why: &str) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{what}: {}", said(output));
    assert_eq!(stdout.lines().count(), 1, "{what}: only the version should be printed: {stdout}");
    assert!(stderr.contains(why), "{what}: {why:?} should stand in {stderr}");
}

#[test]
fn c_tells_the_story() {
    if on_windows() {
        return;
    }
    for standard in C_STANDARDS {
        let pasted = c_story(standard);
        let program = pasted.compile(Language::C, standard, "story.c", &[]).expect("there is a C compiler");
        check(standard, || Command::new(&program));
    }
}

#[test]
fn cpp_tells_the_story() {
    if on_windows() {
        return;
    }
    for standard in CPP_STANDARDS {
        let pasted = cpp_story(standard);
        if let Some(program) = pasted.compile(Language::Cpp, standard, "story.cpp", &[]) {
            check(standard, || Command::new(&program));
        }
    }
}

/// Takes the place of a file that frees replies, and counts them.
const COUNTED: &str = r#"
#include <cstdlib>
#include <new>
#include <type_traits>
#include "rpa_openapi.h"

static int freed = 0;
static void counted(char *reply) {
    freed++;
    rpa_free(reply);
}
#define rpa_free counted
#include "rpa_openapi.hpp"
#undef rpa_free

static bool memory_is_short = false;
void *operator new(std::size_t size) {
    void *memory = memory_is_short ? nullptr : std::malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

static_assert(!std::is_copy_constructible<rpa::Reply>::value, "a reply cannot be copied");
static_assert(!std::is_copy_assignable<rpa::Reply>::value, "a reply cannot be copied");
static_assert(std::is_nothrow_move_constructible<rpa::Reply>::value, "a reply can be moved");
static_assert(std::is_nothrow_move_assignable<rpa::Reply>::value, "a reply can be moved");

int main() {
    const std::string request = "{}";
    if (rpa::call(request).empty() || freed != 1) {
        return 1;
    }
    memory_is_short = true;
    try {
        rpa::call(request);
        return 2;
    } catch (const std::bad_alloc &) {
        memory_is_short = false;
    }
    if (freed != 2) {
        return 3;
    }
    {
        rpa::Reply first(rpa_get_token(nullptr)), second(rpa_refresh_token(nullptr));
        rpa::Reply moved(std::move(first));
        moved = std::move(second);
        if (freed != 3 || moved.str() != moved.c_str()) {
            return 4;
        }
    }
    return freed == 4 ? 0 : 5;
}
"#;

#[test]
fn cpp_frees_a_reply_whatever_happens() {
    if on_windows() {
        return;
    }
    for standard in CPP_STANDARDS {
        let pasted = cpp_story(&format!("counted-{standard}"));
        fs::write(pasted.path("counted.cpp"), COUNTED).expect("a file can be written in the build folder");
        if let Some(program) = pasted.compile(Language::Cpp, standard, "counted.cpp", &[]) {
            succeed(with_its_library(&mut Command::new(program)), standard);
        }
    }
}

/// Included before all else, it lets a program free no reply.
const LEAK: &str = "#include \"rpa_openapi.h\"\n#define rpa_free(reply) ((void)(reply))\n";

#[test]
fn valgrind_finds_no_leak_but_a_planted_one() {
    if on_windows() {
        return;
    }
    if c::valgrind().is_none() {
        return skipped("no valgrind, so the examples are not searched for leaks and misuse of memory");
    }
    let center = ControlCenter::start(&["--tls"]);
    let under_valgrind = |program: &Path, fingerprint: &str| {
        let mut command = c::valgrind().expect("there is valgrind");
        command.arg(program).args([center.text("base"), fingerprint, "-"]);
        with_its_library(&mut command).output().expect("valgrind runs")
    };
    let stories = [
        (Language::C, "c99", "story.c", c_story("valgrind-c")),
        (Language::Cpp, "c++11", "story.cpp", cpp_story("valgrind-cpp")),
    ];
    for (language, standard, source, pasted) in stories {
        let Some(program) = pasted.compile(language, standard, source, &["-g"]) else { continue };
        assert_told(source, &under_valgrind(&program, center.text("fingerprint")));
        let failing = under_valgrind(&program, &"00".repeat(32));
        assert_fails(source, &failing, "tls: ");

        fs::write(pasted.path("leak.h"), LEAK).expect("a file can be written in the build folder");
        let options = ["-g", "-include", "leak.h"];
        let Some(program) = pasted.compile(language, standard, source, &options) else { continue };
        let leaking = under_valgrind(&program, center.text("fingerprint"));
        let what = format!("a leak planted in {source} is not found:\n{}", said(&leaking));
        assert_eq!(leaking.status.code(), Some(LEAK_FOUND), "{what}");
    }
}

/// Compiles C# files of a folder; `None` where there is no Mono. They hold nothing that C# 5 has not, which is what the
/// compiler on every Windows knows.
fn compile_csharp(pasted: &Pasted, sources: &[&str], program: &str) -> Option<PathBuf> {
    if let Some(missing) = ["mcs", "mono"].into_iter().find(|tool| !tools::runs(tool)) {
        skipped(&format!("no {missing}, so the C# examples are not run"));
        return None;
    }
    let mut compile = Command::new("mcs");
    compile.args(["-langversion:5", "-warn:4", "-warnaserror", "-nologo"]).arg(format!("-out:{program}"));
    succeed(compile.args(sources).current_dir(&pasted.0), &format!("compiling {sources:?}"));
    Some(pasted.path(program))
}

fn mono(program: &Path) -> Command {
    let mut command = Command::new("mono");
    command.arg(program);
    command
}

#[test]
fn csharp_tells_the_story() {
    let pasted = Pasted::new("csharp", &["examples/csharp/RpaOpenApi.cs", "examples/csharp/Story.cs"]);
    let Some(program) = compile_csharp(&pasted, &["Story.cs", "RpaOpenApi.cs"], "Story.exe") else { return };
    check("C#", || mono(&program));
    // Where the system's language has no Chinese.
    check("C# in a plain locale", || {
        let mut command = mono(&program);
        command.env("LC_ALL", "C");
        command
    });

    // Without the library it says so.
    fs::remove_file(pasted.path(&harness::built_library().file_name().unwrap().to_string_lossy())).unwrap();
    let output = with_its_library(mono(&program).args(["http://127.0.0.1:1", "-", "-"])).output().expect("mono runs");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("The library rpa_openapi cannot be loaded. This process is "), "{}", said(&output));
}

/// Asks each function once.
const EACH: &str = r#"
internal static class Each
{
    private static void Main()
    {
        var standardOutput = new System.IO.StreamWriter(System.Console.OpenStandardOutput());
        foreach (var function in new System.Func<string, string>[]
            { RpaOpenApi.Call, RpaOpenApi.Sign, RpaOpenApi.GetToken, RpaOpenApi.RefreshToken })
        {
            standardOutput.WriteLine(function("{}"));
        }
        standardOutput.Flush();
    }
}
"#;

/// A program reads one shape of error, whether the library made it or is not there to make one.
#[test]
fn csharp_tells_of_a_library_that_is_missing_or_wrong_in_a_reply() {
    let pasted = Pasted::new("csharp-unloaded", &["examples/csharp/RpaOpenApi.cs"]);
    fs::write(pasted.path("Each.cs"), EACH).expect("a file can be written in the build folder");
    let Some(program) = compile_csharp(&pasted, &["Each.cs", "RpaOpenApi.cs"], "Each.exe") else { return };
    let library = pasted.path(&harness::built_library().file_name().unwrap().to_string_lossy());
    let bits = usize::BITS;
    let replies = || {
        let output = succeed(with_its_library(&mut mono(&program)), "Each.cs");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let of_the_library = replies();
    let absent = format!("请把{bits}位的放在程序旁边");
    let cases: [(&str, &dyn Fn(), &str); 3] = [
        ("missing", &|| fs::remove_file(&library).unwrap(), &absent),
        ("garbage", &|| fs::write(&library, "no library").unwrap(), &absent),
        ("too old", &|| counting::compile_source(&library, "int rpa_version;"), "版本太旧"),
    ];
    for (what, prepare, part) in cases {
        prepare();
        for (reply, usual) in replies().iter().zip(&of_the_library) {
            let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!((keys(reply), keys(&reply["error"])), (keys(usual), keys(&usual["error"])), "{what}: {reply}");
            let error = &reply["error"];
            assert_eq!((&error["kind"], &error["delivered"]), (&"internal".into(), &"no".into()), "{what}: {reply}");
            let detail = error["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("This process is {bits}-bit.")) && detail.is_ascii(), "{what}: {reply}");
            assert!(reply["msg"].as_str().unwrap().contains(part), "{what}: {reply}");
        }
        let begins = ["fail,意外情况:", "fail,意外情况:", "fail,获取token失败:", "fail,刷新token失败:"];
        for (reply, begin) in replies().iter().zip(begins) {
            assert!(reply["msg"].as_str().unwrap().starts_with(begin), "{reply}");
            assert_eq!(reply["code"], if begin.contains("token") { 44 } else { 40 }, "{reply}");
        }
    }
}

/// What a text may hold that is not as usual, many threads, and many large replies.
const EDGES: &str = r#"
using System;
using System.IO;
using System.Threading;

internal static class Edges
{
    private static int failures;

    private static void Check(bool right, string what)
    {
        if (!right)
        {
            Console.Error.WriteLine("not as it should be: " + what);
            Interlocked.Increment(ref failures);
        }
    }

    private static string Sign(string mode, string value)
    {
        return RpaOpenApi.Sign("{\"host\":\"http://x\",\"rest_type\":\"/a\",\"mode\":\"" + mode + "\",\"accesstoken\":\"t\","
            + "\"timestamp\":1,\"data_json\":{\"a\":\"" + value + "\"}}");
    }

    private static int Main()
    {
        foreach (Func<string, string> function in new Func<string, string>[]
            { RpaOpenApi.GetToken, RpaOpenApi.RefreshToken, RpaOpenApi.Call, RpaOpenApi.Sign })
        {
            Check(function(null).Contains("\"kind\":\"argument\""), "null is answered");
            Check(function("").Contains("\"kind\":\"argument\""), "an empty text is answered");
            try
            {
                function("{}\0{}");
                Check(false, "NUL is refused");
            }
            catch (ArgumentException)
            {
            }
        }

        Check(Sign("get", "月结😀").Contains("\"source\":\"a=月结😀&token="), "Chinese goes in and comes out");
        Check(Sign("put", "月😀\ud83d完").Contains("\\\\u6708\\\\ud83d\\\\ude00\\\\ud83d\\\\u5b8c"), "half a pair is sent");
        Check(Sign("put", "\ude00\ud83d").Contains("\\\\ude00\\\\ud83d"), "two halves in the wrong order are sent");
        Check(Sign("get", "\ud83d").Contains("\"field\":\"data_json\""), "half a pair is refused where it cannot be sent");

        var threads = new Thread[16];
        for (int i = 0; i < threads.Length; i++)
        {
            string name = "月结" + i;
            threads[i] = new Thread(() =>
            {
                int right = 0;
                for (int n = 0; n < 200; n++)
                {
                    right += Sign("get", name + n).Contains("\"source\":\"a=" + name + n + "&token=") ? 1 : 0;
                }
                Check(right == 200, "each thread gets its own replies");
            });
            threads[i].Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        string large = new string('月', 100000);
        long before = Resident();
        for (int n = 0; n < 75; n++)
        {
            Sign("get", large);
            if (n % 10 == 0)
            {
                GC.Collect();
            }
        }
        long grown = Resident() - before;
        Check(grown < 90, "replies are freed: the process has grown by " + grown + " MiB");
        return failures == 0 ? 0 : 1;
    }

    // In MiB, where Linux tells; C#'s own count leaves out the library's memory.
    private static long Resident()
    {
        const string Told = "/proc/self/statm";
        return File.Exists(Told) ? long.Parse(File.ReadAllText(Told).Split(' ')[1]) * 4 / 1024 : 0;
    }
}
"#;

#[test]
fn csharp_takes_any_text_from_any_thread() {
    let pasted = Pasted::new("csharp-edges", &["examples/csharp/RpaOpenApi.cs"]);
    fs::write(pasted.path("Edges.cs"), EDGES).expect("a file can be written in the build folder");
    let Some(program) = compile_csharp(&pasted, &["Edges.cs", "RpaOpenApi.cs"], "Edges.exe") else { return };
    succeed(with_its_library(&mut mono(&program)), "Edges.cs");
}
