//! Whoever must be left alone is not lost on the way: by another id, or by a column that nothing reads.

use super::*;

fn ids(ids: [&str; 5]) -> Columns {
    with("customer_id", texts(&ids))
}

fn and(mut columns: Columns, name: &'static str, column: ArrayRef) -> Columns {
    columns.push((name, column));
    columns
}

fn flags(flags: [bool; 5]) -> ArrayRef {
    Arc::new(BooleanArray::from(flags.to_vec()))
}

fn bits(bits: [i32; 5]) -> ArrayRef {
    Arc::new(Int32Array::from(bits.to_vec()))
}

/// A file in which nobody is blocked, with one more column.
fn beside_blocked_by(name: &'static str, column: ArrayRef) -> Columns {
    and(with("blocked_by", bits([0; 5])), name, column)
}

fn twins(one: &str, other: &str, more: &str) -> String {
    format!(
        "column `customer_id` of offers.parquet holds {one} and {other} (counted from 0), which differ by blanks or other marks around \
         them alone{more}: who must be left alone under one id would be contacted under the other; trim the ids in the file"
    )
}

#[test]
fn ids_that_differ_by_marks_around_them_are_refused() {
    for (marked, shown) in [
        ("K00010 ", "`K00010 `"),
        ("\tK00010", r"`\tK00010`"),
        ("K00010\r\n", r"`K00010\r\n`"),
        ("K00010\0", r"`K00010\0`"),
        ("\u{feff}K00010\u{a0}", r"`\u{feff}K00010\u{a0}`"),
    ] {
        let columns = || ids(["K00010", "K2", "K2", "K3", marked]);
        let expected = twins("`K00010` in row 0", &format!("{shown} in row 4"), "");
        assert_eq!(refusal(columns(), BUDGET), expected);
        let is_blocked = and(columns(), "blocked_by", flags([true, false, false, false, false]));
        assert_eq!(refusal(is_blocked, BUDGET), expected);
    }
    assert_eq!(
        refusal(ids(["\nK1", "K1 ", "K1\t", "K2", "\u{200b}K2"]), BUDGET),
        twins(r"`\nK1` in row 0", "`K1 ` in row 1", ", and so with 1 more")
    );
    // Of three the two that differ by marks alone.
    assert_eq!(refusal(ids(["k1", "K1", "K2", "K3", "K1 "]), BUDGET), twins("`K1` in row 1", "`K1 ` in row 4", ""));
    let both =
        twins("`k1` in row 0", "`K1 ` in row 4", "").replace(" alone: who", " and the case of letters alone: who");
    assert_eq!(refusal(ids(["k1", "K2", "K2", "K3", "K1 "]), BUDGET), both);
    assert_eq!(
        refusal(ids(["a@b.example", "K2", "K2", "K3", "a@b.example "]), BUDGET),
        twins("an e-mail address in row 0", "an e-mail address in row 4", "")
    );
    let category = vec!["K1", "K2", "K2", "K3", "K1 "].into_iter().collect::<DictionaryArray<Int32Type>>();
    assert_eq!(refusal(with("customer_id", Arc::new(category)), BUDGET), twins("`K1` in row 0", "`K1 ` in row 4", ""));
}

#[test]
fn ids_that_are_all_padded_come_back_as_they_were() {
    let case = Case::new(ids(["K1  ", "K10 ", "K10 ", "K2  ", "K1  "]), BUDGET);
    case.allocate().unwrap();
    assert_eq!(column(&case.plan(), "customer_id"), told(&["K1  ", "K10 ", "K2  "]));
    case.verify().unwrap();
}

#[test]
fn no_plan_of_twins_is_verified() {
    let case = Case::new(ids(["K1", "K2", "K2", "K3", "K1"]), BUDGET);
    case.allocate().unwrap();
    write(&case.path("offers.parquet"), ids(["K1", "K2", "K2", "K3", "K1 "]));
    assert_eq!(case.told(&case.verify().unwrap_err()), twins("`K1` in row 0", "`K1 ` in row 4", ""));
}

#[test]
fn ids_that_differ_by_the_case_of_letters_are_refused_where_one_of_both_is_blocked() {
    let columns = || ids(["k1", "K2", "K2", "É3", "K1"]);
    let refused = |blocked_by: ArrayRef| refusal(and(columns(), "blocked_by", blocked_by), BUDGET);
    let expected = |blocked: &str, other: &str| {
        format!(
            "column `customer_id` of offers.parquet holds {blocked} (counted from 0), who must be left alone by `blocked_by`, and {other}, \
             who may be contacted; they differ by the case of letters alone: write one id where they are one customer, and ids that differ \
             by more where they are two"
        )
    };
    assert_eq!(refused(bits([0, 0, 0, 0, 2])), expected("`K1` in row 4", "`k1` in row 0"));
    assert_eq!(refused(bits([2, 0, 0, 0, 0])), expected("`k1` in row 0", "`K1` in row 4"));
    let doubt = Int32Array::from(vec![None, Some(0), Some(0), Some(0), Some(0)]);
    assert_eq!(refused(Arc::new(doubt)), expected("`k1` in row 0", "`K1` in row 4"));
    let many = and(ids(["k1", "K1", "ĸ", "é3", "É3"]), "blocked_by", bits([1, 0, 0, 0, 1]));
    assert!(refusal(many, BUDGET).contains("alone, and so with 1 more: write one id"));

    for blocked_by in [bits([0; 5]), bits([1, 0, 0, 0, 1]), bits([0, 1, 0, 1, 0])] {
        let case = Case::new(and(columns(), "blocked_by", blocked_by), BUDGET);
        assert_eq!(case.allocate().unwrap().customers, 4);
        case.verify().unwrap();
    }
}

fn unread(columns: &str, ignored: &str) -> String {
    format!(
        "offers.parquet has columns of yes and no that are not read: {columns}; who must be left alone by one of them must be so by \
         `blocked_by` (0 or false: may be contacted); where they forbid nothing, write `ignored_columns: [{ignored}]` into the policy"
    )
}

#[test]
fn a_column_of_yes_and_no_is_not_passed_over() {
    let held = || flags([true, false, false, true, false]);
    for name in ["has_withdrawn", "legal_hold", "gesperrt", "opt_out", "is_vip"] {
        let expected = unread(&format!("`{name}` (yes in 2 of 5 rows)"), name);
        assert_eq!(refusal(with(name, held()), BUDGET), expected);
        assert_eq!(refusal(beside_blocked_by(name, held()), BUDGET), expected);
    }
    let unknown = Arc::new(BooleanArray::from(vec![None, Some(true), None, None, None]));
    let several = and(and(with("may be called", flags([false; 5])), "hold", unknown), "note", texts(&["none"; 5]));
    assert_eq!(
        refusal(several, BUDGET),
        unread("`may be called` (yes in 0 of 5 rows), `hold` (yes in 1 of 5 rows)", "\"may be called\", hold")
    );
}

#[test]
fn yes_and_no_are_read_in_all_types() {
    let category = vec!["Ja", "nein", "nein", "nein", "ja "].into_iter().collect::<DictionaryArray<Int32Type>>();
    let decimals = Decimal128Array::from(vec![100, 0, 0, 0, 100]).with_precision_and_scale(10, 2).unwrap();
    let two: [ArrayRef; 8] = [
        bits([1, 0, 0, 0, 1]),
        Arc::new(UInt64Array::from(vec![Some(1), None, Some(0), None, Some(1)])),
        Arc::new(Float64Array::from(vec![1.0, f64::NAN, 0.0, 0.0, 1.0])),
        Arc::new(decimals),
        texts(&["TRUE", "false", "False", "f", "true"]),
        texts(&["x", "", " ", "", "X"]),
        texts(&["1", "0", "0", "0", "1"]),
        Arc::new(category),
    ];
    for column in two {
        let expected = unread("`held` (yes in 2 of 5 rows)", "held");
        assert_eq!(refusal(beside_blocked_by("held", column), BUDGET), expected);
    }
    let none = refusal(beside_blocked_by("may_call", texts(&["no"; 5])), BUDGET);
    assert_eq!(none, unread("`may_call` (yes in 0 of 5 rows)", "may_call"));
}

#[test]
fn columns_that_say_something_else_are_passed_over() {
    let empty: Vec<Option<&str>> = vec![None; 5];
    let others: [ArrayRef; 7] = [
        bits([0, 1, 2, 0, 1]),
        bits([0; 5]),
        Arc::new(Float64Array::from(vec![0.0, 1.0, 0.5, 0.0, 1.0])),
        texts(&["yes", "no", "perhaps", "no", "no"]),
        texts(&["gold", "silver", "gold", "gold", "gold"]),
        Arc::new(StringArray::from(empty)),
        Arc::new(NullArray::new(5)),
    ];
    for column in others {
        let case = Case::new(with("tier", column), BUDGET);
        assert_eq!(case.allocate().unwrap().treated, 3);
        case.verify().unwrap();
    }
}

/// The second batch that is read has another value.
#[test]
fn a_column_is_judged_by_all_its_rows() {
    let rows = 3_000;
    let of = |last: i64| -> Columns {
        let count: Vec<i64> = (0..rows).map(|row| if row == rows - 1 { last } else { row % 2 }).collect();
        vec![
            ("customer_id", numbers(&(0..rows).collect::<Vec<_>>())),
            ("offer", texts(&vec!["mail"; rows as usize])),
            ("channel", texts(&vec!["email"; rows as usize])),
            ("value_cents", numbers(&vec![300; rows as usize])),
            ("cost_cents", numbers(&vec![50; rows as usize])),
            ("orders", numbers(&count)),
        ]
    };
    Case::new(of(2), BUDGET).allocate().unwrap();
    assert!(refusal(of(1), BUDGET).contains("`orders` (yes in 1500 of 3000 rows)"));
}

#[test]
fn what_a_column_of_yes_and_no_means_can_be_said() {
    let held = || flags([true, false, false, true, false]);
    let ignored = format!("{BUDGET}\nignored_columns: [legal_hold]\n");
    let case = Case::new(with("legal_hold", held()), &ignored);
    assert_eq!(case.allocate().unwrap().treated, 3);
    case.verify().unwrap();
    let case = Case::new(
        with("consent_text", texts(&["granted"; 5])),
        &format!("{BUDGET}\nignored_columns: [consent_text]\n"),
    );
    assert_eq!(case.allocate().unwrap().treated, 3);
    let grouped = format!("{BUDGET}\nrules: {{limits: [{{group: is_vip, is: \"true\", most_contacts: 9}}]}}\n");
    let case = Case::new(with("is_vip", flags([true, false, false, true, true])), &grouped);
    assert_eq!(case.allocate().unwrap().treated, 3);
    let case = Case::new(with("blocked_by", flags([true, false, false, true, true])), BUDGET);
    assert_eq!(case.allocate().unwrap().treated, 1);

    let first =
        |policy: &str| refusal(with("legal_hold", held()), policy).lines().next().unwrap_or_default().to_owned();
    let unknown = format!("{BUDGET}\nignored_columns: [legal_holds]\n");
    assert_eq!(first(&unknown), "policy.yml:2:19: unknown column `legal_holds`, did you mean `legal_hold`?");
}

/// A certificate says which columns were ignored; one that does not say it proves nothing of a file with such a column.
#[test]
fn no_plan_is_verified_that_passed_a_column_over() {
    let case = Case::new(columns(), BUDGET);
    case.allocate().unwrap();
    write(&case.path("offers.parquet"), with("legal_hold", flags([true; 5])));
    let message = case.told(&case.verify().unwrap_err());
    assert_eq!(message, unread("`legal_hold` (yes in 5 of 5 rows)", "legal_hold"));
}

#[test]
fn a_column_that_forbids_contact_under_another_name_is_refused() {
    let words = || texts(&["granted", "granted", "granted", "never", "unknown"]);
    for name in [
        "Blocked_By",
        "blocked by",
        "bloked_by",
        "opt_out",
        "doNotContact",
        "do_not_mail",
        "DNC",
        "consent_email",
        "unsubscribed_at",
    ] {
        let written = if name == "blocked by" { "\"blocked by\"" } else { name };
        assert_eq!(
            refusal(with(name, words()), BUDGET),
            format!(
                "offers.parquet has no column `blocked_by`, but `{name}`, which is not read: where it forbids contact, name it \
                 `blocked_by` (0 or false: may be contacted); else write `ignored_columns: [{written}]` into the policy"
            )
        );
    }
    assert_eq!(Case::new(beside_blocked_by("opt_out_reason", words()), BUDGET).allocate().unwrap().treated, 3);
    let grouped = "budget_cents: 1100\nrules: {limits: [{group: consent, is: given, most_contacts: 9}]}";
    assert!(Case::new(with("consent", texts(&["given"; 5])), grouped).allocate().is_ok());
}
