//! Rows to ask about, as requests.

use std::path::Path;

use serde_json::{Map, Value};

use super::program::Task;
use super::{csv, http};

/// One predict request for each row of a CSV or JSON-lines file, about the task's input fields alone.
pub(crate) fn requests(path: &Path, task: &Task) -> Result<Vec<Vec<u8>>, String> {
    let failed = |e: String| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    let is_json = path.extension().is_some_and(|e| e == "jsonl" || e == "ndjson");
    let rows = if is_json { json_rows(&text, &task.input) } else { csv_rows(&text, &task.input) }.map_err(failed)?;
    if rows.is_empty() {
        return Err(failed("there are no rows".to_owned()));
    }
    let url_path = format!("/v1/tasks/{}/predict", task.name);
    Ok(rows.iter().map(|row| http::request("POST", &url_path, row)).collect())
}

fn json_rows(text: &str, input: &Map<String, Value>) -> Result<Vec<String>, String> {
    let row = |line: &str| {
        let mut row: Map<String, Value> = serde_json::from_str(line).map_err(|e| format!("{e} in `{line}`"))?;
        row.retain(|name, _| input.contains_key(name));
        Ok(Value::Object(row).to_string())
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(row).collect()
}

/// `input` says the type of each field: a cell of CSV does not know whether it is a number.
fn csv_rows(text: &str, input: &Map<String, Value>) -> Result<Vec<String>, String> {
    let mut records = csv::records(text)?.into_iter();
    let header = records.next().unwrap_or_default();
    if let Some(missing) = input.keys().find(|name| !header.contains(name)) {
        return Err(format!("there is no column `{missing}`"));
    }
    let row = |record: Vec<String>| {
        let cells = header.iter().zip(&record).filter_map(|(name, cell)| Some((name, cell, input.get(name)?)));
        let row: Result<Map<String, Value>, String> = cells
            .map(|(name, cell, field_type)| {
                let value = value(cell, field_type).ok_or_else(|| format!("`{name}` is no {field_type}: `{cell}`"))?;
                Ok((name.clone(), value))
            })
            .collect();
        Ok(Value::Object(row?).to_string())
    };
    records.map(row).collect()
}

/// The JSON of a cell; empty cells are missing values.
fn value(cell: &str, field_type: &Value) -> Option<Value> {
    if cell.is_empty() {
        return Some(Value::Null);
    }
    match field_type.as_str()? {
        "number" => cell.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number),
        "boolean" => match cell.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(Value::Bool(true)),
            "false" | "no" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => Some(Value::String(cell.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input() -> Map<String, Value> {
        let types = json!({ "body": "text", "seats": "number", "paid": "boolean" });
        types.as_object().unwrap().clone()
    }

    #[test]
    fn cells_get_the_types_of_their_fields() {
        let text = "seats,team,body,paid\n7,billing,\"a, b\",yes\n,access,7,\n";
        let rows = csv_rows(text, &input()).unwrap();
        assert_eq!(rows, [r#"{"seats":7.0,"body":"a, b","paid":true}"#, r#"{"seats":null,"body":"7","paid":null}"#]);
    }

    #[test]
    fn other_keys_are_left_out() {
        let rows = json_rows("{\"body\": \"x\", \"team\": \"billing\"}\n\n", &input()).unwrap();
        assert_eq!(rows, [r#"{"body":"x"}"#]);
    }

    #[test]
    fn bad_rows_are_named() {
        let check = |text: &str, expect: &str| assert_eq!(csv_rows(text, &input()).unwrap_err(), expect);
        check("body,paid\nx,true\n", "there is no column `seats`");
        check("body,paid,seats\nx,true,many\n", "`seats` is no \"number\": `many`");
    }
}
