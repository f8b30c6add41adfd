"""The snapshot in Valkey: put there for the gateways, never an older one over a newer one."""

from __future__ import annotations

from functools import cache

from redis import Redis
from redis.exceptions import RedisError

KEY = "cascade:snapshot"
VERSION_KEY = "cascade:snapshot:version"
TIMEOUT_S = 2.0
# Two that publish at once may come in any order.
PUT = """
local held = tonumber(redis.call('GET', KEYS[2]) or '0')
if held > tonumber(ARGV[1]) then
  return held
end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1])
redis.call('PUBLISH', KEYS[1], ARGV[1])
return tonumber(ARGV[1])
"""


class StoreAway(Exception):
    """Valkey did not take the snapshot; what it holds is still served."""


def put(*, url: str, version: int, body: str) -> int:
    """Offer a snapshot; return the version that is there after it. Raises StoreAway."""
    try:
        return int(server(url).eval(PUT, 2, KEY, VERSION_KEY, version, body))
    except RedisError as reason:
        raise StoreAway(str(reason)) from reason


@cache
def server(url: str) -> Redis:
    """Return the shared connections to a server, which give up soon."""
    return Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
