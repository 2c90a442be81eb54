//! One batch: a transaction under the head, tried until its outcome is known.

use std::{collections::HashSet, time::Duration};

use futures_util::join;
use holdfast_domain::{Booking, ResourceId, Seq, Shard, TenantId};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::{
    Context,
    answer::{Answer, Booked, Written},
    apply::Effects,
    catalogue,
    command::{Catalogue, Command, Key, Order, Units},
    queue::Job,
    read::{self, Read},
    refusal::WriteError,
    sale::{Outcome, Rest, Sale},
};
use crate::{
    Error, bookings,
    head::{CommitError, Head, bounded},
    keys::{self, Known},
    reservations, resources,
};

/// How long the log is asked for the outcome of a COMMIT whose answer was lost.
const OUTCOME_WITHIN: Duration = Duration::from_secs(10);

/// A pool may hand out sockets that died unseen: that many are tried before PostgreSQL counts as away.
const DEAD_SOCKETS: u32 = 3;

/// The answer to each command; none to one whose event has more to settle before it.
type Answers = Vec<Option<Result<Written<Answer>, WriteError>>>;

/// Why a transaction gave no answers.
enum Failed {
    /// Nothing happened.
    RolledBack(Error),
    /// It may have happened: the log above this seq tells.
    Unknown(Seq),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::RolledBack(error)
    }
}

/// What a batch leaves behind.
pub(super) struct Ended {
    /// Whether it took as long as it may, PostgreSQL keeping silent.
    pub(super) was_silent: bool,
    /// Jobs that are not answered: their event has more to settle before them.
    pub(super) behind: Vec<Job>,
}

/// Runs a batch and answers its jobs.
pub(super) async fn settle(context: &Context, shard: Shard, jobs: Vec<Job>) -> Ended {
    let (commands, waiting): (Vec<_>, Vec<_>) = jobs.into_iter().map(Job::into_parts).unzip();
    let (answers, was_silent) = answers(context, shard, &commands).await;
    let mut behind = Vec::new();
    for ((command, waiting), answer) in commands.into_iter().zip(waiting).zip(answers) {
        match answer {
            Some(answer) => waiting.answer(answer),
            None => behind.push(Job::new(command, waiting)),
        }
    }
    Ended { was_silent, behind }
}

/// The answers to a batch, and whether PostgreSQL fell silent over it. Where it refuses some row, or something that a command
/// touches can't be made out, the batch is run in ever smaller halves: a bad one fails alone. Others may have happened, if the
/// outcome of an earlier try is unknown: a row can be bad of a command that was refused in that.
async fn answers(context: &Context, shard: Shard, commands: &[Command]) -> (Answers, bool) {
    let mut answers: Answers = Vec::with_capacity(commands.len());
    // Nobody passes who came before them for the same and comes again.
    let mut behind = HashSet::new();
    // The next is the last; each with since when its outcome is unknown.
    let mut parts = vec![(0, commands.len(), None)];
    while let Some((start, end, mut unknown_above)) = parts.pop() {
        let part = &commands[start..end];
        let comes_again =
            part.iter().any(|command| command.settles().is_some_and(|event| behind.contains(&event)));
        if comes_again && part.len() == 1 {
            answers.push(None);
            continue;
        }
        if !comes_again {
            match run(context, shard, part, &mut unknown_above).await {
                Ok(answered) => {
                    let again = part.iter().zip(&answered).filter(|(_, answer)| answer.is_none());
                    behind.extend(again.filter_map(|(command, _)| command.settles()));
                    answers.extend(answered);
                    continue;
                }
                Err(Error::Data(_) | Error::Defect(_)) if part.len() > 1 => {}
                Err(error) if is_silence(&error) => {
                    answers.extend(refused(&commands[start..], &error));
                    return (answers, true);
                }
                Err(error) => {
                    answers.extend(refused(part, &error));
                    continue;
                }
            }
        }
        let middle = usize::midpoint(start, end);
        parts.extend([(middle, end, unknown_above), (start, middle, unknown_above)]);
    }
    (answers, false)
}

const fn is_silence(error: &Error) -> bool {
    matches!(error, Error::Silent | Error::OutcomeUnknown)
}

fn refused(commands: &[Command], error: &Error) -> Answers {
    commands.iter().map(|command| Some(Err(refusal(command, error)))).collect()
}

/// What a failed transaction is to a command of it. A name that is taken is refused to who gives it; to who books by it,
/// it could only be so if something had been read before the head was held.
fn refusal(command: &Command, error: &Error) -> WriteError {
    let refusal = if command.is_alone() { catalogue::refusal(error) } else { None };
    refusal.unwrap_or_else(|| error.clone().into())
}

/// Runs commands as one transaction until it is known what became of it. Since which seq it is not known yet, if that is
/// so, is also for whoever runs them again.
async fn run(
    context: &Context,
    shard: Shard,
    commands: &[Command],
    unknown_above: &mut Option<Seq>,
) -> Result<Answers, Error> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(10);
    for attempt in 1.. {
        let failed = match transact(context, shard, commands, *unknown_above).await {
            Ok((answers, grown)) => {
                if grown {
                    (context.committed)(shard);
                }
                return Ok(answers);
            }
            Err(failed) => failed,
        };
        match failed {
            Failed::Unknown(above) => {
                *unknown_above = Some(unknown_above.map_or(above, |first| first.min(above)));
            }
            // Not for longer than that: what is given up here is known not to have happened.
            Failed::RolledBack(Error::Unavailable(_))
                if attempt < DEAD_SOCKETS && started.elapsed() <= OUTCOME_WITHIN => {}
            Failed::RolledBack(error) if unknown_above.is_none() => return Err(error),
            // Refused after a look in the log: alone, nothing of it has happened.
            Failed::RolledBack(error @ Error::Data(_)) => return Err(error),
            Failed::RolledBack(error) => {
                tracing::warn!(%shard, %error, "the outcome of a batch is not known yet");
            }
        }
        if started.elapsed() > OUTCOME_WITHIN {
            break;
        }
        if unknown_above.is_some() {
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }
    Err(Error::OutcomeUnknown)
}

/// One try: the answers, and whether the log has grown.
async fn transact(
    context: &Context,
    shard: Shard,
    commands: &[Command],
    unknown_above: Option<Seq>,
) -> Result<(Answers, bool), Failed> {
    let Work { head, effects, sale, rest, answers, keys, must_commit } =
        bounded(Box::pin(work(context, shard, commands, unknown_above))).await?;
    let has_grown = head.seq() != head.start();
    if must_commit {
        let above = head.start();
        let (created, counts) = (effects.created(), effects.counts());
        let write = async |head: &Head| {
            let (wrote, sold) = join!(
                Box::pin(write(head, &created, &counts, &keys)),
                Box::pin(sale.write_rest(head, &rest))
            );
            wrote.and(sold)
        };
        let committed = head.write_and_commit(write).await;
        committed.map_err(|error| match error {
            CommitError::RolledBack(error) => Failed::RolledBack(error),
            CommitError::Unknown => Failed::Unknown(above),
        })?;
    } else {
        head.rollback().await;
    }
    Ok((answers, has_grown))
}

/// A batch that is applied and not yet written.
struct Work<'a> {
    head: Head,
    effects: Effects<'a>,
    sale: Sale,
    rest: Rest,
    answers: Answers,
    /// The keys of those that succeeded, each with where the log stood then.
    keys: Vec<keys::New<'a>>,
    must_commit: bool,
}

/// All of a batch up to what can travel with its COMMIT.
async fn work<'a>(
    context: &'a Context,
    shard: Shard,
    commands: &'a [Command],
    unknown_above: Option<Seq>,
) -> Result<Work<'a>, Error> {
    let settings = &context.settings;
    let (mut head, Read { loaded, mut sale, known, effects: mut replays, mut done }) =
        read::take(&context.database, shard, settings, commands, unknown_above).await?;
    let at = head.at();
    // What is read here of a COMMIT whose answer was lost, to us or to our caller, is sure once a later transaction has
    // itself committed: it may be waiting for a standby still.
    let mut must_commit = !done.is_empty() || !known.is_empty();
    let mut effects = Effects::new(settings, loaded);
    let (mut answers, mut keys) = (Vec::with_capacity(commands.len()), Vec::new());
    for (place, command) in commands.iter().enumerate() {
        let order = command.order();
        let answer = if let Some(answer) = done.remove(&order.command_id) {
            Ok(Written { value: answer, replayed: false, at })
        } else if let Some(known) = known.get(&place) {
            let answer = match (replays.remove(&place).transpose(), command) {
                (Ok(None), Command::Catalogue(command)) => Ok(catalogue::as_it_is(&head, command).await?),
                (answer, _) => answer,
            };
            answer
                .map_err(WriteError::from)
                .and_then(|answer| replay(command, known, answer, &effects, &sale, at))
        } else {
            // Of an object that was as the command wants it, the last change is an older one.
            let mut stands = None;
            let answer = match command {
                Command::Create(create) => effects.create(&mut head, create),
                Command::Update(update) => effects.update(&mut head, update),
                Command::Cancel(cancel) => effects.cancel(&mut head, cancel),
                Command::Units(units) => match sale.apply(&mut head, units) {
                    Ok(Outcome::Done(answer)) => Ok(answer),
                    Ok(Outcome::AsItIs(mut answer, object)) => {
                        if let Answer::Reserved(again) = &mut answer
                            && again.reservation.state.code().is_some()
                        {
                            again.rest = reservations::rest_of(&head, object.into()).await?;
                        }
                        stands = Some(object).filter(|_| command.existing().is_none());
                        Ok(answer)
                    }
                    Ok(Outcome::Again) => {
                        answers.push(None);
                        continue;
                    }
                    Err(WriteError::Store(error)) => return Err(error),
                    Err(refusal) => Err(refusal),
                },
                Command::Catalogue(catalogue) => {
                    match catalogue::run(&mut head, settings, context.database.layouts(), catalogue).await {
                        Err(WriteError::Store(error)) => return Err(error),
                        answer => answer,
                    }
                }
            };
            if let (Ok(_), Some(key)) = (&answer, &order.key) {
                let seq = match stands {
                    None => Some(head.seq()),
                    Some(object) => match sale.told(object) {
                        Some(seq) => Some(seq),
                        None => keys::last_of(&head, object).await?,
                    },
                };
                keys.extend(seq.map(|seq| new_key(order, key, seq)));
            }
            answer.map(|value| Written { value, replayed: false, at })
        };
        answers.push(Some(answer));
    }
    let refused = commands.iter().zip(&mut answers).filter_map(|(command, answer)| match answer {
        Some(Err(refusal)) => Some((command.settles()?, refusal)),
        _ => None,
    });
    sale.tell_what_is_left(&head, refused).await?;
    must_commit |= head.seq() != head.start() || !keys.is_empty() || sale.has_lines_to_write();
    let mut rest = Rest::default();
    if must_commit {
        rest = sale.write(&head).await?;
        // Before the flush that ends with COMMIT: what others refer to, and what could fall short in silence.
        resources::insert(&head, effects.new_resources()).await?;
        bookings::update(&head, &effects.updated()).await?;
        head.prepare([resources::COUNT_WANTS, bookings::INSERT]).await?;
        if !keys.is_empty() {
            head.prepare([keys::INSERT]).await?;
        }
    }
    Ok(Work { head, effects, sale, rest, answers, keys, must_commit })
}

/// The answer to a command whose key is known: that of the first try, if it asked for the same.
fn replay(
    command: &Command,
    known: &Known,
    answer: Option<Answer>,
    effects: &Effects<'_>,
    sale: &Sale,
    at: OffsetDateTime,
) -> Result<Written<Answer>, WriteError> {
    let order = command.order();
    if order.key.as_ref().is_none_or(|key| known.fingerprint != key.fingerprint) {
        return Err(WriteError::KeyReused);
    }
    let as_it_is = || match command {
        Command::Cancel(_) => Some(Answer::Cancelled),
        Command::Update(update) => {
            let booking = effects.booking(order.tenant_id, update.id)?.clone();
            Some(Answer::Booked(Box::new(Booked { booking, conflicts: None })))
        }
        Command::Units(units) => {
            let reservation = sale.reservation(order.tenant_id, units.existing()?)?.clone();
            Some(Answer::reserved(reservation, None))
        }
        Command::Create(_) | Command::Catalogue(_) => None,
    };
    // The log may not have, or no longer, the last change of an object that the write left as it was.
    let value = match command {
        Command::Cancel(_)
        | Command::Units(Units::Release(_) | Units::Leave(_))
        | Command::Catalogue(Catalogue::CancelEvent(_)) => Some(Answer::Cancelled),
        _ => answer.or_else(as_it_is),
    };
    let value = value.ok_or(Error::Defect("a key without an effect in the log"))?;
    Ok(Written { value, replayed: true, at })
}

fn new_key<'a>(order: &'a Order, key: &'a Key, seq: Seq) -> keys::New<'a> {
    keys::New {
        asked: keys::Asked { tenant_id: order.tenant_id, caller: &order.user_id, name: &key.name },
        fingerprint: &key.fingerprint,
        effect_seq: seq,
    }
}

/// Writes what travels with COMMIT. A count that finds no resource can't go unseen: the booking that it counts
/// would refer to nothing.
async fn write(
    head: &Head,
    created: &[(TenantId, &Booking)],
    counts: &[(TenantId, ResourceId, i32)],
    keys: &[keys::New<'_>],
) -> Result<(), Error> {
    let (counted, inserted, named) = join!(
        resources::count_wants(head, counts),
        bookings::insert(head, created),
        keys::insert(head, keys),
    );
    counted.and(inserted).and(named)
}
