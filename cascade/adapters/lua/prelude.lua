-- What every script begins with: the names of keys, the month of a moment, and sums by scope.
local BUILT, HOLDS, DUE, STREAM = 'cascade:built', 'cascade:holds', 'cascade:due', 'cascade:events'
local SETTLED = 'cascade:settled:'
local KEEP_SETTLED_S, KEEP_LOST_S, KEEP_MONTH_S = 900, 86400, 62 * 86400

local function spent_key(month) return 'cascade:spent:' .. month end
local function held_key(month) return 'cascade:held:' .. month end
local function other_key(month) return 'cascade:other:' .. month end

-- Howard Hinnant's civil_from_days: the month (UTC) of microseconds since 1970, as 2026-11.
local function month_of(at_us)
  local z = math.floor(at_us / 86400000000) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor(
    (doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  return string.format('%04d-%02d', yoe + era * 400 + (month <= 2 and 1 or 0), month)
end

-- A whole number in an event's JSON. A quote inside a text is escaped, so this finds the field
-- itself, at a tenth of what reading all of the event takes.
local function told(event, field)
  local found = string.match(event, '"' .. field .. '":%s*(%d+)')
  if not found then return error('EVENT has no ' .. field) end
  return tonumber(found)
end

-- Milliseconds since 1970: what was given, or else the server's own clock.
local function moment(given)
  if given ~= '' then return tonumber(given) end
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
end

local function whole(number) return string.format('%.0f', number) end

-- Add to each of some scopes; `is` holds what they are, when it was read already.
local function add(key, names, micro, is)
  is = is or redis.call('HMGET', key, unpack(names))
  local pairs_, is_new = {}, false
  for place, name in ipairs(names) do
    is_new = is_new or not is[place]
    pairs_[2 * place - 1] = name
    pairs_[2 * place] = whole((tonumber(is[place]) or 0) + micro)
  end
  redis.call('HSET', key, unpack(pairs_))
  if is_new then redis.call('EXPIRE', key, KEEP_MONTH_S, 'NX') end
end

-- Take a hold back out of what is held; return its scopes and event, or nil when there is none.
local function taken(id)
  local packed = redis.call('HGET', HOLDS, id)
  if not packed then return nil end
  local hold = cmsgpack.unpack(packed)
  add(held_key(hold.month), hold.names, -hold.micro)
  redis.call('HDEL', HOLDS, id)
  redis.call('ZREM', DUE, id)
  return hold
end

-- Book an event: what its scopes have spent, and the entry in the stream. Both, always.
local function book(names, event, micro, at_us)
  add(spent_key(month_of(at_us)), names, micro)
  redis.call('XADD', STREAM, '*', 'e', event)
end
