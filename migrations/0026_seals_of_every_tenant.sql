-- The first row of the operator's audit log made tenant '*' without its row here, so that its templates stayed in clear.
-- Rows of every tenant, which the owner sees only while the policy does not bind it.
alter table tenants no force row level security;
insert into tenant_sealing (tenant_id) select id from tenants on conflict do nothing;
alter table tenants force row level security;

-- What was published does not change: a clear text may only go, when its sealed one comes. The texts are compared as they are: as
-- `jsonb`, one with \u0000 could not be sealed.
drop trigger keep_published on plans;
drop trigger keep_published on workflow_templates;
create or replace function keep_published() returns trigger language plpgsql as $$
begin
    raise insufficient_privilege using message = 'what was published does not change';
end
$$;
create trigger keep_published before update of plan on plans for each row
    when (new.plan is not null and new.plan::text is distinct from old.plan::text)
    execute function keep_published();
create trigger keep_published before update of plan, export on workflow_templates for each row
    when (
        (new.plan is not null and new.plan::text is distinct from old.plan::text)
        or (new.export is not null and new.export::text is distinct from old.export::text)
    )
    execute function keep_published();
