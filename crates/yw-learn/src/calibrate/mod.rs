//! Probabilities that mean what they say: of the answers given with 0.8, eight in ten are right.
//!
//! A calibrator is learned from probabilities of rows that their model did not learn from ([`HeldOut`](crate::HeldOut)),
//! and knows nothing else of the model.

mod choose;
mod isotonic;
mod platt;
mod temperature;

use rayon::prelude::*;

use self::isotonic::Isotonic;
use self::platt::Platt;
use crate::bytes::{Reader, Writer};
use crate::probability::{floored, softmax};
use crate::{FormatError, HeldOut};

pub use self::choose::{CalibrationLoss, ChosenCalibrator};
pub(crate) use self::temperature::sharpness;

/// Up to this many classes, each can have a curve of its own; of more, too few rows are each one's.
const MAX_CURVES: usize = 50;

/// How probabilities are corrected, from the plainest way to the most flexible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CalibrationMethod {
    /// Not at all.
    Identity,
    /// All probabilities to one power, then divided by their sum (temperature scaling: C. Guo and others, *On calibration
    /// of modern neural networks*, 2017). The order of the classes stays.
    Temperature,
    /// A sigmoid of the log-odds with its slope and its intercept, towards Platt's smoothed targets (J. Platt,
    /// *Probabilistic outputs for support vector machines*, 1999). Of more than two classes each has its own, against the
    /// rest, and the results are divided by their sum.
    Platt,
    /// The rising curve that fits best (pool adjacent violators: R. Barlow and others, *Statistical inference under order
    /// restrictions*, 1972), straight between the centres of its steps. Of more than two classes as for Platt.
    Isotonic,
}

impl CalibrationMethod {
    /// Every method, the plainest first.
    pub const ALL: [CalibrationMethod; 4] = [
        CalibrationMethod::Identity,
        CalibrationMethod::Temperature,
        CalibrationMethod::Platt,
        CalibrationMethod::Isotonic,
    ];

    /// The word for it in project files and reports.
    pub fn name(self) -> &'static str {
        match self {
            CalibrationMethod::Identity => "identity",
            CalibrationMethod::Temperature => "temperature",
            CalibrationMethod::Platt => "platt",
            CalibrationMethod::Isotonic => "isotonic",
        }
    }

    /// The method a word names, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether the method can be learned for so many classes.
    fn suits(self, n_classes: usize) -> bool {
        match self {
            CalibrationMethod::Identity | CalibrationMethod::Temperature => true,
            CalibrationMethod::Platt | CalibrationMethod::Isotonic => n_classes <= MAX_CURVES,
        }
    }
}

/// A learned correction of class probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrator(Correction);

#[derive(Debug, Clone, PartialEq)]
enum Correction {
    Identity,
    /// The power that probabilities are raised to.
    Temperature(f64),
    Platt(Curves<Platt>),
    Isotonic(Curves<Isotonic>),
}

/// One curve for the second of two classes, or one for each of more; none for a class that no row had, whose
/// probability stays.
#[derive(Debug, Clone, PartialEq)]
struct Curves<C>(Vec<Option<C>>);

/// A correction of the probability of one class against the rest.
trait Curve: Sized + Send {
    /// Learns from rows of a probability, whether it is the class, and a weight. Both must occur.
    fn fit(rows: impl Iterator<Item = (f64, bool, f64)>) -> Self;

    fn apply(&self, probability: f64) -> f64;

    fn write(&self, out: &mut Writer);

    fn read(from: &mut Reader<'_>) -> Result<Self, FormatError>;
}

impl Calibrator {
    /// The calibrator that changes nothing.
    pub const IDENTITY: Calibrator = Calibrator(Correction::Identity);

    /// Learns a correction from held-out rows. With no rows, or rows of one class alone, it is the identity; the same for
    /// [Platt](CalibrationMethod::Platt) and [isotonic](CalibrationMethod::Isotonic) with more than fifty classes.
    pub fn fit(method: CalibrationMethod, held_out: &HeldOut<'_>) -> Self {
        Calibrator::fit_rows(method, held_out, &held_out.rows())
    }

    /// Learns from some of the rows that count.
    fn fit_rows(method: CalibrationMethod, held_out: &HeldOut<'_>, rows: &[usize]) -> Self {
        let n_classes = held_out.n_classes();
        let is_varied = rows.iter().any(|&i| held_out.truth(i) != held_out.truth(rows[0]));
        if !is_varied || !method.suits(n_classes) {
            return Calibrator::IDENTITY;
        }
        Calibrator(match method {
            CalibrationMethod::Identity => Correction::Identity,
            CalibrationMethod::Temperature => {
                let logarithms = rows.iter().flat_map(|&i| held_out.row(i)).map(|&p| floored(p).ln());
                let classes: Vec<u32> = rows.iter().map(|&i| held_out.truth(i) as u32).collect();
                let weights: Vec<f64> = rows.iter().map(|&i| held_out.weight(i)).collect();
                let scores: Vec<f64> = logarithms.collect();
                Correction::Temperature(sharpness(&scores, &classes, Some(&weights), n_classes))
            }
            CalibrationMethod::Platt => Correction::Platt(Curves::fit(held_out, rows)),
            CalibrationMethod::Isotonic => Correction::Isotonic(Curves::fit(held_out, rows)),
        })
    }

    /// How it corrects.
    pub fn method(&self) -> CalibrationMethod {
        match &self.0 {
            Correction::Identity => CalibrationMethod::Identity,
            Correction::Temperature(_) => CalibrationMethod::Temperature,
            Correction::Platt(_) => CalibrationMethod::Platt,
            Correction::Isotonic(_) => CalibrationMethod::Isotonic,
        }
    }

    /// Whether it corrects probabilities of so many classes.
    pub fn suits(&self, n_classes: usize) -> bool {
        match &self.0 {
            Correction::Identity | Correction::Temperature(_) => true,
            Correction::Platt(curves) => curves.suits(n_classes),
            Correction::Isotonic(curves) => curves.suits(n_classes),
        }
    }

    /// Corrects the probabilities of one row, one per class, in place. They sum to one afterwards if they did before, and
    /// but for the identity none is exactly 0 or 1 that was not before.
    ///
    /// # Panics
    ///
    /// If there are not as many as the calibrator was learned for; see [`suits`](Self::suits).
    pub fn apply(&self, probabilities: &mut [f64]) {
        match &self.0 {
            Correction::Identity => {}
            Correction::Temperature(sharpness) => {
                let is_possible: Vec<bool> = probabilities.iter().map(|p| *p > 0.0).collect();
                probabilities.iter_mut().for_each(|p| *p = sharpness * floored(*p).ln());
                softmax(probabilities);
                // What was impossible stays so: a label without training rows, say.
                probabilities.iter_mut().zip(is_possible).filter(|(_, is)| !is).for_each(|(p, _)| *p = 0.0);
                normalise(probabilities);
            }
            Correction::Platt(curves) => curves.apply(probabilities),
            Correction::Isotonic(curves) => curves.apply(probabilities),
        }
    }

    /// Corrects the probabilities of many rows. *Shape*: as of [`HeldOut`]. Panics as [`apply`](Self::apply) does.
    pub fn apply_to_rows(&self, probabilities: &mut [f64], n_classes: usize) {
        probabilities.chunks_exact_mut(n_classes.max(1)).for_each(|row| self.apply(row));
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        let code = CalibrationMethod::ALL.iter().position(|m| *m == self.method()).unwrap_or_default();
        out.u8(code as u8);
        match &self.0 {
            Correction::Identity => {}
            Correction::Temperature(sharpness) => out.f64(*sharpness),
            Correction::Platt(curves) => curves.write(out),
            Correction::Isotonic(curves) => curves.write(out),
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let method = CalibrationMethod::ALL.get(usize::from(from.u8()?));
        let method = method.ok_or(FormatError::Damaged { what: "the method of calibration is unknown" })?;
        Ok(Calibrator(match method {
            CalibrationMethod::Identity => Correction::Identity,
            CalibrationMethod::Temperature => match from.f64()? {
                sharpness if sharpness > 0.0 => Correction::Temperature(sharpness),
                _ => return Err(FormatError::Damaged { what: "a temperature is not positive" }),
            },
            CalibrationMethod::Platt => Correction::Platt(Curves::read(from)?),
            CalibrationMethod::Isotonic => Correction::Isotonic(Curves::read(from)?),
        }))
    }
}

impl<C: Curve> Curves<C> {
    fn fit(held_out: &HeldOut<'_>, rows: &[usize]) -> Self {
        let curve = |class: usize| {
            let row = |&i: &usize| (held_out.row(i)[class], held_out.truth(i) == class, held_out.weight(i));
            let occurs = rows.iter().any(|&i| held_out.truth(i) == class);
            occurs.then(|| C::fit(rows.iter().map(row)))
        };
        let classes = if held_out.n_classes() == 2 { 1..2 } else { 0..held_out.n_classes() };
        Curves(classes.into_par_iter().map(curve).collect())
    }

    fn suits(&self, n_classes: usize) -> bool {
        if n_classes == 2 { self.0.len() == 1 } else { self.0.len() == n_classes }
    }

    fn apply(&self, probabilities: &mut [f64]) {
        assert!(self.suits(probabilities.len()), "the calibrator was learned for another number of classes");
        if let ([_, yes], [Some(curve)]) = (&*probabilities, &*self.0) {
            let p = floored(curve.apply(*yes));
            probabilities.copy_from_slice(&[1.0 - p, p]);
            return;
        }
        for (p, curve) in probabilities.iter_mut().zip(&self.0) {
            if let Some(curve) = curve {
                *p = floored(curve.apply(*p));
            }
        }
        normalise(probabilities);
    }

    fn write(&self, out: &mut Writer) {
        out.len(self.0.len());
        for curve in &self.0 {
            out.bool(curve.is_some());
            curve.iter().for_each(|curve| curve.write(out));
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let n_curves = from.len(1)?;
        let curve = |_| if from.bool()? { C::read(from).map(Some) } else { Ok(None) };
        (0..n_curves).map(curve).collect::<Result<_, _>>().map(Curves)
    }
}

/// Divides probabilities by their sum, if they have one.
fn normalise(probabilities: &mut [f64]) {
    let sum: f64 = probabilities.iter().sum();
    if sum > 0.0 {
        probabilities.iter_mut().for_each(|p| *p /= sum);
    }
}

#[cfg(test)]
mod tests;
