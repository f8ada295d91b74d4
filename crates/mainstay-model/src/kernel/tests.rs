use super::bytes::ByteSet;
use super::*;
use crate::test_models::draw::Draw;

/// Every operation on every vector of a block is what its words say, row by row.
fn assert_operations<B: Bytes>() {
    let mut draw = Draw(5);
    let mut lane = || -> LaneBytes { std::array::from_fn(|_| (draw.below(256) as u8).cast_signed()) };
    for _ in 0..20 {
        let (bytes, left, right) = (lane(), lane(), lane());
        for bound in [i8::MIN, -127, -1, 0, 1, 100, i8::MAX] {
            let (mut counted, mut selected) = ([0; BLOCK_ROWS], [0; BLOCK_ROWS]);
            for at in 0..BLOCK_ROWS / B::WIDTH {
                let [bytes, left, right] = [&bytes, &left, &right].map(|lane| B::load(lane, at));
                right.one_less_below(bytes, B::splat(bound)).store(&mut counted, at);
                B::select_below(bytes, B::splat(bound), left, right).store(&mut selected, at);
            }
            for row in 0..BLOCK_ROWS {
                let is_below = bytes[row] < bound;
                assert_eq!(counted[row], right[row].wrapping_sub(i8::from(is_below)));
                assert_eq!(selected[row], if is_below { left[row] } else { right[row] });
            }
        }
        let bits = std::array::from_fn(|word| {
            (0..64).filter(|row| bytes[word * 64 + row] < 0).fold(0, |bits, row| bits | 1u64 << row)
        });
        let mut spread = right;
        B::spread(&bits, &mut spread);
        assert_eq!(spread, bytes.map(|byte| if byte < 0 { -1 } else { 0 }));
        let set: ByteSet = std::array::from_fn(|at| left[at].cast_unsigned());
        let (place, bit) = (right.map(|byte| byte & 15), bytes.map(|byte| 1u8.rotate_left(byte as u32).cast_signed()));
        let mut found = right;
        B::look_up(&set, &place, &bit, &mut found);
        for row in 0..BLOCK_ROWS {
            let is_member = set[place[row] as usize] & bit[row].cast_unsigned() != 0;
            assert_eq!(found[row], if is_member { -1 } else { 0 });
        }
    }
}

#[test]
fn operations_on_bytes_are_the_same_on_every_set() {
    for instructions in InstructionSet::available() {
        match instructions.0 {
            Set::Portable => assert_operations::<bytes::Portable>(),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => assert_operations::<bytes::Avx2>(),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => assert_operations::<bytes::Avx512>(),
        }
    }
}
