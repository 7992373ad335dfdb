//! The whole update of one device, in virtual time.

#[path = "support/drive.rs"]
mod drive;

#[path = "update/boot_modes.rs"]
mod boot_modes;
#[path = "update/docs.rs"]
mod docs;
#[path = "update/ends.rs"]
mod ends;
#[path = "update/found.rs"]
mod found;
#[path = "update/health.rs"]
mod health;
#[path = "update/kit.rs"]
mod kit;
#[path = "update/links.rs"]
mod links;
#[path = "update/modes.rs"]
mod modes;
#[path = "update/packages.rs"]
mod packages;
#[path = "update/plans.rs"]
mod plans;
#[path = "update/recovery.rs"]
mod recovery;
#[path = "update/restored.rs"]
mod restored;
#[path = "update/servers.rs"]
mod servers;
