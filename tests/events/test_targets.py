"""Where a webhook may go, and that what was judged is what is connected to."""

from __future__ import annotations

import ipaddress

import pytest

from app.connectors.webhooks.address_guard import PinnedBackend
from app.connectors.webhooks.sender import Sender
from app.domain.events.webhook_address import TargetRefused, parse_target, refusal_of
from tests.events.receiver import Receiver

REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::",
    "::7f00:1",
    "fec0::1",
    "2001::1",
    "64:ff9b:1::1",
    "3fff::1",
    "100::1",
]
ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
BAD_URLS = [
    "http://shop.example/x",
    "ftp://shop.example/",
    "https://user@shop.example/",
    "https://user:pw@shop.example/",
    "https://@shop.example/",
    "https://shop.example:22/",
    "https://shop.example:80/",
    "https://shop.example:8080/",
    "https://shop.example:99999/",
    "https://shop.example:0/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://printer.local/",
    "https://db.internal/",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://169.254.169.254/latest/meta-data",
    "https://shop.example/#x",
    "https://shop.example/#",
    "https://",
    "https:///x",
    "shop.example",
    "//shop.example",
    "https://shop.example\\@127.0.0.1/",
    "https://shop.exa mple/",
    "https://shop.example/\n",
    "https://sh\u00f6p.example/",
    "https://shop..example/",
    "https://[::1",
    "https://" + "a" * 64 + ".example/",
    "https://shop.example/" + "a" * 2000,
]


@pytest.mark.parametrize("address", REFUSED)
def test_no_private_address_is_ever_connected_to(address: str):
    assert refusal_of(ipaddress.ip_address(address), allow_private=False) is not None


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are(address: str):
    assert refusal_of(ipaddress.ip_address(address), allow_private=False) is None


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0", "ff02::1"])
def test_not_even_the_setting_opens_the_link_local_ones(address: str):
    assert refusal_of(ipaddress.ip_address(address), allow_private=True) is not None


@pytest.mark.parametrize("url", BAD_URLS)
def test_such_an_address_is_refused_at_once(url: str):
    with pytest.raises(TargetRefused):
        parse_target(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks?x=1",
        "https://shop.example:8443",
        "https://1.1.1.1/",
        "https://xn--shp-sna.example/",
        "https://[2606:4700:4700::1111]/",
    ],
)
def test_such_an_address_is_taken(url: str):
    assert parse_target(url, allow_private=False).url == url


async def test_a_name_that_leads_to_a_private_address_is_refused_when_it_is_used(receiver: Receiver):
    asked = []

    async def rebinding(host: str, port: int) -> list:
        asked.append(host)
        return [ipaddress.ip_address("127.0.0.1")]

    sender = Sender(allow_private=False, timeout=2, resolver=rebinding)
    attempt = await sender.send("https://shop.example:8443/", {"webhook-id": "evt_1"}, b"{}")
    await sender.close()
    assert attempt.status is None
    assert "refused" in (attempt.error or "")
    assert (asked, receiver.got) == (["shop.example"], [])


async def test_one_private_address_among_public_ones_is_enough_to_refuse():
    async def mixed(host: str, port: int) -> list:
        return [ipaddress.ip_address("1.1.1.1"), ipaddress.ip_address("10.0.0.1")]

    with pytest.raises(TargetRefused):
        await PinnedBackend(allow_private=False, resolver=mixed).connect_tcp("shop.example", 443, timeout=1)


async def test_the_name_is_resolved_once_for_a_connection_and_kept_in_the_host_header(receiver: Receiver):
    asked = []

    async def once(host: str, port: int) -> list:
        asked.append((host, port))
        return [ipaddress.ip_address("127.0.0.1")]

    port = int(receiver.url.split(":")[2].split("/")[0])
    sender = Sender(allow_private=True, timeout=2, resolver=once)
    attempt = await sender.send(f"http://shop.example:{port}/a?b=c", {"webhook-id": "evt_1"}, b"{}")
    await sender.close()
    assert attempt.status == 200
    assert asked == [("shop.example", port)]
    assert receiver.got[0].headers["host"] == f"shop.example:{port}"
