#!/bin/sh
# Create or update the two databases of the Temporal server. Runs once per start and ends; safe to repeat.
set -eu
for database in temporal visibility; do
    name=temporal
    [ "$database" = visibility ] && name=temporal_visibility
    tool="temporal-sql-tool --plugin postgres12 --ep $POSTGRES_SEEDS -u $POSTGRES_USER -p $DB_PORT --db $name"
    $tool create
    # a database that has a schema already keeps it
    $tool setup-schema -v 0.0 || echo "$name has a schema"
    $tool update-schema -d "/etc/temporal/schema/postgresql/v12/$database/versioned"
done
