//! The image list of a device (Zephyr `img_mgmt_state.c`; `smp_group_1.rst`, "Get state of images").
//!
//! Flags may be absent or false, `image` is absent on single-image devices, slots without a valid image are left out.

mod packed;

pub(super) use packed::PackedListing;

use crate::failure::Failure;
use crate::smp::cbor::{self, Items, Value};
use crate::status::Status;

/// The hash by which a device lists an image.
#[derive(Clone, PartialEq, Eq)]
pub struct ListedHash(Box<[u8]>);

impl ListedHash {
    /// SHA-256, SHA-384 and SHA-512 are known; any other length is `None`.
    pub fn new(bytes: &[u8]) -> Option<ListedHash> {
        if !matches!(bytes.len(), 32 | 48 | 64) {
            return None;
        }
        Some(ListedHash(Box::from(bytes)))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for ListedHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One slot that holds an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSlot {
    /// The image number.
    pub image: u32,
    /// The slot of the image, 0 or 1.
    pub slot: u32,
    /// The version as the device writes it, "1.2.3" or "1.2.3.4".
    pub version: Box<str>,
    /// The hash, where the device tells one.
    pub hash: Option<ListedHash>,
    /// The bootloader can start it.
    pub bootable: bool,
    /// It will be started at the next reset.
    pub pending: bool,
    /// It will not be swapped back.
    pub confirmed: bool,
    /// It runs.
    pub active: bool,
    /// It will be started at the next reset for good.
    pub permanent: bool,
}

/// The slots that a device lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// In the order of the device.
    pub slots: Box<[ListedSlot]>,
    /// The device numbers its images, as one with several does.
    pub numbered: bool,
    /// A flag stood before the slot, as MCUboot's recovery writes them and no application does.
    flags_first: bool,
    /// A split status stands beside the slots, as only an application's server writes it.
    split_status: bool,
}

/// More slots than any device has.
const MOST_SLOTS: usize = 32;
/// A version longer than this is cut.
const LONGEST_VERSION: usize = 32;

impl Listing {
    /// Reads the body of an answer; `Err` says what is missing or contradicts itself.
    pub fn decode(body: &[u8]) -> Result<Listing, Failure> {
        let mut images = None;
        let mut split_status = false;
        cbor::entries(body, |key, value| match (key, value) {
            ("images", Value::Array(items)) => images = Some(items),
            ("splitStatus", _) => split_status = true,
            _ => {}
        })
        .map_err(|error| {
            Failure::new(Status::Undecodable, format!("the image list cannot be read: {error}."))
        })?;
        let Some(images) = images else {
            return Err(Failure::new(
                Status::UnexpectedResponse,
                "the answer to the image list holds no list.",
            ));
        };
        let mut slots = Vec::new();
        let mut oddities = Oddities::default();
        images
            .elements(|value| {
                if let Value::Map(items) = value
                    && slots.len() < MOST_SLOTS
                {
                    slots.push(ListedSlot::decode(&items, &mut oddities));
                }
            })
            .map_err(|error| {
                Failure::new(Status::Undecodable, format!("the image list cannot be read: {error}."))
            })?;
        if let Some(length) = oddities.hash_length {
            return Err(Failure::new(
                Status::Contradiction,
                format!("the device lists an image hash of {length} bytes; hashes have 32, 48 or 64."),
            ));
        }
        let Oddities { numbered, flags_first, .. } = oddities;
        let listing = Listing { slots: slots.into_boxed_slice(), numbered, flags_first, split_status };
        listing.check()?;
        Ok(listing)
    }

    fn check(&self) -> Result<(), Failure> {
        for (index, slot) in self.slots.iter().enumerate() {
            if self.slots[..index].iter().any(|other| other.image == slot.image && other.slot == slot.slot) {
                return Err(Failure::new(
                    Status::Contradiction,
                    format!("the device lists slot {} of image {} twice.", slot.slot, slot.image),
                ));
            }
            if slot.active
                && self.slots[..index].iter().any(|other| other.image == slot.image && other.active)
            {
                return Err(Failure::new(
                    Status::Contradiction,
                    format!("the device lists two active slots for image {}.", slot.image),
                ));
            }
        }
        Ok(())
    }

    /// Puts right what servers before Zephyr 3.4 say of images other than 0 (Zephyr 3.1.99 `img_mgmt_state_flags`).
    ///
    /// To them only slot 0 of image 0 can be running, so both slots of another image get the flags of one that waits: the
    /// first one is never active, and confirmed exactly while it is on trial.
    pub(crate) fn with_other_images_running(mut self) -> Listing {
        if self.active(0).is_none() {
            return self;
        }
        let active: Vec<u32> = self.slots.iter().filter(|slot| slot.active).map(|slot| slot.image).collect();
        for slot in self.slots.iter_mut().filter(|slot| slot.slot == 0 && !active.contains(&slot.image)) {
            slot.active = true;
            slot.confirmed = !slot.confirmed;
            slot.pending = false;
            slot.permanent = false;
        }
        self
    }

    /// Whether MCUboot's serial recovery wrote the list: no slot has any flag, or, with `MCUBOOT_SERIAL_IMG_GRP_IMAGE_STATE`, the flags
    /// come before the slot (`boot_serial.c`, `bs_list`).
    pub(crate) fn is_of_recovery(&self) -> bool {
        let flagless = |slot: &ListedSlot| !slot.active && !slot.bootable && !slot.confirmed && !slot.pending;
        self.flags_first || self.slots.iter().all(flagless)
    }

    /// Whether an application certainly wrote the list: Zephyr's server closes it with a split status, unless it is built frugal
    /// (`img_mgmt_state.c`, `CONFIG_MCUMGR_GRP_IMG_FRUGAL_LIST`), and serial recovery knows none.
    pub(crate) fn is_of_application(&self) -> bool {
        self.split_status
    }

    /// The slot that runs, for one image number.
    pub fn active(&self, image: u32) -> Option<&ListedSlot> {
        self.slots.iter().find(|slot| slot.image == image && slot.active)
    }

    /// The slots that do not run, for one image number.
    pub fn others(&self, image: u32) -> impl Iterator<Item = &ListedSlot> {
        self.slots.iter().filter(move |slot| slot.image == image && !slot.active)
    }
}

/// What the slots of a list have in common.
#[derive(Default)]
struct Oddities {
    hash_length: Option<usize>,
    numbered: bool,
    flags_first: bool,
}

impl ListedSlot {
    fn decode(items: &Items<'_>, oddities: &mut Oddities) -> ListedSlot {
        let mut flagged = false;
        let mut slot = ListedSlot {
            image: 0,
            slot: 0,
            version: Box::from(""),
            hash: None,
            bootable: false,
            pending: false,
            confirmed: false,
            active: false,
            permanent: false,
        };
        // The items were walked when the list was read, so they cannot fail here.
        let _ = items.entries(|key, value| match (key, value) {
            ("image", Value::Unsigned(n)) => {
                oddities.numbered = true;
                slot.image = u32::try_from(n).unwrap_or(u32::MAX);
            }
            ("slot", Value::Unsigned(n)) => {
                oddities.flags_first |= flagged;
                slot.slot = u32::try_from(n).unwrap_or(u32::MAX);
            }
            ("version", Value::Text(text)) => {
                let mut end = text.len().min(LONGEST_VERSION);
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                slot.version = Box::from(&text[..end]);
            }
            ("hash", Value::Bytes(bytes)) => {
                slot.hash = ListedHash::new(bytes);
                if slot.hash.is_none() && !bytes.is_empty() {
                    oddities.hash_length = Some(bytes.len());
                }
            }
            ("bootable", Value::Bool(flag)) => (flagged, slot.bootable) = (true, flag),
            ("pending", Value::Bool(flag)) => (flagged, slot.pending) = (true, flag),
            ("confirmed", Value::Bool(flag)) => (flagged, slot.confirmed) = (true, flag),
            ("active", Value::Bool(flag)) => (flagged, slot.active) = (true, flag),
            ("permanent", Value::Bool(flag)) => (flagged, slot.permanent) = (true, flag),
            _ => {}
        });
        slot
    }

    /// Whether the slot holds the image with this hash.
    pub fn holds(&self, hash: &[u8]) -> bool {
        self.hash.as_ref().is_some_and(|listed| listed.as_bytes() == hash)
    }

    /// The slot as a JSON object, as the image-list command gives it.
    pub fn to_json(&self) -> serde_json::Value {
        crate::json::json!({
            "image": self.image,
            "slot": self.slot,
            "version": &*self.version,
            "hash": self.hash.as_ref().map(|hash| format!("{hash:?}")),
            "bootable": self.bootable,
            "pending": self.pending,
            "confirmed": self.confirmed,
            "active": self.active,
            "permanent": self.permanent,
        })
    }
}

impl Listing {
    /// The list as a JSON array.
    pub fn to_json(&self) -> serde_json::Value {
        self.slots.iter().map(ListedSlot::to_json).collect()
    }
}
