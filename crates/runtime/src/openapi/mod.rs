//! What of an OpenAPI document is the same for every service: headers, problems, the probes, what an extractor takes and
//! refuses with.
//!
//! Problems are documented by the functions that make them, so that the document says what is answered. Never knows
//! what a service is for.

mod complete;
mod headers;
mod merge;
mod parts;
mod probes;
mod problems;

pub use complete::complete;
pub use headers::header;
pub use merge::merge;
pub use parts::{Part, Parts};

use utoipa::openapi::{Info, InfoBuilder, LicenseBuilder, OpenApi, tag::TagBuilder};

/// What a process serves besides its services: probes, metrics and pages, added to what they say.
pub fn served(services: OpenApi) -> OpenApi {
    let mut document = merge(merge(services, probes::probes()), probes::pages());
    let head =
        TagBuilder::new().name(complete::HEAD_TAG).description(Some("As GET, without the body.")).build();
    document.tags.get_or_insert_default().push(head);
    document
}

/// What the document of every service says of itself.
pub fn info(title: &str, description: &str) -> Info {
    InfoBuilder::new()
        .title(title)
        .description(Some(description))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build()
}
