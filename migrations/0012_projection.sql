-- What the projector needs to follow any number of tenants: shards, the runs that are open, runs to read again, and sums.

-- How far each shard of the projector has followed Temporal. A shard is a share of the tenants, by hash.
create table projector_shards (
    shard integer primary key,
    -- close time of the newest run that is written; of a shard that was never followed, the beginning of time
    closed_until timestamptz not null
);
insert into projector_shards (shard, closed_until)
select shard, coalesce((select min(seen_until) from projector_state), '2000-01-01 00:00:00+00')
from generate_series(0, 15) as shard;
grant select, insert, update on projector_shards to tempor8_app;

-- Runs that the rows call open, of all tenants: compared with Temporal's list of open runs. Ids and Temporal's own words only.
create table open_runs (
    tenant_id text not null,
    id text not null,
    run_id text not null,
    -- whether the row knows the plan: a schedule's run has none before its first workflow task
    planned boolean not null default true,
    -- why Temporal reports a problem of its workflow task; null: it reports none
    problem text,
    problem_since timestamptz,
    seen_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, id) references workflow_executions on delete cascade
);
create index open_runs_problem on open_runs (problem_since) where problem is not null;
grant select, insert, update, delete on open_runs to tempor8_app;

-- Runs to read again later: set aside because they could not be read or written, or whose steps no worker has told yet.
create table projector_retries (
    tenant_id text not null,
    id text not null,
    run_id text not null,
    kind text not null check (kind in ('set_aside', 'steps')),
    -- class of the error, never its text
    reason text not null default '',
    attempts integer not null default 1,
    next_try timestamptz not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, id) references workflow_executions on delete cascade
);
create index projector_retries_due on projector_retries (next_try);
grant select, insert, update, delete on projector_retries to tempor8_app;

-- {kind, cause, message, since, hint}: why a run does not go on, or why its row is incomplete
alter table workflow_executions add column problem json;

-- Sums per hour in which the runs began. Each row of workflow_executions counts once, however often it is written.
create table run_rollups (
    tenant_id text not null references tenants (id) on delete cascade,
    hour timestamptz not null,
    template_key text not null,
    status text not null,
    -- 0: below a millisecond; n: from 1.1^(n-1) to 1.1^n milliseconds; -1: has not ended
    duration_bucket integer not null,
    runs bigint not null,
    steps bigint not null,
    duration_ms double precision not null,
    primary key (tenant_id, hour, template_key, status, duration_bucket)
);
create table agent_rollups (
    tenant_id text not null references tenants (id) on delete cascade,
    hour timestamptz not null,
    agent text not null,
    runs bigint not null,
    requests numeric not null,
    failed bigint not null,
    input_tokens numeric not null,
    output_tokens numeric not null,
    cost_usd numeric,
    duration_ms numeric not null,
    primary key (tenant_id, hour, agent)
);

-- Rows with a greater id than this are not summed yet (a background loop goes on from here); null: all are.
alter table projector_tenants add column rollup_position text;
update projector_tenants set rollup_position = '' where tenant_id is not null;
create index projector_tenants_backfill on projector_tenants (tenant_id) where rollup_position is not null;
grant update (rollup_position) on projector_tenants to tempor8_app;

alter table run_rollups enable row level security;
alter table run_rollups force row level security;
create policy tenant on run_rollups
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on run_rollups to tempor8_app;

alter table agent_rollups enable row level security;
alter table agent_rollups force row level security;
create policy tenant on agent_rollups
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on agent_rollups to tempor8_app;
