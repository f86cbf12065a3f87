-- Made anew every night from the sales: it may be lost.

CREATE TABLE bought_together (
    product_id bigint  NOT NULL,
    with_id    bigint  NOT NULL,
    together   integer NOT NULL CHECK (together > 0),
    weight     real    NOT NULL CHECK (weight > 0),
    PRIMARY KEY (product_id, with_id)
);
COMMENT ON TABLE bought_together IS 'of each product those that were bought with it more often than chance has it, the best fifty';
COMMENT ON COLUMN bought_together.together IS 'in how many purchases both were';
COMMENT ON COLUMN bought_together.weight IS 'root of the log-likelihood ratio × how often who bought the one bought the other';

-- Dunning 1993, «Accurate methods for the statistics of surprise and coincidence»: how surprising it is that of `baskets`
-- purchases `together` have both, where `of_one` and `of_other` have each. Zero where they are bought as chance has it.
CREATE FUNCTION log_likelihood_ratio(together bigint, of_one bigint, of_other bigint, baskets bigint)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(0, 2 * (sum(x * ln(x)) FILTER (WHERE plus) - sum(x * ln(x)) FILTER (WHERE NOT plus)))
      FROM (VALUES (true, together::double precision), (true, of_one - together), (true, of_other - together),
                   (true, baskets - of_one - of_other + together), (true, baskets),
                   (false, of_one), (false, baskets - of_one), (false, of_other), (false, baskets - of_other))
           AS cells (plus, x)
     WHERE x > 0
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON bought_together TO autoshop_app;
