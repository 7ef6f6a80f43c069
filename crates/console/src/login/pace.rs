//! How often somebody may try to sign in, by where they come from.
//!
//! Counted in memory, by each gateway for itself. What an account allows is counted in the store, for all of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use axum::{Extension, Router};
use parking_lot::Mutex;

/// What is counted together.
const WINDOW: Duration = Duration::from_mins(1);
/// Most tries from one place in a window.
const TRIES: u32 = 20;
/// Most tries from this machine, where a proxy stands for all who come through it.
const TRIES_HERE: u32 = 240;
/// Most places that are told apart; others share one count.
const PLACES_MAX: usize = 4_096;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The router for a connection from this address.
pub fn from_peer(router: &Router, address: IpAddr) -> Router {
    router.clone().layer(Extension(Peer(address)))
}

/// Counts tries.
#[derive(Default)]
pub(crate) struct Pace {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    places: HashMap<IpAddr, Count>,
    others: Option<Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Instant,
    tries: u32,
}

impl Pace {
    /// Counts a try; false where there were too many.
    pub(crate) fn admit(&self, peer: Option<Peer>, now: Instant) -> bool {
        let place = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| place_of(peer.0));
        let most = if place.is_loopback() { TRIES_HERE } else { TRIES };
        let mut counts = self.counts.lock();
        let is_known = counts.places.contains_key(&place);
        if !is_known && counts.places.len() >= PLACES_MAX {
            counts.places.retain(|_, count| !count.is_over(now));
        }
        let fresh = Count { since: now, tries: 0 };
        let count = if is_known || counts.places.len() < PLACES_MAX {
            counts.places.entry(place).or_insert(fresh)
        } else {
            counts.others.get_or_insert(fresh)
        };
        if count.is_over(now) {
            *count = fresh;
        }
        count.tries = count.tries.saturating_add(1);
        count.tries <= most
    }
}

impl Count {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= WINDOW
    }
}

/// One house has one address of IPv4, and 2^64 of IPv6.
fn place_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(pace: &Pace, address: &str, now: Instant) -> bool {
        pace.admit(Some(Peer(address.parse().unwrap())), now)
    }

    #[test]
    fn one_place_has_so_many_tries_a_minute() {
        let (pace, now) = (Pace::default(), Instant::now());
        for address in ["192.0.2.1", "2001:db8::1"] {
            let admitted = (0..100).filter(|_| admit(&pace, address, now)).count();
            assert_eq!(admitted, TRIES as usize, "{address}");
        }
        // It is the same house.
        assert!(!admit(&pace, "2001:db8::2", now));
        assert!(!admit(&pace, "::ffff:192.0.2.1", now));
        assert!(admit(&pace, "192.0.2.2", now) && admit(&pace, "2001:db8:0:1::1", now));
        assert!(admit(&pace, "192.0.2.1", now + WINDOW));
        let here = (0..500).filter(|_| admit(&pace, "127.0.0.1", now)).count();
        assert_eq!(here, TRIES_HERE as usize);
        assert!(pace.admit(None, now));
    }

    #[test]
    fn many_places_take_no_more_memory_and_known_ones_go_on() {
        let (pace, now) = (Pace::default(), Instant::now());
        assert!(admit(&pace, "192.0.2.1", now));
        let admitted = (0..20_000u32)
            .filter(|number| pace.admit(Some(Peer(IpAddr::V4((0x0a00_0000 + number).into()))), now))
            .count();
        assert_eq!(admitted, PLACES_MAX - 1 + TRIES as usize);
        assert_eq!(pace.counts.lock().places.len(), PLACES_MAX);
        assert!(admit(&pace, "192.0.2.1", now));
        assert!(admit(&pace, "198.51.100.1", now + WINDOW));
    }
}
