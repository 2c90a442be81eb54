//! One socket, from the hello to the close. Every wait in it ends: by a message, a beat, the stop, or a time-out.

use std::{error::Error, io, iter, str, time::Duration};

use actix_ws::{CloseCode, CloseReason, Closed, Message, MessageStream, ProtocolError, Session};
use bytestring::ByteString;
use tokio::{
    select,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Message as Told, Subscription, advice,
    ask::{self, Unfit},
    pace::{MESSAGES_PER_SECOND, Pace},
    render::{HELLO, POSITION, notice},
};

/// Most bytes of a frame from the client: room for as many resources, venues and events as it may name.
pub(crate) const FRAME_MAX_BYTES: usize = 4_096;

/// Most messages that follow another without a look at what the client says, and whether it is there.
const TOGETHER_MAX: usize = 32;

/// How long one message may take to find room on its way out.
const SEND_WAIT: Duration = Duration::from_secs(10);

/// How long several may take that are sent without a look at what the client says.
const TOGETHER_WAIT: Duration = Duration::from_secs(30);

/// How many beats may pass without an answer while messages find room: the question waits behind what is not read yet.
const BEATS_UNANSWERED: u32 = 6;

/// How long the close may take; whoever does not read does not get it.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Why a conversation ends.
enum End {
    /// There is nobody to say anything to.
    Gone,
    /// They don't read, or not fast enough.
    TooSlow,
    /// With these last words.
    Close(CloseReason),
}

/// Whether the other end is there.
#[derive(Debug, PartialEq, Eq)]
enum Pulse {
    /// Nobody has asked since it last said so.
    Felt,
    /// It was asked, so many beats ago, and has not answered.
    Asked(u32),
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
        () = stopping.cancelled() => close(CloseCode::Away, &advice::reason()),
        () = cut_off.cancelled() => End::TooSlow,
        Err(end) = converse(&mut session, incoming, &mut subscription, beat) => end,
    };
    let reason = match end {
        End::Gone => None,
        End::TooSlow => {
            subscription.hub.meters.slow_closes.increment(1);
            Some(reason(CloseCode::Again, "messages come faster than they are read; come back with ?after="))
        }
        End::Close(reason) => Some(reason),
    };
    drop(subscription);
    if let Some(reason) = reason {
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
    send(session, notice(HELLO, subscription.from)).await?;
    let (mut pulse, mut pace) = (Pulse::Felt, Pace::new(Instant::now()));
    // Whether anything was sent since they were asked.
    let mut is_sending = false;
    let mut beats = interval_at(Instant::now() + beat, beat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        select! {
            // What was said is heard before it is judged that nothing was, and much to tell puts off no beat.
            biased;
            message = incoming.recv() => {
                if let Some(text) = hear(session, message, &mut pulse, &mut pace).await? {
                    follow(session, &text, subscription).await?;
                }
            }
            _ = beats.tick() => {
                pulse = match pulse {
                    Pulse::Felt => Pulse::Asked(1),
                    Pulse::Asked(beats) if is_sending && beats < BEATS_UNANSWERED => Pulse::Asked(beats + 1),
                    Pulse::Asked(_) => return Err(if is_sending { End::TooSlow } else { End::Gone }),
                };
                is_sending = false;
                tell_position(session, subscription).await?;
                in_time(session.ping(b"")).await?;
                // However long all that took, there is a whole beat to answer in.
                beats.reset();
            }
            message = subscription.next() => {
                // Whatever waits behind it goes along, without a look at all else for each.
                let message = message.ok_or(End::TooSlow)?;
                send_together(session, iter::once(message).chain(subscription.ready(TOGETHER_MAX))).await?;
                is_sending = true;
            }
        }
    }
}

/// Tells how far the subscriber has got, after everything that they have to have for it.
async fn tell_position(session: &mut Session, subscription: &mut Subscription) -> Result<(), End> {
    let (messages, position) = subscription.so_far();
    let position = position.map(|position| notice(POSITION, position));
    send_together(session, messages.into_iter().chain(position)).await
}

async fn send_together(session: &mut Session, messages: impl Iterator<Item = Told>) -> Result<(), End> {
    let sent = async {
        for message in messages {
            send(session, message).await?;
        }
        Ok(())
    };
    timeout(TOGETHER_WAIT, sent).await.map_err(|_| End::TooSlow)?
}

/// Takes what the client sent; gives what is to be followed.
async fn hear(
    session: &mut Session,
    message: Option<Result<Message, ProtocolError>>,
    pulse: &mut Pulse,
    pace: &mut Pace,
) -> Result<Option<ByteString>, End> {
    let message = match message {
        Some(Ok(message)) => message,
        Some(Err(ProtocolError::Overflow)) => return Err(close(CloseCode::Size, "the message is too long")),
        Some(Err(ProtocolError::Io(error))) if error.kind() == io::ErrorKind::InvalidData => {
            let is_text = error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<str::Utf8Error>);
            return Err(if is_text {
                close(CloseCode::Invalid, "the message is not UTF-8")
            } else {
                broken()
            });
        }
        Some(Err(ProtocolError::Io(_))) | None => return Err(End::Gone),
        Some(Err(_)) => return Err(broken()),
    };
    let is_answer = *pulse != Pulse::Felt && matches!(message, Message::Pong(_));
    if !is_answer && pace.is_exceeded(Instant::now()) {
        let reason = format!("more than {MESSAGES_PER_SECOND} messages a second");
        return Err(close(CloseCode::Policy, &reason));
    }
    match message {
        Message::Text(text) => return Ok(Some(text)),
        Message::Pong(_) => *pulse = Pulse::Felt,
        Message::Ping(bytes) => in_time(session.pong(&bytes)).await?,
        Message::Nop => {}
        Message::Binary(_) | Message::Continuation(_) => {
            return Err(close(CloseCode::Unsupported, "messages are text, each in one frame"));
        }
        Message::Close(reason) => return Err(End::Close(reason.unwrap_or(CloseCode::Normal.into()))),
    }
    Ok(None)
}

/// Does what the client asks for. That it is done is told among the changes; that it can't be, at once.
async fn follow(session: &mut Session, text: &str, subscription: &mut Subscription) -> Result<(), End> {
    let refusal = match ask::parse(text) {
        Ok(ask) if subscription.change(&ask) => return Ok(()),
        Ok(ask) => ask.too_many(),
        Err(Unfit::Wrong(refusal)) => refusal,
        Err(Unfit::NotJson) => return Err(close(CloseCode::Invalid, "the message is not JSON")),
        Err(Unfit::Unknown) => {
            return Err(close(CloseCode::Policy, "the message's type is neither subscribe nor unsubscribe"));
        }
    };
    in_time(session.text(refusal)).await
}

async fn send(session: &mut Session, message: Told) -> Result<(), End> {
    in_time(session.text(message.text().clone())).await
}

async fn in_time(sent: impl Future<Output = Result<(), Closed>>) -> Result<(), End> {
    Ok(timeout(SEND_WAIT, sent).await.map_err(|_| End::TooSlow)??)
}

fn broken() -> End {
    close(CloseCode::Protocol, "that is not the WebSocket protocol")
}

fn close(code: CloseCode, description: &str) -> End {
    End::Close(reason(code, description))
}

fn reason(code: CloseCode, description: &str) -> CloseReason {
    CloseReason { code, description: Some(description.to_owned()) }
}
