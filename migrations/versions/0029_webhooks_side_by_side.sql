-- Whoever is far away and answers slowly may have several messages at once, if he does without their order.

ALTER TABLE webhooks ADD COLUMN in_flight smallint NOT NULL DEFAULT 1 CHECK (in_flight BETWEEN 1 AND 16);
COMMENT ON COLUMN webhooks.in_flight IS 'messages under way at once; 1 = one after the other, in order';
