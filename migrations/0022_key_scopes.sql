-- What a key may do, when it was last used, and which key takes its place. Keys that exist may do everything, as before; so does
-- one that a process of the earlier version issues while the service is upgraded.
alter table api_keys
    add column scopes text[] not null default '{read,run,publish,admin}',
    add column last_used_at timestamptz,
    add column replaced_by uuid;
comment on column api_keys.last_used_at is 'Written in batches: up to a minute behind.';
comment on column api_keys.replaced_by is 'The key that a rotation issued; this one expires when their overlap ends.';

-- keys are few
-- squawk-ignore constraint-missing-not-valid
alter table api_keys add constraint api_keys_scopes check (cardinality(scopes) > 0 and scopes <@ '{read,run,publish,admin}');

grant update (last_used_at, replaced_by) on api_keys to tempor8_app;
