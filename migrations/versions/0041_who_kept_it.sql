-- What came back is weighed against what was bought for the same car: the latest purchases of a car are looked through.
CREATE INDEX fitment_purchases_car ON fitment_purchases (vehicle_id, created_at);
