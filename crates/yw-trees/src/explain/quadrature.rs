//! Gauss–Legendre quadrature: integrals of polynomials over 0 to 1 as finite sums, exactly.

use std::f64::consts::PI;

/// So many nodes are evaluated together.
pub(super) const N_LANES: usize = 4;

/// Some of the places where a polynomial is evaluated.
#[derive(Debug)]
pub(super) struct NodeGroup {
    /// The places.
    pub(super) at: [f64; N_LANES],
    /// How far it is from there to 1.
    pub(super) rest: [f64; N_LANES],
    /// What the values there count.
    pub(super) weights: [f64; N_LANES],
}

/// Quadratures of several sizes.
#[derive(Debug)]
pub(super) struct Quadratures {
    /// The first is of one group of nodes, the second of two, and so on.
    by_size: Vec<Vec<NodeGroup>>,
}

impl Quadratures {
    /// Whatever polynomials of up to so many coefficients need.
    pub(super) fn up_to(n_coefficients: usize) -> Self {
        Quadratures { by_size: (0..=size_index(n_coefficients)).map(|idx| gauss_legendre(idx + 1)).collect() }
    }

    /// The smallest quadrature that integrates polynomials of so many coefficients exactly. Panics if it is not among these.
    pub(super) fn exact_for(&self, n_coefficients: usize) -> &[NodeGroup] {
        &self.by_size[size_index(n_coefficients)]
    }
}

/// A node is good for two coefficients: one group for up to 8, two for up to 16, and so on.
fn size_index(n_coefficients: usize) -> usize {
    n_coefficients.saturating_sub(1) / (2 * N_LANES)
}

/// The nodes that integrate polynomials of twice as many coefficients exactly: the roots of the Legendre polynomial, found
/// by Newton's method (Abramowitz & Stegun 25.4.29 and 25.4.30, moved from -1..1 to 0..1).
fn gauss_legendre(n_groups: usize) -> Vec<NodeGroup> {
    let n_nodes = n_groups * N_LANES;
    let root_and_slope = |idx: usize| {
        let mut root = (PI * (idx as f64 + 0.75) / (n_nodes as f64 + 0.5)).cos();
        for _ in 0..N_STEPS {
            let (value, slope) = legendre(n_nodes, root);
            root -= value / slope;
        }
        (root, legendre(n_nodes, root).1)
    };
    let group = |group_idx: usize| {
        let roots: [_; N_LANES] = std::array::from_fn(|lane| root_and_slope(group_idx * N_LANES + lane));
        NodeGroup {
            at: roots.map(|(root, _)| (1.0 - root) / 2.0),
            rest: roots.map(|(root, _)| (1.0 + root) / 2.0),
            weights: roots.map(|(root, slope)| 1.0 / ((1.0 - root * root) * slope * slope)),
        }
    };
    (0..n_groups).map(group).collect()
}

/// Newton's method doubles the digits at each step; from the start above, three are enough for all of them.
const N_STEPS: usize = 5;

/// The Legendre polynomial of a degree above 0 and its slope, at a place within -1 to 1.
fn legendre(degree: usize, at: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, at);
    for k in 2..=degree {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k - 1.0) * at * value - (k - 1.0) * before) / k);
    }
    (value, degree as f64 * (at * value - before) / (at * at - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_integrated_exactly() {
        for n_groups in [1, 2, 5, 25] {
            let groups = gauss_legendre(n_groups);
            for power in [0, 1, 5, 8 * n_groups as i32 - 1] {
                let terms =
                    groups.iter().flat_map(|g| (0..N_LANES).map(|lane| g.weights[lane] * g.at[lane].powi(power)));
                let (sum, integral) = (terms.sum::<f64>(), 1.0 / (f64::from(power) + 1.0));
                assert!((sum / integral - 1.0).abs() < 1e-12, "x^{power} with {n_groups} groups: {sum}");
            }
        }
    }
}
