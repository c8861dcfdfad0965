//! Addresses of servers, as a project file takes them.

/// An address without what a dialect appends; none if the project file would not take it.
pub(super) fn clean(text: &str) -> Option<String> {
    let mut url = text.split(['?', '#']).next().unwrap_or_default().trim().trim_end_matches('/').to_owned();
    for ending in ["/chat/completions", "/responses", "/v1/messages", "/embeddings"] {
        url.truncate(url.strip_suffix(ending).unwrap_or(&url).len());
    }
    let project = format!("[provider.p]\nbase_url = {}\n", super::draft::quoted(&url));
    is_sound(&project).then_some(url)
}

/// What stands where an address must be written: it names the variable that had it, or the provider.
pub(super) fn placeholder(variable: Option<&str>, like: &str) -> String {
    let name = variable.map_or_else(|| like.to_owned(), |variable| variable.to_ascii_lowercase().replace('_', "-"));
    format!("https://{}.invalid", name.trim_matches('-'))
}

/// A name for the server at an address: the beginning of its host.
pub(super) fn server_name(url: &str) -> String {
    let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let is_number = labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_digit()));
    let usual = |label: &&&str| !matches!(**label, "api" | "www" | "localhost" | "");
    match labels.iter().find(usual) {
        Some(label) if !is_number => (*label).to_owned(),
        _ => "server".to_owned(),
    }
}

/// Whether an address is OpenAI's own, and not that of a server that speaks as it does.
pub(super) fn is_openai(url: &str) -> bool {
    let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    host == "openai.com" || host.ends_with(".openai.com")
}

/// Whether a project file may have a header.
pub(super) fn is_header(name: &str, value: &str) -> bool {
    let entry = format!("{} = {}", super::draft::key(name), super::draft::quoted(value));
    is_sound(&format!("[provider.p]\nbase_url = \"https://p.invalid\"\nheaders = {{ {entry} }}\n"))
}

/// Whether the text is a valid project.
pub(super) fn is_sound(project: &str) -> bool {
    yw_config::parse(project, std::path::Path::new(yw_config::FILE_NAME)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_the_dialect_appends() {
        assert_eq!(clean("https://a.example/v1/chat/completions?x=1").as_deref(), Some("https://a.example/v1"));
        assert_eq!(clean(" http://10.0.0.1:8000/v1/ ").as_deref(), Some("http://10.0.0.1:8000/v1"));
        for wrong in ["", "a.example", "ftp://a", "https://me:pw@a.example", "https://"] {
            assert_eq!(clean(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn servers_are_called_by_their_host() {
        assert_eq!(server_name("https://api.acme.example/v1"), "acme");
        assert_eq!(server_name("http://10.0.0.1:8000/v1"), "server");
        assert_eq!(server_name("http://localhost:8000"), "server");
        assert_eq!(placeholder(Some("OWN_API_BASE"), "x"), "https://own-api-base.invalid");
        assert!(is_openai("https://eu.api.openai.com/v1") && !is_openai("https://openai.example/v1"));
    }
}
