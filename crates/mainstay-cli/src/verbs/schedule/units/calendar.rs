//! Cron expressions in the words of systemd's timers, and in those that every cron reads.

use mainstay_job::schedule::{Cron, DayRule, Numbers};

/// systemd's weeks begin on Monday; a Sunday is the seventh day.
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The `OnCalendar=` lines that together name the instants of an expression.
///
/// A line asks for day of month and day of week at once; where either is enough there are two, and systemd starts a unit once at an
/// instant that both name.
pub(crate) fn on_calendar(cron: &Cron, time_zone: &str) -> Vec<String> {
    let time = format!("{}:{}:00 {time_zone}", numbers(cron.hours(), 2), numbers(cron.minutes(), 2));
    let (months, days) = (numbers(cron.months(), 2), numbers(cron.days(), 2));
    match cron.day_rule() {
        DayRule::Both => vec![format!("{}*-{months}-{days} {time}", weekdays(cron.weekdays()))],
        DayRule::Either => {
            vec![format!("*-{months}-{days} {time}"), format!("{}*-{months}-* {time}", weekdays(cron.weekdays()))]
        }
    }
}

/// The five fields without names, and without a step from a number on, which not every cron reads.
pub(crate) fn cron_fields(cron: &Cron) -> String {
    let fields = [cron.minutes(), cron.hours(), cron.days(), cron.months(), cron.weekdays()];
    let written = fields.map(|field| {
        // How days of month and week go together hangs on the star.
        if field.begins_with_star() {
            field.text.clone()
        } else {
            ranges(&field.numbers, "-", |number| number.to_string())
        }
    });
    written.join(" ")
}

fn numbers(field: &Numbers, width: usize) -> String {
    if field.is_all() { "*".to_owned() } else { ranges(&field.numbers, "..", |number| format!("{number:0width$}")) }
}

/// `Mon..Fri `, nothing where every day is named.
fn weekdays(field: &Numbers) -> String {
    if field.is_all() {
        return String::new();
    }
    let mut from_monday: Vec<u8> = field.numbers.iter().map(|day| (day + 6) % 7).collect();
    from_monday.sort_unstable();
    let name = |day: u8| WEEKDAYS.get(usize::from(day)).copied().unwrap_or_default().to_owned();
    ranges(&from_monday, "..", name) + " "
}

/// `1,2,5..9`: three and more in a row as a range.
fn ranges(numbers: &[u8], to: &str, write: impl Fn(u8) -> String) -> String {
    let runs = numbers.chunk_by(|left, right| left + 1 == *right);
    let written = runs.map(|run| match run {
        [first, _, .., last] => format!("{}{to}{}", write(*first), write(*last)),
        few => few.iter().map(|&number| write(number)).collect::<Vec<_>>().join(","),
    });
    written.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn systemd(cron: &str) -> Vec<String> {
        on_calendar(&cron.parse().unwrap(), "America/New_York")
    }

    #[test]
    fn an_expression_in_the_words_of_systemd() {
        // Each line is one that `systemd-analyze calendar` reads.
        for (cron, line) in [
            ("0 4 * * *", "*-*-* 04:00:00 America/New_York"),
            ("*/15 0-6,22 1,15 jan-MAR *", "*-01..03-01,15 00..06,22:00,15,30,45:00 America/New_York"),
            ("30 5 * * 1-5", "Mon..Fri *-*-* 05:30:00 America/New_York"),
            ("30 5 * * 0,6", "Sat,Sun *-*-* 05:30:00 America/New_York"),
            ("30 5 * * 5-7", "Fri..Sun *-*-* 05:30:00 America/New_York"),
            ("0 * * * 0-7", "*-*-* *:00:00 America/New_York"),
            ("0 4 */10 * MON", "Mon *-*-01,11,21,31 04:00:00 America/New_York"),
        ] {
            assert_eq!(systemd(cron), [line], "{cron}");
        }
    }

    #[test]
    fn days_of_month_or_of_week_are_two_lines() {
        assert_eq!(
            systemd("0 4 13 * FRI"),
            ["*-*-13 04:00:00 America/New_York", "Fri *-*-* 04:00:00 America/New_York"]
        );
    }

    #[test]
    fn the_fields_that_every_cron_reads() {
        for (cron, fields) in [
            ("0  4 * * *", "0 4 * * *"),
            ("0/20 4 */10 JAN-MAR SUN", "0,20,40 4 */10 1-3 0"),
            ("0 4 * * 5-7", "0 4 * * 0,5,6"),
        ] {
            assert_eq!(cron_fields(&cron.parse().unwrap()), fields);
        }
    }
}
