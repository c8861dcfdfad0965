//! The n-grams of the training texts that are features, with their weights.

use arrow_array::LargeStringArray;
use rustc_hash::FxHashMap;

use super::ngrams::{Cut, Scratch, key};
use super::texts_of;
use crate::FormatError;
use crate::bytes::{Reader, Writer};
use crate::parallel::{few_chunks, map_chunks};

/// Fewest texts that are counted as one chunk.
const CHUNK_ROWS: usize = 256;

/// N-grams by number, those of most training rows first, so that what is often needed together lies together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Vocabulary {
    names: Names,
    /// Inverse document frequency, smoothed: `ln((1 + n_rows) / (1 + n_rows_with_it)) + 1`.
    idf: Vec<f32>,
    by_key: FxHashMap<u64, u32>,
}

impl Vocabulary {
    /// The n-grams of at least `min_rows` of the texts, at most `max_features` of them.
    pub(super) fn fit(
        n_rows: usize,
        columns: &[&LargeStringArray],
        cut: Cut,
        min_rows: usize,
        max_features: usize,
    ) -> Self {
        let chunks = map_chunks(n_rows, few_chunks(n_rows, CHUNK_ROWS), |rows| {
            let mut counts = Counts::default();
            let mut scratch = Scratch::default();
            for row_idx in rows {
                for text in texts_of(columns, row_idx) {
                    cut.for_each(text, &mut scratch, |ngram| counts.add(ngram, row_idx));
                }
            }
            counts
        });
        let mut chunks = chunks.into_iter();
        let mut counts = chunks.next().unwrap_or_default();
        chunks.for_each(|chunk| counts.merge(&chunk));
        counts.into_vocabulary(n_rows, min_rows, max_features)
    }

    pub(super) fn len(&self) -> usize {
        self.idf.len()
    }

    pub(super) fn idf(&self, ngram_idx: u32) -> f32 {
        self.idf[ngram_idx as usize]
    }

    pub(super) fn find(&self, ngram: &str) -> Option<u32> {
        self.by_key.get(&key(ngram)).copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.names.len()).map(|i| self.names.get(i))
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.f32s(&self.idf);
        self.names().for_each(|name| out.str(name));
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let idf = from.f32s()?;
        let mut names = Names::default();
        for _ in 0..idf.len() {
            names.push(from.str()?);
        }
        let vocabulary = Vocabulary::new(names, idf);
        if vocabulary.by_key.len() != vocabulary.len() {
            return Err(FormatError::Damaged { what: "a vocabulary has one n-gram twice" });
        }
        Ok(vocabulary)
    }

    fn new(names: Names, idf: Vec<f32>) -> Self {
        let by_key = (0..names.len()).map(|i| (key(names.get(i)), i as u32)).collect();
        Vocabulary { names, idf, by_key }
    }
}

/// Strings, one after the other in one allocation.
#[derive(Debug, Clone, PartialEq, Default)]
struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    fn get(&self, idx: usize) -> &str {
        let start = if idx == 0 { 0 } else { self.ends[idx - 1] };
        &self.text[start..self.ends[idx]]
    }
}

/// In how many rows each n-gram stands.
#[derive(Default)]
struct Counts {
    by_key: FxHashMap<u64, u32>,
    names: Names,
    n_rows: Vec<u32>,
    /// The last row in which the n-gram was seen, so that it counts once a row.
    last_row: Vec<usize>,
}

impl Counts {
    fn add(&mut self, ngram: &str, row_idx: usize) {
        let ngram_idx = self.find_or_insert(key(ngram), ngram);
        if self.last_row[ngram_idx] != row_idx {
            self.last_row[ngram_idx] = row_idx;
            self.n_rows[ngram_idx] += 1;
        }
    }

    /// Adds the counts of other rows.
    fn merge(&mut self, other: &Counts) {
        for (i, n_rows) in other.n_rows.iter().enumerate() {
            let name = other.names.get(i);
            let ngram_idx = self.find_or_insert(key(name), name);
            self.n_rows[ngram_idx] += n_rows;
        }
    }

    fn find_or_insert(&mut self, key: u64, ngram: &str) -> usize {
        let next = self.names.len() as u32;
        let ngram_idx = *self.by_key.entry(key).or_insert(next);
        if ngram_idx == next {
            self.names.push(ngram);
            self.n_rows.push(0);
            self.last_row.push(usize::MAX);
        }
        ngram_idx as usize
    }

    fn into_vocabulary(self, n_rows: usize, min_rows: usize, max_features: usize) -> Vocabulary {
        let mut kept: Vec<usize> = (0..self.names.len()).filter(|&i| self.n_rows[i] as usize >= min_rows).collect();
        kept.sort_unstable_by(|&a, &b| {
            self.n_rows[b].cmp(&self.n_rows[a]).then_with(|| self.names.get(a).cmp(self.names.get(b)))
        });
        kept.truncate(max_features);
        let mut names = Names::default();
        kept.iter().for_each(|&i| names.push(self.names.get(i)));
        let idf = |&i: &usize| (((1 + n_rows) as f64 / f64::from(1 + self.n_rows[i])).ln() + 1.0) as f32;
        let idf = kept.iter().map(idf).collect();
        Vocabulary::new(names, idf)
    }
}
