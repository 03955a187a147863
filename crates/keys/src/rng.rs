//! The operating system's generator behind the port.

use aeolus_model::Rng;
use aws_lc_rs::rand;

/// The machine's generator of unpredictable bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, buffer: &mut [u8]) {
        if rand::fill(buffer).is_err() {
            // There is no safe value to go on with, and unwinding could be caught.
            std::process::abort();
        }
    }
}
