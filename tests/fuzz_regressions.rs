//! Replays what the fuzzers found and the corpus they grew, on stable and without libFuzzer.

#[path = "../fuzz/src/lib.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)]
mod smpfota_fuzz;

use std::path::Path;

use smpfota_fuzz::targets::ALL;

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            (path.display().to_string(), std::fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

fn replay(folder: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder);
    let mut count = 0;
    for (name, run) in ALL {
        for (path, data) in files(&root.join(name)) {
            println!("{path}");
            run(&data);
            count += 1;
        }
    }
    count
}

#[test]
fn what_the_fuzzers_found_stays_mended() {
    replay("regressions");
}

#[test]
fn the_corpus_passes() {
    assert!(replay("corpus") > ALL.len(), "the corpus is missing");
}

#[test]
fn every_target_is_built_and_replayed() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    let built: Vec<&str> =
        manifest.split("[[bin]]\nname = \"").skip(1).filter_map(|part| part.split('"').next()).collect();
    let mut replayed: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    replayed.sort_unstable();
    let mut sorted = built.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, replayed);
    for (name, run) in ALL {
        assert!(
            std::fs::exists(format!("{}/fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"))).unwrap(),
            "{name}"
        );
        run(&[]);
    }
}
