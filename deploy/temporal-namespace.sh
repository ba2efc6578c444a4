#!/bin/sh
# Make the namespace and the search attributes where they are missing. Runs once per start and ends; safe to repeat.
set -eu
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 72h
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
