//! What a dialect cannot say, told before anything is sent.

use yw_task::Dialect;

use crate::{Media, Part, Request, RequestError, bedrock, gemini};

/// Whether a provider of this dialect can be asked everything that `request` asks. [`encode_request`](crate::encode_request)
/// cannot fail: it names what it cannot carry in the text instead.
///
/// # Errors
/// Names the first part that the dialect has no words for, and says what to do.
pub fn check_request(dialect: Dialect, request: &Request) -> Result<(), RequestError> {
    match dialect {
        Dialect::Gemini => gemini::check_request(request),
        Dialect::Bedrock => bedrock::check_request(request),
        Dialect::OpenAi | Dialect::Responses | Dialect::Anthropic => Ok(()),
    }
}

/// Runs `check` on everything in the request that is not text; its message becomes an error at the place.
pub(crate) fn check_media(request: &Request, check: impl Fn(&Media) -> Result<(), String>) -> Result<(), RequestError> {
    let at = |part: &Part, path: &dyn Fn() -> String| match part {
        Part::Image(media) | Part::Document(media) | Part::Audio(media) => {
            check(media).map_err(|message| RequestError::at(path(), message))
        }
        _ => Ok(()),
    };
    for (message_idx, message) in request.messages.iter().enumerate() {
        for (part_idx, part) in message.content.iter().enumerate() {
            let path = || format!("messages[{message_idx}].content[{part_idx}]");
            at(part, &path)?;
            if let Part::ToolResult(result) = part {
                for (inner_idx, inner) in result.content.iter().enumerate() {
                    at(inner, &|| format!("{}.content[{inner_idx}]", path()))?;
                }
            }
        }
    }
    Ok(())
}
