//! How a customer's interest in the retailer comes and goes: a Markov chain of few states, so that the truth can follow all of them.

use crate::random::Draws;

/// How many levels of interest there are; 0 is the highest.
pub(crate) const LEVELS: usize = 12;
/// Factor of appetite at each level.
pub(crate) const VIGOUR: [f64; LEVELS] = [1.35, 1.0, 0.7, 0.48, 0.33, 0.22, 0.14, 0.09, 0.055, 0.03, 0.015, 0.005];
/// How many moods there are.
pub(crate) const MOODS: usize = 3;

/// Probability a day that somebody who fades finds their way back.
const RECOVERY: f64 = 1.0 / 1_500.0;
/// Probability a day that what an intervention did wears off.
const WEARING_OFF: f64 = 1.0 / 90.0;
/// Probability a day of climbing a level after an intervention that worked.
const KEPT_CLIMB: f64 = 0.2;

/// Where interest is heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Towards the level of contentment, until it begins to fade.
    Content,
    /// Down.
    Fading,
    /// Up to the level of contentment and safe from fading, by an intervention that worked.
    Kept,
}

/// A customer's interest at a midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) mood: Mood,
    /// Position in [`VIGOUR`].
    level: u8,
}

/// What never changes about how a customer's interest moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Temper {
    /// The level of contentment.
    pub(crate) home: u8,
    /// The level at the sign-up.
    pub(crate) first: u8,
    /// Probability a day of climbing a level while content.
    pub(crate) climb: f64,
    /// Probability a day of falling a level while fading.
    pub(crate) fall: f64,
}

impl Interest {
    /// Interest at the sign-up.
    pub(crate) fn at_first(temper: &Temper) -> Self {
        Self { mood: Mood::Content, level: temper.first }
    }

    /// Factor of appetite.
    pub(crate) fn vigour(self) -> f64 {
        VIGOUR.get(usize::from(self.level)).copied().unwrap_or_default()
    }

    /// Whether it is on its way down.
    pub(crate) fn is_fading(self) -> bool {
        self.mood == Mood::Fading
    }

    /// An intervention worked.
    pub(crate) fn kept(self) -> Self {
        Self { mood: Mood::Kept, ..self }
    }

    /// The next day: first the mood may change, then the level. `fade_hazard` is the probability of beginning to fade.
    pub(crate) fn live(&mut self, temper: &Temper, fade_hazard: f64, draws: &mut Draws) {
        let luck = draws.uniform();
        self.mood = match self.mood {
            Mood::Content if luck < fade_hazard => Mood::Fading,
            Mood::Fading if luck < RECOVERY => Mood::Content,
            Mood::Kept if luck < WEARING_OFF => Mood::Content,
            mood => mood,
        };
        let (step, probability) = temper.step(self.mood, self.level);
        if draws.chance(probability) {
            self.level = self.level.saturating_add_signed(step);
        }
    }
}

impl Temper {
    /// Where the level may go, and the probability that it does.
    fn step(&self, mood: Mood, level: u8) -> (i8, f64) {
        match mood {
            Mood::Fading if usize::from(level) + 1 < LEVELS => (1, self.fall),
            Mood::Content if level > self.home => (-1, self.climb),
            Mood::Kept if level > self.home => (-1, self.climb.max(KEPT_CLIMB)),
            _ => (0, 0.0),
        }
    }
}

/// The probability of every state: what [`Interest`] draws from, followed without chance.
#[derive(Debug, Clone)]
pub(crate) struct InterestOdds([[f64; LEVELS]; MOODS]);

impl InterestOdds {
    /// Certainty of a state.
    pub(crate) fn certain(interest: Interest) -> Self {
        let mut odds = Self([[0.0; LEVELS]; MOODS]);
        if let Some(odd) = odds.0.get_mut(interest.mood as usize).and_then(|of| of.get_mut(usize::from(interest.level)))
        {
            *odd = 1.0;
        }
        odds
    }

    /// The next day, as [`Interest::live`] has it.
    pub(crate) fn live(&mut self, temper: &Temper, fade_hazard: f64) {
        let fade_hazard = fade_hazard.min(1.0);
        let [content, fading, kept] = &mut self.0;
        for ((content, fading), kept) in content.iter_mut().zip(fading.iter_mut()).zip(kept.iter_mut()) {
            let (fades, recovers, wears_off) = (*content * fade_hazard, *fading * RECOVERY, *kept * WEARING_OFF);
            *content += recovers + wears_off - fades;
            *fading += fades - recovers;
            *kept -= wears_off;
        }
        let home = usize::from(temper.home);
        climb(content, home, temper.climb);
        climb(kept, home, temper.climb.max(KEPT_CLIMB));
        for level in (1..LEVELS).rev() {
            let falls = fading[level - 1] * temper.fall;
            fading[level - 1] -= falls;
            fading[level] += falls;
        }
    }

    /// Weighs each state with a factor of its vigour.
    pub(crate) fn weigh(&mut self, factor: impl Fn(f64) -> f64) {
        for (level, vigour) in VIGOUR.into_iter().enumerate() {
            let factor = factor(vigour);
            self.0.iter_mut().for_each(|mood| mood[level] *= factor);
        }
    }

    /// An intervention works with a probability.
    pub(crate) fn keep(&mut self, probability: f64) {
        let [content, fading, kept] = &mut self.0;
        for ((content, fading), kept) in content.iter_mut().zip(fading.iter_mut()).zip(kept.iter_mut()) {
            *kept += probability * (*content + *fading);
            *content *= 1.0 - probability;
            *fading *= 1.0 - probability;
        }
    }

    /// What is left of 1.
    pub(crate) fn total(&self) -> f64 {
        self.0.iter().flatten().sum()
    }
}

/// Moves a share of what lies below the level of contentment up by one level.
fn climb(odds: &mut [f64; LEVELS], home: usize, probability: f64) {
    for level in home + 1..LEVELS {
        let climbs = odds[level] * probability;
        odds[level] -= climbs;
        odds[level - 1] += climbs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    const TEMPER: Temper = Temper { home: 1, first: 3, climb: 0.1, fall: 0.08 };

    /// Vigour and the share of those who fade after so many days, by chance.
    fn by_chance(days: i32) -> (f64, f64) {
        let count = 20_000;
        let (mut vigour, mut fading) = (0.0, 0.0);
        for subject in 0..count {
            let mut interest = Interest::at_first(&TEMPER);
            for day in 0..days {
                interest.live(&TEMPER, 0.01, &mut Draws::new(1, Stream::Life, subject, day));
            }
            vigour += interest.vigour() / f64::from(count);
            fading += f64::from(u8::from(interest.is_fading())) / f64::from(count);
        }
        (vigour, fading)
    }

    #[test]
    fn the_odds_are_those_of_chance() {
        for days in [1, 10, 60, 150] {
            let mut odds = InterestOdds::certain(Interest::at_first(&TEMPER));
            (0..days).for_each(|_| odds.live(&TEMPER, 0.01));
            assert!((odds.total() - 1.0).abs() < 1e-12);
            let fading: f64 = odds.0[Mood::Fading as usize].iter().sum();
            odds.weigh(|vigour| vigour);
            let (expected_vigour, expected_fading) = by_chance(days);
            assert!((odds.total() - expected_vigour).abs() < 0.01, "{days} days: {} {expected_vigour}", odds.total());
            assert!((fading - expected_fading).abs() < 0.012, "{days} days: {fading} {expected_fading}");
        }
    }

    #[test]
    fn what_is_kept_climbs_and_does_not_fade() {
        let mut interest = Interest { mood: Mood::Fading, level: 11 }.kept();
        let mut draws = Draws::new(1, Stream::Life, 1, 1);
        let before = interest.vigour();
        (0..30).for_each(|_| interest.live(&TEMPER, 0.0, &mut draws));
        assert!(interest.vigour() > before && !interest.is_fading());
        let mut odds = InterestOdds::certain(Interest { mood: Mood::Fading, level: 5 });
        odds.keep(0.25);
        assert_eq!((odds.0[Mood::Fading as usize][5], odds.0[Mood::Kept as usize][5]), (0.75, 0.25));
    }
}
