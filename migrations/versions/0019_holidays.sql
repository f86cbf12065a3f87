-- Holidays of the whole network, which a store keeps or not, and days on which a van does not go.

CREATE TABLE holiday_years (
    year       smallint    PRIMARY KEY,
    version    integer     NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN holiday_years.version IS 'of the list of that year; 0 = nobody has set it';

CREATE TABLE holidays (
    day  date PRIMARY KEY,
    name text NOT NULL CHECK (name <> '')
);

ALTER TABLE stores ADD COLUMN keeps_holidays boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN stores.keeps_holidays IS 'closed on the days of `holidays`; closed_dates are its own';

ALTER TABLE transfer_routes ADD COLUMN closed_dates date[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN transfer_routes.closed_dates IS 'days on which the van does not leave';

GRANT SELECT, INSERT, UPDATE ON holiday_years TO autoshop_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON holidays TO autoshop_app;
