//! The machine: the limit on open files, and the clock.

use std::path::Path;
use std::time::Duration;

use bartizan_core::time;
use jiff::Timestamp;

use super::Line;

/// Room for 10,000 clients, connections to providers, the log and the store.
const OPEN_FILES: u64 = 11_000;
/// Clocks are set back by small amounts; events further ahead than this come from a wrong one.
const CLOCK_SLACK: Duration = Duration::from_secs(120);
/// No build is older, so no right clock is behind it.
const EARLIEST: &str = "2026-01-01T00:00:00Z";

/// What `up` may have open: it raises the soft limit to the hard one.
#[cfg(unix)]
pub(super) fn open_files() -> Line {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.maximum.map_or_else(|| Line::ok("open files", "no limit"), judge)
}

#[cfg(not(unix))]
pub(super) fn open_files() -> Line {
    Line::ok("open files", "no limit is known")
}

fn judge(limit: u64) -> Line {
    let found = format!("at most {limit}");
    if limit >= OPEN_FILES {
        return Line::ok("open files", found);
    }
    Line::warn(
        "open files",
        format!("{found}, too few for 10,000 connections"),
        "raise the hard limit: `ulimit -Hn`, `LimitNOFILE=` of a systemd unit, `docker run --ulimit nofile=65536`",
    )
}

/// Expiry of keys, windows of limits and the order of events hang on the clock.
pub(super) fn clock(folder: &Path) -> Line {
    let now = time::now();
    let ahead = now.checked_add(CLOCK_SLACK).ok().and_then(|soon| {
        bartizan_ledger::read(&folder.join(bartizan_ledger::FOLDER), Some(soon))
            .find_map(Result::ok)
    });
    verdict(now, ahead.map(|event| event.time).as_deref())
}

fn verdict(now: Timestamp, ahead: Option<&str>) -> Line {
    let fix = "set the clock, for example with `timedatectl set-ntp true`";
    if EARLIEST.parse().is_ok_and(|earliest: Timestamp| now < earliest) {
        return Line::fail("clock", format!("{now:.0} lies in the past"), fix);
    }
    match ahead {
        Some(time) => Line::warn("clock", format!("{now:.0} lies before an event of {time}"), fix),
        None => Line::ok("clock", format!("{now:.0}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn few_open_files_are_worth_a_word() {
        assert_eq!(judge(1024).state, State::Warn);
        assert_eq!(judge(65_536).state, State::Ok);
    }

    #[test]
    fn a_clock_behind_the_log_or_the_build_is_wrong() {
        let at = |time: &str| time.parse().unwrap();
        assert_eq!(verdict(at("2027-01-01T00:00:00Z"), None).state, State::Ok);
        let ahead = Some("2027-02-01T00:00:00.000000Z");
        assert_eq!(verdict(at("2027-01-01T00:00:00Z"), ahead).state, State::Warn);
        assert_eq!(verdict(at("1970-01-01T00:00:00Z"), None).state, State::Fail);
    }
}
