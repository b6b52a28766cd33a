-- wrk: the same signed body under an id of its own each time, so that every request is a new delivery.
local count, thread_count = 0, 0

function setup(thread)
  thread_count = thread_count + 1
  thread:set("number", thread_count)
end

function init(args)
  local file = io.open(args[1], "rb")
  wrk.body = file:read("*a")
  file:close()
  seed = args[2]
  for place = 3, #args do
    local name, value = args[place]:match("^([^=]+)=(.*)$")
    wrk.headers[name] = value
  end
end

function request()
  count = count + 1
  wrk.headers["x-shopify-webhook-id"] = seed .. "-" .. number .. "-" .. count
  return wrk.format("POST")
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format('{"requests": %d, "seconds": %.6f, "failed": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, failed, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
