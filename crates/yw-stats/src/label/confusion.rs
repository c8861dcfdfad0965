//! Which labels are taken for which.

/// How often each label was answered where each label is the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    /// Truth by row, answer by column.
    counts: Vec<u64>,
    /// Rows of each truth that failed.
    failed: Vec<u64>,
    n_labels: usize,
}

/// One label taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confusion {
    /// What it was.
    pub truth: u32,
    /// What was answered.
    pub predicted: u32,
    /// How often.
    pub count: u64,
}

/// How well one label is recognised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScores {
    /// The share of its answers that are right; NaN where it was never answered.
    pub precision: f64,
    /// The share of its rows that are found; NaN where it is never the truth.
    pub recall: f64,
    /// 2 tp / (2 tp + fp + fn); NaN where it occurs neither as truth nor as answer.
    pub f1: f64,
    /// How many rows it is the truth of.
    pub support: u64,
}

impl ConfusionMatrix {
    pub(super) fn new(truth: &[u32], predicted: &[Option<u32>], n_labels: usize) -> Self {
        assert_eq!(truth.len(), predicted.len(), "one answer per row");
        let mut matrix = ConfusionMatrix { counts: vec![0; n_labels * n_labels], failed: vec![0; n_labels], n_labels };
        for (&truth, predicted) in truth.iter().zip(predicted) {
            match predicted {
                Some(predicted) => {
                    let cell = matrix.cell(truth, *predicted);
                    matrix.counts[cell] += 1;
                }
                None => matrix.failed[truth as usize] += 1,
            }
        }
        matrix
    }

    /// How many labels there are.
    pub fn n_labels(&self) -> usize {
        self.n_labels
    }

    /// How often `predicted` was answered where `truth` is true. Panics if either is not below the number of labels.
    pub fn count(&self, truth: u32, predicted: u32) -> u64 {
        self.counts[self.cell(truth, predicted)]
    }

    /// How many rows of this truth failed. Panics if it is not below the number of labels.
    pub fn failed(&self, truth: u32) -> u64 {
        self.failed[truth as usize]
    }

    /// The most frequent wrong answers, at most `limit`, those that never happened left out; equals in label order.
    pub fn top_confusions(&self, limit: usize) -> Vec<Confusion> {
        let labels = 0..self.n_labels as u32;
        let pairs = labels.clone().flat_map(|truth| labels.clone().map(move |predicted| (truth, predicted)));
        let mut confusions: Vec<Confusion> = pairs
            .map(|(truth, predicted)| Confusion { truth, predicted, count: self.count(truth, predicted) })
            .filter(|confusion| confusion.truth != confusion.predicted && confusion.count > 0)
            .collect();
        confusions.sort_by_key(|confusion| std::cmp::Reverse(confusion.count));
        confusions.truncate(limit);
        confusions
    }

    /// One entry per label, in label order. Failed rows are missed rows of their truth.
    pub fn per_class(&self) -> Vec<ClassScores> {
        let labels = 0..self.n_labels as u32;
        let scores = |label: u32| {
            let hits = self.count(label, label);
            let support =
                self.failed(label) + labels.clone().map(|predicted| self.count(label, predicted)).sum::<u64>();
            let answered: u64 = labels.clone().map(|truth| self.count(truth, label)).sum();
            ClassScores {
                precision: hits as f64 / answered as f64,
                recall: hits as f64 / support as f64,
                f1: (2 * hits) as f64 / (support + answered) as f64,
                support,
            }
        };
        labels.clone().map(scores).collect()
    }

    fn cell(&self, truth: u32, predicted: u32) -> usize {
        let (truth, predicted) = (truth as usize, predicted as usize);
        assert!(truth < self.n_labels && predicted < self.n_labels, "label ids are below the number of labels");
        truth * self.n_labels + predicted
    }
}
