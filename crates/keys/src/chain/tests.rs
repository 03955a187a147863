use aeolus_model::Rng as _;
use aeolus_testkit::SeededRng;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

const ISS: &str = "https://aeolus.example.com";

/// A log of so many lines in which a few transactions have several, as the file of an export.
fn export(count: u64, outside: u64) -> Vec<String> {
    let scope = Scope::Installation;
    let header = Header::new(ISS.to_owned(), scope, Link::START);
    let mut file = vec![serde_json::to_string(&header).unwrap()];
    let mut link = Link::START;
    for n in 0..outside + count {
        let place = Place {
            position: 1 + n / 3,
            ordinal: u32::try_from(n % 3).unwrap(),
        };
        let event = RawValue::from_string(format!(r#"{{"at":{n},"target":"é \n"}}"#)).unwrap();
        let chained = n >= outside;
        if chained {
            link = link.next(scope, place, event.get().as_bytes());
        }
        let line = Line {
            line: chained.then_some(link.line),
            position: place.position,
            ordinal: place.ordinal,
            hash: chained.then_some(link.hash),
            event: &event,
        };
        file.push(serde_json::to_string(&line).unwrap());
    }
    let footer = Footer {
        end: link,
        checkpoint: None,
    };
    file.push(serde_json::to_string(&footer).unwrap());
    file
}

fn verify(file: &[String], stated: Option<Stated>) -> Result<Verified, Finding> {
    let mut export = stated.map_or_else(Export::default, Export::comparing);
    for line in file {
        export.line(line.as_bytes())?;
    }
    export.end()
}

fn fault(file: &[String]) -> (u64, ExportError) {
    let found = verify(file, None).unwrap_err();
    (found.at, found.error)
}

fn stated(link: Link) -> Stated {
    Stated {
        issuer: ISS.to_owned(),
        scope: Scope::Installation,
        link,
    }
}

#[test]
fn a_log_as_it_was_written_holds() {
    let verified = verify(&export(7, 0), None).unwrap();
    assert_eq!((verified.footer.end.line, verified.outside), (7, 0));
    let verified = verify(&export(4, 3), None).unwrap();
    assert_eq!((verified.footer.end.line, verified.outside), (4, 3));
    assert_eq!(verify(&export(0, 0), None).unwrap().footer.end, Link::START);
}

/// The file has a header, so line `n` of the chain is line `n + 1` of the file.
#[test]
fn a24_every_way_to_tamper_names_the_first_bad_line() {
    let good = export(7, 0);
    let mut changed = good.clone();
    changed[4] = changed[4].replace("\"at\":3", "\"at\":4");
    assert_eq!(fault(&changed), (5, Fault::Changed(4).into()));

    let mut deleted = good.clone();
    deleted.remove(4);
    let missing = Fault::Missing {
        expected: 4,
        found: 5,
    };
    assert_eq!(fault(&deleted), (5, missing.into()));

    let mut inserted = good.clone();
    inserted.insert(4, good[3].clone());
    let again = Fault::Again {
        expected: 4,
        found: 3,
    };
    assert_eq!(fault(&inserted), (5, again.into()));

    let mut without = good.clone();
    without.insert(4, r#"{"position":2,"ordinal":1,"event":{}}"#.to_owned());
    let outside = Fault::Outside {
        position: 2,
        after: 3,
    };
    assert_eq!(fault(&without), (5, outside.into()));

    let mut moved = good.clone();
    moved.swap(4, 5);
    let early = Fault::Missing {
        expected: 4,
        found: 5,
    };
    assert_eq!(fault(&moved), (5, early.into()));

    let mut truncated = good.clone();
    truncated.remove(7);
    let cut = Fault::CutOff {
        expected: 7,
        found: 6,
    };
    assert_eq!(fault(&truncated), (8, cut.into()));
    truncated.pop();
    assert_eq!(fault(&truncated), (8, ExportError::NoFooter));

    let mut longer = good;
    longer.push(longer[3].clone());
    assert_eq!(fault(&longer), (10, ExportError::AfterFooter));
}

/// Whoever changes a line and computes all that follows anew has a chain that holds, but not the one
/// of which somebody kept a checkpoint.
#[test]
fn a24_a_kept_checkpoint_tells_a_log_that_was_rewritten_or_cut_off() {
    let good = export(7, 0);
    let end = verify(&good, None).unwrap().footer.end;
    assert!(verify(&good, Some(stated(end))).is_ok());
    let shorter = export(5, 0);
    let cut = Fault::CutOff {
        expected: 7,
        found: 5,
    };
    let found = verify(&shorter, Some(stated(end))).unwrap_err();
    assert_eq!((found.at, found.error), (7, cut.into()));
    let other = Link {
        hash: Hash([1; 32]),
        ..end
    };
    let found = verify(&good, Some(stated(other))).unwrap_err();
    assert_eq!((found.at, found.error), (8, Fault::Rewritten(7).into()));
    let middle = verify(&shorter, None).unwrap().footer.end;
    assert!(verify(&good, Some(stated(middle))).is_ok());
    let foreign = Stated {
        issuer: "https://other.example.com".to_owned(),
        ..stated(end)
    };
    let found = verify(&good, Some(foreign)).unwrap_err();
    assert!(matches!(found.error, ExportError::OtherLog(_)), "{found}");
}

#[test]
fn a_line_of_one_log_is_none_of_another() {
    let place = Place {
        position: 1,
        ordinal: 0,
    };
    let one = Link::START.next(Scope::Installation, place, b"{}");
    let id = OrganizationId::from_bytes([7; 16]);
    let other = Link::START.next(Scope::Organization(id), place, b"{}");
    assert_ne!(one.hash, other.hash);
    assert_eq!(
        Scope::from_bytes(Scope::Organization(id).to_bytes()).to_string(),
        id.to_string()
    );
    assert_eq!("installation".parse(), Ok(Scope::Installation));
}

/// Pinned: a log that was chained by one release is verified by every later one.
#[test]
fn the_hash_of_a_line_never_changes() {
    let place = Place {
        position: 258,
        ordinal: 3,
    };
    let link = Link::START.next(Scope::Installation, place, br#"{"a":1}"#);
    let mut bytes = b"aeolus-audit-1\0".to_vec();
    bytes.extend([0; 16]);
    bytes.extend([0; 32]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 7]);
    bytes.extend(br#"{"a":1}"#);
    assert_eq!(link.hash.to_bytes(), sha256(&bytes));
    assert_eq!(link.hash.to_string().parse(), Ok(link.hash));
    for bad in ["", "0", &"g".repeat(64), &"A".repeat(64), &"a".repeat(63)] {
        assert!(bad.parse::<Hash>().is_err(), "{bad}");
    }
}

proptest! {
    /// Whatever single byte of the lines is another, it is found out, and nothing panics.
    #[test]
    fn a24_no_byte_can_be_another(at in 0_usize..2000, bit in 0_u8..8) {
        let file = export(6, 0);
        let mut text = file.join("\n").into_bytes();
        let at = at % text.len();
        text[at] ^= 1 << bit;
        let mut export = Export::default();
        let mut result = Ok(());
        for line in text.split(|byte| *byte == b'\n') {
            result = result.and_then(|()| export.line(line));
        }
        let verified = result.and_then(|()| export.end());
        // The issuer alone is in no hash: a checkpoint is compared with it.
        if let Ok(verified) = verified {
            prop_assert_ne!(verified.header.issuer, ISS);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(lines in proptest::collection::vec(any::<Vec<u8>>(), 0..6)) {
        let mut export = Export::default();
        for line in &lines {
            let _ = export.line(line);
        }
        let _ = export.at();
        prop_assert!(export.end().is_err());
    }
}

#[test]
fn the_order_of_any_two_lines_matters() {
    let good = export(9, 0);
    let mut seed = [0_u8; 64];
    SeededRng::new("order").fill(&mut seed);
    for pair in seed.chunks_exact(2) {
        let (a, b) = (1 + usize::from(pair[0]) % 9, 1 + usize::from(pair[1]) % 9);
        let mut file = good.clone();
        file.swap(a, b);
        assert_eq!(verify(&file, None).is_err(), a != b, "{a} {b}");
    }
}
