//! Tells the tests which target they are built for: by its name they know `target/<triple>/debug` from `target/debug`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=RPA_TARGET={}", std::env::var("TARGET").expect("Cargo sets it"));
}
