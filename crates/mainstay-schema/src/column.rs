//! Column names that more than one crate reads or writes.

/// Partition column of every table: the day D.
pub const DS: &str = "ds";
/// The source's key of a customer.
pub const CUSTOMER_ID: &str = "customer_id";
/// The run that wrote a row.
pub const RUN_ID: &str = "run_id";
/// `scored`, `ineligible` or `refused`.
pub const STATUS: &str = "status";
/// Why a customer is ineligible or refused; null where scored.
pub const STATUS_REASON: &str = "status_reason";
/// Calibrated probability that the customer churns.
pub const CHURN_PROBABILITY: &str = "churn_probability";
/// The model's margin before calibration.
pub const RAW_SCORE: &str = "raw_score";
/// Sum of rules that forbid contact, see `BlockedBy`.
pub const BLOCKED_BY: &str = "blocked_by";
/// Channels that consent allows, see `customer_risk`.
pub const ALLOWED_CHANNELS: &str = "allowed_channels";
/// The label of a label model: 1 churned, 0 retained.
pub const CHURNED: &str = "churned";
