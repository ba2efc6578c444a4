#!/bin/sh
# Write .env with fresh secrets for compose.yaml, unless there is one. Optional: for those who keep secrets in a file of their own;
# without it, deploy/make-secrets.sh makes them at the first start.
set -eu
cd "$(dirname "$0")/.."
[ -e .env ] && { echo ".env exists; nothing was changed" >&2; exit 1; }
umask 077
hex() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
key() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
cat >.env <<END
# Losing TEMPOR8_MASTER_KEY loses every payload, credential and API key; losing VAULT_SEAL_KEY loses the vault.
TEMPOR8_MASTER_KEY=$(key)
VAULT_SEAL_KEY=$(key)
VAULT_SECRET_ID=$(hex)
TEMPORAL_POSTGRES_PASSWORD=$(hex)
POSTGRES_OWNER_PASSWORD=$(hex)
POSTGRES_APP_PASSWORD=$(hex)
END
echo "wrote .env; now: docker compose up -d --build"
