#!/bin/sh
# Restore what deploy/backup.sh wrote, into empty servers, while no API and no worker runs: the bucket, then Postgres, then Temporal,
# so that nothing is there before what it refers to.
#
#   tempor8 migrate                 # first: it makes the roles; of the version that was backed up, or a later one
#   deploy/restore.sh FOLDER
#
# The variables are those of deploy/backup.sh; TEMPOR8_RESTORE_BUCKET is a command that copies from $1 into the bucket.
set -eu
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
cd "$1"
[ -e done ] || { echo "$1 is no complete backup" >&2; exit 1; }
load() { pg_restore --no-password --clean --if-exists --single-transaction --exit-on-error --dbname="$1" "$2"; }

if [ -d bucket ]; then
    [ -n "${TEMPOR8_RESTORE_BUCKET:-}" ] || { echo "the backup has a bucket: set TEMPOR8_RESTORE_BUCKET" >&2; exit 1; }
    sh -c "$TEMPOR8_RESTORE_BUCKET \"\$1\"" - bucket
fi
load "$DATABASE_ADMIN_URL" tempor8.dump
if [ -e temporal.db ]; then
    [ ! -e "$TEMPORAL_SQLITE" ] || { echo "$TEMPORAL_SQLITE exists" >&2; exit 1; }
    cp temporal.db "$TEMPORAL_SQLITE"
elif [ -e temporal.dump ]; then
    load "$TEMPORAL_DATABASE_URL" temporal.dump
    [ ! -e visibility.dump ] || load "$TEMPORAL_VISIBILITY_URL" visibility.dump
fi
echo "restored from $1; now \`tempor8 migrate\`, then start workers and API"
