"""How each server of ours is set that faces a network; what else it is set to differs.

Nothing large is imported here: the process that watches over the others needs these, and not what they serve.
"""

from __future__ import annotations

from typing import Any, Final

GUARDED: Final[dict[str, Any]] = {
    # The server's own has no deadline for a head or a body.
    "http": "app.api.socket_deadlines:GuardedProtocol",
    "ws": "none",
    "proxy_headers": False,  # an address that a caller may write himself is no address
    "log_config": None,
    "access_log": False,
    "server_header": False,
}
