"""A visit: one request for a page, who makes it, and what its answer carries.

- Whoever looks is known by a cookie that no script reads, or by a customer's token in the address.
- Every form carries a token of its visitor (CSRF) and an Idempotency-Key, so that sending it twice does it once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request

from app.api.auth import Principal
from app.api.deps import wall_clock
from app.api.languages import DEFAULT, accepted, match
from app.api.operations.asking import Calls
from app.api.problems import FieldError, Problem
from app.api.state import AppState
from app.api.strict import BODY_LIMIT, parse_json, take_body
from app.domain.policy.policy import Policy

FIELDS_MAX: Final = 200
LANGUAGE_SECONDS: Final = 365 * 86400
"""How long a browser keeps the language that its reader chose."""
_SALT: Final = 16
_KINDS: Final = {"customer": ("customer_token",), "session": ("session", "operator")}
"""Of whom a cookie holds the secret; all others are of a tenant's session."""
_EVERYWHERE: Final = ("done",)
"""Parameters that every page of the vendor's people takes."""
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


@dataclass(slots=True)
class Visit:
    """One request for a page."""

    request: Request
    rooms: AppState
    principal: Principal | None = None
    secret: str = ""
    """The session or the token by which the visitor is known."""
    in_address: bool = False
    """Whether it came in the address: then links and forms of the page pass it on."""
    form: Mapping[str, str] = field(default_factory=dict)
    calls: Calls | None = None
    cookies: list[str] = field(default_factory=list)
    """Headers that set cookies."""
    framed: bool = False
    """Whether named origins may frame the page."""
    translated: bool = False
    """Whether the page speaks its reader's language; else it is English."""
    policy: Policy | None = None
    """The policy whose words the page shows, where it is a customer's."""
    named_language: str = ""
    """The language that the address names, if there is one of it."""

    asks: tuple[str, ...] | None = None
    """The parameters of the page's address; None: whatever else it says is passed over."""
    strange: list[FieldError] = field(default_factory=list)
    """Values of parameters that the page does not know."""

    @property
    def ask(self) -> Any:
        """Return `Calls.ask` of this visit."""
        return self._calls.ask

    @property
    def act(self) -> Any:
        """Return `Calls.act` of this visit."""
        return self._calls.act

    @property
    def of_customer(self) -> bool:
        """Whether a customer looks, by a token."""
        return self.principal is not None and self.principal.customer_id is not None

    def may(self, id: str, /, **path: str) -> bool:
        """Whether an operation would let the visitor in."""
        return self.calls is not None and self.calls.may(id, **path)

    @property
    def _calls(self) -> Calls:
        if self.calls is None:
            raise Problem("unauthorized")
        return self.calls

    @property
    def who(self) -> Principal:
        """Return who looks. 401 where nobody is known."""
        if self.principal is None:
            raise Problem("unauthorized")
        return self.principal

    def query(self, name: str, default: str = "") -> str:
        """Return a parameter of the address."""
        return self.request.query_params.get(name, default)

    def chosen(self, name: str, known: Container[str], default: str = "") -> str:
        """Return a parameter that takes one of some names; the default for another one, which the page then tells."""
        value = self.query(name)
        if value and value not in known:
            self.note_unknown(name, "There is no such choice.")
        return value if value in known else default

    def note_unknown(self, name: str, message: str) -> None:
        """Note a parameter whose value the page does not know."""
        self.strange.append(FieldError(f"/{name}", "not_known", message, "query"))

    @property
    def wrong(self) -> list[FieldError]:
        """Return what the address says and the page does not know, as the lists of the API refuse it."""
        if self.asks is None or self.request.method == "POST":
            return []
        names = dict.fromkeys(self.request.query_params)
        unknown = [name for name in names if name not in (*self.asks, *_EVERYWHERE)]
        message = "This page has no such filter."
        return [
            *(FieldError(f"/{name}"[:200], "unknown_parameter", message, "query") for name in unknown),
            *self.strange,
        ]

    # cookies ----------------------------------------------------------------------------------------------------------

    @property
    def secure(self) -> bool:
        """Whether the service is reached by https."""
        public = self.rooms.settings.public_url or ""
        return public.startswith("https:") or self.request.url.scheme == "https"

    def cookie_name(self, kind: str) -> str:
        """Return the name of a cookie; browsers hold the prefix to what it says."""
        return f"__Host-retainer-{kind}" if self.secure else f"retainer-{kind}"

    def cookie(self, kind: str) -> str:
        """Return a cookie, or nothing."""
        return self.request.cookies.get(self.cookie_name(kind), "")

    def set_cookie(self, kind: str, value: str, seconds: int, *, framed: bool = False) -> None:
        """Set a cookie that no script reads and no other site sends; 0 seconds take it away.

        ``framed``: one for a page inside a helpdesk, which the browser keeps apart for that helpdesk.
        """
        parts = [f"{self.cookie_name(kind)}={value}", "Path=/", f"Max-Age={seconds}", "HttpOnly"]
        apart = framed and self.secure
        parts += ["SameSite=None", "Partitioned"] if apart else ["SameSite=Lax"]
        self.cookies.append("; ".join([*parts, *(["Secure"] if self.secure else [])]))

    def find_language(self) -> str:
        """Return the page's language: named in the address (then it is remembered), chosen before, or the browser's."""
        if not self.translated:
            return DEFAULT
        self.named_language = match(self.query("lang")) or ""
        if self.named_language and self.request.method == "GET":
            self.set_cookie("language", self.named_language, LANGUAGE_SECONDS, framed=self.framed)
        chosen = self.named_language or match(self.cookie("language"))
        return chosen or accepted(",".join(self.request.headers.getlist("accept-language")))

    # forms ------------------------------------------------------------------------------------------------------------

    def csrf(self) -> str:
        """Return a form's proof that this visitor was shown it; another one each time."""
        salt = secrets.token_hex(_SALT // 2)
        return salt + self._proof(self.rooms.cursor_secrets[0], salt)

    def _proof(self, key: bytes, salt: str) -> str:
        known_by = hashlib.sha256(self.secret.encode()).hexdigest()
        return hmac.new(key, f"form\x00{salt}\x00{known_by}".encode(), hashlib.sha256).hexdigest()

    def check_form(self) -> None:
        """Raise 403 ``form_refused`` unless the form was shown to this visitor, by this service."""
        sent = self.form.get("csrf", "")
        salt, proof = sent[:_SALT], sent[_SALT:]
        good = any(hmac.compare_digest(proof.encode(), self._proof(key, salt).encode()) for key in self.keys)
        if not good or self.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Problem("form_refused")

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Return the secrets that sign forms; the first signs, each is taken."""
        return self.rooms.cursor_secrets


async def read_form(request: Request, limit: int = BODY_LIMIT, *, foreign: bool = False) -> dict[str, str]:
    """Return the fields of a form. 400, 413, 415 and 422 as the other doors refuse a body.

    ``foreign``: a program of others sends it, which may say the same as a JSON object.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != FORM and not (foreign and media == JSON):
        media_types = f"`{FORM}` or `{JSON}`" if foreign else f"`{FORM}`"
        raise Problem("unsupported_media_type", f"This address takes {media_types}.")
    await take_body(request, limit=limit, raw=True, has_body=True)
    if media == JSON:
        return _members(parse_json(await request.body()))
    try:
        text = (await request.body()).decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, encoding="utf-8", errors="strict")
    except ValueError:
        raise Problem("malformed_request", "The form cannot be read.") from None
    return dict(pairs)


def _members(sent: Any) -> dict[str, str]:
    """Return the texts of a JSON object; lists and what is null are no fields of a form."""
    if not isinstance(sent, dict):
        raise Problem("invalid_input", errors=[FieldError("", "not_an_object", "The body must be a JSON object.")])
    return {name: value for name, value in sent.items() if isinstance(value, str)}


async def recognise(visit: Visit, kinds: tuple[str, ...], *, token: bool) -> None:
    """Find out who looks: by the token of the address (``token``: where the page takes one), else by a cookie.

    A secret that no longer opens anything is as none at all.
    """
    sent = (visit.query("token") or visit.form.get("token", "")) if token else ""
    candidates = [(sent, "customer", True)] if sent else [(visit.cookie(kind), kind, False) for kind in kinds]
    for secret, kind, in_address in candidates:
        if not secret:
            continue
        try:
            principal = await visit.rooms.authenticator.of_page(secret, wall_clock())
            if principal.kind not in _KINDS.get(kind, ("session",)):  # a secret opens what its own cookie opens
                raise Problem("unauthorized")
        except Problem as refusal:
            if refusal.code != "unauthorized":
                raise
            visit.request.scope["retainer.tried"] = True
            if visit.rooms.limiter is not None:
                visit.rooms.limiter.failed(visit.request)
            continue
        visit.principal, visit.secret, visit.in_address = principal, secret, in_address
        visit.request.scope["retainer.principal"] = principal
        if visit.rooms.limiter is not None:
            visit.rooms.limiter.check(principal, visit.request)
        visit.calls = Calls(principal, visit.rooms)
        return
