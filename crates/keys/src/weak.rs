//! Keys that verify what anyone can forge. The library accepts some of them, so they are refused
//! where keys come in.

use crate::KeyError;

/// `y` of the points of small order, little-endian, sign bit clear: 0 (order 4), 1 (order 1),
/// −1 (order 2) and the two of order 8.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// An Ed25519 public key for which `S = 0` and a fitting `R` verify over every message, or whose
/// `y` is not reduced (RFC 8032 §5.1.3), which is how such a key would hide.
pub(crate) fn refuse_ed25519(key: &[u8; 32]) -> Result<(), KeyError> {
    let mut y = *key;
    y[31] &= 0x7f;
    let reduced =
        y[31] != 0x7f || y[0] < 0xed || y.iter().take(31).skip(1).any(|byte| *byte != 0xff);
    if !reduced {
        return Err(KeyError::Malformed("the point is not in canonical form"));
    }
    if SMALL_ORDER.contains(&y) {
        return Err(KeyError::Weak("the point has small order"));
    }
    Ok(())
}

/// An RSA public key that is short, has a factor of two, a trivial exponent, or a modulus of the
/// shape that the ROCA generator made (CVE-2017-15361). Both numbers are big-endian without leading
/// zeros.
pub(crate) fn refuse_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let (Some(&first), Some(&last)) = (n.first(), n.last()) else {
        return Err(KeyError::Malformed("n is empty"));
    };
    if first == 0 || e.first().is_none_or(|byte| *byte == 0) {
        return Err(KeyError::Malformed("n or e has a leading zero"));
    }
    let bits = n.len().saturating_mul(8) - first.leading_zeros() as usize;
    if bits < 2048 {
        return Err(KeyError::Weak("an RSA modulus has 2048 bits or more"));
    }
    if bits > 8192 {
        return Err(KeyError::Weak(
            "an RSA modulus of more than 8192 bits only costs time",
        ));
    }
    if last & 1 == 0 {
        return Err(KeyError::Weak("the RSA modulus is even"));
    }
    let odd = e.last().is_some_and(|byte| byte & 1 == 1);
    if !odd || e == [1] || e.len() > 4 {
        return Err(KeyError::Weak(
            "the RSA exponent is not odd and between 3 and 2^32",
        ));
    }
    if is_roca(n) {
        return Err(KeyError::Weak(
            "the RSA modulus comes from the ROCA generator",
        ));
    }
    Ok(())
}

/// The first odd primes: those whose product divides every ROCA primorial from 512 bits up.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// ROCA primes are `k·M + 65537^a mod M`, so the modulus is a power of 65537 modulo each small
/// prime; a sound modulus passes all of these by chance once in about 2^27.
fn is_roca(n: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let rest = n
            .iter()
            .fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime);
        let generator = 65537 % prime;
        let mut power = 1;
        for _ in 0..prime {
            if power == rest {
                return true;
            }
            power = power * generator % prime;
        }
        false
    })
}
