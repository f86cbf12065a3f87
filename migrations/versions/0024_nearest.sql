-- Closing balances of a million places are written by one statement, and their values are rounded and shared in it, to
-- the kopeck and as in inventory/value/model.py. Expressions without a query in them: the planner puts them in place.

CREATE FUNCTION whole(numerator numeric, denominator numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN div(numerator, denominator) - CASE WHEN mod(numerator, denominator) < 0 THEN 1 ELSE 0 END;
COMMENT ON FUNCTION whole IS 'the greatest whole number that is not above; the denominator is positive';

-- numeric's own round() goes away from zero.
CREATE FUNCTION nearest(numerator numeric, denominator numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN whole(2 * numerator + denominator, 2 * denominator)
       - CASE WHEN mod(2 * numerator + denominator, 2 * denominator) = 0
                   AND mod(div(2 * numerator + denominator, 2 * denominator), 2) <> 0 THEN 1 ELSE 0 END;
COMMENT ON FUNCTION nearest IS 'the nearest whole number, half to even; the denominator is positive';
