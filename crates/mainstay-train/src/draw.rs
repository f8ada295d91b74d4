//! Draws by hash: the same seed draws the same rows and customers on every machine and in every order.

use mainstay_schema::DigestHasher;

/// Whether a customer belongs to the rows kept out of the fit, for calibration: a `share` of all, each wholly in or out.
pub fn hold_back(key: &str, seed: u64, share: f64) -> bool {
    let digest = DigestHasher::new().frame(b"hold_back").frame(&seed.to_le_bytes()).frame(key.as_bytes()).finish();
    unit(digest.leading_u64()) < share
}

/// The rows, ascending, on which a round fits its tree: each of `rows` with the chance `wanted / rows`, all where `wanted` is no less.
pub(crate) fn rows_of_round(seed: u64, round: usize, rows: usize, wanted: usize) -> Vec<usize> {
    let chance = wanted as f64 / rows as f64;
    let stream = mix(mix(seed) ^ round as u64);
    (0..rows).filter(|&row| unit(mix(stream ^ row as u64)) < chance).collect()
}

/// A hash as a number in [0, 1).
fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// The mixer of SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_back_the_share_that_was_asked_for() {
        let held = |seed, share| (0..20_000).filter(|i| hold_back(&format!("C{i}"), seed, share)).count();
        assert!(held(1, 0.2).abs_diff(4_000) < 250, "{}", held(1, 0.2));
        assert_eq!((held(1, 0.0), held(1, 1.0)), (0, 20_000));
        let both =
            (0..20_000).map(|i| format!("C{i}")).filter(|k| hold_back(k, 1, 0.2) && hold_back(k, 2, 0.2)).count();
        assert!(both.abs_diff(800) < 150, "seeds draw independently: {both}");
    }

    #[test]
    fn a_customer_is_in_or_out_for_good() {
        assert_eq!(hold_back("C42", 7, 0.5), hold_back("C42", 7, 0.5));
    }

    #[test]
    fn rounds_draw_their_own_rows() {
        let first = rows_of_round(7, 0, 10_000, 2_000);
        let second = rows_of_round(7, 1, 10_000, 2_000);
        assert!(first.len().abs_diff(2_000) < 200 && second.len().abs_diff(2_000) < 200);
        assert_ne!(first, second);
        assert_eq!(first, rows_of_round(7, 0, 10_000, 2_000));
        assert_eq!(rows_of_round(7, 0, 100, 100), (0..100).collect::<Vec<_>>());
        assert_eq!(rows_of_round(7, 0, 100, 500).len(), 100);
    }
}
