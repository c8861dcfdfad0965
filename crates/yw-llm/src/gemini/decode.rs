use super::error::read_error;
use super::stream::ChunkReader;
use super::wire::{ModalityCount, Reply, UsageMetadata};
use crate::{DecodeError, Finish, Response, ResponseBuilder, TokenUsage};

/// Reads a reply of `generateContent`. Of several candidates the first is read.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let reply: Reply<'_> = serde_json::from_slice(body)?;
    if let Some(error) = &reply.error {
        return Err(DecodeError::Provider(read_error(None, error)));
    }
    let is_blocked = reply.prompt_feedback.as_ref().is_some_and(|feedback| feedback.block_reason.is_some());
    if !is_blocked && reply.candidates.as_ref().is_none_or(Vec::is_empty) {
        return Err(DecodeError::Missing { path: "candidates[0]" });
    }
    // A whole reply is a stream of one chunk.
    let mut steps = Vec::new();
    let mut reader = ChunkReader::default();
    reader.read_reply(reply, &mut steps);
    let mut response = ResponseBuilder::new();
    steps.into_iter().for_each(|step| response.push(step));
    Ok(response.finish())
}

pub(super) fn read_finish(word: &str) -> Finish {
    match word {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" | "CONTINUATION" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR"
        | "ESCALATION" => Finish::Refused,
        other => Finish::Other(other.to_owned()),
    }
}

/// The counts in our convention; none before there is an input. What tools of the provider's own gave is input that is not
/// in the prompt's count, and thoughts are output that is not in the candidates' count. Counts of zero are left out on the
/// wire.
pub(super) fn read_usage(usage: &UsageMetadata) -> Option<TokenUsage> {
    let prompt_tokens = usage.prompt_token_count.or(usage.total_token_count.map(|_| 0))?;
    let reasoning_tokens = usage.thoughts_token_count.unwrap_or(0);
    let of_input = |modality| {
        let details = [&usage.prompt_tokens_details, &usage.tool_use_prompt_tokens_details];
        details.into_iter().map(|details| tokens_of(details.as_deref(), modality)).fold(0, u64::saturating_add)
    };
    Some(TokenUsage {
        input_tokens: prompt_tokens.saturating_add(usage.tool_use_prompt_token_count.unwrap_or(0)),
        cached_tokens: usage.cached_content_token_count.unwrap_or(0),
        input_audio_tokens: of_input("AUDIO"),
        input_image_tokens: of_input("IMAGE"),
        output_tokens: usage.candidates_token_count.unwrap_or(0).saturating_add(reasoning_tokens),
        reasoning_tokens,
        output_audio_tokens: tokens_of(usage.candidates_tokens_details.as_deref(), "AUDIO"),
        ..TokenUsage::default()
    })
}

fn tokens_of(details: Option<&[ModalityCount]>, modality: &str) -> u64 {
    let counts = details.unwrap_or_default().iter().filter(|count| count.modality.as_deref() == Some(modality));
    counts.filter_map(|count| count.token_count).fold(0, u64::saturating_add)
}
