//! Trials on disk: what one found is durable before the next begins.
//!
//! `KEY.jsonl` holds one JSON object a line. The key is a hash of everything that trials depend on, so that a file that is
//! there is the beginning of the search that is asked for, however long it was then and is to be now.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use yw_task::{Cell, LabelledRows, Truth};

use super::trial::Trial;

/// Goes up whenever the same key would no longer mean the same trials: another space, another search, other models.
const VERSION: u32 = 1;

/// The trials of one search, and the file that more are added to.
pub(super) struct Journal {
    /// None where nothing is kept.
    file: Option<File>,
    pub(super) trials: Vec<Trial>,
    /// The time that the search had used when it was last out of time.
    pub(super) spent: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Trial(Trial),
    /// Seconds of the search, when it had no more.
    Spent(f64),
}

impl Journal {
    /// A search that is kept nowhere.
    pub(super) fn unkept() -> Self {
        Journal { file: None, trials: Vec::new(), spent: 0.0 }
    }

    /// What an earlier search with this key found. A last line that was cut off is dropped, in the file too.
    /// So is everything from a trial on that `is_known` does not know.
    pub(super) fn open(dir: &Path, key: &str, is_known: impl Fn(&Trial) -> bool) -> std::io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let path = dir.join(format!("{key}.jsonl"));
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut journal = Journal::unkept();
        let mut n_whole = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            match serde_json::from_slice(line) {
                Ok(Line::Trial(trial)) if is_known(&trial) => journal.trials.push(trial),
                Ok(Line::Spent(seconds)) => journal.spent = seconds,
                _ => break,
            }
            n_whole += line.len() as u64;
        }
        file.set_len(n_whole)?;
        file.seek(SeekFrom::Start(n_whole))?;
        Ok(Journal { file: Some(file), ..journal })
    }

    /// Adds a trial; it is on the disk when this returns.
    pub(super) fn push(&mut self, trial: Trial) -> std::io::Result<()> {
        let line = Line::Trial(trial.clone());
        self.trials.push(trial);
        self.write(&line)
    }

    /// Notes that the search has used up its time.
    pub(super) fn out_of_time(&mut self, seconds: f64) -> std::io::Result<()> {
        self.spent = seconds;
        self.write(&Line::Spent(seconds))
    }

    fn write(&mut self, line: &Line) -> std::io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut bytes = serde_json::to_vec(line).map_err(std::io::Error::other)?;
        bytes.push(b'\n');
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        if written.is_err() {
            // Half a line must not stand before a whole one.
            self.file = None;
        }
        written
    }
}

/// The key of a search over these rows; `what` says everything else that it depends on.
pub(super) fn key(train: &LabelledRows, what: &str) -> String {
    let mut key = Key(blake3::Hasher::new());
    key.bytes(&VERSION.to_le_bytes());
    key.text(what);
    for (field_idx, field) in train.rows.fields().iter().enumerate() {
        key.text(&field.name);
        key.text(field.field_type.name());
        (0..train.n_rows()).for_each(|row_idx| key.cell(train.rows.cell(row_idx, field_idx)));
    }
    match &train.truth {
        Truth::Label { ids, labels } => {
            labels.iter().for_each(|label| key.text(label));
            ids.iter().for_each(|id| key.bytes(&id.to_le_bytes()));
        }
        Truth::Boolean(truths) => truths.iter().for_each(|truth| key.cell(Cell::Boolean(*truth))),
        Truth::Number(numbers) => numbers.iter().for_each(|number| key.cell(Cell::Number(*number))),
        Truth::Text(texts) => texts.iter().for_each(|truth| key.text(truth)),
        Truth::Json(values) => values.iter().for_each(|truth| key.text(&truth.to_string())),
    }
    train.groups.iter().flatten().for_each(|group| key.bytes(&group.to_le_bytes()));
    key.0.finalize().to_hex()[..32].to_owned()
}

/// A hash in the making. What may have several lengths is told with its length, so that nothing runs together.
struct Key(blake3::Hasher);

impl Key {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(&(text.len() as u64).to_le_bytes());
        self.bytes(text.as_bytes());
    }

    fn cell(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Missing => self.bytes(&[0]),
            Cell::Number(number) => {
                self.bytes(&[1]);
                self.bytes(&number.to_bits().to_le_bytes());
            }
            Cell::Boolean(boolean) => self.bytes(&[2, u8::from(boolean)]),
            Cell::Text(text) => {
                self.bytes(&[3]);
                self.text(text);
            }
            Cell::Time(micros) => {
                self.bytes(&[4]);
                self.bytes(&micros.to_le_bytes());
            }
        }
    }
}
