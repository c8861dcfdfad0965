//! Models that candidates and routes name.

use yw_task::ModelRef;

use super::provider::{Providers, Want};
use crate::raw::{At, Report};
use crate::suggest::closest;

/// The model that a text names, of a provider that is there; reported otherwise.
pub(super) fn model(text: &At<String>, providers: &mut Providers, report: &mut Report<'_>) -> Option<ModelRef> {
    let Some(model) = ModelRef::parse(&text.value) else {
        let message = format!("`{}` names no model of a provider", text.value);
        report.error(&text.place, message).hint("write `provider/model`, for example `anthropic/claude-haiku-4-5`");
        return None;
    };
    match providers.want(&model.provider) {
        Want::Known => return Some(model),
        Want::NeedsEntry(line) => {
            let message =
                format!("`{}` is another place for every customer, and the file does not say which", model.provider);
            report.error(&text.place, message).hint(format!("add [provider.{}] with {line}", model.provider));
        }
        Want::Unknown => {
            let message = format!("there is no provider `{}`", model.provider);
            let guess = closest(&model.provider, providers.names()).map(|k| format!("did you mean `{k}`?"));
            let define = || format!("define it: [provider.{}] with its base_url", model.provider);
            report.error(&text.place, message).hint(guess.unwrap_or_else(define));
        }
    }
    None
}
