//! Thoughts that go to a client and come back, whosever they are.
//!
//! A provider wants its own thoughts back unchanged and refuses those of another. A client of this dialect returns the
//! items of an answer with their ids; so the id says whose thoughts they are and of which sort.

use serde_json::Value;

use crate::json::{items, text};
use crate::{AnswerHead, Reasoning};

/// Starts the ids that this module gives to thoughts of a provider that names none, that is, of another dialect.
const FOREIGN: &str = "rs_yw_";

/// The same, where the thoughts are hidden in the provider's cipher.
const FOREIGN_REDACTED: &str = "rs_ywr_";

/// Starts every `encrypted_content` of OpenAI: a Fernet token, whose first byte is the version and whose next four are
/// zero until 2106.
const FERNET: &str = "gAAAAA";

/// The id of thoughts in an answer to a client.
pub(super) fn item_id(thoughts: &Reasoning, head: &AnswerHead, item_idx: usize) -> String {
    match &thoughts.id {
        Some(id) => id.clone(),
        None => {
            let prefix = if thoughts.is_redacted { FOREIGN_REDACTED } else { FOREIGN };
            format!("{prefix}{}_{item_idx}", head.id)
        }
    }
}

/// Reads a `reasoning` item: a client's or a provider's. None where it holds nothing that could be told or given back.
pub(super) fn read_item(item: &Value) -> Option<Reasoning> {
    // Servers that show the thoughts themselves have them in `content`; a summary is made of them later, if at all.
    let thoughts = join(items(item, "/content"));
    let thoughts = if thoughts.is_empty() { join(items(item, "/summary")) } else { thoughts };
    let signature = text(item, "/encrypted_content").filter(|cipher| !cipher.is_empty());
    if thoughts.is_empty() && signature.is_none() {
        return None;
    }
    let id = text(item, "/id").filter(|id| !id.is_empty());
    let is_redacted = match id {
        Some(id) if id.starts_with(FOREIGN_REDACTED) => true,
        Some(id) if id.starts_with(FOREIGN) => false,
        _ => thoughts.is_empty(),
    };
    let id = id.filter(|id| !id.starts_with(FOREIGN) && !id.starts_with(FOREIGN_REDACTED));
    let signature = signature.map(str::to_owned);
    Some(Reasoning { text: thoughts, signature, is_redacted, id: id.map(str::to_owned) })
}

/// Stands between the parts of a summary, here and in a stream.
pub(super) const PART_BREAK: &str = "\n\n";

fn join(parts: &[Value]) -> String {
    let texts: Vec<&str> = parts.iter().filter_map(|part| text(part, "/text")).collect();
    texts.join(PART_BREAK)
}

/// Whether a provider of this dialect may have made these thoughts and can read them again. The gateway asks it to store
/// nothing, so that without the cipher there is nothing to read.
pub(super) fn can_go_back(thoughts: &Reasoning) -> bool {
    let is_of_dialect = thoughts.id.as_deref().is_some_and(|id| id.starts_with("rs_"));
    thoughts.signature.as_deref().is_some_and(|cipher| is_of_dialect || cipher.starts_with(FERNET))
}
