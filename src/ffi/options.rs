//! The option structs of C and those of Rust, in both directions.

use super::constants::*;
use super::structs::{smpfota_progress, smpfota_session_options, smpfota_update_options};
use crate::conversation::{Framing, Reassembly, SessionOptions, SmpVersion};
use crate::failure::Failure;
use crate::session::Progress;
use crate::status::Status;
use crate::update::{BootMode, UpdateMode, UpdateOptions};

fn invalid(what: &str, value: u32, meaning: &str) -> Failure {
    Failure::new(Status::InvalidArgument, format!("{what} is {value}; it must be {meaning}."))
}

impl smpfota_session_options {
    pub(super) fn defaults() -> smpfota_session_options {
        let options = SessionOptions::default();
        smpfota_session_options {
            struct_size: size_of::<smpfota_session_options>() as u32,
            framing: options.framing as u32,
            max_write: options.max_write,
            max_frame: options.max_frame,
            window: options.window,
            smp_version: options.smp_version as u32,
            nonce: options.nonce,
            rtt_hint_ms: options.rtt_hint_ms,
            first_timeout_ms: options.first_timeout_ms,
            last_timeout_ms: options.last_timeout_ms,
            timeout_ms: options.timeout_ms,
            retries: options.retries,
            stall_timeout_ms: options.stall_timeout_ms,
            write_interval_ms: options.write_interval_ms,
            reassembly: options.reassembly as u32,
            reserved: 0,
            batch_frames: options.batch_frames,
            batch_bytes: options.batch_bytes,
            batch_gap_ms: options.batch_gap_ms,
            reserved2: 0,
        }
    }

    /// The ranges of the figures are checked where the session opens.
    pub(super) fn parse(&self) -> Result<SessionOptions, Failure> {
        for reserved in [self.reserved, self.reserved2] {
            if reserved != 0 {
                return Err(invalid("the session option reserved", reserved, "0"));
            }
        }
        Ok(SessionOptions {
            framing: match self.framing {
                SMPFOTA_FRAMING_RAW => Framing::Raw,
                SMPFOTA_FRAMING_SERIAL => Framing::Serial,
                other => return Err(invalid("the session option framing", other, "0 (raw) or 1 (serial)")),
            },
            max_write: self.max_write,
            max_frame: self.max_frame,
            window: self.window,
            smp_version: match self.smp_version {
                0 => SmpVersion::Auto,
                1 => SmpVersion::V1,
                2 => SmpVersion::V2,
                other => {
                    return Err(invalid("the session option smp_version", other, "0 (find out), 1 or 2"));
                }
            },
            nonce: self.nonce,
            rtt_hint_ms: self.rtt_hint_ms,
            first_timeout_ms: self.first_timeout_ms,
            last_timeout_ms: self.last_timeout_ms,
            timeout_ms: self.timeout_ms,
            retries: self.retries,
            stall_timeout_ms: self.stall_timeout_ms,
            write_interval_ms: self.write_interval_ms,
            reassembly: match self.reassembly {
                0 => Reassembly::Auto,
                1 => Reassembly::Yes,
                2 => Reassembly::No,
                other => {
                    return Err(invalid(
                        "the session option reassembly",
                        other,
                        "0 (find out), 1 (yes) or 2 (no)",
                    ));
                }
            },
            batch_frames: self.batch_frames,
            batch_bytes: self.batch_bytes,
            batch_gap_ms: self.batch_gap_ms,
        })
    }
}

/// Each flag and the option that it is.
#[expect(clippy::type_complexity, reason = "a table")]
const FLAGS: &[(u32, fn(&mut UpdateOptions) -> &mut bool)] = &[
    (SMPFOTA_UPDATE_ERASE_FIRST, |options| &mut options.erase_first),
    (SMPFOTA_UPDATE_UPGRADE_ONLY, |options| &mut options.upgrade_only),
    (SMPFOTA_UPDATE_HEALTH_CHECK, |options| &mut options.health_check),
    (SMPFOTA_UPDATE_FORCE_UPLOAD, |options| &mut options.force_upload),
    (SMPFOTA_UPDATE_ENTER_LOADER, |options| &mut options.enter_loader),
    (SMPFOTA_UPDATE_CHECK, |options| &mut options.check_only),
    (SMPFOTA_UPDATE_IGNORE_DEPENDENCIES, |options| &mut options.ignore_dependencies),
    (SMPFOTA_UPDATE_IGNORE_BOARD, |options| &mut options.ignore_board),
    (SMPFOTA_UPDATE_IGNORE_SECURITY_COUNTER, |options| &mut options.ignore_security_counter),
    (SMPFOTA_UPDATE_IGNORE_VERSION, |options| &mut options.ignore_version),
    (SMPFOTA_UPDATE_IGNORE_SIZE, |options| &mut options.ignore_size),
    (SMPFOTA_UPDATE_IGNORE_IMAGE_NUMBER, |options| &mut options.ignore_image_number),
    (SMPFOTA_UPDATE_REQUIRE_WAY_BACK, |options| &mut options.require_way_back),
];

impl smpfota_update_options {
    pub(super) fn defaults() -> smpfota_update_options {
        let mut options = UpdateOptions::default();
        smpfota_update_options {
            struct_size: size_of::<smpfota_update_options>() as u32,
            mode: options.mode as u32,
            flags: FLAGS.iter().filter(|(_, flag)| *flag(&mut options)).map(|(bit, _)| bit).sum(),
            swap_estimate_ms: options.swap_estimate_ms,
            swap_timeout_ms: options.swap_timeout_ms,
            slot_size: options.slot_size,
            health_timeout_ms: options.health_timeout_ms,
            deadline_ms: options.deadline_ms,
            boot_mode: options.boot_mode as u32,
            security_counter: options.security_counter,
            self_reset_ms: options.self_reset_ms,
        }
    }

    /// The ranges of the figures are checked where the update starts.
    pub(super) fn parse(&self) -> Result<UpdateOptions, Failure> {
        let known: u32 = FLAGS.iter().map(|(bit, _)| bit).sum();
        if self.flags & !known != 0 {
            return Err(invalid("the update option flags", self.flags, "a sum of SMPFOTA_UPDATE_... bits"));
        }
        let mut options = UpdateOptions {
            mode: match self.mode {
                SMPFOTA_MODE_TEST_AND_CONFIRM => UpdateMode::TestAndConfirm,
                SMPFOTA_MODE_TEST_ONLY => UpdateMode::TestOnly,
                SMPFOTA_MODE_CONFIRM_AT_ONCE => UpdateMode::ConfirmAtOnce,
                SMPFOTA_MODE_UPLOAD_ONLY => UpdateMode::UploadOnly,
                other => return Err(invalid("the update option mode", other, "between 0 and 3")),
            },
            swap_estimate_ms: self.swap_estimate_ms,
            swap_timeout_ms: self.swap_timeout_ms,
            slot_size: self.slot_size,
            health_timeout_ms: self.health_timeout_ms,
            deadline_ms: self.deadline_ms,
            boot_mode: u8::try_from(self.boot_mode)
                .ok()
                .and_then(BootMode::from_number)
                .ok_or_else(|| invalid("the update option boot_mode", self.boot_mode, "between 0 and 7"))?,
            security_counter: self.security_counter,
            self_reset_ms: self.self_reset_ms,
            ..UpdateOptions::default()
        };
        for (bit, flag) in FLAGS {
            *flag(&mut options) = self.flags & bit != 0;
        }
        Ok(options)
    }
}

impl From<Progress> for smpfota_progress {
    fn from(progress: Progress) -> smpfota_progress {
        smpfota_progress {
            struct_size: size_of::<smpfota_progress>() as u32,
            phase: progress.phase as u32,
            bytes_acknowledged: progress.bytes_acknowledged,
            bytes_total: progress.bytes_total,
            image_index: progress.image_index,
            image_count: progress.image_count,
            bytes_per_second: progress.bytes_per_second,
            eta_ms: progress.eta_ms,
            rtt_ms: progress.rtt_ms,
            window: progress.window,
            frame: progress.frame,
            retransmissions: progress.retransmissions,
            ignored: progress.ignored,
            link_resets: progress.link_resets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Phase;

    #[test]
    fn the_defaults_are_those_of_rust() {
        assert_eq!(smpfota_session_options::defaults().parse(), Ok(SessionOptions::default()));
        assert_eq!(smpfota_update_options::defaults().parse(), Ok(UpdateOptions::default()));
    }

    #[test]
    fn every_field_arrives_where_it_belongs() {
        let options = smpfota_session_options {
            struct_size: 64,
            framing: 1,
            max_write: 2,
            max_frame: 3,
            window: 4,
            smp_version: 2,
            nonce: 6,
            rtt_hint_ms: 7,
            first_timeout_ms: 8,
            last_timeout_ms: 9,
            timeout_ms: 10,
            retries: 11,
            stall_timeout_ms: 12,
            write_interval_ms: 13,
            reassembly: 2,
            reserved: 0,
            batch_frames: 14,
            batch_bytes: 15,
            batch_gap_ms: 16,
            reserved2: 0,
        };
        let expected = SessionOptions {
            framing: Framing::Serial,
            max_write: 2,
            max_frame: 3,
            window: 4,
            smp_version: SmpVersion::V2,
            nonce: 6,
            rtt_hint_ms: 7,
            first_timeout_ms: 8,
            last_timeout_ms: 9,
            timeout_ms: 10,
            retries: 11,
            stall_timeout_ms: 12,
            write_interval_ms: 13,
            reassembly: Reassembly::No,
            batch_frames: 14,
            batch_bytes: 15,
            batch_gap_ms: 16,
        };
        assert_eq!(options.parse(), Ok(expected));
    }

    #[test]
    fn each_flag_and_mode_is_one_of_its_own() {
        for (mode, number) in [
            (UpdateMode::TestAndConfirm, 0),
            (UpdateMode::TestOnly, 1),
            (UpdateMode::ConfirmAtOnce, 2),
            (UpdateMode::UploadOnly, 3),
        ] {
            let parsed =
                smpfota_update_options { mode: number, ..smpfota_update_options::defaults() }.parse();
            assert_eq!(parsed.map(|options| options.mode), Ok(mode));
        }
        for bit in 0..4 {
            let parsed =
                smpfota_update_options { flags: 1 << bit, ..smpfota_update_options::defaults() }.parse();
            let options = parsed.expect("a known flag");
            let set = [options.erase_first, options.upgrade_only, options.health_check, options.force_upload];
            assert_eq!(set, [bit == 0, bit == 1, bit == 2, bit == 3]);
        }
    }

    #[test]
    fn numbers_without_a_meaning_are_refused() {
        let session = smpfota_session_options::defaults();
        for wrong in [
            smpfota_session_options { framing: 2, ..session },
            smpfota_session_options { smp_version: 3, ..session },
            smpfota_session_options { reassembly: 3, ..session },
            smpfota_session_options { reserved: 1, ..session },
        ] {
            assert_eq!(wrong.parse().map_err(|failure| failure.status), Err(Status::InvalidArgument));
        }
        let update = smpfota_update_options::defaults();
        for wrong in [
            smpfota_update_options { mode: 4, ..update },
            smpfota_update_options { flags: 1 << 31, ..update },
            smpfota_update_options { boot_mode: 8, ..update },
        ] {
            assert_eq!(wrong.parse().map_err(|failure| failure.status), Err(Status::InvalidArgument));
        }
    }

    #[test]
    fn the_phases_of_the_header_are_those_of_the_engine() {
        for (phase, number) in [
            (Phase::Idle, SMPFOTA_PHASE_IDLE),
            (Phase::Discover, SMPFOTA_PHASE_DISCOVER),
            (Phase::Erase, SMPFOTA_PHASE_ERASE),
            (Phase::Upload, SMPFOTA_PHASE_UPLOAD),
            (Phase::VerifyUpload, SMPFOTA_PHASE_VERIFY_UPLOAD),
            (Phase::Mark, SMPFOTA_PHASE_MARK),
            (Phase::Reset, SMPFOTA_PHASE_RESET),
            (Phase::Swap, SMPFOTA_PHASE_SWAP),
            (Phase::VerifyBoot, SMPFOTA_PHASE_VERIFY_BOOT),
            (Phase::HealthCheck, SMPFOTA_PHASE_HEALTH_CHECK),
            (Phase::Confirm, SMPFOTA_PHASE_CONFIRM),
            (Phase::Done, SMPFOTA_PHASE_DONE),
            (Phase::Failed, SMPFOTA_PHASE_FAILED),
            (Phase::Command, SMPFOTA_PHASE_COMMAND),
        ] {
            assert_eq!(phase as u32, number, "{}", phase.name());
        }
    }
}
