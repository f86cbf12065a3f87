-- Where on a shelf a product lies, and the marks of units that were sold.

-- A version is never given twice: whoever read a list that was emptied and filled again cannot overwrite the new one.
CREATE SEQUENCE shelf_versions AS integer MINVALUE 1 MAXVALUE 999999999 CYCLE;

CREATE TABLE shelf_places (
    product_id bigint      NOT NULL REFERENCES products,
    store_id   bigint      NOT NULL REFERENCES stores,
    place      text        NOT NULL CHECK (place <> '' AND length(place) <= 40),
    place_key  text        NOT NULL,
    is_main    boolean     NOT NULL,
    version    integer     NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_id, store_id, place),
    CONSTRAINT shelf_places_once UNIQUE (product_id, store_id, place_key)
);
CREATE UNIQUE INDEX shelf_places_main ON shelf_places (product_id, store_id) WHERE is_main;
CREATE INDEX shelf_places_walk ON shelf_places (store_id, place_key, product_id);
COMMENT ON TABLE shelf_places IS 'written under the lock of the store; the rows of a product at a store have one version';
COMMENT ON COLUMN shelf_places.place_key IS 'in the order in which one walks along: A-2 before A-10';

CREATE TABLE sold_marks (
    gtin        text        NOT NULL CHECK (gtin ~ '^[0-9]{14}$'),
    serial      text        NOT NULL CHECK (serial <> ''),
    sale_id     bigint      NOT NULL,
    mark        text        NOT NULL,
    product_id  bigint      NOT NULL,
    store_id    bigint      NOT NULL,
    sold_at     timestamptz NOT NULL,
    return_id   bigint,
    returned_at timestamptz,
    PRIMARY KEY (gtin, serial, sale_id),
    FOREIGN KEY (product_id, sale_id) REFERENCES movements (product_id, id),
    FOREIGN KEY (product_id, return_id) REFERENCES movements (product_id, id),
    CHECK ((return_id IS NULL) = (returned_at IS NULL))
);
CREATE UNIQUE INDEX sold_marks_sold_once ON sold_marks (gtin, serial) WHERE returned_at IS NULL;
CREATE INDEX sold_marks_sale ON sold_marks (sale_id);
CREATE INDEX sold_marks_return ON sold_marks (return_id) WHERE return_id IS NOT NULL;
COMMENT ON TABLE sold_marks IS 'one row each time a marked unit is sold: (gtin, serial) is the unit, and it is sold once until it is returned';
COMMENT ON COLUMN sold_marks.mark IS 'the whole marking code, with its crypto tail and GS (chr 29) between elements';
COMMENT ON COLUMN sold_marks.sale_id IS 'the movement that sold it; return_id the one that brought it back (a return, or the reversal of the sale)';

GRANT SELECT, INSERT, UPDATE, DELETE ON shelf_places TO autoshop_app;
GRANT SELECT, INSERT, UPDATE ON sold_marks TO autoshop_app;
GRANT USAGE ON SEQUENCE shelf_versions TO autoshop_app;
