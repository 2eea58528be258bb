# The coroutine patterns in the modern style, each a function; "python examples/coroutines/modern.py" runs them all.
import asyncio
import logging
import sys
import time

from waterspout import gen
from waterspout.httpclient import AsyncHTTPClient


async def divide(x, y):
    return x / y


def some_function(other_args, callback):
    """A function of the age of callbacks: the answer comes as the argument of one."""
    asyncio.get_running_loop().call_soon(callback, other_args.upper())


async def call_with_callback():
    answer = asyncio.get_running_loop().create_future()
    some_function("other args", callback=answer.set_result)
    return await answer


async def call_blocking(blocking_func, args):
    return await asyncio.to_thread(blocking_func, args)


async def parallel_fetch_many(urls):
    client = AsyncHTTPClient()
    return await gen.multi([client.fetch(url) for url in urls])


async def parallel_fetch_dict(urls):
    client = AsyncHTTPClient()
    return await gen.multi({url: client.fetch(url) for url in urls})


async def interleaved(fetch_next_chunk, write):
    # A coroutine starts when it is awaited; a task starts at once.
    fetching = asyncio.create_task(fetch_next_chunk())
    try:
        while (chunk := await fetching) is not None:
            fetching = asyncio.create_task(fetch_next_chunk())
            await write(chunk)
    finally:
        fetching.cancel()


async def cursor(documents):
    for document in documents:
        yield document


async def loop_example(collection):
    return [document async for document in cursor(collection)]


async def minute_loop(do_something, seconds=60):
    while True:
        await do_something()
        await asyncio.sleep(seconds)


async def exact_minute_loop(do_something, seconds=60):
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await do_something()
        # Reckoned from the start, so that no delay adds up; what was missed is left out.
        due = max(due + seconds, loop.time())
        await asyncio.sleep(due - loop.time())


async def main():
    try:
        await divide(1, 0)
    except ZeroDivisionError as error:
        print("divide:", error)
    # Whoever starts a task keeps it, and looks at how it ended.
    background = asyncio.create_task(divide(1, 0))
    print("call_with_callback:", await call_with_callback())
    print("call_blocking:", await call_blocking(time.sleep, 0.01))
    print("loop_example:", await loop_example(["one", "two", "three"]))
    if sys.argv[1:]:
        print("parallel_fetch_many:", [response.code for response in await parallel_fetch_many(sys.argv[1:])])
    print("background:", repr((await asyncio.gather(background, return_exceptions=True))[0]))


if __name__ == "__main__":
    logging.basicConfig()
    asyncio.run(main())
