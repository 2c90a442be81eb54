//! The pages for people: the API's OpenAPI document, a viewer for it at `/docs`, and what is where at `/`. Everything is
//! served from here; nothing is loaded from elsewhere.
//!
//! Never knows what the document says.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName},
    web,
};
use bytes::Bytes;
use utoipa::openapi::OpenApi;
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

/// What `/` says.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The name of the service.
    pub title: &'a str,
    /// What it is, in a sentence.
    pub about: &'a str,
    /// What is where, besides what is in every service: paths, and what is there.
    pub places: &'a [(&'a str, &'a str)],
    /// Something to try, from where the page is read: `http{s}://{host}` becomes the origin that it was asked under.
    pub example: &'a str,
}

/// Where everything is that every service has.
const PLACES: [(&str, &str); 5] = [
    ("/docs", "The API, to be read and tried out."),
    (DOCUMENT, "The same for programs (OpenAPI 3.1)."),
    ("/livez", "Whether the process runs."),
    ("/readyz", "Whether it can serve, and what it leans on."),
    ("/metrics", "What is counted and timed, for Prometheus."),
];

/// The pages, ready to be mounted; clones share them.
#[derive(Clone)]
pub struct Docs {
    start: Arc<str>,
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
    /// The pages of an API.
    pub fn new(start: &Start, document: impl Into<Bytes>) -> Self {
        Self {
            start: start.page().into(),
            document: File::new("application/json", document),
            viewer: viewer().into(),
        }
    }

    /// The pages of the service that this document is of.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn of(start: &Start, document: &OpenApi) -> Result<Self, serde_json::Error> {
        Ok(Self::new(start, serde_json::to_vec(document)?))
    }

    /// Mounts `/`, `/openapi.json` and `/docs`.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        let (start, document, viewer) =
            (Arc::clone(&self.start), self.document.clone(), Arc::clone(&self.viewer));
        config
            .service(routes::at("/").get(move |request: HttpRequest, had: IfNoneMatch| {
                let page = File::new("text/html; charset=utf-8", read_at(&start, &request));
                std::future::ready(page.answer(&had))
            }))
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

impl Start<'_> {
    fn page(&self) -> String {
        let (title, about, example) = (escaped(self.title), escaped(self.about), escaped(self.example));
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>body {{ font: 1rem/1.5 sans-serif; margin: 2rem auto; max-width: 40rem; padding: 0 1rem }} \
             pre {{ overflow-x: auto }}</style>\n\
             <h1>{title}</h1>\n<p>{about}\n<dl>\n"
        );
        for (path, what) in PLACES.iter().chain(self.places) {
            let (path, what) = (escaped(path), escaped(what));
            // To write into a String can't fail.
            let _ = writeln!(page, "<dt><a href=\"{path}\">{path}</a>\n<dd>{what}");
        }
        // Within the `pre` a new line would be shown.
        let _ = write!(page, "</dl>\n<pre>{example}</pre>\n</html>\n");
        page
    }
}

/// The page with the origin that it was asked under, which behind a proxy is not where this process listens.
fn read_at(page: &str, request: &HttpRequest) -> String {
    let asked = request.connection_info();
    let host = if is_host(asked.host()) {
        asked.host().to_owned()
    } else {
        request.app_config().local_addr().to_string()
    };
    page.replace("{s}", if asked.scheme() == "https" { "s" } else { "" }).replace("{host}", &host)
}

/// Whether it is a name or an address, with or without a port, and nothing else: it goes into a page, and from there into
/// somebody's shell.
fn is_host(text: &str) -> bool {
    text.len() < 256
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
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
        let start = Start {
            title: "Rooms & seats",
            about: "They are <booked>.",
            places: &[("/a?b&c", "\"<script>\"")],
            example: "curl 'http{s}://{host}/' -d '{\"a\": 1}'",
        };
        let docs = Docs::new(&start, r#"{"openapi":"3.1.0"}"#);
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
        assert!(page.contains("<p>They are &lt;booked&gt;."), "{page}");
        assert!(page.contains("<pre>curl 'http://localhost:8080/' -d '{&quot;a&quot;: 1}'</pre>"), "{page}");
        for path in ["/docs", "/openapi.json", "/livez", "/readyz", "/metrics"] {
            assert!(page.contains(&format!("<a href=\"{path}\">{path}</a>\n<dd>")), "{page}");
        }
        assert!(page.contains("<dd>&quot;&lt;script&gt;&quot;"), "{page}");
    }

    #[actix_web::test]
    async fn the_example_goes_where_the_page_was_asked_for() {
        let tried = async |headers: &[(&'static str, &'static str)]| {
            let request = TestRequest::get();
            let (_, page) =
                ask(headers.iter().fold(request, |request, header| request.insert_header(*header))).await;
            let (_, example) = page.split_once("<pre>curl '").unwrap();
            example.split_once("/' ").unwrap().0.to_owned()
        };
        assert_eq!(tried(&[("host", "rooms.example:9000")]).await, "http://rooms.example:9000");
        let https = [("host", "[::1]:9000"), ("x-forwarded-proto", "https")];
        assert_eq!(tried(&https).await, "https://[::1]:9000");
        let odd = [("host", "rooms"), ("x-forwarded-proto", "\"><script>")];
        assert_eq!(tried(&odd).await, "http://rooms");
        // What is no host goes neither into the page nor into a shell.
        for host in ["<script>", "a'; rm -r b", "$(id)", "-K", "a&b", "a/b"] {
            assert_eq!(tried(&[("host", host)]).await, "http://127.0.0.1:8080", "{host}");
        }
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
