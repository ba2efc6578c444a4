-- Nothing: numbers of migrations have no gaps.
select 1;
