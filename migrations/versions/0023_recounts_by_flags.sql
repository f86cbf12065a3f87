-- What ought to be counted is in recount_flags, whoever came upon it: differences of transfers keep no list of their own.

DROP INDEX transfer_differences_to_recount;
REVOKE UPDATE (recounted_at, recounted_by) ON transfer_differences FROM autoshop_app;
ALTER TABLE transfer_differences
    DROP COLUMN recounted_at,
    DROP COLUMN recounted_by;
