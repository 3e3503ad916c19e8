"""The operations of the contract. Made by `python -m scripts.sdk` from the contract; do not edit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, cast
from urllib.parse import quote

from retainer_client import models

CONTRACT = "0.1.0"


def _path(template: str, **parts: object) -> str:
    """A path with its parts, each as a part of an address."""
    quoted = {name: quote(str(part), safe="") for name, part in parts.items()}
    return template.replace(":path}", "}").format(**quoted)


class Operations:
    """A method for each operation."""

    def _send(self, method: str, path: str, **sent: Any) -> Any:
        raise NotImplementedError

    def get_balance(self, customer_id: str, *, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Balance:
        """What is available and held, and the lots it is in, the first 100; exact at the instant."""
        return cast('models.Balance', self._send("GET", _path("/v1/customers/{customer_id}/balance", customer_id=customer_id), query={"cursor": cursor, "as_of": as_of, "known_at": known_at}))

    def create_debit(self, customer_id: str, body: models.DebitBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Holds and captures at once; the answer's `hold_id` is what a refund needs."""
        return cast('models.Hold', self._send("POST", _path("/v1/customers/{customer_id}/debits", customer_id=customer_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def create_hold(self, customer_id: str, body: models.HoldBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Reserves credits in order of spending."""
        return cast('models.Hold', self._send("POST", _path("/v1/customers/{customer_id}/holds", customer_id=customer_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def capture_hold(self, hold_id: str, body: models.CaptureBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Takes held credits for good, in the hold's order."""
        return cast('models.Hold', self._send("POST", _path("/v1/holds/{hold_id}/capture", hold_id=hold_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def release_hold(self, hold_id: str, body: models.GiveBackBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Gives held credits back to the lots they came from, in reverse."""
        return cast('models.Hold', self._send("POST", _path("/v1/holds/{hold_id}/release", hold_id=hold_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def refund_hold(self, hold_id: str, body: models.GiveBackBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Gives captured credits back to the lots they came from, in reverse."""
        return cast('models.Hold', self._send("POST", _path("/v1/holds/{hold_id}/refund", hold_id=hold_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def adjust_credits(self, customer_id: str, body: models.AdjustmentBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Adjustment:
        """Corrects a balance by hand: +n grants a lot (and makes the customer), -n takes what is available."""
        return cast('models.Adjustment', self._send("POST", _path("/v1/customers/{customer_id}/adjustments", customer_id=customer_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def create_credit_batch(self, body: models.BatchBody, *, validate_only: bool | None = None) -> models.CreditBatch:
        """Up to 1,000 commands, each with a status, a code and a result of its own; no header key."""
        return cast('models.CreditBatch', self._send("POST", _path("/v1/credit-batches"), body=body, query={"validate_only": validate_only}))

    def get_statement(self, customer_id: str, *, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Statement:
        """Where credits came from, tickets in progress, resolved tickets: three parts whose totals meet the balance."""
        return cast('models.Statement', self._send("GET", _path("/v1/customers/{customer_id}/statement", customer_id=customer_id), query={"cursor": cursor, "as_of": as_of, "known_at": known_at}))

    def list_entries(self, customer_id: str, *, limit: int | None = None, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.EntryPage:
        """The ledger: immutable moves between buckets."""
        return cast('models.EntryPage', self._send("GET", _path("/v1/customers/{customer_id}/entries", customer_id=customer_id), query={"limit": limit, "cursor": cursor, "as_of": as_of, "known_at": known_at}))

    def each_entries(self, customer_id: str, *, as_of: str | None = None, known_at: str | None = None) -> Iterator[models.Entry]:
        """Every row of `list_entries`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_entries(customer_id, limit=100, cursor=cursor, as_of=as_of, known_at=known_at)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_entry(self, entry_id: str, *, as_of: str | None = None, known_at: str | None = None) -> models.Entry:
        """One line of the ledger, if it was there `as_of`, by what was `known_at`."""
        return cast('models.Entry', self._send("GET", _path("/v1/entries/{entry_id}", entry_id=entry_id), query={"as_of": as_of, "known_at": known_at}))

    def get_lot(self, lot_id: str, *, as_of: str | None = None, known_at: str | None = None) -> models.Lot:
        """A lot as it stands, or stood `as_of` by what was `known_at`."""
        return cast('models.Lot', self._send("GET", _path("/v1/lots/{lot_id}", lot_id=lot_id), query={"as_of": as_of, "known_at": known_at}))

    def put_lot_metadata(self, lot_id: str, body: models.LotMetadataBody, *, validate_only: bool | None = None) -> models.Lot:
        """Replaces what you keep beside a lot, whoever granted it. Nothing else of it changes."""
        return cast('models.Lot', self._send("PUT", _path("/v1/lots/{lot_id}/metadata", lot_id=lot_id), body=body, query={"validate_only": validate_only}))

    def transfer_lot(self, lot_id: str, body: models.TransferBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Transfer:
        """Gives a lot to another customer, or refuses, as the policy says."""
        return cast('models.Transfer', self._send("POST", _path("/v1/lots/{lot_id}/transfer", lot_id=lot_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def quote_lot_refund(self, lot_id: str) -> models.RefundQuote:
        """What the unused credits of a lot would bring back in money now."""
        return cast('models.RefundQuote', self._send("GET", _path("/v1/lots/{lot_id}/refund-quote", lot_id=lot_id)))

    def refund_lot(self, lot_id: str, body: models.LotRefundBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.RefundQuote:
        """Voids unused credits and says what money is due; `override` needs `credits:refund` and a reason."""
        return cast('models.RefundQuote', self._send("POST", _path("/v1/lots/{lot_id}/refund", lot_id=lot_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def get_audit(self, *, limit: int | None = None, cursor: str | None = None) -> models.LedgerAudit:
        """Every broken invariant of the ledger; an empty list is the promise. A large tenant is looked at stretch by stretch: a call looks for some seconds, and `next_cursor` goes on. The promise holds for the whole tenant once `next_cursor` is null and no part had a row."""
        return cast('models.LedgerAudit', self._send("GET", _path("/v1/audit"), query={"limit": limit, "cursor": cursor}))

    def list_problems(self) -> models.ProblemEntryPage:
        """Every code that a refusal can have, with its cause and what to do; a page for browsers, JSON for programs."""
        return cast('models.ProblemEntryPage', self._send("GET", _path("/problems")))

    def get_problem(self, code: str) -> models.ProblemEntry:
        """One code; a page for browsers, JSON for programs."""
        return cast('models.ProblemEntry', self._send("GET", _path("/problems/{code}", code=code)))

    def list_tenants(self, *, query: models.AnyId | None = None, policy: models.AnyId | None = None, suspended: bool | None = None, limit: int | None = None, cursor: str | None = None) -> models.TenantPage:
        """The tenants that live on this server, by their ids. With `policy` or `suspended` a page may have fewer rows."""
        return cast('models.TenantPage', self._send("GET", _path("/v1/tenants"), query={"query": query, "policy": policy, "suspended": suspended, "limit": limit, "cursor": cursor}))

    def each_tenants(self, *, query: models.AnyId | None = None, policy: models.AnyId | None = None, suspended: bool | None = None) -> Iterator[models.Tenant]:
        """Every row of `list_tenants`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_tenants(limit=100, cursor=cursor, query=query, policy=policy, suspended=suspended)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def put_tenant(self, tenant_id: str, body: models.TenantBody, *, validate_only: bool | None = None) -> models.Tenant:
        """A tenant under a policy. 201 the first time, 200 with the same body again, 409 with other content."""
        return cast('models.Tenant', self._send("PUT", _path("/v1/tenants/{tenant_id}", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    def suspend_tenant(self, tenant_id: str, body: models.SuspensionBody | None = None, *, validate_only: bool | None = None) -> models.Tenant:
        """Suspends a tenant, or lifts it: `{'suspended': false}`. Its keys stop, or go on, within a second."""
        return cast('models.Tenant', self._send("PUT", _path("/v1/tenants/{tenant_id}/suspension", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    def get_tenant_move(self, tenant_id: str) -> models.TenantMove:
        """Whether a tenant lives on this server, moves, or has moved. See docs/scale.md for a whole move."""
        return cast('models.TenantMove', self._send("GET", _path("/v1/tenants/{tenant_id}/move", tenant_id=tenant_id)))

    def put_tenant_move(self, tenant_id: str, body: models.MoveBody, *, validate_only: bool | None = None) -> models.TenantMove:
        """Brings a tenant's move to a state, or gives it up: `{'state': 'here'}`. The same state again changes nothing. While it is `moving` writes are 503 `tenant_moving`; once it has `moved` all calls are 421 `tenant_moved`."""
        return cast('models.TenantMove', self._send("PUT", _path("/v1/tenants/{tenant_id}/move", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    def create_key(self, tenant_id: str, body: models.KeyBody, *, validate_only: bool | None = None) -> models.ApiKey:
        """A key of the tenant. It is shown in this answer and never again."""
        return cast('models.ApiKey', self._send("POST", _path("/v1/tenants/{tenant_id}/keys", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    def list_keys(self, *, tenant_id: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.ApiKeyPage:
        """The tenant's keys, without the keys themselves."""
        return cast('models.ApiKeyPage', self._send("GET", _path("/v1/keys"), query={"tenant_id": tenant_id, "limit": limit, "cursor": cursor}))

    def each_keys(self, *, tenant_id: str | None = None) -> Iterator[models.ApiKey]:
        """Every row of `list_keys`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_keys(limit=100, cursor=cursor, tenant_id=tenant_id)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def revoke_key(self, key_id: str, *, tenant_id: str | None = None, validate_only: bool | None = None) -> models.ApiKey:
        """Ends a key for good. It stops within a second."""
        return cast('models.ApiKey', self._send("DELETE", _path("/v1/keys/{key_id}", key_id=key_id), query={"tenant_id": tenant_id, "validate_only": validate_only}))

    def rotate_key(self, key_id: str, body: models.KeyRotationBody | None = None, *, tenant_id: str | None = None, validate_only: bool | None = None) -> models.ApiKey:
        """A successor with the same scopes; both live until the overlap is over."""
        return cast('models.ApiKey', self._send("POST", _path("/v1/keys/{key_id}/rotation", key_id=key_id), body=body, query={"tenant_id": tenant_id, "validate_only": validate_only}))

    def create_sign_in_link(self, tenant_id: str, body: models.SignInLinkBody, *, validate_only: bool | None = None) -> models.SignInLink:
        """A link that signs a person of the vendor in to the pages, once, with these scopes."""
        return cast('models.SignInLink', self._send("POST", _path("/v1/tenants/{tenant_id}/sign-in-links", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    def create_operator_sign_in_link(self, body: models.OperatorLinkBody | None = None, *, validate_only: bool | None = None) -> models.OperatorSignInLink:
        """A link that opens the operator's page of all tenants, once, for an hour. No page of a tenant opens by it."""
        return cast('models.OperatorSignInLink', self._send("POST", _path("/v1/operator/sign-in-links"), body=body, query={"validate_only": validate_only}))

    def create_customer_token(self, customer_id: str, body: models.TokenBody | None = None, *, validate_only: bool | None = None) -> models.CustomerToken:
        """An opaque token for this customer, at most ten minutes, and the `url` of the page that it opens. It reads. With `may` `act` it does what a customer may do: confirm or decline a quote, choose, withdraw, dispute, resume, answer what a ticket asks for. That wants the scope `tickets:write`."""
        return cast('models.CustomerToken', self._send("POST", _path("/v1/customers/{customer_id}/tokens", customer_id=customer_id), body=body, query={"validate_only": validate_only}))

    def get_time(self) -> models.TenantTime:
        """The tenant's time: its own, or the real one."""
        return cast('models.TenantTime', self._send("GET", _path("/v1/clock")))

    def move_time(self, body: models.TimeBody, *, validate_only: bool | None = None) -> models.TenantTime:
        """Moves a sandbox's time forward; everything due in between happens, in order. Repeat until `reached`."""
        return cast('models.TenantTime', self._send("PUT", _path("/v1/clock"), body=body, query={"validate_only": validate_only}))

    def list_offers(self, *, customer_id: models.AnyId | None = None, currency: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.OfferPage:
        """What can be bought, priced for this customer; an unknown customer is priced as an empty account."""
        return cast('models.OfferPage', self._send("GET", _path("/v1/offers"), query={"customer_id": customer_id, "currency": currency, "limit": limit, "cursor": cursor}))

    def each_offers(self, *, customer_id: models.AnyId | None = None, currency: str | None = None) -> Iterator[models.Offer]:
        """Every row of `list_offers`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_offers(limit=100, cursor=cursor, customer_id=customer_id, currency=currency)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_offer(self, sku: str, *, customer_id: models.AnyId | None = None, currency: str | None = None) -> models.Offer:
        """One offer by a sku that can be ordered, such as `credits-40`, priced for this customer step by step."""
        return cast('models.Offer', self._send("GET", _path("/v1/offers/{sku}", sku=sku), query={"customer_id": customer_id, "currency": currency}))

    def get_order(self, order_id: str) -> models.Order:
        """What an order granted and why, as it stands now, and its refunds."""
        return cast('models.Order', self._send("GET", _path("/v1/orders/{order_id}", order_id=order_id)))

    def put_order(self, order_id: str, body: models.OrderBody, *, validate_only: bool | None = None) -> models.Order:
        """Records an order: the licenses, lots, covers and open choices it granted, what it did not grant and why, and notices. 201 the first time, 200 with the same body again, 409 `order_conflict` with other content."""
        return cast('models.Order', self._send("PUT", _path("/v1/orders/{order_id}", order_id=order_id), body=body, query={"validate_only": validate_only}))

    def refund_order(self, order_id: str, body: models.RefundBody, *, validate_only: bool | None = None) -> models.OrderRefund:
        """Takes back what is unspent of the refunded units and reports what was spent. 201 the first time, 200 again."""
        return cast('models.OrderRefund', self._send("POST", _path("/v1/orders/{order_id}/refunds", order_id=order_id), body=body, query={"validate_only": validate_only}))

    def replay_order(self, order_id: str, *, validate_only: bool | None = None) -> models.Order:
        """Judges lines with an unknown sku anew by the policy in force now; safe any number of times."""
        return cast('models.Order', self._send("POST", _path("/v1/orders/{order_id}/replay", order_id=order_id), query={"validate_only": validate_only}))

    def list_choices(self, customer_id: str, *, all: bool | None = None, limit: int | None = None, cursor: str | None = None) -> models.ChoicePage:
        """The open choices, oldest first; `all=true`: those made or taken back too."""
        return cast('models.ChoicePage', self._send("GET", _path("/v1/customers/{customer_id}/choices", customer_id=customer_id), query={"all": all, "limit": limit, "cursor": cursor}))

    def each_choices(self, customer_id: str, *, all: bool | None = None) -> Iterator[models.Choice]:
        """Every row of `list_choices`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_choices(customer_id, limit=100, cursor=cursor, all=all)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_choice(self, choice_id: str) -> models.Choice:
        """A choice as it stands now, whether it is open, made or taken back."""
        return cast('models.Choice', self._send("GET", _path("/v1/choices/{choice_id}", choice_id=choice_id)))

    def make_choice(self, customer_id: str, choice_id: str, body: models.ChoiceBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Choice:
        """Grants exactly one option, for good."""
        return cast('models.Choice', self._send("POST", _path("/v1/customers/{customer_id}/choices/{choice_id}", customer_id=customer_id, choice_id=choice_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def get_license(self, license_id: str) -> models.License:
        """A license as it stands now."""
        return cast('models.License', self._send("GET", _path("/v1/licenses/{license_id}", license_id=license_id)))

    def terminate_license(self, license_id: str, body: models.TerminationBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.License:
        """Ends a license and the levels and covers that serve it alone; once."""
        return cast('models.License', self._send("POST", _path("/v1/licenses/{license_id}/termination", license_id=license_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def register_license(self, license_id: str, body: models.RegistrationBody, *, validate_only: bool | None = None) -> models.License:
        """Registers a license to an installation; again moves it."""
        return cast('models.License', self._send("POST", _path("/v1/licenses/{license_id}/registration", license_id=license_id), body=body, query={"validate_only": validate_only}))

    def list_orders(self, *, state: str | None = None, payment_state: str | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> models.ListedOrderPage:
        """Orders, by the instant they were placed; `GET /v1/orders/{order_id}` says what one granted."""
        return cast('models.ListedOrderPage', self._send("GET", _path("/v1/orders"), query={"state": state, "payment_state": payment_state, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    def each_orders(self, *, state: str | None = None, payment_state: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> Iterator[models.ListedOrder]:
        """Every row of `list_orders`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_orders(limit=100, cursor=cursor, state=state, payment_state=payment_state, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def list_refunds(self, *, state: str | None = None, order_id: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> models.OrderRefundPage:
        """Refunds of orders, by the instant they were told."""
        return cast('models.OrderRefundPage', self._send("GET", _path("/v1/refunds"), query={"state": state, "order_id": order_id, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    def each_refunds(self, *, state: str | None = None, order_id: models.AnyId | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> Iterator[models.OrderRefund]:
        """Every row of `list_refunds`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_refunds(limit=100, cursor=cursor, state=state, order_id=order_id, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def list_holds(self, *, state: str | None = None, ticket_id: models.AnyId | None = None, open: bool | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None) -> models.HoldPage:
        """Holds and debits, as they were made; by their end those that are open and have one."""
        return cast('models.HoldPage', self._send("GET", _path("/v1/holds"), query={"state": state, "ticket_id": ticket_id, "open": open, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    def each_holds(self, *, state: str | None = None, ticket_id: models.AnyId | None = None, open: bool | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None) -> Iterator[models.Hold]:
        """Every row of `list_holds`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_holds(limit=100, cursor=cursor, state=state, ticket_id=ticket_id, open=open, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def list_licenses(self, *, active: bool | None = None, ended_reason: str | None = None, domain: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> models.LicensePage:
        """Licenses, by the instant their order was placed."""
        return cast('models.LicensePage', self._send("GET", _path("/v1/licenses"), query={"active": active, "ended_reason": ended_reason, "domain": domain, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    def each_licenses(self, *, active: bool | None = None, ended_reason: str | None = None, domain: models.AnyId | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> Iterator[models.License]:
        """Every row of `list_licenses`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_licenses(limit=100, cursor=cursor, active=active, ended_reason=ended_reason, domain=domain, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def list_covers(self, *, state: str | None = None, ends_after: str | None = None, ends_before: str | None = None, license_id: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None) -> models.CoverPage:
        """Periods of support, by the instant they were granted; with a state or a bound of ends by their ends."""
        return cast('models.CoverPage', self._send("GET", _path("/v1/covers"), query={"state": state, "ends_after": ends_after, "ends_before": ends_before, "license_id": license_id, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    def each_covers(self, *, state: str | None = None, ends_after: str | None = None, ends_before: str | None = None, license_id: models.AnyId | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None) -> Iterator[models.Cover]:
        """Every row of `list_covers`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_covers(limit=100, cursor=cursor, state=state, ends_after=ends_after, ends_before=ends_before, license_id=license_id, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def list_customers(self, *, query: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None) -> models.CustomerRowPage:
        """Customers by name, e-mail, id here or in another system, or company: each word of `query` begins a word there. Case does not matter. The whole id of an order, license, domain or ticket of theirs finds them, too."""
        return cast('models.CustomerRowPage', self._send("GET", _path("/v1/customers"), query={"query": query, "limit": limit, "cursor": cursor}))

    def each_customers(self, *, query: models.AnyId | None = None) -> Iterator[models.CustomerRow]:
        """Every row of `list_customers`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_customers(limit=100, cursor=cursor, query=query)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_customer(self, customer_id: str, *, cursor: str | None = None) -> models.Customer:
        """Who it is, and licenses, covers, balances, open choices and open tickets: the first 100 rows of each list. The ETag is of who it is, and goes into If-Match."""
        return cast('models.Customer', self._send("GET", _path("/v1/customers/{customer_id}", customer_id=customer_id), query={"cursor": cursor}))

    def put_customer(self, customer_id: str, body: models.CustomerBody | None = None, *, validate_only: bool | None = None, if_match: str | None = None) -> models.Customer:
        """Replaces what is known of a person or a company. 201 where it makes the customer, else 200. Whoever has a `company_id` opens tickets on the account of that company, which pays for them."""
        return cast('models.Customer', self._send("PUT", _path("/v1/customers/{customer_id}", customer_id=customer_id), body=body, if_match=if_match, query={"validate_only": validate_only}))

    def put_contacts(self, customer_id: str, body: models.ContactsBody, *, validate_only: bool | None = None) -> models.Customer:
        """Names the people of a company who may open its tickets, and nobody else; so many as the policy says."""
        return cast('models.Customer', self._send("PUT", _path("/v1/customers/{customer_id}/contacts", customer_id=customer_id), body=body, query={"validate_only": validate_only}))

    def export_customer(self, customer_id: str) -> models.CustomerExport:
        """All that is kept about a customer."""
        return cast('models.CustomerExport', self._send("GET", _path("/v1/customers/{customer_id}/export", customer_id=customer_id)))

    def erase_customer(self, customer_id: str, *, validate_only: bool | None = None) -> models.Erasure:
        """Removes a customer's names, the ledger's arithmetic intact. Needs no Idempotency-Key: no answer may be kept."""
        return cast('models.Erasure', self._send("POST", _path("/v1/customers/{customer_id}/erasure", customer_id=customer_id), query={"validate_only": validate_only}))

    def merge_customers(self, customer_id: str, body: models.MergeBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Customer:
        """Merges an account into another: licenses, covers, orders, tickets and whole lots move."""
        return cast('models.Customer', self._send("POST", _path("/v1/customers/{customer_id}/merge", customer_id=customer_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def decide_entitlement(self, customer_id: str, action: str, *, license_id: models.AnyId | None = None, product: models.AnyId | None = None, released_at: str | None = None, reason: models.AnyId | None = None, forum: models.AnyId | None = None, explain: bool | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Entitlement:
        """A decision with its reasons and remedies. `reason` picks the clause that is cited, never the answer; `explain` adds every rule looked at. An unknown customer is decided as an empty account."""
        return cast('models.Entitlement', self._send("GET", _path("/v1/customers/{customer_id}/entitlements/{action}", customer_id=customer_id, action=action), query={"license_id": license_id, "product": product, "released_at": released_at, "reason": reason, "forum": forum, "explain": explain, "as_of": as_of, "known_at": known_at}))

    def get_ticket(self, ticket_id: str, *, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Ticket:
        """State, qualification, assessments, charge, clocks, parent and children, and 100 lines of its work log."""
        return cast('models.Ticket', self._send("GET", _path("/v1/tickets/{ticket_id}", ticket_id=ticket_id), query={"cursor": cursor, "as_of": as_of, "known_at": known_at}))

    def put_ticket(self, ticket_id: str, body: models.TicketBody, *, validate_only: bool | None = None) -> models.Ticket:
        """Opens a ticket. 201 the first time, 200 with the same body again, 409 with other content."""
        return cast('models.Ticket', self._send("PUT", _path("/v1/tickets/{ticket_id}", ticket_id=ticket_id), body=body, query={"validate_only": validate_only}))

    def list_tickets(self, *, customer_id: models.AnyId | None = None, state: str | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None, limit: int | None = None, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.TicketPage:
        """Tickets by the instant they were opened. `as_of`, `known_at`: as they stood; a page may have fewer rows."""
        return cast('models.TicketPage', self._send("GET", _path("/v1/tickets"), query={"customer_id": customer_id, "state": state, "since": since, "until": until, "sort": sort, "limit": limit, "cursor": cursor, "as_of": as_of, "known_at": known_at}))

    def each_tickets(self, *, customer_id: models.AnyId | None = None, state: str | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None, as_of: str | None = None, known_at: str | None = None) -> Iterator[models.Ticket]:
        """Every row of `list_tickets`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_tickets(limit=100, cursor=cursor, customer_id=customer_id, state=state, since=since, until=until, sort=sort, as_of=as_of, known_at=known_at)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def add_ticket_details(self, ticket_id: str, body: models.DetailsBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """What was missing or asked for; decides again. A customer's token states what the ticket asks for, and pays."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/details", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def withdraw_ticket(self, ticket_id: str, body: models.OccurredBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """By the customer; gives back what is held."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/withdrawal", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def qualify_ticket(self, ticket_id: str, body: models.QualificationBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """An authorised representative accepts or rejects; who and why is kept."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/qualification", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def assess_ticket(self, ticket_id: str, body: models.AssessmentBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """A quote; answers `in_force` or `awaiting_confirmation` as `status`."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/assessments", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def confirm_assessment(self, ticket_id: str, number: int, body: models.ConfirmationBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The customer's yes or no."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/assessments/{number}/confirmation", ticket_id=ticket_id, number=number), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def add_response(self, ticket_id: str, body: models.ResponseBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """A message of the vendor's or the customer's."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/responses", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def request_access(self, ticket_id: str, body: models.AccessBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Access the customer owes, by a deadline."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/access-requests", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def grant_access(self, ticket_id: str, number: int, body: models.OccurredBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The customer gave access."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/access-requests/{number}/grant", ticket_id=ticket_id, number=number), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def reach_milestone(self, ticket_id: str, body: models.MilestoneBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """A milestone of the policy's own is reached, such as a workaround; its clock stops."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/milestones", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def pause_ticket(self, ticket_id: str, body: models.PauseBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Vendor clocks stand."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/pauses", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def resume_ticket(self, ticket_id: str, body: models.ResumeBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Vendor clocks go on. A customer's token ends the pauses that wait for the customer."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/resumptions", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def apply_credit(self, ticket_id: str, body: models.CreditBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Applies a credit to an open ticket, with a new response or without."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/credits", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def split_ticket(self, ticket_id: str, body: models.SplitBody, *, validate_only: bool | None = None) -> models.Ticket:
        """Another question becomes a ticket of its own, under an id of yours. 201 the first time, 200 with the same body again, 409 `ticket_conflict` when the id is another ticket's."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/splits", ticket_id=ticket_id), body=body, query={"validate_only": validate_only}))

    def merge_ticket(self, ticket_id: str, body: models.TicketMergeBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Two tickets are one issue: this one ends withdrawn, its hold is released and its responses move to the other."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/merge", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def log_work(self, ticket_id: str, body: models.WorkBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """A line of the work log, priced by the policy: by its parts in hours and after, rounded on the sum. The charge follows at once. Beyond what the customer agreed to it is refused, with how to ask."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/work", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def resolve_ticket(self, ticket_id: str, body: models.ResolutionBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Captures, or gives back."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/resolution", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def reopen_ticket(self, ticket_id: str, body: models.ReopeningBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The same issue again, without a second charge inside the policy's window."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/reopening", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def open_dispute(self, ticket_id: str, body: models.DisputeBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The customer thinks the charge wrong."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/disputes", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def decide_dispute(self, ticket_id: str, number: int, body: models.DisputeDecisionBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The vendor reconsiders the charge: upheld, reduced to `credits`, or returned. `cause` says what the problem turned out to be, with the scope `credits:refund`; a bug returns everything."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/disputes/{number}/decision", ticket_id=ticket_id, number=number), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def correct_cause(self, ticket_id: str, body: models.CauseBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Corrects the cause of a resolved ticket at any time. A bug returns its credits; another takes them again. Credits return to expired lots as the cause says (ALL-4). What is not there to be taken again is `not_captured`."""
        return cast('models.Ticket', self._send("POST", _path("/v1/tickets/{ticket_id}/cause", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def get_cover(self, cover_id: str) -> models.Cover:
        """A cover as it stands now."""
        return cast('models.Cover', self._send("GET", _path("/v1/covers/{cover_id}", cover_id=cover_id)))

    def suspend_cover(self, cover_id: str, body: models.CoverPauseBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Cover:
        """Stops a running period, as often as the policy says."""
        return cast('models.Cover', self._send("POST", _path("/v1/covers/{cover_id}/suspension", cover_id=cover_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def resume_cover(self, cover_id: str, body: models.CoverPauseBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Cover:
        """Goes on with a suspended period; its end moves by the time it was suspended."""
        return cast('models.Cover', self._send("POST", _path("/v1/covers/{cover_id}/resumption", cover_id=cover_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def extend_cover(self, cover_id: str, body: models.ExtensionBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Cover:
        """Extends cover without an order, where the policy does; else refused."""
        return cast('models.Cover', self._send("POST", _path("/v1/covers/{cover_id}/extension", cover_id=cover_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def explain(self, kind: str, id: str) -> models.Explanation:
        """The whole trace: rules in order with their clauses, facts and results, and what would have changed the answer. `kind`: ticket, charge, assessment (`<ticket>:<number>`), order, refund (`<order>:<refund>`), license, lot, cover, choice, operation, hold or clock. A customer's token asks about the customer's own tickets."""
        return cast('models.Explanation', self._send("GET", _path("/v1/explain/{kind}/{id}", kind=kind, id=id)))

    def list_calendars(self, *, limit: int | None = None, cursor: str | None = None) -> models.CalendarRowPage:
        """The tenant's calendars; the policy's own is called `service-hours`."""
        return cast('models.CalendarRowPage', self._send("GET", _path("/v1/calendars"), query={"limit": limit, "cursor": cursor}))

    def each_calendars(self) -> Iterator[models.CalendarRow]:
        """Every row of `list_calendars`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_calendars(limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_calendar(self, name: str) -> models.Calendar:
        """The calendar and its versions in brief; the ETag goes into If-Match."""
        return cast('models.Calendar', self._send("GET", _path("/v1/calendars/{name}", name=name)))

    def put_calendar(self, name: str, body: models.CalendarBody, *, validate_only: bool | None = None, if_match: str | None = None) -> models.CalendarRow:
        """A calendar. 201 the first time, 200 with the same body again; other content needs If-Match."""
        return cast('models.CalendarRow', self._send("PUT", _path("/v1/calendars/{name}", name=name), body=body, if_match=if_match, query={"validate_only": validate_only}))

    def list_calendar_versions(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> models.CalendarVersionPage:
        """Every published version, the newest first."""
        return cast('models.CalendarVersionPage', self._send("GET", _path("/v1/calendars/{name}/versions", name=name), query={"limit": limit, "cursor": cursor}))

    def each_calendar_versions(self, name: str) -> Iterator[models.CalendarVersion]:
        """Every row of `list_calendar_versions`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_calendar_versions(name, limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def publish_calendar_version(self, name: str, body: models.CalendarVersionBody, *, validate_only: bool | None = None, idempotency_key: str | None = None, if_match: str | None = None) -> models.CalendarVersion:
        """Publishes a version; `preview` says which open clocks it moves, or would with `validate_only`. The calendar's ETag as If-Match: only if nothing was published since it was read."""
        return cast('models.CalendarVersion', self._send("POST", _path("/v1/calendars/{name}/versions", name=name), keyed=True, body=body, key=idempotency_key, if_match=if_match, query={"validate_only": validate_only}))

    def import_calendar(self, name: str, *, validate_only: bool | None = None) -> models.FeedDraft:
        """A holiday feed (`text/calendar`, in the `charset` that is named or UTF-8) as a draft of exceptions with their names. Nothing is published; `ignored` lists what was left out and why."""
        return cast('models.FeedDraft', self._send("POST", _path("/v1/calendars/{name}/imports", name=name), query={"validate_only": validate_only}))

    def read_calendar_feed(self, name: str, body: models.FeedBody, *, validate_only: bool | None = None) -> models.FeedDraft:
        """A holiday feed, as text in JSON, as a draft of exceptions: what `imports` answers. Nothing is published."""
        return cast('models.FeedDraft', self._send("POST", _path("/v1/calendars/{name}/drafts", name=name), body=body, query={"validate_only": validate_only}))

    def list_closures(self, name: str, *, from_: str, to: str) -> models.ClosurePage:
        """Closed and half days with every reason and the hours that half days stay open; not paged."""
        return cast('models.ClosurePage', self._send("GET", _path("/v1/calendars/{name}/closures", name=name), query={"from": from_, "to": to}))

    def export_calendar(self, name: str, *, from_: str | None = None, to: str | None = None) -> Any:
        """Closed and half days as iCalendar, to subscribe to."""
        return self._send("GET", _path("/v1/calendars/{name}/calendar.ics", name=name), query={"from": from_, "to": to})

    def is_open(self, name: str, *, at: str) -> models.Opening:
        """Whether an instant is business time, and the next opening and close after it."""
        return cast('models.Opening', self._send("GET", _path("/v1/calendars/{name}/open", name=name), query={"at": at}))

    def elapsed_time(self, name: str, *, from_: str, to: str) -> models.Elapsed:
        """Business seconds between two instants; negative when `to` comes first."""
        return cast('models.Elapsed', self._send("GET", _path("/v1/calendars/{name}/elapsed", name=name), query={"from": from_, "to": to}))

    def due_time(self, name: str, *, from_: str, target: str) -> models.Due:
        """When a target that starts at `from` falls due: the stretches counted, the closures skipped with their names."""
        return cast('models.Due', self._send("GET", _path("/v1/calendars/{name}/due", name=name), query={"from": from_, "target": target}))

    def list_clocks(self, *, phase: str | None = None, outcome: str | None = None, ticket_id: models.AnyId | None = None, customer_id: models.AnyId | None = None, due_after: str | None = None, due_before: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None, limit: int | None = None, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.ClockPage:
        """Clocks, by when they were made; `soonest`, `latest` and with a bound of due times by these. `as_of` and `known_at`: as they stood; a page may then have fewer rows."""
        return cast('models.ClockPage', self._send("GET", _path("/v1/clocks"), query={"phase": phase, "outcome": outcome, "ticket_id": ticket_id, "customer_id": customer_id, "due_after": due_after, "due_before": due_before, "sort": sort, "limit": limit, "cursor": cursor, "as_of": as_of, "known_at": known_at}))

    def each_clocks(self, *, phase: str | None = None, outcome: str | None = None, ticket_id: models.AnyId | None = None, customer_id: models.AnyId | None = None, due_after: str | None = None, due_before: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None, as_of: str | None = None, known_at: str | None = None) -> Iterator[models.Clock]:
        """Every row of `list_clocks`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_clocks(limit=100, cursor=cursor, phase=phase, outcome=outcome, ticket_id=ticket_id, customer_id=customer_id, due_after=due_after, due_before=due_before, sort=sort, as_of=as_of, known_at=known_at)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_clock(self, clock_id: str, *, as_of: str | None = None, known_at: str | None = None) -> models.Clock:
        """A clock as it stands, or stood `as_of` by what was `known_at`."""
        return cast('models.Clock', self._send("GET", _path("/v1/clocks/{clock_id}", clock_id=clock_id), query={"as_of": as_of, "known_at": known_at}))

    def judge_clock(self, clock_id: str, body: models.JudgementBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.ClockJudgement:
        """Judges an ended clock anew on its calendar as it is now. What was judged before stays, and stands beside it."""
        return cast('models.ClockJudgement', self._send("POST", _path("/v1/clocks/{clock_id}/judgements", clock_id=clock_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def list_policies(self, *, limit: int | None = None, cursor: str | None = None) -> models.PolicyRowPage:
        """The tenant's policy, with the version in force."""
        return cast('models.PolicyRowPage', self._send("GET", _path("/v1/policies"), query={"limit": limit, "cursor": cursor}))

    def each_policies(self) -> Iterator[models.PolicyRow]:
        """Every row of `list_policies`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_policies(limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_policy(self, name: str, *, version: int | None = None) -> models.Policy:
        """A policy with every name that a caller may use, and the document itself. Each name has its clause: categories, inputs, channels, languages, facts, reasons, causes, outcomes, milestones and labels. The ETag goes into If-Match."""
        return cast('models.Policy', self._send("GET", _path("/v1/policies/{name}", name=name), query={"version": version}))

    def get_policy_source(self, name: str, *, version: int | None = None) -> models.PolicySource:
        """The document of a version as YAML, as its author wrote it, with comments. JSON is written out as YAML."""
        return cast('models.PolicySource', self._send("GET", _path("/v1/policies/{name}/source", name=name), query={"version": version}))

    def validate_policy(self, body: models.DraftBody, *, validate_only: bool | None = None) -> models.PolicyCheck:
        """What is wrong with a draft, each finding with its line and what to write instead."""
        return cast('models.PolicyCheck', self._send("POST", _path("/v1/policies/validate"), body=body, query={"validate_only": validate_only}))

    def publish_policy(self, name: str, body: models.PolicyVersionBody, *, validate_only: bool | None = None, idempotency_key: str | None = None, if_match: str | None = None) -> models.PublishedPolicy:
        """A new, immutable version. It never changes what was granted or quoted before."""
        return cast('models.PublishedPolicy', self._send("POST", _path("/v1/policies/{name}/versions", name=name), keyed=True, body=body, key=idempotency_key, if_match=if_match, query={"validate_only": validate_only}))

    def compare_policy(self, name: str, body: models.ComparedBody, *, validate_only: bool | None = None) -> models.PolicyComparison:
        """What a draft says otherwise than a version, each difference in a sentence."""
        return cast('models.PolicyComparison', self._send("POST", _path("/v1/policies/{name}/comparison", name=name), body=body, query={"validate_only": validate_only}))

    def withdraw_policy_version(self, name: str, version: int, *, validate_only: bool | None = None) -> models.VersionRow:
        """Takes back a version whose day has not come. Its number and its text stay."""
        return cast('models.VersionRow', self._send("DELETE", _path("/v1/policies/{name}/versions/{version}", name=name, version=version), query={"validate_only": validate_only}))

    def price_ticket(self, name: str, body: models.PriceBody, *, validate_only: bool | None = None) -> models.Price:
        """The calculator: what a category costs, by which clause, and whether the customer would have to confirm it."""
        return cast('models.Price', self._send("POST", _path("/v1/policies/{name}/price", name=name), body=body, query={"validate_only": validate_only}))

    def simulate_policy(self, name: str, body: models.SimulationBody, *, validate_only: bool | None = None) -> models.PolicySimulation:
        """Runs a draft over the recorded history and says who would have been decided or charged differently. Writes nothing. `complete` false: there is more history than `limit`."""
        return cast('models.PolicySimulation', self._send("POST", _path("/v1/policies/{name}/simulate", name=name), body=body, query={"validate_only": validate_only}))

    def put_source(self, name: str, body: models.SourceBody, *, validate_only: bool | None = None) -> models.Source:
        """Listens to a shop or helpdesk. The answer to the first call holds the address that deliveries go to, once."""
        return cast('models.Source', self._send("PUT", _path("/v1/sources/{name}", name=name), body=body, query={"validate_only": validate_only}))

    def delete_source(self, name: str, *, validate_only: bool | None = None) -> models.Source:
        """Stops listening: its address opens nothing any more."""
        return cast('models.Source', self._send("DELETE", _path("/v1/sources/{name}", name=name), query={"validate_only": validate_only}))

    def list_sources(self, *, limit: int | None = None, cursor: str | None = None) -> models.SourcePage:
        """Sources with how many deliveries are in which state. Secrets are never shown."""
        return cast('models.SourcePage', self._send("GET", _path("/v1/sources"), query={"limit": limit, "cursor": cursor}))

    def each_sources(self) -> Iterator[models.Source]:
        """Every row of `list_sources`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_sources(limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def list_source_deliveries(self, name: str, *, state: models.DeliveryState | None = None, limit: int | None = None, cursor: str | None = None) -> models.DeliveryPage:
        """What came, newest first: `received`, `done`, `parked`, `ignored` or `dismissed`, with the reason. What is parked says in `review` what is unclear, what the payload says, and what would settle it."""
        return cast('models.DeliveryPage', self._send("GET", _path("/v1/sources/{name}/deliveries", name=name), query={"state": state, "limit": limit, "cursor": cursor}))

    def each_source_deliveries(self, name: str, *, state: models.DeliveryState | None = None) -> Iterator[models.Delivery]:
        """Every row of `list_source_deliveries`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_source_deliveries(name, limit=100, cursor=cursor, state=state)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_source_delivery(self, name: str, delivery_id: str) -> models.Delivery:
        """One delivery with its body as it came."""
        return cast('models.Delivery', self._send("GET", _path("/v1/sources/{name}/deliveries/{delivery_id}", name=name, delivery_id=delivery_id)))

    def replay_source_delivery(self, name: str, delivery_id: str, *, validate_only: bool | None = None) -> models.Delivery:
        """Acts on a delivery once more, now. What was done already is not done twice, so no Idempotency-Key is needed."""
        return cast('models.Delivery', self._send("POST", _path("/v1/sources/{name}/deliveries/{delivery_id}/replay", name=name, delivery_id=delivery_id), query={"validate_only": validate_only}))

    def dismiss_source_delivery(self, name: str, delivery_id: str, body: models.DismissalBody, *, validate_only: bool | None = None) -> models.Delivery:
        """Settles a parked delivery by hand: dismissed with a reason, or linked to the adjustment that settled it. The same again changes nothing, so no Idempotency-Key is needed."""
        return cast('models.Delivery', self._send("POST", _path("/v1/sources/{name}/deliveries/{delivery_id}/dismissal", name=name, delivery_id=delivery_id), body=body, query={"validate_only": validate_only}))

    def list_webhook_endpoints(self, *, limit: int | None = None, cursor: str | None = None) -> models.WebhookEndpointPage:
        """The tenant's endpoints, without their secrets."""
        return cast('models.WebhookEndpointPage', self._send("GET", _path("/v1/webhook-endpoints"), query={"limit": limit, "cursor": cursor}))

    def each_webhook_endpoints(self) -> Iterator[models.WebhookEndpoint]:
        """Every row of `list_webhook_endpoints`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_webhook_endpoints(limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def create_webhook_endpoint(self, body: models.EndpointBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.WebhookEndpoint:
        """An endpoint that is told what happens from now on. Its secret is shown in this answer and never again. With an Idempotency-Key a repeat makes no second one: it answers the first again, with its secret until that is rotated."""
        return cast('models.WebhookEndpoint', self._send("POST", _path("/v1/webhook-endpoints"), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    def get_webhook_endpoint(self, endpoint_id: str) -> models.WebhookEndpoint:
        """One endpoint and how it stands."""
        return cast('models.WebhookEndpoint', self._send("GET", _path("/v1/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id)))

    def change_webhook_endpoint(self, endpoint_id: str, body: models.EndpointChanges | None = None, *, validate_only: bool | None = None, if_match: str | None = None) -> models.WebhookEndpoint:
        """Changes what is given; `enabled: true` goes on where a disabled endpoint stopped, so that nothing is missed."""
        return cast('models.WebhookEndpoint', self._send("PATCH", _path("/v1/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id), body=body, if_match=if_match, query={"validate_only": validate_only}))

    def delete_webhook_endpoint(self, endpoint_id: str, *, validate_only: bool | None = None, if_match: str | None = None) -> models.WebhookEndpoint:
        """Ends an endpoint; nothing more is sent to it, and its log is removed."""
        return cast('models.WebhookEndpoint', self._send("DELETE", _path("/v1/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id), if_match=if_match, query={"validate_only": validate_only}))

    def rotate_webhook_secret(self, endpoint_id: str, body: models.SecretRotationBody | None | None = None, *, validate_only: bool | None = None) -> models.WebhookEndpoint:
        """A new secret, shown once; deliveries carry the signatures of both until the overlap is over."""
        return cast('models.WebhookEndpoint', self._send("POST", _path("/v1/webhook-endpoints/{endpoint_id}/secret/rotation", endpoint_id=endpoint_id), body=body, query={"validate_only": validate_only}))

    def test_webhook_endpoint(self, endpoint_id: str, *, validate_only: bool | None = None) -> models.WebhookDelivery:
        """Sends a `webhook.test` event to this endpoint; the log says what came of it."""
        return cast('models.WebhookDelivery', self._send("POST", _path("/v1/webhook-endpoints/{endpoint_id}/test", endpoint_id=endpoint_id), query={"validate_only": validate_only}))

    def list_webhook_deliveries(self, endpoint_id: str, *, state: models.WebhookDeliveryState | None = None, event_id: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None) -> models.WebhookDeliveryPage:
        """What was sent and what came of each attempt, the newest first."""
        return cast('models.WebhookDeliveryPage', self._send("GET", _path("/v1/webhook-endpoints/{endpoint_id}/deliveries", endpoint_id=endpoint_id), query={"state": state, "event_id": event_id, "limit": limit, "cursor": cursor}))

    def each_webhook_deliveries(self, endpoint_id: str, *, state: models.WebhookDeliveryState | None = None, event_id: models.AnyId | None = None) -> Iterator[models.WebhookDelivery]:
        """Every row of `list_webhook_deliveries`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_webhook_deliveries(endpoint_id, limit=100, cursor=cursor, state=state, event_id=event_id)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_webhook_delivery(self, endpoint_id: str, delivery_id: str) -> models.WebhookDelivery:
        """One delivery."""
        return cast('models.WebhookDelivery', self._send("GET", _path("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}", endpoint_id=endpoint_id, delivery_id=delivery_id)))

    def replay_webhook_delivery(self, endpoint_id: str, delivery_id: str, *, validate_only: bool | None = None) -> models.WebhookDelivery:
        """Sends a finished delivery again, with the same id."""
        return cast('models.WebhookDelivery', self._send("POST", _path("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay", endpoint_id=endpoint_id, delivery_id=delivery_id), query={"validate_only": validate_only}))

    def replay_webhook_span(self, endpoint_id: str, body: models.SpanBody, *, validate_only: bool | None = None) -> models.WebhookReplay:
        """Sends again what happened in a span of time; at most 1,000 events a call."""
        return cast('models.WebhookReplay', self._send("POST", _path("/v1/webhook-endpoints/{endpoint_id}/replay", endpoint_id=endpoint_id), body=body, query={"validate_only": validate_only}))

    def list_events(self, *, after: models.AnyId | None = None, type: list[str] | None = None, customer_id: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None) -> models.EventPage:
        """Events in the order of their positions; nothing is skipped, however many write at once. Remember `position` and ask again with `after`: it says how far this answer looked."""
        return cast('models.EventPage', self._send("GET", _path("/v1/events"), query={"after": after, "type": type, "customer_id": customer_id, "limit": limit, "cursor": cursor}))

    def each_events(self, *, after: models.AnyId | None = None, type: list[str] | None = None, customer_id: models.AnyId | None = None) -> Iterator[models.Event]:
        """Every row of `list_events`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_events(limit=100, cursor=cursor, after=after, type=type, customer_id=customer_id)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_event(self, event_id: str) -> models.Event:
        """One event."""
        return cast('models.Event', self._send("GET", _path("/v1/events/{event_id}", event_id=event_id)))

    def list_audit_trail(self, *, actor: str | None = None, action: str | None = None, subject: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.AuditEntryPage:
        """What was done by whom, newest first."""
        return cast('models.AuditEntryPage', self._send("GET", _path("/v1/audit-trail"), query={"actor": actor, "action": action, "subject": subject, "limit": limit, "cursor": cursor}))

    def each_audit_trail(self, *, actor: str | None = None, action: str | None = None, subject: str | None = None) -> Iterator[models.AuditEntry]:
        """Every row of `list_audit_trail`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = self.list_audit_trail(limit=100, cursor=cursor, actor=actor, action=action, subject=subject)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get_report(self, name: str, *, from_: str | None = None, to: str | None = None, group_by: models.AnyId | None = None, format: Literal['json', 'csv'] | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Report:
        """Promises kept, credits owed, used and expired, money earned, and who worked. All of it is of one snapshot. `from` and `to` are about when it happened; of `liability` and `forecast`, about when credits expire."""
        return cast('models.Report', self._send("GET", _path("/v1/reports/{name}", name=name), query={"from": from_, "to": to, "group_by": group_by, "format": format, "as_of": as_of, "known_at": known_at}))

    def export_rows(self, name: str, *, after: str | None = None) -> Any:
        """All entries, orders, tickets or clocks from a position on: a line of JSON a row, as they were recorded. Each is as its own call answers it, with its `position`; whoever goes on from the last one misses no row. What changes later is told by `GET /v1/events`."""
        return self._send("GET", _path("/v1/exports/{name}", name=name), query={"after": after})


class AsyncOperations:
    """A method for each operation."""

    async def _send(self, method: str, path: str, **sent: Any) -> Any:
        raise NotImplementedError

    async def get_balance(self, customer_id: str, *, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Balance:
        """What is available and held, and the lots it is in, the first 100; exact at the instant."""
        return cast('models.Balance', await self._send("GET", _path("/v1/customers/{customer_id}/balance", customer_id=customer_id), query={"cursor": cursor, "as_of": as_of, "known_at": known_at}))

    async def create_debit(self, customer_id: str, body: models.DebitBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Holds and captures at once; the answer's `hold_id` is what a refund needs."""
        return cast('models.Hold', await self._send("POST", _path("/v1/customers/{customer_id}/debits", customer_id=customer_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def create_hold(self, customer_id: str, body: models.HoldBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Reserves credits in order of spending."""
        return cast('models.Hold', await self._send("POST", _path("/v1/customers/{customer_id}/holds", customer_id=customer_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def capture_hold(self, hold_id: str, body: models.CaptureBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Takes held credits for good, in the hold's order."""
        return cast('models.Hold', await self._send("POST", _path("/v1/holds/{hold_id}/capture", hold_id=hold_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def release_hold(self, hold_id: str, body: models.GiveBackBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Gives held credits back to the lots they came from, in reverse."""
        return cast('models.Hold', await self._send("POST", _path("/v1/holds/{hold_id}/release", hold_id=hold_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def refund_hold(self, hold_id: str, body: models.GiveBackBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Hold:
        """Gives captured credits back to the lots they came from, in reverse."""
        return cast('models.Hold', await self._send("POST", _path("/v1/holds/{hold_id}/refund", hold_id=hold_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def adjust_credits(self, customer_id: str, body: models.AdjustmentBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Adjustment:
        """Corrects a balance by hand: +n grants a lot (and makes the customer), -n takes what is available."""
        return cast('models.Adjustment', await self._send("POST", _path("/v1/customers/{customer_id}/adjustments", customer_id=customer_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def create_credit_batch(self, body: models.BatchBody, *, validate_only: bool | None = None) -> models.CreditBatch:
        """Up to 1,000 commands, each with a status, a code and a result of its own; no header key."""
        return cast('models.CreditBatch', await self._send("POST", _path("/v1/credit-batches"), body=body, query={"validate_only": validate_only}))

    async def get_statement(self, customer_id: str, *, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Statement:
        """Where credits came from, tickets in progress, resolved tickets: three parts whose totals meet the balance."""
        return cast('models.Statement', await self._send("GET", _path("/v1/customers/{customer_id}/statement", customer_id=customer_id), query={"cursor": cursor, "as_of": as_of, "known_at": known_at}))

    async def list_entries(self, customer_id: str, *, limit: int | None = None, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.EntryPage:
        """The ledger: immutable moves between buckets."""
        return cast('models.EntryPage', await self._send("GET", _path("/v1/customers/{customer_id}/entries", customer_id=customer_id), query={"limit": limit, "cursor": cursor, "as_of": as_of, "known_at": known_at}))

    async def each_entries(self, customer_id: str, *, as_of: str | None = None, known_at: str | None = None) -> AsyncIterator[models.Entry]:
        """Every row of `list_entries`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_entries(customer_id, limit=100, cursor=cursor, as_of=as_of, known_at=known_at)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_entry(self, entry_id: str, *, as_of: str | None = None, known_at: str | None = None) -> models.Entry:
        """One line of the ledger, if it was there `as_of`, by what was `known_at`."""
        return cast('models.Entry', await self._send("GET", _path("/v1/entries/{entry_id}", entry_id=entry_id), query={"as_of": as_of, "known_at": known_at}))

    async def get_lot(self, lot_id: str, *, as_of: str | None = None, known_at: str | None = None) -> models.Lot:
        """A lot as it stands, or stood `as_of` by what was `known_at`."""
        return cast('models.Lot', await self._send("GET", _path("/v1/lots/{lot_id}", lot_id=lot_id), query={"as_of": as_of, "known_at": known_at}))

    async def put_lot_metadata(self, lot_id: str, body: models.LotMetadataBody, *, validate_only: bool | None = None) -> models.Lot:
        """Replaces what you keep beside a lot, whoever granted it. Nothing else of it changes."""
        return cast('models.Lot', await self._send("PUT", _path("/v1/lots/{lot_id}/metadata", lot_id=lot_id), body=body, query={"validate_only": validate_only}))

    async def transfer_lot(self, lot_id: str, body: models.TransferBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Transfer:
        """Gives a lot to another customer, or refuses, as the policy says."""
        return cast('models.Transfer', await self._send("POST", _path("/v1/lots/{lot_id}/transfer", lot_id=lot_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def quote_lot_refund(self, lot_id: str) -> models.RefundQuote:
        """What the unused credits of a lot would bring back in money now."""
        return cast('models.RefundQuote', await self._send("GET", _path("/v1/lots/{lot_id}/refund-quote", lot_id=lot_id)))

    async def refund_lot(self, lot_id: str, body: models.LotRefundBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.RefundQuote:
        """Voids unused credits and says what money is due; `override` needs `credits:refund` and a reason."""
        return cast('models.RefundQuote', await self._send("POST", _path("/v1/lots/{lot_id}/refund", lot_id=lot_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def get_audit(self, *, limit: int | None = None, cursor: str | None = None) -> models.LedgerAudit:
        """Every broken invariant of the ledger; an empty list is the promise. A large tenant is looked at stretch by stretch: a call looks for some seconds, and `next_cursor` goes on. The promise holds for the whole tenant once `next_cursor` is null and no part had a row."""
        return cast('models.LedgerAudit', await self._send("GET", _path("/v1/audit"), query={"limit": limit, "cursor": cursor}))

    async def list_problems(self) -> models.ProblemEntryPage:
        """Every code that a refusal can have, with its cause and what to do; a page for browsers, JSON for programs."""
        return cast('models.ProblemEntryPage', await self._send("GET", _path("/problems")))

    async def get_problem(self, code: str) -> models.ProblemEntry:
        """One code; a page for browsers, JSON for programs."""
        return cast('models.ProblemEntry', await self._send("GET", _path("/problems/{code}", code=code)))

    async def list_tenants(self, *, query: models.AnyId | None = None, policy: models.AnyId | None = None, suspended: bool | None = None, limit: int | None = None, cursor: str | None = None) -> models.TenantPage:
        """The tenants that live on this server, by their ids. With `policy` or `suspended` a page may have fewer rows."""
        return cast('models.TenantPage', await self._send("GET", _path("/v1/tenants"), query={"query": query, "policy": policy, "suspended": suspended, "limit": limit, "cursor": cursor}))

    async def each_tenants(self, *, query: models.AnyId | None = None, policy: models.AnyId | None = None, suspended: bool | None = None) -> AsyncIterator[models.Tenant]:
        """Every row of `list_tenants`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_tenants(limit=100, cursor=cursor, query=query, policy=policy, suspended=suspended)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def put_tenant(self, tenant_id: str, body: models.TenantBody, *, validate_only: bool | None = None) -> models.Tenant:
        """A tenant under a policy. 201 the first time, 200 with the same body again, 409 with other content."""
        return cast('models.Tenant', await self._send("PUT", _path("/v1/tenants/{tenant_id}", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    async def suspend_tenant(self, tenant_id: str, body: models.SuspensionBody | None = None, *, validate_only: bool | None = None) -> models.Tenant:
        """Suspends a tenant, or lifts it: `{'suspended': false}`. Its keys stop, or go on, within a second."""
        return cast('models.Tenant', await self._send("PUT", _path("/v1/tenants/{tenant_id}/suspension", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    async def get_tenant_move(self, tenant_id: str) -> models.TenantMove:
        """Whether a tenant lives on this server, moves, or has moved. See docs/scale.md for a whole move."""
        return cast('models.TenantMove', await self._send("GET", _path("/v1/tenants/{tenant_id}/move", tenant_id=tenant_id)))

    async def put_tenant_move(self, tenant_id: str, body: models.MoveBody, *, validate_only: bool | None = None) -> models.TenantMove:
        """Brings a tenant's move to a state, or gives it up: `{'state': 'here'}`. The same state again changes nothing. While it is `moving` writes are 503 `tenant_moving`; once it has `moved` all calls are 421 `tenant_moved`."""
        return cast('models.TenantMove', await self._send("PUT", _path("/v1/tenants/{tenant_id}/move", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    async def create_key(self, tenant_id: str, body: models.KeyBody, *, validate_only: bool | None = None) -> models.ApiKey:
        """A key of the tenant. It is shown in this answer and never again."""
        return cast('models.ApiKey', await self._send("POST", _path("/v1/tenants/{tenant_id}/keys", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    async def list_keys(self, *, tenant_id: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.ApiKeyPage:
        """The tenant's keys, without the keys themselves."""
        return cast('models.ApiKeyPage', await self._send("GET", _path("/v1/keys"), query={"tenant_id": tenant_id, "limit": limit, "cursor": cursor}))

    async def each_keys(self, *, tenant_id: str | None = None) -> AsyncIterator[models.ApiKey]:
        """Every row of `list_keys`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_keys(limit=100, cursor=cursor, tenant_id=tenant_id)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def revoke_key(self, key_id: str, *, tenant_id: str | None = None, validate_only: bool | None = None) -> models.ApiKey:
        """Ends a key for good. It stops within a second."""
        return cast('models.ApiKey', await self._send("DELETE", _path("/v1/keys/{key_id}", key_id=key_id), query={"tenant_id": tenant_id, "validate_only": validate_only}))

    async def rotate_key(self, key_id: str, body: models.KeyRotationBody | None = None, *, tenant_id: str | None = None, validate_only: bool | None = None) -> models.ApiKey:
        """A successor with the same scopes; both live until the overlap is over."""
        return cast('models.ApiKey', await self._send("POST", _path("/v1/keys/{key_id}/rotation", key_id=key_id), body=body, query={"tenant_id": tenant_id, "validate_only": validate_only}))

    async def create_sign_in_link(self, tenant_id: str, body: models.SignInLinkBody, *, validate_only: bool | None = None) -> models.SignInLink:
        """A link that signs a person of the vendor in to the pages, once, with these scopes."""
        return cast('models.SignInLink', await self._send("POST", _path("/v1/tenants/{tenant_id}/sign-in-links", tenant_id=tenant_id), body=body, query={"validate_only": validate_only}))

    async def create_operator_sign_in_link(self, body: models.OperatorLinkBody | None = None, *, validate_only: bool | None = None) -> models.OperatorSignInLink:
        """A link that opens the operator's page of all tenants, once, for an hour. No page of a tenant opens by it."""
        return cast('models.OperatorSignInLink', await self._send("POST", _path("/v1/operator/sign-in-links"), body=body, query={"validate_only": validate_only}))

    async def create_customer_token(self, customer_id: str, body: models.TokenBody | None = None, *, validate_only: bool | None = None) -> models.CustomerToken:
        """An opaque token for this customer, at most ten minutes, and the `url` of the page that it opens. It reads. With `may` `act` it does what a customer may do: confirm or decline a quote, choose, withdraw, dispute, resume, answer what a ticket asks for. That wants the scope `tickets:write`."""
        return cast('models.CustomerToken', await self._send("POST", _path("/v1/customers/{customer_id}/tokens", customer_id=customer_id), body=body, query={"validate_only": validate_only}))

    async def get_time(self) -> models.TenantTime:
        """The tenant's time: its own, or the real one."""
        return cast('models.TenantTime', await self._send("GET", _path("/v1/clock")))

    async def move_time(self, body: models.TimeBody, *, validate_only: bool | None = None) -> models.TenantTime:
        """Moves a sandbox's time forward; everything due in between happens, in order. Repeat until `reached`."""
        return cast('models.TenantTime', await self._send("PUT", _path("/v1/clock"), body=body, query={"validate_only": validate_only}))

    async def list_offers(self, *, customer_id: models.AnyId | None = None, currency: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.OfferPage:
        """What can be bought, priced for this customer; an unknown customer is priced as an empty account."""
        return cast('models.OfferPage', await self._send("GET", _path("/v1/offers"), query={"customer_id": customer_id, "currency": currency, "limit": limit, "cursor": cursor}))

    async def each_offers(self, *, customer_id: models.AnyId | None = None, currency: str | None = None) -> AsyncIterator[models.Offer]:
        """Every row of `list_offers`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_offers(limit=100, cursor=cursor, customer_id=customer_id, currency=currency)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_offer(self, sku: str, *, customer_id: models.AnyId | None = None, currency: str | None = None) -> models.Offer:
        """One offer by a sku that can be ordered, such as `credits-40`, priced for this customer step by step."""
        return cast('models.Offer', await self._send("GET", _path("/v1/offers/{sku}", sku=sku), query={"customer_id": customer_id, "currency": currency}))

    async def get_order(self, order_id: str) -> models.Order:
        """What an order granted and why, as it stands now, and its refunds."""
        return cast('models.Order', await self._send("GET", _path("/v1/orders/{order_id}", order_id=order_id)))

    async def put_order(self, order_id: str, body: models.OrderBody, *, validate_only: bool | None = None) -> models.Order:
        """Records an order: the licenses, lots, covers and open choices it granted, what it did not grant and why, and notices. 201 the first time, 200 with the same body again, 409 `order_conflict` with other content."""
        return cast('models.Order', await self._send("PUT", _path("/v1/orders/{order_id}", order_id=order_id), body=body, query={"validate_only": validate_only}))

    async def refund_order(self, order_id: str, body: models.RefundBody, *, validate_only: bool | None = None) -> models.OrderRefund:
        """Takes back what is unspent of the refunded units and reports what was spent. 201 the first time, 200 again."""
        return cast('models.OrderRefund', await self._send("POST", _path("/v1/orders/{order_id}/refunds", order_id=order_id), body=body, query={"validate_only": validate_only}))

    async def replay_order(self, order_id: str, *, validate_only: bool | None = None) -> models.Order:
        """Judges lines with an unknown sku anew by the policy in force now; safe any number of times."""
        return cast('models.Order', await self._send("POST", _path("/v1/orders/{order_id}/replay", order_id=order_id), query={"validate_only": validate_only}))

    async def list_choices(self, customer_id: str, *, all: bool | None = None, limit: int | None = None, cursor: str | None = None) -> models.ChoicePage:
        """The open choices, oldest first; `all=true`: those made or taken back too."""
        return cast('models.ChoicePage', await self._send("GET", _path("/v1/customers/{customer_id}/choices", customer_id=customer_id), query={"all": all, "limit": limit, "cursor": cursor}))

    async def each_choices(self, customer_id: str, *, all: bool | None = None) -> AsyncIterator[models.Choice]:
        """Every row of `list_choices`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_choices(customer_id, limit=100, cursor=cursor, all=all)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_choice(self, choice_id: str) -> models.Choice:
        """A choice as it stands now, whether it is open, made or taken back."""
        return cast('models.Choice', await self._send("GET", _path("/v1/choices/{choice_id}", choice_id=choice_id)))

    async def make_choice(self, customer_id: str, choice_id: str, body: models.ChoiceBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Choice:
        """Grants exactly one option, for good."""
        return cast('models.Choice', await self._send("POST", _path("/v1/customers/{customer_id}/choices/{choice_id}", customer_id=customer_id, choice_id=choice_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def get_license(self, license_id: str) -> models.License:
        """A license as it stands now."""
        return cast('models.License', await self._send("GET", _path("/v1/licenses/{license_id}", license_id=license_id)))

    async def terminate_license(self, license_id: str, body: models.TerminationBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.License:
        """Ends a license and the levels and covers that serve it alone; once."""
        return cast('models.License', await self._send("POST", _path("/v1/licenses/{license_id}/termination", license_id=license_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def register_license(self, license_id: str, body: models.RegistrationBody, *, validate_only: bool | None = None) -> models.License:
        """Registers a license to an installation; again moves it."""
        return cast('models.License', await self._send("POST", _path("/v1/licenses/{license_id}/registration", license_id=license_id), body=body, query={"validate_only": validate_only}))

    async def list_orders(self, *, state: str | None = None, payment_state: str | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> models.ListedOrderPage:
        """Orders, by the instant they were placed; `GET /v1/orders/{order_id}` says what one granted."""
        return cast('models.ListedOrderPage', await self._send("GET", _path("/v1/orders"), query={"state": state, "payment_state": payment_state, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    async def each_orders(self, *, state: str | None = None, payment_state: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> AsyncIterator[models.ListedOrder]:
        """Every row of `list_orders`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_orders(limit=100, cursor=cursor, state=state, payment_state=payment_state, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def list_refunds(self, *, state: str | None = None, order_id: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> models.OrderRefundPage:
        """Refunds of orders, by the instant they were told."""
        return cast('models.OrderRefundPage', await self._send("GET", _path("/v1/refunds"), query={"state": state, "order_id": order_id, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    async def each_refunds(self, *, state: str | None = None, order_id: models.AnyId | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> AsyncIterator[models.OrderRefund]:
        """Every row of `list_refunds`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_refunds(limit=100, cursor=cursor, state=state, order_id=order_id, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def list_holds(self, *, state: str | None = None, ticket_id: models.AnyId | None = None, open: bool | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None) -> models.HoldPage:
        """Holds and debits, as they were made; by their end those that are open and have one."""
        return cast('models.HoldPage', await self._send("GET", _path("/v1/holds"), query={"state": state, "ticket_id": ticket_id, "open": open, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    async def each_holds(self, *, state: str | None = None, ticket_id: models.AnyId | None = None, open: bool | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None) -> AsyncIterator[models.Hold]:
        """Every row of `list_holds`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_holds(limit=100, cursor=cursor, state=state, ticket_id=ticket_id, open=open, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def list_licenses(self, *, active: bool | None = None, ended_reason: str | None = None, domain: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> models.LicensePage:
        """Licenses, by the instant their order was placed."""
        return cast('models.LicensePage', await self._send("GET", _path("/v1/licenses"), query={"active": active, "ended_reason": ended_reason, "domain": domain, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    async def each_licenses(self, *, active: bool | None = None, ended_reason: str | None = None, domain: models.AnyId | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None) -> AsyncIterator[models.License]:
        """Every row of `list_licenses`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_licenses(limit=100, cursor=cursor, active=active, ended_reason=ended_reason, domain=domain, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def list_covers(self, *, state: str | None = None, ends_after: str | None = None, ends_before: str | None = None, license_id: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None) -> models.CoverPage:
        """Periods of support, by the instant they were granted; with a state or a bound of ends by their ends."""
        return cast('models.CoverPage', await self._send("GET", _path("/v1/covers"), query={"state": state, "ends_after": ends_after, "ends_before": ends_before, "license_id": license_id, "limit": limit, "cursor": cursor, "customer_id": customer_id, "since": since, "until": until, "sort": sort}))

    async def each_covers(self, *, state: str | None = None, ends_after: str | None = None, ends_before: str | None = None, license_id: models.AnyId | None = None, customer_id: models.AnyId | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None) -> AsyncIterator[models.Cover]:
        """Every row of `list_covers`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_covers(limit=100, cursor=cursor, state=state, ends_after=ends_after, ends_before=ends_before, license_id=license_id, customer_id=customer_id, since=since, until=until, sort=sort)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def list_customers(self, *, query: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None) -> models.CustomerRowPage:
        """Customers by name, e-mail, id here or in another system, or company: each word of `query` begins a word there. Case does not matter. The whole id of an order, license, domain or ticket of theirs finds them, too."""
        return cast('models.CustomerRowPage', await self._send("GET", _path("/v1/customers"), query={"query": query, "limit": limit, "cursor": cursor}))

    async def each_customers(self, *, query: models.AnyId | None = None) -> AsyncIterator[models.CustomerRow]:
        """Every row of `list_customers`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_customers(limit=100, cursor=cursor, query=query)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_customer(self, customer_id: str, *, cursor: str | None = None) -> models.Customer:
        """Who it is, and licenses, covers, balances, open choices and open tickets: the first 100 rows of each list. The ETag is of who it is, and goes into If-Match."""
        return cast('models.Customer', await self._send("GET", _path("/v1/customers/{customer_id}", customer_id=customer_id), query={"cursor": cursor}))

    async def put_customer(self, customer_id: str, body: models.CustomerBody | None = None, *, validate_only: bool | None = None, if_match: str | None = None) -> models.Customer:
        """Replaces what is known of a person or a company. 201 where it makes the customer, else 200. Whoever has a `company_id` opens tickets on the account of that company, which pays for them."""
        return cast('models.Customer', await self._send("PUT", _path("/v1/customers/{customer_id}", customer_id=customer_id), body=body, if_match=if_match, query={"validate_only": validate_only}))

    async def put_contacts(self, customer_id: str, body: models.ContactsBody, *, validate_only: bool | None = None) -> models.Customer:
        """Names the people of a company who may open its tickets, and nobody else; so many as the policy says."""
        return cast('models.Customer', await self._send("PUT", _path("/v1/customers/{customer_id}/contacts", customer_id=customer_id), body=body, query={"validate_only": validate_only}))

    async def export_customer(self, customer_id: str) -> models.CustomerExport:
        """All that is kept about a customer."""
        return cast('models.CustomerExport', await self._send("GET", _path("/v1/customers/{customer_id}/export", customer_id=customer_id)))

    async def erase_customer(self, customer_id: str, *, validate_only: bool | None = None) -> models.Erasure:
        """Removes a customer's names, the ledger's arithmetic intact. Needs no Idempotency-Key: no answer may be kept."""
        return cast('models.Erasure', await self._send("POST", _path("/v1/customers/{customer_id}/erasure", customer_id=customer_id), query={"validate_only": validate_only}))

    async def merge_customers(self, customer_id: str, body: models.MergeBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Customer:
        """Merges an account into another: licenses, covers, orders, tickets and whole lots move."""
        return cast('models.Customer', await self._send("POST", _path("/v1/customers/{customer_id}/merge", customer_id=customer_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def decide_entitlement(self, customer_id: str, action: str, *, license_id: models.AnyId | None = None, product: models.AnyId | None = None, released_at: str | None = None, reason: models.AnyId | None = None, forum: models.AnyId | None = None, explain: bool | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Entitlement:
        """A decision with its reasons and remedies. `reason` picks the clause that is cited, never the answer; `explain` adds every rule looked at. An unknown customer is decided as an empty account."""
        return cast('models.Entitlement', await self._send("GET", _path("/v1/customers/{customer_id}/entitlements/{action}", customer_id=customer_id, action=action), query={"license_id": license_id, "product": product, "released_at": released_at, "reason": reason, "forum": forum, "explain": explain, "as_of": as_of, "known_at": known_at}))

    async def get_ticket(self, ticket_id: str, *, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Ticket:
        """State, qualification, assessments, charge, clocks, parent and children, and 100 lines of its work log."""
        return cast('models.Ticket', await self._send("GET", _path("/v1/tickets/{ticket_id}", ticket_id=ticket_id), query={"cursor": cursor, "as_of": as_of, "known_at": known_at}))

    async def put_ticket(self, ticket_id: str, body: models.TicketBody, *, validate_only: bool | None = None) -> models.Ticket:
        """Opens a ticket. 201 the first time, 200 with the same body again, 409 with other content."""
        return cast('models.Ticket', await self._send("PUT", _path("/v1/tickets/{ticket_id}", ticket_id=ticket_id), body=body, query={"validate_only": validate_only}))

    async def list_tickets(self, *, customer_id: models.AnyId | None = None, state: str | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None, limit: int | None = None, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.TicketPage:
        """Tickets by the instant they were opened. `as_of`, `known_at`: as they stood; a page may have fewer rows."""
        return cast('models.TicketPage', await self._send("GET", _path("/v1/tickets"), query={"customer_id": customer_id, "state": state, "since": since, "until": until, "sort": sort, "limit": limit, "cursor": cursor, "as_of": as_of, "known_at": known_at}))

    async def each_tickets(self, *, customer_id: models.AnyId | None = None, state: str | None = None, since: str | None = None, until: str | None = None, sort: Literal['newest', 'oldest'] | None = None, as_of: str | None = None, known_at: str | None = None) -> AsyncIterator[models.Ticket]:
        """Every row of `list_tickets`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_tickets(limit=100, cursor=cursor, customer_id=customer_id, state=state, since=since, until=until, sort=sort, as_of=as_of, known_at=known_at)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def add_ticket_details(self, ticket_id: str, body: models.DetailsBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """What was missing or asked for; decides again. A customer's token states what the ticket asks for, and pays."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/details", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def withdraw_ticket(self, ticket_id: str, body: models.OccurredBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """By the customer; gives back what is held."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/withdrawal", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def qualify_ticket(self, ticket_id: str, body: models.QualificationBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """An authorised representative accepts or rejects; who and why is kept."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/qualification", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def assess_ticket(self, ticket_id: str, body: models.AssessmentBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """A quote; answers `in_force` or `awaiting_confirmation` as `status`."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/assessments", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def confirm_assessment(self, ticket_id: str, number: int, body: models.ConfirmationBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The customer's yes or no."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/assessments/{number}/confirmation", ticket_id=ticket_id, number=number), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def add_response(self, ticket_id: str, body: models.ResponseBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """A message of the vendor's or the customer's."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/responses", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def request_access(self, ticket_id: str, body: models.AccessBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Access the customer owes, by a deadline."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/access-requests", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def grant_access(self, ticket_id: str, number: int, body: models.OccurredBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The customer gave access."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/access-requests/{number}/grant", ticket_id=ticket_id, number=number), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def reach_milestone(self, ticket_id: str, body: models.MilestoneBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """A milestone of the policy's own is reached, such as a workaround; its clock stops."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/milestones", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def pause_ticket(self, ticket_id: str, body: models.PauseBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Vendor clocks stand."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/pauses", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def resume_ticket(self, ticket_id: str, body: models.ResumeBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Vendor clocks go on. A customer's token ends the pauses that wait for the customer."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/resumptions", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def apply_credit(self, ticket_id: str, body: models.CreditBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Applies a credit to an open ticket, with a new response or without."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/credits", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def split_ticket(self, ticket_id: str, body: models.SplitBody, *, validate_only: bool | None = None) -> models.Ticket:
        """Another question becomes a ticket of its own, under an id of yours. 201 the first time, 200 with the same body again, 409 `ticket_conflict` when the id is another ticket's."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/splits", ticket_id=ticket_id), body=body, query={"validate_only": validate_only}))

    async def merge_ticket(self, ticket_id: str, body: models.TicketMergeBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Two tickets are one issue: this one ends withdrawn, its hold is released and its responses move to the other."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/merge", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def log_work(self, ticket_id: str, body: models.WorkBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """A line of the work log, priced by the policy: by its parts in hours and after, rounded on the sum. The charge follows at once. Beyond what the customer agreed to it is refused, with how to ask."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/work", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def resolve_ticket(self, ticket_id: str, body: models.ResolutionBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Captures, or gives back."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/resolution", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def reopen_ticket(self, ticket_id: str, body: models.ReopeningBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The same issue again, without a second charge inside the policy's window."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/reopening", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def open_dispute(self, ticket_id: str, body: models.DisputeBody | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The customer thinks the charge wrong."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/disputes", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def decide_dispute(self, ticket_id: str, number: int, body: models.DisputeDecisionBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """The vendor reconsiders the charge: upheld, reduced to `credits`, or returned. `cause` says what the problem turned out to be, with the scope `credits:refund`; a bug returns everything."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/disputes/{number}/decision", ticket_id=ticket_id, number=number), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def correct_cause(self, ticket_id: str, body: models.CauseBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Ticket:
        """Corrects the cause of a resolved ticket at any time. A bug returns its credits; another takes them again. Credits return to expired lots as the cause says (ALL-4). What is not there to be taken again is `not_captured`."""
        return cast('models.Ticket', await self._send("POST", _path("/v1/tickets/{ticket_id}/cause", ticket_id=ticket_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def get_cover(self, cover_id: str) -> models.Cover:
        """A cover as it stands now."""
        return cast('models.Cover', await self._send("GET", _path("/v1/covers/{cover_id}", cover_id=cover_id)))

    async def suspend_cover(self, cover_id: str, body: models.CoverPauseBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Cover:
        """Stops a running period, as often as the policy says."""
        return cast('models.Cover', await self._send("POST", _path("/v1/covers/{cover_id}/suspension", cover_id=cover_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def resume_cover(self, cover_id: str, body: models.CoverPauseBody | None | None = None, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Cover:
        """Goes on with a suspended period; its end moves by the time it was suspended."""
        return cast('models.Cover', await self._send("POST", _path("/v1/covers/{cover_id}/resumption", cover_id=cover_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def extend_cover(self, cover_id: str, body: models.ExtensionBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.Cover:
        """Extends cover without an order, where the policy does; else refused."""
        return cast('models.Cover', await self._send("POST", _path("/v1/covers/{cover_id}/extension", cover_id=cover_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def explain(self, kind: str, id: str) -> models.Explanation:
        """The whole trace: rules in order with their clauses, facts and results, and what would have changed the answer. `kind`: ticket, charge, assessment (`<ticket>:<number>`), order, refund (`<order>:<refund>`), license, lot, cover, choice, operation, hold or clock. A customer's token asks about the customer's own tickets."""
        return cast('models.Explanation', await self._send("GET", _path("/v1/explain/{kind}/{id}", kind=kind, id=id)))

    async def list_calendars(self, *, limit: int | None = None, cursor: str | None = None) -> models.CalendarRowPage:
        """The tenant's calendars; the policy's own is called `service-hours`."""
        return cast('models.CalendarRowPage', await self._send("GET", _path("/v1/calendars"), query={"limit": limit, "cursor": cursor}))

    async def each_calendars(self) -> AsyncIterator[models.CalendarRow]:
        """Every row of `list_calendars`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_calendars(limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_calendar(self, name: str) -> models.Calendar:
        """The calendar and its versions in brief; the ETag goes into If-Match."""
        return cast('models.Calendar', await self._send("GET", _path("/v1/calendars/{name}", name=name)))

    async def put_calendar(self, name: str, body: models.CalendarBody, *, validate_only: bool | None = None, if_match: str | None = None) -> models.CalendarRow:
        """A calendar. 201 the first time, 200 with the same body again; other content needs If-Match."""
        return cast('models.CalendarRow', await self._send("PUT", _path("/v1/calendars/{name}", name=name), body=body, if_match=if_match, query={"validate_only": validate_only}))

    async def list_calendar_versions(self, name: str, *, limit: int | None = None, cursor: str | None = None) -> models.CalendarVersionPage:
        """Every published version, the newest first."""
        return cast('models.CalendarVersionPage', await self._send("GET", _path("/v1/calendars/{name}/versions", name=name), query={"limit": limit, "cursor": cursor}))

    async def each_calendar_versions(self, name: str) -> AsyncIterator[models.CalendarVersion]:
        """Every row of `list_calendar_versions`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_calendar_versions(name, limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def publish_calendar_version(self, name: str, body: models.CalendarVersionBody, *, validate_only: bool | None = None, idempotency_key: str | None = None, if_match: str | None = None) -> models.CalendarVersion:
        """Publishes a version; `preview` says which open clocks it moves, or would with `validate_only`. The calendar's ETag as If-Match: only if nothing was published since it was read."""
        return cast('models.CalendarVersion', await self._send("POST", _path("/v1/calendars/{name}/versions", name=name), keyed=True, body=body, key=idempotency_key, if_match=if_match, query={"validate_only": validate_only}))

    async def import_calendar(self, name: str, *, validate_only: bool | None = None) -> models.FeedDraft:
        """A holiday feed (`text/calendar`, in the `charset` that is named or UTF-8) as a draft of exceptions with their names. Nothing is published; `ignored` lists what was left out and why."""
        return cast('models.FeedDraft', await self._send("POST", _path("/v1/calendars/{name}/imports", name=name), query={"validate_only": validate_only}))

    async def read_calendar_feed(self, name: str, body: models.FeedBody, *, validate_only: bool | None = None) -> models.FeedDraft:
        """A holiday feed, as text in JSON, as a draft of exceptions: what `imports` answers. Nothing is published."""
        return cast('models.FeedDraft', await self._send("POST", _path("/v1/calendars/{name}/drafts", name=name), body=body, query={"validate_only": validate_only}))

    async def list_closures(self, name: str, *, from_: str, to: str) -> models.ClosurePage:
        """Closed and half days with every reason and the hours that half days stay open; not paged."""
        return cast('models.ClosurePage', await self._send("GET", _path("/v1/calendars/{name}/closures", name=name), query={"from": from_, "to": to}))

    async def export_calendar(self, name: str, *, from_: str | None = None, to: str | None = None) -> Any:
        """Closed and half days as iCalendar, to subscribe to."""
        return await self._send("GET", _path("/v1/calendars/{name}/calendar.ics", name=name), query={"from": from_, "to": to})

    async def is_open(self, name: str, *, at: str) -> models.Opening:
        """Whether an instant is business time, and the next opening and close after it."""
        return cast('models.Opening', await self._send("GET", _path("/v1/calendars/{name}/open", name=name), query={"at": at}))

    async def elapsed_time(self, name: str, *, from_: str, to: str) -> models.Elapsed:
        """Business seconds between two instants; negative when `to` comes first."""
        return cast('models.Elapsed', await self._send("GET", _path("/v1/calendars/{name}/elapsed", name=name), query={"from": from_, "to": to}))

    async def due_time(self, name: str, *, from_: str, target: str) -> models.Due:
        """When a target that starts at `from` falls due: the stretches counted, the closures skipped with their names."""
        return cast('models.Due', await self._send("GET", _path("/v1/calendars/{name}/due", name=name), query={"from": from_, "target": target}))

    async def list_clocks(self, *, phase: str | None = None, outcome: str | None = None, ticket_id: models.AnyId | None = None, customer_id: models.AnyId | None = None, due_after: str | None = None, due_before: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None, limit: int | None = None, cursor: str | None = None, as_of: str | None = None, known_at: str | None = None) -> models.ClockPage:
        """Clocks, by when they were made; `soonest`, `latest` and with a bound of due times by these. `as_of` and `known_at`: as they stood; a page may then have fewer rows."""
        return cast('models.ClockPage', await self._send("GET", _path("/v1/clocks"), query={"phase": phase, "outcome": outcome, "ticket_id": ticket_id, "customer_id": customer_id, "due_after": due_after, "due_before": due_before, "sort": sort, "limit": limit, "cursor": cursor, "as_of": as_of, "known_at": known_at}))

    async def each_clocks(self, *, phase: str | None = None, outcome: str | None = None, ticket_id: models.AnyId | None = None, customer_id: models.AnyId | None = None, due_after: str | None = None, due_before: str | None = None, sort: Literal['newest', 'oldest', 'soonest', 'latest'] | None = None, as_of: str | None = None, known_at: str | None = None) -> AsyncIterator[models.Clock]:
        """Every row of `list_clocks`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_clocks(limit=100, cursor=cursor, phase=phase, outcome=outcome, ticket_id=ticket_id, customer_id=customer_id, due_after=due_after, due_before=due_before, sort=sort, as_of=as_of, known_at=known_at)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_clock(self, clock_id: str, *, as_of: str | None = None, known_at: str | None = None) -> models.Clock:
        """A clock as it stands, or stood `as_of` by what was `known_at`."""
        return cast('models.Clock', await self._send("GET", _path("/v1/clocks/{clock_id}", clock_id=clock_id), query={"as_of": as_of, "known_at": known_at}))

    async def judge_clock(self, clock_id: str, body: models.JudgementBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.ClockJudgement:
        """Judges an ended clock anew on its calendar as it is now. What was judged before stays, and stands beside it."""
        return cast('models.ClockJudgement', await self._send("POST", _path("/v1/clocks/{clock_id}/judgements", clock_id=clock_id), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def list_policies(self, *, limit: int | None = None, cursor: str | None = None) -> models.PolicyRowPage:
        """The tenant's policy, with the version in force."""
        return cast('models.PolicyRowPage', await self._send("GET", _path("/v1/policies"), query={"limit": limit, "cursor": cursor}))

    async def each_policies(self) -> AsyncIterator[models.PolicyRow]:
        """Every row of `list_policies`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_policies(limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_policy(self, name: str, *, version: int | None = None) -> models.Policy:
        """A policy with every name that a caller may use, and the document itself. Each name has its clause: categories, inputs, channels, languages, facts, reasons, causes, outcomes, milestones and labels. The ETag goes into If-Match."""
        return cast('models.Policy', await self._send("GET", _path("/v1/policies/{name}", name=name), query={"version": version}))

    async def get_policy_source(self, name: str, *, version: int | None = None) -> models.PolicySource:
        """The document of a version as YAML, as its author wrote it, with comments. JSON is written out as YAML."""
        return cast('models.PolicySource', await self._send("GET", _path("/v1/policies/{name}/source", name=name), query={"version": version}))

    async def validate_policy(self, body: models.DraftBody, *, validate_only: bool | None = None) -> models.PolicyCheck:
        """What is wrong with a draft, each finding with its line and what to write instead."""
        return cast('models.PolicyCheck', await self._send("POST", _path("/v1/policies/validate"), body=body, query={"validate_only": validate_only}))

    async def publish_policy(self, name: str, body: models.PolicyVersionBody, *, validate_only: bool | None = None, idempotency_key: str | None = None, if_match: str | None = None) -> models.PublishedPolicy:
        """A new, immutable version. It never changes what was granted or quoted before."""
        return cast('models.PublishedPolicy', await self._send("POST", _path("/v1/policies/{name}/versions", name=name), keyed=True, body=body, key=idempotency_key, if_match=if_match, query={"validate_only": validate_only}))

    async def compare_policy(self, name: str, body: models.ComparedBody, *, validate_only: bool | None = None) -> models.PolicyComparison:
        """What a draft says otherwise than a version, each difference in a sentence."""
        return cast('models.PolicyComparison', await self._send("POST", _path("/v1/policies/{name}/comparison", name=name), body=body, query={"validate_only": validate_only}))

    async def withdraw_policy_version(self, name: str, version: int, *, validate_only: bool | None = None) -> models.VersionRow:
        """Takes back a version whose day has not come. Its number and its text stay."""
        return cast('models.VersionRow', await self._send("DELETE", _path("/v1/policies/{name}/versions/{version}", name=name, version=version), query={"validate_only": validate_only}))

    async def price_ticket(self, name: str, body: models.PriceBody, *, validate_only: bool | None = None) -> models.Price:
        """The calculator: what a category costs, by which clause, and whether the customer would have to confirm it."""
        return cast('models.Price', await self._send("POST", _path("/v1/policies/{name}/price", name=name), body=body, query={"validate_only": validate_only}))

    async def simulate_policy(self, name: str, body: models.SimulationBody, *, validate_only: bool | None = None) -> models.PolicySimulation:
        """Runs a draft over the recorded history and says who would have been decided or charged differently. Writes nothing. `complete` false: there is more history than `limit`."""
        return cast('models.PolicySimulation', await self._send("POST", _path("/v1/policies/{name}/simulate", name=name), body=body, query={"validate_only": validate_only}))

    async def put_source(self, name: str, body: models.SourceBody, *, validate_only: bool | None = None) -> models.Source:
        """Listens to a shop or helpdesk. The answer to the first call holds the address that deliveries go to, once."""
        return cast('models.Source', await self._send("PUT", _path("/v1/sources/{name}", name=name), body=body, query={"validate_only": validate_only}))

    async def delete_source(self, name: str, *, validate_only: bool | None = None) -> models.Source:
        """Stops listening: its address opens nothing any more."""
        return cast('models.Source', await self._send("DELETE", _path("/v1/sources/{name}", name=name), query={"validate_only": validate_only}))

    async def list_sources(self, *, limit: int | None = None, cursor: str | None = None) -> models.SourcePage:
        """Sources with how many deliveries are in which state. Secrets are never shown."""
        return cast('models.SourcePage', await self._send("GET", _path("/v1/sources"), query={"limit": limit, "cursor": cursor}))

    async def each_sources(self) -> AsyncIterator[models.Source]:
        """Every row of `list_sources`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_sources(limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def list_source_deliveries(self, name: str, *, state: models.DeliveryState | None = None, limit: int | None = None, cursor: str | None = None) -> models.DeliveryPage:
        """What came, newest first: `received`, `done`, `parked`, `ignored` or `dismissed`, with the reason. What is parked says in `review` what is unclear, what the payload says, and what would settle it."""
        return cast('models.DeliveryPage', await self._send("GET", _path("/v1/sources/{name}/deliveries", name=name), query={"state": state, "limit": limit, "cursor": cursor}))

    async def each_source_deliveries(self, name: str, *, state: models.DeliveryState | None = None) -> AsyncIterator[models.Delivery]:
        """Every row of `list_source_deliveries`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_source_deliveries(name, limit=100, cursor=cursor, state=state)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_source_delivery(self, name: str, delivery_id: str) -> models.Delivery:
        """One delivery with its body as it came."""
        return cast('models.Delivery', await self._send("GET", _path("/v1/sources/{name}/deliveries/{delivery_id}", name=name, delivery_id=delivery_id)))

    async def replay_source_delivery(self, name: str, delivery_id: str, *, validate_only: bool | None = None) -> models.Delivery:
        """Acts on a delivery once more, now. What was done already is not done twice, so no Idempotency-Key is needed."""
        return cast('models.Delivery', await self._send("POST", _path("/v1/sources/{name}/deliveries/{delivery_id}/replay", name=name, delivery_id=delivery_id), query={"validate_only": validate_only}))

    async def dismiss_source_delivery(self, name: str, delivery_id: str, body: models.DismissalBody, *, validate_only: bool | None = None) -> models.Delivery:
        """Settles a parked delivery by hand: dismissed with a reason, or linked to the adjustment that settled it. The same again changes nothing, so no Idempotency-Key is needed."""
        return cast('models.Delivery', await self._send("POST", _path("/v1/sources/{name}/deliveries/{delivery_id}/dismissal", name=name, delivery_id=delivery_id), body=body, query={"validate_only": validate_only}))

    async def list_webhook_endpoints(self, *, limit: int | None = None, cursor: str | None = None) -> models.WebhookEndpointPage:
        """The tenant's endpoints, without their secrets."""
        return cast('models.WebhookEndpointPage', await self._send("GET", _path("/v1/webhook-endpoints"), query={"limit": limit, "cursor": cursor}))

    async def each_webhook_endpoints(self) -> AsyncIterator[models.WebhookEndpoint]:
        """Every row of `list_webhook_endpoints`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_webhook_endpoints(limit=100, cursor=cursor)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def create_webhook_endpoint(self, body: models.EndpointBody, *, validate_only: bool | None = None, idempotency_key: str | None = None) -> models.WebhookEndpoint:
        """An endpoint that is told what happens from now on. Its secret is shown in this answer and never again. With an Idempotency-Key a repeat makes no second one: it answers the first again, with its secret until that is rotated."""
        return cast('models.WebhookEndpoint', await self._send("POST", _path("/v1/webhook-endpoints"), keyed=True, body=body, key=idempotency_key, query={"validate_only": validate_only}))

    async def get_webhook_endpoint(self, endpoint_id: str) -> models.WebhookEndpoint:
        """One endpoint and how it stands."""
        return cast('models.WebhookEndpoint', await self._send("GET", _path("/v1/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id)))

    async def change_webhook_endpoint(self, endpoint_id: str, body: models.EndpointChanges | None = None, *, validate_only: bool | None = None, if_match: str | None = None) -> models.WebhookEndpoint:
        """Changes what is given; `enabled: true` goes on where a disabled endpoint stopped, so that nothing is missed."""
        return cast('models.WebhookEndpoint', await self._send("PATCH", _path("/v1/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id), body=body, if_match=if_match, query={"validate_only": validate_only}))

    async def delete_webhook_endpoint(self, endpoint_id: str, *, validate_only: bool | None = None, if_match: str | None = None) -> models.WebhookEndpoint:
        """Ends an endpoint; nothing more is sent to it, and its log is removed."""
        return cast('models.WebhookEndpoint', await self._send("DELETE", _path("/v1/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id), if_match=if_match, query={"validate_only": validate_only}))

    async def rotate_webhook_secret(self, endpoint_id: str, body: models.SecretRotationBody | None | None = None, *, validate_only: bool | None = None) -> models.WebhookEndpoint:
        """A new secret, shown once; deliveries carry the signatures of both until the overlap is over."""
        return cast('models.WebhookEndpoint', await self._send("POST", _path("/v1/webhook-endpoints/{endpoint_id}/secret/rotation", endpoint_id=endpoint_id), body=body, query={"validate_only": validate_only}))

    async def test_webhook_endpoint(self, endpoint_id: str, *, validate_only: bool | None = None) -> models.WebhookDelivery:
        """Sends a `webhook.test` event to this endpoint; the log says what came of it."""
        return cast('models.WebhookDelivery', await self._send("POST", _path("/v1/webhook-endpoints/{endpoint_id}/test", endpoint_id=endpoint_id), query={"validate_only": validate_only}))

    async def list_webhook_deliveries(self, endpoint_id: str, *, state: models.WebhookDeliveryState | None = None, event_id: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None) -> models.WebhookDeliveryPage:
        """What was sent and what came of each attempt, the newest first."""
        return cast('models.WebhookDeliveryPage', await self._send("GET", _path("/v1/webhook-endpoints/{endpoint_id}/deliveries", endpoint_id=endpoint_id), query={"state": state, "event_id": event_id, "limit": limit, "cursor": cursor}))

    async def each_webhook_deliveries(self, endpoint_id: str, *, state: models.WebhookDeliveryState | None = None, event_id: models.AnyId | None = None) -> AsyncIterator[models.WebhookDelivery]:
        """Every row of `list_webhook_deliveries`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_webhook_deliveries(endpoint_id, limit=100, cursor=cursor, state=state, event_id=event_id)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_webhook_delivery(self, endpoint_id: str, delivery_id: str) -> models.WebhookDelivery:
        """One delivery."""
        return cast('models.WebhookDelivery', await self._send("GET", _path("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}", endpoint_id=endpoint_id, delivery_id=delivery_id)))

    async def replay_webhook_delivery(self, endpoint_id: str, delivery_id: str, *, validate_only: bool | None = None) -> models.WebhookDelivery:
        """Sends a finished delivery again, with the same id."""
        return cast('models.WebhookDelivery', await self._send("POST", _path("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay", endpoint_id=endpoint_id, delivery_id=delivery_id), query={"validate_only": validate_only}))

    async def replay_webhook_span(self, endpoint_id: str, body: models.SpanBody, *, validate_only: bool | None = None) -> models.WebhookReplay:
        """Sends again what happened in a span of time; at most 1,000 events a call."""
        return cast('models.WebhookReplay', await self._send("POST", _path("/v1/webhook-endpoints/{endpoint_id}/replay", endpoint_id=endpoint_id), body=body, query={"validate_only": validate_only}))

    async def list_events(self, *, after: models.AnyId | None = None, type: list[str] | None = None, customer_id: models.AnyId | None = None, limit: int | None = None, cursor: str | None = None) -> models.EventPage:
        """Events in the order of their positions; nothing is skipped, however many write at once. Remember `position` and ask again with `after`: it says how far this answer looked."""
        return cast('models.EventPage', await self._send("GET", _path("/v1/events"), query={"after": after, "type": type, "customer_id": customer_id, "limit": limit, "cursor": cursor}))

    async def each_events(self, *, after: models.AnyId | None = None, type: list[str] | None = None, customer_id: models.AnyId | None = None) -> AsyncIterator[models.Event]:
        """Every row of `list_events`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_events(limit=100, cursor=cursor, after=after, type=type, customer_id=customer_id)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_event(self, event_id: str) -> models.Event:
        """One event."""
        return cast('models.Event', await self._send("GET", _path("/v1/events/{event_id}", event_id=event_id)))

    async def list_audit_trail(self, *, actor: str | None = None, action: str | None = None, subject: str | None = None, limit: int | None = None, cursor: str | None = None) -> models.AuditEntryPage:
        """What was done by whom, newest first."""
        return cast('models.AuditEntryPage', await self._send("GET", _path("/v1/audit-trail"), query={"actor": actor, "action": action, "subject": subject, "limit": limit, "cursor": cursor}))

    async def each_audit_trail(self, *, actor: str | None = None, action: str | None = None, subject: str | None = None) -> AsyncIterator[models.AuditEntry]:
        """Every row of `list_audit_trail`, page by page."""
        cursor: str | None = None
        while True:
            page: Any = await self.list_audit_trail(limit=100, cursor=cursor, actor=actor, action=action, subject=subject)
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def get_report(self, name: str, *, from_: str | None = None, to: str | None = None, group_by: models.AnyId | None = None, format: Literal['json', 'csv'] | None = None, as_of: str | None = None, known_at: str | None = None) -> models.Report:
        """Promises kept, credits owed, used and expired, money earned, and who worked. All of it is of one snapshot. `from` and `to` are about when it happened; of `liability` and `forecast`, about when credits expire."""
        return cast('models.Report', await self._send("GET", _path("/v1/reports/{name}", name=name), query={"from": from_, "to": to, "group_by": group_by, "format": format, "as_of": as_of, "known_at": known_at}))

    async def export_rows(self, name: str, *, after: str | None = None) -> Any:
        """All entries, orders, tickets or clocks from a position on: a line of JSON a row, as they were recorded. Each is as its own call answers it, with its `position`; whoever goes on from the last one misses no row. What changes later is told by `GET /v1/events`."""
        return await self._send("GET", _path("/v1/exports/{name}", name=name), query={"after": after})
