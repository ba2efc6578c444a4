-- What the model requests of a template's runs used, per hour: the agents' sums do not tell templates apart.
create table template_usage_rollups (
    tenant_id text not null references tenants (id) on delete cascade,
    hour timestamptz not null,
    template_key text not null,
    requests numeric not null,
    failed bigint not null,
    input_tokens numeric not null,
    output_tokens numeric not null,
    cost_usd numeric,
    primary key (tenant_id, hour, template_key)
);

-- Rows of every tenant, which the owner sees only while the policy does not bind it. Runs that the back-fill has not reached are
-- summed by it.
alter table agent_utilization no force row level security;
alter table workflow_executions no force row level security;
insert into template_usage_rollups (tenant_id, hour, template_key, requests, failed, input_tokens, output_tokens, cost_usd)
select
    u.tenant_id, date_trunc('hour', u.occurred_at, 'UTC'), e.template_key, sum(u.requests),
    count(*) filter (where u.status <> 'success'), sum(u.input_tokens), sum(u.output_tokens), sum(u.cost_usd)
from agent_utilization u
join workflow_executions e on e.tenant_id = u.tenant_id and e.id = u.execution_id
where not exists (select from projector_tenants p where p.tenant_id = u.tenant_id and u.execution_id > p.rollup_position)
group by 1, 2, 3;
alter table workflow_executions force row level security;
alter table agent_utilization force row level security;

alter table template_usage_rollups enable row level security;
alter table template_usage_rollups force row level security;
create policy tenant on template_usage_rollups
    using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()));
grant select, insert, update, delete on template_usage_rollups to tempor8_app;
