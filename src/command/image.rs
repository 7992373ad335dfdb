//! Group 1, images (Zephyr `img_mgmt_state.c`, `img_mgmt.c`; `smp_group_1.rst`).

use crate::json::json;
use serde_json::Value as Json;

use super::answer::{self, Answer};
use super::spec::{Constant, Kind, Spec, Work, optional, required};
use crate::failure::Failure;
use crate::smp::Op;
use crate::smp::cbor::Value;
use crate::smp::group::{self, image};
use crate::status::Status;
use crate::update::Listing;

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "image_list",
        op: Op::Read,
        group: group::IMAGE,
        command: image::STATE,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(|answer| Ok(json!({ "images": Listing::decode(answer.body)?.to_json() }))),
    },
    Spec {
        name: "image_test",
        op: Op::Write,
        group: group::IMAGE,
        command: image::STATE,
        floor_ms: 5_000,
        repeatable: true,
        arguments: &[required("hash", "hash", Kind::Hash)],
        constants: &[("confirm", Constant::Flag(false))],
        work: Work::Ask(tested),
    },
    Spec {
        name: "image_confirm",
        op: Op::Write,
        group: group::IMAGE,
        command: image::STATE,
        floor_ms: 5_000,
        repeatable: true,
        arguments: &[optional("hash", "hash", Kind::Hash)],
        constants: &[("confirm", Constant::Flag(true))],
        work: Work::Ask(confirmed),
    },
    Spec {
        name: "image_erase",
        op: Op::Write,
        group: group::IMAGE,
        command: image::ERASE,
        // Synchronous in the server: 85 ms a page of 4 KiB on an nRF52840, and slower under radio traffic.
        floor_ms: 75_000,
        repeatable: true,
        arguments: &[optional("slot", "slot", Kind::Number(0, 255))],
        constants: &[],
        work: Work::Ask(answer::nothing),
    },
    Spec {
        name: "slot_info",
        op: Op::Read,
        group: group::IMAGE,
        command: image::SLOT_INFORMATION,
        floor_ms: 2_000,
        repeatable: true,
        arguments: &[],
        constants: &[],
        work: Work::Ask(slots),
    },
];

/// The list after a change. A server that answers nothing but success leaves it to the caller to read the list.
fn listing(answer: &Answer<'_>) -> Result<Option<Listing>, Failure> {
    match answer.optional("images", answer::array)? {
        Some(_) => Listing::decode(answer.body).map(Some),
        None => Ok(None),
    }
}

fn result(listing: Option<Listing>) -> Json {
    json!({ "images": listing.map(|listing| listing.to_json()) })
}

fn tested(answer: &Answer<'_>) -> Result<Json, Failure> {
    let listing = listing(answer)?;
    if let (Some(listing), Some(hash)) = (&listing, answer.arguments.bytes("hash"))
        && !listing.slots.iter().any(|slot| slot.holds(&hash) && (slot.pending || slot.active))
    {
        return Err(Failure::new(
            Status::NotMarked,
            "the device accepted the request and does not list the image as pending.",
        ));
    }
    Ok(result(listing))
}

/// NCS 2.1 answers success whether or not it confirmed (Zephyr issue 56617), so its list decides.
fn confirmed(answer: &Answer<'_>) -> Result<Json, Failure> {
    let listing = listing(answer)?;
    if let Some(listing) = &listing {
        let hash = answer.arguments.bytes("hash");
        let done = match &hash {
            None => listing.slots.iter().any(|slot| slot.active && slot.confirmed),
            Some(hash) => listing.slots.iter().any(|slot| {
                slot.holds(hash)
                    && if slot.active { slot.confirmed } else { slot.permanent || slot.confirmed }
            }),
        };
        if !done {
            return Err(Failure::new(
                Status::NotConfirmed,
                "the device accepted the request and does not list the image as confirmed.",
            ));
        }
    }
    Ok(result(listing))
}

fn slots(answer: &Answer<'_>) -> Result<Json, Failure> {
    let images = answer.required("images", answer::array)?;
    let images = answer::elements(&images, |value| {
        let items = answer::map(value)?;
        let number = |key| answer::entry(&items, key, answer::number);
        let slots = answer::entry(&items, "slots", answer::array);
        Some(json!({
            "image": number("image").unwrap_or(0),
            "max_image_size": number("max_image_size"),
            "slots": slots.map(|slots| answer::elements(&slots, slot)).unwrap_or_default(),
        }))
    });
    Ok(json!({ "images": images }))
}

/// `upload_image_id` is the image number to upload under to reach this slot; a slot that could not be read has an error.
fn slot(value: Value<'_>) -> Option<Json> {
    let items = answer::map(value)?;
    Some(json!({
        "slot": answer::entry(&items, "slot", answer::number),
        "size": answer::entry(&items, "size", answer::number),
        "upload_image_id": answer::entry(&items, "upload_image_id", answer::number),
        "error": answer::entry(&items, "rc", answer::integer).filter(|code| *code != 0),
    }))
}
