"""Addresses of our own pages, as somebody outside types them."""

from __future__ import annotations

from app.api.outside import address, base
from app.settings import Settings


def page_address(settings: Settings, path: str) -> str:
    """Return the whole address of a path of this service, as whoever asks finds it: a named proxy may say where.

    Outside a request it is as the settings say.
    """
    if base():
        return address(path)
    public: str | None = settings.public_url
    return f"{public.rstrip('/') if public else _listening(settings)}{path}"


def _listening(settings: Settings) -> str:
    """Return where the service listens; whatever listens on every address is asked on this machine."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
