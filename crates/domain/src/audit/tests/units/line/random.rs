//! Any story, as an engine tells it that looks at each seat and each who stands in line, one by one; and as one that serves
//! the last in place of the first.

use proptest::prelude::*;

use super::*;

const USERS: [&str; 6] = ["alice", "bob", "carol", "dora", "erin", "frank"];

/// What somebody does, so many minutes after the one before: who, and two numbers that say what with.
type Turn = (i64, Act, usize, usize);

#[derive(Debug, Clone, Copy)]
enum Act {
    Hold,
    Join,
    Release,
    Confirm,
    Cancel,
    Leave,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let act = prop_oneof![
        3 => Just(Act::Hold),
        4 => Just(Act::Join),
        2 => Just(Act::Release),
        1 => Just(Act::Confirm),
        1 => Just(Act::Cancel),
        1 => Just(Act::Leave),
    ];
    prop::collection::vec((0..2_i64, act, 0..USERS.len(), 0..1_000_usize), 1..60)
}

/// One of the requests that there are.
fn wish(number: usize) -> Request {
    let choices = [
        vec![from(Some(BAR), None)],
        vec![from(Some(HALL), None)],
        vec![from(Some(HALL), boxes()), from(Some(BAR), None)],
        vec![from(None, None)],
        vec![from(None, boxes())],
    ];
    let adjacent = [Any, Required, Adjacency::Preferred][number / 5 % 3];
    request(1 + i32::try_from(number / 15 % 3).unwrap(), adjacent, &choices[number % 5])
}

/// An engine.
struct Engine {
    log: Vec<Entry>,
    minute: i64,
    live: Vec<Reservation>,
    line: Vec<Entry>,
    /// Whether it serves the last who fits, and whether it ever did that to somebody before them.
    serves_last: bool,
    did_wrong: bool,
}

impl Engine {
    fn new(serves_last: bool) -> Self {
        let (live, line) = (Vec::new(), Vec::new());
        Self { log: house(), minute: 1, live, line, serves_last, did_wrong: false }
    }

    fn left(&self, section: SectionId) -> Vec<Availability> {
        let count = |is_held: bool| -> i32 {
            let of = self.live.iter().filter(|of| matches!(of.state, State::Hold { .. }) == is_held);
            of.flat_map(|of| &of.units).filter(|of| of.section_id == section).map(|of| of.quantity).sum()
        };
        let capacity = if section == BAR { 3 } else { 6 };
        vec![Availability::new(section, capacity, count(true), count(false))]
    }

    fn has(&self, user: &str) -> i32 {
        self.live.iter().filter(|of| of.user_id.as_str() == user).map(Reservation::quantity).sum()
    }

    /// The units that a choice would give.
    fn pick(&self, request: &Request, choice: &Choice) -> Option<Units> {
        let quantity = usize::try_from(request.quantity).unwrap();
        let is_asked = |section| choice.section_id.is_none_or(|id| id == section);
        if is_asked(BAR) && choice.category.is_none() && request.quantity <= self.left(BAR)[0].available {
            return Some(bar(request.quantity));
        }
        let rows = [("A", boxes()), ("B", None)];
        let rows =
            rows.iter().filter(|(_, category)| choice.category.is_none() || *category == choice.category);
        let is_free =
            |seat: &String| !self.live.iter().flat_map(Reservation::seats).any(|of| of.as_str() == seat);
        let seats = |row: &str| (1..=3).map(|number| format!("{row}{number}")).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = rows.map(|(row, _)| seats(row)).collect();
        let picked: Vec<String> = if request.adjacent == Required {
            let mut windows = rows.iter().flat_map(|row| row.windows(quantity));
            windows.find(|seats| seats.iter().all(is_free))?.to_vec()
        } else {
            rows.into_iter().flatten().filter(is_free).take(quantity).collect()
        };
        let labels: Vec<&str> = picked.iter().map(String::as_str).collect();
        (is_asked(HALL) && labels.len() == quantity).then(|| hall(&labels))
    }

    fn tell(&mut self, actor: Option<&'static str>, fact: Fact) {
        self.log.push((self.minute, actor, fact));
    }

    fn next_id(&self) -> u128 {
        self.log.len() as u128
    }

    /// Takes a reservation out, as it is from now on.
    fn end(&mut self, place: usize, state: State) -> (Reservation, Vec<Availability>) {
        let reservation = self.live.remove(place).with(state, at(self.minute));
        let sections = self.left(reservation.units[0].section_id);
        (reservation, sections)
    }

    /// What is over is given back, and then the line is served.
    fn settle(&mut self) {
        let now = at(self.minute);
        while let Some(place) = self.live.iter().position(|of| of.state.has_lapsed(now)) {
            let expires_at = self.live[place].state.expires_at().unwrap();
            let (reservation, sections) = self.end(place, State::Expired { expires_at });
            self.tell(None, Fact::ReservationExpired { reservation, sections });
        }
        loop {
            let fitting = |joined: &Entry| {
                let request = &entry(&mut joined.2.clone()).request.clone();
                let mut choices = (0_i16..).zip(&request.choices);
                choices.find_map(|(nth, choice)| Some((nth, self.pick(request, choice)?)))
            };
            let fit: Vec<_> =
                self.line.iter().enumerate().filter_map(|(nth, of)| Some((nth, fitting(of)?))).collect();
            let Some((place, (choice, units))) = (if self.serves_last { fit.last() } else { fit.first() })
            else {
                return;
            };
            self.did_wrong |= *place != fit[0].0;
            let joined = self.line.remove(*place);
            let user = joined.1.unwrap();
            if self.has(user) + units.quantity > 3 {
                self.log.push(ends(&joined, self.minute, Ending::LimitReached));
                continue;
            }
            let (id, section) = (self.next_id(), units.section_id);
            let [mut held, offered] = offers(&joined, id, self.minute, *choice, units.clone(), Vec::new());
            self.live.push(reservation(&mut held.2).clone());
            *sections(&mut held.2) = self.left(section);
            self.log.extend([held, offered]);
        }
    }

    fn act(&mut self, (minutes, act, user, number): Turn) {
        self.minute = (self.minute + minutes).min(59);
        let user = USERS[user];
        let place = number.checked_rem(self.live.len()).unwrap_or(0);
        let is_held = |of: &Reservation| of.state.held_until(at(self.minute)).is_ok();
        match act {
            Act::Hold => {
                self.settle();
                let request = wish(number);
                let Some(units) = self.pick(&request, &request.choices[0]) else { return };
                if self.has(user) + request.quantity <= 3 {
                    let (id, end, section) = (self.next_id(), self.minute + 10, units.section_id);
                    let hold = hold(id, user, self.minute, end, vec![units]);
                    self.live.push(hold.clone());
                    let left = self.left(section);
                    self.tell(Some(user), held(&hold, left));
                }
            }
            Act::Join => {
                self.settle();
                if !self.line.iter().any(|joined| joined.1 == Some(user)) {
                    let seq = i64::try_from(self.log.len()).unwrap() + 1;
                    let joined = joins(seq, user, self.minute, wish(number));
                    self.log.push(joined.clone());
                    self.line.push(joined);
                    self.settle();
                }
            }
            Act::Release if self.live.get(place).is_some_and(is_held) => {
                let (reservation, sections) = self.end(place, State::Cancelled);
                self.tell(Some(user), Fact::ReservationReleased { reservation, sections });
            }
            Act::Confirm if self.live.get(place).is_some_and(is_held) => {
                let reservation = self.live[place].with(confirmed(), at(self.minute));
                self.live[place] = reservation.clone();
                let sections = self.left(reservation.units[0].section_id);
                self.tell(Some(user), Fact::ReservationConfirmed { reservation, rest: None, sections });
            }
            Act::Cancel if self.live.get(place).is_some_and(|of| of.state.code().is_some()) => {
                let (reservation, sections) = self.end(place, State::Cancelled);
                self.tell(Some(user), Fact::ReservationCancelled { reservation, sections });
            }
            Act::Leave if !self.line.is_empty() => {
                let joined = self.line.remove(number % self.line.len());
                self.log.push(leaves(&joined, self.minute));
            }
            _ => {}
        }
    }

    fn told(mut self, turns: Vec<Turn>) -> (Vec<Entry>, bool) {
        for turn in turns {
            self.act(turn);
        }
        self.settle();
        (self.log, self.did_wrong)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..Default::default() })]

    #[test]
    fn nothing_is_found_where_who_is_first_is_served_and_where_the_last_is_that_is_found(turns in turns()) {
        let (log, _) = Engine::new(false).told(turns.clone());
        let mut replay = Replay::default();
        replayed(&mut replay, 1, log);
        let report = replay.finish();
        prop_assert_eq!((report.faults, report.unjudged), (Vec::new(), 0));

        let (log, did_wrong) = Engine::new(true).told(turns);
        let found = faults(log);
        prop_assert_eq!(!found.is_empty(), did_wrong, "{:#?}", found);
        let is_of_the_line = |fault: &String| {
            fault.starts_with("waitlist: ") && (fault.contains(" passes over rank ") || fault.contains("its turn"))
        };
        prop_assert!(found.iter().all(is_of_the_line), "{:#?}", found);
    }
}
