//! What waits for a lane: in the order of arrival, and which of it makes the next batch.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

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
    /// When its event was first found to have more to settle than one transaction may.
    settling_since: Option<Instant>,
    /// Its place among those that wait, which it leaves with its answer.
    _place: OwnedSemaphorePermit,
}

impl Job {
    pub(super) fn into_parts(self) -> (Command, Waiting) {
        (self.command, self.waiting)
    }

    pub(super) fn answer(self, answer: Result<Written<Answer>, WriteError>) {
        self.waiting.answer(answer);
    }
}

impl Waiting {
    pub(super) fn answer(self, answer: Result<Written<Answer>, WriteError>) {
        // Whoever asked may have left.
        let _ = self.reply.send(answer);
    }

    /// Whether it has come again for so long.
    pub(super) fn has_settled_for(&self, long: Duration) -> bool {
        self.settling_since.is_some_and(|since| since.elapsed() > long)
    }

    /// The command comes again.
    pub(super) fn again(self, command: Command) -> Job {
        let settling_since = self.settling_since.or_else(|| Some(Instant::now()));
        Job { command, waiting: Self { settling_since, ..self } }
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
        let place = self.backlog.enter(Instant::now())?;
        let waiting = Waiting { reply, settling_since: None, _place: place };
        self.jobs.send(Job { command, waiting }).map_err(|_| Error::Stopping)
    }
}

/// Takes the jobs for the next batch, in order. At most one for each object: two in one `UPDATE … FROM unnest` would
/// lose one; and one for each key, so that a twin finds what the first has done. What changes the names that others
/// look up travels alone, and after one of those it is the others' turn. The first is among the next two: nobody waits
/// for ever. Those whose event is still being settled take half a batch at most, so that others travel meanwhile; where one
/// of them is left behind, so are all behind it that want the same.
pub(super) fn next_batch(waiting: &mut Vec<Job>, limit: usize, was_alone: bool) -> Vec<Job> {
    let is_alone = |job: &Job| job.command.is_alone();
    let others_wait = || !waiting.iter().all(is_alone);
    if waiting.first().is_some_and(is_alone) && !(was_alone && others_wait()) {
        return vec![waiting.remove(0)];
    }
    let (mut objects, mut keys, mut left_behind) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut settling = 0;
    let takes = |job: &mut Job| {
        if job.command.is_alone() {
            return false;
        }
        if let Some(event) = job.command.settles() {
            let is_settling = job.waiting.settling_since.is_some();
            if left_behind.contains(&event) || is_settling && settling >= limit.div_ceil(2) {
                left_behind.insert(event);
                return false;
            }
            settling += usize::from(is_settling);
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
        Job { command, waiting: Waiting { reply: oneshot::channel().0, settling_since: None, _place: place } }
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
        job.waiting.settling_since = has_come_again.then(Instant::now);
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
    fn who_wants_units_of_an_event_never_passes_those_before_them() {
        let jobs = vec![hold(1, 70, true), hold(2, 70, true), hold(3, 70, false), hold(4, 71, false)];
        assert_eq!(batches(jobs, 2), [vec![1, 4], vec![2, 3]]);
    }

    #[test]
    fn many_that_change_names_hold_up_nobody_else() {
        let jobs = [venue(7), venue(8), venue(9), booking(1, Some("a")), booking(1, Some("a"))];
        assert_eq!(batches(jobs.into(), 10), [vec![7], vec![1], vec![8], vec![1], vec![9]]);
    }
}
