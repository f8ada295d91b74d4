//! Documents for people, as pure functions of typed inputs.
//!
//! [`ModelCard`] is what people should know of a model version before they use it; [`ModelCard::markdown`] is its text. What goes
//! into a document is gathered elsewhere, and where it is kept is not known here. [`reference`] makes the pages of `docs/reference`.

mod markdown;
pub mod model_card;
pub mod reference;

pub use model_card::ModelCard;
