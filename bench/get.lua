-- wrk -s get.lua URL -- TOKEN FILE: GET a random line of FILE, which holds one path a line.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(arguments)
  math.randomseed(os.time() * 31 + number)
  requests = {}
  for path in io.lines(arguments[2]) do
    requests[#requests + 1] = "GET " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
      .. arguments[1] .. "\r\n\r\n"
  end
end

function request()
  return requests[math.random(#requests)]
end

dofile((debug.getinfo(1, "S").source:sub(2):match(".*/") or "./") .. "report.lua")
