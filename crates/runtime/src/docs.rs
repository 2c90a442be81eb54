//! The pages for people: the API's OpenAPI document, a viewer for it at `/docs`, and what is where at `/`. Everything is
//! served from here; nothing is loaded from elsewhere.
//!
//! Never knows what the document says.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderName},
    web,
};
use bytes::Bytes;
use utoipa_swagger_ui::Config;

use crate::{
    extract::Path,
    headers::{IfNoneMatch, Tag},
    problem::Problem,
    routes,
};

const DOCUMENT: &str = "/openapi.json";
const VIEWER: &str = "/docs/";

/// What the viewer is made of.
const VIEWER_FILES: [&str; 8] = [
    "index.html",
    "index.css",
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-initializer.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];

/// What a page may load: what is served here. The viewer sets styles by itself, and draws its icons from `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same for every page. An old page is shown to nobody: the tag tells whether it is one.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-cache"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The pages, ready to be mounted; clones share them.
#[derive(Clone)]
pub struct Docs {
    start: File,
    document: File,
    viewer: Arc<[(&'static str, File)]>,
}

#[derive(Clone)]
struct File {
    media_type: Cow<'static, str>,
    tag: Tag,
    content: Bytes,
}

impl Docs {
    /// The pages of an API: `title` and what is where, as (path, what) for `/`, and the OpenAPI document as JSON.
    pub fn new(title: &str, places: &[(&str, &str)], document: impl Into<Bytes>) -> Self {
        let start = File::new("text/html; charset=utf-8", start_page(title, places));
        Self { start, document: File::new("application/json", document), viewer: viewer().into() }
    }

    /// Mounts `/`, `/openapi.json` and `/docs`.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        let (start, document, viewer) = (self.start.clone(), self.document.clone(), Arc::clone(&self.viewer));
        config
            .service(routes::at("/").get(move |had: IfNoneMatch| std::future::ready(start.answer(&had))))
            .service(
                routes::at(DOCUMENT).get(move |had: IfNoneMatch| std::future::ready(document.answer(&had))),
            )
            // The viewer's files stand beside its page, so the page has to end with a slash.
            .service(routes::at("/docs").get(async || {
                HttpResponse::PermanentRedirect().insert_header((header::LOCATION, VIEWER)).finish()
            }))
            .service(routes::at("/docs/{file:.*}").get(move |Path(name): Path<String>, had: IfNoneMatch| {
                let name = if name.is_empty() { "index.html" } else { &name };
                let file = viewer.iter().find(|(known, _)| *known == name);
                std::future::ready(file.map(|(_, file)| file.answer(&had)).ok_or_else(Problem::not_found))
            }));
    }
}

impl File {
    fn new(media_type: impl Into<Cow<'static, str>>, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self { media_type: media_type.into(), tag: Tag::content(&content), content }
    }

    fn answer(&self, had: &IfNoneMatch) -> HttpResponse {
        let mut answer = had.not_modified(&self.tag).unwrap_or_else(|| {
            HttpResponse::Ok()
                .content_type(&*self.media_type)
                .insert_header(self.tag.header())
                .body(self.content.clone())
        });
        for (name, value) in HEADERS {
            answer.headers_mut().insert(name, header::HeaderValue::from_static(value));
        }
        answer
    }
}

fn viewer() -> Vec<(&'static str, File)> {
    // By default it shows a badge from validator.swagger.io.
    let config = Arc::new(Config::from(DOCUMENT).use_base_layout().validator_url("none"));
    let file = |name| {
        // All are there: a test looks.
        let found = utoipa_swagger_ui::serve(name, Arc::clone(&config)).ok().flatten()?;
        let content = match found.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        Some((name, File::new(found.content_type, content)))
    };
    VIEWER_FILES.into_iter().filter_map(file).collect()
}

fn start_page(title: &str, places: &[(&str, &str)]) -> String {
    let title = escaped(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body {{ font: 1rem/1.5 sans-serif; margin: 2rem auto; max-width: 40rem; padding: 0 1rem }}</style>\n\
         <h1>{title}</h1>\n<dl>\n"
    );
    for (path, what) in places {
        let (path, what) = (escaped(path), escaped(what));
        // To write into a String can't fail.
        let _ = writeln!(page, "<dt><a href=\"{path}\">{path}</a>\n<dd>{what}");
    }
    page.push_str("</dl>\n</html>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, body,
        test::{TestRequest, call_service, init_service},
    };

    use super::*;

    async fn ask(request: TestRequest) -> (HttpResponse<()>, String) {
        let places = [("/docs", "The API, to be tried out."), ("/a?b&c", "\"<script>\"")];
        let docs = Docs::new("Rooms & seats", &places, r#"{"openapi":"3.1.0"}"#);
        let app = init_service(App::new().configure(|config| docs.configure(config))).await;
        let (answer, content) = call_service(&app, request.to_request()).await.into_parts().1.into_parts();
        let content = body::to_bytes(content).await.unwrap();
        (answer, String::from_utf8_lossy(&content).into_owned())
    }

    async fn get(path: &str) -> (HttpResponse<()>, String) {
        ask(TestRequest::get().uri(path)).await
    }

    fn header<'a>(answer: &'a HttpResponse<()>, name: &str) -> &'a str {
        answer.headers().get(name).unwrap().to_str().unwrap()
    }

    #[actix_web::test]
    async fn the_start_page_says_what_is_where_and_takes_no_text_for_html() {
        let (answer, page) = get("/").await;
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        assert!(page.contains("<h1>Rooms &amp; seats</h1>"), "{page}");
        assert!(page.contains("<a href=\"/docs\">/docs</a>\n<dd>The API, to be tried out."), "{page}");
        assert!(page.contains("<dd>&quot;&lt;script&gt;&quot;"), "{page}");
    }

    #[actix_web::test]
    async fn the_document_is_sent_once_to_a_caller_that_keeps_it() {
        let (answer, document) = get(DOCUMENT).await;
        assert_eq!(
            (header(&answer, "content-type"), &*document),
            ("application/json", r#"{"openapi":"3.1.0"}"#)
        );
        let had = (header::IF_NONE_MATCH, header(&answer, "etag").to_owned());
        let (answer, document) = ask(TestRequest::get().uri(DOCUMENT).insert_header(had)).await;
        assert_eq!((answer.status().as_u16(), &*document), (304, ""));
        assert_eq!(header(&answer, "cache-control"), "no-cache");
    }

    #[actix_web::test]
    async fn the_viewer_has_every_file_that_it_names_and_none_from_elsewhere() {
        let (redirect, _) = get("/docs").await;
        assert_eq!((redirect.status().as_u16(), header(&redirect, "location")), (308, VIEWER));
        let (_, page) = get(VIEWER).await;
        let links = page.split("=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let files: Vec<_> = links.filter(|link| link.contains('.')).collect();
        assert_eq!(files.len() + 1, VIEWER_FILES.len(), "{files:?}");
        for file in files {
            let (answer, _) = get(&format!("{VIEWER}{}", file.trim_start_matches("./"))).await;
            assert_eq!(answer.status(), 200, "{file}");
        }
        let (_, script) = get("/docs/swagger-initializer.js").await;
        assert!(script.contains(r#""url": "/openapi.json""#), "{script}");
        assert!(script.contains(r#""validatorUrl": "none""#) && !script.contains("petstore"), "{script}");
    }

    #[actix_web::test]
    async fn no_page_may_load_or_be_taken_for_anything_else() {
        for path in ["/", DOCUMENT, VIEWER, "/docs/swagger-ui-bundle.js"] {
            let (answer, _) = get(path).await;
            assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
            assert!(header(&answer, "content-security-policy").starts_with("default-src 'none'"), "{path}");
        }
        assert_eq!(get("/docs/nothing.js").await.0.status(), 404);
    }
}
