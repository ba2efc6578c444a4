#!/bin/sh
# Run a program with the secrets that deploy/make-secrets.sh made for it: each file is a variable, and of passwords come addresses.
set -eu
for file in /run/secrets/tempor8/*/* ${SECRETS:+"$SECRETS"/*/*}; do
    [ -f "$file" ] || continue
    name=${file##*/}
    eval "export $name=\"\$(cat \"\$file\")\""
done
if [ -n "${POSTGRES_APP_PASSWORD:-}" ]; then
    : "${DATABASE_URL:=postgresql://tempor8:$POSTGRES_APP_PASSWORD@postgres:5432/tempor8}"
    export DATABASE_URL
fi
if [ -n "${POSTGRES_OWNER_PASSWORD:-}" ]; then
    : "${DATABASE_ADMIN_URL:=postgresql://owner:$POSTGRES_OWNER_PASSWORD@postgres:5432/tempor8}"
    export DATABASE_ADMIN_URL
fi
exec "$@"
