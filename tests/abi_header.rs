//! The header is a header: it stands alone, in C and in C++, and names exactly what the library exports.

mod abi_support;

use std::collections::BTreeSet;
use std::process::Command;

use abi_support::{
    Functions, HANDLES, cc, csharp_functions, csharp_structs, csharp_type, cxx, exported, header,
    header_functions, library, root, run, scratch,
};

const STRICT: [&str; 6] = ["-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wconversion", "-fsyntax-only"];

#[test]
fn it_compiles_alone_as_c() {
    let file = scratch("alone.c", "#include <smpfota.h>\n#include <smpfota.h>\nint used;\n");
    for standard in ["-std=c99", "-std=c11", "-std=c17", "-std=c2x"] {
        run(cc().arg(standard).args(STRICT).arg("-I").arg(root().join("include")).arg(&file));
    }
}

#[test]
fn it_compiles_alone_as_cpp() {
    let file = scratch("alone.cpp", "#include <smpfota.h>\n#include <smpfota.h>\nint used;\n");
    for standard in ["-std=c++11", "-std=c++14", "-std=c++17", "-std=c++20", "-std=c++2b"] {
        run(cxx().arg(standard).args(STRICT).arg("-I").arg(root().join("include")).arg(&file));
    }
}

/// Some tools that read headers know the comments of C90 only; and two groups would be one to a tool that goes by prefix.
#[test]
fn tools_can_read_it() {
    let header = header();
    for (number, line) in header.lines().enumerate() {
        assert!(!line.contains("//"), "line {} has a comment of C++: {line}", number + 1);
    }
    let handles: Vec<&str> =
        header.lines().filter_map(|line| line.strip_prefix("typedef uintptr_t ")).collect();
    assert_eq!(handles, HANDLES.map(|name| format!("{name};")));
    assert!(!header.contains("uintptr_t image") && !header.contains("uintptr_t session"));
}

#[test]
fn it_declares_what_the_library_exports_and_csharp_imports() {
    let header = header_functions();
    let names: Vec<String> = header.keys().cloned().collect();
    assert!(names.len() > 5, "the reader of the header finds its functions");
    assert_eq!(exported(&library()), names, "the library exports what the header declares and nothing else");
    let csharp = csharp_functions();
    for (name, signature) in &header {
        assert_eq!(csharp.get(name), Some(signature), "{name} in C# (left) and in C (right)");
    }
    let extra: Vec<_> = csharp.keys().filter(|name| !header.contains_key(*name)).collect();
    assert_eq!(extra, Vec::<&String>::new(), "C# imports what the header does not declare");
}

fn data() -> serde_json::Value {
    let text = std::fs::read_to_string(root().join("include/smpfota.json")).expect("the data are committed");
    serde_json::from_str(&text).expect("JSON")
}

fn list<'a>(value: &'a serde_json::Value, key: &str) -> &'a Vec<serde_json::Value> {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is a list"))
}

fn word<'a>(value: &'a serde_json::Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is text"))
}

#[test]
fn its_data_are_what_csharp_imports() {
    let data = data();
    let mut functions = Functions::new();
    for function in list(&data, "functions") {
        let parameters = list(function, "parameters").iter();
        let types = parameters.map(|parameter| csharp_type(word(parameter, "type"))).collect();
        functions.insert(word(function, "name").to_owned(), (csharp_type(word(function, "returns")), types));
    }
    assert_eq!(functions, csharp_functions());
    let csharp = csharp_structs();
    let structs = list(&data, "structs");
    assert_eq!(structs.len(), csharp.len());
    for one in structs {
        let fields = list(one, "fields").iter().map(|field| {
            let count = field["count"].as_u64().expect("a number") as usize;
            (word(field, "name").to_owned(), csharp_type(word(field, "type")), count)
        });
        assert_eq!(fields.collect::<Vec<_>>(), csharp[word(one, "name")], "{}", word(one, "name"));
    }
    for function in list(&data, "functions") {
        assert!(!word(function, "doc").is_empty());
        for parameter in list(function, "parameters") {
            let words = ["doc", "direction", "ownership"].map(|key| word(parameter, key));
            assert!(words.iter().all(|word| !word.is_empty()), "{parameter}");
        }
    }
}

/// Offsets, sizes and numbers of the data, asked of the C compiler with the header.
#[test]
fn its_data_are_what_a_compiler_makes_of_it() {
    let data = data();
    let mut source = "#include <smpfota.h>\n#include <stddef.h>\nint used;\n".to_owned();
    let mut holds =
        |claim: String| source += &format!("_Static_assert({claim}, \"{}\");\n", claim.replace('"', ""));
    let width = if cfg!(target_pointer_width = "64") { "64" } else { "32" };
    for one in list(&data, "structs") {
        let name = word(one, "name");
        holds(format!("sizeof({name}) == {}", one["size"][width]));
        for field in list(one, "fields") {
            let field_name = word(field, "name");
            holds(format!("offsetof({name}, {field_name}) == {}", field["offset"][width]));
            holds(format!("sizeof((({name} *)0)->{field_name}) == {}", field["size"][width]));
        }
    }
    for group in list(&data, "constants") {
        for constant in list(group, "constants") {
            holds(format!("{} == {}", word(constant, "name"), constant["value"]));
            if let Some(old) = constant["old_name"].as_str() {
                holds(format!("{old} == {}", constant["value"]));
            }
        }
    }
    let file = scratch("data.c", &source);
    run(cc().args(["-std=c11", "-fsyntax-only"]).arg("-I").arg(root().join("include")).arg(&file));
}

#[test]
fn its_versions_are_those_of_the_library() {
    let source = r#"
        #include <smpfota.h>
        #include <stdio.h>
        #include <string.h>
        int main(void) {
            char version[64], parts[64];
            size_t length = 0;
            if (smpfota_abi_version() != SMPFOTA_ABI_VERSION) return 1;
            if (smpfota_version(version, sizeof version, &length) != SMPFOTA_OK) return 2;
            if (length != strlen(SMPFOTA_VERSION) || memcmp(version, SMPFOTA_VERSION, length) != 0) return 3;
            snprintf(parts, sizeof parts, "%d.%d.%d", SMPFOTA_VERSION_MAJOR, SMPFOTA_VERSION_MINOR, SMPFOTA_VERSION_PATCH);
            if (strcmp(parts, SMPFOTA_VERSION) != 0) return 4;
            printf("%s", SMPFOTA_VERSION);
            return 0;
        }
    "#;
    let file = scratch("version.c", source);
    let program = file.with_extension("");
    let mut compile = cc();
    compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"]).arg(root().join("include"));
    run(compile.arg("-o").args([&program, &file]).arg(library()));
    let said = run(Command::new(program).env("LD_LIBRARY_PATH", library().parent().expect("a folder")));
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest exists");
    assert!(manifest.lines().any(|line| line == format!("version = \"{said}\"")), "the header says {said}");
}

/// Programs on older systems cannot load a library that needs a newer C library than they have.
///
/// 2.34 comes from the build machine (Debian 12): there the C library took over the functions of libpthread and libdl.
/// Built on an older system the library needs less; the Rust standard library itself is content with 2.17.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn it_needs_no_newer_c_library_than_2_34() {
    let text = run(Command::new("objdump").arg("-T").arg(library()));
    let versions: BTreeSet<(u32, u32)> = text
        .lines()
        .filter_map(|line| line.split_once("GLIBC_"))
        .filter_map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit() && c != '.').next())
        .filter_map(|version| version.split_once('.'))
        .filter_map(|(major, rest)| Some((major.parse().ok()?, rest.split('.').next()?.parse().ok()?)))
        .collect();
    let highest = versions.last().copied().expect("the library uses the C library");
    println!("highest version needed: GLIBC_{}.{}", highest.0, highest.1);
    assert!(highest <= (2, 34), "it needs GLIBC_{}.{}", highest.0, highest.1);
}
