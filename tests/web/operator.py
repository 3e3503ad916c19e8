"""The operator in a browser, for the tests of the operator's page."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
from fastapi import FastAPI

from tests.support.api import OPERATOR_KEY, client_of


async def operator_link(app: FastAPI, **fields: Any) -> str:
    """The address, on this server, of a link that opens one session of the operator's."""
    async with client_of(app, OPERATOR_KEY) as operator:
        made = await operator.post("/v1/operator/sign-in-links", json=fields)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    return "/sign-in" + str(made.json()["url"]).partition("/sign-in")[2]


def fields_of(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's forms; of one name the last."""
    return {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page.text)}


async def sign_in(app: FastAPI, browser: httpx.AsyncClient) -> httpx.Response:
    """Sign in as the operator; the answer of the form."""
    page = await browser.get(await operator_link(app))
    assert page.status_code == 200, page.text
    found = fields_of(page)
    opened = await browser.post("/sign-in", data={"csrf": found["csrf"], "link": found["link"]})
    assert (opened.status_code, opened.headers["location"]) == (303, "/operator"), opened.text
    return opened
