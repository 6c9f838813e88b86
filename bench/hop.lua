-- wrk script: send each body of a file, in order, and wait for every answer.
-- When the seconds are over nothing more is sent, and once all is answered wrk is told to end.
-- Arguments after `--`: file of bodies (one a line), "once" or "cycle", seconds.
-- Prints one line `RESULT {json}` in the end. Written for one thread (-t1).

local ffi = require("ffi")
ffi.cdef[[ struct bench_time { long seconds; long micros; };
           int gettimeofday(struct bench_time *now, void *zone);
           int getpid(void); int kill(int pid, int signal); ]]
local SIGINT = 2 -- wrk takes it as "time is up"
local clock = ffi.new("struct bench_time")
local main_thread

local function now()
  ffi.C.gettimeofday(clock, nil)
  return tonumber(clock.seconds) + tonumber(clock.micros) / 1e6
end

local function silence() -- an empty request leaves its connection silent
  if answered == sent then ffi.C.kill(ffi.C.getpid(), SIGINT) end
  return ""
end

function setup(thread)
  main_thread = thread
end

function init(args)
  requests, at, cycle, seconds = {}, 0, args[2] == "cycle", tonumber(args[3])
  sent, answered, wrong, ran_out, begun, ended, first_wrong = 0, 0, 0, false, 0, 0, ""
  local head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
    .. "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
  for line in io.lines(args[1]) do
    requests[#requests + 1] = head .. #line .. "\r\n\r\n" .. line
  end
  tried = false
end

function request()
  if not tried then -- wrk asks for one request to see whether it is well formed, and does not send it
    tried = true
    return requests[1]
  end
  local time = now()
  if begun == 0 then begun = time end
  if time - begun >= seconds then return silence() end
  if at == #requests then
    if not cycle then
      ran_out = true
      return silence()
    end
    at = 0
  end
  at = at + 1
  sent = sent + 1
  return requests[at]
end

function response(status, headers, body)
  answered = answered + 1
  ended = now()
  if status ~= 200 or body:sub(1, 4) ~= "CON " then
    wrong = wrong + 1
    if wrong == 1 then first_wrong = status .. " " .. body:sub(1, 80):gsub("[%c\"\\]", " ") end
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  local get = function(name) return main_thread:get(name) end
  print(string.format(
    'RESULT {"sent": %d, "answered": %d, "wrong": %d, "first_wrong": "%s", "ran_out": %s, "seconds": %.6f, '
      .. '"p50": %.3f, "p99": %.3f, "most": %.3f, "errors": %d}',
    get("sent"), get("answered"), get("wrong"), get("first_wrong"), tostring(get("ran_out")),
    get("ended") - get("begun"),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    errors.connect + errors.read + errors.write + errors.timeout))
end
