//! The changes of the log, as they are told everywhere: one schema a kind, and which is which by `type`.

use std::borrow::Cow;

use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Array, Discriminator, Object, ObjectBuilder, RefOr,
        schema::{OneOfBuilder, Ref, Schema, SchemaType, Type},
    },
};

use super::{
    Schemas, SeenConflict, SeenRecordedBooking, SeenReservation, SeenWaitlistEntry, add, example, refer,
};
use crate::{
    Availability, Event, Kind, RequestId, ReservationId, Resource, Seq, Traceparent, UserId, Venue,
    change::{SeatsAdded, SeatsRemoved},
};

/// Those that are told to somebody.
fn kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(|kind| !kind.is_of_the_log())
}

/// A change, of whichever kind: in `/changes`, in a history, over a socket.
#[derive(Debug)]
pub enum LoggedChange {}

impl PartialSchema for LoggedChange {
    fn schema() -> RefOr<Schema> {
        one_of_by_type(&changes(), "A change in the log, of one kind or another.")
    }
}

impl ToSchema for LoggedChange {
    fn name() -> Cow<'static, str> {
        "Change".into()
    }

    fn schemas(schemas: &mut Schemas) {
        for kind in kinds() {
            schemas.push((name(kind), schema(kind)));
        }
        add::<SeenRecordedBooking>(schemas);
        add::<SeenConflict>(schemas);
        add::<Resource>(schemas);
        add::<Venue>(schemas);
        add::<Event>(schemas);
        add::<SeatsAdded>(schemas);
        add::<SeatsRemoved>(schemas);
        add::<SeenReservation>(schemas);
        add::<SeenWaitlistEntry>(schemas);
        add::<Availability>(schemas);
        add::<UserId>(schemas);
        add::<RequestId>(schemas);
        add::<Traceparent>(schemas);
        add::<Seq>(schemas);
    }
}

/// The word and the schema's name of each kind.
pub fn changes() -> Vec<(&'static str, String)> {
    kinds().map(|kind| (kind.as_str(), name(kind))).collect()
}

/// One of these, given as the word in `type` and the schema's name.
pub fn one_of_by_type(kinds: &[(&'static str, String)], about: &str) -> RefOr<Schema> {
    let refer = |name: &String| Ref::from_schema_name(name.as_str());
    let mapping = kinds.iter().map(|(word, name)| (*word, refer(name).ref_location));
    let one_of = OneOfBuilder::new().description(Some(about));
    let one_of = kinds.iter().fold(one_of, |one_of, (_, name)| one_of.item(refer(name)));
    one_of.discriminator(Some(Discriminator::with_mapping("type", mapping))).into()
}

/// `BookingCreated` for `booking_created`.
fn name(kind: Kind) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    kind.as_str().split('_').map(capital).collect()
}

fn schema(kind: Kind) -> RefOr<Schema> {
    let nobody = |it: Ref| OneOfBuilder::new().item(Object::with_type(Type::Null)).item(it);
    ObjectBuilder::new()
        .description(Some(about(kind)))
        .property("type", Object::builder().schema_type(Type::String).enum_values(Some([kind.as_str()])))
        .property("seq", refer::<Seq>())
        .property("at", time())
        .property(
            "actor",
            nobody(refer::<UserId>())
                .description(Some("Who did it; null when the engine did, and of another's.")),
        )
        .property(
            "request_id",
            nobody(refer::<RequestId>()).description(Some("The request that it came from.")),
        )
        .property("traceparent", refer::<Traceparent>())
        .property("data", data(kind))
        .required("type")
        .required("seq")
        .required("at")
        .required("actor")
        .required("request_id")
        .required("data")
        .examples([json!(example::change(kind))])
        .into()
}

fn time() -> Object {
    use utoipa::openapi::{KnownFormat, SchemaFormat};
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("When it happened."))
        .build()
}

const fn about(kind: Kind) -> &'static str {
    match kind {
        Kind::BookingCreated => "Somebody wants a range.",
        Kind::BookingUpdated => "Its owner changed a booking: what it wants, or only what is said about it.",
        Kind::BookingDeleted => "Its owner gave a booking up.",
        Kind::BookingConflict => {
            "What was just asked for is wanted or held by others, too. Told to the requester and to the owners of those \
             that are listed."
        }
        Kind::BookingValidated => "A want was granted.",
        Kind::BookingRejected => "A want could not be had in time.",
        Kind::BookingMoveRejected => "A move could not be had in time; the booking keeps its old slot.",
        Kind::ResourceCreated => "A resource was made, or named for the first time.",
        Kind::ResourceUpdated => "A resource was renamed, or its limits were changed.",
        Kind::VenueCreated => "A venue was made.",
        Kind::VenueUpdated => "A venue was renamed or moved.",
        Kind::EventCreated => "An event was made.",
        Kind::EventUpdated => {
            "An event was changed: what is said about it, whether it is on sale, or what is sold of it. A seat that is added \
             and was there before is for sale again."
        }
        Kind::EventCancelled => {
            "An event was called off: `CANCELLING` while some still have units of it, then `CANCELLED`."
        }
        Kind::ReservationHeld => "Units are held, until the hold's end.",
        Kind::ReservationSplit => {
            "Units that the reservation had belong to another one of its owner's, which is told of right behind."
        }
        Kind::ReservationConfirmed => "Held units were confirmed.",
        Kind::ReservationExtended => "A hold ends later.",
        Kind::ReservationExpired => "The end of a hold came before it was confirmed.",
        Kind::ReservationReleased => "Its owner gave a hold up.",
        Kind::ReservationCancelled => "Confirmed units were given up, or the event was called off.",
        Kind::WaitlistJoined => "Somebody came into the line for units of an event.",
        Kind::WaitlistOffered => {
            "Units are held for who was first in line for them, by the reservation that is told of right before."
        }
        Kind::WaitlistLeft => "Somebody left the line.",
        Kind::WaitlistEnded => {
            "Somebody was taken out of line: the sale is over, or they may have no more units."
        }
        Kind::LogLeapt => "The log goes on further ahead.",
        Kind::ClockSetBack => "The log's clock was set back.",
    }
}

fn data(kind: Kind) -> Object {
    let object = ObjectBuilder::new().schema_type(SchemaType::new(Type::Object));
    let booking = |object: ObjectBuilder| {
        object.property("booking", refer::<SeenRecordedBooking>()).required("booking")
    };
    let event = |object: ObjectBuilder| object.property("event", refer::<Event>()).required("event");
    let reservation = |object: ObjectBuilder| {
        object.property("reservation", refer::<SeenReservation>()).required("reservation")
    };
    let units = |object: ObjectBuilder| {
        let left = Array::new(refer::<Availability>());
        reservation(object).property("sections", left).required("sections")
    };
    match kind {
        Kind::BookingCreated
        | Kind::BookingDeleted
        | Kind::BookingValidated
        | Kind::BookingRejected
        | Kind::BookingMoveRejected => booking(object),
        Kind::BookingUpdated => booking(object).property(
            "range_changed",
            ObjectBuilder::new()
                .schema_type(Type::Boolean)
                .description(Some("Whether what it wants was changed; not told of another's.")),
        ),
        Kind::BookingConflict => booking(object)
            .property("conflicting", Array::new(refer::<SeenConflict>()))
            .required("conflicting")
            .property(
                "conflict_count",
                ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .minimum(Some(1))
                    .maximum(Some(100))
                    .description(Some("How many there are; 100 means that many or more.")),
            )
            .required("conflict_count"),
        Kind::ResourceCreated | Kind::ResourceUpdated => {
            object.property("resource", refer::<Resource>()).required("resource")
        }
        Kind::VenueCreated | Kind::VenueUpdated => {
            object.property("venue", refer::<Venue>()).required("venue")
        }
        Kind::EventCreated => {
            event(object).property("seats_added", Array::new(refer::<SeatsAdded>())).required("seats_added")
        }
        Kind::EventUpdated => event(object)
            .property("seats_added", Array::new(refer::<SeatsAdded>()))
            .required("seats_added")
            .property("seats_removed", Array::new(refer::<SeatsRemoved>()))
            .required("seats_removed"),
        Kind::EventCancelled => event(object),
        Kind::ReservationHeld
        | Kind::ReservationExpired
        | Kind::ReservationReleased
        | Kind::ReservationCancelled => units(object),
        Kind::ReservationSplit => units(object).property("to", refer::<ReservationId>()),
        Kind::ReservationConfirmed => units(object).property(
            "rest",
            OneOfBuilder::new()
                .item(Object::with_type(Type::Null))
                .item(refer::<ReservationId>())
                .description(Some("The hold of what was not confirmed of it; not told of another's.")),
        ),
        Kind::ReservationExtended => {
            reservation(object).property("sections", Array::new(refer::<Availability>()))
        }
        Kind::WaitlistJoined | Kind::WaitlistOffered | Kind::WaitlistLeft | Kind::WaitlistEnded => {
            object.property("waitlist_entry", refer::<SeenWaitlistEntry>()).required("waitlist_entry")
        }
        Kind::LogLeapt | Kind::ClockSetBack => object,
    }
    .build()
}
