//! Schemas of what is on the wire, where a derive can't say them: texts with their limits, and what is whole or cut.
//!
//! For the API's document alone; nothing of it is asked when anything is decided. The examples are real objects, written
//! as they are always written, so that they can't be out of date.

mod changes;
pub mod example;

pub use changes::{LoggedChange, changes, one_of_by_type};

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, Object, ObjectBuilder, RefOr, SchemaFormat,
        schema::{ArrayBuilder, OneOfBuilder, Ref, Schema, Type},
    },
};

use crate::{
    Address, BookingId, Category, ConfirmationCode, EventId, EventTitle, Note, RequestId, Reservation,
    ReservationId, ResourceId, ResourceName, RowName, SeatLabel, SectionId, SectionName, Seq, TimeRange,
    Title, Traceparent, UserId, VenueId, VenueName, WaitlistEntry, WaitlistEntryId, ZoneName,
    booking::{View, Whole},
    conflict,
    event::Currency,
    range, reservation, seating,
    visible::{Another, AnothersReservation, AnothersWaitlistEntry},
    waitlist,
};

/// Schemas by their names.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// Some character that is no white space, and no control character.
const LINE: &str =
    r"^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$";

/// The same over several lines.
const LINES: &str = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$";

/// Gives types the schemas of strings.
macro_rules! strings {
    ($($name:ident: $build:expr, $about:literal, $example:literal;)+) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let build: fn(ObjectBuilder) -> ObjectBuilder = $build;
                    build(ObjectBuilder::new().schema_type(Type::String))
                        .description(Some($about))
                        .examples([$example])
                        .into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

fn text(object: ObjectBuilder, limit: usize, pattern: &str) -> ObjectBuilder {
    object.min_length(Some(1)).max_length(Some(limit)).pattern(Some(pattern))
}

fn uuid(object: ObjectBuilder) -> ObjectBuilder {
    object.format(Some(SchemaFormat::Custom("uuid".to_owned())))
}

strings! {
    UserId: |it| text(it, UserId::LIMIT, LINE), "Who books: an opaque name, compared exactly.", "alice";
    RequestId: |it| text(it, RequestId::LIMIT, LINE),
        "Follows one request through log lines, the log of changes and the socket.",
        "0195a2b4-7c3e-7d11-8a55-3f1b6c0e9d42";
    ResourceName: |it| text(it, ResourceName::LIMIT, LINE),
        "What people call a resource: trimmed and in NFC, exact within its venue.", "Raum1";
    Traceparent: |it| text(it, Traceparent::LIMIT, LINE),
        "The trace of which a request is a part (W3C Trace Context).",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    VenueName: |it| text(it, VenueName::LIMIT, LINE),
        "What people call a venue: trimmed and in NFC, exact within its tenant.", "Haus A";
    ZoneName: |it| text(it, ZoneName::LIMIT, LINE), "The name of an IANA time zone.", "Europe/Berlin";
    Address: |it| text(it, Address::LIMIT, LINES), "Where a venue is, over several lines if need be; not blank.",
        "Hauptstraße 1\n10115 Berlin";
    Title: |it| text(it, Title::LIMIT, LINE), "A line about a booking.", "Planning";
    Note: |it| text(it, Note::LIMIT, LINES), "More about a booking, over several lines if need be; not blank.",
        "Bring the plans.";
    EventTitle: |it| text(it, EventTitle::LIMIT, LINE), "What people call an event.", "Concert 2027";
    SectionName: |it| text(it, SectionName::LIMIT, LINE),
        "What people call a section: trimmed and in NFC, exact within its event.", "VIP";
    RowName: |it| text(it, RowName::LIMIT, LINE), "What people call a row of seats: trimmed and in NFC.", "A";
    SeatLabel: |it| text(it, SeatLabel::LIMIT, LINE),
        "What people call a seat: trimmed and in NFC, exact within its event.", "A12";
    Category: |it| text(it, Category::LIMIT, LINE), "A kind of seats: trimmed and in NFC, exact.", "balcony";
    Currency: |it| it.min_length(Some(3)).max_length(Some(3)).pattern(Some("^[A-Z]{3}$")),
        "The code of a currency, by ISO 4217.", "EUR";
    ConfirmationCode: |it| it.pattern(Some("^[2-9A-HJKMNP-TV-Z]{4}(-[2-9A-HJKMNP-TV-Z]{4}){2}$")),
        "What the owner of confirmed units shows for them.", "K7QX-M2RD-9HTB";
    EventId: uuid, "The id of an event.", "0195a2b5-2222-7d11-8a55-000000000001";
    SectionId: uuid, "The id of a section.", "0195a2b5-3333-7d11-8a55-000000000001";
    ReservationId: uuid, "The id of a reservation.", "0195a2b5-4444-7d11-8a55-000000000001";
    WaitlistEntryId: uuid, "The id of a place in line.", "0195a2b5-4444-7d11-8a55-000000000003";
    BookingId: uuid, "The id of a booking.", "0195a2b4-7c3e-7d11-8a55-3f1b6c0e9d42";
    ResourceId: uuid, "The id of a resource.", "0195a2b0-1111-7d11-8a55-000000000001";
    VenueId: uuid, "The id of a venue.", "00000000-0000-0000-0000-000000000002";
}

impl PartialSchema for Seq {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .description(Some(
                "A position in the log, which rises with each change; 0 stands before the first.",
            ))
            .examples([17])
            .into()
    }
}

impl ToSchema for Seq {}

impl PartialSchema for TimeRange {
    fn schema() -> RefOr<Schema> {
        range::Bounds::schema()
    }
}

impl ToSchema for TimeRange {}

/// Gives types the schemas of how they are written whole.
macro_rules! written_as {
    ($($name:ident: $whole:ty;)+) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    <$whole>::schema()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    <$whole>::name()
                }

                fn schemas(schemas: &mut Schemas) {
                    <$whole>::schemas(schemas);
                }
            }
        )+
    };
}

written_as! {
    Reservation: reservation::Whole<'_>;
    WaitlistEntry: waitlist::Whole<'_>;
}

/// Adds a type's schema, and those that it refers to.
fn add<T: ToSchema>(schemas: &mut Schemas) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn refer<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

impl PartialSchema for seating::Row {
    fn schema() -> RefOr<Schema> {
        let limit = seating::Row::LIMIT;
        ObjectBuilder::new()
            .description(Some("A row of seats: so many that are numbered, or seats by their labels."))
            .property("name", refer::<RowName>())
            .required("name")
            .property(
                "seats",
                ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .minimum(Some(1))
                    .maximum(Some(limit))
                    .description(Some("How many, called by the row's name and their number.")),
            )
            .property(
                "first",
                ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).description(Some(
                    "The first number, where that is not 1: the row goes on from one of this name.",
                )),
            )
            .property(
                "labels",
                ArrayBuilder::new().items(refer::<SeatLabel>()).min_items(Some(1)).max_items(Some(limit)),
            )
            .property(
                "rank",
                ObjectBuilder::new().schema_type(Type::Integer).description(Some(
                    "Of two rows the one of the lower rank is better; 0, unless it is said.",
                )),
            )
            .property(
                "category",
                OneOfBuilder::new().item(Object::with_type(Type::Null)).item(refer::<Category>()),
            )
            .into()
    }
}

impl ToSchema for seating::Row {
    fn name() -> Cow<'static, str> {
        "SeatRow".into()
    }

    fn schemas(schemas: &mut Schemas) {
        add::<RowName>(schemas);
        add::<SeatLabel>(schemas);
        add::<Category>(schemas);
    }
}

/// Names what a caller sees whole, or cut when it is another's.
macro_rules! seen {
    ($($name:ident: $whole:ty, $cut:ty, $about:literal;)+) => {
        $(
            #[doc = $about]
            #[derive(Debug)]
            pub enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    OneOfBuilder::new()
                        .item(refer::<$whole>())
                        .item(refer::<$cut>())
                        .description(Some($about))
                        .into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn schemas(schemas: &mut Schemas) {
                    add::<$whole>(schemas);
                    add::<$cut>(schemas);
                }
            }
        )+
    };
}

seen! {
    SeenBooking: View<'_>, Another, "A booking; of another's, if it is not the caller's to read, the range and the state only.";
    SeenRecordedBooking: Whole<'_>, Another,
        "A booking as the log keeps it; of another's, if it is not the caller's to read, the range and the state only.";
    SeenConflict: conflict::Wire, Another,
        "A booking that overlaps; of another's, if it is not the caller's to read, the range and the state only.";
    SeenReservation: reservation::Whole<'_>, AnothersReservation<'_>,
        "A reservation; of another's, if it is not the caller's to read, the units and the state only.";
    SeenWaitlistEntry: waitlist::Whole<'_>, AnothersWaitlistEntry,
        "A place in line; of another's, if it is not the caller's to read, the event and the state only.";
}
