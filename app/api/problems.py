"""THE catalogue of problems (RFC 9457): code -> status, title, cause, next step. Codes are added and never renamed.

Every refusal that leaves the service, by REST or by GraphQL, has its code here or is a reason of the tenant's policy.
The app serves each at ``/problems/{code}``, so that ``type`` leads somewhere without the internet. The reasons of the
shipped policies are registered where the app is put together; those of a tenant's own policy are `POLICY_REASON`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from app.api import reason_words
from app.api.catalogue import CATALOGUE, Entry
from app.api.formats import filled
from app.api.languages import current, language_headers, problem_text
from app.api.outside import address
from app.api.reply import Reply
from app.api.tongue import spoken_text
from app.domain.policy.reason_codes import ReasonCode
from app.domain.policy.translations import with_title
from app.domain.values.decision import Decision, Reason, Remedy
from app.domain.values.errors import DomainError
from app.domain.values.wire import jsonable, reason_json, remedy_json
from app.views.event import ProblemEntry

MEDIA_TYPE: Final = "application/problem+json"
POLICY_REASON: Final = "policy_reason"
_REASONS: Final[dict[str, Entry]] = {}

__all__ = [
    "CATALOGUE",
    "Entry",
    "FieldError",
    "Problem",
    "body_of",
    "entry_of",
    "known",
    "problem",
    "problems",
    "published",
    "register",
]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: where it came in, its JSON pointer, a code and what is wanted."""

    pointer: str
    code: str
    message: str
    place: str = "body"

    def json(self) -> dict[str, str]:
        """As published."""
        return {"pointer": self.pointer, "in": self.place, "code": self.code, "message": problem_text(self.message)}


class Problem(Exception):  # noqa: N818 - the RFC's word
    """A refusal that a door raises by itself; use cases raise `DomainError`."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra


def register(reasons: Iterable[ReasonCode]) -> None:
    """Publishes the reasons of the shipped policies beside the catalogue, whose own words win.

    Whoever asks reads them, so they say what a code means and nothing of any vendor's terms.
    """
    for reason in reasons:
        if reason.code not in CATALOGUE:
            title = reason.code.replace("_", " ").capitalize()
            step = reason_words.YES if reason.allows else reason_words.STEPS.get(reason.code, reason_words.ASK)
            _REASONS[reason.code] = Entry(409, title, reason_words.MEANINGS.get(reason.code, reason_words.ANY), step)


def known(code: str) -> Entry | None:
    """The entry served at ``/problems/{code}``, if there is one."""
    return CATALOGUE.get(code) or _REASONS.get(code)


def entry_of(code: str) -> Entry:
    """The entry of a code; a reason that only a tenant's own policy knows is answered as `POLICY_REASON`."""
    return known(code) or CATALOGUE[POLICY_REASON]


def body_of(
    code: str,
    detail: str | None = None,
    *,
    decision: Decision | None = None,
    errors: Iterable[FieldError] = (),
    **extra: Any,
) -> dict[str, Any]:
    """A problem's members: the same for REST and for GraphQL, in the language of the answer."""
    reasons: list[dict[str, Any]] = []
    if decision is not None and decision.reasons:
        reasons = [reason_json(reason) for reason in in_language(decision)]
        code, detail = reasons[0]["code"], detail or reasons[0]["message"]
    entry = entry_of(code)
    body: dict[str, Any] = {
        "type": address(f"/problems/{code if known(code) else POLICY_REASON}"),
        "title": problem_text(entry.title),
        "status": entry.status,
        "code": code,
        "detail": problem_text(detail or entry.cause),
        "next_step": problem_text(entry.next_step),
    }
    if decision is not None and code not in CATALOGUE:
        # The code's page tells what the shipped policies advise; here the answer's own remedies do.
        body["next_step"] = problem_text(CATALOGUE[POLICY_REASON].next_step)
    if decision is not None:
        body["reasons"] = reasons
        body["remedies"] = [remedy_json(_remedy(decision, remedy)) for remedy in decision.remedies]
        body["policy"] = {"name": decision.policy, "version": decision.policy_version}
    found = [error.json() for error in errors]
    if found:
        body["errors"] = found
    body.update({name: value for name, value in jsonable(extra).items() if name not in body})
    return body


def in_language(decision: Decision) -> list[Reason]:
    """Return the reasons of a decision in the language of the answer, where its policy has words in it."""
    texts, titles = decision.messages.get(current(), {}), decision.translations.get(current(), {})
    return [
        replace(
            reason,
            message=filled(texts.get(reason.code), with_title(titles, reason.facts)) or spoken_text(reason.message),
            would_change=None if reason.would_change is None else spoken_text(reason.would_change),
        )
        for reason in decision.reasons
    ]


def _remedy(decision: Decision, remedy: Remedy) -> Remedy:
    """Return a remedy of a decision in the language of the answer."""
    if remedy.text is None:
        return remedy
    found = spoken_text(remedy.text)
    if found == remedy.text:
        found = decision.translations.get(current(), {}).get(f"remedies.{remedy.kind}", found)
    return replace(remedy, text=found)


def body_of_error(error: DomainError) -> dict[str, Any]:
    """The problem of a use case's refusal. ``message`` among the facts is the detail, ``errors`` the wrong fields."""
    facts = dict(error.facts)
    detail = facts.pop("message", None)
    wrong = facts.pop("errors", ())
    errors = [
        item
        if isinstance(item, FieldError)
        else FieldError(str(item.get("pointer", "")), str(item.get("code", "invalid")), str(item.get("message", "")))
        for item in wrong
    ]
    field = facts.pop("field", None)
    if field is not None:
        pointer = str(field) if str(field).startswith("/") else f"/{field}"
        errors.append(FieldError(pointer, error.code, detail or entry_of(error.code).cause))
    more = {"address": facts.pop("address")} if "address" in facts else {}
    if facts:
        more["facts"] = facts
    status = entry_of(error.code).status
    body = body_of(error.code, detail, decision=error.decision, errors=errors, **more)
    # A decision's own code may be a reason of the policy alone; the refusal's status is that of the error raised.
    if error.code in CATALOGUE:
        body["status"] = status
    return body


def problem(
    code: str,
    detail: str | None = None,
    *,
    errors: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Reply[Any]:
    """A problem as an answer."""
    body = body_of(code, detail, errors=errors, **extra)
    return Reply(
        body, status_code=body["status"], media_type=MEDIA_TYPE, headers={**(headers or {}), **language_headers()}
    )


def problems(*statuses: int, body: bool = False) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of an operation: these 4xx and 5xx, and those that every operation can answer.

    ``body``: it takes a body, which may be too large or of another type.
    """
    every = {400, 401, 403, 422, 429, 500, 503, *((413, 415) if body else ()), *statuses}
    return {
        status: {
            "description": _DESCRIPTIONS.get(status, "A problem"),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted(every)
    }


_DESCRIPTIONS: Final = {
    400: "Malformed: not JSON, a duplicate field, no Idempotency-Key, a cursor that is not ours",
    401: "No key, or one that does not count",
    403: "The key lacks the scope",
    404: "Unknown, or another tenant's",
    405: "The path knows other methods",
    408: "The body came too slowly",
    409: "Refused by policy, by state, for want of credits or by conflict",
    412: "It has changed since it was read",
    413: "Too large",
    421: "The tenant lives on another server, at `address`",
    415: "Not uncompressed application/json in UTF-8",
    422: "Wrong input, or a key used for something else",
    429: "Too many calls",
    500: "A fault of ours",
    503: "The database cannot answer now; try again",
}


def published() -> list[ProblemEntry]:
    """Every code, sorted: ``GET /problems`` and ``openapi/problems.json``."""
    every = {**_REASONS, **CATALOGUE}
    return [every[code].view(code) for code in sorted(every)]
