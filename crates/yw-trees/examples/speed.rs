//! Times a fit on generated rows and prints its held-out loss.
#![allow(clippy::print_stdout, clippy::cast_lossless, reason = "a tool for people")]
use std::time::Instant;

use yw_trees::*;

fn read(path: &str) -> (usize, Vec<Vec<f32>>, Vec<f64>) {
    let bytes = std::fs::read(path).expect("file");
    let n = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let f = u64::from_le_bytes(bytes[8..16].try_into().unwrap()) as usize;
    let value = |i: usize| f32::from_le_bytes(bytes[16 + 4 * i..20 + 4 * i].try_into().unwrap());
    let columns = (0..f).map(|j| (0..n).map(|i| value(j * n + i)).collect()).collect();
    (n, columns, (0..n).map(|i| value(f * n + i) as f64).collect())
}

fn main() {
    let (n, x, y) = read("/tmp/bench/train.bin");
    let (nt, xt, yt) = read("/tmp/bench/test.bin");
    let columns = |n, x: &'static Vec<Vec<f32>>| Columns::new(n, x.iter().map(|c| Feature::F32(c, None)).collect());
    let x: &'static _ = Box::leak(Box::new(x));
    let xt: &'static _ = Box::leak(Box::new(xt));
    let train =
        LabelledColumns { columns: columns(n, x), target: Target { values: &y, weights: None, group_sizes: None } };
    let mut params = TreesParams::new(Objective::Logistic);
    params.trees = 100;
    params.max_leaves = 63;
    params.learning_rate = 0.1;
    params.l2 = 0.0;
    params.quantized = std::env::args().nth(1).is_none_or(|a| a != "fine");
    for _ in 0..3 {
        let start = Instant::now();
        let fitted = Ensemble::fit(&train, None, None, &params).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        let test = columns(nt, xt);
        let start = Instant::now();
        let margins = CompiledEnsemble::new(&fitted.ensemble).margins(&test);
        let predict = start.elapsed().as_secs_f64();
        let loss: f64 = (0..nt)
            .map(|i| {
                let m = margins[i];
                if yt[i] > 0.5 { (1.0 + (-m).exp()).ln() } else { (1.0 + m.exp()).ln() }
            })
            .sum::<f64>()
            / nt as f64;
        println!("fit {seconds:.3} s, predict {predict:.4} s, log-loss {loss:.5}");
    }
}
