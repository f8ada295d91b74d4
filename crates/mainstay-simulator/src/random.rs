//! Random numbers as a function of where they are used.
//!
//! There is no generator to pass on: (seed, stream, subject, day) name a short sequence of draws, so that a change in one part
//! of the simulation leaves the draws of the others alone. Sequences are SplitMix64 (Steele, Lea and Flood 2014) from a hashed key.

/// What a sequence of draws is for. The numbers are part of the format: never reuse one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    SignUp = 1,
    Traits = 2,
    Life = 3,
    Purchase = 4,
    Product = 5,
    Promotion = 6,
    Visit = 7,
    Newsletter = 8,
    Campaign = 9,
    Consent = 10,
    Indicator = 11,
    /// Lives that only the truth looks at.
    WhatIf = 12,
    WhatIfPurchase = 13,
}

/// A sequence of independent draws.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    state: u64,
}

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of SplitMix64: a bijection of 64 bits that spreads every input bit.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

impl Draws {
    /// The sequence of `subject` (a customer, a product) on `day` in a stream.
    pub(crate) fn new(seed: u64, stream: Stream, subject: u32, day: i32) -> Self {
        let key = mix(seed.wrapping_add(GOLDEN_GAMMA)) ^ stream as u64;
        let key = mix(key.wrapping_add(GOLDEN_GAMMA)) ^ u64::from(subject);
        let key = mix(key.wrapping_add(GOLDEN_GAMMA)) ^ u64::from(day as u32);
        Self { state: mix(key) }
    }

    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// Uniform in [0, 1), with 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with a probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform in 0..count; 0 for a count of 0.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        (self.uniform() * count as f64) as usize
    }

    /// One of the choices with its probability, and `otherwise` with what is left of 1.
    pub(crate) fn choose<T: Copy>(&mut self, choices: &[(T, f64)], otherwise: T) -> T {
        let mut left = self.uniform();
        for &(choice, probability) in choices {
            left -= probability;
            if left < 0.0 {
                return choice;
            }
        }
        otherwise
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log1p(-self.uniform())
    }

    /// Standard normal (Box and Muller 1958, the cosine half).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Poisson (Knuth's product of uniforms): for small means only, its time grows with the mean.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let mut product = self.uniform();
        // Mostly decided without the exponential, which is at least 1 - mean.
        if product <= 1.0 - mean {
            return 0;
        }
        let floor = libm::exp(-mean);
        let mut count = 0;
        while product > floor {
            product *= self.uniform();
            count += 1;
        }
        count
    }

    /// Gamma with mean 1 and a shape of at least 1 (Marsaglia and Tsang 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let normal = self.normal();
            let root = 1.0 + c * normal;
            let cube = root * root * root;
            if root > 0.0 && -self.exponential() < 0.5 * normal * normal + d * (1.0 - cube + libm::log(cube)) {
                return d * cube / shape;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: u32 = 40_000;

    fn draws(subject: u32) -> Draws {
        Draws::new(7, Stream::Traits, subject, 0)
    }

    /// Mean and variance of one draw of each of many subjects: this also tests that subjects are independent.
    fn moments(mut draw: impl FnMut(&mut Draws) -> f64) -> (f64, f64) {
        let values: Vec<f64> = (0..COUNT).map(|subject| draw(&mut draws(subject))).collect();
        let mean = values.iter().sum::<f64>() / f64::from(COUNT);
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / f64::from(COUNT);
        (mean, variance)
    }

    #[track_caller]
    fn assert_moments(draw: impl FnMut(&mut Draws) -> f64, mean: f64, variance: f64) {
        let (found_mean, found_variance) = moments(draw);
        assert!((found_mean - mean).abs() < 0.03 * mean.abs().max(1.0), "mean {found_mean}, expected {mean}");
        assert!((found_variance - variance).abs() < 0.06 * variance, "variance {found_variance}, expected {variance}");
    }

    #[test]
    fn distributions_have_their_moments() {
        assert_moments(Draws::uniform, 0.5, 1.0 / 12.0);
        assert_moments(Draws::exponential, 1.0, 1.0);
        assert_moments(Draws::normal, 0.0, 1.0);
        assert_moments(|draws| f64::from(draws.poisson(1.7)), 1.7, 1.7);
        assert_moments(|draws| draws.gamma(1.5), 1.0, 1.0 / 1.5);
        assert_moments(|draws| draws.choose(&[(1.0, 0.25), (2.0, 0.25)], 0.0), 0.75, 0.6875);
    }

    #[test]
    fn a_place_names_its_draws() {
        let first = |seed, stream, subject, day| Draws::new(seed, stream, subject, day).bits();
        let here = first(1, Stream::Life, 2, 3);
        assert_eq!(here, first(1, Stream::Life, 2, 3));
        for other in [
            first(2, Stream::Life, 2, 3),
            first(1, Stream::Purchase, 2, 3),
            first(1, Stream::Life, 3, 3),
            first(1, Stream::Life, 2, -3),
        ] {
            assert_ne!(here, other);
        }
    }

    #[test]
    fn the_sequence_never_changes() {
        let mut draws = Draws::new(42, Stream::Traits, 1, 0);
        assert_eq!([draws.bits(), draws.bits()], [146_695_643_007_083_075, 2_332_924_452_623_139_529]);
    }

    #[test]
    fn an_index_stays_within_its_count() {
        assert!((0..COUNT).all(|subject| draws(subject).index(3) < 3));
        assert_eq!(draws(1).index(0), 0);
    }
}
