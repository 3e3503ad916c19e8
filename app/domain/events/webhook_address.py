"""Where a webhook may go: the address as written, and the addresses it may lead to. Pure; resolving is the sender's.

Webhooks go to public addresses only, unless the operator lets them go to private ones. The setting is
``RETAINER_ALLOW_PRIVATE_WEBHOOKS``, for tests and demonstrations. Link-local addresses, where clouds keep their
secrets, are refused even then.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS: Final = frozenset({443, 8443})
MAX_URL: Final = 2000
_LOCAL_NAMES: Final = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
_SITE_LOCAL: Final = ipaddress.IPv6Network("fec0::/10")
_PUBLIC_6: Final = ipaddress.IPv6Network("2000::/3")
_REFUSED_4: Final = tuple(
    ipaddress.IPv4Network(name)
    for name in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_REFUSED_6: Final = tuple(
    ipaddress.IPv6Network(name) for name in ("2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "100::/64")
)


class TargetRefused(Exception):  # noqa: N818 - what it is, not where
    """A webhook must not go there; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. ``host`` is in ASCII, without brackets."""

    url: str
    scheme: str
    host: str
    port: int
    path: str


def parse_target(url: str, *, allow_private: bool) -> Target:
    """The parts of an address a webhook may be sent to.

    Refused:

    - another scheme than https (http is taken where private targets are allowed);
    - a user name, a password or a fragment;
    - a port other than 443 and 8443;
    - a name or address that is private.
    """
    if len(url) > MAX_URL or not url.isascii() or any(item <= " " or item in "\\\x7f" for item in url):
        raise TargetRefused("It must be a plain ASCII URL of at most 2,000 characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefused("It is not a URL.") from None
    if parts.scheme not in (("https", "http") if allow_private else ("https",)):
        raise TargetRefused("It must begin with https://.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise TargetRefused("It must not hold a user name or password.")
    if parts.fragment or url.endswith("#"):
        raise TargetRefused("It must not have a fragment.")
    host = (parts.hostname or "").rstrip(".")
    if not host or len(host) > 253 or "%" in host:
        raise TargetRefused("It names no host.")
    number = port if port is not None else 443 if parts.scheme == "https" else 80
    if not allow_private and number not in PORTS:
        raise TargetRefused("Its port must be 443 or 8443.")
    if number == 0:
        raise TargetRefused("Its port is not one.")
    _check_host(host, allow_private=allow_private)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(url, parts.scheme, host, number, path)


def check_api(url: str, *, allow_private: bool) -> None:
    """Check an address at which a shop's API is asked: https, any port, and no private name or address.

    Where private targets are allowed, http is taken as well. Raises `TargetRefused`.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise TargetRefused("It is not a URL.") from None
    if parts.scheme not in (("https", "http") if allow_private else ("https",)):
        raise TargetRefused("It must begin with https://.")
    if not parts.hostname or len(parts.hostname) > 253 or "@" in parts.netloc:
        raise TargetRefused("It names no host, or more than a host.")
    _check_host(parts.hostname.rstrip("."), allow_private=allow_private)


def _check_host(host: str, *, allow_private: bool) -> None:
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        literal = None
    if literal is not None:
        if (why := refusal_of(literal, allow_private=allow_private)) is not None:
            raise TargetRefused(why)
        return
    labels = host.lower().split(".")
    if any(not label or len(label) > 63 for label in labels):
        raise TargetRefused("Its host is not a name.")
    if _numeric(labels[-1]):  # 127.1, 0x7f.1, 2130706433: addresses to some resolvers
        raise TargetRefused("Its host is an address in another notation.")
    if not allow_private and (
        len(labels) == 1 or any(labels[-len(name.split(".")) :] == name.split(".") for name in _LOCAL_NAMES)
    ):
        raise TargetRefused("Its host is a local name.")


def _numeric(label: str) -> bool:
    return label.isdigit() or label.startswith("0x")


def refusal_of(address: Address, *, allow_private: bool) -> str | None:
    """Why nothing may be sent to an address; None when it may."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inside(address)
        if inner is not None:
            return refusal_of(inner, allow_private=allow_private)
    if address.is_multicast or address.is_unspecified:
        return f"{address} is no host's address."
    if address.is_link_local or (address.version == 4 and int(address) >> 16 == 0xA9FE):
        return f"{address} is a link-local address."
    if allow_private:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        refused = any(address in network for network in _REFUSED_4)
    else:
        refused = (
            address not in _PUBLIC_6 or address in _SITE_LOCAL or any(address in network for network in _REFUSED_6)
        )
    return f"{address} is not a public address." if refused or not address.is_global else None


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one wraps: mapped, compatible, NAT64, 6to4, Teredo."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _NAT64_LOCAL or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
