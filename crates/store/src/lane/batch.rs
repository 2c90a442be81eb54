//! One batch: a transaction under the head, tried until its outcome is known.

use std::{collections::HashMap, time::Duration};

use deadpool_postgres::Object;
use futures_util::join;
use holdfast_domain::{Booking, CommandId, ResourceId, Seq, Shard, TenantId};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{
    Context, Job,
    apply::{Effects, Loaded},
    command::{Answer, Command, Created, WriteError},
};
use crate::{
    Error,
    asked::{self, Asked},
    bookings, changes,
    head::{CommitError, Head},
    resources,
};

/// How long the log is asked for the outcome of a COMMIT whose answer was lost.
const OUTCOME_WITHIN: Duration = Duration::from_secs(10);

/// How long a server that holds the connection open may keep a batch waiting before COMMIT.
const WORK_WITHIN: Duration = Duration::from_secs(15);

/// A pool may hand out sockets that died unseen: that many are tried before PostgreSQL counts as away.
const DEAD_SOCKETS: u32 = 3;

type Answers = Vec<Result<Answer, WriteError>>;

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

/// Runs a batch and answers each of its jobs.
pub(super) async fn settle(context: &Context, shard: Shard, jobs: Vec<Job>) {
    let (commands, replies): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.command, job.reply)).unzip();
    let answers = match run(context, shard, &commands).await {
        Ok(answers) => answers,
        Err(Error::Data(_)) if commands.len() > 1 => one_by_one(context, shard, &commands).await,
        Err(error) => commands.iter().map(|_| Err(error.clone().into())).collect(),
    };
    for (reply, answer) in replies.into_iter().zip(answers) {
        // Whoever asked may have left.
        let _ = reply.send(answer);
    }
}

/// PostgreSQL refused some row of the batch: alone, a bad row fails alone.
async fn one_by_one(context: &Context, shard: Shard, commands: &[Command]) -> Answers {
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        match run(context, shard, std::slice::from_ref(command)).await {
            Ok(answer) => answers.extend(answer),
            Err(error) => answers.push(Err(error.into())),
        }
    }
    answers
}

/// Runs commands as one transaction until it is known what became of it.
async fn run(context: &Context, shard: Shard, commands: &[Command]) -> Result<Answers, Error> {
    let started = Instant::now();
    let mut unknown_above = None;
    let mut pause = Duration::from_millis(10);
    for attempt in 1.. {
        let failed = match transact(context, shard, commands, unknown_above).await {
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
                unknown_above = Some(unknown_above.map_or(above, |first: Seq| first.min(above)));
            }
            Failed::RolledBack(Error::Unavailable(_)) if attempt < DEAD_SOCKETS => {}
            Failed::RolledBack(error) if unknown_above.is_none() => return Err(error),
            // Refused after a look in the log that found none of them: nothing has happened.
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
    let work = timeout(WORK_WITHIN, work(context, shard, commands, unknown_above)).await;
    let Work { head, mut effects, drafts, must_commit } =
        work.map_err(|_| Error::Busy("PostgreSQL does not answer"))??;
    if must_commit {
        let above = head.start();
        let counts = effects.counts();
        let committed = head.write_and_commit(async |head: &Head| write(head, &effects, &counts).await).await;
        committed.map_err(|error| match error {
            CommitError::RolledBack(error) => Failed::RolledBack(error),
            CommitError::Unknown => Failed::Unknown(above),
        })?;
    } else {
        // A server that keeps silent is left to the drop, which closes the connection.
        let _ = timeout(WORK_WITHIN, head.rollback()).await;
    }
    effects.introduce_neighbours();
    let answers =
        drafts.into_iter().zip(commands).map(|(draft, command)| Ok(answer(draft?, command, &mut effects)));
    Ok((answers.collect(), must_commit))
}

/// A batch that is applied and not yet written.
struct Work<'a> {
    head: Head,
    effects: Effects<'a>,
    drafts: Vec<Result<Draft, WriteError>>,
    must_commit: bool,
}

/// What becomes of a command, until it is written.
enum Draft {
    /// The booking at this place among those created.
    Created(usize),
    Cancelled,
    /// An earlier try committed it: the booking as the log tells it.
    Done(Box<Booking>),
}

/// All of a batch up to what can travel with its COMMIT.
async fn work<'a>(
    context: &'a Context,
    shard: Shard,
    commands: &[Command],
    unknown_above: Option<Seq>,
) -> Result<Work<'a>, Error> {
    let asked = asked(commands);
    let (mut head, (mut met, bookings)) =
        Head::take_and_read(&context.database, shard, async |client: &Object| {
            let (met, bookings) = join!(asked::meet(client, shard, &asked), load(client, shard, commands));
            Ok((met?, bookings?))
        })
        .await?;
    asked::count(&head, &asked, &mut met).await?;
    let loaded = Loaded::new(&asked, met, bookings);
    let done = match unknown_above {
        Some(above) => found_in_log(&head, above, commands).await?,
        None => HashMap::new(),
    };
    let mut effects = Effects::new(&context.settings, loaded);
    let drafts = commands
        .iter()
        .map(|command| match (done.get(&command.id()), command) {
            (Some(booking), _) => Ok(Draft::Done(Box::new(booking.clone()))),
            (None, Command::Create(create)) => effects.create(&mut head, create).map(Draft::Created),
            (None, Command::Cancel(cancel)) => effects.cancel(&mut head, cancel).map(|()| Draft::Cancelled),
        })
        .collect();
    // What the log says of a lost COMMIT is sure once a later transaction has itself committed.
    let must_commit = !effects.is_empty() || !done.is_empty();
    if must_commit {
        // Before the flush that ends with COMMIT: what others refer to, and what could fall short in silence.
        resources::insert(&head, &effects.new_resources).await?;
        bookings::cancel(&head, &effects.cancelled).await?;
        head.prepare([resources::COUNT_WANTS, bookings::INSERT]).await?;
    }
    Ok(Work { head, effects, drafts, must_commit })
}

fn answer(draft: Draft, command: &Command, effects: &mut Effects<'_>) -> Answer {
    let booking = match (draft, command) {
        (Draft::Cancelled, _) | (Draft::Done(_), Command::Cancel(_)) => return Answer::Cancelled,
        (Draft::Created(place), _) => effects.created[place].1.clone(),
        (Draft::Done(booking), Command::Create(_)) => *booking,
    };
    let conflicts = effects.conflicts_of(booking.id);
    Answer::Created(Box::new(Created { booking, conflicts }))
}

/// The new wants among the commands.
fn asked(commands: &[Command]) -> Vec<Asked<'_>> {
    let creates = commands.iter().filter_map(|command| match command {
        Command::Create(create) => Some(create),
        Command::Cancel(_) => None,
    });
    creates
        .map(|create| Asked {
            tenant_id: create.tenant_id,
            venue_id: create.venue_id,
            resource: &create.resource,
            booking: create.id,
            wanted: create.wanted,
        })
        .collect()
}

/// The bookings that the commands are about.
async fn load(
    client: &Object,
    shard: Shard,
    commands: &[Command],
) -> Result<Vec<(TenantId, Booking)>, Error> {
    let ids: Vec<_> = commands
        .iter()
        .filter_map(|command| match command {
            Command::Cancel(cancel) => Some((cancel.tenant_id, cancel.id)),
            Command::Create(_) => None,
        })
        .collect();
    bookings::by_id(client, shard, &ids).await
}

/// Writes what travels with COMMIT. A count that finds no resource can't go unseen: the booking that it counts
/// would refer to nothing.
async fn write(
    head: &Head,
    effects: &Effects<'_>,
    counts: &[(TenantId, ResourceId, i32)],
) -> Result<(), Error> {
    let (counted, inserted) =
        join!(resources::count_wants(head, counts), bookings::insert(head, &effects.created));
    counted.and(inserted)
}

/// Which of the commands an earlier try committed, by the log above where it began.
async fn found_in_log(
    head: &Head,
    above: Seq,
    commands: &[Command],
) -> Result<HashMap<CommandId, Booking>, Error> {
    let ids: Vec<Uuid> = commands.iter().map(|command| command.id().uuid()).collect();
    let statement = head.client().prepare_cached(changes::OF_COMMANDS).await?;
    let rows = head.client().query(&statement, &[&head.shard().number(), &above.0, &ids]).await?;
    let mut found = HashMap::new();
    for row in &rows {
        let change =
            changes::recorded(row, 1).parse().map_err(|_| Error::Defect("a change that can't be read"))?;
        // A command's own booking: the resource that it may have made stands in the log as well.
        if let Some(booking) = change.fact.booking() {
            found.insert(row.get::<_, Uuid>(0).into(), booking.clone());
        }
    }
    Ok(found)
}
