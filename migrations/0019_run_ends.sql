-- What a worker says of a run that it has just brought to its end, so that the projector need not read the run from Temporal.
-- Nothing depends on it: where it is missing or does not fit, Temporal is read. So it is unlogged, and empty after a crash.
create unlogged table run_ends (
    tenant_id text not null references tenants (id) on delete cascade,
    execution_id text not null,
    run_id text not null,
    -- events of the run when its last workflow task began: a later one says more
    history_length integer not null,
    -- the input and the last event, as `run_archive` has them
    sealed bytea not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, execution_id)
);
alter table run_ends alter column sealed set storage external; -- ciphertext does not compress: do not try

alter table run_ends enable row level security;
alter table run_ends force row level security;
create policy tenant on run_ends
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on run_ends to tempor8_app;
