-- ARGV: hold id, micro, event ('' gives the hold back and books nothing), then the scopes.
-- Returns 1 when it was settled now, 0 when it was settled before, 2 when it was lost before.
local id, micro, event = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local mark = redis.call('GET', SETTLED .. id)
if mark == 'lost' and event ~= '' then
  -- What was booked as lost stays; the true figures are told beside it, once.
  redis.call('SET', SETTLED .. id, 'late', 'EX', KEEP_LOST_S)
  redis.call('XADD', STREAM, '*', 'late', event)
  return 2
end
if mark then return 0 end
-- All that can go wrong goes wrong here: what a script has written, no error takes back.
local at_us = nil
if event ~= '' then
  if told(event, 'micro') ~= micro then
    return redis.error_reply('DISAGREE the charge is not what its event says')
  end
  at_us = told(event, 'at')
end
local hold = taken(id)
redis.call('SET', SETTLED .. id, 'settled', 'EX', KEEP_SETTLED_S)
if event ~= '' then
  local names = hold and hold.names or {unpack(ARGV, 4)}
  book(names, event, micro, at_us)
end
return 1
