//! Prices.

use yw_task::ModelRef;

use crate::grammar::{Names, PRICE};
use crate::price::usd_per_token;
use crate::project::PriceSpec;
use crate::raw::{Report, View};

pub(super) fn prices(root: &View<'_>, report: &mut Report<'_>) -> Option<Vec<PriceSpec>> {
    let mut prices = Vec::new();
    for entry in root.map("price") {
        let Some(model) = ModelRef::parse(entry.key).filter(|_| Names::Models.allow(entry.key)) else { continue };
        let key_place = entry.key_place();
        let Some(view) = root.view(entry.value, &PRICE) else { continue };
        let usd = |key| view.get(key).and_then(|at| usd_per_token(at.value).ok());
        let (input, output, cached_input) = (usd("input"), usd("output"), usd("cached_input"));
        if let (Some(input), Some(cached)) = (input, cached_input)
            && cached > input
        {
            let message = format!("cached tokens of `{model}` cost more than others");
            report.warning(&key_place, message).hint("`cached_input` is the price of tokens read from the cache");
        }
        prices.push(input.zip(output).map(|(input, output)| PriceSpec { model, input, output, cached_input }));
    }
    prices.into_iter().collect()
}
