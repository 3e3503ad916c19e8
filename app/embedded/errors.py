"""Why the embedded Postgres cannot do what was asked."""


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot do what was asked; the message says what to do about it."""


class DataFolderBusyError(EmbeddedPostgresError):
    """Another retainer holds this data folder."""
