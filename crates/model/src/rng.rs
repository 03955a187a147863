//! The port randomness comes through.

/// Where unpredictable bytes come from. A parameter everywhere, so that tests see stable ids while
/// production sees the operating system's generator.
pub trait Rng: Send + Sync {
    /// Fills the whole buffer. An implementation that can't must abort the process: there is no
    /// safe value to go on with.
    fn fill(&self, buffer: &mut [u8]);
}

impl<R: Rng + ?Sized> Rng for std::sync::Arc<R> {
    fn fill(&self, buffer: &mut [u8]) {
        (**self).fill(buffer);
    }
}
