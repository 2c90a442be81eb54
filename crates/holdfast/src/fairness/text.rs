//! What is said of an event's fairness, for people and for programs.

use std::{fmt::Write, time::Duration};

use holdfast_domain::{
    Shard,
    fairness::{AtTheDoor, Got, InLine, Report, Taken, Way},
};
use time::{OffsetDateTime, UtcOffset};

use crate::verify::grouped;

/// For people.
pub fn table(report: &Report, shard: Shard, unreadable: u64, took: Duration) -> String {
    let mut text = Text(String::new());
    let (first, last) = (report.first_seq, report.last_seq);
    let (id, changes) = (report.event_id, grouped(report.changes));
    text.line(format_args!("event {id}: {changes} changes, seq {first} to {last} of shard {shard}"));
    came(&mut text, report);
    got(&mut text, &report.got);
    served(&mut text, &report.in_line, report.is_whole && unreadable == 0);
    asked(&mut text, &report.at_the_door);
    text.line(format_args!(
        "\nWho was refused, or gave up, leaves no trace in the log: nothing here counts them. When a hold was asked for is as \
         the clock\nof the process says that took the request; it differs from those of other processes, and from the shard's."
    ));
    if !report.is_whole {
        text.line(format_args!(
            "The log was pruned: what it told of this event before seq {first} is not counted, and whether somebody was passed\n\
             over is judged only as far as those are concerned who are still told of."
        ));
    }
    if unreadable > 0 {
        text.line(format_args!(
            "Changes that this release can't read, and that are not counted: {unreadable}. What is said of turns may be wrong by them."
        ));
    }
    text.line(format_args!("Read in {:.1} s.", took.as_secs_f64()));
    text.0
}

/// For programs.
///
/// # Errors
/// When it can't be written as JSON.
pub fn json(report: &Report, shard: Shard, unreadable: u64) -> Result<String, serde_json::Error> {
    let mut value = serde_json::to_value(report)?;
    value["shard"] = shard.number().into();
    value["unreadable"] = unreadable.into();
    serde_json::to_string(&value)
}

fn came(text: &mut Text, report: &Report) {
    text.line(format_args!("\n{:<12}{:>10}   {:<24}   last (UTC)", "came", "people", "first"));
    let at = |taken: &Taken| taken.arrived_at.unwrap_or(taken.at);
    let holds = || report.taken.iter().filter(|taken| taken.way == Way::Hold);
    let joined = || report.line.iter().map(|stood| stood.joined_at);
    let people = |mut users: Vec<&str>| {
        users.sort_unstable();
        users.dedup();
        users.len() as u64
    };
    let at_door = people(holds().map(|taken| taken.user_id.as_str()).collect());
    let in_line = people(report.line.iter().map(|stood| stood.user_id.as_str()).collect());
    let rows = [
        ("at the door", at_door, holds().map(at).min(), holds().map(at).max()),
        ("in line", in_line, joined().min(), joined().max()),
    ];
    for (way, people, first, last) in rows {
        let (first, last) = (moment(first), moment(last));
        text.line(format_args!("{way:<12}{:>10}   {first:<24}   {last}", grouped(people)));
    }
}

fn got(text: &mut Text, got: &[Got]) {
    let heads = ["units", "confirmed", "held", "expired", "released", "cancelled"];
    let cells = |cells: [String; 6]| cells.map(|cell| format!("{cell:>11}")).concat();
    let head = cells(heads.map(ToOwned::to_owned));
    text.line(format_args!("\n{:<6}{head}   section", "got by"));
    for got in got {
        let units = &got.units;
        let counts =
            [units.total(), units.confirmed, units.held, units.expired, units.released, units.cancelled];
        let row = cells(counts.map(|count| grouped(count.unsigned_abs())));
        let section =
            got.section.as_ref().map_or_else(|| got.section_id.to_string(), |name| name.as_str().to_owned());
        text.line(format_args!("{:<6}{row}   {section}", got.way.as_str()));
    }
}

fn served(text: &mut Text, line: &InLine, is_whole: bool) {
    text.line(format_args!("\nin line"));
    let waited = line.waits.map_or_else(String::new, |waits| {
        let [median, most, longest] =
            [waits.median_millis, waits.most_of_them_millis, waits.longest_millis].map(seconds);
        format!("; half of them within {median}, nine of ten within {most}, all within {longest}")
    });
    text.figure(line.joined, "places were taken");
    text.figure(line.offered, &format!("were offered what they waited for{waited}"));
    for (count, what) in [
        (line.waiting, "still wait"),
        (line.left, "left"),
        (line.sale_over, "waited until the sale was over"),
        (line.limit_reached, "may have had no more when it was their turn"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    {
        text.figure(count, what);
    }
    text.figure(
        line.out_of_turn,
        "were passed over, or the line was otherwise not served as promised: must be 0",
    );
    for breach in &line.breaches {
        text.line(format_args!("{:>13}     {breach}", ""));
    }
    text.figure(
        line.overtaken_pairs,
        &format!(
            "pairs of which the later was served first{}; {} overtaken so",
            // Whoever was passed over is among them, as far as that could be judged.
            if line.out_of_turn == 0 && is_whole {
                ", since the earlier's request did not fit then"
            } else {
                ""
            },
            people(line.overtaken_people)
        ),
    );
}

fn asked(text: &mut Text, door: &AtTheDoor) {
    text.line(format_args!("\nat the door"));
    text.figure(door.holds, "holds that say when they were asked for");
    if door.undated > 0 {
        text.figure(door.undated, "that don't");
    }
    text.figure(
        door.inverted_pairs,
        &format!(
            "pairs of these, of {}, were written the other way round than they were asked for, {} apart at most",
            grouped(door.pairs),
            seconds(door.most_millis)
        ),
    );
}

/// Text, line by line.
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A String takes all.
        let _ = writeln!(self.0, "{line}");
    }

    fn figure(&mut self, figure: u64, what: &str) {
        self.line(format_args!("{:>13}   {what}", grouped(figure)));
    }
}

fn people(count: u64) -> String {
    if count == 1 { "1 person".into() } else { format!("{} people", grouped(count)) }
}

/// As in `2027-06-01 10:00:00.123`, in UTC.
fn moment(at: Option<OffsetDateTime>) -> String {
    let Some(at) = at.map(|at| at.to_offset(UtcOffset::UTC)) else { return "-".into() };
    let (hour, minute, second, millis) = at.to_hms_milli();
    format!("{} {hour:02}:{minute:02}:{second:02}.{millis:03}", at.date())
}

/// As in `1.250 s`.
fn seconds(millis: i64) -> String {
    format!("{}.{:03} s", grouped((millis / 1_000).unsigned_abs()), (millis % 1_000).abs())
}
