-- Tasks of runs that may have ended their workers. A row says how often, and is there while such a task is tried again.
create table task_deaths (
    tenant_id text not null references tenants (id) on delete cascade,
    workflow_id text not null,
    -- a step: the id of the run and of the activity; a workflow task: the id of the run and the length of its history
    task text not null,
    deaths integer not null,
    -- it has been counted for an attempt that has begun and not ended
    open boolean not null,
    seen_at timestamptz not null default now(),
    primary key (tenant_id, workflow_id, task)
);

alter table task_deaths enable row level security;
alter table task_deaths force row level security;
create policy tenant on task_deaths
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on task_deaths to tempor8_app;
