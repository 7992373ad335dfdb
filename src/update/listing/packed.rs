//! A list in few bytes, as it is kept through an upload: a fleet has many sessions.

use super::{ListedHash, ListedSlot, Listing};

/// A list of slots, packed: flags, then for each slot its numbers, flags, version and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackedListing(Box<[u8]>);

/// A number below this one takes a byte; a greater one follows it in four.
const LARGE: u8 = 255;

impl PackedListing {
    pub fn new(listing: &Listing) -> PackedListing {
        let mut bytes = vec![
            u8::from(listing.numbered)
                | u8::from(listing.flags_first) << 1
                | u8::from(listing.split_status) << 2,
        ];
        for slot in &listing.slots {
            push_number(&mut bytes, slot.image);
            push_number(&mut bytes, slot.slot);
            let flags = [slot.bootable, slot.pending, slot.confirmed, slot.active, slot.permanent];
            bytes.push(flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag)));
            // Neither is longer than a byte can say.
            push_bytes(&mut bytes, slot.version.as_bytes());
            push_bytes(&mut bytes, slot.hash.as_ref().map_or(&[], ListedHash::as_bytes));
        }
        PackedListing(bytes.into_boxed_slice())
    }

    pub fn unpack(&self) -> Listing {
        let mut rest = &self.0[..];
        let flags = take(&mut rest, 1).first().copied().unwrap_or(0);
        let mut slots = Vec::new();
        while !rest.is_empty() {
            let (image, slot) = (take_number(&mut rest), take_number(&mut rest));
            let flags = take(&mut rest, 1).first().copied().unwrap_or(0);
            let flag = |n: u8| flags & 1 << n != 0;
            slots.push(ListedSlot {
                image,
                slot,
                version: String::from_utf8_lossy(take_bytes(&mut rest)).into(),
                hash: ListedHash::new(take_bytes(&mut rest)),
                bootable: flag(0),
                pending: flag(1),
                confirmed: flag(2),
                active: flag(3),
                permanent: flag(4),
            });
        }
        Listing {
            slots: slots.into(),
            numbered: flags & 1 != 0,
            flags_first: flags & 2 != 0,
            split_status: flags & 4 != 0,
        }
    }
}

fn push_number(bytes: &mut Vec<u8>, number: u32) {
    match u8::try_from(number) {
        Ok(small) if small != LARGE => bytes.push(small),
        _ => {
            bytes.push(LARGE);
            bytes.extend(number.to_le_bytes());
        }
    }
}

fn push_bytes(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.push(content.len() as u8);
    bytes.extend(content);
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, after) = rest.split_at(length.min(rest.len()));
    *rest = after;
    taken
}

fn take_number(rest: &mut &[u8]) -> u32 {
    match take(rest, 1) {
        [LARGE] => take(rest, 4).iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)),
        [small] => u32::from(*small),
        _ => 0,
    }
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = take(rest, 1).first().copied().unwrap_or(0);
    take(rest, usize::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_list_is_lost() {
        let hash = |length: usize| ListedHash::new(&vec![7; length]);
        let slot = |image, slot, version: &str, hash| ListedSlot {
            image,
            slot,
            version: version.into(),
            hash,
            bootable: image == 0,
            pending: slot == 1,
            confirmed: slot == 0,
            active: image == 1,
            permanent: image == 255,
        };
        for (numbered, flags_first, split_status) in
            [(false, false, false), (true, false, true), (false, true, false)]
        {
            let slots = [
                slot(0, 0, "1.2.3.4", hash(32)),
                slot(0, 1, "", hash(64)),
                slot(1, 254, "\u{fffd}\u{fffd}\u{fffd}", None),
                slot(255, u32::MAX, "01234567890123456789012345678901", hash(48)),
                slot(65_536, 256, "0.0.0", hash(32)),
            ];
            let listing = Listing { slots: slots.into(), numbered, flags_first, split_status };
            assert_eq!(PackedListing::new(&listing).unpack(), listing);
        }
        assert_eq!(PackedListing::new(&Listing::default()).unpack(), Listing::default());
    }
}
