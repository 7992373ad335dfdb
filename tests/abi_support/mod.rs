//! What the tests of the ABI share: paths, and readers of the header, of the C# file and of the library's symbols.

#![allow(dead_code)]

pub mod data;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the crate.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The committed header.
pub fn header() -> String {
    fs::read_to_string(root().join("include/smpfota.h")).expect("the header is committed")
}

/// The committed C# signatures.
pub fn csharp() -> String {
    let path = root().join("bindings/dotnet/SmpFota/Interop/NativeMethods.g.cs");
    fs::read_to_string(path).expect("the C# signatures are committed")
}

/// The shared library that was built together with this test.
///
/// A crate with several crate types is built by one run of the compiler, so it lies beside the rlib that the test is
/// linked with and is exactly as new.
pub fn library() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test.parent().expect("the test lies in a folder");
    let name = format!("{}smpfota{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = folder.join(name);
    assert!(library.is_file(), "cargo built no {}", library.display());
    library
}

/// Runs a program; its output, or a panic that shows what it said.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors: Vec<_> =
        String::from_utf8_lossy(&output.stderr).lines().take(20).map(str::to_owned).collect();
    let errors = errors.join("\n");
    assert!(output.status.success(), "{command:?} failed: {}\n{text}{errors}", output.status);
    text
}

/// The C compiler of the environment.
pub fn cc() -> Command {
    Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
}

/// The C++ compiler of the environment.
pub fn cxx() -> Command {
    Command::new(std::env::var_os("CXX").unwrap_or_else(|| "c++".into()))
}

/// A file of this test run.
pub fn scratch(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("abi-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the scratch folder can be made");
    let path = folder.join(name);
    fs::write(&path, text).expect("the scratch file can be written");
    path
}

/// A source without its comments, its lines joined by single spaces.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        out.push_str(&rest[..start]);
        rest = rest[start..].split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let lines = out.lines().map(|line| line.split("//").next().unwrap_or(""));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The types of a list of parameters, in the words of C#.
fn parameter_types(list: &str) -> Vec<String> {
    let parameters = list.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != "void");
    parameters.map(csharp_type).collect()
}

/// The names of the handles in C.
pub const HANDLES: [&str; 5] =
    ["smpfota_image", "smpfota_session", "smpfota_trace", "smpfota_serial_decoder", "smpfota_device"];

/// A declaration such as `const uint8_t *bytes` or `byte* bytes` as a type in the words of C#, such as `byte*`.
pub fn csharp_type(declaration: &str) -> String {
    let words = declaration.replace('*', " * ");
    let words: Vec<&str> =
        words.split_whitespace().filter(|word| !matches!(*word, "const" | "struct")).collect();
    let name = match words[0] {
        "uint8_t" | "char" => "byte",
        "uint32_t" => "uint",
        "int32_t" => "int",
        "uint64_t" => "ulong",
        "size_t" | "uintptr_t" => "nuint",
        handle if HANDLES.contains(&handle) => "nuint",
        other => other,
    };
    format!("{name}{}", "*".repeat(words.iter().filter(|word| **word == "*").count()))
}

/// A constant of an enum: name and number.
pub type Constant = (String, i64);

/// The enums of the header in its order: name and constants.
pub fn header_enums() -> Vec<(String, Vec<Constant>)> {
    let text = plain(&header());
    let mut enums = Vec::new();
    for piece in text.split("enum ").skip(1) {
        let (name, rest) = piece.split_once(" {").expect("an enum has a body");
        let (body, _) = rest.split_once('}').expect("an enum ends");
        let constants = body.split(',').map(str::trim).filter(|one| !one.is_empty()).map(|one| {
            let (name, number) = one.split_once(" = ").expect("a constant has a number");
            (name.to_owned(), number.parse().expect("a number"))
        });
        enums.push((name.to_owned(), constants.collect()));
    }
    enums
}

/// The macros of the header that stand for something: name and what it stands for.
pub fn header_macros() -> Vec<(String, String)> {
    let text = header();
    let lines = text.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
    lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

/// Return type and parameter types by function.
pub type Functions = BTreeMap<String, (String, Vec<String>)>;

/// The functions that the header declares, in the words of C#.
pub fn header_functions() -> Functions {
    let text = plain(&header());
    let mut functions = Functions::new();
    for piece in text.split("SMPFOTA_API ").skip(1) {
        let Some((declaration, _)) = piece.split_once(");") else { continue };
        let Some((front, list)) = declaration.split_once('(') else { continue };
        let Some((result, name)) = front.trim().rsplit_once(' ') else { continue };
        if !name.starts_with("smpfota_") {
            continue;
        }
        let result = result.replace("SMPFOTA_MUST_USE", "");
        functions.insert(name.to_owned(), (csharp_type(&result), parameter_types(list)));
    }
    functions
}

/// The functions that the C# file declares.
pub fn csharp_functions() -> Functions {
    let text = plain(&csharp());
    let mut functions = Functions::new();
    for piece in text.split(" static extern ").skip(1) {
        let (declaration, _) = piece.split_once(");").expect("a declaration ends");
        let (front, list) = declaration.split_once('(').expect("a declaration has parameters");
        let (result, name) = front.rsplit_once(' ').expect("a declaration has a result");
        functions.insert(name.to_owned(), (csharp_type(result), parameter_types(list)));
    }
    functions
}

/// The symbols that a shared library exports.
pub fn exported(library: &Path) -> Vec<String> {
    let text = run(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library));
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names
}

/// The fields of the C# structs as (name, type, count), by struct.
pub fn csharp_structs() -> BTreeMap<String, Vec<(String, String, usize)>> {
    let text = plain(&csharp());
    let mut structs = BTreeMap::new();
    for piece in text.split(" partial struct ").skip(1) {
        let (name, rest) = piece.split_once(" {").expect("a struct has a body");
        let (body, _) = rest.split_once('}').expect("a struct ends");
        let fields = body.split(';').map(str::trim).filter(|field| !field.is_empty()).map(|field| {
            let words: Vec<&str> = field.split_whitespace().filter(|word| *word != "public").collect();
            match words[..] {
                ["fixed", kind, name] => {
                    let (name, count) = name.split_once('[').expect("an array has a length");
                    let count = count.trim_end_matches(']').parse().expect("a length is a number");
                    (name.to_owned(), kind.to_owned(), count)
                }
                [kind, name] => (name.to_owned(), kind.to_owned(), 1),
                _ => panic!("a field of C# that this reader does not know: {field}"),
            }
        });
        structs.insert(name.to_owned(), fields.collect());
    }
    structs
}
