//! How much memory a training needs, computed from what it will hold before it holds it.

/// A row beside its values: label, cut, customer, and where its values stand.
const ROW_BYTES: f64 = 16.0;
/// A customer's key, held once however many cuts name it, and while rows are gathered a place in a table of all.
const CUSTOMER_BYTES: f64 = 120.0;
/// A row on its way: key, order, and one column in its order.
const GATHERED_ROW_BYTES: f64 = 120.0;
/// A row that trees are fitted on beside its codes: margin, probability, its leaves in the trees of a round, label, cut, place.
const FITTED_ROW_BYTES: f64 = 80.0;
/// A row that is scored and judged: fold, scores, probability, customer, fingerprint, one column as numbers and in its order.
const JUDGED_ROW_BYTES: f64 = 120.0;
/// Codes of a value: one of a byte where missing values lie low, one where they lie high.
const CODES: f64 = 2.0;
/// A file in memory grows by doubling, but holds its values in fewer bytes than the columns do.
const FILE_SHARE: f64 = 1.25;

/// The bytes that rows take on their way into columns.
pub fn gathered_bytes(rows: usize, features: usize) -> usize {
    (rows as f64 * (8.0 * features as f64 + GATHERED_ROW_BYTES)).ceil() as usize
}

/// What a training will hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryNeed {
    /// Features of a row.
    pub features: usize,
    /// Customers of all cuts.
    pub customers: usize,
    /// Rows that are learnt from, those of all training and calibration cuts.
    pub training_rows: usize,
    /// Rows of them that the model is fitted on.
    pub fitted_rows: usize,
    /// Rows of the test cut.
    pub test_rows: usize,
    /// Rows of the largest cut, test cut included.
    pub largest_cut_rows: usize,
    /// Bytes of a value as the columns hold it, on average; at most 8.
    pub value_bytes: f64,
    /// Whether a model is fitted on a matrix of numbers in double precision, as a logistic regression is.
    pub has_matrix: bool,
}

impl MemoryNeed {
    /// The most bytes that are held at a time.
    pub fn bytes(&self) -> u64 {
        let features = self.features as f64;
        let (training, fitted) = (self.training_rows as f64, self.fitted_rows as f64);
        let kept = self.kept_bytes() as f64;
        let gathering = gathered_bytes(self.largest_cut_rows, self.features) as f64;
        let coded = fitted * (CODES * features + FITTED_ROW_BYTES);
        // A column for each value that is there, and one for those that are missing.
        let matrix = if self.has_matrix { fitted * 8.0 * (2.0 * features + 1.0) } else { 0.0 };
        let fitting = coded.max(matrix) + training * JUDGED_ROW_BYTES;
        let writing = training * (FILE_SHARE * features * self.value_bytes + JUDGED_ROW_BYTES);
        (kept + gathering.max(fitting).max(writing)).ceil() as u64
    }

    /// The bytes that are held from the gathering to the end: the rows as columns.
    pub fn kept_bytes(&self) -> u64 {
        let rows = (self.training_rows + self.test_rows) as f64;
        let values = rows * (self.features as f64 * self.value_bytes + ROW_BYTES);
        (values + self.customers as f64 * CUSTOMER_BYTES).ceil() as u64
    }

    /// The share of the customers, in steps of a hundredth of its size, whose training stays within a limit; `None` where all do.
    pub fn share_within(&self, limit_bytes: u64) -> Option<f64> {
        let need = self.bytes();
        if need <= limit_bytes {
            return None;
        }
        // A draw of customers may come out a little larger than its share.
        let share = 0.95 * limit_bytes as f64 / need as f64;
        let step = 10f64.powf(share.log10().floor() - 1.0);
        Some((share / step).floor() * step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(customers: usize, cuts: usize) -> MemoryNeed {
        MemoryNeed {
            features: 99,
            customers,
            training_rows: customers * cuts,
            fitted_rows: customers * cuts.min(8),
            test_rows: customers,
            largest_cut_rows: customers,
            value_bytes: 3.0,
            has_matrix: false,
        }
    }

    #[test]
    fn a_large_shop_gets_the_share_that_fits() {
        let all = need(2_000_000, 13);
        assert!(all.bytes() > 15_000_000_000, "{}", all.bytes());
        let share = all.share_within(4_096_000_000).unwrap();
        assert!((0.15..0.25).contains(&share), "{share}");
        let drawn = need((2_000_000.0 * share) as usize, 13);
        assert_eq!(drawn.share_within(4_096_000_000), None, "what was said to fit fits");
        assert!(drawn.bytes() as f64 > 0.8 * 4_096e6, "and leaves little unused");
    }

    #[test]
    fn what_fits_is_not_drawn_from() {
        assert_eq!(need(2_000, 12).share_within(1_000_000_000), None);
        assert!(need(2_000, 12).bytes() < 25_000_000);
    }

    #[test]
    fn the_need_is_in_proportion_to_the_customers() {
        let ratio = need(200_000, 13).bytes() as f64 / need(20_000, 13).bytes() as f64;
        assert!((ratio - 10.0).abs() < 1e-3, "{ratio}");
    }

    #[test]
    fn a_share_has_two_digits() {
        for limit in [50_000_000_u64, 333_000_000, 2_000_000_000] {
            let share = need(1_000_000, 13).share_within(limit).unwrap();
            let digits = share / 10f64.powf(share.log10().floor() - 1.0);
            assert!((digits - digits.round()).abs() < 1e-6 && (9.5..100.0).contains(&digits), "{share}");
        }
    }

    #[test]
    fn a_matrix_of_numbers_needs_more() {
        let matrix = MemoryNeed { has_matrix: true, ..need(10_000, 8) };
        assert!(matrix.bytes() > need(10_000, 8).bytes());
        let wide = MemoryNeed { value_bytes: 8.0, ..need(10_000, 8) };
        assert!(wide.kept_bytes() > 2 * need(10_000, 8).kept_bytes());
    }
}
