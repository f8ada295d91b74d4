//! What a source says of its rows: slips, and what is read.

use super::{Slip, assert_refused, fixture_text, slip};
use crate::settings::ProjectFile;
use crate::source::{self, Keep, Volume};

fn refused(slips: &[Slip]) {
    assert_refused("mainstay.yml", ProjectFile::parse, slips);
}

#[test]
fn a_column_becomes_visible_at_a_time_of_its_own_table() {
    let channel = "{name: channel, type: text}";
    refused(&[
        slip(
            channel,
            "{name: channel, type: text, visible_from: shipped_at}",
            "
mainstay.yml:47:55: unknown column `shipped_at`
   |
47 |           - {name: channel, type: text, visible_from: shipped_at}
   |                                                       ^^^^^^^^^^
   = known columns: order_id, ordered_at, loaded_at, net_amount, channel",
        ),
        slip(
            channel,
            "{name: channel, type: text, visible_from: channel}",
            "
mainstay.yml:47:55: column `channel` must be a timestamp or date to say the time, it is text
   |
47 |           - {name: channel, type: text, visible_from: channel}
   |                                                       ^^^^^^^",
        ),
        slip(
            "{name: order_id, type: text, nullable: false}",
            "{name: order_id, type: text, visible_from: ordered_at}",
            "
mainstay.yml:43:56: column `order_id` is part of the key and cannot come later than its row: leave it out
   |
43 |           - {name: order_id, type: text, visible_from: ordered_at}
   |                                                        ^^^^^^^^^^",
        ),
        slip(
            "{name: ordered_at, type: timestamp, nullable: false}",
            "{name: ordered_at, type: timestamp, visible_from: loaded_at}",
            "
mainstay.yml:44:63: column `ordered_at` is the event time and cannot come later than its row: leave it out
   |
44 |           - {name: ordered_at, type: timestamp, visible_from: loaded_at}
   |                                                               ^^^^^^^^^",
        ),
        slip(
            "{name: loaded_at, type: date, nullable: false}",
            "{name: loaded_at, type: date, visible_from: loaded_at}",
            "
mainstay.yml:45:57: column `loaded_at` is the time at which a row was known and cannot come later than its row: leave it out
   |
45 |           - {name: loaded_at, type: date, visible_from: loaded_at}
   |                                                         ^^^^^^^^^",
        ),
    ]);
}

#[test]
fn a_former_name_is_that_of_one_column() {
    let channel = "{name: channel, type: text}";
    refused(&[
        slip(
            channel,
            "{name: channel, type: text, renamed_from: [order_id]}",
            "
mainstay.yml:47:56: `order_id` is a column of the table as it is now, so that no other column can have had its name: leave it out
   |
47 |           - {name: channel, type: text, renamed_from: [order_id]}
   |                                                        ^^^^^^^^",
        ),
        slip(
            channel,
            "{name: channel, type: text, renamed_from: [kanal, kanal]}",
            "
mainstay.yml:47:63: `kanal` is a former name of column `channel` already: leave it out of one of both
   |
47 |           - {name: channel, type: text, renamed_from: [kanal, kanal]}
   |                                                               ^^^^^",
        ),
    ]);
}

#[test]
fn bad_files_stop_or_are_set_aside() {
    refused(&[slip(
        "        path: orders\n",
        "        path: orders\n        bad_files: ignore\n",
        "
mainstay.yml:36:20: unknown value `ignore`
   |
36 |         bad_files: ignore
   |                    ^^^^^^
   = known values: stop, quarantine",
    )]);
}

#[test]
fn a_reference_names_the_whole_key_of_another_table() {
    let key = "key: [order_id]";
    refused(&[
        slip(
            key,
            "key: [order_id]\n        references: [{column: custmer, table: customers, key: customer_id}]",
            "
mainstay.yml:39:31: unknown column `custmer`
   |
39 |         references: [{column: custmer, table: customers, key: customer_id}]
   |                               ^^^^^^^
   = known columns: order_id, ordered_at, loaded_at, net_amount, channel",
        ),
        slip(
            key,
            "key: [order_id]\n        references: [{column: channel, table: channels, key: channel}]",
            "
mainstay.yml:39:47: unknown table `channels`
   |
39 |         references: [{column: channel, table: channels, key: channel}]
   |                                               ^^^^^^^^
   = known tables: customers, orders",
        ),
        slip(
            key,
            "key: [order_id]\n        references: [{column: channel, table: orders, key: orderid}]",
            "
mainstay.yml:39:60: unknown column `orderid`, did you mean `order_id`?
   |
39 |         references: [{column: channel, table: orders, key: orderid}]
   |                                                            ^^^^^^^
   = known columns: order_id, ordered_at, loaded_at, net_amount, channel",
        ),
        slip(
            key,
            "key: [order_id]\n        references: [{column: channel, table: customers, key: customer_id}]",
            "
mainstay.yml:39:63: column `customer_id` does not name a row of `customers`, whose key is [customer_id, valid_from]: only a key of one column can be referred to
   |
39 |         references: [{column: channel, table: customers, key: customer_id}]
   |                                                               ^^^^^^^^^^^",
        ),
        slip(
            key,
            "key: [order_id]\n        references: [{column: ordered_at, table: orders, key: order_id}]",
            "
mainstay.yml:39:63: column `ordered_at` is timestamp, but `order_id` of `orders` is text: declare both with the same type
   |
39 |         references: [{column: ordered_at, table: orders, key: order_id}]
   |                                                               ^^^^^^^^",
        ),
        slip(
            key,
            "key: [order_id]\n        references: [{column: channel, tabel: orders, key: order_id}]",
            "
mainstay.yml:39:40: unknown key `tabel`, did you mean `table`?
   |
39 |         references: [{column: channel, tabel: orders, key: order_id}]
   |                                        ^^^^^
   = known keys: column, table, key",
        ),
    ]);
}

#[test]
fn a_key_stands_for_one_row_unless_said_otherwise() {
    let parse = |text: &str| ProjectFile::parse("mainstay.yml", text).unwrap();
    let text = fixture_text("mainstay.yml").replace(
        "key: [order_id]",
        "key: [order_id]\n        unique_key: false\n        references: [{column: channel, table: orders, key: order_id}]",
    );
    let file = parse(&text);
    let tables = &file.value.sources.as_ref().unwrap()[0].tables;
    assert!(tables[0].unique_key && tables[0].references.is_empty());
    assert!(!tables[1].unique_key);
    assert_eq!(tables[1].references[0].table, "orders");
    refused(&[slip(
        "key: [order_id]",
        "key: [order_id]\n        unique_key: perhaps",
        "
mainstay.yml:39:21: expected true or false, found `perhaps`
   |
39 |         unique_key: perhaps
   |                     ^^^^^^^",
    )]);
}

#[test]
fn a_table_has_an_event_time_or_is_timeless() {
    let event_time = "        event_time: valid_from\n";
    refused(&[
        slip(
            event_time,
            "",
            "
mainstay.yml:24:15: table `customers` has no `event_time`: name it, or say `timeless: true` if its rows hold at any time
   |
24 |       - name: customers
   |               ^^^^^^^^^",
        ),
        slip(
            event_time,
            "        timeless: false\n",
            "
mainstay.yml:24:15: table `customers` has no `event_time`: name it, or say `timeless: true` if its rows hold at any time
   |
24 |       - name: customers
   |               ^^^^^^^^^",
        ),
        slip(
            event_time,
            "        event_time: valid_from\n        timeless: true\n",
            "
mainstay.yml:27:19: table `customers` is timeless and has the event time `valid_from`: leave one of them out
   |
27 |         timeless: true
   |                   ^^^^",
        ),
        slip(
            event_time,
            "        timeless: true\n        known_at: valid_from\n",
            "
mainstay.yml:27:19: the rows of a timeless table were always known: make it the `event_time` instead
   |
27 |         known_at: valid_from
   |                   ^^^^^^^^^^",
        ),
        slip(
            event_time,
            "        timeless: true\n        freshness: {warn_after_hours: 36}\n",
            "
mainstay.yml:27:20: a timeless table has no newest row: leave the limit out
   |
27 |         freshness: {warn_after_hours: 36}
   |                    ^",
        ),
    ]);
    let text = fixture_text("mainstay.yml").replace(event_time, "        timeless: true\n");
    let file = ProjectFile::parse("mainstay.yml", &text).unwrap();
    let tables = &file.value.sources.as_ref().unwrap()[0].tables;
    assert!(tables[0].timeless && tables[0].event_time.is_none());
    assert!(!tables[1].timeless);
}

#[test]
fn bounds_and_orders_fit_their_columns() {
    let (amount, channel) = ("{name: net_amount, type: money, minimum: 0}", "{name: channel, type: text}");
    let loaded = "{name: loaded_at, type: date, nullable: false}";
    refused(&[
        slip(
            amount,
            "{name: net_amount, type: money, minimum: 5, maximum: 1}",
            "
mainstay.yml:46:66: the maximum 1 of column `net_amount` lies below its minimum 5
   |
46 |           - {name: net_amount, type: money, minimum: 5, maximum: 1}
   |                                                                  ^",
        ),
        slip(
            amount,
            "{name: net_amount, type: money, maximum: 0.005}",
            "
mainstay.yml:46:54: expected at most two decimals for column `net_amount`, which is money
   |
46 |           - {name: net_amount, type: money, maximum: 0.005}
   |                                                      ^^^^^",
        ),
        slip(
            channel,
            "{name: channel, type: text, maximum: 5}",
            "
mainstay.yml:47:50: column `channel` is text: only numbers have a maximum
   |
47 |           - {name: channel, type: text, maximum: 5}
   |                                                  ^",
        ),
        slip(
            loaded,
            "{name: loaded_at, type: date, not_before: orderd_at}",
            "
mainstay.yml:45:55: unknown column `orderd_at`, did you mean `ordered_at`?
   |
45 |           - {name: loaded_at, type: date, not_before: orderd_at}
   |                                                       ^^^^^^^^^
   = known columns: order_id, ordered_at, loaded_at, net_amount, channel",
        ),
        slip(
            channel,
            "{name: channel, type: text, not_before: ordered_at}",
            "
mainstay.yml:47:53: column `channel` must be a timestamp or date to say the time, it is text
   |
47 |           - {name: channel, type: text, not_before: ordered_at}
   |                                                     ^^^^^^^^^^",
        ),
        slip(
            loaded,
            "{name: loaded_at, type: date, not_before: channel}",
            "
mainstay.yml:45:55: column `channel` must be a timestamp or date to say the time, it is text
   |
45 |           - {name: loaded_at, type: date, not_before: channel}
   |                                                       ^^^^^^^",
        ),
        slip(
            channel,
            "{name: paid_at, type: date, visible_from: paid_at}\n          - {name: sent_at, type: date, not_before: paid_at}",
            "
mainstay.yml:48:53: column `paid_at` comes later than its row and cannot judge `sent_at`, which is there from the start: leave the rule out
   |
48 |           - {name: sent_at, type: date, not_before: paid_at}
   |                                                     ^^^^^^^",
        ),
    ]);
}

#[test]
fn the_newest_row_of_a_key_is_kept_where_one_is_known() {
    let key = "key: [order_id]";
    refused(&[
        slip(
            key,
            "key: [order_id]\n        keep: newest",
            "
mainstay.yml:39:15: unknown value `newest`
   |
39 |         keep: newest
   |               ^^^^^^
   = known values: first_known, latest_known",
        ),
        slip(
            key,
            "key: [order_id]\n        keep: latest_known\n        unique_key: false",
            "
mainstay.yml:39:15: `unique_key: false` keeps all rows of a key: leave one of both out
   |
39 |         keep: latest_known
   |               ^^^^^^^^^^^^",
        ),
        slip(
            "        event_time: valid_from\n",
            "        timeless: true\n        keep: latest_known\n",
            "
mainstay.yml:27:15: of the rows of a timeless table none was known last: leave `keep` out, or give the table an `event_time`
   |
27 |         keep: latest_known
   |               ^^^^^^^^^^^^",
        ),
    ]);
    let text = fixture_text("mainstay.yml").replace(key, "key: [order_id]\n        keep: latest_known");
    let file = ProjectFile::parse("mainstay.yml", &text).unwrap();
    let tables = &file.value.sources.as_ref().unwrap()[0].tables;
    assert_eq!((tables[0].keep, tables[1].keep), (Keep::FirstKnown, Keep::LatestKnown));
}

#[test]
fn a_column_that_names_a_row_is_there_from_the_start() {
    let right = "key: [order_id]";
    let text = fixture_text("mainstay.yml")
        .replace(right, "key: [order_id]\n        references: [{column: channel, table: orders, key: order_id}]")
        .replace("{name: channel, type: text}", "{name: channel, type: text, visible_from: ordered_at}");
    let error = ProjectFile::parse("mainstay.yml", &text).unwrap_err().to_string();
    let message = "mainstay.yml:39:31: column `channel` names a row of `orders` and cannot come later than its own row: leave its `visible_from` out";
    assert_eq!(error.lines().next(), Some(message));
}

#[test]
fn a_volume_is_declared_of_a_table_whose_rows_belong_to_days() {
    let freshness = "warn_after_hours: 36\n          error_after_hours: 72";
    refused(&[
        slip(
            freshness,
            "warn_after_hours: 36\n        volume: {rows_per_day_at_least: 0}",
            "
mainstay.yml:41:41: expected a number of at least 1, found 0
   |
41 |         volume: {rows_per_day_at_least: 0}
   |                                         ^",
        ),
        slip(
            freshness,
            "warn_after_hours: 36\n        volume: {learned: false}",
            "
mainstay.yml:41:18: unknown key `learned`, did you mean `learnt`?
   |
41 |         volume: {learned: false}
   |                  ^^^^^^^
   = known keys: learnt, rows_per_day_at_least, holidays",
        ),
        slip(
            freshness,
            "warn_after_hours: 36\n        volume: {holidays: [2025-12-25, 2025-12-25]}",
            "
mainstay.yml:41:41: this day is given twice
   |
41 |         volume: {holidays: [2025-12-25, 2025-12-25]}
   |                                         ^^^^^^^^^^",
        ),
    ]);
}

#[test]
fn what_a_table_does_not_say_of_its_volume_is_learnt() {
    let stated = "warn_after_hours: 36\n        volume: {rows_per_day_at_least: 20, holidays: [2025-12-25]}";
    let text =
        fixture_text("mainstay.yml").replacen("warn_after_hours: 36\n          error_after_hours: 72", stated, 1);
    let file = ProjectFile::parse("mainstay.yml", &text).unwrap();
    let volumes = file.value.sources.clone().unwrap().remove(0).tables.into_iter().map(|table| table.volume);
    let holidays = vec!["2025-12-25".parse().unwrap()];
    let orders = Volume { rows_per_day_at_least: Some(20), holidays, ..Volume::default() };
    assert_eq!(volumes.collect::<Vec<_>>(), [Volume::default(), orders]);
    assert!(Volume::default().learnt);
}

#[test]
fn tables_and_columns_stand_under_their_source() {
    let sources = ProjectFile::parse("mainstay.yml", &fixture_text("mainstay.yml")).unwrap().value.sources.unwrap();
    let tables: Vec<_> = source::tables(&sources).map(|(name, table)| (name, table.name.as_str())).collect();
    assert_eq!(tables, [("retailer.customers".to_owned(), "customers"), ("retailer.orders".to_owned(), "orders")]);
    let columns: Vec<_> = source::columns(&sources).collect();
    assert_eq!(columns.len(), 10);
    assert_eq!((columns[4].0.as_str(), columns[4].1.name.as_str()), ("retailer.customers", "email"));
    assert_eq!((columns[5].0.as_str(), columns[5].1.name.as_str()), ("retailer.orders", "order_id"));
}
