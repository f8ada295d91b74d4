use std::time::Duration;

use super::*;
#[cfg(target_arch = "x86_64")]
use crate::instructions::Set;

fn trial(instructions: InstructionSet, nanoseconds: u64) -> Trial {
    Trial { instructions, outcome: Outcome::Nanoseconds(nanoseconds) }
}

const PORTABLE: InstructionSet = InstructionSet::PORTABLE;

// Never run here: whether the machine has them does not matter.
#[cfg(target_arch = "x86_64")]
const AVX2: InstructionSet = InstructionSet(Set::Avx2);
#[cfg(target_arch = "x86_64")]
const AVX512: InstructionSet = InstructionSet(Set::Avx512);

#[cfg(target_arch = "x86_64")]
#[test]
fn the_fastest_is_chosen_whatever_its_width() {
    let choice =
        |portable, avx2, avx512| choose(&[trial(PORTABLE, portable), trial(AVX2, avx2), trial(AVX512, avx512)]).name();
    assert_eq!(choice(40_000, 10_000, 5_000), "avx512");
    assert_eq!(choice(40_000, 10_000, 200_000), "avx2");
    assert_eq!(choice(40_000, 50_000, 200_000), "portable");
    assert_eq!(choice(40_000, 50_000, 30_000), "avx512");
    assert_eq!(choice(0, 0, 0), "portable");
    assert_eq!(choice(u64::MAX, u64::MAX, 1), "avx512");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_wider_set_has_to_be_clearly_faster() {
    let choice = |avx2, avx512| choose(&[trial(PORTABLE, 40_000), trial(AVX2, avx2), trial(AVX512, avx512)]).name();
    assert_eq!(choice(10_000, 10_000), "avx2");
    assert_eq!(choice(10_000, 9_000), "avx2");
    assert_eq!(choice(10_000, 8_999), "avx512");
    assert_eq!(choice(37_000, 35_000), "avx512");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_set_with_other_bits_is_never_chosen() {
    let wrong = |instructions| Trial { instructions, outcome: Outcome::OtherBits };
    assert_eq!(choose(&[wrong(AVX512), trial(PORTABLE, 40_000), trial(AVX2, 10_000)]), AVX2);
    assert_eq!(choose(&[wrong(AVX2), wrong(AVX512), trial(PORTABLE, u64::MAX)]), PORTABLE);
    assert_eq!(choose(&[wrong(AVX2), wrong(AVX512)]), PORTABLE);
    assert_eq!(choose(&[]), PORTABLE);
}

#[test]
fn a_kernel_that_gives_other_bits_or_fails_is_out() {
    let sets = InstructionSet::available();
    let Some(odd) = sets.iter().copied().find(|set| *set != PORTABLE) else {
        println!("not tested, this machine has the portable set alone");
        return;
    };
    let of = |faulty: fn(&mut [f64]) -> Result<(), ModelError>| {
        let test = SelfTest::of(1, |instructions| {
            Some(Box::new(move |out: &mut [f64]| {
                out[0] = 0.5;
                if instructions == odd { faulty(out) } else { Ok(()) }
            }))
        });
        let outcome = |set| test.trials().iter().find(|trial| trial.instructions == set).unwrap().outcome;
        assert_eq!(test.trials().len(), sets.len());
        assert!(sets.iter().filter(|set| **set != odd).all(|set| matches!(outcome(*set), Outcome::Nanoseconds(_))));
        assert_ne!(test.chosen(), odd);
        assert!(sets.iter().all(|set| test.refuses(*set) == (*set == odd)));
        outcome(odd)
    };
    let next_up = |out: &mut [f64]| {
        out[0] = out[0].next_up();
        Ok(())
    };
    assert_eq!(of(next_up), Outcome::OtherBits);
    assert_eq!(of(|_| Err(ModelError::NoCovers)), Outcome::OtherBits);
}

#[test]
fn every_set_of_this_machine_passes_in_little_time() {
    for of in [SelfTest::of_scoring, SelfTest::of_contributions] {
        let start = Instant::now();
        let test = of();
        let took = start.elapsed();
        println!("{took:?}: {} of {:?}", test.chosen().name(), test.trials());
        let tested: Vec<InstructionSet> = test.trials().iter().map(|trial| trial.instructions).collect();
        assert_eq!(tested, InstructionSet::available());
        assert!(test.trials().iter().all(|trial| matches!(trial.outcome, Outcome::Nanoseconds(1..))));
        // About two milliseconds; other work on the machine may stop it for a while.
        assert!(took < Duration::from_millis(500), "{took:?}");
    }
}

#[test]
fn a_process_tests_once() {
    assert!(std::ptr::eq(SelfTest::scoring(), SelfTest::scoring()));
    assert!(std::ptr::eq(SelfTest::contributions(), SelfTest::contributions()));
    assert!(InstructionSet::available().contains(&SelfTest::scoring().chosen()));
    assert!(InstructionSet::available().contains(&SelfTest::contributions().chosen()));
}
