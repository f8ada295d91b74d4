//! Slips in `mainstay.yml`.

use super::{assert_refused, slip};
use crate::settings::ProjectFile;

#[test]
fn slips_are_refused() {
    assert_refused(
        "mainstay.yml",
        ProjectFile::parse,
        &[
            slip(
                "name: shop",
                "name: my shop",
                "
mainstay.yml:1:7: `my shop` is no name: use letters, digits and underscores, and begin with a letter
  |
1 | name: my shop
  |       ^^^^^^^",
            ),
            slip(
                "currency: USD",
                "curency: USD",
                "
mainstay.yml:3:1: unknown key `curency`, did you mean `currency`?
  |
3 | curency: USD
  | ^^^^^^^
  = known keys: name, time_zone, extends, currency, vars, targets, default_target, sources, consent_default",
            ),
            slip(
                "time_zone: UTC",
                "time_zone: Europe/Berln",
                "
mainstay.yml:2:12: unknown time zone `Europe/Berln`, did you mean `Europe/Berlin`?
  |
2 | time_zone: Europe/Berln
  |            ^^^^^^^^^^^^
  = time zones have IANA names, such as Europe/Berlin or UTC",
            ),
            slip(
                "currency: USD",
                "currency: dollars",
                "
mainstay.yml:3:11: `dollars` is no currency: use its code, such as USD
  |
3 | currency: dollars
  |           ^^^^^^^",
            ),
            slip(
                "currency: USD",
                "currency: JPY",
                "
mainstay.yml:3:11: `JPY` has 0 decimals, and all money here is counted in hundredths: bring amounts in a currency that has two
  |
3 | currency: JPY
  |           ^^^",
            ),
            slip(
                "currency: USD",
                "currency: KWD",
                "
mainstay.yml:3:11: `KWD` has 3 decimals, and all money here is counted in hundredths: bring amounts in a currency that has two
  |
3 | currency: KWD
  |           ^^^",
            ),
            slip(
                "consent_default: allow",
                "consent_default: alow",
                "
mainstay.yml:48:18: unknown value `alow`, did you mean `allow`?
   |
48 | consent_default: alow
   |                  ^^^^
   = known values: allow, deny",
            ),
            slip(
                "currency: USD",
                "currency: USD\ncurrency: EUR",
                "
mainstay.yml:4:1: key `currency` is given twice
  |
4 | currency: EUR
  | ^^^^^^^^",
            ),
            slip(
                "  data: data",
                "\tdata: data",
                "
mainstay.yml:5:2: not valid YAML: tabs disallowed within this context (block indentation)
  |
5 | 	data: data
  | 	^
  = indent with spaces",
            ),
            slip(
                "    tables:",
                "   tables:",
                "
mainstay.yml:23:4: not valid YAML: while parsing a block collection, did not find expected '-' indicator
   |
23 |    tables:
   |    ^",
            ),
            slip(
                "  active_days: 365",
                "  active-days: 365",
                "
mainstay.yml:6:3: `active-days` is no name: use letters, digits and underscores, and begin with a letter
  |
6 |   active-days: 365
  |   ^^^^^^^^^^^",
            ),
            slip(
                "  active_days: 365",
                "  active_days: [365]",
                "
mainstay.yml:6:3: expected a text, a number, true or false, found a list
  |
6 |   active_days: [365]
  |   ^^^^^^^^^^^",
            ),
            slip(
                "path: \"{{ var('data') }}\"",
                "path: {{ var('data') }}",
                "
mainstay.yml:17:12: expected a single value here
   |
17 |     path: {{ var('data') }}
   |            ^",
            ),
            slip(
                "      customers: 2000",
                "      customers: 0",
                "
mainstay.yml:19:18: expected a number of at least 1, found 0
   |
19 |       customers: 0
   |                  ^",
            ),
            slip(
                "      customers: 2000",
                "      customers: two thousand",
                "
mainstay.yml:19:18: expected a whole number from 0 to 4294967295, found `two thousand`
   |
19 |       customers: two thousand
   |                  ^^^^^^^^^^^^",
            ),
            slip(
                "      start: 2024-01-01",
                "      start: 2024-02-30",
                "
mainstay.yml:20:14: `2024-02-30` is not a date: write it like 2026-01-31
   |
20 |       start: 2024-02-30
   |              ^^^^^^^^^^",
            ),
            slip(
                "      days: 730",
                "      days: -1",
                "
mainstay.yml:21:13: expected a whole number from 0 to 4294967295, found `-1`
   |
21 |       days: -1
   |             ^^",
            ),
            slip(
                "      seed: 42",
                "      seed:",
                "
mainstay.yml:22:11: expected a whole number, at least 0, found nothing
   |
22 |       seed:
   |           ^",
            ),
            slip(
                "        freshness:",
                "        freshnes:",
                "
mainstay.yml:39:9: unknown key `freshnes`, did you mean `freshness`?
   |
39 |         freshnes:
   |         ^^^^^^^^
   = known keys: name, description, path, format, bad_files, time_zone, event_time, timeless, known_at, key, unique_key, keep, references, freshness, volume, columns",
            ),
            slip(
                "        path: orders\n",
                "        path: orders\n        format: csv\n",
                "
mainstay.yml:36:17: unknown value `csv`
   |
36 |         format: csv
   |                 ^^^
   = known values: parquet, delta",
            ),
            slip(
                "          warn_after_hours: 36",
                "          warn_after_hours: 96",
                "
mainstay.yml:40:29: the warning after 96 hours comes later than the error after 72
   |
40 |           warn_after_hours: 96
   |                             ^^",
            ),
            slip(
                "          warn_after_hours: 36\n          error_after_hours: 72",
                "          {}",
                "
mainstay.yml:40:11: expected `warn_after_hours`, `error_after_hours` or both
   |
40 |           {}
   |           ^",
            ),
            slip(
                "        known_at: loaded_at",
                "        known_at: load_at",
                "
mainstay.yml:37:19: unknown column `load_at`, did you mean `loaded_at`?
   |
37 |         known_at: load_at
   |                   ^^^^^^^
   = known columns: order_id, ordered_at, loaded_at, net_amount, channel",
            ),
            slip(
                "        event_time: ordered_at",
                "        event_time: channel",
                "
mainstay.yml:36:21: column `channel` must be a timestamp or date to say the time, it is text
   |
36 |         event_time: channel
   |                     ^^^^^^^",
            ),
            slip(
                "key: [order_id]",
                "key: [order_id, net_amount]",
                "
mainstay.yml:38:25: column `net_amount` is money: an amount cannot identify a row
   |
38 |         key: [order_id, net_amount]
   |                         ^^^^^^^^^^",
            ),
            slip(
                "key: [order_id]",
                "key: []",
                "
mainstay.yml:38:14: expected at least one column of the key
   |
38 |         key: []
   |              ^",
            ),
            slip(
                "key: [order_id]",
                "key: [order_id, order_id]",
                "
mainstay.yml:38:25: column `order_id` is given twice
   |
38 |         key: [order_id, order_id]
   |                         ^^^^^^^^",
            ),
            slip(
                "key: [order_id]",
                "key: order_id",
                "
mainstay.yml:38:14: expected a list here, such as [a, b]
   |
38 |         key: order_id
   |              ^^^^^^^^",
            ),
            slip(
                "type: money, minimum: 0}",
                "type: mony, minimum: 0}",
                "
mainstay.yml:46:38: unknown value `mony`, did you mean `money`?
   |
46 |           - {name: net_amount, type: mony, minimum: 0}
   |                                      ^^^^
   = known values: text, integer, bigint, double, boolean, date, timestamp, money",
            ),
            slip(
                "type: money, minimum: 0}",
                "type: money, minimum: 0.005}",
                "
mainstay.yml:46:54: expected at most two decimals for column `net_amount`, which is money
   |
46 |           - {name: net_amount, type: money, minimum: 0.005}
   |                                                      ^^^^^",
            ),
            slip(
                "type: money, minimum: 0}",
                "type: text, minimum: 0}",
                "
mainstay.yml:46:53: column `net_amount` is text: only numbers have a minimum
   |
46 |           - {name: net_amount, type: text, minimum: 0}
   |                                                     ^",
            ),
            slip(
                "type: money, minimum: 0}",
                "type: integer, minimum: 0.5}",
                "
mainstay.yml:46:56: expected a whole number for column `net_amount`
   |
46 |           - {name: net_amount, type: integer, minimum: 0.5}
   |                                                        ^^^",
            ),
            slip(
                "type: money, minimum: 0}",
                "type: money, minimum: .nan}",
                "
mainstay.yml:46:54: value `.nan` is not a finite number
   |
46 |           - {name: net_amount, type: money, minimum: .nan}
   |                                                      ^^^^",
            ),
            slip(
                "{name: country, type: text}",
                "{name: region, type: text}",
                "
mainstay.yml:32:20: column `region` is given twice
   |
32 |           - {name: region, type: text}
   |                    ^^^^^^",
            ),
            slip(
                "{name: country, type: text}",
                "{name: '', type: text}",
                "
mainstay.yml:31:20: a column needs a name
   |
31 |           - {name: '', type: text}
   |                    ^^",
            ),
            slip(
                "{name: country, type: text}",
                "{name: country}",
                "
mainstay.yml:31:13: missing key `type`
   |
31 |           - {name: country}
   |             ^",
            ),
            slip(
                "personal: true",
                "personal: yes",
                "
mainstay.yml:33:49: expected true or false, found `yes`
   |
33 |           - {name: email, type: text, personal: yes}
   |                                                 ^^^",
            ),
            slip(
                "      - name: orders",
                "      - name: customers",
                "
mainstay.yml:34:15: table `customers` is given twice
   |
34 |       - name: customers
   |               ^^^^^^^^^",
            ),
            slip(
                "  - name: retailer",
                "  - name: retailer data",
                "
mainstay.yml:16:11: `retailer data` is no name: use letters, digits and underscores, and begin with a letter
   |
16 |   - name: retailer data
   |           ^^^^^^^^^^^^^",
            ),
            slip(
                "consent_default: allow",
                "consent_default: allow\n---\nname: two",
                "
mainstay.yml:50:1: the file holds more than one document: remove `---`
   |
50 | name: two
   | ^",
            ),
            slip(
                "name: shop",
                "name: shop: two",
                "
mainstay.yml:1:11: not valid YAML: mapping values are not allowed in this context
  |
1 | name: shop: two
  |           ^",
            ),
            slip(
                "time_zone: UTC\n",
                "",
                "
mainstay.yml:1:1: missing key `time_zone`
  |
1 | name: shop
  | ^",
            ),
            slip(
                "      customers: 2000",
                "      customers: 99999999999",
                "
mainstay.yml:19:18: expected a whole number from 0 to 4294967295, found `99999999999`
   |
19 |       customers: 99999999999
   |                  ^^^^^^^^^^^",
            ),
            slip(
                "name: shop",
                "name: *shop",
                "
mainstay.yml:1:7: reference to unknown value
  |
1 | name: *shop
  |       ^",
            ),
            slip(
                "name: shop",
                "name: [shop]",
                "
mainstay.yml:1:7: expected a single value here
  |
1 | name: [shop]
  |       ^",
            ),
            slip(
                "    path: \"{{ env_var",
                "    pat: \"{{ env_var",
                r#"
mainstay.yml:14:5: unknown key `pat`, did you mean `path`?
   |
14 |     pat: "{{ env_var('MAINSTAY_FIXTURE_BUCKET') }}/lake"
   |     ^^^
   = known keys: path"#,
            ),
            slip(
                "type: text, personal",
                "type: [text], personal",
                "
mainstay.yml:33:33: expected a single value here
   |
33 |           - {name: email, type: [text], personal: true}
   |                                 ^",
            ),
            slip(
                "sources:\n",
                "sources: []\nsource:\n",
                "
mainstay.yml:16:1: unknown key `source`, did you mean `sources`?
   |
16 | source:
   | ^^^^^^
   = known keys: name, time_zone, extends, currency, vars, targets, default_target, sources, consent_default",
            ),
            slip(
                "currency: USD",
                "currency: 'USD",
                "
mainstay.yml:4:1: not valid YAML: invalid indentation in multiline quoted scalar
  |
4 | vars:
  | ^",
            ),
            slip(
                "name: shop\n",
                "- shop\n",
                "
mainstay.yml:2:1: not valid YAML: while parsing a block collection, did not find expected '-' indicator
  |
2 | time_zone: UTC
  | ^",
            ),
            slip(
                "  active_days: 365",
                "  active_days:",
                "
mainstay.yml:6:3: expected a text, a number, true or false, found nothing
  |
6 |   active_days:
  |   ^^^^^^^^^^^",
            ),
            slip(
                "  active_days: 365",
                "  active_days: 365\n  active_days: 30",
                "
mainstay.yml:7:3: key `active_days` is given twice
  |
7 |   active_days: 30
  |   ^^^^^^^^^^^",
            ),
        ],
    );
}
