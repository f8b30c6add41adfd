-- ARGV: 'replace' or 'compare', the last entry of the stream that was read (or '0'), and JSON
-- {month: {scope: micro}} of all that rows and those entries hold. Adds what came since, and what
-- holds say is held; replaces the counters of those months, or returns JSON of {where, scope, is, should} as rows.
local is_replacing, last, should = ARGV[1] == 'replace', ARGV[2], cjson.decode(ARGV[3])
local from = last == '0' and '-' or '(' .. last
local held = {}
for month, _ in pairs(should) do held[month] = {} end
local function note(sums, month, name, micro)
  sums[month] = sums[month] or {}
  sums[month][name] = (sums[month][name] or 0) + micro
end
for _, entry in ipairs(redis.call('XRANGE', STREAM, from, '+')) do
  local is_read, event = pcall(cjson.decode, entry[2][2])
  if entry[2][1] == 'e' and is_read and type(event) == 'table' and event.kind == 'attempt' then
    local month = month_of(event.at)
    for _, name in ipairs({
      'key:' .. event.key, 'feature:' .. whole(event.feature), 'team:' .. whole(event.team),
      'organisation' }) do
      if should[month] then note(should, month, name, event.micro) end
    end
  end
end
local holds = redis.call('HVALS', HOLDS)
for _, packed in ipairs(holds) do
  local hold = cmsgpack.unpack(packed)
  for _, name in ipairs(hold.names) do note(held, hold.month, name, hold.micro) end
end
local wrong = {}
local function look(key, sums)
  local is = {}
  local flat = redis.call('HGETALL', key)
  for place = 1, #flat, 2 do is[flat[place]] = tonumber(flat[place + 1]) end
  for name, micro in pairs(sums) do
    if (is[name] or 0) ~= micro then wrong[#wrong + 1] = {key, name, is[name] or 0, micro} end
  end
  for name, micro in pairs(is) do
    if micro ~= 0 and not sums[name] then wrong[#wrong + 1] = {key, name, micro, 0} end
  end
end
local function put(key, sums)
  redis.call('DEL', key)
  for name, micro in pairs(sums) do add(key, {name}, micro) end
end
local act = is_replacing and put or look
for month, sums in pairs(should) do act(spent_key(month), sums) end
for month, sums in pairs(held) do act(held_key(month), sums) end
if is_replacing then redis.call('SET', BUILT, '1') end
if #wrong == 0 then return '[]' end
return cjson.encode(wrong)
