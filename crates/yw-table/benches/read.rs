//! How fast tables are read, on one core: `cargo bench -p yw-table`.
//!
//! One hundred megabytes of CSV in the shape of the Adult data (6 numbers, 9 categories) and of support tickets (long
//! texts), and the same rows as JSON lines, Parquet and gzip. Megabytes are those of the plain CSV.

#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use tokio::runtime::Runtime;
use yw_table::{AnswerColumn, Source, Table, TableSpec};
use yw_task::{AnswerKind, Field, FieldType};

const CSV_BYTES: usize = 100_000_000;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = Runtime::new().expect("a runtime");
    adult(&runtime, folder.path());
    tickets(&runtime, folder.path());
}

fn adult(runtime: &Runtime, folder: &Path) {
    println!("adult: 15 columns, 100 MB");
    let mut csv =
        String::from("age,workclass,fnlwgt,education,education_num,marital,occupation,relationship,race,sex,");
    csv.push_str("capital_gain,capital_loss,hours,country,income\n");
    for i in 0.. {
        if csv.len() >= CSV_BYTES {
            break;
        }
        let (a, b) = (i * 7919 % 10_007, i * 104_729 % 1_299_709);
        let _ = writeln!(
            csv,
            "{},Private,{b},Bachelors,{},Never-married,Adm-clerical,Not-in-family,White,{},{},0,{}.5,United-States,{}",
            17 + a % 60,
            a % 16,
            ["Male", "Female"][a % 2],
            a * 3,
            a % 80,
            ["<=50K", ">50K"][b % 2],
        );
    }
    std::fs::write(folder.join("t.csv"), &csv).expect("space");
    let numbers = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours"];
    let field =
        |name: &str| Field::new(name, if numbers.contains(&name) { FieldType::Number } else { FieldType::Category });
    let names = csv.lines().next().unwrap_or_default().split(',').filter(|name| *name != "income");
    let spec = TableSpec {
        fields: names.map(field).collect::<Vec<_>>().into(),
        answer: Some(AnswerColumn::new("income", AnswerKind::Label)),
        extra: Vec::new(),
    };
    let one = TableSpec::unlabelled([field("age")].into());
    measure("parse (stream, 1 column typed)", || stream(runtime, folder, "t.csv", &one, false));
    measure("stream, 14 columns typed", || stream(runtime, folder, "t.csv", &spec, false));
    measure("stream, typed and passed through", || stream(runtime, folder, "t.csv", &spec, true));
    let table = measure("read, with answers and fingerprint", || read(runtime, folder, "t.csv", &spec));
    write_others(folder, &csv, &table);
    measure("read gzip", || read(runtime, folder, "t.csv.gz", &spec));
    measure("read JSON lines", || read(runtime, folder, "t.jsonl", &spec));
    measure("stream Parquet", || stream(runtime, folder, "t.parquet", &spec, false));
    measure("profile", || yw_table::profile(&table, None));
    let folds = yw_table::SplitSpec::Folds { folds: 5, by: yw_table::SplitBy::Random };
    measure("split into 5 folds", || yw_table::split(&table, &folds, 1).expect("enough rows"));
}

fn tickets(runtime: &Runtime, folder: &Path) {
    println!("tickets: a subject and a body of 500 characters, 100 MB");
    let body =
        "The export has been stuck since this morning, and \"retry\" does nothing. ".repeat(7).replace('"', "\"\"");
    let mut csv = String::from("subject,body,team\n");
    for i in 0.. {
        if csv.len() >= CSV_BYTES {
            break;
        }
        let _ = writeln!(csv, "Ticket number {i},\"{body}\",{}", ["app", "web", "billing"][i % 3]);
    }
    std::fs::write(folder.join("t.csv"), &csv).expect("space");
    let spec = TableSpec {
        fields: [Field::new("subject", FieldType::Text), Field::new("body", FieldType::Text)].into(),
        answer: Some(AnswerColumn::new("team", AnswerKind::Label)),
        extra: Vec::new(),
    };
    measure("stream", || stream(runtime, folder, "t.csv", &spec, false));
    measure("read, with answers and fingerprint", || read(runtime, folder, "t.csv", &spec));
}

/// The best of three, as megabytes of plain CSV a second: by the clock, and by the processor time of all threads, which
/// other programs on the machine disturb less.
fn measure<T>(what: &str, mut work: impl FnMut() -> T) -> T {
    let mut best = (f64::MAX, f64::MAX);
    let mut result = None;
    for _ in 0..3 {
        let (start, cpu_start) = (Instant::now(), cpu_seconds());
        result = Some(work());
        best = (best.0.min(start.elapsed().as_secs_f64()), best.1.min(cpu_seconds() - cpu_start));
    }
    let megabytes = CSV_BYTES as f64 / 1e6;
    println!("  {what:<36}{:>7.0} MB/s {:>7.0} MB/s of processor time", megabytes / best.0, megabytes / best.1);
    result.expect("three results")
}

/// Processor time of this process so far, to a hundredth of a second; NaN where the system does not tell.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let times = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: Option<Vec<f64>> = times.map(|ticks| ticks.parse().ok()).collect();
    ticks.filter(|ticks| ticks.len() == 2).map_or(f64::NAN, |ticks| ticks.iter().sum::<f64>() / 100.0)
}

fn stream(runtime: &Runtime, folder: &Path, name: &str, spec: &TableSpec, originals: bool) -> usize {
    runtime.block_on(async {
        let source = Source::new(folder, name);
        let batches = yw_table::stream(&source, spec, 8_192, originals).await.expect("a table");
        batches.fold(0, |n, batch| std::future::ready(n + batch.expect("a batch").rows.n_rows())).await
    })
}

fn read(runtime: &Runtime, folder: &Path, name: &str, spec: &TableSpec) -> Table {
    runtime.block_on(yw_table::read(&Source::new(folder, name), spec)).expect("a table")
}

/// The same rows as gzip, JSON lines and Parquet.
fn write_others(folder: &Path, csv: &str, table: &Table) {
    let file = |name: &str| std::io::BufWriter::new(std::fs::File::create(folder.join(name)).expect("space"));
    let mut gzip = flate2::write::GzEncoder::new(file("t.csv.gz"), flate2::Compression::default());
    gzip.write_all(csv.as_bytes()).and_then(|()| gzip.try_finish()).expect("space");
    let truth = table.truth.as_ref().expect("labels");
    let mut lines = file("t.jsonl");
    for row in 0..table.n_rows() {
        let mut object = table.rows.row_json(row);
        object.insert("income".to_owned(), truth.value(row).to_json());
        serde_json::to_writer(&mut lines, &object).expect("space");
        lines.write_all(b"\n").expect("space");
    }
    let columns = table.rows.fields().iter().enumerate().map(|(i, f)| (f.name.as_str(), table.rows.arrow(i).clone()));
    let income = (0..table.n_rows()).map(|row| Some(truth.value(row).to_string()));
    let income: arrow_array::ArrayRef = Arc::new(income.collect::<arrow_array::StringArray>());
    let batch = arrow_array::RecordBatch::try_from_iter(columns.chain([("income", income)])).expect("equal lengths");
    let mut writer = parquet::arrow::ArrowWriter::try_new(file("t.parquet"), batch.schema(), None).expect("a schema");
    writer.write(&batch).and_then(|()| writer.close()).expect("space");
}
