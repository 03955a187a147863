//! What time it is at a gate: control's signed time plus what the boot clock has counted since.

use std::sync::Arc;
use std::time::Duration;

use aeolus_model::{Clock, Time};
use arc_swap::ArcSwap;

/// A clock that only counts: it never jumps, and goes on while the machine sleeps.
pub trait BootClock: Send + Sync {
    /// Time since an arbitrary start.
    fn elapsed(&self) -> Duration;
}

/// `CLOCK_BOOTTIME` where there is one, else `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemBootClock;

impl BootClock for SystemBootClock {
    fn elapsed(&self) -> Duration {
        #[cfg(target_os = "linux")]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let id = rustix::time::ClockId::Monotonic;
        let now = rustix::time::clock_gettime(id);
        let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
        Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), nanos)
    }
}

/// Gate time. The wall clock is asked once, at cold start, and never believed below a time that was
/// already reached; afterwards control's signed time corrects it.
pub struct GateClock {
    boot: Arc<dyn BootClock>,
    anchor: ArcSwap<Anchor>,
    floor: Option<Time>,
}

#[derive(Clone, Copy)]
struct Anchor {
    time: Time,
    /// What the time would be if it had never been set back.
    furthest: Time,
    at: Duration,
    suspect: bool,
}

impl GateClock {
    /// Starts from the wall clock, floored by the last time that was persisted or signed. A wall
    /// clock below that floor is suspect until control says the time.
    pub fn start(wall: &dyn Clock, boot: Arc<dyn BootClock>, floor: Option<Time>) -> Self {
        // Control's whole seconds and small corrections of either clock are no reason for alarm.
        const TOLERANCE: Duration = Duration::from_secs(60);
        let wall = wall.now();
        let reached = floor.unwrap_or(Time::EPOCH);
        let anchor = ArcSwap::from_pointee(Anchor {
            time: wall.max(reached),
            furthest: wall.max(reached),
            at: boot.elapsed(),
            suspect: wall.plus(TOLERANCE) < reached,
        });
        Self {
            boot,
            anchor,
            floor,
        }
    }

    /// The last time that was persisted or signed before the start, if any was.
    pub const fn floor(&self) -> Option<Time> {
        self.floor
    }

    /// Takes a signed time. The caller has checked that it is later than any taken before: one that is
    /// said again would set the clock back.
    pub(crate) fn signed(&self, time: Time) {
        let now = self.now();
        // Signed times are whole seconds: within that second the clock must not step back.
        let time = if now.secs() == time.secs() { now } else { time };
        self.set(time, self.furthest().max(time));
    }

    /// Takes a signed time in place of all that was taken before, which is believed no more.
    pub(crate) fn begin_anew(&self, time: Time) {
        self.set(time, time);
    }

    /// Learns that a time was reached already. One that is behind changes nothing.
    pub(crate) fn reached(&self, time: Time) {
        if time > self.now() {
            self.set(time, self.furthest().max(time));
        }
    }

    /// What the time would be if it had never been set back: by how much it was, all in all, is judged
    /// by this.
    pub(crate) fn furthest(&self) -> Time {
        let anchor = self.anchor();
        anchor.furthest.plus(self.since(anchor))
    }

    /// Whether the wall clock was behind at start and control hasn't been heard since.
    pub fn is_suspect(&self) -> bool {
        self.anchor().suspect
    }

    fn set(&self, time: Time, furthest: Time) {
        self.anchor.store(Arc::new(Anchor {
            time,
            furthest,
            at: self.boot.elapsed(),
            suspect: false,
        }));
    }

    fn since(&self, anchor: Anchor) -> Duration {
        self.boot.elapsed().saturating_sub(anchor.at)
    }

    fn anchor(&self) -> Anchor {
        **self.anchor.load()
    }
}

impl Clock for GateClock {
    fn now(&self) -> Time {
        let anchor = self.anchor();
        anchor.time.plus(self.since(anchor))
    }
}

impl std::fmt::Debug for GateClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GateClock({:?})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Default)]
    struct Boot(AtomicU64);
    impl BootClock for Boot {
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst))
        }
    }
    struct Wall(i64);
    impl Clock for Wall {
        fn now(&self) -> Time {
            Time::from_secs(self.0)
        }
    }

    #[test]
    fn f34_the_wall_counts_only_at_start_and_never_below_the_floor() {
        let boot = Arc::new(Boot::default());
        let clock = GateClock::start(&Wall(1_000), boot.clone(), Some(Time::from_secs(5_000)));
        assert!(clock.is_suspect());
        assert_eq!(clock.now(), Time::from_secs(5_000));
        boot.0.store(7, Ordering::SeqCst);
        assert_eq!(clock.now(), Time::from_secs(5_007));
        clock.signed(Time::from_secs(6_000));
        assert!(!clock.is_suspect());
        boot.0.store(10, Ordering::SeqCst);
        assert_eq!(clock.now(), Time::from_secs(6_003));
    }

    #[test]
    fn a_signed_second_does_not_step_back() {
        struct Millis;
        impl Clock for Millis {
            fn now(&self) -> Time {
                Time::from_millis(1_900)
            }
        }
        let boot = Arc::new(Boot::default());
        let clock = GateClock::start(&Millis, boot, None);
        clock.signed(Time::from_secs(1));
        assert_eq!(clock.now(), Time::from_millis(1_900));
    }

    /// However small the steps: what it was set back by adds up.
    #[test]
    fn f22_how_far_time_was_set_back_is_not_forgotten() {
        let boot = Arc::new(Boot::default());
        let clock = GateClock::start(&Wall(1_000), boot.clone(), None);
        for step in 1..=3 {
            boot.0.store(step * 600, Ordering::SeqCst);
            clock.signed(Time::from_secs(1_000 + step.cast_signed() * 10));
        }
        assert_eq!(clock.now(), Time::from_secs(1_030));
        assert_eq!(clock.furthest(), Time::from_secs(2_800));
        clock.begin_anew(Time::from_secs(500));
        assert_eq!(
            (clock.now(), clock.furthest()),
            (Time::from_secs(500), Time::from_secs(500))
        );
    }

    #[test]
    fn the_boot_clock_counts() {
        assert!(SystemBootClock.elapsed() > Duration::ZERO);
    }
}
