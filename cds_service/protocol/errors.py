"""Every failure that a caller can meet, in one hierarchy, and the one way in which it is answered.

A CDS client can only act on an error that says which field was wrong and that support can find again. So each failure
carries its HTTP status, its FHIR issue code and the field, and leaves as an OperationOutcome with the request id. A
person who has come with a browser, and not to an address of the API, gets a page that says the same.
Messages are fixed sentences: no value of a request ever reaches one, because a request is full of patient data.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from fhir.resources.R4B.operationoutcome import OperationOutcome
from flask import Response, request
from werkzeug.exceptions import HTTPException

from cds_service.protocol.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flask import Flask

    from cds_service.protocol.schemas import Problem

_LOG: Final = logging.getLogger(__name__)

# The issue code and the sentence for what Flask and werkzeug raise by themselves.
_HTTP: Final = {
    HTTPStatus.BAD_REQUEST: ("invalid", "The request could not be read."),
    HTTPStatus.NOT_FOUND: ("not-found", "Nothing is offered at this address; GET /cds-services lists what is."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("not-supported", "This address does not answer that HTTP method."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too-long", "The request body is larger than this service accepts."),
}
_KEPT_HEADERS: Final = ("Allow", "Retry-After")
# What programs call, whatever they say that they accept.
_API_PATHS: Final = ("/cds-services", "/fhir/", "/metrics", "/livez", "/readyz")


class SettingsError(Exception):
    """Settings that cannot be used; `problems` holds a sentence for each, beginning with the setting or the file."""

    def __init__(self, problems: Iterable[str]) -> None:
        """Keep the sentences and join them for display."""
        self.problems = tuple(problems)
        super().__init__("the settings cannot be used:\n" + "\n".join(f"  {problem}" for problem in self.problems))


class Fault(NamedTuple):
    """One thing that is wrong with a request: FHIR issue code, a sentence, and the fields it is about."""

    issue_code: str
    message: str
    expression: tuple[str, ...] = ()


def faults_of(problems: Iterable[Problem]) -> list[Fault]:
    """Return what a schema found wrong with a body."""
    return [Fault(found.issue_code, found.message, (found.path,) if found.path else ()) for found in problems]


class ServiceError(Exception):
    """A request that is refused: HTTP status, FHIR issue code, a sentence, and the fields it is about.

    `faults` are these, and whatever else is wrong with the same request.
    """

    def __init__(self, status: int, issue_code: str, message: str, expression: Iterable[str] = ()) -> None:
        """Take a message that repeats nothing of the request; field names are fine."""
        super().__init__(message)
        self.status = status
        self.issue_code = issue_code
        self.message = message
        self.expression = tuple(expression)
        self.faults: tuple[Fault, ...] = (Fault(issue_code, message, self.expression),)
        self.headers: dict[str, str] = {}


class BadRequestError(ServiceError):
    """400: the body breaks the contract at one place."""

    def __init__(self, issue_code: str, message: str, *expression: str) -> None:
        """Take the paths of the fields at fault, such as `context.patientId`."""
        super().__init__(HTTPStatus.BAD_REQUEST, issue_code, message, expression)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> Self:
        """Return the refusal of a body that breaks the contract at one place or several, all of them named."""
        error = cls(faults[0].issue_code, faults[0].message, *faults[0].expression)
        error.faults = tuple(faults)
        return error


class FeedbackError(BadRequestError):
    """400: some entries of a batch of feedback cannot be read; the others were kept."""

    def __init__(self, faults: Sequence[Fault], *, kept: int) -> None:
        """Take what is wrong, and how many events were kept nevertheless."""
        said = f"What could be read of this batch was kept ({kept}); once mended it may be sent again."
        first, *others = faults
        super().__init__(first.issue_code, f"{first.message} {said}" if kept else first.message, *first.expression)
        self.faults = (*self.faults, *others)


class UnauthorizedError(ServiceError):
    """401: the caller has not proved who it is; the reason is for the log only."""

    def __init__(self) -> None:
        """Say the same to everybody, so that nothing can be learned by trying."""
        super().__init__(HTTPStatus.UNAUTHORIZED, "login", "Authentication is required.")
        self.headers["WWW-Authenticate"] = "Bearer"


class TooManyCallsError(ServiceError):
    """429: the client has used up its calls of this minute."""

    def __init__(self, seconds: int) -> None:
        """Take the seconds after which the next call is answered."""
        message = "This client makes more calls than were agreed; no advice was given for this one."
        super().__init__(HTTPStatus.TOO_MANY_REQUESTS, "throttled", message)
        self.headers["Retry-After"] = str(seconds)


class UnknownServiceError(ServiceError):
    """404: no service has this id."""

    def __init__(self) -> None:
        """Point to where the ids are listed."""
        super().__init__(HTTPStatus.NOT_FOUND, "not-found", "No service has this id; GET /cds-services lists them.")


# What a 412 says of the FHIR server that a request names.
_SERVER_USES: Final[Mapping[str, str]] = {
    "none": "",
    "refused": "; the fhirServer of the request was not asked, because it is none of those agreed on with this client",
    "asked": " and were not to be had from the FHIR server in time",
}


class DataMissingError(ServiceError):
    """412: data without which no advice can be given were neither sent nor to be had from the FHIR server."""

    def __init__(self, keys: Iterable[str], server: str = "none") -> None:
        """Take the prefetch keys that are missing, and whether a FHIR server was `none`, `refused` or `asked`."""
        missing = tuple(keys)
        message = (
            f"Advice on a lumbar spine MRI needs data that were not sent{_SERVER_USES[server]}. Missing: "
            f"{', '.join(missing)}. Send them in prefetch under these keys, as the templates at /cds-services ask "
            "(null or an empty Bundle says that there are none), or name a fhirServer that this service may ask, with "
            "an access token that covers them."
        )
        fields = (f"prefetch.{key}" for key in missing)
        super().__init__(HTTPStatus.PRECONDITION_FAILED, "incomplete", message, fields)


class MediaTypeError(ServiceError):
    """415: the body is declared to be something other than plain JSON."""

    def __init__(self, message: str) -> None:
        """Take what was wrong with the declaration."""
        super().__init__(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-supported", message)


class TokensUnavailableError(ServiceError):
    """503: whether the token of a call was used before cannot be told, and its client lets nothing pass then."""

    def __init__(self) -> None:
        """Say that the client may call again, with a new token."""
        message = "Whether this token was used before cannot be told at the moment; please call again with a new one."
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, "transient", message)
        self.headers["Retry-After"] = "2"


# In whole seconds; a burst is over by then, and who still comes too often is told again.
RETRY_SECONDS: Final = 1
OVERLOADED: Final = (
    "More calls come than this service answers in time. No advice was given for this one; that does not mean approval."
)


class OverloadedError(ServiceError):
    """503: the call could not have been answered in time, so it was not begun."""

    def __init__(self) -> None:
        """Say that the client may call again."""
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, "throttled", OVERLOADED)
        self.headers["Retry-After"] = str(RETRY_SECONDS)


class StoreUnavailableError(ServiceError):
    """503: the store did not confirm what it was given."""

    def __init__(self) -> None:
        """Say that the client may send the same again; what was kept after all is known as a repeat."""
        message = "The feedback could not be stored; please send it again later."
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, "no-store", message)
        self.headers["Retry-After"] = "10"


def outcome_response(status: int, issue_code: str, message: str, expression: Iterable[str] = ()) -> Response:
    """Return an error answer of one fault."""
    return _faults_response(status, [Fault(issue_code, message, tuple(expression))])


def _faults_response(status: int, faults: Iterable[Fault]) -> Response:
    """Return an error answer: a validated OperationOutcome with an issue a fault, each with the request id."""
    body = _outcome(status, faults, current_trace().request_id)
    return Response(body, status=status, mimetype="application/json")


def _outcome(status: int, faults: Iterable[Fault], request_id: str) -> str:
    issues = []
    for fault in faults:
        issue: dict[str, object] = {
            "severity": "fatal" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "error",
            "code": fault.issue_code,
            "details": {"text": fault.message},
            "diagnostics": f"Request id: {request_id}",
        }
        if fault.expression:
            issue["expression"] = list(fault.expression)
        issues.append(issue)
    return str(OperationOutcome.model_validate({"resourceType": "OperationOutcome", "issue": issues}).model_dump_json())


def overloaded_outcome(request_id: str) -> str:
    """Return the body of the answer to a request for which there was not even a thread."""
    error = OverloadedError()
    return _outcome(error.status, error.faults, request_id)


def _service_error(error: ServiceError) -> Response:
    trace = current_trace()
    trace.problem = error.issue_code
    trace.problem_at = tuple(field for fault in error.faults for field in fault.expression)
    response = _faults_response(error.status, error.faults)
    response.headers.update(error.headers)
    return response


def _http_exception(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    code, message = _HTTP.get(status, ("processing", f"{status.phrase}."))
    response = outcome_response(status, code, message)
    raised = error.get_response()
    for name in _KEPT_HEADERS:
        if name in raised.headers:
            response.headers[name] = raised.headers[name]
    return response


def _crash(error: Exception) -> Response:
    _LOG.error("unhandled exception", exc_info=error)
    message = "The service failed while working on this request. No advice was given; that does not mean approval."
    return outcome_response(HTTPStatus.INTERNAL_SERVER_ERROR, "exception", message)


def register_error_handlers(app: Flask, page: Callable[[int, str, str], Response] | None = None) -> None:
    """Make every failure of an application leave as an OperationOutcome, or as a page for who came to see one.

    `page` returns the page of a status, a sentence and the request id.
    """

    def shown(outcome: Response, sentence: str) -> Response:
        if page is None or _is_api():
            return outcome
        response = outcome
        if _wants_page():
            try:
                response = page(outcome.status_code, sentence, current_trace().request_id)
            except Exception as error:  # noqa: BLE001 - what broke the page may be what is to be told
                _LOG.error("the page of a failure failed too", exc_info=error)
            response.headers.update({name: outcome.headers[name] for name in _KEPT_HEADERS if name in outcome.headers})
        response.vary.add("Accept")
        return response

    def service_error(error: ServiceError) -> Response:
        return shown(_service_error(error), error.message)

    def http_exception(error: HTTPException) -> Response:
        return shown(_http_exception(error), "")

    def crash(error: Exception) -> Response:
        return shown(_crash(error), "")

    app.register_error_handler(ServiceError, service_error)
    app.register_error_handler(HTTPException, http_exception)
    app.register_error_handler(Exception, crash)


def _is_api() -> bool:
    return request.path.startswith(_API_PATHS) or request.path.endswith(".json")


def _wants_page() -> bool:
    """Whether the caller would rather have HTML than JSON, as browsers say of what people open in them."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]
