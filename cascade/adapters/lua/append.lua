-- ARGV: an event that moves no money. A script only so that it travels with the others.
redis.call('XADD', STREAM, '*', 'e', ARGV[1])
return 1
