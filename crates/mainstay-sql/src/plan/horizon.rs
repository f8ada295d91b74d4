//! What a model sees of time, and what the models and sources do that it names.

use std::fmt;

use jiff::Timestamp;

use crate::error::FeatureError;
use crate::project::model::{Model, ModelKind};
use crate::visible::moment::{Bounds, Moment};

/// What a model sees: all that came before an instant, or what a label or a model of suppression sees of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Horizon {
    Before(Timestamp),
    /// What happened before `end` and was known before `known`, which is later.
    Happened {
        end: Timestamp,
        known: Timestamp,
    },
    Label {
        as_of: Timestamp,
        end: Timestamp,
        known: Timestamp,
    },
    /// Days are counted from `as_of`; rows are those before `end`, which is later. Those of later still are unseen or refused.
    Suppression {
        as_of: Timestamp,
        end: Timestamp,
        later_are_refused: bool,
    },
}

impl Horizon {
    pub(crate) fn of(model: &Model, moment: &Moment) -> Result<Self, FeatureError> {
        match (model.kind, moment.label_end) {
            (ModelKind::Label, Some(end)) => {
                let known = moment.labels_known_before.map_or(end, |known| known.max(end));
                Ok(Self::Label { as_of: moment.as_of, end, known })
            }
            (ModelKind::Label, None) => Err(FeatureError::NoLabelEnd { model: model.name.clone() }),
            _ => Ok(match moment.suppression_as_of {
                Some(end) if end != moment.as_of || moment.later_rows_are_refused => {
                    Self::Suppression { as_of: moment.as_of, end, later_are_refused: moment.later_rows_are_refused }
                }
                _ => match moment.labels_known_before {
                    Some(known) if moment.label_end.is_none() => Self::Happened { end: moment.as_of, known },
                    _ => Self::Before(moment.as_of),
                },
            }),
        }
    }

    /// The moment at which a model sees this.
    pub(crate) fn moment(self) -> Moment {
        match self {
            Self::Before(instant) => Moment::before(instant),
            Self::Happened { end, known } => Moment::of_happened(end, known),
            Self::Label { as_of, end, known } => Moment::of_label(as_of, end).with_labels_known_before(known),
            Self::Suppression { as_of, end, later_are_refused } => {
                let moment = Moment::of_suppression(as_of, end);
                if later_are_refused { moment.refusing_later_rows() } else { moment }
            }
        }
    }

    /// What a model that is referred to sees.
    pub(crate) fn of_reference(self, reference: &Model) -> Self {
        match (self, reference.kind) {
            (Self::Before(_) | Self::Happened { .. }, _) | (Self::Label { .. }, ModelKind::Label) => self,
            (Self::Label { .. }, ModelKind::Staging) => self.of_sources(),
            (Self::Label { as_of, .. }, ModelKind::Feature | ModelKind::Mart) => Self::Before(as_of),
            (Self::Suppression { as_of, .. }, ModelKind::Feature) => Self::Before(as_of),
            (Self::Suppression { .. }, _) => self,
        }
    }

    /// What its sources are seen by.
    pub(crate) fn of_sources(self) -> Self {
        match self.bounds() {
            Bounds { happened_before, known_before, .. } if happened_before == known_before => {
                Self::Before(happened_before)
            }
            Bounds { happened_before, known_before, .. } => {
                Self::Happened { end: happened_before, known: known_before }
            }
        }
    }

    pub(crate) fn as_of(self) -> Timestamp {
        match self {
            Self::Before(instant)
            | Self::Happened { end: instant, .. }
            | Self::Label { as_of: instant, .. }
            | Self::Suppression { as_of: instant, .. } => instant,
        }
    }

    pub(crate) fn bounds(self) -> Bounds {
        match self {
            Self::Before(instant) => Bounds::at(instant),
            Self::Suppression { end, later_are_refused, .. } => Bounds { later_are_refused, ..Bounds::at(end) },
            Self::Happened { end, known } | Self::Label { end, known, .. } => {
                Bounds { known_before: known, ..Bounds::at(end) }
            }
        }
    }

    pub(crate) fn label_end(self) -> Option<Timestamp> {
        match self {
            Self::Before(_) | Self::Happened { .. } | Self::Suppression { .. } => None,
            Self::Label { end, .. } => Some(end),
        }
    }

    pub(crate) fn relation(self, name: &str) -> String {
        format!("\"{self}\".\"{name}\"")
    }
}

impl fmt::Display for Horizon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(instant) => write!(f, "before {instant}"),
            Self::Happened { end, known } => write!(f, "before {end} as known before {known}"),
            Self::Label { as_of, end, known } => write!(f, "{as_of} to {end} as known before {known}"),
            Self::Suppression { as_of, end, later_are_refused: false } => write!(f, "{as_of} as seen before {end}"),
            Self::Suppression { as_of, end, .. } => write!(f, "{as_of} as seen before {end}, the end of all"),
        }
    }
}
