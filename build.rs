//! Names the shared library in its own header, so that whoever links against it records a name and no path of the builder.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The system that is built for; `cfg!` would give the one that builds.
    let of_target = |name| std::env::var(name).unwrap_or_default();
    if of_target("CARGO_CFG_TARGET_VENDOR") == "apple" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libsmpfota.dylib");
    } else if of_target("CARGO_CFG_TARGET_FAMILY").split(',').any(|family| family == "unix") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsmpfota.so");
    }
}
