//! W3C Trace Context (level 1): a request's trace goes on to the application.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Ids, Lines};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A trace's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Where in which trace a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: TraceId,
    /// The caller's span.
    pub span: u64,
    /// Whether the caller records it.
    pub sampled: bool,
}

impl Trace {
    /// Reads a `traceparent`; anything but its exact form is none (§3.2.2).
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, more) = value.split_at_checked(55)?;
        let (version, rest) = field(head, 2)?;
        let (id, rest) = field(rest, 32)?;
        let (span, rest) = field(rest, 16)?;
        let flags = hex(rest).filter(|_| rest.len() == 2)?;
        // Later versions may say more behind another dash; this one may not.
        let fits = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more.starts_with(b"-"),
        };
        let span = u64::try_from(span).ok()?;
        (fits && id != 0 && span != 0).then_some(Self {
            id: TraceId(id),
            span,
            sampled: flags & 1 == 1,
        })
    }

    /// The trace a request came with, if it came with one.
    pub fn of(lines: &dyn Lines) -> Option<Self> {
        Self::parse(lines.line("traceparent")?)
    }

    /// The value that names a span of this trace as the caller.
    fn line(self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{}-{:016x}-{flags:02x}", self.id, self.span)
    }
}

/// Makes the trace go on to the application: a child of the caller's, or a new one. A new one is
/// marked as recorded, else applications that follow their caller would never record anything.
pub(crate) fn go_on(headers: &mut HeaderMap, ids: &Ids) -> TraceId {
    let caller = Trace::of(headers);
    if caller.is_none() {
        // Without its parent the state belongs to nothing (§3.3.1.4).
        headers.remove(TRACESTATE);
    }
    let ours = Trace {
        id: caller.map_or_else(|| TraceId(ids.next()), |caller| caller.id),
        span: ids.next_short(),
        sampled: caller.is_none_or(|caller| caller.sampled),
    };
    // Hexadecimal digits and dashes always make a value.
    if let Ok(line) = HeaderValue::try_from(ours.line()) {
        headers.insert(TRACEPARENT, line);
    }
    ours.id
}

/// A field of that many digits and the dash behind it.
fn field(text: &[u8], digits: usize) -> Option<(u128, &[u8])> {
    let (field, rest) = text.split_at_checked(digits)?;
    Some((hex(field)?, rest.strip_prefix(b"-")?))
}

/// Lower-case hexadecimal digits only.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use aeolus_testkit::SeededRng;
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn map(all: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().unwrap())
        };
        all.iter().map(pair).collect()
    }

    #[test]
    fn only_the_exact_form_is_a_trace() {
        let trace = Trace::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(trace.id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(trace.sampled);
        assert_eq!(trace.line(), GOOD);
        let later = GOOD.replacen("00", "01", 1) + "-what-else";
        assert!(Trace::parse(later.as_bytes()).is_some());
        let zero_id = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let zero_span = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16));
        for bad in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-more"),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.to_uppercase(),
            &GOOD.replace('-', "_"),
            &format!(" {GOOD}"),
            &zero_id,
            &zero_span,
        ] {
            assert_eq!(Trace::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_child_keeps_the_trace_and_has_a_span_of_its_own() {
        let ids = Ids::new(&SeededRng::new("trace"));
        let mut headers = map(&[("traceparent", GOOD), ("tracestate", "a=b")]);
        let id = go_on(&mut headers, &ids);
        let child = Trace::of(&headers).unwrap();
        assert_eq!(child.id, id);
        assert_eq!(child.id, Trace::parse(GOOD.as_bytes()).unwrap().id);
        assert_ne!(child.span, Trace::parse(GOOD.as_bytes()).unwrap().span);
        assert_eq!(headers["tracestate"], "a=b");
    }

    #[test]
    fn an_unusable_trace_is_replaced_and_its_state_dropped() {
        let ids = Ids::new(&SeededRng::new("trace"));
        let twice = [
            ("traceparent", GOOD),
            ("traceparent", GOOD),
            ("tracestate", "a=b"),
        ];
        for all in [&[("traceparent", "x"), ("tracestate", "a=b")][..], &twice] {
            let mut headers = map(all);
            let id = go_on(&mut headers, &ids);
            assert_eq!(Trace::of(&headers).unwrap().id, id);
            assert!(!headers["traceparent"].to_str().unwrap().contains("4bf92f"));
            assert!(!headers.contains_key("tracestate"));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_trace_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(trace) = Trace::parse(&bytes) {
                prop_assert_eq!(Trace::parse(trace.line().as_bytes()), Some(trace));
            }
        }
    }
}
