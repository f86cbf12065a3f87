-- Closing balances of a million places are written by one statement, and their values are rounded in it.
-- numeric's own round() goes away from zero; money is rounded half to even, as in inventory/value/model.py.

CREATE FUNCTION nearest(numerator numeric, denominator numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT w.whole + CASE WHEN 2 * r.rest > denominator OR (2 * r.rest = denominator AND mod(w.whole, 2) <> 0)
                              THEN 1 ELSE 0 END
          FROM (SELECT mod(mod(numerator, denominator) + denominator, denominator) AS rest) AS r
         CROSS JOIN LATERAL (SELECT div(numerator - r.rest, denominator) AS whole) AS w);
COMMENT ON FUNCTION nearest IS 'the nearest whole number, half to even; the denominator is positive';
