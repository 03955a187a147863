//! How much of anything is worked on, in one place: what is refused here is refused before it costs.

/// Limits of one installation. What clients need to know of them is in the service provider's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: usize,
    /// Nesting of objects and lists in a body.
    pub json_depth: usize,
    /// Bytes of one text.
    pub text: usize,
    /// Bytes of all texts of one resource.
    pub resource: usize,
    /// Values of one attribute of a user.
    pub values: usize,
    /// Bytes of a filter or a path.
    pub filter_bytes: usize,
    /// Nesting of parentheses and brackets in a filter.
    pub filter_depth: usize,
    /// Comparisons in a filter.
    pub filter_terms: usize,
    /// Operations of one PATCH.
    pub patch_operations: usize,
    /// Values of lists in one PATCH, and members in one POST or PUT.
    pub member_values: usize,
    /// What one PATCH may cost: a comparison with a text of up to 32 bytes is one, with a longer one more.
    pub patch_work: u64,
    /// Names in `attributes` or `excludedAttributes`.
    pub projected: usize,
    /// Resources in a page, unless said.
    pub page_default: u32,
    /// Resources in a page, at most.
    pub page_max: u32,
    /// Seconds for which a cursor can be used.
    pub cursor_seconds: u64,
    /// Operations of one bulk request.
    pub bulk_operations: usize,
}

impl Limits {
    /// The values of note 030.
    pub const DEFAULT: Self = Self {
        body: 5 * 1024 * 1024,
        json_depth: 32,
        text: 64 * 1024,
        resource: 1024 * 1024,
        values: 500,
        filter_bytes: 4 * 1024,
        filter_depth: 32,
        filter_terms: 100,
        patch_operations: 5_000,
        member_values: 20_000,
        patch_work: 1_000_000,
        projected: 200,
        page_default: 100,
        page_max: 1_000,
        cursor_seconds: 3_600,
        bulk_operations: 1_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
