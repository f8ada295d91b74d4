//! Whose days they are: what stands for a job in claims, transactions and records.

use mainstay_schema::JobKind;

use crate::run_record::RunRecord;

/// Key of the daily plans. No job can have this name.
const PLANS: &str = "daily-plan";

/// Days of a target that belong together, a plan or a run a day.
///
/// The plans are the target's: whoever was treated, what was spent and which days are done is asked of it and not of the name that its
/// daily job has by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Series {
    /// The daily plans of the target.
    Plans {
        /// Names of jobs under which earlier versions may have claimed days, in order.
        former: Vec<String>,
    },
    /// The runs of a training job.
    Training {
        /// Its name.
        job: String,
    },
}

impl Series {
    /// The plans, for readers and for targets without claims of an earlier version.
    pub fn plans() -> Self {
        Self::Plans { former: Vec::new() }
    }

    /// This series with one more name under which its days may have been claimed.
    pub fn with_former(&self, job: &str) -> Self {
        match self {
            Self::Plans { former } if !former.iter().any(|name| name == job) => {
                Self::Plans { former: former.iter().cloned().chain([job.to_owned()]).collect() }
            }
            _ => self.clone(),
        }
    }

    /// What stands for the series in paths and transactions from now on.
    pub fn key(&self) -> &str {
        match self {
            Self::Plans { .. } => PLANS,
            Self::Training { job } => job,
        }
    }

    /// Every key under which attempts of the series may stand, [`Series::key`] first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let former: &[String] = match self {
            Self::Plans { former } => former,
            Self::Training { .. } => &[],
        };
        std::iter::once(self.key()).chain(former.iter().map(String::as_str))
    }

    /// Whether a record is of one of these days.
    pub fn holds(&self, record: &RunRecord) -> bool {
        let kind = record.kind();
        match self {
            Self::Plans { former } => kind == Some(JobKind::Daily) || kind.is_none() && former.contains(&record.job),
            Self::Training { job } => kind != Some(JobKind::Daily) && record.job == *job,
        }
    }
}
