//! `cargo xtask bench text`: fitting and predicting Banking77, in turn with a peer.

use std::path::Path;

use serde_json::Value;

use super::banking77;
use super::figures::{Bar, Figure, table};
use super::options::Options;
use super::peer;
use super::program::Program;
use super::quantile::median_of;

const PEER_LINE: &str = "full accuracy 0.9117 fit 4.40s predict 1.20s";

/// One round of one contestant.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Round {
    accuracy: f64,
    fit_seconds: f64,
    predict_seconds: f64,
}

pub(crate) fn run(root: &Path, args: &[&str]) -> Result<String, String> {
    let options = Options::parse(args, &["banking77", "peer", "rounds"])?;
    let data_dir = banking77::data_dir(&options)?;
    let n_rounds: usize = options.positive("rounds", 3)?;
    let program = Program::find(root)?;
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    // In turn, since a shared machine is faster at one hour than at another.
    for round in 1..=n_rounds {
        let project = banking77::write(&program, &data_dir, "text")?;
        ours.push(our_round(&banking77::run(&program, &project)?)?);
        crate::report(&format!("round {round}: yw    {}", ours[round - 1].show()));
        if let Some(command) = options.text("peer") {
            peers.push(peer_round(command)?);
            crate::report(&format!("round {round}: peer  {}", peers[round - 1].show()));
        }
    }
    let title = format!("Banking77, fit = \"linear\", medians of {n_rounds} rounds");
    Ok(table(&title, &figures(&ours, &peers)))
}

fn figures(ours: &[Round], peers: &[Round]) -> Vec<Figure> {
    let accuracy = median_of(ours, |r| r.accuracy);
    let mut figures = vec![Figure::new("accuracy", accuracy, "").with_bar(Bar::AtLeast(0.911))];
    if !peers.is_empty() {
        figures.push(Figure::new("accuracy, peer", median_of(peers, |r| r.accuracy), ""));
    }
    figures.extend(compare("fit", ours, peers, |r| r.fit_seconds));
    figures.extend(compare("predict", ours, peers, |r| r.predict_seconds));
    figures
}

/// A time, and how it stands to the peer's where there is one.
fn compare(what: &str, ours: &[Round], peers: &[Round], of: fn(&Round) -> f64) -> Vec<Figure> {
    let our_median = median_of(ours, of);
    let mut figures = vec![Figure::new(what, our_median, "s")];
    if !peers.is_empty() {
        let peer_median = median_of(peers, of);
        figures.push(Figure::new(format!("{what}, peer"), peer_median, "s"));
        let ratio = Figure::new(format!("{what}, yw / peer"), our_median / peer_median, "");
        figures.push(ratio.with_bar(Bar::AtMost(0.25)));
    }
    figures
}

/// What the JSON of a run says of the linear model.
fn our_round(run: &Value) -> Result<Round, String> {
    let candidates = run["candidates"].as_array().ok_or("the run has no candidates")?;
    let words = candidates.iter().find(|c| c["name"] == banking77::CANDIDATE).ok_or("the run lacks the candidate")?;
    let number = |value: &Value, what: &str| value.as_f64().ok_or_else(|| format!("the run lacks {what}: {words}"));
    let rows_per_second = number(&words["predict_rows_per_second"], "predict_rows_per_second")?;
    Ok(Round {
        accuracy: number(&words["metrics"]["accuracy"], "accuracy")?,
        fit_seconds: number(&words["fit_seconds"], "fit_seconds")?,
        predict_seconds: number(&run["data"]["test_rows"], "test_rows")? / rows_per_second,
    })
}

fn peer_round(command: &str) -> Result<Round, String> {
    peer::lines(command, PEER_LINE, parse_peer).map(|rounds| rounds[0])
}

/// Reads a line like [`PEER_LINE`].
fn parse_peer(line: &str) -> Option<Round> {
    Some(Round {
        accuracy: peer::number_after(line, "accuracy")?,
        fit_seconds: peer::number_after(line, "fit")?,
        predict_seconds: peer::number_after(line, "predict")?,
    })
}

impl Round {
    fn show(&self) -> String {
        let Round { accuracy, fit_seconds, predict_seconds } = self;
        format!("accuracy {accuracy:.4}  fit {fit_seconds:.3} s  predict {predict_seconds:.3} s")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_peers_line_is_read() {
        assert_eq!(parse_peer(PEER_LINE), Some(Round { accuracy: 0.9117, fit_seconds: 4.4, predict_seconds: 1.2 }));
        assert_eq!(parse_peer("full accuracy 0.9117 fit"), None);
        assert_eq!(parse_peer("UserWarning: fit"), None);
    }

    #[test]
    fn a_run_is_read() {
        let words = json!({
            "name": "words", "fit_seconds": 0.5, "predict_rows_per_second": 6160.0, "metrics": { "accuracy": 0.91 },
        });
        let mut run = json!({ "data": { "test_rows": 3080 }, "candidates": [{ "name": "baseline" }, words] });
        assert_eq!(our_round(&run), Ok(Round { accuracy: 0.91, fit_seconds: 0.5, predict_seconds: 0.5 }));
        run["candidates"][1]["fit_seconds"] = Value::Null;
        assert!(our_round(&run).unwrap_err().starts_with("the run lacks fit_seconds"));
    }

    #[test]
    fn ratios_are_of_medians() {
        let round = |fit_seconds| Round { accuracy: 0.92, fit_seconds, predict_seconds: 1.0 };
        let figures = figures(&[round(1.0), round(9.0), round(2.0)], &[round(8.0), round(10.0), round(7.0)]);
        let table = table("", &figures);
        let line = table.lines().find(|l| l.contains("fit, yw / peer")).unwrap();
        assert!(line.contains("0.2500") && line.contains("kept"), "{line}");
        assert!(table.lines().any(|l| l.contains("predict, yw / peer") && l.contains("MISSED")), "{table}");
    }
}
