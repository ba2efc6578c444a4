#!/bin/sh
# Make the secrets of compose.yaml at the first start: one file per variable, below one folder per reader. What is there stays, and
# what the environment (.env) says goes before both. Safe to repeat.
set -eu
umask 022 # each folder is a volume that only its readers mount
root=${SECRETS:-/secrets}
hex() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
key() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
secret() { # reader, variable, how a new one is made
    file="$root/$1/$2"
    given=$(printenv "$2" || true)
    if [ -n "$given" ]; then
        [ "$(cat "$file" 2>/dev/null || true)" = "$given" ] || printf %s "$given" >"$file"
    elif [ ! -s "$file" ]; then
        $3 >"$file.new"
        mv "$file.new" "$file"
    fi
}
mkdir -p "$root/app" "$root/owner" "$root/vault"
secret app TEMPOR8_MASTER_KEY key
secret app POSTGRES_APP_PASSWORD hex
secret app VAULT_SECRET_ID hex
secret owner POSTGRES_OWNER_PASSWORD hex
secret vault VAULT_SEAL_KEY key
cp "$root/app/VAULT_SECRET_ID" "$root/vault/VAULT_SECRET_ID"
echo "secrets are there; keep a copy of TEMPOR8_MASTER_KEY and VAULT_SEAL_KEY, without which all data are lost"
