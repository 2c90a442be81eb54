//! One socket, from the hello to the close. Every wait in it ends: by a message, a beat, the stop, or a time-out.

use std::time::Duration;

use actix_ws::{CloseCode, CloseReason, Closed, Message, MessageStream, ProtocolError, Session};
use tokio::{
    select,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{Message as Told, Subscription, render::notice};

/// Most bytes of a frame from the client; it has nothing to say but pings and pongs.
pub(crate) const FRAME_MAX_BYTES: usize = 1_024;

/// How long one message may take to find room on its way out.
const SEND_WAIT: Duration = Duration::from_secs(10);

/// How long the close may take; whoever does not read does not get it.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Why a conversation ends.
enum End {
    /// There is nobody to say anything to.
    Gone,
    /// With these last words.
    Close(CloseReason),
}

/// Whether the other end is there.
#[derive(Debug, PartialEq, Eq)]
enum Pulse {
    /// Nobody has asked since it last said so.
    Felt,
    /// It was asked, and has not answered.
    Asked,
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Gone
    }
}

/// Speaks with one client until either side ends it.
pub(crate) async fn serve(
    mut session: Session,
    incoming: MessageStream,
    mut subscription: Subscription,
    beat: Duration,
    stopping: CancellationToken,
) {
    let cut_off = subscription.cut_off.clone();
    let end = select! {
        biased;
        () = stopping.cancelled() => close(CloseCode::Away, "the service stops; come back"),
        () = cut_off.cancelled() => too_slow(),
        Err(end) = converse(&mut session, incoming, &mut subscription, beat) => end,
    };
    drop(subscription);
    if let End::Close(reason) = end {
        // A client that is gone or does not read: that it isn't told is all the same.
        let _ = timeout(CLOSE_WAIT, session.close(Some(reason))).await;
    }
}

async fn converse(
    session: &mut Session,
    mut incoming: MessageStream,
    subscription: &mut Subscription,
    beat: Duration,
) -> Result<(), End> {
    send(session, notice("hello", subscription.from)).await?;
    let mut pulse = Pulse::Felt;
    let mut beats = interval_at(Instant::now() + beat, beat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        select! {
            message = incoming.recv() => hear(session, message, &mut pulse).await?,
            message = subscription.next() => send(session, message.ok_or_else(too_slow)?).await?,
            _ = beats.tick() => {
                if pulse == Pulse::Asked {
                    return Err(End::Gone);
                }
                tell_position(session, subscription).await?;
                pulse = Pulse::Asked;
                in_time(session.ping(b"")).await?;
            }
        }
    }
}

/// Tells how far the subscriber has got, after everything that they have to have for it.
async fn tell_position(session: &mut Session, subscription: &mut Subscription) -> Result<(), End> {
    let (messages, position) = subscription.so_far();
    let position = position.map(|position| notice("position", position));
    for message in messages.into_iter().chain(position) {
        send(session, message).await?;
    }
    Ok(())
}

async fn hear(
    session: &mut Session,
    message: Option<Result<Message, ProtocolError>>,
    pulse: &mut Pulse,
) -> Result<(), End> {
    match message {
        Some(Ok(Message::Pong(_))) => *pulse = Pulse::Felt,
        Some(Ok(Message::Ping(bytes))) => in_time(session.pong(&bytes)).await?,
        Some(Ok(Message::Nop)) => {}
        Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Continuation(_))) => {
            return Err(close(CloseCode::Unsupported, "this socket takes no messages"));
        }
        Some(Ok(Message::Close(reason))) => {
            return Err(End::Close(reason.unwrap_or(CloseCode::Normal.into())));
        }
        Some(Err(ProtocolError::Overflow)) => return Err(close(CloseCode::Size, "the message is too long")),
        Some(Err(ProtocolError::Io(_))) | None => return Err(End::Gone),
        Some(Err(_)) => return Err(close(CloseCode::Protocol, "that is not the WebSocket protocol")),
    }
    Ok(())
}

async fn send(session: &mut Session, message: Told) -> Result<(), End> {
    in_time(session.text(message.text)).await
}

async fn in_time(sent: impl Future<Output = Result<(), Closed>>) -> Result<(), End> {
    Ok(timeout(SEND_WAIT, sent).await.map_err(|_| too_slow())??)
}

fn too_slow() -> End {
    close(CloseCode::Again, "messages come faster than they are read; come back with ?after=")
}

fn close(code: CloseCode, description: &str) -> End {
    End::Close(CloseReason { code, description: Some(description.to_owned()) })
}
