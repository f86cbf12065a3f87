-- Crosses and fitments are brought in by runs too, as the catalogue is. And every source of fitments has its own say:
-- what a file says neither hides nor changes what facts or another file say of the same part and car.

ALTER TABLE import_runs
    ADD COLUMN what text NOT NULL DEFAULT 'catalog' CHECK (what IN ('catalog', 'crosses', 'fitments'));
COMMENT ON COLUMN import_runs.counts IS 'what was written; of crosses, which are written in parts, what was so far';

ALTER TABLE fitments
    ADD COLUMN qualifiers text NOT NULL DEFAULT '',
    DROP CONSTRAINT fitments_vehicle_id_engine_id_article_id_position_key,
    ADD CONSTRAINT fitments_said_once
        UNIQUE NULLS NOT DISTINCT (vehicle_id, article_id, source_id, engine_id, position, years_from, qualifiers);
CREATE INDEX fitments_source ON fitments (source_id);
COMMENT ON COLUMN fitments.qualifiers IS 'what must be so as well, in words: «с кондиционером»; empty: nothing';
