//! Reading the fields of a snapshot; whatever does not fit is damage.

use super::damaged;
use crate::failure::Failure;

/// Reads fields in the order in which they were written.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    version: u8,
}

impl<'a> Reader<'a> {
    /// Of fields that were written in `version` of the format.
    pub fn new(version: u8, rest: &'a [u8]) -> Reader<'a> {
        Reader { rest, version }
    }

    /// The version of the format that the fields were written in, from 1. What a later version added has to be given the
    /// value that an earlier one meant.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Bytes of a known length.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(damaged("it ends too early"));
        };
        self.rest = rest;
        Ok(bytes)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| damaged("it ends too early"))
    }

    /// Bytes behind their length.
    pub fn short_bytes(&mut self) -> Result<&'a [u8], Failure> {
        let length = self.u8()?;
        self.bytes(length.into())
    }

    pub fn u8(&mut self) -> Result<u8, Failure> {
        Ok(self.array::<1>()?[0])
    }

    pub fn bool(&mut self) -> Result<bool, Failure> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(damaged("a flag is neither 0 nor 1")),
        }
    }

    /// Eight flags in one byte.
    pub fn flags(&mut self) -> Result<[bool; 8], Failure> {
        let byte = self.u8()?;
        Ok(std::array::from_fn(|bit| byte >> bit & 1 == 1))
    }

    pub fn u16(&mut self) -> Result<u16, Failure> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, Failure> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Failure> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), Failure> {
        if self.rest.is_empty() { Ok(()) } else { Err(damaged("it is longer than its fields")) }
    }
}
