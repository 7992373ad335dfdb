//! `docs/UPDATE.md` names every outcome there is.

use smpfota::Status;

#[test]
fn the_document_names_every_outcome_and_boot_mode() {
    let text = include_str!("../../docs/UPDATE.md");
    for status in Status::ALL.iter().filter(|status| (-499..=-400).contains(&status.number())) {
        assert!(text.contains(&format!("| {} |", status.name())), "{} has no row", status.name());
    }
    for name in [
        "updated",
        "on_trial",
        "uploaded",
        "already_installed",
        "unverified",
        "swap",
        "overwrite",
        "direct_xip",
        "direct_xip_revert",
        "ram_load",
        "ram_load_revert",
        "network_core",
        "bootloader",
        "single",
        "firmware_loader",
        "recovery",
        "unknown",
    ] {
        assert!(text.contains(&format!("`{name}`")), "{name} is missing");
    }
}
