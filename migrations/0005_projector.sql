-- How far the projector has read Temporal's visibility. Not tenant data: times, and which tenants have runs at all.
create table projector_state (
    only_row boolean primary key default true check (only_row),
    seen_until timestamptz not null
);
grant select, insert, update on projector_state to tempor8_app;

-- Whose open rows to look after when Temporal has forgotten a run; the list of tenants itself is behind RLS.
create table projector_tenants (
    tenant_id text primary key references tenants (id) on delete cascade
);
grant select, insert on projector_tenants to tempor8_app;

-- The order of the list of runs is (started_at, id); metrics look back over closed ones.
create index workflow_executions_closed on workflow_executions (tenant_id, closed_at desc) where closed_at is not null;
