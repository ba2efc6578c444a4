#!/bin/sh
# Back up one installation into a new folder, in the order in which a restore is whole: Temporal, then Postgres, then the bucket.
# Histories refer to payloads, so what has the payloads must not be older. Runs may go on meanwhile.
#
#   deploy/backup.sh FOLDER
#
#   TEMPORAL_DATABASE_URL, TEMPORAL_VISIBILITY_URL   Temporal's two databases (Postgres); for Temporal Cloud leave them out
#   TEMPORAL_SQLITE                                  instead: the file of the embedded server
#   DATABASE_ADMIN_URL                               tempor8's database; a role that row-level security does not bind
#   TEMPOR8_BACKUP_BUCKET                            a command that copies the bucket into $1, such as: aws s3 sync s3://payloads
#
# Not in it, and lost without a copy elsewhere: TEMPOR8_MASTER_KEY, the seal key of Vault, and Vault's own storage.
set -eu
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
umask 077
mkdir "$1" # one that exists holds another backup
cd "$1"
dump() { pg_dump --format=custom --no-password --file="$2" "$1"; }

date -u +%Y-%m-%dT%H:%M:%SZ >began
if [ -n "${TEMPORAL_SQLITE:-}" ]; then
    python3 - "$TEMPORAL_SQLITE" temporal.db <<'PY'
import sqlite3, sys
source, target = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=60), sqlite3.connect(sys.argv[2])
source.backup(target)  # consistent although the server writes
target.close()
PY
elif [ -n "${TEMPORAL_DATABASE_URL:-}" ]; then
    dump "$TEMPORAL_DATABASE_URL" temporal.dump
    # after the histories: a run that visibility lists and history does not know is a ghost in every list
    [ -z "${TEMPORAL_VISIBILITY_URL:-}" ] || dump "$TEMPORAL_VISIBILITY_URL" visibility.dump
else
    echo "Temporal is not backed up: neither TEMPORAL_DATABASE_URL nor TEMPORAL_SQLITE is set" >&2
fi
date -u +%Y-%m-%dT%H:%M:%SZ >temporal-done
dump "$DATABASE_ADMIN_URL" tempor8.dump
if [ -n "${TEMPOR8_BACKUP_BUCKET:-}" ]; then
    mkdir bucket
    sh -c "$TEMPOR8_BACKUP_BUCKET \"\$1\"" - bucket
fi
date -u +%Y-%m-%dT%H:%M:%SZ >done
echo "backed up into $1"
