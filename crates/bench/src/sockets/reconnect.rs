//! The row `reconnect`: everybody comes back at once, each with the position where they broke off: to the notifier that they left, which has what
//! they missed in memory, and to a fresh one, which reads it from Redis. A notifier is never told where PostgreSQL is.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use holdfast_domain::{DEFAULT_TENANT, Shard};

use crate::{
    database::Fresh,
    error::Error,
    figures::{Latencies, number},
    load,
    log::Log,
    request::Choice,
    rounds::Bench,
    service::Service,
    sockets::{
        account::{Account, Faults},
        crowd::Crowd,
        message::Message,
        writer,
    },
    told::{Aim, Told},
};

/// How long all of it may take.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// Until all have caught up, in milliseconds.
const AIM: Aim = Aim::Under(3_000.0);

/// Connections of who makes what they miss.
const CONNECTIONS: usize = 16;

/// What was seen of all who came back.
struct Caught {
    /// From the first connect to each one's position, which follows all that they missed.
    latencies: Latencies,
    /// Changes that they were told, all of them together.
    messages: usize,
    faults: Faults,
    /// Processor time of the notifier and of this process meanwhile.
    notifier_cpu: Duration,
    generator_cpu: Duration,
    /// Whether each was told all of theirs.
    is_whole: bool,
}

impl Caught {
    fn tell(&self, from: &str, told: &mut Told) {
        told.add(format!("told from {from}"), "messages", number(self.messages as u64));
        let half = self.latencies.percentile_millis(50.0);
        told.add(format!("half caught up, from {from}"), "ms", half);
        told.aim(format!("all caught up, from {from}"), "ms", self.latencies.longest_millis(), AIM);
        let cpu = [("notifier", self.notifier_cpu), ("generator", self.generator_cpu)];
        for (name, cpu) in cpu {
            told.add(format!("{name}, from {from}"), "ms of processor time", cpu.as_secs_f64() * 1e3);
        }
        told.faults.extend(self.faults.told());
        told.demand(self.is_whole, || {
            format!("not every socket was told all that it had missed, from {from}")
        });
    }
}

/// # Errors
/// When it can't be measured: a socket that is closed is one reason.
pub(crate) fn measure(bench: &Bench<'_>, index: usize) -> Result<Told, Error> {
    let database = &bench.database()?;
    let api = bench.services.start("holdfast-booking-api", database)?;
    let old = bench.services.notifier(database.name())?;
    let choice = Choice { users: bench.settings.reconnect_users, ..bench.choice(index) };
    let requests =
        writer::book(api.address, writer::requests(choice, api.address), CONNECTIONS, 0, bench.stop)?;
    let after = Log::read(database)?.seq;
    let behind = bench.settings.behind.into();
    writer::book(api.address, requests, CONNECTIONS, behind, bench.stop)?;
    let end = Log::read(database)?.seq;
    let lists = lists(database, after)?;
    let crowd = Returning { bench, after, end, lists };
    // Until the relay has copied everything and the notifier has it. From then on there is nobody who would ask PostgreSQL.
    Crowd::await_position(old.address, end, (WAIT_MAX, bench.stop)).map_err(|error| old.blame(error))?;
    drop(api);
    let sockets = usize::from(bench.settings.many_sockets);
    let from_memory = crowd.come(&old, sockets).map_err(|error| old.blame(error))?;
    drop(old);
    let fresh = bench.services.notifier(database.name())?;
    let from_stream = crowd.come(&fresh, sockets).map_err(|error| fresh.blame(error))?;
    let mut told = Told::default();
    told.add("behind", "changes", number(end - after));
    from_memory.tell("memory", &mut told);
    from_stream.tell("Redis", &mut told);
    Ok(told)
}

/// What each user is to be told of what came after `after`: changes of their bookings, of those that conflict with theirs,
/// and what they did.
pub(crate) fn lists(database: &Fresh<'_>, after: u64) -> Result<HashMap<String, Vec<i64>>, Error> {
    let shard = Shard::of(DEFAULT_TENANT);
    let rows = database.query(&format!(
        "SELECT seq, name
         FROM changes
         CROSS JOIN LATERAL (
             SELECT actor
             UNION SELECT data->'booking'->>'user_id'
             UNION SELECT json_array_elements(data->'conflicting')->>'user_id'
         ) AS concerned (name)
         WHERE shard = {shard} AND seq > {after} AND name IS NOT NULL
         ORDER BY seq"
    ))?;
    let mut lists = HashMap::<String, Vec<i64>>::new();
    for row in rows.lines() {
        let listed = row.split_once('|').and_then(|(seq, name)| Some((seq.parse().ok()?, name)));
        let (seq, name) = listed.ok_or_else(|| Error::Unusable(format!("no seq and user: {row}")))?;
        lists.entry(name.to_owned()).or_default().push(seq);
    }
    Ok(lists)
}

struct Returning<'a> {
    bench: &'a Bench<'a>,
    after: u64,
    end: u64,
    lists: HashMap<String, Vec<i64>>,
}

/// The sockets' accounts, each with the list of what it is to be told.
struct Books<'a> {
    accounts: Vec<(Account, &'a [i64])>,
    end: i64,
    caught_up: usize,
    latencies: Latencies,
    started: Instant,
}

impl Returning<'_> {
    fn come(&self, notifier: &Service, sockets: usize) -> Result<Caught, Error> {
        let user =
            |number: usize| format!("user-{}", number % self.bench.settings.reconnect_users as usize + 1);
        let list = |number| self.lists.get(&user(number)).map_or(&[][..], Vec::as_slice);
        let after = self.after;
        let path = |number| format!("/api/v1/ws?user_id={}&after={after}", user(number));
        let used = || (notifier.cpu_time().1, load::cpu_time());
        let before = used();
        let mut books = Books {
            accounts: (0..sockets).map(|number| (Account::default(), list(number))).collect(),
            end: i64::try_from(self.end).unwrap_or(i64::MAX),
            caught_up: 0,
            latencies: Latencies::new()?,
            started: Instant::now(),
        };
        let mut crowd = Crowd::open(notifier.address, (0..sockets).map(path))?;
        let within = (WAIT_MAX, self.bench.stop);
        crowd.until(&mut books, within, Books::hear, |books| books.caught_up == sockets)?;
        let after = used();
        let mut faults = Faults::default();
        for (account, _) in &books.accounts {
            faults += account.faults;
        }
        Ok(Caught {
            latencies: books.latencies,
            messages: books.accounts.iter().map(|(account, _)| account.told).sum(),
            faults,
            notifier_cpu: after.0.saturating_sub(before.0),
            generator_cpu: after.1.saturating_sub(before.1),
            is_whole: books.caught_up == sockets
                && books.accounts.iter().all(|(account, list)| account.told == list.len()),
        })
    }
}

impl Books<'_> {
    fn hear(&mut self, number: usize, message: &Message<'_>, _at: i64) {
        let (account, list) = &mut self.accounts[number];
        let was_there = account.position >= Some(self.end);
        account.note(message, list.get(account.told).copied());
        if !was_there && account.position >= Some(self.end) {
            self.caught_up += 1;
            self.latencies.record(self.started.elapsed());
        }
    }
}
