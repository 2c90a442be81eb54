//! The same as a socket tells, as server-sent events: for who can't open a socket, or needn't say anything.
//!
//! It is the answer's body: asked for its next piece whenever there is room on the way out. Who does not read is not asked
//! for: the hub lets them go when their queue is full, and the connection ends by the time-out of what lies unread.

use std::{convert::Infallible, fmt::Write as _, time::Duration};

use actix_web::web::Bytes;
use futures_util::{Stream, stream::unfold};
use tokio::{
    select,
    sync::OwnedSemaphorePermit,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Message, Subscription, advice,
    render::{self, notice},
};

/// What it says of itself.
pub(crate) const CONTENT_TYPE: &str = "text/event-stream";

struct Events {
    subscription: Subscription,
    beats: Interval,
    stopping: CancellationToken,
    stage: Stage,
    /// Given back when the client is gone.
    _place: OwnedSemaphorePermit,
}

#[derive(Clone, Copy)]
enum Stage {
    Hello,
    On,
    Over,
}

/// The body, from the hello to the end.
pub(crate) fn events(
    subscription: Subscription,
    beat: Duration,
    stopping: CancellationToken,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let mut beats = interval_at(Instant::now() + beat, beat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let events = Events { subscription, beats, stopping, stage: Stage::Hello, _place: place };
    unfold(events, async |mut events| {
        let piece = events.next().await?;
        Some((Ok(piece.into()), events))
    })
}

impl Events {
    async fn next(&mut self) -> Option<String> {
        match self.stage {
            Stage::Hello => {
                self.stage = Stage::On;
                // For who is cut off without a word; whoever is told later, is told another.
                let mut piece = advice();
                write(&mut piece, &notice(render::HELLO, self.subscription.from));
                return Some(piece);
            }
            Stage::On => {}
            Stage::Over => return None,
        }
        let cut_off = self.subscription.cut_off.clone();
        select! {
            biased;
            () = self.stopping.cancelled() => Some(self.end()),
            () = cut_off.cancelled() => {
                self.subscription.hub.meters.slow_closes.increment(1);
                Some(self.end())
            }
            _ = self.beats.tick() => Some(self.beat()),
            message = self.subscription.next() => Some(match message {
                Some(message) => event(&message),
                None => self.end(),
            }),
        }
    }

    /// That the line is not dead, all that has to be told before the position, and the position.
    fn beat(&mut self) -> String {
        let mut piece = ":\n\n".to_owned();
        let (messages, position) = self.subscription.so_far();
        let position = position.map(|position| notice(render::POSITION, position));
        messages.iter().chain(&position).for_each(|message| write(&mut piece, message));
        piece
    }

    fn end(&mut self) -> String {
        self.stage = Stage::Over;
        advice()
    }
}

/// When to come back.
fn advice() -> String {
    format!("retry: {}\n\n", advice::reconnect_millis())
}

fn event(message: &Message) -> String {
    let mut piece = String::with_capacity(message.text().len() + 64);
    write(&mut piece, message);
    piece
}

fn write(piece: &mut String, message: &Message) {
    // A `String` takes whatever is written to it.
    let _ = writeln!(piece, "event: {}", message.kind());
    // Without one, the browser keeps the last: from there it comes back.
    if let Some(seq) = message.seq() {
        let _ = writeln!(piece, "id: {seq}");
    }
    for line in message.text().lines() {
        let _ = writeln!(piece, "data: {line}");
    }
    piece.push('\n');
}
