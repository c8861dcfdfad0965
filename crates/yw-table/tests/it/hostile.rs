//! Bytes that nobody should send: an error or a bad row, never a panic.

use futures::StreamExt;
use proptest::prelude::*;
use yw_table::Source;

use crate::support::{block_on, folder, gzip, spec};

const NAMES: [&str; 6] = ["t.csv", "t.jsonl", "t.parquet", "t.csv.gz", "t.csv.zst", "t"];

/// Reads the bytes under every name; what comes of it does not matter.
fn survive(bytes: &[u8]) {
    let files: Vec<(&str, &[u8])> = NAMES.iter().map(|name| (*name, bytes)).collect();
    let folder = folder(&files);
    let spec = spec("a:number b:text", "c:label");
    block_on(async {
        for name in NAMES {
            let source = Source::new(folder.path(), name);
            let _ = yw_table::read(&source, &spec).await;
            let _ = yw_table::infer(&source).await;
            if let Ok(mut batches) = yw_table::stream(&source, &spec, 7, true).await {
                while batches.next().await.is_some() {}
            }
        }
    });
}

/// A good file of each format.
fn samples() -> Vec<Vec<u8>> {
    let csv = b"a,b,c\n1,\"x\ny\",z\n2,\"q\"\"\",w\n".to_vec();
    let json = b"{\"a\":1,\"b\":\"x\",\"c\":\"z\"}\n{\"a\":null,\"b\":[1],\"c\":{}}\n".to_vec();
    let batch = arrow_array::RecordBatch::try_from_iter([
        ("a", std::sync::Arc::new(arrow_array::Float64Array::from(vec![1.0, 2.0])) as arrow_array::ArrayRef),
        ("b", std::sync::Arc::new(arrow_array::StringArray::from(vec!["x", "y"]))),
        ("c", std::sync::Arc::new(arrow_array::StringArray::from(vec![Some("z"), None]))),
    ])
    .unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let (gz, zst) = (gzip(&csv), zstd::encode_all(&csv[..], 0).unwrap());
    vec![csv, json, writer.into_inner().unwrap(), gz, zst]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        survive(&bytes);
    }

    #[test]
    fn random_table_like_text(text in "(a|b|c|,|;|\"|\n|\r|\\{|\\}|\\[|:|1|é| ){0,60}") {
        survive(text.as_bytes());
    }

    #[test]
    fn damaged_files(
        sample in 0..5usize,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = samples().swap_remove(sample);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        survive(&bytes);
    }
}
