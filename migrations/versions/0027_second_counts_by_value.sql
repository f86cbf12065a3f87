-- One gearbox is not one washer: a difference may be large in kopecks though it is small in pieces.

ALTER TABLE stocktakes ADD COLUMN second_count_above_kopecks bigint CHECK (second_count_above_kopecks >= 0);
COMMENT ON COLUMN stocktakes.second_count_above_kopecks IS 'a difference worth more at average cost, or of unknown cost, is counted again';
