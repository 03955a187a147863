//! Records of the FastCGI 1.0 specification (§3, §5), read from and written to bytes.

/// A record's head.
pub const HEAD: usize = 8;

/// The types that an authorizer meets.
pub const BEGIN_REQUEST: u8 = 1;
/// The web server gave up.
pub const ABORT_REQUEST: u8 = 2;
const END_REQUEST: u8 = 3;
/// Names and values; an empty record ends them.
pub const PARAMS: u8 = 4;
/// A body; an authorizer has none.
pub const STDIN: u8 = 5;
const STDOUT: u8 = 6;

const AUTHORIZER: u16 = 2;
const KEEP_CONNECTION: u8 = 1;

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it is.
    pub kind: u8,
    /// Whose.
    pub request: u16,
    /// Bytes of content.
    pub content: u16,
    /// Bytes to skip after it.
    pub padding: u8,
}

impl Head {
    /// Reads a head; none if it is of another version.
    pub fn parse(bytes: [u8; HEAD]) -> Option<Self> {
        let [version, kind, id_high, id_low, high, low, padding, _] = bytes;
        (version == 1).then_some(Self {
            kind,
            request: u16::from_be_bytes([id_high, id_low]),
            content: u16::from_be_bytes([high, low]),
            padding,
        })
    }

    fn write(self, out: &mut Vec<u8>) {
        let [id_high, id_low] = self.request.to_be_bytes();
        let [high, low] = self.content.to_be_bytes();
        out.extend([1, self.kind, id_high, id_low, high, low, self.padding, 0]);
    }
}

/// What the web server wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Whether the connection is used again.
    pub keep: bool,
}

impl Begin {
    /// Reads the content of a `BEGIN_REQUEST`; none if another role than authorizer is wanted.
    pub fn parse(content: &[u8]) -> Option<Self> {
        let [high, low, flags, ..] = content else {
            return None;
        };
        (content.len() == 8 && u16::from_be_bytes([*high, *low]) == AUTHORIZER).then_some(Self {
            keep: flags & KEEP_CONNECTION != 0,
        })
    }
}

/// Reads names and values. None if a length reaches past the end: nothing of them is then used.
pub fn params(mut bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let name = length(&mut bytes)?;
        let value = length(&mut bytes)?;
        let (name, rest) = bytes.split_at_checked(name)?;
        let (value, rest) = rest.split_at_checked(value)?;
        all.push((name, value));
        bytes = rest;
    }
    Some(all)
}

/// One byte below 128, else four without the highest bit.
fn length(bytes: &mut &[u8]) -> Option<usize> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(usize::from(first));
    }
    let (long, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    usize::try_from(u32::from_be_bytes(*long) & 0x7fff_ffff).ok()
}

/// An answer as the records that carry it, and the end of the request.
pub fn answer(request: u16, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 4 * HEAD);
    let head = |kind, content: usize| Head {
        kind,
        request,
        content: u16::try_from(content).unwrap_or(u16::MAX),
        padding: 0,
    };
    for part in text.chunks(usize::from(u16::MAX)) {
        head(STDOUT, part.len()).write(&mut out);
        out.extend_from_slice(part);
    }
    head(STDOUT, 0).write(&mut out);
    head(END_REQUEST, 8).write(&mut out);
    out.extend([0; 8]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(all: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in all {
            for text in [name, value] {
                let length = u32::try_from(text.len()).unwrap();
                if length < 0x80 {
                    out.extend(u8::try_from(length));
                } else {
                    out.extend((length | 0x8000_0000).to_be_bytes());
                }
            }
            out.extend_from_slice(name);
            out.extend_from_slice(value);
        }
        out
    }

    proptest! {
        #[test]
        fn names_and_values_survive(all in proptest::collection::vec((
            proptest::collection::vec(any::<u8>(), 0..20),
            proptest::collection::vec(any::<u8>(), 0..300),
        ), 0..8)) {
            let bytes = written(&all);
            let read = params(&bytes).unwrap();
            prop_assert_eq!(read.len(), all.len());
            for ((name, value), (n, v)) in all.iter().zip(read) {
                prop_assert_eq!((&name[..], &value[..]), (n, v));
            }
            for cut in 1..bytes.len().min(20) {
                // Cut inside a pair nothing is read; cut between two, fewer are.
                if let Some(fewer) = params(&bytes[..bytes.len() - cut]) {
                    prop_assert!(fewer.len() < all.len());
                }
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = params(&bytes);
            let _ = Begin::parse(&bytes);
            if let Some(head) = bytes.first_chunk().and_then(|head| Head::parse(*head)) {
                let mut again = Vec::new();
                head.write(&mut again);
                prop_assert_eq!(Head::parse(*again.first_chunk().unwrap()), Some(head));
            }
        }

        #[test]
        fn an_answer_is_whole_records(text in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let bytes = answer(7, &text);
            let (mut rest, mut out, mut ended) = (&bytes[..], Vec::new(), false);
            while let Some((head, more)) = rest.split_first_chunk() {
                let head = Head::parse(*head).unwrap();
                prop_assert_eq!(head.request, 7);
                let (content, more) = more.split_at(usize::from(head.content));
                match head.kind {
                    STDOUT => out.extend_from_slice(content),
                    END_REQUEST => ended = true,
                    other => prop_assert!(false, "{}", other),
                }
                rest = more;
            }
            prop_assert!(ended && rest.is_empty());
            prop_assert_eq!(out, text);
        }
    }

    #[test]
    fn only_an_authorizer_is_served() {
        assert_eq!(
            Begin::parse(&[0, 2, 1, 0, 0, 0, 0, 0]),
            Some(Begin { keep: true })
        );
        assert_eq!(
            Begin::parse(&[0, 2, 0, 0, 0, 0, 0, 0]),
            Some(Begin { keep: false })
        );
        assert_eq!(Begin::parse(&[0, 1, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Begin::parse(&[0, 2, 0]), None);
    }
}
