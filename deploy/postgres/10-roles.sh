#!/usr/bin/env bash
# The two roles and the database. Run by the postgres image on an empty volume, and by deploy.sh at every start:
# twice changes nothing, and a password changed in .env is the password afterwards.
set -euo pipefail

# psql reads from its standard input and log_statement is off: no password reaches a log or a process list.
psql -XqAt -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password AUTOSHOP_DB_OWNER_PASSWORD
\getenv app_password AUTOSHOP_DB_PASSWORD
\getenv superuser_password POSTGRES_PASSWORD
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I LOGIN', role)
  FROM unnest(ARRAY['autoshop', 'autoshop_app']) AS role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
SELECT 'CREATE DATABASE autoshop OWNER autoshop'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'autoshop') \gexec

ALTER ROLE autoshop PASSWORD :'owner_password';
ALTER ROLE autoshop_app PASSWORD :'app_password';
ALTER ROLE CURRENT_USER PASSWORD :'superuser_password';

REVOKE ALL ON DATABASE autoshop FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE autoshop TO autoshop_app;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
SQL
