-- A slip of the scanner is taken back by whoever made it. To set the whole number right instead would claim that somebody
-- had looked at everything, and would forget what another phone adds later; so the count stays, and counts no more.

CREATE TABLE stocktake_retractions (
    stocktake_id bigint      NOT NULL,
    client_id    text        NOT NULL,
    actor        text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stocktake_id, client_id),
    FOREIGN KEY (stocktake_id, client_id) REFERENCES stocktake_counts (stocktake_id, client_id)
);
COMMENT ON TABLE stocktake_retractions IS 'counts that were taken back: what remains decides, and where nothing does the product is uncounted again';

-- What somebody counted last, on his phone.
CREATE INDEX stocktake_counts_person ON stocktake_counts (stocktake_id, actor, id);

GRANT SELECT, INSERT ON stocktake_retractions TO autoshop_app;
