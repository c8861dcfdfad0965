//! What other programs' models are here, and ours there.

mod formats;
