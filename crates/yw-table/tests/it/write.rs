//! Answers beside their rows, in every format.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use yw_table::{AnswerWriter, FileFormat, Source, WriteError};
use yw_task::{Answer, AnswerKind, AnswerSpec, LabelSet, RowError, RowErrorKind, Scores, Value};

use crate::support::{block_on, chain, folder, read, spec};

fn labels() -> AnswerSpec {
    AnswerSpec {
        name: "team".into(),
        kind: AnswerKind::Label,
        labels: LabelSet::sorted(["app", "web"]),
        fields: Vec::new(),
    }
}

fn of_kind(kind: AnswerKind) -> AnswerSpec {
    AnswerSpec { name: "y".into(), kind, labels: LabelSet::default(), fields: Vec::new() }
}

fn web(p: f64) -> Result<Answer, RowError> {
    Ok(Answer::new(Value::Label("web".into())).with_scores(Scores::Labels(vec![1.0 - p, p])))
}

fn failed(message: &str) -> Result<Answer, RowError> {
    Err(RowError { kind: RowErrorKind::Input, message: message.into() })
}

/// Answers every row of a file, good rows with `web`.
fn answer(source: &Source, mut writer: AnswerWriter, batch_rows: usize) -> Result<(), WriteError> {
    block_on(async {
        let mut batches = yw_table::stream(source, &spec("n:number", ""), batch_rows, true).await.unwrap();
        while let Some(batch) = batches.next().await {
            let batch = batch.unwrap();
            let good = (0..batch.rows.n_rows()).map(|_| web(0.75));
            let answers = batch.merge(good, |problem| failed(&problem.to_string()));
            writer.write(batch.originals.as_ref(), &answers)?;
        }
        writer.finish()
    })
}

/// A stream whose bytes can be looked at.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(format: FileFormat, spec: &AnswerSpec, scores: bool, answers: &[Result<Answer, RowError>]) -> String {
    let shared = Shared::default();
    let mut writer = AnswerWriter::to_stream(Box::new(shared.clone()), format, spec, scores);
    writer.write(None, answers).unwrap();
    writer.finish().unwrap();
    let bytes = shared.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn csv_keeps_the_input_and_one_line_per_row() {
    let folder = folder(&[("in.csv", b"id,n,error\n007,1,\"a\nb\"\n008,x,\n009,3,\"q\"\"\"\n")]);
    let path = folder.path().join("out.csv");
    let writer = AnswerWriter::create(&path, &labels(), true).unwrap();
    answer(&Source::new(folder.path(), "in.csv"), writer, 2).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "id,n,input_error,answer,confidence,score_app,score_web,error\n\
         007,1,\"a\nb\",web,0.75,0.25,0.75,\n\
         008,x,,,,,,\"in.csv line 4, column `n`: `x` is not a number\"\n\
         009,3,\"q\"\"\",web,0.75,0.25,0.75,\n"
    );
}

#[test]
fn json_lines_keep_the_input_as_it_is() {
    let input = "{\"id\":{\"a\":[1,2.50]},\"n\":1}\n{\"n\":2,\"id\":null}\n{\"n\":\"x\"}\n";
    let folder = folder(&[("in.jsonl", input.as_bytes())]);
    let path = folder.path().join("out.jsonl");
    answer(&Source::new(folder.path(), "in.jsonl"), AnswerWriter::create(&path, &labels(), false).unwrap(), 10)
        .unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "{\"id\":{\"a\":[1,2.5]},\"n\":1,\"answer\":\"web\",\"confidence\":0.75,\"error\":null}\n\
         {\"id\":null,\"n\":2,\"answer\":\"web\",\"confidence\":0.75,\"error\":null}\n\
         {\"n\":\"x\",\"answer\":null,\"confidence\":null,\"error\":\"in.jsonl line 3, column `n`: `x` is not a number\"}\n"
    );
}

#[test]
fn parquet_reads_back() {
    let csv: String = std::iter::once("n,id\n".to_owned()).chain((0..5_000).map(|i| format!("{i},k{i}\n"))).collect();
    let folder = folder(&[("in.csv", csv.as_bytes())]);
    let path = folder.path().join("out.parquet");
    answer(&Source::new(folder.path(), "in.csv"), AnswerWriter::create(&path, &labels(), true).unwrap(), 700).unwrap();
    let table =
        read(&folder, "out.parquet", &spec("id:category score_web:number error:category", "answer:label")).unwrap();
    assert_eq!(table.n_rows(), 5_000);
    let row = serde_json::Value::Object(table.rows.row_json(4_999)).to_string();
    assert_eq!(row, r#"{"id":"k4999","score_web":0.75,"error":null}"#);
    // And Parquet to Parquet.
    let path = folder.path().join("again.parquet");
    let source = Source::new(folder.path(), "out.parquet");
    let mut writer = AnswerWriter::create(&path, &of_kind(AnswerKind::Number), false).unwrap();
    block_on(async {
        let mut batches = yw_table::stream(&source, &spec("n:number", ""), 3_000, true).await.unwrap();
        while let Some(batch) = batches.next().await {
            let batch = batch.unwrap();
            let answers =
                batch.merge((0..batch.rows.n_rows()).map(|_| Ok(Answer::new(Value::Number(0.5)))), |_| failed(""));
            writer.write(batch.originals.as_ref(), &answers).unwrap();
        }
    });
    writer.finish().unwrap();
    let again =
        read(&folder, "again.parquet", &spec("input_answer:category score_web:number", "answer:number")).unwrap();
    assert_eq!(again.n_rows(), 5_000);
}

#[test]
fn every_kind_of_answer() {
    let csv = |kind, value| written(FileFormat::Csv, &of_kind(kind), false, &[Ok(Answer::new(value)), failed("no")]);
    assert_eq!(csv(AnswerKind::Number, Value::Number(2.0)), "answer,confidence,error\n2,,\n,,no\n");
    assert_eq!(csv(AnswerKind::Text, Value::Text("a,b".into())), "answer,confidence,error\n\"a,b\",,\n,,no\n");
    let object = serde_json::json!({"k": [1]});
    assert_eq!(
        csv(AnswerKind::Json, Value::Json(object.clone())),
        "answer,confidence,error\n\"{\"\"k\"\":[1]}\",,\n,,no\n"
    );
    let lines = written(
        FileFormat::JsonLines,
        &of_kind(AnswerKind::Json),
        false,
        &[Ok(Answer::new(Value::Json(object))), failed("no")],
    );
    assert_eq!(
        lines,
        "{\"answer\":{\"k\":[1]},\"confidence\":null,\"error\":null}\n\
         {\"answer\":null,\"confidence\":null,\"error\":\"no\"}\n"
    );
    let yes = Answer::new(Value::Boolean(true)).with_scores(Scores::True(0.9));
    assert_eq!(
        written(FileFormat::Csv, &of_kind(AnswerKind::Boolean), true, &[Ok(yes)]),
        "answer,confidence,score_true,error\ntrue,0.9,0.9,\n"
    );
    assert_eq!(written(FileFormat::Csv, &labels(), false, &[]), "answer,confidence,error\n");
}

#[test]
fn later_files_may_order_their_columns_otherwise() {
    let folder = folder(&[("a.csv", b"n,id\n1,a\n"), ("b.csv", b"id,n,more\nb,2,?\n"), ("c.csv", b"n\n3\n")]);
    let path = folder.path().join("out.jsonl");
    answer(&Source::new(folder.path(), "*.csv"), AnswerWriter::create(&path, &labels(), false).unwrap(), 10).unwrap();
    let lines = std::fs::read_to_string(&path).unwrap();
    let starts: Vec<&str> = lines.lines().map(|l| l.split(",\"answer\"").next().unwrap()).collect();
    assert_eq!(starts, [r#"{"n":"1","id":"a""#, r#"{"n":"2","id":"b""#, r#"{"n":"3","id":null"#]);
}

#[test]
fn there_is_never_half_a_file() {
    let folder = folder(&[("out.csv", b"before")]);
    let path = folder.path().join("out.csv");
    let mut writer = AnswerWriter::create(&path, &labels(), false).unwrap();
    writer.write(None, &[web(0.5)]).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    drop(writer);
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn impossible_outputs() {
    let message = |path: &str| chain(&AnswerWriter::create(Path::new(path), &labels(), false).err().unwrap());
    assert_eq!(message("out.xlsx"), "cannot tell the format of out.xlsx: name it .csv, .jsonl or .parquet");
    assert!(message("/nowhere/at/all/out.csv").starts_with("cannot write /nowhere/at/all/out.csv: No such file"));
    let mut writer = AnswerWriter::to_stream(Box::new(io::sink()), FileFormat::Csv, &labels(), false);
    let batch = arrow_array::RecordBatch::new_empty(Arc::new(arrow_schema::Schema::empty()));
    assert_eq!(writer.write(Some(&batch), &[web(0.5)]).unwrap_err().to_string(), "1 answers for 0 rows");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_plainly() {
    for format in [FileFormat::Csv, FileFormat::JsonLines, FileFormat::Parquet] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut writer = AnswerWriter::to_stream(Box::new(full), format, &labels(), false);
        let error = writer.write(None, &vec![web(0.5); 100]).and_then(|()| writer.finish()).unwrap_err();
        assert_eq!(error.to_string(), "no space left on the device while writing the output", "{format:?}");
    }
}

#[cfg(unix)]
#[test]
fn files_get_the_usual_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[]);
    let (ours, usual) = (folder.path().join("out.csv"), folder.path().join("usual"));
    AnswerWriter::create(&ours, &labels(), false).unwrap().finish().unwrap();
    std::fs::write(&usual, b"").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&usual));
}
