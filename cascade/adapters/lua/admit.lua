-- GCRA over requests and tokens at once: both pass or neither is counted.
-- ARGV: key, now in ms or '', requests a minute, tokens a minute ('' for none), tokens.
-- Returns 0 when admitted, else the milliseconds to wait.
local key = 'cascade:rate:' .. ARGV[1]
local now = moment(ARGV[2]) * 1000
local MINUTE = 60000000
local wait, written = 0, {}
local function look(field, limit, cost)
  if limit == '' then return end
  local gap = MINUTE / tonumber(limit)
  local full = math.max(tonumber(redis.call('HGET', key, field) or '0'), now)
  -- More than a whole minute's allowance passes when the minute is free, and is paid off after.
  local ends = full + math.min(cost * gap, MINUTE)
  wait = math.max(wait, ends - MINUTE - now)
  written[#written + 1] = {field, full + cost * gap}
end
look('requests', ARGV[3], 1)
look('tokens', ARGV[4], tonumber(ARGV[5]))
if wait > 0 then return math.ceil(wait / 1000) end
local last = now
for _, each in ipairs(written) do
  redis.call('HSET', key, each[1], whole(each[2]))
  last = math.max(last, each[2])
end
if #written > 0 then redis.call('PEXPIRE', key, math.ceil((last - now) / 1000) + 1000) end
return 0
