-- A projection of what Temporal knows: written by the projector with idempotent upserts, read by lists and metrics.
create table workflow_executions (
    tenant_id text not null references tenants (id) on delete cascade,
    id text not null,
    run_id text,
    template_key text not null,
    template_version integer,
    plan_hash text not null,
    user_id text,
    trigger_kind text not null,
    mode text not null default 'durable' check (mode in ('durable', 'transient')),
    status text not null check (status in ('running', 'completed', 'failed', 'canceled', 'terminated', 'timed_out')),
    started_at timestamptz not null,
    closed_at timestamptz,
    steps integer not null default 0,
    error json,
    usage jsonb not null default '{}',
    retry_of text,
    parent_id text,
    -- the address of the state that a failed run leaves, so that a retry can start from a node
    state_address bytea,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index workflow_executions_started on workflow_executions (tenant_id, started_at desc, id desc);
create index workflow_executions_template on workflow_executions (tenant_id, template_key, started_at desc);
create index workflow_executions_open on workflow_executions (tenant_id, id) where status = 'running';

create table workflow_events (
    tenant_id text not null,
    execution_id text not null,
    -- place in the run's journal
    sequence bigint not null,
    node text not null,
    type text not null,
    run_index integer not null default 0,
    try integer not null default 1,
    status text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    items_in integer not null default 0,
    items_out integer[] not null default '{}',
    error json,
    detail jsonb not null default '{}',
    primary key (tenant_id, execution_id, sequence),
    foreign key (tenant_id, execution_id) references workflow_executions on delete cascade
);

create table agent_utilization (
    tenant_id text not null,
    execution_id text not null,
    sequence bigint not null,
    agent text not null,
    node text not null,
    model text,
    requests integer not null default 1,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_usd numeric(14, 6),
    duration_ms integer not null default 0,
    status text not null,
    occurred_at timestamptz not null,
    primary key (tenant_id, execution_id, sequence),
    foreign key (tenant_id, execution_id) references workflow_executions on delete cascade
);
create index agent_utilization_agent on agent_utilization (tenant_id, agent, occurred_at desc);

alter table workflow_executions enable row level security;
alter table workflow_executions force row level security;
create policy tenant on workflow_executions
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on workflow_executions to tempor8_app;

alter table workflow_events enable row level security;
alter table workflow_events force row level security;
create policy tenant on workflow_events
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on workflow_events to tempor8_app;

alter table agent_utilization enable row level security;
alter table agent_utilization force row level security;
create policy tenant on agent_utilization
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on agent_utilization to tempor8_app;
