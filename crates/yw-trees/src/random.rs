//! A small seeded generator: the same numbers on every machine and in every version.

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

/// What random numbers are used for; each use has a stream of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    Rounding,
    Rows,
    Columns,
    SplitColumns,
    Thresholds,
    Cuts,
}

impl Random {
    /// A generator for one use of a seed in one tree.
    pub(crate) fn new(seed: u64, usage: Use, tree: usize) -> Self {
        let stream = (usage as u64 + 1) << 48 | tree as u64;
        Random(mix(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93)))
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `n`, which must not be zero. The bias of the multiply-shift is below n / 2⁶⁴.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// `n_chosen` of the numbers below `n`, ascending (selection sampling, Knuth's algorithm S).
    pub(crate) fn choose(&mut self, n: usize, n_chosen: usize) -> Vec<u32> {
        let mut chosen = Vec::with_capacity(n_chosen);
        for i in 0..n {
            if self.below(n - i) < n_chosen - chosen.len() {
                chosen.push(i as u32);
            }
        }
        chosen
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_chosen_about_as_often() {
        let mut random = Random::new(5, Use::Rows, 0);
        let mut times = [0; 10];
        for _ in 0..10_000 {
            let chosen = random.choose(10, 3);
            assert!(chosen.len() == 3 && chosen.is_sorted_by(|a, b| a < b));
            chosen.iter().for_each(|&i| times[i as usize] += 1);
        }
        // Four standard deviations of a binomial count.
        assert!(times.iter().all(|&n: &i32| (n - 3000).abs() < 184), "{times:?}");
        assert_eq!((random.choose(4, 4), random.choose(4, 0)), (vec![0, 1, 2, 3], vec![]));
        assert!((0..1000).all(|_| random.below(3) < 3));
    }

    #[test]
    fn each_use_and_tree_has_a_stream_of_its_own() {
        let first = |usage, tree| Random::new(1, usage, tree).next_u64();
        let all = [first(Use::Rows, 0), first(Use::Rows, 1), first(Use::Columns, 0), first(Use::Columns, 1)];
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
        assert_eq!(first(Use::Rows, 1), all[1]);
    }
}
