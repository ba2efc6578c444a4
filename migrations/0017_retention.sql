-- When something of a tenant is next due to be deleted. Not tenant data: ids and times, as the collector looks for work.
create table retention_due (
    tenant_id text primary key references tenants (id) on delete cascade,
    due_at timestamptz not null,
    -- the retention that `due_at` was computed with: under another one the tenant is looked at again
    retention interval not null
);
create index retention_due_next on retention_due (due_at);
grant select, insert, update, delete on retention_due to tempor8_app;

-- A run, and the runs that it started (`parent~1`, `parent~1~2`), hold each other's payloads: items travel in both directions.
create index workflow_executions_family on workflow_executions (tenant_id, split_part(id, '~', 1), closed_at);
-- The collector looks at uses when they are old, the oldest first.
create index payload_uses_age on payload_uses (tenant_id, used_at);

-- Never written: what a closed run leaves is in `run_archive`.
-- squawk-ignore ban-drop-column
alter table workflow_executions drop column state_address;
