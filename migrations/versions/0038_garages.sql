-- Cars of buyers. What is personal here (the VIN, a name, how far somebody drives) goes with its row: nothing else keeps it.
CREATE TABLE garages (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea       UNIQUE CHECK (length(token_hash) = 32),
    customer   text        UNIQUE CHECK (customer <> ''),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(token_hash, customer) = 1)
);
CREATE INDEX garages_unseen ON garages (seen_at) WHERE token_hash IS NOT NULL;
COMMENT ON COLUMN garages.token_hash IS 'SHA-256 of what a browser keeps in its cookie; NULL: a customer''s';
COMMENT ON COLUMN garages.customer IS 'how the site or the staff name a customer; NULL: a browser''s';

CREATE TABLE garage_cars (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    garage_id  bigint      NOT NULL REFERENCES garages ON DELETE CASCADE,
    vehicle    text        NOT NULL CHECK (vehicle <> ''),
    engine     text        CHECK (engine <> ''),
    year       smallint    CHECK (year BETWEEN 1900 AND 2100),
    vin        text        CHECK (length(vin) = 17),
    name       text        CHECK (name <> '' AND length(name) <= 100),
    version    integer     NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz
);
CREATE UNIQUE INDEX garage_cars_once ON garage_cars (garage_id, vehicle, engine, year, vin, name) NULLS NOT DISTINCT
    WHERE removed_at IS NULL;
CREATE INDEX garage_cars_garage ON garage_cars (garage_id);
CREATE INDEX garage_cars_removed ON garage_cars (removed_at) WHERE removed_at IS NOT NULL;
COMMENT ON COLUMN garage_cars.vehicle IS 'make/model/generation of data/selection/vehicles';
COMMENT ON COLUMN garage_cars.engine IS 'a code; NULL: not said';
COMMENT ON COLUMN garage_cars.removed_at IS 'taken out, and may be put back for a day; then it is deleted';

CREATE TABLE garage_readings (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    car_id     bigint  NOT NULL REFERENCES garage_cars ON DELETE CASCADE,
    read_on    date    NOT NULL,
    mileage_km integer NOT NULL CHECK (mileage_km BETWEEN 0 AND 2000000),
    UNIQUE (car_id, read_on)
);

CREATE TABLE garage_services (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    car_id     bigint  NOT NULL REFERENCES garage_cars ON DELETE CASCADE,
    kit        text    CHECK (kit <> ''),
    what       text    CHECK (what <> '' AND length(what) <= 100),
    done_on    date,
    mileage_km integer CHECK (mileage_km BETWEEN 0 AND 2000000),
    CHECK (num_nonnulls(kit, what) = 1),
    CHECK (num_nonnulls(done_on, mileage_km) > 0),
    UNIQUE NULLS NOT DISTINCT (car_id, kit, what, done_on, mileage_km)
);
COMMENT ON COLUMN garage_services.kit IS 'of data/selection/kits; NULL: something else, which is `what`';

GRANT SELECT, INSERT, UPDATE, DELETE ON garages, garage_cars, garage_readings, garage_services TO autoshop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO autoshop_app;
