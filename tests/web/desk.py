"""A person of the vendor in a browser, for the tests of `/desk`."""

from __future__ import annotations

import html
import re

import httpx

from tests.support.api import Vendor, client_of

KIM = {"id": "7", "name": "Kim"}
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&{{7*7}}'


def escaped(text: str) -> str:
    """A text as a template writes it."""
    return html.escape(text, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")


async def person(vendor: Vendor, *scopes: str) -> httpx.AsyncClient:
    """Somebody who has signed in by a link, with these scopes; all of them where none is named."""
    body = {"scopes": list(scopes or ("*",)), "person": KIM}
    made = await vendor.client.post(f"/v1/tenants/{vendor.tenant_id}/sign-in-links", json=body)
    assert made.status_code == 201, made.text
    browser = client_of(vendor.app, None)
    vendor.spare.append(browser)
    page = await browser.get("/sign-in" + str(made.json()["url"]).partition("/sign-in")[2])
    found = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page.text)}
    opened = await browser.post("/sign-in", data={"csrf": found["csrf"], "link": found["link"]})
    assert opened.status_code == 303, opened.text
    return browser


def forms(page: str, action: str) -> list[dict[str, str]]:
    """The fields of each form of a page that does this."""
    found = [
        {
            html.unescape(name): html.unescape(value)
            for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)
        }
        for form in re.findall(r"<form.*?</form>", page, re.DOTALL)
    ]
    return [form for form in found if form.get("do") == action]


def plain(page: str) -> None:
    """Fail where a page holds what its policy would stop, or what somebody else wrote as markup."""
    assert not re.search(r"\sstyle=\"|<style|\son\w+=[\"']|javascript:", page), page
    assert "<script>alert" not in page
    assert set(re.findall(r'(?:src|href|action)="(https?:)?//', page)) == set()
