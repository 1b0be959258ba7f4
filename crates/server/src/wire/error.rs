//! API errors: one table of codes, answered as RFC 9457 problem details. Internal detail goes to the log only.

use crate::writer::Failure;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bespoke_domain::Problem;
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

const PROBLEM_JSON: &str = "application/problem+json";

/// One kind of error.
pub struct ErrorSpec {
    /// The stable code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it is, for people.
    pub title: &'static str,
    /// What to do about it.
    pub doc: &'static str,
}

const fn spec(code: &'static str, status: u16, title: &'static str, doc: &'static str) -> ErrorSpec {
    ErrorSpec { code, status, title, doc }
}

/// Every error of the API. The last one stands in for codes that are not in the table.
pub static ERRORS: [ErrorSpec; 17] = [
    spec("bad_json", 400, "The body is not JSON", "Send one JSON object, an array of them, or one a line."),
    spec("bad_request", 400, "The request cannot be read", "Check its headers and its path."),
    spec("invalid_request", 400, "A field is not as it must be", "`errors` names each field and its fix."),
    spec(
        "too_many",
        400,
        "Too many in one request",
        "Split it: 500 events or 1,000 catalogue rows a request.",
    ),
    spec(
        "unauthorized",
        401,
        "No key, or one this shop does not know",
        "Send `Authorization: Bearer <key>`.",
    ),
    spec("forbidden_scope", 403, "This key may not do that", "Use a secret key, from a server only."),
    spec("not_found", 404, "There is no such thing", "Check the path and the id."),
    spec("unknown_placement", 404, "There is no such placement", "Name one of the placement file."),
    spec("method_not_allowed", 405, "This path has other methods", "/openapi.json lists them."),
    spec("not_enough_data", 409, "Too little is known for that", "Wait until more shoppers were seen."),
    spec("too_large", 413, "The body is too large", "Split it: 1 MiB a request."),
    spec("replay_busy", 429, "A replay is going on", "Try again when it is done."),
    spec("training_busy", 429, "A run of learning is going on", "Wait for it: GET /v1/models."),
    spec("queue_full", 503, "The server is busy", "Nothing was taken in; send it again after a second."),
    spec("too_slow", 504, "It took too long", "Send it again; events with an `event_id` go in once."),
    spec(
        "disk_full",
        507,
        "No space is left on the server's disk",
        "Nothing was taken in; send it again later.",
    ),
    spec("internal", 500, "Something went wrong in the server", "The server's log says what."),
];

/// One fault of one field.
#[derive(Serialize, ToSchema)]
pub struct FieldFault {
    /// The field, dotted: `context.item_ids.3`.
    pub pointer: String,
    /// A stable code.
    pub code: String,
    /// What is wrong and how to mend it.
    pub detail: String,
}

/// An RFC 9457 problem.
#[derive(Serialize, ToSchema)]
pub struct ProblemJson {
    /// Where the error is documented.
    pub r#type: String,
    /// What it is.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The stable code.
    pub code: String,
    /// Faults by field.
    pub errors: Vec<FieldFault>,
}

/// An error on its way to the client.
#[derive(Debug)]
pub struct ApiError {
    code: &'static str,
    detail: String,
    problems: Vec<Problem>,
}

impl ApiError {
    /// An error of the table with what happened this time.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), problems: Vec::new() }
    }

    /// A fault of the server; the client learns nothing more.
    pub fn internal() -> Self {
        Self::new("internal", "try again; if it stays, tell the shop's operators")
    }

    /// What a job failed with.
    pub fn of_failure(failure: Failure) -> Self {
        match failure {
            Failure::DiskFull => {
                Self::new("disk_full", "nothing was taken in; send it again when there is space")
            }
            Failure::Busy => Self::new("queue_full", "nothing was taken in; send it again in a moment"),
            Failure::Internal => Self::internal(),
        }
    }

    /// Faults of fields.
    pub fn invalid(problem: Problem) -> Self {
        Self::of(problem)
    }

    /// The error of a problem with the whole body: by its own code where the table has it.
    pub fn of(problem: Problem) -> Self {
        let code =
            ERRORS.iter().find(|spec| spec.code == problem.code).map_or("invalid_request", |spec| spec.code);
        Self { code, detail: problem.to_string(), problems: vec![problem] }
    }

    /// The error of a layer of the HTTP library, which answers with a status and a line of text.
    pub fn of_layer(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        let is_ours = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
        match status {
            _ if is_ours => None,
            StatusCode::PAYLOAD_TOO_LARGE => Some(Self::new("too_large", "send at most 1 MiB at once")),
            StatusCode::GATEWAY_TIMEOUT => {
                Some(Self::new("too_slow", "the server did not get to it in time"))
            }
            status if status.is_client_error() => {
                Some(Self::new("bad_request", status.canonical_reason().unwrap_or_default().to_lowercase()))
            }
            status if status.is_server_error() => Some(Self::internal()),
            _ => None,
        }
    }

    fn spec(&self) -> &'static ErrorSpec {
        ERRORS.iter().find(|spec| spec.code == self.code).unwrap_or(&ERRORS[ERRORS.len() - 1])
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.spec().title, self.detail)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let spec = self.spec();
        let fault =
            |one: Problem| FieldFault { pointer: one.field, code: one.code.to_owned(), detail: one.detail };
        let body = ProblemJson {
            r#type: format!("/docs/api.md#{}", spec.code),
            title: spec.title.to_owned(),
            status: spec.status,
            detail: self.detail,
            code: spec.code.to_owned(),
            errors: self.problems.into_iter().map(fault).collect(),
        };
        let status = StatusCode::from_u16(spec.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if matches!(spec.status, 429 | 503) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
