-- migrate: no transaction
-- What failed runs have in common, and which of them were tried again. The index is built beside the work that goes on, so each
-- statement stands alone; what an interrupted attempt left is removed first.
-- squawk-ignore-file ban-concurrent-index-creation-in-transaction
set statement_timeout = 0;
-- a keyed hash of node, name and message of the error, see service/failure_fingerprint.py; null for runs from before this column
alter table workflow_executions add column if not exists fingerprint text;
drop index concurrently if exists workflow_executions_failures;
create index concurrently if not exists workflow_executions_failures
    on workflow_executions (tenant_id, started_at desc, id desc) include (template_key, fingerprint)
    where status in ('failed', 'timed_out');
drop index concurrently if exists workflow_executions_retries;
create index concurrently if not exists workflow_executions_retries
    on workflow_executions (tenant_id, retry_of) where retry_of is not null;
