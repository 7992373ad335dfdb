//! The checksum of the console framing: CRC-16/XMODEM (polynomial 0x1021, start value 0, nothing reflected).

use crc::{CRC_16_XMODEM, Crc};

static XMODEM: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// The checksum of `bytes`.
pub fn checksum(bytes: &[u8]) -> u16 {
    XMODEM.checksum(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out() {
        assert_eq!(checksum(b"123456789"), 0x31c3);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn a_checksum_behind_its_bytes_gives_zero() {
        let mut bytes = b"a frame".to_vec();
        bytes.extend(checksum(&bytes).to_be_bytes());
        assert_eq!(checksum(&bytes), 0);
    }
}
