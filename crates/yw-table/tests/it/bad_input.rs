//! Every kind of bad input, and exactly what is said about it.

use yw_table::{AnswerColumn, Source, TableSpec};
use yw_task::{AnswerKind, Field, FieldType, Truth};

use crate::support::{block_on, chain, folder, gzip, read, spec};

const FIELDS: &str = "subject:text seats:number";

/// Reading the one file of this content fails with this message.
#[track_caller]
fn check_error(name: &str, content: &[u8], message: &str) {
    let folder = folder(&[(name, content)]);
    let error = read(&folder, name, &spec(FIELDS, "team:label")).unwrap_err();
    assert_eq!(chain(&error), message);
}

/// Reading the CSV leaves these rows and says this about the others.
#[track_caller]
fn check_problems(content: &[u8], n_rows: usize, problems: &[&str]) {
    let folder = folder(&[("t.csv", content)]);
    let table = read(&folder, "t.csv", &spec(FIELDS, "team:label")).unwrap();
    assert_eq!(table.n_rows(), n_rows);
    let shown: Vec<String> = table.problems.shown().iter().map(ToString::to_string).collect();
    assert_eq!(shown, problems);
    assert_eq!(table.problems.n_problems(), problems.len() as u64);
}

#[test]
fn missing_file() {
    let folder = folder(&[("train.csv", b"a\n1\n"), ("test.csv", b"a\n1\n")]);
    let message = |address: &str| chain(&read(&folder, address, &spec("a:number", "")).unwrap_err());
    assert_eq!(message("trian.csv"), "no such file: trian.csv; did you mean train.csv?");
    assert_eq!(message("wine.parquet"), "no such file: wine.parquet; there are test.csv, train.csv");
    assert_eq!(message("data/train.csv"), "no such file: data/train.csv");
    assert_eq!(message("*.parquet"), "no file matches *.parquet; there are test.csv, train.csv");
    assert_eq!(message("."), "cannot use the address .: it is a folder; name its files, for example with *.csv");
    assert_eq!(
        message("ftp://host/t.csv"),
        "cannot use the address ftp://host/t.csv: Unable to recognise URL \"ftp://host/t.csv\""
    );
    assert_eq!(
        message("https://host/t.csv?token=1"),
        "cannot use the address https://host/t.csv?token=1: addresses with a `?` part are not supported"
    );
}

#[test]
fn empty_files() {
    check_error("t.csv", b"", "t.csv is empty");
    check_error("t.csv", b"\n\n", "t.csv is empty");
    check_error("t.csv.gz", &gzip(b""), "t.csv.gz is empty");
    check_error("t.csv", b"subject,seats,team\n", "t.csv has no rows");
    check_error("t.jsonl", b"", "t.jsonl is empty");
}

#[test]
fn wrong_columns() {
    check_error(
        "t.csv",
        b"Subject,seat,other\nx,1,y\n",
        "t.csv has no column `subject` (did you mean `Subject`?), `seats` (did you mean `seat`?), `team`; \
         it has Subject, seat, other",
    );
    check_error("t.csv", b"subject,seats,team,seats\nx,1,a,2\n", "t.csv has more than one column named `seats`");
    check_error(
        "t.jsonl",
        b"{\"subject\": \"x\", \"seats\": 1}\n",
        "t.jsonl has no column `team`; it has subject, seats",
    );
    // A column nobody asked for may stand there twice.
    check_problems(b"subject,seats,team,x,x\na,1,b,2,3\n", 1, &[]);
}

#[test]
fn wrong_delimiter() {
    let folder = folder(&[("t.csv", b"subject;seats;team\nx;1;a\n")]);
    let source = Source { delimiter: Some(b','), ..Source::new(folder.path(), "t.csv") };
    let error = block_on(yw_table::read(&source, &spec(FIELDS, "team:label"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.csv has one column, `subject;seats;team`, when cells are separated by `,`; they seem to be separated by `;`"
    );
    assert_eq!(read(&folder, "t.csv", &spec(FIELDS, "team:label")).unwrap().n_rows(), 1);
}

#[test]
fn wrong_formats() {
    check_error("t.parquet", b"subject,seats\n", "t.parquet is not a Parquet file: it does not begin with PAR1");
    check_error("t.csv", b"\xFF\xFEs\0u\0", "t.csv is UTF-16; save it as UTF-8");
    check_error("t.csv", b"PK\x03\x04....", "t.csv is a spreadsheet or zip archive; export it as CSV");
    check_error(
        "t.json",
        b"[{\"subject\": 1}]",
        "t.json is one JSON array; write one object a line (jq -c '.[]' does it)",
    );
    check_error("t.csv", b"subject,\xFFseats,team\nx,1,a\n", "t.csv has a header line that is not valid UTF-8");
    let cut = gzip(b"subject,seats,team\nx,1,a\n");
    check_error("t.csv.gz", &cut[..cut.len() - 9], "cannot read t.csv.gz: incomplete deflate stream");
    check_error(
        "t.parquet",
        b"PAR1 and then nothing",
        "cannot read t.parquet: Parquet error: Invalid Parquet file. Corrupt footer",
    );
}

#[test]
fn bad_cells_name_file_line_and_column() {
    check_problems(
        b"subject,seats,team\n\"two\nlines\",many,a\nx,inf,\ny,\"1,234\",b\nz,,c\n",
        1,
        &[
            "t.csv line 2, column `seats`: `many` is not a number",
            "t.csv line 4, column `seats`: `inf` is not a finite number",
            "t.csv line 4, column `team`: the answer is missing",
            "t.csv line 5, column `seats`: `1,234` is not a number",
        ],
    );
}

#[test]
fn ragged_rows() {
    check_problems(
        b"subject,seats,team\r\nx,1\r\ny,2,a,b\r\n\r\nz,3,c\r\n",
        1,
        &["t.csv line 2: expected 3 cells, found 2", "t.csv line 3: expected 3 cells, found 4"],
    );
}

#[test]
fn open_quotes() {
    check_problems(
        b"subject,seats,team\nx,1,a\n\"y,2,b\nz,3,c\nw,4,d\n",
        1,
        &["t.csv line 3: a quote that opens in this row is never closed; 2 more lines were read as part of it"],
    );
    check_problems(
        b"subject,seats,team\nx,1,a\ny,2,\"b\nz,3,c\n",
        1,
        &["t.csv line 3: a quote that opens in this row is never closed; 1 more line was read as part of it"],
    );
}

#[test]
fn invalid_utf8() {
    check_problems(
        b"subject,seats,team\nx,1,a\ncaf\xE9,2,b\nz,3,c\xFF\n",
        1,
        &[
            "t.csv line 3, column `subject`: the bytes are not valid UTF-8",
            "t.csv line 4, column `team`: the bytes are not valid UTF-8",
        ],
    );
    // In a column that is not read it does not matter.
    check_problems(b"subject,seats,team,note\nx,1,a,\xFF\n", 1, &[]);
}

#[test]
fn missing_words_and_infinities() {
    check_problems(
        b"subject,seats,team\nx,NaN,a\nx,NA,a\nx,null,a\nx,N/A,a\nx,,a\nx,-inf,a\nx,1e999,a\n",
        5,
        &[
            "t.csv line 7, column `seats`: `-inf` is not a finite number",
            "t.csv line 8, column `seats`: `1e999` is not a finite number",
        ],
    );
}

#[test]
fn bad_json_lines() {
    let folder = folder(&[(
        "t.jsonl",
        b"\xEF\xBB\xBF{\"subject\": \"x\", \"seats\": 1, \"team\": \"a\"}\n{\"subject\": \n\n[1]\n{\"team\": 3}\n{\"seats\": {}, \"team\": \"a\"}",
    )]);
    let table = read(&folder, "t.jsonl", &spec(FIELDS, "team:label")).unwrap();
    assert_eq!(table.n_rows(), 2);
    let shown: Vec<String> = table.problems.shown().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "t.jsonl line 2: not a JSON object: EOF while parsing a value at line 2 column 0",
            "t.jsonl line 4: not a JSON object: the line is another JSON value",
            "t.jsonl line 6, column `seats`: `{}` is not a number",
        ]
    );
    assert_eq!(table.place(1).to_string(), "t.jsonl line 5");
}

#[test]
fn deep_json_is_one_bad_row() {
    let deep =
        format!("{{\"subject\": {}1{}, \"seats\": 1, \"team\": \"a\"}}\n", "[".repeat(10_000), "]".repeat(10_000));
    let good = "{\"subject\": \"x\", \"seats\": 1, \"team\": \"a\"}\n";
    let folder = folder(&[("t.jsonl", format!("{good}{deep}{good}").as_bytes())]);
    let table = read(&folder, "t.jsonl", &spec(FIELDS, "team:label")).unwrap();
    assert_eq!((table.n_rows(), table.problems.n_rows()), (2, 1));
}

#[test]
fn no_good_row_at_all() {
    check_error(
        "t.csv",
        b"subject,seats,team\nx,many,a\ny,2,\n",
        "none of the 2 rows of t.csv can be used; t.csv line 2, column `seats`: `many` is not a number",
    );
}

#[test]
fn bad_answers() {
    let check = |kind: AnswerKind, answers: &str, expected: &[&str]| {
        let folder = folder(&[("t.csv", format!("x;answer\n{answers}").as_bytes())]);
        let answer =
            AnswerColumn { fields: vec![Field::new("n", FieldType::Number)], ..AnswerColumn::new("answer", kind) };
        let spec = TableSpec { answer: Some(answer), ..spec("x:number", "") };
        let table = read(&folder, "t.csv", &spec).unwrap();
        assert_eq!(table.n_rows(), 1);
        let shown: Vec<String> = table.problems.shown().iter().map(|p| p.kind.to_string()).collect();
        assert_eq!(shown, expected);
    };
    check(AnswerKind::Boolean, "1;yes\n1;maybe\n", &["the answer `maybe` is not a boolean (true or false)"]);
    check(
        AnswerKind::Number,
        "1;2\n1;two\n1;inf\n1;NA\n",
        &[
            "the answer `two` is not a finite number",
            "the answer `inf` is not a finite number",
            "the answer is missing",
        ],
    );
    check(AnswerKind::Text, "1;fine\n1;  \n", &["the answer is missing"]);
    check(
        AnswerKind::Json,
        "1;{\"n\": null}\n1;[1]\n1;{\n1;{}\n1;{\"n\": true}\n1;\n",
        &[
            "the answer `[1]` is not a JSON object",
            "the answer `{` is not a JSON object",
            "the answer has no `n`",
            "`n` of the answer must be a number, not `true`",
            "the answer is missing",
        ],
    );
}

#[test]
fn problems_are_counted_exactly_and_shown_up_to_a_limit() {
    let csv: String = std::iter::once("subject,seats,team\nx,1,a\n".to_owned())
        .chain((0..250).map(|i| format!("x,many,{}\n", if i % 2 == 0 { "" } else { "a" })))
        .collect();
    let folder = folder(&[("t.csv", csv.as_bytes())]);
    let table = read(&folder, "t.csv", &spec(FIELDS, "team:label")).unwrap();
    assert_eq!((table.problems.shown().len(), table.problems.n_rows(), table.problems.n_problems()), (100, 250, 375));
    let counts: Vec<_> = table.problems.counts().collect();
    assert_eq!(counts, [("cell", Some("seats"), 250), ("missing_answer", Some("team"), 125)]);
}

#[test]
fn test_labels_keep_training_ids() {
    let folder = folder(&[("a.csv", b"x,team\n1,web\n2,app\n"), ("b.csv", b"x,team\n1,zoo\n2,web\n3,bar\n")]);
    let truth = |name: &str| read(&folder, name, &spec("x:number", "team:label")).unwrap().truth.unwrap();
    let Truth::Label { labels, .. } = truth("a.csv") else { panic!("labels") };
    let Truth::Label { ids, labels } = yw_table::align(truth("b.csv"), &labels) else { panic!("labels") };
    assert_eq!(labels.iter().map(|l| &**l).collect::<Vec<_>>(), ["app", "web", "bar", "zoo"]);
    assert_eq!(ids, [3, 1, 2]);
}
