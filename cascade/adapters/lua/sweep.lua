-- ARGV: now in ms or '', how many at most. Books expired holds as lost; returns how many.
local due = redis.call(
  'ZRANGE', DUE, '-inf', whole(moment(ARGV[1])), 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[2]))
for _, id in ipairs(due) do
  local hold = taken(id)
  if hold then
    redis.call('SET', SETTLED .. id, 'lost', 'EX', KEEP_LOST_S)
    book(hold.names, hold.event, told(hold.event, 'micro'), told(hold.event, 'at'))
  else
    redis.call('ZREM', DUE, id)
  end
end
return #due
