#!/bin/sh
# Make the namespace and the search attributes where they are missing, and set the retention. Runs once per start and ends; safe to repeat.
set -eu
# as long as the service keeps what runs leave
retention="$((${TEMPOR8_RETENTION_DAYS:-30} * 24))h"
temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$retention" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
# a new namespace reaches the server's own cache after some seconds
tries=0
until temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -le 30 ] || { echo "namespace $TEMPORAL_NAMESPACE is still unknown" >&2; exit 1; }
    sleep 1
done
known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE")
for name in TenantId TemplateKey PlanHash TriggerKind; do
    echo "$known" | grep -qw "$name" ||
        temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword
done
