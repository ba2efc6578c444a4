-- What a person decided who answered a run: which node asked, whether it was approved, the call of a tool that it was about, and the
-- values of a form; sealed with a key of the tenant. Null: the entry is no answer, or a version before wrote it.
alter table audit_log add column details bytea;
comment on column audit_log.details is 'JSON, see service/audit.py.';
