"""Bring the catalogues of `app/locale` up to date with the texts in the code, and compile them: `make messages`.

A text that is new stands in each catalogue without a translation; one that the code no longer has is dropped. Then
translators fill what is empty, and this runs again. `tests/languages` fails as long as something is empty.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from app.api.languages import DEFAULT, DOMAINS, FOLDER, PAGES, PROBLEMS, SENTENCES, known
from app.api.pages import account, card, problems_page, statement, terms, words
from app.api.pages.rendering import EXTENSIONS, TEMPLATES
from app.api.problems import published, register
from app.domain.policy.reason_codes import reason_codes
from app.usecases.tenants import tenants

Id = str | tuple[str, str]
Found = tuple[Id, str | None, str]
"""A text (or its forms for one and for many), its context, and the file that has it."""
ROOT = Path(__file__).resolve().parents[1]
MADE = datetime(2026, 1, 1, tzinfo=UTC)
OPTIONS = {"extensions": ",".join(EXTENSIONS), "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}


def of_pages() -> Iterator[Found]:
    """Yield every text that a page shows in its reader's language."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
        with path.open("rb") as file:
            for _, function, found, _ in babel_extract(
                file, list(keywords), [], {**OPTIONS, "newstyle_gettext": "true"}
            ):
                if found and (isinstance(found, str) or found[0]):  # else the text is a table's: see below
                    yield _as_found(function, found, path.relative_to(ROOT).as_posix())
    for path in [ROOT / "app/api/formats.py", *sorted((ROOT / "app/api/pages").glob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _of_call(node, path.relative_to(ROOT).as_posix())
    yield from _of_tables()


def _of_call(node: ast.Call, path: str) -> Iterator[Found]:
    """Yield the text of a call of `text` or `counted`, unless a table has it."""
    forms = [part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if isinstance(node.func, ast.Name) and node.func.id == "counted" and len(forms) >= 2:
        yield (forms[0], forms[1]), None, path
    elif isinstance(node.func, ast.Name) and node.func.id == "text" and forms:
        yield forms[0], None, path


def _as_found(function: str | None, found: object, path: str) -> Found:
    if isinstance(found, str):
        return found, None, path
    assert isinstance(found, tuple)
    if function == "pgettext":
        return str(found[1]), str(found[0]), path
    if function == "ngettext":
        return (str(found[0]), str(found[1])), None, path
    return str(found[0]), None, path


def _of_tables() -> Iterator[Found]:
    """Yield the words for codes, which the code looks up in tables."""
    tables: dict[str, Iterable[str]] = {
        "words": (
            *words.STATES.values(),
            *words.KINDS.values(),
            *words.SOURCES.values(),
            *words.MILESTONES.values(),
            *words.FOR_CUSTOMERS.values(),
            words.ELSE,
            words.LISTED,
            *map(words.plain, words.CODES),
        ),
        "account": account.DONE.values(),
        "card": card.DONE.values(),
        "problems_page": [heading for _, heading in problems_page.GROUPS],
        "statement": map(words.plain, statement.PARTS),
        "terms": [terms.CREDITS],
    }
    for module, messages in tables.items():
        for message in messages:
            yield message, None, f"app/api/pages/{module}.py"
    for forms in (*words.TERMS.values(), ("credit", terms.CREDITS)):
        yield forms, None, "app/api/pages/words.py"


def of_problems() -> Iterator[Found]:
    """Yield what refusals say: title, cause and next step of each code, and details that are written out."""
    register(reason_codes(policy for policy, _ in tenants.templates().values()))
    for entry in published():
        for message in (entry["title"], entry["cause"], entry["next_step"]):
            yield message, None, "app/api/catalogue.py"
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            detail = _detail_of(node) if isinstance(node, ast.Call) else None
            if isinstance(detail, ast.Constant) and isinstance(detail.value, str):
                yield detail.value, None, path.relative_to(ROOT).as_posix()


_MARKS = {"phrased": 1, "phrased_of": 2, "message": 1, "forms": 2}
"""What marks a message of a sentence, and how many forms it names (`app.domain.values.phrase`)."""


def of_sentences() -> Iterator[Found]:
    """Yield the messages of the sentences that the domain and the use cases build."""
    for path in sorted([*(ROOT / "app/domain").rglob("*.py"), *(ROOT / "app/usecases").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                forms = [
                    part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                many = _MARKS.get(node.func.id, 3)
                if len(forms) >= many:
                    yield forms[0] if many == 1 else (forms[0], forms[1]), None, path.relative_to(ROOT).as_posix()


def _detail_of(call: ast.Call) -> ast.expr | None:
    """Return what a refusal says of its own: of `Problem`, of `FieldError`, or as ``message`` of `DomainError`."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    place = {"Problem": 1, "problem": 1, "FieldError": 2}.get(name)
    if place is not None and len(call.args) > place:
        return call.args[place]
    return next((word.value for word in call.keywords if name == "DomainError" and word.arg == "message"), None)


_FOUND = {PAGES: of_pages, PROBLEMS: of_problems, SENTENCES: of_sentences}


def template_of(domain: str) -> Catalog:
    """Return a catalogue of all texts in the code, without translations."""
    made = Catalog(domain=domain, fuzzy=False)
    for message, context, path in _FOUND[domain]():
        flags = (
            ["python-format"]
            if any("%(" in form for form in ((message,) if isinstance(message, str) else message))
            else []
        )
        made.add(message, None, [(path, 0)], flags, context=context)
    return made


def path_of(language: str, domain: str) -> Path:
    """Return the file of a catalogue."""
    return FOLDER / language / "LC_MESSAGES" / f"{domain}.po"


def read(language: str, domain: str) -> Catalog:
    """Return a catalogue as it is kept; an empty one where there is none yet."""
    path = path_of(language, domain)
    if not path.exists():
        return Catalog(locale=language, domain=domain, fuzzy=False)
    return read_po(io.BytesIO(path.read_bytes()), locale=language, domain=domain)


def updated(language: str, domain: str) -> Catalog:
    """Return a catalogue with exactly the texts of the code, and their translations as far as there are any."""
    kept, made = read(language, domain), Catalog(locale=language, domain=domain, fuzzy=False)
    for message in template_of(domain):
        if message.id:
            before = kept.get(_key(message), message.context)
            made.add(
                message.id,
                before.string if before else None,
                [(path, 0) for path in sorted({path for path, _ in message.locations})],
                message.flags,
                context=message.context,
                user_comments=before.user_comments if before else (),
            )
    return made


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def po_text(catalogue: Catalog) -> bytes:
    """Return a catalogue as it is kept: sorted, and without dates, so that it changes only where a text does."""
    body = io.BytesIO()
    write_po(body, catalogue, width=116, omit_header=True, sort_output=True, include_lineno=False)
    head = [
        f"# {catalogue.domain}, {catalogue.locale_identifier}: see docs/languages.md",
        'msgid ""',
        'msgstr ""',
        f'"Language: {catalogue.locale_identifier}\\n"',
        '"MIME-Version: 1.0\\n"',
        '"Content-Type: text/plain; charset=utf-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
        f'"Plural-Forms: {catalogue.plural_forms}\\n"',
    ]
    return ("\n".join(head) + "\n\n").encode() + body.getvalue().rstrip() + b"\n"


def mo_bytes(catalogue: Catalog) -> bytes:
    """Return a catalogue as the service reads it."""
    # Without a date of today: the same catalogue is the same file.
    plain = Catalog(catalogue.locale, catalogue.domain, creation_date=MADE, revision_date=MADE, fuzzy=False)
    for message in catalogue:
        if message.id and not message.fuzzy:
            plain.add(message.id, message.string, context=message.context)
    body = io.BytesIO()
    write_mo(body, plain)
    return body.getvalue()


def main() -> int:
    """Write every catalogue, and say what is not translated."""
    missing = 0
    for language in known():
        if language == DEFAULT:
            continue
        for domain in DOMAINS:
            made = updated(language, domain)
            path_of(language, domain).write_bytes(po_text(made))
            path_of(language, domain).with_suffix(".mo").write_bytes(mo_bytes(made))
            empty = sum(1 for message in made if message.id and not _is_whole(message))
            missing += empty
            print(f"messages: {language} {domain}: {len(made)} texts, {empty} without a translation")
    return 1 if missing else 0


def _is_whole(message: Message) -> bool:
    return bool(message.string) if isinstance(message.string, str) else all(message.string or [""])


if __name__ == "__main__":
    sys.exit(main())
