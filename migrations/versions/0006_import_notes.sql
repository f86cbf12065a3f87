-- What is worth knowing about a file as a whole: where its headings were found.
ALTER TABLE import_problems
    DROP CONSTRAINT import_problems_kind_check,
    ADD CONSTRAINT import_problems_kind_check CHECK (kind IN ('error', 'merged', 'difference', 'note'));
