//! End to end: files in, files out, and every message about what is wrong with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, NullArray,
    RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::*;

mod left_alone;

/// A folder with offers, a policy, and places for a plan and its certificate.
struct Case {
    folder: TempDir,
}

type Columns = Vec<(&'static str, ArrayRef)>;

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// Three customers; two calls are worth more than what is left for e-mails.
fn columns() -> Columns {
    vec![
        ("customer_id", texts(&["b", "a", "a", "c", "b"])),
        ("offer", texts(&["mail", "call", "mail", "mail", "call"])),
        ("channel", texts(&["email", "phone", "email", "email", "phone"])),
        ("value_cents", numbers(&[300, 2_000, 500, 200, 1_900])),
        ("cost_cents", numbers(&[50, 1_000, 50, 50, 1_000])),
        ("region", texts(&["north", "south", "south", "north", "north"])),
    ]
}

fn with(name: &'static str, column: ArrayRef) -> Columns {
    let mut columns: Columns = columns().into_iter().filter(|(other, _)| *other != name).collect();
    columns.push((name, column));
    columns
}

impl Case {
    fn new(columns: Columns, policy: &str) -> Self {
        let case = Self { folder: TempDir::new().unwrap() };
        write(&case.path("offers.parquet"), columns);
        std::fs::write(case.path("policy.yml"), policy).unwrap();
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn allocate(&self) -> Result<PlannedFile, AllocateFileError> {
        self.allocate_as(false)
    }

    fn allocate_as(&self, replaces: bool) -> Result<PlannedFile, AllocateFileError> {
        allocate_file(&AllocateRequest {
            offers: &self.path("offers.parquet"),
            policy: &self.path("policy.yml"),
            output: &self.path("plan.parquet"),
            certificate: &self.path("cert.json"),
            replaces,
        })
    }

    fn verify(&self) -> Result<VerifiedFiles, AllocateFileError> {
        verify_files(&VerifyRequest {
            offers: &self.path("offers.parquet"),
            plan: &self.path("plan.parquet"),
            certificate: &self.path("cert.json"),
        })
    }

    /// The message without the folder, and nothing is left but the inputs.
    fn refusal(&self) -> String {
        let message = self.told(&self.allocate().unwrap_err());
        let mut left: Vec<String> = self
            .folder
            .path()
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["offers.parquet", "policy.yml"], "{message}");
        message
    }

    fn told(&self, error: &AllocateFileError) -> String {
        error.to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }

    fn plan(&self) -> RecordBatch {
        read(&self.path("plan.parquet"))
    }
}

fn write(path: &Path, columns: Columns) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn read(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    builder.build().unwrap().next().unwrap().unwrap()
}

fn column(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).unwrap();
    let texts = arrow::compute::cast(column, &DataType::Utf8).unwrap();
    texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

fn told(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| (*value != "-").then(|| (*value).to_owned())).collect()
}

fn refusal(columns: Columns, policy: &str) -> String {
    Case::new(columns, policy).refusal()
}

const BUDGET: &str = "budget_cents: 1100";

#[test]
fn one_line_of_policy_makes_a_plan_that_is_accepted() {
    let case = Case::new(columns(), BUDGET);
    let planned = case.allocate().unwrap();
    assert_eq!((planned.customers, planned.offers, planned.treated, planned.value_cents.0), (3, 5, 3, 2_600));
    assert!(planned.is_optimal && planned.sensitivity.curve.len() > 3);
    let plan = case.plan();
    assert_eq!(
        plan.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        ["customer_id", "offer", "cost_cents", "value_cents", "decision_reason"]
    );
    assert_eq!(column(&plan, "customer_id"), told(&["a", "b", "c"]));
    assert_eq!(column(&plan, "offer"), told(&["mail", "call", "mail"]));
    assert_eq!(column(&plan, "cost_cents"), told(&["50", "1000", "50"]));
    assert_eq!(column(&plan, "decision_reason"), told(&["chosen", "chosen", "chosen"]));
    let verified = case.verify().unwrap();
    assert_eq!((verified.treated, verified.recomputed.value.0, verified.rules), (3, 2_600, vec!["budget".to_owned()]));
}

#[test]
fn the_order_of_the_rows_and_the_width_of_the_ids_make_no_difference() {
    let reversed = |column: &ArrayRef| {
        let rows: Vec<u64> = (0..column.len() as u64).rev().collect();
        arrow::compute::take(column, &arrow::array::UInt64Array::from(rows), None).unwrap()
    };
    let ids = with("customer_id", Arc::new(Int32Array::from(vec![10, 9, 9, 100, 10])));
    let backwards: Columns = ids.iter().map(|(name, column)| (*name, reversed(column))).collect();
    let (forwards, backwards) = (Case::new(ids, BUDGET), Case::new(backwards, BUDGET));
    forwards.allocate().unwrap();
    backwards.allocate().unwrap();
    assert_eq!(column(&forwards.plan(), "customer_id"), told(&["9", "10", "100"]), "by number");
    assert_eq!(forwards.plan(), backwards.plan());
    let certificate = |case: &Case| std::fs::read(case.path("cert.json")).unwrap();
    assert_eq!(certificate(&forwards), certificate(&backwards));
    backwards.verify().unwrap();
}

#[test]
fn rules_hold_and_are_told_as_the_reason() {
    let policy = "budget_cents: 5000\nrules:\n  limits: [{channel: phone, most_contacts: 1}]\n  \
                  eligibility: [{offer: mail, group: region, is: [south]}]\n";
    let case = Case::new(columns(), policy);
    let planned = case.allocate().unwrap();
    assert_eq!(planned.sensitivity.rules[1].name, "most contacts for phone");
    assert!(planned.sensitivity.rules[1].price > 0.0 && planned.sensitivity.rules[1].costs.0 > 0);
    let plan = case.plan();
    assert_eq!(column(&plan, "offer"), told(&["mail", "call", "-"]));
    assert_eq!(column(&plan, "decision_reason"), told(&["chosen", "chosen", "no_positive_value"]));
    case.verify().unwrap();
    let full = Case::new(columns(), "budget_cents: 5000\nrules: {limits: [{most_contacts: 1}]}\n");
    full.allocate().unwrap();
    assert_eq!(column(&full.plan(), "decision_reason"), told(&["chosen", "capacity", "capacity"]));
}

#[test]
fn lower_bounds_count_and_exploration_has_its_own_money() {
    let columns = with("value_lower_cents", numbers(&[100, -500, 100, 0, 1_200]));
    let policy = |exploration: i64| {
        format!("budget_cents: 9000\nrules: {{value: lower_bound, exploration_budget_cents: {exploration}}}\n")
    };
    let safe = Case::new(columns.clone(), &policy(0));
    assert_eq!(safe.allocate().unwrap().value_cents.0, 100 + 1_200);
    assert_eq!(column(&safe.plan(), "offer"), told(&["mail", "call", "-"]));
    let bold = Case::new(columns, &policy(60));
    assert_eq!(bold.allocate().unwrap().value_cents.0, 100 + 1_200 + 200, "an e-mail to c for 50 of 60");
    bold.verify().unwrap();
}

#[test]
fn whoever_is_blocked_gets_nothing() {
    let bits = Case::new(with("blocked_by", Arc::new(Int32Array::from(vec![0, 2, 0, 64, 0]))), BUDGET);
    bits.allocate().unwrap();
    assert_eq!(column(&bits.plan(), "offer"), told(&["-", "call", "-"]));
    assert_eq!(column(&bits.plan(), "decision_reason"), told(&["no_consent", "chosen", "blocked"]));
    let flags =
        Case::new(with("blocked_by", Arc::new(BooleanArray::from(vec![false, true, true, false, false]))), BUDGET);
    flags.allocate().unwrap();
    assert_eq!(column(&flags.plan(), "offer"), told(&["-", "call", "mail"]));
    flags.verify().unwrap();
}

#[test]
fn a_suppression_that_cannot_be_read_forbids_or_is_refused() {
    let customers = ["b", "a", "a", "c", "b"];
    // b: null beside 0; a: not blocked; c: a number that no rule has.
    let doubtful: [ArrayRef; 3] = [
        Arc::new(Int64Array::from(vec![Some(0), Some(0), Some(0), Some(1 << 40), None])),
        Arc::new(UInt64Array::from(vec![Some(0), Some(0), Some(0), Some(u64::MAX), None])),
        Arc::new(BooleanArray::from(vec![Some(false), Some(false), Some(false), None, None])),
    ];
    for column_of_bits in doubtful {
        let case = Case::new(with("blocked_by", column_of_bits), BUDGET);
        case.allocate().unwrap();
        assert_eq!(column(&case.plan(), "offer"), told(&["call", "-", "-"]));
        assert_eq!(column(&case.plan(), "decision_reason"), told(&["chosen", "blocked", "blocked"]));
        case.verify().unwrap();
    }
    let nothing = Case::new(with("blocked_by", Arc::new(NullArray::new(customers.len()))), BUDGET);
    nothing.allocate().unwrap();
    assert_eq!(column(&nothing.plan(), "decision_reason"), told(&["blocked"; 3]));
    nothing.verify().unwrap();

    let wanted = "it must hold whole numbers (0: may be contacted) or true and false; write the latter, as `blocked_by <> 0` gives of \
                  numbers and `blocked_by <> 'no'` of texts";
    let of_type = |column: ArrayRef| refusal(with("blocked_by", column), BUDGET);
    for text in ["yes", "no", "opt_out", "0"] {
        let found = of_type(texts(&[text; 5]));
        assert_eq!(found, format!("column `blocked_by` of offers.parquet is of type Utf8: {wanted}"));
    }
    let found = of_type(Arc::new(Float64Array::from(vec![0.5, 0.0, 0.0, 0.0, 0.5])));
    assert_eq!(found, format!("column `blocked_by` of offers.parquet is of type Float64: {wanted}"));
    let decimals = Decimal128Array::from(vec![0; 5]).with_precision_and_scale(10, 2).unwrap();
    let found = of_type(Arc::new(decimals));
    assert_eq!(found, format!("column `blocked_by` of offers.parquet is of type Decimal128(10, 2): {wanted}"));
    let found =
        of_type(Arc::new(vec!["yes", "no", "no", "no", "no"].into_iter().collect::<DictionaryArray<Int32Type>>()));
    assert_eq!(found, format!("column `blocked_by` of offers.parquet is of type Dictionary(Int32, Utf8): {wanted}"));
}

/// As pandas writes categories.
#[test]
fn a_suppression_that_is_a_category_of_numbers_is_read_as_them() {
    let plain: ArrayRef = Arc::new(Int32Array::from(vec![Some(0), Some(2), Some(0), None, Some(0)]));
    let encoded = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int32));
    let case = Case::new(with("blocked_by", arrow::compute::cast(&plain, &encoded).unwrap()), BUDGET);
    case.allocate().unwrap();
    assert_eq!(column(&case.plan(), "decision_reason"), told(&["no_consent", "chosen", "blocked"]));
    case.verify().unwrap();
}

#[test]
fn offers_and_plans_that_are_damaged_inside_are_named() {
    let damage = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        // The head of the first page: the footer stays.
        bytes[4..24].fill(0xff);
        std::fs::write(path, bytes).unwrap();
    };
    let case = Case::new(columns(), BUDGET);
    case.allocate().unwrap();
    damage(&case.path("plan.parquet"));
    let message = case.told(&case.verify().unwrap_err());
    assert_eq!(message, "cannot read the rows of plan.parquet: it is damaged, write it anew");
    damage(&case.path("offers.parquet"));
    let message = case.told(&case.verify().unwrap_err());
    assert_eq!(message, "cannot read the rows of offers.parquet: it is damaged, write it anew");
}

#[test]
fn offers_to_the_blocked_are_not_verified() {
    let case = Case::new(columns(), BUDGET);
    case.allocate().unwrap();
    case.verify().unwrap();
    write(
        &case.path("offers.parquet"),
        with("blocked_by", Arc::new(Int32Array::from(vec![Some(0), None, None, Some(0), None]))),
    );
    let message = case.told(&case.verify().unwrap_err());
    assert!(
        message.contains("says of customer a that it gets `mail`, but the policy makes it no such offer"),
        "{message}"
    );
    write(&case.path("offers.parquet"), with("blocked_by", texts(&["no"; 5])));
    assert!(case.told(&case.verify().unwrap_err()).contains("is of type Utf8"));
}

#[test]
fn a_column_that_stands_twice_is_refused() {
    for (name, second) in
        [("value_cents", numbers(&[9; 5])), ("blocked_by", numbers(&[1; 5])), ("note", texts(&["x"; 5]))]
    {
        let mut columns = if name == "value_cents" { columns() } else { with(name, Arc::clone(&second)) };
        columns.push((name, second));
        assert_eq!(
            refusal(columns, BUDGET),
            format!(
                "offers.parquet has more than one column `{name}`: keep one of them, or give the others names of their own"
            )
        );
    }
}

#[test]
fn bad_offers_are_refused_and_nothing_is_written() {
    let cents = |values: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    assert_eq!(
        refusal(with("value_cents", cents(&[1.0, f64::NAN, 1.0, 1.0, 1.0])), BUDGET),
        "column `value_cents` of offers.parquet is NaN in row 1 (counted from 0): write whole cents"
    );
    assert_eq!(
        refusal(with("cost_cents", cents(&[1.0, 1.0, 0.5, 1.0, 1.0])), BUDGET),
        "column `cost_cents` of offers.parquet is 0.5 in row 2 (counted from 0): write whole cents"
    );
    assert_eq!(
        refusal(with("cost_cents", numbers(&[1, 1, 1, -7, 1])), BUDGET),
        "column `cost_cents` of offers.parquet is -7 in row 3 (counted from 0): amounts are at least 0, so leave out the row"
    );
    assert_eq!(
        refusal(with("value_cents", numbers(&[1, 1, 1, i64::MAX, 1])), BUDGET),
        "offer 4 has the amount 92,233,720,368,547,758.07, above the 10,000,000,000.00 that an offer may have"
    );
    assert_eq!(
        refusal(with("value_cents", texts(&["1", "1", "1", "1", "1"])), BUDGET),
        "column `value_cents` of offers.parquet is of type Utf8: it must hold whole numbers of cents, as `cast(column as bigint)` \
         gives of cents and `cast(round(column * 100) as bigint)` of an amount"
    );
    assert_eq!(
        refusal(with("offer", texts(&["mail", "mail", "mail", "mail", "call"])), BUDGET),
        "customer a has the offer `mail` twice in offers.parquet: keep one"
    );
    assert_eq!(
        refusal(with("customer_id", Arc::new(StringArray::from(vec![Some("b"), None, None, None, None]))), BUDGET),
        "column `customer_id` of offers.parquet is null in row 1 (counted from 0): fill it in, or leave out the row"
    );
    let nobody: Columns = columns().into_iter().map(|(name, column)| (name, column.slice(0, 0))).collect();
    assert_eq!(refusal(nobody, BUDGET), "offers.parquet holds no offers: there is nobody to decide on");
    let without: Columns = columns().into_iter().filter(|(name, _)| *name != "channel").collect();
    assert_eq!(
        refusal(without, BUDGET),
        "offers.parquet has no column `channel`: it has customer_id, offer, value_cents, cost_cents, region"
    );
    let moved = with("region", texts(&["north", "south", "east", "north", "north"]));
    let parity = "budget_cents: 9\nrules: {parity: [{group: region, ratio: 0.8}]}\n";
    assert_eq!(
        refusal(moved, parity),
        "customer a of offers.parquet is in two groups of `region`: a customer is in one"
    );
}

#[test]
fn bad_policies_are_refused_and_nothing_is_written() {
    assert_eq!(
        refusal(columns(), "budget_cents: 0"),
        "the budget is 0: nothing can be bought with it, so give `budget_cents` at least 1"
    );
    let first = |policy: &str| refusal(columns(), policy).lines().next().unwrap_or_default().to_owned();
    assert_eq!(first("budget: 5"), "policy.yml:1:1: unknown key `budget`");
    assert_eq!(
        first("budget_cents: 5\nrules: {limits: [{channel: phon, most_contacts: 1}]}\n"),
        "policy.yml:2:28: unknown channel `phon`, did you mean `phone`?"
    );
    assert_eq!(
        first("budget_cents: 5\nrules: {parity: [{group: regio, ratio: 0.8}]}\n"),
        "policy.yml:2:26: unknown group column `regio`, did you mean `region`?"
    );
    assert_eq!(
        first("budget_cents: 1500\nrules: {limits: [{channel: phone, least_contacts: 2}]}\n"),
        "the rule `least contacts for phone` cannot be kept: it needs 2, but at most 1 can be reached with `budget`, 1 too \
         little: lower it, or loosen `budget`"
    );
    assert_eq!(
        refusal(columns(), "budget_cents: 5\nrules: {value: lower_bound}\n"),
        "offers.parquet has no column `value_lower_cents`: it has customer_id, offer, channel, value_cents, cost_cents, region"
    );
}

#[test]
fn outputs_are_not_overwritten_unless_asked_for() {
    let case = Case::new(columns(), BUDGET);
    case.allocate().unwrap();
    assert_eq!(
        case.told(&case.allocate().unwrap_err()),
        "plan.parquet exists already: choose another name, or replace it with --force"
    );
    case.allocate_as(true).unwrap();
    let same = allocate_file(&AllocateRequest {
        offers: &case.path("offers.parquet"),
        policy: &case.path("policy.yml"),
        output: &case.path("offers.parquet"),
        certificate: &case.path("cert.json"),
        replaces: true,
    });
    assert_eq!(
        case.told(&same.unwrap_err()),
        "offers.parquet would be overwritten by another file of this command: give it another name"
    );
    let nowhere = allocate_file(&AllocateRequest {
        offers: &case.path("offers.parquet"),
        policy: &case.path("policy.yml"),
        output: &case.path("none/plan.parquet"),
        certificate: &case.path("new.json"),
        replaces: false,
    });
    assert_eq!(
        case.told(&nowhere.unwrap_err()),
        "cannot write none/plan.parquet: check that its folder exists, may be written and has room"
    );
    assert!(!case.path("new.json").exists());
}

#[test]
fn ids_of_any_type_come_back_as_they_were() {
    let decimal = |scale| Decimal128Array::from(vec![10, 9, 9, 100, 10]).with_precision_and_scale(38, scale).unwrap();
    let floats = Float64Array::from(vec![10.0, 9.0, 9.0, 100.0, 10.0]);
    let unsigned = UInt64Array::from(vec![10, 9, 9, 100, 10]);
    let of_types: [ArrayRef; 3] = [Arc::new(decimal(0)), Arc::new(floats), Arc::new(unsigned)];
    for ids in of_types {
        let case = Case::new(with("customer_id", Arc::clone(&ids)), BUDGET);
        case.allocate().unwrap();
        let written = case.plan().column_by_name("customer_id").unwrap().clone();
        let expected = if ids.data_type().is_integer() { DataType::Int64 } else { ids.data_type().clone() };
        assert_eq!(*written.data_type(), expected);
        let mut all: Vec<String> = column(&case.plan(), "customer_id").into_iter().flatten().collect();
        all.iter_mut().for_each(|id| *id = id.trim_end_matches(".0").to_owned());
        all.sort();
        assert_eq!(all, ["10", "100", "9"], "{}", ids.data_type());
        case.verify().unwrap();
    }
}

#[test]
fn ids_that_would_not_come_back_are_refused() {
    let refusal = |ids: ArrayRef| Case::new(with("customer_id", ids), BUDGET).refusal();
    let cents = Decimal128Array::from(vec![10, 9, 9, 100, 10]).with_precision_and_scale(10, 2).unwrap();
    assert_eq!(
        refusal(Arc::new(cents)),
        "column `customer_id` of offers.parquet: it is of type Decimal128(10, 2): write ids as whole numbers or texts, as in \
         `cast(column as decimal(38, 0))`"
    );
    assert_eq!(
        refusal(Arc::new(Float64Array::from(vec![1.0, 2.0, 2.5, 3.0, 1.0]))),
        "column `customer_id` of offers.parquet in row 2 (counted from 0): 2.5 is no id that a double holds exactly: write ids as texts \
         or whole numbers"
    );
    assert_eq!(
        refusal(Arc::new(UInt64Array::from(vec![1, 2, 2, u64::MAX, 1]))),
        "column `customer_id` of offers.parquet is 18446744073709551615 in row 3 (counted from 0): it must lie below \
         9223372036854775808 (2^63); write such ids as texts"
    );
}

#[test]
fn an_amount_that_does_not_fit_is_named() {
    let amounts = UInt64Array::from(vec![300, 2_000, 1 << 63, 200, 1_900]);
    assert_eq!(
        Case::new(with("value_cents", Arc::new(amounts)), BUDGET).refusal(),
        "column `value_cents` of offers.parquet is 9223372036854775808 in row 2 (counted from 0): it must lie below \
         9223372036854775808 (2^63); write it in cents, or leave out the row"
    );
}

#[test]
fn a_policy_in_another_encoding_is_named() {
    let case = Case::new(columns(), BUDGET);
    std::fs::write(case.path("policy.yml"), b"# f\xfcr M\xe4rz\nbudget_cents: 5\n").unwrap();
    assert_eq!(
        case.refusal(),
        "policy.yml:1:4: is not written in UTF-8: the byte 0xFC belongs to another encoding, such as Latin-1 or Windows-1252; save it as \
         UTF-8"
    );
}

#[test]
fn files_that_are_not_what_they_should_be_are_told() {
    let case = Case::new(columns(), BUDGET);
    std::fs::write(case.path("offers.parquet"), "no parquet at all").unwrap();
    let message = case.refusal();
    assert!(message.starts_with("offers.parquet is text (such as CSV), no Parquet file: convert it"), "{message}");
    std::fs::remove_file(case.path("offers.parquet")).unwrap();
    assert_eq!(case.told(&case.allocate().unwrap_err()), "cannot open offers.parquet: check the path");
    assert_eq!(case.told(&case.verify().unwrap_err()), "cannot read cert.json: check the path");
    std::fs::write(case.path("cert.json"), "{}").unwrap();
    assert_eq!(
        case.told(&case.verify().unwrap_err()),
        "cert.json is no certificate of an allocation: missing field `policy` at line 1 column 2"
    );
}

#[test]
fn changed_plans_offers_and_certificates_are_refused() {
    let plan = |offers: &[Option<&str>], costs: &[i64], reasons: &[&str]| -> Columns {
        vec![
            ("customer_id", texts(&["a", "b", "c"][..offers.len()])),
            ("offer", Arc::new(StringArray::from(offers.to_vec()))),
            ("cost_cents", numbers(costs)),
            ("value_cents", numbers(&[500, 1_900, 200][..offers.len()])),
            ("decision_reason", texts(reasons)),
        ]
    };
    let refused = |columns: Columns| {
        let case = Case::new(self::columns(), BUDGET);
        case.allocate().unwrap();
        write(&case.path("plan.parquet"), columns);
        case.told(&case.verify().unwrap_err())
    };
    let all = [Some("mail"), Some("call"), Some("mail")];
    let chosen = ["chosen"; 3];
    assert_eq!(
        refused(plan(&all, &[49, 1_000, 50], &chosen)),
        "plan.parquet says of customer a that `mail` costs 0.49 and is worth 5.00, but it costs 0.50 and is worth 5.00"
    );
    assert_eq!(
        refused(plan(&[Some("mail"), Some("gift"), Some("mail")], &[50, 1_000, 50], &chosen)),
        "plan.parquet says of customer b that it gets `gift`, but the policy makes it no such offer"
    );
    assert_eq!(
        refused(plan(&all, &[50, 1_000, 50], &["chosen", "budget", "chosen"])),
        "plan.parquet says of customer b that its decision_reason is budget, but it has an offer"
    );
    assert_eq!(
        refused(plan(&all[..2], &[50, 1_000], &chosen[..2])),
        "plan.parquet does not decide on every customer of the offers once: it lacks c"
    );
    let dropped = refused(plan(&[Some("mail"), Some("call"), None], &[50, 1_000, 0], &["chosen", "chosen", "budget"]));
    assert_eq!(dropped, "plan.parquet says of customer c that it costs or brings something, but it has no offer");
    let unknown = |name| {
        let mut columns = plan(&all, &[50, 1_000, 50], &chosen);
        columns.iter_mut().filter(|(other, _)| *other == name).for_each(|(_, column)| {
            let known = column.as_primitive::<Int64Type>().iter().enumerate();
            *column = Arc::new(known.map(|(row, value)| value.filter(|_| row != 1)).collect::<Int64Array>());
        });
        refused(columns)
    };
    for name in ["cost_cents", "value_cents"] {
        let expected =
            "plan.parquet says of customer b that it costs or brings nothing that is known, but 0 is written as 0";
        assert_eq!(unknown(name), expected);
    }
    let case = Case::new(columns(), BUDGET);
    case.allocate().unwrap();
    write(&case.path("offers.parquet"), with("value_cents", numbers(&[301, 2_000, 500, 200, 1_900])));
    assert!(
        case.told(&case.verify().unwrap_err()).starts_with("the plan is refused: the certificate is of other offers")
    );
    let case = Case::new(columns(), BUDGET);
    case.allocate().unwrap();
    let text = std::fs::read_to_string(case.path("cert.json")).unwrap();
    std::fs::write(case.path("cert.json"), text.replace("\"upper_bound\": 26", "\"upper_bound\": 27")).unwrap();
    assert!(
        case.told(&case.verify().unwrap_err()).starts_with("the plan is refused: the certificate says that no plan")
    );
}

#[test]
fn a_reason_that_does_not_follow_is_refused() {
    // a: held back by consent; b: by bits of others; c: too dear; d: nothing to gain.
    let columns: Columns = vec![
        ("customer_id", texts(&["a", "b", "c", "d", "e"])),
        ("offer", texts(&["mail"; 5])),
        ("channel", texts(&["email"; 5])),
        ("value_cents", numbers(&[300, 300, 200, 0, 900])),
        ("cost_cents", numbers(&[50; 5])),
        ("blocked_by", Arc::new(Int32Array::from(vec![2, 64, 0, 0, 0]))),
    ];
    let case = Case::new(columns, "budget_cents: 60");
    case.allocate().unwrap();
    let plan = case.plan();
    let honest = ["no_consent", "blocked", "budget", "no_positive_value", "chosen"];
    assert_eq!(column(&plan, "decision_reason"), told(&honest));
    case.verify().unwrap();
    let edited = |row: usize, reason: &'static str| {
        let mut reasons = honest;
        reasons[row] = reason;
        let kept = plan
            .schema()
            .fields()
            .iter()
            .zip(plan.columns())
            .filter(|(field, _)| field.name() != "decision_reason")
            .map(|(field, column)| (field.name().clone(), Arc::clone(column)))
            .collect::<Vec<_>>();
        let columns = kept.into_iter().chain([("decision_reason".to_owned(), texts(&reasons))]);
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer =
            ArrowWriter::try_new(std::fs::File::create(case.path("plan.parquet")).unwrap(), batch.schema(), None)
                .unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        case.told(&case.verify().unwrap_err())
    };
    let says = |customer: &str, reason: &str, follows: &str| {
        format!("plan.parquet says of customer {customer} that its decision_reason is {reason}, but {follows}")
    };
    assert_eq!(edited(0, "banana"), says("a", "banana", "no_consent follows from its blocked_by"));
    assert_eq!(edited(0, "holdout"), says("a", "holdout", "no_consent follows from its blocked_by"));
    assert_eq!(edited(1, "no_consent"), says("b", "no_consent", "blocked follows from its blocked_by"));
    assert_eq!(edited(2, "banana"), says("c", "banana", "budget follows from the offers and the prices"));
    assert_eq!(edited(2, "capacity"), says("c", "capacity", "budget follows from the offers and the prices"));
    assert_eq!(edited(3, "budget"), says("d", "budget", "no_positive_value follows from the offers and the prices"));
}
