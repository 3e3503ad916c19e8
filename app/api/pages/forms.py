"""What a form of a page means: the operation it carries out, with which path and body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.api.problems import FieldError, Problem

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Doing:
    """An operation that a form carries out, and the word for what was done."""

    operation: str
    path: dict[str, str]
    body: dict[str, Any]
    word: str


Act = Callable[[Form], Doing]
_FACT: Final = "fact:"
_INPUT: Final = "input:"
_TRUTHS: Final = {"true": True, "false": False}


def customer_acts(customer_id: str) -> dict[str, Act]:
    """Return what a customer may do, by the names that the forms use."""

    def choose(form: Form) -> Doing:
        path = {"customer_id": customer_id, "choice_id": form.get("choice_id", "")}
        return Doing("makeChoice", path, {"option": form.get("option", "")}, "chosen")

    return {
        "confirm": lambda form: _decision(form, accept=True),
        "decline": lambda form: _decision(form, accept=False),
        "choose": choose,
        "withdraw": lambda form: Doing("withdrawTicket", ticket_of(form), {}, "withdrawn"),
        "dispute": lambda form: Doing("openDispute", ticket_of(form), texts(form, "reason"), "disputed"),
        "resume": lambda form: Doing("resumeTicket", ticket_of(form), {}, "resumed"),
        "state": lambda form: Doing("addTicketDetails", ticket_of(form), details(form), "stated"),
    }


def _decision(form: Form, *, accept: bool) -> Doing:
    path = {**ticket_of(form), "number": form.get("number", "")}
    return Doing("confirmAssessment", path, {"accept": accept}, "confirmed" if accept else "declined")


def ticket_of(form: Form) -> dict[str, str]:
    """Return the path of the ticket that a form is about."""
    return {"ticket_id": form.get("ticket_id", "")}


def texts(form: Form, *names: str) -> dict[str, Any]:
    """Return the members that a form fills in; an empty field is left out."""
    return {name: form[name].strip() for name in names if form.get(name, "").strip()}


def whole(form: Form, name: str, field: str | None = None) -> dict[str, int]:
    """Return a whole number of a form, under its name; nothing where the field is empty. 422 for anything else."""
    text = form.get(name, "").strip()
    if not text:
        return {}
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Problem(
            "invalid_input", errors=[FieldError(f"/{field or name}", "not_an_integer", "A whole number is wanted.")]
        )
    return {field or name: int(text)}


def inputs_of(form: Form) -> dict[str, int]:
    """Return the numbers that a price needs: the fields ``input:<name>``."""
    found: dict[str, int] = {}
    for name in form:
        if name.startswith(_INPUT):
            found.update(whole(form, name, name.removeprefix(_INPUT)))
    return found


def details(form: Form) -> dict[str, Any]:
    """Return what a form states of a ticket: facts (``fact:<name>``), inputs, and how to pay."""
    facts: dict[str, Any] = {}
    for name, value in form.items():
        if name.startswith(_FACT) and value.strip():
            facts[name.removeprefix(_FACT)] = _TRUTHS.get(value.strip(), value.strip())
    body: dict[str, Any] = texts(form, "category", "pay_with", "license_id")
    if facts:
        body["facts"] = facts
    if inputs := inputs_of(form):
        body["inputs"] = inputs
    return {**body, **whole(form, "agreed_up_to")}
