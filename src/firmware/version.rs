//! The version of an image: what the header holds and how the tools and the devices write it.

use std::fmt;

/// Major, minor, revision and build number, 8 bytes in the header. Ordered the way MCUboot orders them, build last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// The first number.
    pub major: u8,
    /// The second number.
    pub minor: u8,
    /// The third number.
    pub revision: u16,
    /// The build number; 0 where none was given.
    pub build: u32,
}

impl Version {
    /// A version of four numbers.
    pub const fn new(major: u8, minor: u8, revision: u16, build: u32) -> Version {
        Version { major, minor, revision, build }
    }

    /// The 8 bytes of the header: u8, u8, u16 and u32, little-endian.
    pub fn from_bytes(bytes: [u8; 8]) -> Version {
        Version {
            major: bytes[0],
            minor: bytes[1],
            revision: u16::from_le_bytes([bytes[2], bytes[3]]),
            build: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        }
    }

    /// Reads `1.2.3+4` (imgtool), `1.2.3.4` (a device's image list) and the short forms `1`, `1.2` and `1.2.3`.
    pub fn parse(text: &str) -> Option<Version> {
        let (numbers, build) = match text.split_once('+') {
            Some((numbers, build)) => (numbers, Some(number(build)?)),
            None => (text, None),
        };
        let mut parts = numbers.split('.');
        let major = u8::try_from(number(parts.next()?)?).ok()?;
        let mut next = || parts.next().map_or(Some(0), number);
        let (minor, revision, fourth) = (next()?, next()?, next()?);
        let has_fourth = numbers.split('.').count() == 4;
        if parts.next().is_some() || (has_fourth && build.is_some()) {
            return None;
        }
        Some(Version {
            major,
            minor: u8::try_from(minor).ok()?,
            revision: u16::try_from(revision).ok()?,
            build: build.unwrap_or(fourth),
        })
    }

    /// The same version with build number 0: Zephyr's downgrade check ignores the build unless told otherwise.
    pub const fn without_build(self) -> Version {
        Version { build: 0, ..self }
    }

    /// The text of a device's image list: `1.2.3`, or `1.2.3.4` when there is a build number.
    pub fn device_text(self) -> String {
        let Version { major, minor, revision, build } = self;
        if build == 0 {
            format!("{major}.{minor}.{revision}")
        } else {
            format!("{major}.{minor}.{revision}.{build}")
        }
    }
}

/// A number of digits only: `u32::from_str` would also take a sign.
fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// imgtool's text: `1.2.3`, or `1.2.3+4` when there is a build number.
impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.revision)?;
        if self.build != 0 { write!(out, "+{}", self.build) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn text_of_both_kinds_is_read_and_written() {
        let version = Version::new(1, 2, 3, 4);
        assert_eq!(version.to_string(), "1.2.3+4");
        assert_eq!(version.device_text(), "1.2.3.4");
        assert_eq!(Version::parse("1.2.3+4"), Some(version));
        assert_eq!(Version::parse("1.2.3.4"), Some(version));
        assert_eq!(Version::new(1, 2, 3, 0).to_string(), "1.2.3");
        assert_eq!(Version::new(1, 2, 3, 0).device_text(), "1.2.3");
        assert_eq!(Version::parse("7"), Some(Version::new(7, 0, 0, 0)));
        assert_eq!(Version::parse("255.255.65535+4294967295"), Some(Version::new(255, 255, 65535, u32::MAX)));
    }

    #[test]
    fn text_that_is_no_version_is_refused() {
        for text in [
            "",
            "<???>",
            "1.",
            "1..2",
            "256",
            "1.256",
            "1.2.65536",
            "1.2.3.4.5",
            "1.2.3.4+5",
            "+1",
            "-1",
            "1.+2",
            "1 ",
        ] {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn order_is_that_of_mcuboot() {
        let order = ["0.9.9+9", "1.0.0", "1.0.0+1", "1.0.1", "1.1.0", "2.0.0"]
            .map(|text| Version::parse(text).unwrap());
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Version::new(1, 2, 3, 4).without_build(), Version::new(1, 2, 3, 0));
    }
}
