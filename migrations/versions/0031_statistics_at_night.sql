-- A snapshot or a closing writes a row for each place. Until autovacuum has looked at them the planner takes them for
-- one row, and a report over all of them costs a second and a half more: whoever writes them runs ANALYZE.

GRANT MAINTAIN ON stock_snapshots, closing_balances, closing_costs TO autoshop_app;
