//! Resources that say which methods they have: `Allow` on a 405 is what was mounted, and HEAD goes wherever GET does.
//!
//! Never knows a path; handlers and paths are the service's.

use actix_web::{
    FromRequest, Handler, HttpResponse, Responder, ResponseError,
    dev::{AppService, HttpServiceFactory},
    guard::{self, Guard},
    http::{Method, header},
    web,
};

use tracing::debug;

use crate::problem::Problem;

/// A path with its methods, to be mounted as a service. Any other method, known to HTTP or not, is answered by 405.
pub struct Resource {
    path: String,
    resource: actix_web::Resource,
    methods: Vec<Method>,
}

/// A resource without methods yet. The path is full, with `{names}` for what it leaves open.
pub fn at(path: impl Into<String>) -> Resource {
    let path = path.into();
    #[expect(clippy::disallowed_methods, reason = "the one place where it is done")]
    let resource = web::resource(path.as_str());
    Resource { resource, path, methods: Vec::new() }
}

impl Resource {
    /// A read. HEAD is the same without the body, which actix leaves out.
    pub fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.route(&[Method::GET, Method::HEAD], guard::Any(guard::Get()).or(guard::Head()), handler)
    }

    /// A command, or something made.
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.on(Method::POST, handler)
    }

    /// A change to what is there.
    pub fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.on(Method::PUT, handler)
    }

    /// A change to a part of what is there.
    pub fn patch<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.on(Method::PATCH, handler)
    }

    /// An end to what is there.
    pub fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.on(Method::DELETE, handler)
    }

    /// This method alone: a GET without HEAD is a socket, or a stream without end.
    pub fn on<F, Args>(self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        let guard = guard::Method(method.clone());
        self.route(&[method], guard, handler)
    }

    fn route<F, Args>(mut self, methods: &[Method], guard: impl Guard + 'static, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.methods.extend_from_slice(methods);
        Self { resource: self.resource.route(web::route().guard(guard).to(handler)), ..self }
    }
}

impl HttpServiceFactory for Resource {
    fn register(self, config: &mut AppService) {
        let allowed = self.methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        // All that is mounted is said here, so that it can be held against what is documented.
        debug!(path = self.path, methods = allowed, "mounted");
        let refuse = move || std::future::ready(not_allowed(&allowed));
        self.resource.default_service(web::to(refuse)).register(config);
    }
}

fn not_allowed(allowed: &str) -> HttpResponse {
    let mut answer = Problem::method_not_allowed().error_response();
    if let Ok(allowed) = allowed.parse() {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test};

    use super::*;

    /// Status and `Allow`.
    async fn ask(method: &str, path: &str) -> (u16, Option<String>) {
        let app = test::init_service(
            App::new()
                .service(at("/seats/{id}").get(HttpResponse::Ok).delete(HttpResponse::NoContent))
                .service(at("/socket").on(Method::GET, HttpResponse::Ok)),
        )
        .await;
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = test::TestRequest::with_uri(path).method(method).to_request();
        let answer = test::call_service(&app, request).await;
        let allowed = answer.headers().get(header::ALLOW).map(|allowed| allowed.to_str().unwrap().to_owned());
        (answer.status().as_u16(), allowed)
    }

    #[actix_web::test]
    async fn a_method_that_is_not_there_is_answered_with_those_that_are() {
        for method in ["POST", "OPTIONS", "FOO", "get"] {
            let allowed = Some("GET, HEAD, DELETE".to_owned());
            assert_eq!(ask(method, "/seats/1").await, (405, allowed), "{method}");
        }
        assert_eq!(ask("HEAD", "/socket").await, (405, Some("GET".to_owned())));
    }

    #[actix_web::test]
    async fn each_method_that_is_listed_is_there() {
        for (method, status) in [("GET", 200), ("HEAD", 200), ("DELETE", 204)] {
            assert_eq!(ask(method, "/seats/1").await, (status, None), "{method}");
        }
        assert_eq!(ask("GET", "/seats").await, (404, None));
    }
}
