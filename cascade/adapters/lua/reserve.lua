-- ARGV: hold id, micro, lifetime in ms, now in ms or '', event on loss, then scope and limit pairs
-- ('' for no limit). Returns {1 granted | 0 refused, whose limit, the feature's share as text}.
local id, micro, event = ARGV[1], tonumber(ARGV[2]), ARGV[5]
if redis.call('EXISTS', BUILT) == 0 then
  return redis.error_reply('NOTBUILT the counters were lost and are not rebuilt yet')
end
if redis.call('EXISTS', SETTLED .. id) == 1 then return {0, '', '0'} end
-- The sweep will need both: an event without them is refused before anything is held.
local month = told(event, 'micro') and month_of(told(event, 'at'))
local names, limits = {}, {}
for place = 6, #ARGV, 2 do
  names[#names + 1] = ARGV[place]
  limits[#names] = ARGV[place + 1]
end
local spent = redis.call('HMGET', spent_key(month), unpack(names))
local held = redis.call('HMGET', held_key(month), unpack(names))
local other = redis.call('HMGET', other_key(month), unpack(names))
local is_held = redis.call('HEXISTS', HOLDS, id) == 1
local share, refused = '0', nil
for place, name in ipairs(names) do
  local limit = tonumber(limits[place])
  if limit then
    local used = (tonumber(spent[place]) or 0) + (tonumber(other[place]) or 0)
    local wanted = used + (tonumber(held[place]) or 0) + micro
    if wanted > limit and not refused then refused = name end
    if string.sub(name, 1, 8) == 'feature:' then
      share = limit > 0 and string.format('%.9f', used / limit) or '1'
    end
  end
end
if is_held then return {1, '', share} end
if refused then return {0, refused, share} end
add(held_key(month), names, micro, held)
local packed = cmsgpack.pack({month = month, micro = micro, names = names, event = event})
redis.call('HSET', HOLDS, id, packed)
redis.call('ZADD', DUE, whole(moment(ARGV[4]) + tonumber(ARGV[3])), id)
return {1, '', share}
