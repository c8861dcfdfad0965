//! Tree-structured Parzen estimators: the next point is where good points are dense and bad ones are not.

use super::space::{Dimension, Space};
use crate::random::Random;

/// How points are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TpeParams {
    /// Points that are drawn at random before the search learns from them, the given ones included.
    pub n_random: usize,
    /// Points among which the most promising is chosen each time.
    pub n_candidates: usize,
}

impl Default for TpeParams {
    fn default() -> Self {
        TpeParams { n_random: 8, n_candidates: 24 }
    }
}

/// Says where to look next.
///
/// J. Bergstra and others, *Algorithms for hyper-parameter optimization*, NIPS 2011, with the densities over all dimensions
/// together (S. Falkner and others, *BOHB*, ICML 2018), as S. Watanabe, *Tree-structured Parzen estimator*, 2023, advises:
/// kernels of one width per density, and a prior of one broad kernel.
///
/// ```
/// use yw_learn::search::{Dimension, Space, Tpe, TpeParams};
///
/// let space = Space::new(vec![Dimension::Number { low: -5.0, high: 5.0, log: false }]);
/// let tpe = Tpe::new(space, TpeParams::default(), 7);
/// let mut tried: Vec<Vec<f64>> = Vec::new();
/// for _ in 0..40 {
///     tried.push(tpe.suggest(&tried));
///     tried.sort_by(|a, b| (a[0] - 2.0).abs().total_cmp(&(b[0] - 2.0).abs()));
/// }
/// assert!((tried[0][0] - 2.0).abs() < 0.3);
/// ```
#[derive(Debug, Clone)]
pub struct Tpe {
    space: Space,
    params: TpeParams,
    seed: u64,
}

impl Tpe {
    /// A search in `space`.
    pub fn new(space: Space, params: TpeParams, seed: u64) -> Self {
        Tpe { space, params, seed }
    }

    /// The point to try after these, which are sorted from the best to the worst. The same points, in the same order, with the
    /// same seed give the same one.
    ///
    /// # Panics
    ///
    /// If a point does not have one value per dimension.
    pub fn suggest(&self, best_first: &[Vec<f64>]) -> Vec<f64> {
        let dimensions = self.space.dimensions();
        assert!(best_first.iter().all(|point| point.len() == dimensions.len()), "one value per dimension");
        // A stream for each length of the history: what was drawn before need not be remembered.
        let mut draws = Draws(Random::new(self.seed, 0x7_9E + best_first.len() as u64));
        if best_first.len() < self.params.n_random {
            return dimensions.iter().map(|d| d.at_unit(draws.uniform())).collect();
        }
        let units: Vec<Vec<f64>> = best_first.iter().map(|point| units_of(dimensions, point)).collect();
        let (good, bad) = units.split_at(n_good(units.len()));
        let (good, bad) = (Density::of(dimensions, good), Density::of(dimensions, bad));
        let candidates = (0..self.params.n_candidates.max(1)).map(|_| {
            let units = good.draw(&mut draws);
            // Rounded as it would be tried.
            let point = point_of(dimensions, &units);
            let units = units_of(dimensions, &point);
            (good.log_density(&units) - bad.log_density(&units), point)
        });
        let best = candidates.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map_or_else(Vec::new, |(_, point)| point)
    }
}

/// How many of the tried points count as good: a fifth, not above 25.
fn n_good(n_points: usize) -> usize {
    n_points.div_ceil(5).min(25)
}

/// The inverse of [`units_of`], rounded as the dimensions are.
fn point_of(dimensions: &[Dimension], units: &[f64]) -> Vec<f64> {
    let value = |(dimension, unit): (&Dimension, &f64)| match dimension.n_choices() {
        Some(_) => *unit,
        None => dimension.at_unit(*unit),
    };
    dimensions.iter().zip(units).map(value).collect()
}

/// What densities are over: choices by their number, the others between 0 and 1.
fn units_of(dimensions: &[Dimension], point: &[f64]) -> Vec<f64> {
    let unit_of = |(dimension, value): (&Dimension, &f64)| match dimension.n_choices() {
        Some(_) => *value,
        None => dimension.unit_of(*value),
    };
    dimensions.iter().zip(point).map(unit_of).collect()
}

/// A mixture of one kernel per point and a broad one.
struct Density<'a> {
    dimensions: &'a [Dimension],
    /// Choices by their number, the others between 0 and 1.
    points: &'a [Vec<f64>],
    /// The standard deviation of a kernel in each dimension that is no choice.
    width: f64,
}

/// The standard deviation of a kernel if there were one point; of the broad kernel.
const WIDEST: f64 = 0.5;
/// Kernels are never narrower: differences below are noise.
const NARROWEST: f64 = 0.03;
/// Which part of its weight a kernel gives to all choices alike.
const OTHER_CHOICES: f64 = 0.4;

impl<'a> Density<'a> {
    fn of(dimensions: &'a [Dimension], points: &'a [Vec<f64>]) -> Self {
        // Scott's rule for points spread over the unit cube.
        let exponent = -1.0 / (dimensions.len() as f64 + 4.0);
        let spread = 0.2 * (points.len().max(1) as f64).powf(exponent);
        Density { dimensions, points, width: spread.clamp(NARROWEST, WIDEST) }
    }

    fn draw(&self, draws: &mut Draws) -> Vec<f64> {
        let kernel = self.points.get(draws.below(self.points.len() + 1));
        let of_dimension = |(i, dimension): (usize, &Dimension)| match (dimension.n_choices(), kernel) {
            (Some(_), Some(point)) if draws.uniform() >= OTHER_CHOICES => point[i],
            (Some(n), _) => draws.below(n) as f64,
            (None, Some(point)) => draws.normal_within(point[i], self.width),
            (None, None) => draws.normal_within(0.5, WIDEST),
        };
        self.dimensions.iter().enumerate().map(of_dimension).collect()
    }

    /// The logarithm of the density, up to a constant that is the same for all densities over these dimensions.
    fn log_density(&self, units: &[f64]) -> f64 {
        let broad = self.log_kernel(None, units);
        let kernels: Vec<f64> = self.points.iter().map(|point| self.log_kernel(Some(point), units)).collect();
        let largest = kernels.iter().copied().fold(broad, f64::max);
        let sum: f64 = kernels.iter().chain([&broad]).map(|log| (log - largest).exp()).sum();
        largest + (sum / (kernels.len() + 1) as f64).ln()
    }

    fn log_kernel(&self, point: Option<&Vec<f64>>, units: &[f64]) -> f64 {
        let of_dimension = |(i, dimension): (usize, &Dimension)| match (dimension.n_choices(), point) {
            (Some(n), Some(point)) => {
                let same = if point[i] == units[i] { 1.0 - OTHER_CHOICES } else { 0.0 };
                (same + OTHER_CHOICES / n as f64).ln()
            }
            (Some(n), None) => -(n as f64).ln(),
            (None, Some(point)) => log_normal_within(units[i], point[i], self.width),
            (None, None) => log_normal_within(units[i], 0.5, WIDEST),
        };
        self.dimensions.iter().enumerate().map(of_dimension).sum()
    }
}

/// The density of a normal number that is drawn again until it is between 0 and 1, up to √2π.
fn log_normal_within(at: f64, mean: f64, width: f64) -> f64 {
    let z = (at - mean) / width;
    let inside = normal_cdf((1.0 - mean) / width) - normal_cdf(-mean / width);
    -0.5 * z * z - width.ln() - inside.max(f64::MIN_POSITIVE).ln()
}

/// The share of normal numbers below `z`, within 8e-8 (Abramowitz and Stegun, *Handbook of mathematical functions*, 26.2.17).
fn normal_cdf(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let polynomial =
        t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() * polynomial;
    if z >= 0.0 { 1.0 - tail } else { tail }
}

/// Random numbers of some shapes.
struct Draws(Random);

impl Draws {
    /// At least 0, below 1.
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// A normal number, drawn again until it is between 0 and 1. `mean` is between them, so that one in some few is.
    fn normal_within(&mut self, mean: f64, width: f64) -> f64 {
        for _ in 0..1000 {
            // Box and Muller; one minus, so that no logarithm of zero is taken.
            let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
            let drawn = mean + width * radius * (2.0 * std::f64::consts::PI * self.uniform()).cos();
            if (0.0..=1.0).contains(&drawn) {
                return drawn;
            }
        }
        mean
    }
}
