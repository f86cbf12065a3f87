-- Only one living token has a name; whose line in the ledger is whose is told by the audit trail, which keeps the id of
-- each token beside its name, and when it was made and revoked.

ALTER TABLE api_tokens DROP CONSTRAINT api_tokens_name_key;
CREATE UNIQUE INDEX api_tokens_living_name ON api_tokens (name) WHERE revoked_at IS NULL;
