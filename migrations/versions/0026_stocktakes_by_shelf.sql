-- A stocktake of shelves, and sheets in the order in which one walks along them. Where a product lay is kept as it was
-- when the line was made, so that no page of a sheet is missed because somebody moves a box meanwhile.

ALTER TABLE stocktake_lines ADD COLUMN place_key text NOT NULL DEFAULT chr(1114111);
CREATE INDEX stocktake_lines_walk ON stocktake_lines (stocktake_id, place_key, product_id);
COMMENT ON COLUMN stocktake_lines.place_key IS 'shelf_places.place_key, of the counted shelves before others; without one the last of all';
COMMENT ON COLUMN stocktakes.scope IS 'which products: {"kind": "store" | "category" | "products" | "flagged" | "shelves", …}';
