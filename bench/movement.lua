-- wrk -s movement.lua URL -- TOKEN PRODUCTS RUN: one movement a request, of a random product, by turns a delivery
-- and a sale, so that stock lasts; each with an Idempotency-Key that was never used before.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(arguments)
  products, run, sent = tonumber(arguments[2]), arguments[3] .. "-" .. number, 0
  math.randomseed(os.time() * 31 + number)
  head = "POST /api/v1/inventory/movement HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    .. "Authorization: Bearer " .. arguments[1] .. "\r\n"
end

function request()
  sent = sent + 1
  local body = string.format(
    '{"product_id":%d,"store_id":%d,"movement_type":"%s","quantity":1,"related_document":"bench"}',
    math.random(products), math.random(2), sent % 2 == 0 and "sale" or "inbound")
  return string.format("%sIdempotency-Key: wrk-%s-%09d\r\nContent-Length: %d\r\n\r\n%s", head, run, sent, #body, body)
end

dofile((debug.getinfo(1, "S").source:sub(2):match(".*/") or "./") .. "report.lua")
