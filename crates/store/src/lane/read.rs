//! What a batch reads under the head before anything is applied: in the flush of the lock what can be asked for by the
//! commands alone, and in another, only if there are such, what depends on that.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Object;
use futures_util::join;
use holdfast_domain::{
    Booking, BookingId, Change, CommandId, Seq, Shard, TenantId, VenueId, change::Recorded,
};
use uuid::Uuid;

use super::{
    answer::Answer,
    apply::Loaded,
    command::{Command, Target},
    sale::{self, Sale},
};
use crate::{
    Database, Error, Head, LaneSettings,
    asked::{self, Asked, Met, Place},
    bookings, changes,
    keys::{self, Known},
    resources, venues,
};

/// What was read of a batch.
pub(super) struct Read {
    pub(super) loaded: Loaded,
    pub(super) sale: Sale,
    /// What is known of the keys of these commands, by their place.
    pub(super) known: HashMap<usize, Known>,
    /// The effects of writes under those keys, by the same places.
    pub(super) effects: HashMap<usize, Result<Answer, Error>>,
    /// The answers to commands that an earlier try committed.
    pub(super) done: HashMap<CommandId, Answer>,
}

/// Takes the head, and reads what it guards.
pub(super) async fn take(
    database: &Database,
    shard: Shard,
    settings: &LaneSettings,
    commands: &[Command],
    unknown_above: Option<Seq>,
) -> Result<(Head, Read), Error> {
    let mut asked = new_wants(commands);
    let (ids, keys) = (existing(commands), keys(commands));
    let leaving = ids.len();
    let units = sale::Asked::of(commands.iter().filter_map(|command| match command {
        Command::Units(units) => Some(units),
        _ => None,
    }));
    let (head, (mut met, bookings, known, sold)) =
        Head::take_and_read(database, shard, async |client: &Object| {
            let (met, bookings, known, sold) = join!(
                asked::meet(client, shard, &asked, leaving),
                bookings::by_id(client, shard, &ids),
                keys::known(client, shard, &keys),
                Box::pin(units.read(client, shard)),
            );
            Ok((met?, bookings?, known?, sold?))
        })
        .await?;
    let mut known: HashMap<usize, Known> =
        known.into_iter().filter(|(_, known)| known.expires_at > head.at()).collect();
    if failpoint!("keys.not_looked_up") {
        known.clear();
    }
    let mut loaded = Loaded::default();
    for (tenant, booking) in bookings {
        loaded.bookings.insert((tenant, booking.id), booking);
    }
    let moves = moves(commands, &loaded.bookings);
    let ranks: Vec<Seq> = moves.iter().map(|(_, rank)| *rank).collect();
    let moves: Vec<Asked<'_>> = moves.into_iter().map(|(asked, _)| asked).collect();
    let (moved, asked_at, effects, sale) = join!(
        asked::meet(head.client(), shard, &moves, leaving),
        bookings::asked_at(&head, &ranks),
        effects(&head, commands, &known),
        Box::pin(Sale::begin(&head, &units, sold, database.layouts())),
    );
    loaded.asked_at = asked_at?;
    met.extend(moved?);
    asked.extend(moves);
    asked::count(&head, &asked, &mut met, leaving).await?;
    load_places(&head, settings, &asked, &met, &mut loaded).await?;
    remember(&mut loaded, &asked, met);
    let done = match unknown_above {
        Some(above) if !failpoint!("log.not_asked") => found_in_log(&head, above, commands).await?,
        _ => HashMap::new(),
    };
    Ok((head, Read { loaded, sale: sale?.with(settings), known, effects: effects?, done }))
}

/// The wants of bookings that are to be made.
fn new_wants(commands: &[Command]) -> Vec<Asked<'_>> {
    let creates = commands.iter().filter_map(|command| match command {
        Command::Create(create) => Some(create),
        _ => None,
    });
    creates
        .map(|create| Asked {
            tenant_id: create.order.tenant_id,
            booking: create.id,
            is_new: true,
            place: match &create.target {
                Target::Named { venue_id, name, .. } => Place::Named(*venue_id, name),
                Target::Id(id) => Place::Id(*id),
            },
            wanted: create.wanted,
        })
        .collect()
}

/// The bookings that the commands are about.
fn existing(commands: &[Command]) -> Vec<(TenantId, BookingId)> {
    let id = |command: &Command| match command {
        Command::Update(update) => Some((update.order.tenant_id, update.id)),
        Command::Cancel(cancel) => Some((cancel.order.tenant_id, cancel.id)),
        Command::Create(_) | Command::Units(_) | Command::Catalogue(_) => None,
    };
    commands.iter().filter_map(id).collect()
}

/// The keys of the commands that have one, by place.
fn keys(commands: &[Command]) -> Vec<(usize, keys::Asked<'_>)> {
    fn key(command: &Command) -> Option<keys::Asked<'_>> {
        let order = command.order();
        let name = &order.key.as_ref()?.name;
        Some(keys::Asked { tenant_id: order.tenant_id, caller: &order.user_id, name })
    }
    commands.iter().enumerate().filter_map(|(place, command)| Some((place, key(command)?))).collect()
}

/// What bookings ask for that are to be moved, and the rank that each has.
fn moves<'a>(
    commands: &'a [Command],
    bookings: &HashMap<(TenantId, BookingId), Booking>,
) -> Vec<(Asked<'a>, Seq)> {
    let asked = |command: &'a Command| {
        let Command::Update(update) = command else { return None };
        let booking = bookings.get(&(update.order.tenant_id, update.id))?;
        // Times that are no range are refused when it is applied.
        let wanted = update.wanted(booking).ok().filter(|wanted| *wanted != booking.claim.wanted())?;
        let place = Place::Id(booking.resource_id);
        let tenant_id = update.order.tenant_id;
        let asked = Asked { tenant_id, booking: booking.id, is_new: false, place, wanted };
        Some((asked, booking.claim.rank()))
    };
    commands.iter().filter_map(asked).collect()
}

/// What has to be known to make the resources that nobody has named yet.
async fn load_places(
    head: &Head,
    settings: &LaneSettings,
    asked: &[Asked<'_>],
    met: &[Option<Met>],
    loaded: &mut Loaded,
) -> Result<(), Error> {
    let unmet = asked.iter().zip(met).filter(|(_, met)| met.is_none());
    let places: HashSet<(TenantId, VenueId)> = unmet
        .filter_map(|(asked, _)| match asked.place {
            Place::Named(venue_id, _) => Some((asked.tenant_id, venue_id)),
            Place::Id(_) => None,
        })
        .collect();
    if places.is_empty() {
        return Ok(());
    }
    loaded.venues = venues::existing(head, &places).await?;
    for tenant in places.into_iter().map(|(tenant, _)| tenant).collect::<HashSet<_>>() {
        let count = resources::count(head, tenant, settings.resources_per_tenant).await?;
        loaded.resource_counts.insert(tenant, count);
    }
    Ok(())
}

/// Keeps what each want met.
fn remember(loaded: &mut Loaded, asked: &[Asked<'_>], met: Vec<Option<Met>>) {
    for (asked, met) in asked.iter().zip(met) {
        let Some(Met { resource, overlaps }) = met else { continue };
        if let Place::Named(venue_id, name) = asked.place {
            loaded.names.insert((asked.tenant_id, venue_id, name.clone()), resource.id);
        }
        loaded.overlaps.insert(asked.booking, overlaps);
        loaded.resources.insert((asked.tenant_id, resource.id), resource);
    }
}

/// The answers to writes that happened under the batch's keys, rebuilt from the log.
async fn effects(
    head: &Head,
    commands: &[Command],
    known: &HashMap<usize, Known>,
) -> Result<HashMap<usize, Result<Answer, Error>>, Error> {
    let writes: Vec<_> =
        known.iter().map(|(place, known)| (*place, known.effect_seq, commands[*place].existing())).collect();
    let mut recorded: HashMap<usize, Vec<Recorded>> = HashMap::new();
    for (place, change) in keys::effects(head, &writes).await? {
        recorded.entry(place).or_default().push(change);
    }
    // One that can't be read is the trouble of its own retry, and of nobody else in the batch.
    let answer = |place: usize, recorded: &[Recorded]| {
        let changes: Vec<Change> =
            recorded.iter().map(Recorded::parse).collect::<Result<_, _>>().map_err(|_| UNREADABLE)?;
        let answer = Answer::of(&changes)?;
        let made = changes.iter().any(|change| known[&place].made(change));
        // Who asked for what there was already was told of no conflicts.
        Ok(if made { answer } else { answer.untold() })
    };
    Ok(recorded.into_iter().map(|(place, recorded)| (place, answer(place, &recorded))).collect())
}

/// Which of the commands an earlier try committed, by the log above where it began.
async fn found_in_log(
    head: &Head,
    above: Seq,
    commands: &[Command],
) -> Result<HashMap<CommandId, Answer>, Error> {
    let ids: Vec<Uuid> = commands.iter().map(|command| command.order().command_id.uuid()).collect();
    let statement = head.client().prepare_cached(changes::OF_COMMANDS).await?;
    let rows = head.client().query(&statement, &[&head.shard().number(), &above.0, &ids]).await?;
    let mut found: HashMap<CommandId, Vec<Change>> = HashMap::new();
    for row in &rows {
        let change = changes::recorded(row, 1).parse().map_err(|_| UNREADABLE)?;
        found.entry(row.get::<_, Uuid>(0).into()).or_default().push(change);
    }
    found.into_iter().map(|(command, changes)| Ok((command, Answer::of(&changes)?))).collect()
}

const UNREADABLE: Error = Error::Defect("a change that can't be read");
