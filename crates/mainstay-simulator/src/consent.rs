//! Which channels a customer lets the retailer write or call on.

use crate::calendar::{CalendarDay, SECOND};
use crate::channel::Channel;
use crate::interest::{Interest, Mood};
use crate::loading;
use crate::random::Draws;

/// How the retailer reaches out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactChannel {
    /// A letter to the mailbox.
    Email,
    /// A text message.
    Sms,
    /// A note on the screen of a phone that has the app.
    Push,
    /// A telephone call.
    Call,
}

/// A consent to marketing as it was given or withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentChange {
    /// Number of the customer.
    pub customer: u32,
    /// What it is for.
    pub channel: ContactChannel,
    /// In microseconds since 1970 UTC.
    pub changed_at: i64,
    /// In microseconds since 1970 UTC.
    pub loaded_at: i64,
    /// Given, or withdrawn.
    pub is_granted: bool,
}

/// The channels that a customer consents to: a bit a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consents(u8);

/// Probability of withdrawing a consent at a review: of the content, and of those who fade.
const WITHDRAWN: f64 = 0.001;
const WITHDRAWN_FADING: f64 = 0.02;
/// Probability of giving another consent at a review.
const GRANTED: f64 = 0.006;

impl ContactChannel {
    /// All channels, in the order in which news prefers them.
    pub(crate) const ALL: [Self; 4] = [Self::Email, Self::Push, Self::Sms, Self::Call];

    /// The value of the column `channel`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
            Self::Call => "call",
        }
    }
}

impl Consents {
    /// What is ticked at the sign-up.
    pub(crate) fn at_first(favourite: Channel, draws: &mut Draws) -> Self {
        let push = if favourite == Channel::App { 0.8 } else { 0.25 };
        let mut consents = Self(0);
        for (channel, share) in ContactChannel::ALL.into_iter().zip([0.88, push, 0.35, 0.6]) {
            consents.set(channel, draws.chance(share));
        }
        consents
    }

    /// Whether there is consent to a channel.
    pub(crate) fn has(self, channel: ContactChannel) -> bool {
        self.0 & (1 << channel as u8) != 0
    }

    /// Grants or withdraws.
    pub(crate) fn set(&mut self, channel: ContactChannel, is_granted: bool) {
        let bit = 1 << channel as u8;
        self.0 = if is_granted { self.0 | bit } else { self.0 & !bit };
    }
    /// Now and then somebody withdraws a consent, mostly of those who lose interest, or gives one, of those who do not.
    pub(crate) fn review(
        self,
        customer: u32,
        interest: Interest,
        day: &CalendarDay,
        draws: &mut Draws,
    ) -> Option<ConsentChange> {
        let (withdraws, grants) = match interest.mood {
            Mood::Fading => (WITHDRAWN_FADING, 0.0),
            Mood::Content | Mood::Kept => (WITHDRAWN, GRANTED),
        };
        let luck = draws.uniform();
        if luck >= withdraws + grants {
            return None;
        }
        let is_granted = luck >= withdraws;
        let channels = ContactChannel::ALL.into_iter().filter(|&channel| self.has(channel) != is_granted);
        let channel = channels.clone().nth(draws.index(channels.count()))?;
        // After the day's letters were sent.
        let changed_at = day.midnight + draws.between(18.5 * 3_600.0, 23.5 * 3_600.0) as i64 * SECOND;
        let loaded_at = loading::on_time(changed_at, day.midnight, draws);
        Some(ConsentChange { customer, channel, changed_at, loaded_at, is_granted })
    }
}
