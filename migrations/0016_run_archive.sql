-- What a closed run leaves, for as long as its row: whatever Temporal keeps of its history, its result can be read and the
-- run can be tried again. Small: what is large is a reference into `payloads`, which the run uses already.
create table run_archive (
    tenant_id text not null references tenants (id) on delete cascade,
    execution_id text not null,
    -- the input and the last event of the run, under a key of the tenant; see service/run_archive.py
    sealed bytea not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, execution_id),
    foreign key (tenant_id, execution_id) references workflow_executions on delete cascade
);
alter table run_archive alter column sealed set storage external; -- ciphertext does not compress: do not try

alter table run_archive enable row level security;
alter table run_archive force row level security;
create policy tenant on run_archive
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on run_archive to tempor8_app;

-- Which requests with an idempotency key were accepted. It is written before the run starts, so a row alone does not say
-- that a run exists: the workflow id is made of the key, and Temporal or `workflow_executions` know the run.
create table start_keys (
    tenant_id text not null references tenants (id) on delete cascade,
    template_key text not null,
    -- the last part of the run's workflow id: a digest of the key
    key_digest text not null,
    -- a keyed digest of the request: the same key with another request is refused
    request_digest bytea not null check (length(request_digest) = 32),
    created_at timestamptz not null default now(),
    primary key (tenant_id, template_key, key_digest)
);
create index start_keys_age on start_keys (tenant_id, created_at);

alter table start_keys enable row level security;
alter table start_keys force row level security;
create policy tenant on start_keys
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on start_keys to tempor8_app;
