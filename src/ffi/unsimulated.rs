//! What stands behind the functions of the virtual device in a build without the simulator: nothing.

use super::structs::smpfota_device_options;
use crate::failure::Failure;
use crate::status::Status;

/// No value of it exists, so every handle is invalid.
pub(super) enum Device {}

impl Device {
    pub(super) fn open(_: &smpfota_device_options) -> Result<Device, Failure> {
        Err(Status::Unavailable.into())
    }

    pub(super) fn install(&mut self, _: &[u8]) -> Result<(), Failure> {
        match *self {}
    }

    pub(super) fn write(&mut self, _: u64, _: &[u8]) -> Result<(), Status> {
        match *self {}
    }

    pub(super) fn arrived(&mut self, _: u64) -> Result<Option<&[u8]>, Status> {
        match *self {}
    }

    pub(super) fn taken(&mut self) {
        match *self {}
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        match *self {}
    }

    pub(super) fn link(&mut self, _: u64, _: bool) -> Result<(), Status> {
        match *self {}
    }

    pub(super) fn describe(&mut self) -> String {
        match *self {}
    }
}

pub(super) fn check_image(_: &str, _: u32) -> Result<Device, Status> {
    Err(Status::Unavailable)
}

pub(super) fn make_image(none: Device, _: u32, _: u64) -> Vec<u8> {
    match none {}
}

pub(super) fn fault_name(_: u32) -> Result<&'static str, Status> {
    Err(Status::Unavailable)
}

pub(super) fn link_name(_: u32) -> Result<&'static str, Status> {
    Err(Status::Unavailable)
}
