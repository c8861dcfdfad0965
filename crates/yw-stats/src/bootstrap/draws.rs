//! Drawing rows, or whole groups of rows, with replacement, and leaving some of them out.

use rayon::prelude::*;

use crate::statistic::Statistic;

/// Up to this many units the jackknife leaves out one at a time; beyond, it leaves out blocks, of which there are at
/// least half as many.
const MOST_BLOCKS: usize = 400;

/// The stream of the shuffle into blocks; replicates use the streams 0, 1, ….
const SHUFFLE_STREAM: u64 = u64::MAX;

/// What is drawn: rows, or groups of rows.
pub(super) enum Units {
    /// Each row on its own.
    Rows(usize),
    /// Whole groups; the group of each row, numbered from zero.
    Groups { group_of: Vec<u32>, n_groups: usize },
}

/// The values of a statistic with some units left out.
#[derive(Debug)]
pub(super) struct Jackknife {
    /// One value for each block of units that was left out; undefined ones are missing.
    pub(super) values: Vec<f64>,
    /// How many units are left out at once.
    pub(super) block_len: usize,
    /// How many units there are.
    pub(super) n_units: usize,
}

impl Units {
    pub(super) fn new(n_rows: usize, groups: Option<&[u32]>) -> Self {
        let Some(groups) = groups else { return Units::Rows(n_rows) };
        assert_eq!(groups.len(), n_rows, "one group per row");
        let mut names = groups.to_vec();
        names.sort_unstable();
        names.dedup();
        let group_of = groups.iter().map(|group| names.partition_point(|name| name < group) as u32).collect();
        Units::Groups { group_of, n_groups: names.len() }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Units::Rows(n_rows) => *n_rows,
            Units::Groups { n_groups, .. } => *n_groups,
        }
    }

    /// The statistic of `n_replicates` draws of as many units as there are.
    pub(super) fn replicates(&self, statistic: &dyn Statistic, seed: u64, n_replicates: u32) -> Vec<f64> {
        let replicate = |buffers: &mut Buffers, index: u32| {
            let n_units = self.len();
            let mut random = SplitMix64::stream(seed, u64::from(index));
            buffers.of_units.fill(0);
            for _ in 0..n_units {
                buffers.of_units[random.below(n_units)] += 1;
            }
            statistic.value(Some(self.row_counts(buffers)))
        };
        (0..n_replicates).into_par_iter().map_init(|| self.buffers(), replicate).collect()
    }

    /// The statistic without one block of units after another. Blocks are shuffled, since rows may come sorted; the few
    /// units that fill no block stay in.
    pub(super) fn jackknife(&self, statistic: &dyn Statistic, seed: u64) -> Jackknife {
        let n_units = self.len();
        let block_len = n_units.div_ceil(MOST_BLOCKS);
        let mut order: Vec<u32> = (0..n_units as u32).collect();
        if block_len > 1 {
            SplitMix64::stream(seed, SHUFFLE_STREAM).shuffle(&mut order);
        }
        let without = |buffers: &mut Buffers, block: &[u32]| {
            buffers.of_units.fill(1);
            for &unit in block {
                buffers.of_units[unit as usize] = 0;
            }
            statistic.value(Some(self.row_counts(buffers)))
        };
        let values: Vec<f64> =
            order.par_chunks_exact(block_len).map_init(|| self.buffers(), |b, block| without(b, block)).collect();
        Jackknife { values: values.into_iter().filter(|value| value.is_finite()).collect(), block_len, n_units }
    }

    fn buffers(&self) -> Buffers {
        let of_rows = match self {
            Units::Rows(_) => Vec::new(),
            Units::Groups { group_of, .. } => vec![0; group_of.len()],
        };
        Buffers { of_units: vec![0; self.len()], of_rows }
    }

    /// How often each row is drawn when its unit is drawn `of_units` times.
    fn row_counts<'b>(&self, buffers: &'b mut Buffers) -> &'b [u32] {
        let Units::Groups { group_of, .. } = self else { return &buffers.of_units };
        for (count, &group) in buffers.of_rows.iter_mut().zip(group_of) {
            *count = buffers.of_units[group as usize];
        }
        &buffers.of_rows
    }
}

/// Counts that a thread reuses from draw to draw.
struct Buffers {
    of_units: Vec<u32>,
    /// Empty where units are rows.
    of_rows: Vec<u32>,
}

/// A small random generator, of which every replicate gets its own stream: so it does not matter which thread draws
/// it. Source: G. L. Steele, D. Lea, C. H. Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014.
struct SplitMix64(u64);

impl SplitMix64 {
    /// The stream `index` of a seed: a pseudo-random place on the generator's cycle of 2^64.
    fn stream(seed: u64, index: u64) -> Self {
        SplitMix64(mix(seed.wrapping_add(mix(index.wrapping_add(1)))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `n`, by multiplication; its bias of n / 2^64 is beyond measure.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// Fisher and Yates' shuffle.
    fn shuffle(&mut self, items: &mut [u32]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistic::mean;

    /// Keeps the counts it is asked for apart, as digits of a number.
    struct CountsAsDigits(usize);

    impl Statistic for CountsAsDigits {
        fn n_rows(&self) -> usize {
            self.0
        }

        fn value(&self, counts: Option<&[u32]>) -> f64 {
            counts.unwrap().iter().fold(0.0, |digits, &count| digits * 10.0 + f64::from(count))
        }
    }

    #[test]
    fn the_generator_is_splitmix64() {
        // The reference implementation's first outputs from state 1234567.
        let mut random = SplitMix64(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn every_unit_is_equally_likely() {
        let mut random = SplitMix64::stream(7, 0);
        let mut drawn = [0_u32; 10];
        (0..100_000).for_each(|_| drawn[random.below(10)] += 1);
        let chi_square: f64 = drawn.iter().map(|&n| (f64::from(n) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi_square < 27.9, "{chi_square}"); // the 99.9 % quantile of 9 degrees of freedom
    }

    #[test]
    fn draws_are_the_same_on_any_number_of_threads() {
        let statistic = mean((0..500).map(|i| f64::from(i).sin()).collect());
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let units = Units::new(500, None);
                (units.replicates(&statistic, 3, 100), units.jackknife(&statistic, 3).values)
            })
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn a_group_is_drawn_whole() {
        let groups = [9, 4, 9, 4, 9];
        let units = Units::new(5, Some(&groups));
        for digits in units.replicates(&CountsAsDigits(5), 1, 50) {
            assert!([20202.0, 2020.0, 11111.0].contains(&digits), "{digits}");
        }
        assert_eq!(units.jackknife(&CountsAsDigits(5), 1).values, [10101.0, 1010.0]);
    }

    #[test]
    fn the_jackknife_leaves_out_every_unit_once() {
        let of_ones = |n: usize| {
            let statistic = mean((0..n).map(|i| i as f64).collect());
            Units::new(n, None).jackknife(&statistic, 1).values
        };
        assert_eq!(of_ones(3), [1.5, 1.0, 0.5]);
        assert_eq!(of_ones(400).len(), 400);
        assert_eq!(of_ones(401).len(), 200);
        // The mean of delete-a-block means is the mean, as long as no unit is left over.
        let values = of_ones(1200);
        assert_eq!(values.len(), 400);
        assert!((values.iter().sum::<f64>() / 400.0 - 599.5).abs() < 1e-9);
    }
}
