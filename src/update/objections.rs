//! What speaks against an image before its first byte: each is a refusal of the update, and each may be overridden by its name.

use super::kinds::{View, WayBack};
use super::options::{UpdateMode, UpdateOptions};
use super::plan::{Action, Task};
use crate::failure::Failure;
use crate::firmware::{Firmware, Image, Version};
use crate::status::Status;

/// A reason that can be overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objection {
    Board,
    SecurityCounter,
    Dependencies,
    Version,
    Size,
    ImageNumber,
}

impl Objection {
    pub const ALL: [Objection; 6] = [
        Objection::Board,
        Objection::SecurityCounter,
        Objection::Dependencies,
        Objection::Version,
        Objection::Size,
        Objection::ImageNumber,
    ];

    /// The name in the plan; with "ignore_" before it that of its option.
    pub const fn name(self) -> &'static str {
        match self {
            Objection::Board => "board",
            Objection::SecurityCounter => "security_counter",
            Objection::Dependencies => "dependencies",
            Objection::Version => "version",
            Objection::Size => "size",
            Objection::ImageNumber => "image_number",
        }
    }
}

impl UpdateOptions {
    fn of_objection(&mut self, objection: Objection) -> &mut bool {
        match objection {
            Objection::Board => &mut self.ignore_board,
            Objection::SecurityCounter => &mut self.ignore_security_counter,
            Objection::Dependencies => &mut self.ignore_dependencies,
            Objection::Version => &mut self.ignore_version,
            Objection::Size => &mut self.ignore_size,
            Objection::ImageNumber => &mut self.ignore_image_number,
        }
    }

    /// The same without the override of one objection; `None` where it is not overridden.
    pub(super) fn insisting_on(mut self, objection: Objection) -> Option<UpdateOptions> {
        std::mem::take(self.of_objection(objection)).then_some(self)
    }
}

/// Whether something of the image is still to be sent or started.
fn starts(action: Action) -> bool {
    matches!(action, Action::Upload | Action::Mark | Action::Boot)
}

/// The first of what speaks against an image, beside what its kind says.
pub(super) fn raise(view: &View<'_>, task: &Task, tasks: &[Task]) -> Result<(), Failure> {
    let options = view.options;
    if starts(task.action) {
        if !options.ignore_board {
            fits_board(view)?;
        }
        if !options.ignore_security_counter {
            counts_enough(view, tasks)?;
        }
        if options.require_way_back {
            goes_back(view, task)?;
        }
    }
    if !options.ignore_dependencies && task.action != Action::Nothing {
        has_dependencies(view, tasks)?;
    }
    Ok(())
}

// ---- the board

/// Whether the device has to be asked for its board before anything is written.
pub(super) fn asks_board(firmware: &Firmware, tasks: &[Task], options: &UpdateOptions) -> bool {
    let names = |image: &Image| board_of(image).is_some();
    let asked = !options.ignore_board || options.check_only;
    asked
        && firmware.images.iter().any(names)
        && tasks.iter().any(|task| starts(task.action) && task.kind.board_question().is_some())
}

/// The board that the manifest names for an image.
fn board_of(image: &Image) -> Option<&str> {
    image.origin.as_ref()?.board.as_deref().filter(|board| is_board(board))
}

/// Hooks of applications may put anything there.
pub(super) fn is_board(text: &str) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./@".contains(&byte);
    (1..=96).contains(&text.len()) && text.bytes().all(usual)
}

/// A package is for a board if any of its files is: those for the second core of a chip name a target of their own.
fn fits_board(view: &View<'_>) -> Result<(), Failure> {
    let Some(here) = view.told.board.as_deref() else { return Ok(()) };
    let mut named = view.firmware.images.iter().filter_map(board_of).peekable();
    let Some(first) = named.peek().copied() else { return Ok(()) };
    if named.any(|board| same_board(board, here)) {
        return Ok(());
    }
    Err(Failure::new(
        Status::ImageUnsupported,
        format!(
            "the package is made for the board {first}, and the device says that it is a {here}: version {} is made for another device. \
             If it is not, override this with ignore_board.",
            view.image.version
        ),
    ))
}

/// Compares the names up to the first `/`, behind which chip, core and variant stand since Zephyr 3.7. Before, these followed a `_`
/// (`nrf5340dk_nrf5340_cpuapp`), and one board may be named in either way. A revision (`@0.14.0`) makes no other board.
fn same_board(one: &str, other: &str) -> bool {
    let (one, other) = (stem(one), stem(other));
    let begins = |long: &str, short: &str| {
        long.get(..short.len()).is_some_and(|start| start.eq_ignore_ascii_case(short))
            && matches!(long.as_bytes().get(short.len()), None | Some(b'_'))
    };
    begins(one, other) || begins(other, one)
}

/// A name without target, revision, core and security domain.
fn stem(board: &str) -> &str {
    let board = board.split(['/', '@']).next().unwrap_or(board);
    let mut board = board.strip_suffix("_ns").unwrap_or(board);
    for core in ["_cpuapp", "_cpunet"] {
        board = board.strip_suffix(core).unwrap_or(board);
    }
    match board.strip_suffix("ns") {
        // `nrf9160dk_nrf9160ns` of the releases before 1.7.
        Some(chip) if chip.ends_with(|last: char| last.is_ascii_digit()) => chip,
        _ => board,
    }
}

// ---- the security counter

/// A bootloader with roll-back protection starts no image whose counter is lower than its own, nor one without a counter (MCUboot
/// `MCUBOOT_HW_ROLLBACK_PROT`). Each image has a counter of its own; the caller tells that of the application.
fn counts_enough(view: &View<'_>, tasks: &[Task]) -> Result<(), Failure> {
    let needed = view.options.security_counter;
    let is_application = view.number == 0 || tasks.len() == 1;
    if needed == 0 || !is_application || view.image.security_counter.is_some_and(|own| own >= needed) {
        return Ok(());
    }
    let own = match view.image.security_counter {
        Some(own) => format!("has the security counter {own}"),
        None => "has no security counter".to_owned(),
    };
    Err(Failure::new(
        Status::DowngradeRefused,
        format!(
            "version {} {own}, and the device is said to be at {needed}: its bootloader would not start it. Sign it with a counter of at \
             least {needed}, or override this with ignore_security_counter.",
            view.image.version
        ),
    ))
}

// ---- the way back

fn goes_back(view: &View<'_>, task: &Task) -> Result<(), Failure> {
    if view.options.mode == UpdateMode::UploadOnly || task.kind.way_back(view) != WayBack::None {
        return Ok(());
    }
    Err(Failure::new(
        Status::NotSupported,
        format!(
            "the update was asked for a way back (require_way_back), and there is none for version {} of image {} on this device ({}): once \
             it runs, it stays.",
            view.image.version,
            view.number,
            task.kind.name()
        ),
    ))
}

// ---- other images

/// MCUboot starts no image whose dependencies are unmet (`boot_verify_slot_dependencies`), so nothing is gained by sending it. What the
/// device does not list is not held against it.
fn has_dependencies(view: &View<'_>, tasks: &[Task]) -> Result<(), Failure> {
    for needed in &view.image.dependencies {
        let number = u32::from(needed.image_number);
        let sent = tasks.iter().find(|other| other.number == number);
        let there = match sent {
            Some(other) => Some(view.firmware.images[other.index as usize].version),
            None => view.listing.active(number).and_then(|slot| Version::parse(&slot.version)),
        };
        // The build number counts only in bootloaders that are built so.
        let is_met = |there: Version| there.without_build() >= needed.minimum.without_build();
        if let Some(there) = there.filter(|there| !is_met(*there)) {
            let from = if sent.is_some() { "the package holds" } else { "the device runs" };
            return Err(Failure::new(
                Status::DependencyUnmet,
                format!(
                    "version {} of image {} needs image {number} in version {} or higher, and {from} version {there} of it, so the \
                     bootloader would not start it: update both together, or that one first, or override this with ignore_dependencies.",
                    view.image.version, view.number, needed.minimum
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Objection, is_board, same_board};
    use crate::update::UpdateOptions;

    #[test]
    fn one_board_under_its_names() {
        for (one, other) in [
            ("nrf5340dk", "nrf5340dk"),
            ("nrf5340dk/nrf5340/cpuapp", "nrf5340dk"),
            ("nrf5340dk/nrf5340/cpuapp", "nrf5340dk/nrf5340/cpunet"),
            ("nrf5340dk/nrf5340/cpuapp", "nrf5340dk_nrf5340_cpuapp"),
            ("nrf5340dk_nrf5340_cpunet", "nrf5340dk_nrf5340_cpuapp"),
            ("nrf9160dk@0.14.0/nrf9160/ns", "nrf9160dk_nrf9160_ns"),
            ("nrf9160dk_nrf9160ns", "nrf9160dk_nrf9160_ns"),
            ("nrf9160dk_nrf9160", "nrf9160dk_nrf9160_ns"),
            ("NRF52840DK_nRF52840", "nrf52840dk/nrf52840"),
        ] {
            assert!(same_board(one, other) && same_board(other, one), "{one} {other}");
        }
    }

    #[test]
    fn other_boards() {
        for (one, other) in [
            ("nrf5340dk/nrf5340/cpuapp", "nrf52840dk/nrf52840"),
            ("nrf52dk_nrf52832", "nrf52840dk_nrf52840"),
            ("nrf52840dk", "nrf52840dongle"),
            ("frdm_k64f", "frdm_kw41z"),
            ("thingy52_nrf52832", "thingy53_nrf5340_cpuapp"),
        ] {
            assert!(!same_board(one, other) && !same_board(other, one), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_name_tells_nothing() {
        assert!(is_board("nrf9160dk@0.14.0/nrf9160/ns"));
        for text in ["", "virtual device", "b\u{e4}r", "a\nb", "unknown board", &"x".repeat(97)] {
            assert!(!is_board(text), "{text}");
        }
    }

    #[test]
    fn each_objection_has_an_override_of_its_own() {
        for objection in Objection::ALL {
            let mut options = UpdateOptions::default();
            assert_eq!(options.insisting_on(objection), None, "{}", objection.name());
            *options.of_objection(objection) = true;
            assert_eq!(options.insisting_on(objection), Some(UpdateOptions::default()));
            assert_eq!(
                Objection::ALL.iter().filter(|other| options.insisting_on(**other).is_some()).count(),
                1
            );
        }
    }
}
