//! What a verification says at its end, for people and for programs.

use std::{fmt::Write, time::Duration};

use super::finds::{Find, Promise, Verdict};

/// For people: what was looked at, how often each promise was held against it, and each find.
pub fn table(verdict: &Verdict, took: Duration) -> String {
    let figures = &verdict.figures;
    let mut text = String::new();
    let rows = [
        ("shards", figures.shards, format!("{} with a log", figures.shards_with_changes)),
        (
            "changes",
            figures.changes,
            format!(
                "{} grants, {} rejections, {} holds ({} of them offers), {} confirmations",
                grouped(figures.grants),
                grouped(figures.rejections),
                grouped(figures.holds),
                grouped(figures.offers),
                grouped(figures.confirmations)
            ),
        ),
        ("bookings", figures.bookings, String::new()),
        ("resources", figures.resources, String::new()),
        ("venues", figures.venues, String::new()),
        ("events", figures.events, String::new()),
        ("reservations", figures.reservations, String::new()),
        ("waitlist", figures.waitlist_entries, String::new()),
    ];
    for (name, count, more) in rows {
        line(&mut text, format_args!("{name:<12}{:>13}   {more}", grouped(count)));
    }
    line(&mut text, format_args!("\n{:<10}{:>15}{:>8}", "promise", "checks", "finds"));
    for promise in Promise::ALL {
        let (checks, finds) = (figures.checks.of(promise), verdict.found.of(promise));
        let (name, says) = (promise.as_str(), promise.says());
        line(&mut text, format_args!("{name:<10}{:>15}{:>8}   {says}", grouped(checks), grouped(finds)));
    }
    if figures.begun_before + figures.untold + figures.unjudged > 0 {
        line(
            &mut text,
            format_args!(
                "\nNot judged: {} bookings, events, reservations and places in line begin before what was read of the log; \
                 of {} objects it has nothing; {} checks hang on that.",
                grouped(figures.begun_before),
                grouped(figures.untold),
                grouped(figures.unjudged)
            ),
        );
    }
    text.push('\n');
    for find in &verdict.finds {
        line(&mut text, format_args!("{}", sentence(find)));
    }
    let (found, shown, seconds) = (verdict.found.total(), verdict.finds.len() as u64, took.as_secs_f64());
    if found > shown {
        line(&mut text, format_args!("and {} more (--finds-max)", grouped(found - shown)));
    }
    match found {
        0 => line(&mut text, format_args!("Nothing was found, in {seconds:.1} s.")),
        _ => line(&mut text, format_args!("{} found, in {seconds:.1} s.", grouped(found))),
    }
    text
}

/// For programs.
///
/// # Errors
/// When it can't be written as JSON.
pub fn json(verdict: &Verdict, took: Duration) -> Result<String, serde_json::Error> {
    let mut value = serde_json::to_value(verdict)?;
    value["clean"] = verdict.is_clean().into();
    value["seconds"] = took.as_secs_f64().into();
    serde_json::to_string(&value)
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn sentence(find: &Find) -> String {
    let mut text = format!("{:<4}", find.promise.as_str());
    let mut tell = |part: std::fmt::Arguments<'_>| {
        text.push(' ');
        // A String takes all.
        let _ = text.write_fmt(part);
    };
    if let Some(shard) = find.shard {
        tell(format_args!("shard {shard}"));
    }
    if let Some(seq) = find.seq {
        tell(format_args!("seq {seq}"));
    }
    if let Some(object) = &find.object {
        tell(format_args!("{object}"));
    }
    format!("{text}: {}", find.what)
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.push_str(line.to_string().trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::finds::At;
    use holdfast_domain::{Seq, Shard};

    #[test]
    fn a_find_says_where_and_what() {
        let at = At(Shard::new(3).unwrap());
        let find = at.find(Promise::P1, Some(Seq(17)), Some("booking 1".into()), "it overlaps");
        assert_eq!(sentence(&find), "P1   shard 3 seq 17 booking 1: it overlaps");
    }

    #[test]
    fn more_finds_than_are_kept_are_counted() {
        let at = At(Shard::new(3).unwrap());
        let mut verdict = Verdict::keeping(1);
        (1..=3).for_each(|seq| verdict.find(at.log(Some(Seq(seq)), "it is odd")));
        let text = table(&verdict, Duration::from_secs(1));
        assert!(text.contains("seq 1: it is odd\nand 2 more (--finds-max)\n3 found, in 1.0 s."), "{text}");
        assert!(json(&verdict, Duration::ZERO).unwrap().contains("\"clean\":false"));
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let grouped = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
    }
}
