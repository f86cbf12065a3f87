-- What is known of a car is in files; here it has the numbers that millions of fitments are told by. The table of the first
-- migration was meant for more, and never held anything.
DROP TABLE vehicles;
CREATE TABLE vehicles (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text    NOT NULL UNIQUE
);
COMMENT ON TABLE vehicles IS 'make/model/generation, as data/selection/vehicles tells them; none is ever deleted';
CREATE TABLE vehicle_engines (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id integer NOT NULL REFERENCES vehicles,
    code       text    NOT NULL CHECK (code <> ''),
    UNIQUE (vehicle_id, code)
);

CREATE TABLE fitment_sources (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code     text    NOT NULL UNIQUE CHECK (code <> ''),
    is_facts boolean NOT NULL
);
CREATE TABLE fitments (
    id         bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vehicle_id integer  NOT NULL REFERENCES vehicles,
    engine_id  integer  REFERENCES vehicle_engines,
    article_id integer  NOT NULL,
    category   text     NOT NULL CHECK (category <> ''),
    position   text     NOT NULL DEFAULT '',
    quantity   numeric  CHECK (quantity > 0),
    years_from smallint,
    years_to   smallint,
    confidence text     NOT NULL CHECK (confidence IN ('high', 'medium', 'low')),
    basis      text     NOT NULL CHECK (basis IN ('read', 'knowledge')),
    source_id  integer  NOT NULL REFERENCES fitment_sources,
    UNIQUE NULLS NOT DISTINCT (vehicle_id, engine_id, article_id, position)
);
CREATE INDEX fitments_article ON fitments (article_id, vehicle_id);
COMMENT ON COLUMN fitments.engine_id IS 'NULL: whatever engine';
COMMENT ON COLUMN fitments.article_id IS 'of cross_articles, whose rows nobody can delete';
COMMENT ON COLUMN fitments.category IS 'a code of data/selection/parts/categories.csv';
COMMENT ON COLUMN fitments.quantity IS 'pieces, of liquids litres; NULL: nobody knows';

CREATE TABLE fitment_absences (
    vehicle_id integer NOT NULL REFERENCES vehicles,
    category   text    NOT NULL,
    confidence text    NOT NULL CHECK (confidence IN ('high', 'medium', 'low')),
    source_id  integer NOT NULL REFERENCES fitment_sources,
    PRIMARY KEY (vehicle_id, category)
);
COMMENT ON TABLE fitment_absences IS 'cars that have no such part at all';

CREATE TABLE fitment_feedback (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint      NOT NULL REFERENCES products,
    vehicle_id integer     NOT NULL REFERENCES vehicles,
    engine_id  integer     REFERENCES vehicle_engines,
    fitted     boolean     NOT NULL,
    origin     text        NOT NULL CHECK (origin IN ('order', 'return', 'staff')),
    reference  text        CHECK (reference <> ''),
    note       text,
    actor      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX fitment_feedback_product ON fitment_feedback (product_id, vehicle_id);
CREATE UNIQUE INDEX fitment_feedback_once ON fitment_feedback (product_id, vehicle_id, origin, reference)
    WHERE reference IS NOT NULL;
COMMENT ON COLUMN fitment_feedback.reference IS 'the order line or the return that says so; told again it is the same';

GRANT SELECT, INSERT ON vehicles, vehicle_engines, fitment_sources, fitment_feedback TO autoshop_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON fitments, fitment_absences TO autoshop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO autoshop_app;
