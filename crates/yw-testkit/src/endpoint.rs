//! Which path is which: the providers' own addresses, and those of the clouds that sell their models.

use yw_task::Dialect;

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) dialect: Dialect,
    pub(crate) kind: Kind,
    pub(crate) platform: Platform,
    /// The model, where the path names it.
    pub(crate) model: Option<String>,
    /// Whether the reply is a stream, where the path says so.
    pub(crate) stream: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chat,
    CountTokens,
    Embeddings(EmbeddingShape),
    Models,
}

/// The four ways to ask for embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmbeddingShape {
    OpenAi,
    Gemini,
    GeminiBatch,
    VertexPredict,
}

/// Whose machines the models run on, which decides how a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Own,
    Azure,
    Vertex,
}

/// Where the OpenAI dialect begins: at OpenAI, Azure and Groq, OpenRouter, Fireworks, Cohere, and Gemini.
const OPENAI_ROOTS: &[&str] =
    &["/v1/", "/openai/v1/", "/api/v1/", "/inference/v1/", "/compatibility/v1/", "/v1beta/openai/"];

impl Endpoint {
    /// The endpoint of a path with its query; none if there is nothing.
    pub(crate) fn find(path_and_query: &str) -> Option<Endpoint> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        if path == "/v1/chat/completions" {
            return Some(Endpoint::of(Dialect::OpenAi, Kind::Chat)); // the path of load tests
        }
        anthropic(path)
            .or_else(|| vertex(path))
            .or_else(|| gemini(path))
            .or_else(|| bedrock(path))
            .or_else(|| azure(path, query))
            .or_else(|| OPENAI_ROOTS.iter().find_map(|root| openai(root, path)))
    }

    fn of(dialect: Dialect, kind: Kind) -> Self {
        Endpoint { dialect, kind, platform: Platform::Own, model: None, stream: None }
    }

    fn on(self, platform: Platform) -> Self {
        Endpoint { platform, ..self }
    }

    fn model(self, model: &str) -> Self {
        Endpoint { model: Some(percent_decoded(model)), ..self }
    }

    fn stream(self, stream: bool) -> Self {
        Endpoint { stream: Some(stream), ..self }
    }
}

fn openai(root: &str, path: &str) -> Option<Endpoint> {
    let endpoint = match path.strip_prefix(root)? {
        "chat/completions" => Endpoint::of(Dialect::OpenAi, Kind::Chat),
        "responses" => Endpoint::of(Dialect::Responses, Kind::Chat),
        "responses/input_tokens" => Endpoint::of(Dialect::Responses, Kind::CountTokens),
        "embeddings" => Endpoint::of(Dialect::OpenAi, Kind::Embeddings(EmbeddingShape::OpenAi)),
        "models" => Endpoint::of(Dialect::OpenAi, Kind::Models),
        _ => return None,
    };
    Some(if root == "/openai/v1/" { endpoint.on(Platform::Azure) } else { endpoint })
}

/// `/openai/deployments/NAME/…?api-version=…`; without the version there is nothing.
fn azure(path: &str, query: &str) -> Option<Endpoint> {
    let (name, rest) = path.strip_prefix("/openai/deployments/")?.split_once('/')?;
    let has_version = query.split('&').any(|pair| pair.starts_with("api-version="));
    let endpoint = openai("", rest).filter(|_| has_version)?;
    Some(endpoint.on(Platform::Azure).model(name))
}

/// At Anthropic, and below `/anthropic` where others have its dialect.
fn anthropic(path: &str) -> Option<Endpoint> {
    let kind = match path.strip_prefix("/anthropic").unwrap_or(path) {
        "/v1/messages" => Kind::Chat,
        "/v1/messages/count_tokens" => Kind::CountTokens,
        _ => return None,
    };
    Some(Endpoint::of(Dialect::Anthropic, kind))
}

fn gemini(path: &str) -> Option<Endpoint> {
    if path == "/v1beta/models" {
        return Some(Endpoint::of(Dialect::Gemini, Kind::Models));
    }
    let rest = path.strip_prefix("/v1beta/models/").or_else(|| path.strip_prefix("/v1/models/"))?;
    google(rest)
}

/// `MODEL:VERB`; a model's name may have colons.
fn google(model_and_verb: &str) -> Option<Endpoint> {
    let (model, verb) = model_and_verb.rsplit_once(':')?;
    let of = |kind| Endpoint::of(Dialect::Gemini, kind).model(model);
    Some(match verb {
        "generateContent" => of(Kind::Chat).stream(false),
        "streamGenerateContent" => of(Kind::Chat).stream(true),
        "countTokens" => of(Kind::CountTokens),
        "embedContent" => of(Kind::Embeddings(EmbeddingShape::Gemini)),
        "batchEmbedContents" => of(Kind::Embeddings(EmbeddingShape::GeminiBatch)),
        "predict" => of(Kind::Embeddings(EmbeddingShape::VertexPredict)),
        _ => return None,
    })
}

/// `/v1/projects/P/locations/L/publishers/WHOSE/models/MODEL:VERB`, and the OpenAI dialect.
fn vertex(path: &str) -> Option<Endpoint> {
    let rest = path.strip_prefix("/v1/projects/").or_else(|| path.strip_prefix("/v1beta1/projects/"))?;
    let (_project, rest) = rest.split_once("/locations/")?;
    let (_location, rest) = rest.split_once('/')?;
    let endpoint = match rest.strip_prefix("publishers/") {
        None => openai("endpoints/openapi/", rest)?,
        Some(rest) => match rest.split_once("/models/")? {
            ("google", rest) => google(rest)?,
            ("anthropic", "count-tokens:rawPredict") => Endpoint::of(Dialect::Anthropic, Kind::CountTokens),
            ("anthropic", rest) => {
                let (model, verb) = rest.rsplit_once(':')?;
                let endpoint = Endpoint::of(Dialect::Anthropic, Kind::Chat).model(model);
                match verb {
                    "rawPredict" => endpoint.stream(false),
                    "streamRawPredict" => endpoint.stream(true),
                    _ => return None,
                }
            }
            _ => return None,
        },
    };
    Some(endpoint.on(Platform::Vertex))
}

fn bedrock(path: &str) -> Option<Endpoint> {
    let (model, verb) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let of = |kind| Endpoint::of(Dialect::Bedrock, kind).model(model);
    Some(match verb {
        "converse" => of(Kind::Chat).stream(false),
        "converse-stream" => of(Kind::Chat).stream(true),
        "count-tokens" => of(Kind::CountTokens),
        _ => return None,
    })
}

/// Escapes that are not UTF-8 in the end stay as they are.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, dialect: Dialect, kind: Kind, platform: Platform, model: Option<&str>, stream: Option<bool>) {
        let expected = Endpoint { dialect, kind, platform, model: model.map(str::to_owned), stream };
        assert_eq!(Endpoint::find(path), Some(expected), "{path}");
    }

    #[test]
    fn paths_of_providers_and_clouds() {
        use Dialect::{Anthropic, Bedrock, Gemini, OpenAi, Responses};
        use Platform::{Azure, Own, Vertex};
        check("/v1/chat/completions?x=1", OpenAi, Kind::Chat, Own, None, None);
        check("/api/v1/responses", Responses, Kind::Chat, Own, None, None);
        check("/openai/v1/chat/completions", OpenAi, Kind::Chat, Azure, None, None);
        let deployment = "/openai/deployments/my-gpt/chat/completions";
        check(&format!("{deployment}?api-version=2024-10-21"), OpenAi, Kind::Chat, Azure, Some("my-gpt"), None);
        assert_eq!(Endpoint::find(deployment), None, "without a version");
        check("/v1/messages/count_tokens", Anthropic, Kind::CountTokens, Own, None, None);
        check("/anthropic/v1/messages", Anthropic, Kind::Chat, Own, None, None);
        let gemini = "/v1beta/models/say:hello:streamGenerateContent?alt=sse";
        check(gemini, Gemini, Kind::Chat, Own, Some("say:hello"), Some(true));
        let batch = Kind::Embeddings(EmbeddingShape::GeminiBatch);
        check("/v1beta/models/e:batchEmbedContents", Gemini, batch, Own, Some("e"), None);
        let google = "/v1/projects/p/locations/l/publishers/google/models/g:generateContent";
        check(google, Gemini, Kind::Chat, Vertex, Some("g"), Some(false));
        let claude = "/v1/projects/p/locations/l/publishers/anthropic/models/c@1:streamRawPredict";
        check(claude, Anthropic, Kind::Chat, Vertex, Some("c@1"), Some(true));
        let compatible = "/v1/projects/p/locations/l/endpoints/openapi/chat/completions";
        check(compatible, OpenAi, Kind::Chat, Vertex, None, None);
        check("/model/us.a-v1%3A0/converse-stream", Bedrock, Kind::Chat, Own, Some("us.a-v1:0"), Some(true));
        for nothing in ["/", "/v1", "/v1/chat", "/model/x", "/v1beta/models/m:sing", "/openai/deployments/x"] {
            assert_eq!(Endpoint::find(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(percent_decoded("a%3A0%2fb"), "a:0/b");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%ff"), "%zz%ff");
    }
}
