# What the modern shop asks of its stock: changes, and word of changes. One process on SQLite tells itself; several
# on Redis tell each other.
import asyncio
import logging

from stock import RETURNED, SOLD_OUT, TAKEN, UNCHANGED, SQLiteStock

#: Changes the set of carts (KEYS[1]) for a session (ARGV[1]) in one step; ARGV[2] is the number of copies.
_TAKE = """
if redis.call("SISMEMBER", KEYS[1], ARGV[1]) == 1 then return 0 end
if redis.call("SCARD", KEYS[1]) >= tonumber(ARGV[2]) then return -1 end
return redis.call("SADD", KEYS[1], ARGV[1])
"""


class Changes:
    """Lets any number of pages wait for the stock to change."""

    def __init__(self):
        self._next = asyncio.Event()

    def tell(self):
        """Wake all who wait."""
        self._next.set()
        self._next = asyncio.Event()

    def next(self):
        """Return the event of the next change: take it before looking at the stock, and no change is missed."""
        return self._next


class LocalShop:
    """A shop of one process, on SQLite. A statement takes far less than a request, so no thread is needed."""

    def __init__(self, path, total):
        self.changes = Changes()
        self._stock = SQLiteStock(path, total)

    async def take(self, session):
        return self._told(self._stock.take(session))

    async def give_back(self, session):
        return self._told(self._stock.give_back(session))

    async def has(self, session):
        return self._stock.has(session)

    async def count(self):
        return self._stock.count()

    async def close(self):
        self._stock.close()

    def _told(self, outcome):
        if outcome in (TAKEN, RETURNED):
            self.changes.tell()
        return outcome


class RedisShop:
    """A shop of any number of processes, on one Redis (``pip install redis``)."""

    CARTS = "burts:carts"

    def __init__(self, url, total):
        from redis import asyncio as redis

        self.changes = Changes()
        self._redis = redis.Redis.from_url(url)
        self._lost = redis.RedisError
        self._total = total
        self._take = self._redis.register_script(_TAKE)
        self._listener = asyncio.create_task(self._listen())

    async def take(self, session):
        added = await self._take(keys=[self.CARTS], args=[session, self._total])
        if added == 1:
            await self._redis.publish(self.CARTS, "changed")
        return {1: TAKEN, 0: UNCHANGED, -1: SOLD_OUT}[added]

    async def give_back(self, session):
        if not await self._redis.srem(self.CARTS, session):
            return UNCHANGED
        await self._redis.publish(self.CARTS, "changed")
        return RETURNED

    async def has(self, session):
        return bool(await self._redis.sismember(self.CARTS, session))

    async def count(self):
        return self._total - await self._redis.scard(self.CARTS)

    async def close(self):
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        await self._redis.aclose()

    async def _listen(self):
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self.CARTS)
                    # Whatever came before the subscription went unheard; the first message says that it stands.
                    async for _ in channel.listen():
                        self.changes.tell()
            except (self._lost, OSError) as error:
                logging.warning("Redis: %s; trying again in a second", error)
            await asyncio.sleep(1)
