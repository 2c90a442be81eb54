//! One batch: a transaction under the head, tried until its outcome is known.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use deadpool_postgres::Object;
use futures_util::try_join;
use holdfast_domain::{Booking, CommandId, Seq, Shard, TenantId};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{
    Context, Job,
    apply::{Effects, Loaded},
    command::{Answer, Command, Created, WriteError},
};
use crate::{
    Conflicts, Error, bookings, changes, conflicts,
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
    let (head, answers, must_commit) = work.map_err(|_| Error::Busy("PostgreSQL does not answer"))??;
    if !must_commit {
        head.rollback().await;
        return Ok((answers, false));
    }
    let above = head.start();
    match head.commit().await {
        Ok(_) => Ok((answers, true)),
        Err(CommitError::RolledBack(error)) => Err(Failed::RolledBack(error)),
        Err(CommitError::Unknown) => Err(Failed::Unknown(above)),
    }
}

/// All of a batch up to, not including, its COMMIT.
async fn work(
    context: &Context,
    shard: Shard,
    commands: &[Command],
    unknown_above: Option<Seq>,
) -> Result<(Head, Answers, bool), Error> {
    let (mut head, loaded) = Head::take_and_read(&context.database, shard, async |client: &Object| {
        load(client, shard, commands).await
    })
    .await?;
    let done = match unknown_above {
        Some(above) => found_in_log(&head, above, commands).await?,
        None => HashMap::new(),
    };

    let mut effects = Effects::new(&context.settings, loaded);
    let drafts: Vec<Result<Draft, WriteError>> = commands
        .iter()
        .map(|command| match (done.get(&command.id()), command) {
            (Some(booking), _) => Ok(Draft::Done(Box::new(booking.clone()))),
            (None, Command::Create(create)) => effects.create(&mut head, create).map(Draft::Created),
            (None, Command::Cancel(cancel)) => effects.cancel(&mut head, cancel).map(|()| Draft::Cancelled),
        })
        .collect();

    let conflicts = write(&head, &effects).await?;
    // What the log says of a lost COMMIT is sure once a later transaction has itself committed.
    let must_commit = !effects.is_empty() || !done.is_empty();
    let mut created: Vec<_> = effects.created.into_iter().zip(conflicts).map(Some).collect();
    let answers = drafts
        .into_iter()
        .zip(commands)
        .map(|(draft, command)| match draft? {
            Draft::Created(place) => {
                let ((_, booking), conflicts) =
                    created[place].take().ok_or(Error::Defect("a booking was answered twice"))?;
                Ok(Answer::Created(Box::new(Created { booking, conflicts })))
            }
            Draft::Cancelled => Ok(Answer::Cancelled),
            Draft::Done(booking) => Ok(match command {
                Command::Create(_) => {
                    // Told as it was then; the conflicts of a retry are not looked for again.
                    Answer::Created(Box::new(Created { booking: *booking, conflicts: Conflicts::default() }))
                }
                Command::Cancel(_) => Answer::Cancelled,
            }),
        })
        .collect();
    Ok((head, answers, must_commit))
}

/// What becomes of a command, until it is written.
enum Draft {
    /// The booking at this place among those created.
    Created(usize),
    Cancelled,
    /// An earlier try committed it: the booking as the log tells it.
    Done(Box<Booking>),
}

async fn load(client: &Object, shard: Shard, commands: &[Command]) -> Result<Loaded, Error> {
    let mut named = HashSet::new();
    let mut ids = Vec::new();
    for command in commands {
        match command {
            Command::Create(create) => {
                named.insert((create.tenant_id, create.venue_id, &create.resource));
            }
            Command::Cancel(cancel) => ids.push((cancel.tenant_id, cancel.id)),
        }
    }
    let named: Vec<_> = named.into_iter().collect();
    let (resources, bookings) =
        try_join!(resources::by_name(client, shard, &named), bookings::by_id(client, shard, &ids))?;
    Ok(Loaded {
        resources: resources.into_iter().collect(),
        bookings: bookings.into_iter().map(|(tenant, booking)| ((tenant, booking.id), booking)).collect(),
    })
}

/// Writes what the commands did, and looks for conflicts after that.
async fn write(head: &Head, effects: &Effects<'_>) -> Result<Vec<Conflicts>, Error> {
    let created: Vec<(TenantId, &Booking)> = effects.created.iter().map(|(tenant, b)| (*tenant, b)).collect();
    let cancelled: Vec<(TenantId, &Booking)> =
        effects.cancelled.iter().map(|(tenant, b)| (*tenant, b)).collect();
    let new: Vec<&Booking> = created.iter().map(|(_, booking)| *booking).collect();
    let counts = effects.counts();
    // A statement that is prepared late is sent late: where order matters, they are prepared first.
    try_join!(
        bookings::prepare_insert(head),
        conflicts::prepare(head),
        resources::insert(head, &effects.new_resources)
    )?;
    // Polled, and so sent, in this order.
    let ((), (), (), conflicts) = try_join!(
        resources::count_wants(head, &counts),
        bookings::insert(head, &created),
        bookings::cancel(head, &cancelled),
        conflicts::of(head, &new),
    )?;
    Ok(conflicts)
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
