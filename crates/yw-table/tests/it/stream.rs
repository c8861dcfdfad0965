//! Batches: complete, in order, and no more of them in memory than asked for.

use futures::StreamExt;
use yw_table::{Batch, Source, TableError};
use yw_task::Cell;

use crate::support::{block_on, folder, spec};

fn batches(source: &Source, fields: &str, batch_rows: usize) -> Vec<Batch> {
    block_on(async {
        let stream = yw_table::stream(source, &spec(fields, ""), batch_rows, true).await.unwrap();
        stream.map(Result::unwrap).collect().await
    })
}

#[test]
fn every_input_row_gets_one_value_in_order() {
    let folder = folder(&[("a.csv", b"n,id\n1,a\nx,b\n3,c\n4,d,?\ny,e\n"), ("b.jsonl", b"{\"n\": 6, \"id\": 7}\n{\n")]);
    let source = Source::new(folder.path(), "*");
    let batches = batches(&source, "n:number", 2);
    let sizes: Vec<_> = batches.iter().map(|b| (b.n_input_rows(), b.rows.n_rows())).collect();
    assert_eq!(sizes, [(2, 1), (2, 1), (1, 0), (2, 1)]);
    let values: Vec<String> = batches
        .iter()
        .flat_map(|batch| {
            let good = (0..batch.rows.n_rows()).map(|row| format!("{:?}", batch.rows.cell(row, 0)));
            batch.merge(good, |problem| problem.place.to_string())
        })
        .collect();
    assert_eq!(
        values,
        ["Number(1.0)", "a.csv line 3", "Number(3.0)", "a.csv line 5", "a.csv line 6", "Number(6.0)", "b.jsonl line 2"]
    );
    assert!(batches.iter().all(|b| b.originals.as_ref().unwrap().num_rows() == b.n_input_rows()));
    assert_eq!(batches[1].place(1).number, 5);
}

#[test]
fn what_is_known_at_once_is_an_error_of_the_call() {
    let folder = folder(&[("a.csv", b"n\n1\n"), ("b.csv", b"m\n1\n")]);
    let open = |address: &str| {
        block_on(yw_table::stream(&Source::new(folder.path(), address), &spec("n:number", ""), 10, false)).map(|_| ())
    };
    assert!(matches!(open("c.csv"), Err(TableError::NoSuchFile { .. })));
    assert!(matches!(open("b.csv"), Err(TableError::MissingColumns { .. })));
    // The second file's is an item, after the rows of the first.
    let items: Vec<bool> = block_on(async {
        let source = Source::new(folder.path(), "*.csv");
        let stream = yw_table::stream(&source, &spec("n:number", ""), 10, false).await.unwrap();
        stream.map(|item| item.is_ok()).collect().await
    });
    assert_eq!(items, [true, false]);
}

#[test]
fn a_header_alone_has_no_batches() {
    let folder = folder(&[("a.csv", b"n\n")]);
    assert!(batches(&Source::new(folder.path(), "a.csv"), "n:number", 10).is_empty());
}

#[test]
fn parquet_batches_span_record_batches_and_keep_their_types() {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;
    const N_ROWS: i64 = 20_000;
    let column = std::sync::Arc::new(Int64Array::from_iter_values(0..N_ROWS)) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("n", column.clone()), ("id", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let folder = folder(&[("t.parquet", &writer.into_inner().unwrap())]);
    let batches = batches(&Source::new(folder.path(), "t.parquet"), "n:number", 3_000);
    let mut next = 0;
    for batch in &batches {
        let originals = batch.originals.as_ref().unwrap();
        let ids = originals.column_by_name("id").unwrap().as_any().downcast_ref::<Int64Array>().unwrap();
        for row in 0..batch.n_input_rows() {
            assert_eq!((batch.rows.cell(row, 0), ids.value(row)), (Cell::Number(next as f64), next));
            next += 1;
        }
    }
    assert_eq!((batches.len(), next), (7, N_ROWS));
}

/// The largest resident size of this process so far, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// In a process of its own, because memory is counted by process.
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_bounded() {
    crate::support::run_alone("stream::reads_in_little_memory", &[]);
}

/// 50 MB of CSV are read through a few batches' worth of memory.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "a part of memory_stays_bounded"]
fn reads_in_little_memory() {
    use std::io::{BufWriter, Write};
    const N_ROWS: usize = 10_000;
    const BATCH_ROWS: usize = 100;
    let folder = folder(&[]);
    let mut file = BufWriter::new(std::fs::File::create(folder.path().join("t.csv")).unwrap());
    let row = format!("1,{}\n", "x".repeat(5_000));
    file.write_all(b"n,s\n").unwrap();
    (0..N_ROWS).for_each(|_| file.write_all(row.as_bytes()).unwrap());
    file.flush().unwrap();
    let before = peak_memory();
    let n_rows = block_on(async {
        let source = Source::new(folder.path(), "t.csv");
        let mut stream = yw_table::stream(&source, &spec("n:number s:text", ""), BATCH_ROWS, true).await.unwrap();
        let mut n_rows = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch.unwrap();
            assert!(batch.n_input_rows() <= BATCH_ROWS);
            n_rows += batch.rows.n_rows();
        }
        n_rows
    });
    assert_eq!(n_rows, N_ROWS);
    let grown = peak_memory() - before;
    assert!(grown < 16 << 20, "{} MiB more than before", grown >> 20);
}

#[test]
fn dropping_the_stream_stops_the_reading() {
    let csv: String = std::iter::once("n\n".to_owned()).chain((0..100_000).map(|i| format!("{i}\n"))).collect();
    let folder = folder(&[("t.csv", csv.as_bytes())]);
    let source = Source::new(folder.path(), "t.csv");
    // The runtime waits for blocking work when it is dropped: this test would hang if the reader did.
    block_on(async {
        let mut stream = yw_table::stream(&source, &spec("n:number", ""), 10, false).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap().rows.n_rows(), 10);
    });
}
