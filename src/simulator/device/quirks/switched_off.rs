//! What a build leaves out. Sources: Zephyr `CONFIG_MCUMGR_GRP_OS`, `CONFIG_MCUMGR_GRP_OS_RESET` and, for the state,
//! `img_mgmt.c` (the write handler is compiled out where the bootloader has no marks; a product may do so as well).

/// Commands that answer rc 8.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SwitchedOff {
    /// The whole OS group: no parameters, no echo, no reset.
    pub os_group: bool,
    /// The write of the image state.
    pub set_state: bool,
}
