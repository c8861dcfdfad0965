//! Object-store addresses go the same way as files.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use yw_table::{Source, TableError};

use crate::support::{block_on, chain, folder, gzip, read, run_alone, spec, table};

/// Serves the files by name until the test process ends. A file named `cut` ends before its announced length.
fn serve(files: Vec<(&'static str, Vec<u8>)>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that went away is no concern of the test.
            let _ = answer(connection, &files);
        }
    });
    address
}

fn answer(connection: TcpStream, files: &[(&str, Vec<u8>)]) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut writer = connection;
    let (mut request, mut range) = (String::new(), None);
    reader.read_line(&mut request)?;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? <= 2 {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("range: bytes=") {
            let (start, end) = value.trim().split_once('-').unwrap();
            range = Some((start.parse::<usize>().unwrap(), end.parse::<usize>().unwrap()));
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let Some((name, content)) = files.iter().find(|(name, _)| *name == path) else {
        return writer.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let modified = "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\nConnection: close\r\n";
    let (head, body) = match range {
        None => (format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", content.len()), &content[..]),
        Some((start, end)) => {
            let end = (end + 1).min(content.len());
            let total = content.len();
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}\r\nContent-Length: {}\r\n",
                end - 1,
                end - start
            );
            (head, &content[start..end])
        }
    };
    let body = if *name == "cut.csv" { &body[..body.len() / 2] } else { body };
    writer.write_all(format!("{head}{modified}\r\n").as_bytes())?;
    writer.write_all(body)
}

fn read_http(address: SocketAddr, name: &str) -> Result<yw_table::Table, TableError> {
    let source = Source::new("/nowhere", format!("http://{address}/{name}"));
    block_on(yw_table::read(&source, &spec("n:number s:text", "")))
}

#[test]
fn file_addresses() {
    let folder = folder(&[("a b.csv", b"n,s\n1,x\n"), ("c.csv", b"n,s\n2,y\n"), ("d e/f.csv", b"n\n3\n")]);
    let url = |name: &str| format!("file://{}/{name}", folder.path().display());
    let n_rows = |name: &str| read(&folder, &url(name), &spec("n:number", "")).map(|t| t.n_rows());
    assert_eq!(n_rows("a%20b.csv").unwrap(), 1);
    assert_eq!(n_rows("*.csv").unwrap(), 2);
    assert_eq!(n_rows("d%20e/*.csv").unwrap(), 1);
    let missing = url("d.csv");
    assert_eq!(n_rows("d.csv").unwrap_err().to_string(), format!("no such file: {missing}; did you mean c.csv?"));
}

#[test]
fn http_addresses() {
    let csv = b"n,s\n1,x\n2,y\n".to_vec();
    let batch = arrow_array::RecordBatch::try_from_iter([
        ("n", std::sync::Arc::new(arrow_array::Int64Array::from(vec![1, 2])) as arrow_array::ArrayRef),
        ("s", std::sync::Arc::new(arrow_array::StringArray::from(vec!["x", "y"]))),
    ])
    .unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let address =
        serve(vec![("t.csv", csv.clone()), ("t.csv.gz", gzip(&csv)), ("deep/t.parquet", writer.into_inner().unwrap())]);
    let expected = table("n,s\n1,x\n2,y\n", "n:number s:text", "");
    for name in ["t.csv", "t.csv.gz", "deep/t.parquet"] {
        assert_eq!(read_http(address, name).unwrap().fingerprint, expected.fingerprint, "{name}");
    }
    let error = read_http(address, "other.csv").unwrap_err();
    assert_eq!(error.to_string(), format!("no such file: http://{address}/other.csv"));
}

/// Credentials and endpoint come from the environment, so the reading happens in a process of its own.
#[test]
fn s3_addresses() {
    let csv = b"n,s\n1,x\n2,y\n".to_vec();
    let list = "<ListBucketResult><IsTruncated>false</IsTruncated>\
        <Contents><Key>train/b.csv</Key><Size>4</Size><LastModified>2024-05-31T08:30:00Z</LastModified></Contents>\
        <Contents><Key>train/a.csv</Key><Size>4</Size><LastModified>2024-05-31T08:30:00Z</LastModified></Contents>\
        <Contents><Key>train/x.txt</Key><Size>4</Size><LastModified>2024-05-31T08:30:00Z</LastModified></Contents>\
        </ListBucketResult>";
    let address = serve(vec![
        ("bucket/train/a.csv", csv.clone()),
        ("bucket/train/b.csv", csv),
        ("bucket?list-type=2&prefix=train%2F", list.into()),
    ]);
    let endpoint = format!("http://{address}");
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    run_alone("remote::reads_from_s3", &variables);
}

#[test]
#[ignore = "a part of s3_addresses"]
fn reads_from_s3() {
    let places = |address: &str| {
        let table = block_on(yw_table::read(&Source::new("/nowhere", address), &spec("n:number", ""))).unwrap();
        (0..table.n_rows()).map(|row| table.place(row).to_string()).collect::<Vec<_>>()
    };
    assert_eq!(places("s3://bucket/train/a.csv"), ["s3://bucket/train/a.csv line 2", "s3://bucket/train/a.csv line 3"]);
    let globbed = places("s3://bucket/train/*.csv");
    assert_eq!((globbed.len(), globbed[0].as_str()), (4, "s3://bucket/train/a.csv line 2"));
    assert_eq!(globbed[3], "s3://bucket/train/b.csv line 3");
}

#[test]
fn a_cut_download_is_an_error() {
    let address = serve(vec![("cut.csv", b"n,s\n1,x\n2,y\n3,z\n".to_vec())]);
    let error = read_http(address, "cut.csv").unwrap_err();
    assert!(matches!(error, TableError::Read { .. }), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_reported_within_seconds() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = Instant::now();
    let error = read_http(free, "t.csv").unwrap_err();
    assert!(chain(&error).starts_with(&format!("cannot read http://{free}/t.csv: ")), "{}", chain(&error));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
