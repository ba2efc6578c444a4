-- Templates and tenants that are being deleted. A row goes when everything of theirs is gone, here and in Temporal; until then the
-- background loop begins again wherever it ended. No reference to `tenants`: the row outlives the tenant's.
create table deletions (
    tenant_id text not null,
    -- '': the tenant itself
    template_key text not null default '',
    requested_at timestamptz not null default now(),
    requested_by text,
    -- what is being deleted now, in words
    progress text not null default '',
    last_error text,
    attempts integer not null default 0,
    primary key (tenant_id, template_key)
);

alter table deletions enable row level security;
alter table deletions force row level security;
create policy tenant on deletions
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on deletions to tempor8_app;

-- Whose deletions are looked at next. Not tenant data: ids only, as the loop looks for work.
create table deletion_queue (
    tenant_id text primary key,
    next_try timestamptz not null default now()
);
create index deletion_queue_next_try on deletion_queue (next_try);
grant select, insert, update, delete on deletion_queue to tempor8_app;

grant delete on tenants, workflow_templates to tempor8_app;
