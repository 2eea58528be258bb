# The coroutine patterns of the user's guide, each a function; "python examples/coroutines/classic.py" runs them all.
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from waterspout import gen
from waterspout.concurrent import Future
from waterspout.httpclient import AsyncHTTPClient
from waterspout.ioloop import IOLoop

thread_pool = ThreadPoolExecutor(4)


@gen.coroutine
def divide(x, y):
    return x / y


def bad_call():
    # Nobody looks at the Future: ZeroDivisionError reaches no caller.
    return divide(1, 0)


@gen.coroutine
def good_call():
    # yield unwraps the Future and raises the exception.
    yield divide(1, 0)


def some_function(other_args, callback):
    """A function of the age of callbacks: the answer comes as the argument of one."""
    IOLoop.current().add_callback(callback, other_args.upper())


@gen.coroutine
def call_task():
    # No parentheses after some_function: Task calls it as some_function(other_args, callback=callback).
    return (yield gen.Task(some_function, "other args"))


@gen.coroutine
def call_blocking(blocking_func, args):
    return (yield thread_pool.submit(blocking_func, args))


@gen.coroutine
def parallel_fetch(url1, url2):
    http_client = AsyncHTTPClient()
    resp1, resp2 = yield [http_client.fetch(url1), http_client.fetch(url2)]
    return resp1, resp2


@gen.coroutine
def parallel_fetch_many(urls):
    http_client = AsyncHTTPClient()
    responses = yield [http_client.fetch(url) for url in urls]
    # responses is a list of HTTPResponses in the order of urls.
    return responses


@gen.coroutine
def parallel_fetch_dict(urls):
    http_client = AsyncHTTPClient()
    responses = yield {url: http_client.fetch(url) for url in urls}
    return responses


@gen.coroutine
def interleaved(fetch_next_chunk, write):
    # The next chunk is on its way while this one is written.
    fetch_future = fetch_next_chunk()
    while True:
        chunk = yield fetch_future
        if chunk is None:
            break
        fetch_future = fetch_next_chunk()
        yield write(chunk)


class Cursor:
    """What a database driver gives: fetch_next is a Future of whether there is another document."""

    def __init__(self, documents):
        self._documents = list(documents)

    @property
    def fetch_next(self):
        future = Future()
        future.set_result(bool(self._documents))
        return future

    def next_object(self):
        return self._documents.pop(0)


@gen.coroutine
def loop_example(collection):
    found = []
    cursor = Cursor(collection)
    while (yield cursor.fetch_next):
        found.append(cursor.next_object())
    return found


@gen.coroutine
def minute_loop(do_something, seconds=60):
    # Every 60 + N seconds, when do_something takes N.
    while True:
        yield do_something()
        yield gen.sleep(seconds)


@gen.coroutine
def minute_loop2(do_something, seconds=60):
    # Every 60 seconds, as long as do_something takes less: the clock starts first.
    while True:
        nxt = gen.sleep(seconds)
        yield do_something()
        yield nxt


@gen.coroutine
def main():
    try:
        yield good_call()
    except ZeroDivisionError as error:
        print("good_call:", error)
    # The loop answers for the call, and logs the traceback.
    IOLoop.current().spawn_callback(divide, 1, 0)
    print("call_task:", (yield call_task()))
    print("call_blocking:", (yield call_blocking(time.sleep, 0.01)))
    print("loop_example:", (yield loop_example(["one", "two", "three"])))
    if sys.argv[1:]:
        print("parallel_fetch_many:", [response.code for response in (yield parallel_fetch_many(sys.argv[1:]))])


if __name__ == "__main__":
    logging.basicConfig()
    IOLoop.current().run_sync(main)
