//! What waits for a lane: in the order of arrival, and which of it makes the next batch.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_domain::EventId;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::{
    answer::{Answer, Written},
    backlog::Backlog,
    command::Command,
    refusal::WriteError,
};
use crate::Error;

/// A command and who waits for its answer.
pub(super) struct Job {
    pub(super) command: Command,
    waiting: Waiting,
}

/// Who waits for the answer to a command.
pub(super) struct Waiting {
    reply: oneshot::Sender<Result<Written<Answer>, WriteError>>,
    entered_at: Instant,
    /// Whether its event was found to have more to settle than one transaction may.
    is_settling: bool,
    /// Its place among those that wait, which it leaves with its answer.
    _place: OwnedSemaphorePermit,
}

impl Job {
    pub(super) const fn new(command: Command, waiting: Waiting) -> Self {
        Self { command, waiting }
    }

    pub(super) fn into_parts(self) -> (Command, Waiting) {
        (self.command, self.waiting)
    }

    pub(super) fn answer(self, answer: Result<Written<Answer>, WriteError>) {
        self.waiting.answer(answer);
    }

    /// For how long it has waited at `now`.
    pub(super) fn has_waited(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.waiting.entered_at)
    }

    /// Whether its event was found to have more to settle before.
    pub(super) const fn has_come_again(&self) -> bool {
        self.waiting.is_settling
    }

    /// Its event has more to settle.
    pub(super) fn comes_again(mut self) -> Self {
        self.waiting.is_settling = true;
        self
    }
}

impl Waiting {
    pub(super) fn answer(self, answer: Result<Written<Answer>, WriteError>) {
        // Whoever asked may have left.
        let _ = self.reply.send(answer);
    }
}

/// The way into a lane.
pub(super) struct Queue {
    /// Bounded by the places: a lane takes out all that waits, so as to choose from it.
    jobs: mpsc::UnboundedSender<Job>,
    backlog: Arc<Backlog>,
}

impl Queue {
    /// A queue for those who get a place in the backlog, and where they come out.
    pub(super) fn new(backlog: Arc<Backlog>) -> (Self, mpsc::UnboundedReceiver<Job>) {
        let (jobs, waiting) = mpsc::unbounded_channel();
        (Self { jobs, backlog }, waiting)
    }

    /// Puts a command behind all that wait; what comes of it arrives at `reply`.
    pub(super) fn push(
        &self,
        command: Command,
        reply: oneshot::Sender<Result<Written<Answer>, WriteError>>,
    ) -> Result<(), Error> {
        let entered_at = Instant::now();
        let place = self.backlog.enter(entered_at)?;
        let waiting = Waiting { reply, entered_at, is_settling: false, _place: place };
        self.jobs.send(Job { command, waiting }).map_err(|_| Error::Stopping)
    }
}

/// Takes the jobs for the next batch, in order. At most one for each object: two in one `UPDATE … FROM unnest` would
/// lose one; and one for each key, so that a twin finds what the first has done. What changes the names that others
/// look up travels alone, and after one of those it is the others' turn. The first is among the next two, but for those whose
/// event is still being settled: nobody waits behind them for ever. They take half a batch at most, each event as much of it as
/// the others, so that all travel meanwhile; where one of them is left behind, so are all behind it that want the same.
pub(super) fn next_batch(waiting: &mut Vec<Job>, limit: usize, was_alone: bool) -> Vec<Job> {
    let is_alone = |job: &Job| job.command.is_alone();
    let others_wait = || !waiting.iter().all(is_alone);
    let first = waiting.iter().position(|job| !job.waiting.is_settling);
    if let Some(first) = first.filter(|first| is_alone(&waiting[*first]))
        && !(was_alone && others_wait())
    {
        return vec![waiting.remove(first)];
    }
    let (mut objects, mut keys, mut left_behind) = (HashSet::new(), HashSet::new(), HashSet::new());
    let events: HashSet<EventId> = waiting
        .iter()
        .filter(|job| job.waiting.is_settling)
        .filter_map(|job| job.command.settles())
        .collect();
    let (half, mut settling) = (limit.div_ceil(2), HashMap::new());
    let (share, mut all) = ((half / events.len().max(1)).max(1), 0);
    let takes = |job: &mut Job| {
        if job.command.is_alone() {
            return false;
        }
        if let Some(event) = job.command.settles() {
            let of_event = settling.entry(event).or_insert(0);
            let is_settling = job.waiting.is_settling;
            if left_behind.contains(&event) || is_settling && (*of_event >= share || all >= half) {
                left_behind.insert(event);
                return false;
            }
            *of_event += usize::from(is_settling);
            all += usize::from(is_settling);
        }
        let order = job.command.order();
        let is_first = objects.insert(job.command.object());
        let key = order.key.as_ref().map(|key| (order.tenant_id, order.user_id.clone(), key.name.clone()));
        key.is_none_or(|key| keys.insert(key)) && is_first
    };
    waiting.extract_if(.., takes).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use holdfast_domain::{DEFAULT_TENANT, Trace, VenueId, seating::Adjacency};
    use tokio::sync::Semaphore;
    use uuid::Uuid;

    use super::*;
    use crate::lane::command::{
        CancelBooking, Catalogue, Edit, HoldUnits, Key, Order, Units, UnitsWanted, UpdateVenue,
    };

    fn order(key: Option<&str>) -> Order {
        let key =
            key.map(|name| Key { name: name.to_owned().try_into().expect("a name"), fingerprint: [0; 32] });
        Order {
            tenant_id: DEFAULT_TENANT,
            user_id: "alice".to_owned().try_into().expect("a user"),
            command_id: Uuid::now_v7().into(),
            trace: Trace::default(),
            key,
        }
    }

    fn job(command: Command) -> Job {
        let places = Arc::new(Semaphore::new(1));
        let place = places.try_acquire_owned().expect("a place");
        let (reply, entered_at) = (oneshot::channel().0, Instant::now());
        Job { command, waiting: Waiting { reply, entered_at, is_settling: false, _place: place } }
    }

    fn booking(id: u128, key: Option<&str>) -> Job {
        let id = Uuid::from_u128(id).into();
        job(Command::Cancel(CancelBooking { order: order(key), id, versions: None }))
    }

    /// A hold of an event, which may have come again because that is being settled.
    fn hold(id: u128, event: u128, has_come_again: bool) -> Job {
        let hold = HoldUnits {
            order: order(None),
            id: Uuid::from_u128(id).into(),
            event_id: Uuid::from_u128(event).into(),
            wanted: UnitsWanted::Items(Vec::new()),
            adjacency: Adjacency::Any,
            hold_for: None,
            keeps_own: false,
        };
        let mut job = job(Command::Units(Units::Hold(hold)));
        job.waiting.is_settling = has_come_again;
        job
    }

    fn venue(id: u128) -> Job {
        let (id, order) = (VenueId::from_u128(id), order(None));
        let update =
            UpdateVenue { order, id, versions: None, name: None, time_zone: None, address: Edit::Keep };
        job(Command::Catalogue(Catalogue::UpdateVenue(update)))
    }

    /// The batches that come of these, each by the objects that it has.
    fn batches(mut waiting: Vec<Job>, limit: usize) -> Vec<Vec<u128>> {
        let mut batches = Vec::new();
        let mut was_alone = false;
        while !waiting.is_empty() {
            let batch = next_batch(&mut waiting, limit, was_alone);
            was_alone = batch[0].command.is_alone();
            batches.push(batch.iter().map(|job| job.command.object().1.as_u128()).collect());
        }
        batches
    }

    #[test]
    fn a_batch_has_an_object_once_and_the_next_has_it_again() {
        let jobs = [1, 2, 1, 3, 1, 2].map(|id| booking(id, None));
        assert_eq!(batches(jobs.into(), 10), [vec![1, 2, 3], vec![1, 2], vec![1]]);
    }

    #[test]
    fn a_batch_has_a_key_once_and_what_waits_for_it_is_not_passed_by_its_own() {
        let jobs = [booking(1, Some("a")), booking(2, Some("a")), booking(2, None), booking(3, Some("b"))];
        assert_eq!(batches(jobs.into(), 10), [vec![1, 3], vec![2], vec![2]]);
        // One that waits for its object keeps its key from those behind it.
        let jobs = [booking(1, None), booking(1, Some("a")), booking(2, Some("a"))];
        assert_eq!(batches(jobs.into(), 10), [vec![1], vec![1], vec![2]]);
    }

    #[test]
    fn what_changes_names_travels_alone_in_its_turn() {
        let jobs = [booking(1, None), venue(8), booking(2, None), venue(9), booking(1, None)];
        assert_eq!(batches(jobs.into(), 10), [vec![1, 2], vec![8], vec![1], vec![9]]);
    }

    #[test]
    fn a_batch_has_no_more_than_it_may_and_leaves_the_rest_in_order() {
        let jobs = [1, 2, 3, 4, 5].map(|id| booking(id, None));
        assert_eq!(batches(jobs.into(), 2), [vec![1, 2], vec![3, 4], vec![5]]);
    }

    #[test]
    fn those_whose_event_is_being_settled_take_half_a_batch_and_others_travel() {
        let mut jobs: Vec<Job> = (1..=5).map(|id| hold(id, 70, true)).collect();
        jobs.extend([booking(8, None), hold(9, 71, false)]);
        assert_eq!(batches(jobs, 4), [vec![1, 2, 8, 9], vec![3, 4], vec![5]]);
    }

    #[test]
    fn no_event_that_is_being_settled_keeps_another_such_out_of_the_batch() {
        let mut jobs: Vec<Job> = (1..=5).map(|id| hold(id, 70, true)).collect();
        jobs.extend([hold(6, 71, true), hold(7, 71, true)]);
        assert_eq!(batches(jobs, 8), [vec![1, 2, 6, 7], vec![3, 4, 5]]);
    }

    #[test]
    fn who_wants_units_of_an_event_never_passes_those_before_them() {
        let jobs = vec![hold(1, 70, true), hold(2, 70, true), hold(3, 70, false), hold(4, 71, false)];
        assert_eq!(batches(jobs, 2), [vec![1, 4], vec![2, 3]]);
    }

    #[test]
    fn what_changes_names_does_not_wait_behind_those_whose_event_is_being_settled() {
        let jobs = vec![hold(1, 70, true), hold(2, 70, true), venue(7), hold(3, 70, false), venue(8)];
        assert_eq!(batches(jobs, 4), [vec![7], vec![1, 2, 3], vec![8]]);
    }

    #[test]
    fn many_that_change_names_hold_up_nobody_else() {
        let jobs = [venue(7), venue(8), venue(9), booking(1, Some("a")), booking(1, Some("a"))];
        assert_eq!(batches(jobs.into(), 10), [vec![7], vec![1], vec![8], vec![1], vec![9]]);
    }
}
