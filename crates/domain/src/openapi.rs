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
        KnownFormat, ObjectBuilder, RefOr, SchemaFormat,
        schema::{OneOfBuilder, Ref, Schema, Type},
    },
};

use crate::{
    Address, BookingId, Note, RequestId, ResourceId, ResourceName, Seq, TimeRange, Title, Traceparent,
    UserId, VenueId, VenueName, ZoneName,
    booking::{View, Whole},
    conflict, range,
    visible::Another,
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

/// Adds a type's schema, and those that it refers to.
fn add<T: ToSchema>(schemas: &mut Schemas) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn refer<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

/// Names what a caller sees whole, or cut when it is another's.
macro_rules! seen {
    ($($name:ident: $whole:ty, $about:literal;)+) => {
        $(
            #[doc = $about]
            #[derive(Debug)]
            pub enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    OneOfBuilder::new()
                        .item(refer::<$whole>())
                        .item(refer::<Another>())
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
                    add::<Another>(schemas);
                }
            }
        )+
    };
}

seen! {
    SeenBooking: View<'_>, "A booking; of another's, if it is not the caller's to read, the range and the state only.";
    SeenRecordedBooking: Whole<'_>,
        "A booking as the log keeps it; of another's, if it is not the caller's to read, the range and the state only.";
    SeenConflict: conflict::Wire,
        "A booking that overlaps; of another's, if it is not the caller's to read, the range and the state only.";
}
