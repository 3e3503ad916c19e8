#!/bin/sh
# Run once by the image of Postgres, on an empty volume: the owner of the tables, who is no superuser.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$POSTGRES_PASSWORD" -U "${POSTGRES_USER:-postgres}" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE retainer LOGIN CREATEROLE PASSWORD :'password';
ALTER DATABASE retainer OWNER TO retainer;
ALTER SCHEMA public OWNER TO retainer;
SQL
