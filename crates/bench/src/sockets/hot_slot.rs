//! The row `hot-slot`: everybody wants one slot, as fast as they can, while it is decided and told; and then twice as many,
//! to see that time, log and messages grow with the users and not with their square. Valid when each want was taken, one was
//! granted, the log has no gap, and each socket was told exactly the changes that concern its user. No peer.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use holdfast_domain::{DEFAULT_TENANT, Kind, Shard};

use crate::{
    database::Fresh,
    error::Error,
    figures::number,
    log::{Backlog, Log},
    request::{Choice, Draw, Requests},
    rounds::Bench,
    service::Service,
    sockets::{
        crowd::{Crowd, LOOK_EVERY},
        message::{self, Message},
        reconnect,
        writer::{self, Writer},
    },
    sustained::drain,
    told::{Aim, Told},
};

/// How many times as much twice as many users may cost.
const AIM: Aim = Aim::AtMost(2.5);

/// Connections that all users share.
const CONNECTIONS: usize = 64;

/// Of how many users one listens: those who come first, since a conflict is told to the first twenty.
const LISTENS_EACH: u32 = 10;

/// How long nothing is told when all has been.
const QUIET: Duration = Duration::from_millis(500);

/// How long each part may take.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// What so many users cost.
#[derive(Debug)]
struct Cost {
    users: u32,
    /// From the first request to the answer of half of them, and from there to that of all.
    halves: [Duration; 2],
    /// From the first request to the last message.
    told_after: Duration,
    rows: u64,
    bytes: u64,
    messages: u64,
}

/// # Errors
/// When it can't be measured: a socket that is closed is one reason.
pub(crate) fn measure(bench: &Bench<'_>) -> Result<Told, Error> {
    let mut told = Told::default();
    let once = cost(bench, bench.settings.hot_users, &mut told)?;
    let twice = cost(bench, bench.settings.hot_users * 2, &mut told)?;
    for cost in [&once, &twice] {
        cost.tell(&mut told);
    }
    let mut grows = |what: &str, of: fn(&Cost) -> f64| {
        told.aim(format!("twice as many users: times the {what}"), "", of(&twice) / of(&once), AIM);
    };
    grows("time until all are answered", |cost| cost.halves.iter().sum::<Duration>().as_secs_f64());
    grows("time until all is told", |cost| cost.told_after.as_secs_f64());
    grows("changes", |cost| number(cost.rows));
    grows("bytes of the log", |cost| number(cost.bytes));
    grows("messages", |cost| number(cost.messages));
    Ok(told)
}

impl Cost {
    fn tell(&self, told: &mut Told) {
        let Self { users, halves: [first, second], .. } = self;
        let millis = |duration: &Duration| duration.as_secs_f64() * 1e3;
        told.add(format!("{users} users: first half answered"), "ms", millis(first));
        told.add(format!("{users} users: second half answered"), "ms", millis(second));
        told.add(format!("{users} users: until all is told"), "ms", millis(&self.told_after));
        let each = |count: u64| number(count) / f64::from(*users);
        told.add(format!("{users} users: changes each"), "", each(self.rows));
        told.add(format!("{users} users: log"), "bytes", number(self.bytes));
        told.add(
            format!("{users} users: messages each, {} sockets", users / LISTENS_EACH),
            "",
            each(self.messages),
        );
    }
}

fn cost(bench: &Bench<'_>, users: u32, told: &mut Told) -> Result<Cost, Error> {
    let database = bench.database()?;
    let mut services = [
        bench.services.start("holdfast-booking-api", &database)?,
        bench.services.start("holdfast-validator", &database)?,
        bench.services.notifier(database.name())?,
    ];
    // The first names the resource, and wants another slot than all others.
    let choice = Choice { draw: Draw::OneSlot, resources: 1, users: users + 1, ..bench.choice(0) };
    let api = services[0].address;
    let requests = writer::book(api, writer::requests(choice, api), CONNECTIONS, 0, bench.stop)?;
    if !drain(bench, &database, WAIT_MAX)? {
        return Err(Error::Load("what named the resource was not decided".into()));
    }
    let run = Run { bench, database: &database, users };
    let cost = run.run(&services, requests, told).map_err(|error| services[2].blame(error))?;
    for service in &mut services {
        service.check()?;
    }
    Ok(cost)
}

struct Run<'a> {
    bench: &'a Bench<'a>,
    database: &'a Fresh<'a>,
    users: u32,
}

/// What each socket was told.
struct Heard {
    seqs: Vec<Vec<i64>>,
    begun: usize,
    /// The last position, also that of the hello.
    positions: Vec<i64>,
    last_at: Instant,
}

impl Heard {
    fn hear(&mut self, number: usize, message: &Message<'_>, _: i64) {
        match message.kind {
            message::Kind::Hello => self.begun += 1,
            message::Kind::Position => self.positions[number] = message.seq,
            // A resync is on nobody's list, and so found there.
            _ => {
                self.seqs[number].push(message.seq);
                self.last_at = Instant::now();
            }
        }
    }
}

impl Run<'_> {
    fn run(&self, services: &[Service; 3], requests: Requests, told: &mut Told) -> Result<Cost, Error> {
        let [api, _, notifier] = services.each_ref().map(|service| service.address);
        let within = (WAIT_MAX, self.bench.stop);
        let before = Log::read(self.database)?.seq;
        Crowd::await_position(notifier, before, within)?;
        // From the second on: the first has named the resource.
        let listening: Vec<String> =
            (0..self.users / LISTENS_EACH).map(|number| format!("user-{}", number + 2)).collect();
        let paths = listening.iter().map(|user| format!("/api/v1/ws?user_id={user}"));
        let mut crowd = Crowd::open(notifier, paths)?;
        let sockets = crowd.len();
        let mut heard = Heard {
            seqs: vec![Vec::new(); sockets],
            begun: 0,
            positions: vec![0; sockets],
            last_at: Instant::now(),
        };
        if !crowd.until(&mut heard, within, Heard::hear, |heard| heard.begun == sockets)? {
            return Err(Error::Load("not all sockets were told hello".into()));
        }
        let mut writer = Writer::open(api, requests, CONNECTIONS, (crowd.registry(), sockets))?;
        let started = Instant::now();
        let halves = self.want(&mut crowd, &mut writer, &mut heard)?;
        // PostgreSQL is asked once nothing is told any more: nobody hears while it is asked.
        let waited = Instant::now();
        while heard.last_at.elapsed() < QUIET || Backlog::read(self.database)?.unseen > 0 {
            if waited.elapsed() > WAIT_MAX {
                return Err(Error::Load("not every want was looked at in time".into()));
            }
            self.bench.stop.check()?;
            crowd.turn(LOOK_EVERY, |number, message, at| heard.hear(number, message, at), |_| Ok(()))?;
        }
        let log = Log::read(self.database)?;
        let end = i64::try_from(log.seq).unwrap_or(i64::MAX);
        // A position says that all before it has been told.
        let is_told = |heard: &Heard| heard.positions.iter().all(|position| *position >= end);
        let is_told = crowd.until(&mut heard, within, Heard::hear, is_told)?;

        let users = u64::from(self.users);
        let [created, granted] = [Kind::BookingCreated, Kind::BookingValidated].map(|kind| log.of_kind(kind));
        told.demand(created == users + 1, || format!("of {users} wants and one, the log has {created}"));
        told.demand(granted == 2, || {
            format!("{granted} were granted: one slot and that of who named it are 2")
        });
        told.demand(log.is_without_gaps(), || "the log has gaps".to_owned());
        told.demand(is_told, || "not every socket was told that it has all".to_owned());
        let lists = reconnect::lists(self.database, before)?;
        let wrong = wrong(&listening, &lists, &heard.seqs);
        told.demand(wrong == 0, || format!("{wrong} sockets were not told exactly what concerns them"));
        Ok(Cost {
            users: self.users,
            halves,
            told_after: heard.last_at - started,
            rows: log.seq - before,
            bytes: self.bytes(before)?,
            messages: heard.seqs.iter().map(|seqs| seqs.len() as u64).sum(),
        })
    }

    /// Has every user want the slot; how long it took until half, and then all, were answered.
    fn want(
        &self,
        crowd: &mut Crowd,
        writer: &mut Writer,
        heard: &mut Heard,
    ) -> Result<[Duration; 2], Error> {
        let users = u64::from(self.users);
        let (started, mut half_at) = (Instant::now(), None);
        while writer.taken < users {
            self.bench.stop.check()?;
            if started.elapsed() > WAIT_MAX {
                return Err(Error::Load(format!("{} of {users} were answered in time", writer.taken)));
            }
            while writer.sent < users && writer.send(Instant::now())? {}
            let hear = |number, message: &Message<'_>, at| heard.hear(number, message, at);
            crowd.turn(LOOK_EVERY, hear, |number| writer.ready(number).map(drop))?;
            if writer.taken >= users / 2 {
                half_at.get_or_insert_with(Instant::now);
            }
        }
        let half_at = half_at.unwrap_or(started);
        Ok([half_at - started, half_at.elapsed()])
    }

    fn bytes(&self, after: u64) -> Result<u64, Error> {
        let shard = Shard::of(DEFAULT_TENANT);
        let sql = format!(
            "SELECT coalesce(sum(octet_length(data::text)), 0) FROM changes WHERE shard = {shard} AND seq > {after}"
        );
        let told = self.database.query(&sql)?;
        told.parse().map_err(|_| Error::Unusable(format!("the log can't be weighed: {told}")))
    }
}

/// How many sockets were told something else than what is on their user's list, in its order.
fn wrong(listening: &[String], lists: &HashMap<String, Vec<i64>>, heard: &[Vec<i64>]) -> usize {
    let list = |user: &String| lists.get(user).map_or(&[][..], Vec::as_slice);
    listening.iter().zip(heard).filter(|(user, heard)| list(user) != heard.as_slice()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_was_told_less_more_twice_or_in_another_order_is_wrong() {
        let user = ["user-2".to_owned()];
        let lists = HashMap::from([("user-2".to_owned(), vec![4, 7])]);
        assert_eq!(wrong(&user, &lists, &[vec![4, 7]]), 0);
        for heard in [vec![4], vec![4, 5, 7], vec![4, 4, 7], vec![7, 4]] {
            assert_eq!(wrong(&user, &lists, &[heard]), 1);
        }
        assert_eq!(wrong(&["user-3".to_owned()], &lists, &[vec![4]]), 1);
    }
}
