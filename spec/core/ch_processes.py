"""Processes

One process of a program on this interface uses one processor. ``fork_processes`` makes the program go on in several
children, each of which knows its number; the parent looks after them and starts again what breaks down. A server does
the same by ``bind`` and ``start(n)``. Whatever belongs to an event loop must be made after that, in each child: shared
with the parent, it would disturb all of them.

``Subprocess`` runs other programs. Its arguments are those of Python's ``subprocess.Popen``, but a standard stream may
be ``Subprocess.STREAM``, which makes it one that does not block, and the end of the program can be waited for without
blocking.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import signal
import subprocess
import sys

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, should
from conformance.client import in_time
from conformance.forks import forked
from conformance.leftovers import Leftovers, forgiving
from conformance.programs import running

# -- forking ----------------------------------------------------------------------------------------------------------


@must(
    "process.fork.numbered-children",
    "fork_processes(n) returns in n children, in each its number from 0, which task_id() tells as well.",
    doc("process.fork_processes"),
    doc("process.task_id"),
)
def test_numbered_children():
    def body(say):
        number = api.process.fork_processes(3)
        say("child", number, api.process.task_id())

    assert forked(body) == (0, ["child 0 0", "child 1 1", "child 2 2"])


@must(
    "process.fork.parent-exits",
    "In the parent fork_processes() does not return: it exits with status 0 when all children have ended normally.",
    doc("process.fork_processes"),
)
def test_parent_exits():
    def body(say):
        parent = os.getpid()
        try:
            api.process.fork_processes(2)
        except SystemExit as end:
            say("parent", end.code, os.getpid() == parent)
        else:
            say("child of it:", os.getppid() == parent)

    assert forked(body) == (0, ["child of it: True", "child of it: True", "parent 0 True"])


@must(
    "process.fork.one-for-each-processor",
    "None, and every number below one, means as many children as cpu_count() tells.",
    doc("process.fork_processes"),
)
@each(number=[None, 0, -1])
def test_one_for_each_processor(number):
    outcome = forked(lambda say: say("child", api.process.fork_processes(number)))
    assert outcome == (0, sorted(f"child {number}" for number in range(api.process.cpu_count())))


@must(
    "process.cpu-count.processors",
    "cpu_count() is the number of processors of the machine.",
    doc("process.cpu_count"),
)
def test_cpu_count():
    assert api.process.cpu_count() == os.cpu_count()


@must(
    "process.task-id.none",
    "task_id() is None in a process that fork_processes() did not make.",
    doc("process.task_id"),
)
def test_no_task_id():
    assert api.process.task_id() is None


def die_of(signal_number):
    """End this process by a signal."""
    os.kill(os.getpid(), signal_number)


ENDS_OF_CHILDREN = [
    labelled("status", lambda: os._exit(7)),
    labelled("exception", lambda: 1 / 0),
    labelled("SIGTERM", lambda: die_of(signal.SIGTERM)),
    labelled("SIGKILL", lambda: die_of(signal.SIGKILL)),
]


def fork_with_a_frail_child(say, folder, end):
    """Fork two processes; child 1 says where it is, and twice ends otherwise than it should."""
    number = api.process.fork_processes(2)
    say("child", number)
    if number == 1 and len(os.listdir(folder)) < 2:
        (folder / str(os.getpid())).touch()
        end()


@must(
    "process.fork.restarts",
    "A child that exits with another status than 0, or by a signal, is started again under its number.",
    doc("process.fork_processes"),
)
@each(end=ENDS_OF_CHILDREN)
def test_restarts(tmp_path, end):
    def body(say):
        try:
            fork_with_a_frail_child(say, tmp_path, end)
        except ZeroDivisionError:
            os._exit(1)

    assert forked(body) == (0, ["child 0", "child 1", "child 1", "child 1"])


@must(
    "process.fork.max-restarts",
    "After max_restarts restarts, of all children together, the next abnormal end is a RuntimeError in the parent.",
    doc("process.fork_processes"),
)
@each(restarts=[0, 3])
def test_max_restarts(restarts):
    def body(say):
        try:
            api.process.fork_processes(1, max_restarts=restarts)
        except RuntimeError:
            say("parent gives up")
            sys.exit(5)
        say("child")
        os._exit(3)

    assert forked(body) == (5, ["child"] * (1 + restarts) + ["parent gives up"])


@must(
    "process.fork.hundred-restarts",
    "Without max_restarts there are 100 restarts.",
    doc("process.fork_processes"),
)
def test_hundred_restarts(target):
    program = "import os, PACKAGE.process\nPACKAGE.process.fork_processes(1)\nos.write(1, b'child\\n')\nos._exit(3)"
    # A small process is forked in no time.
    with running(target, program) as started:
        assert started.ended() != 0
        assert started.printed().splitlines().count("child") == 101


def fork_on(run):
    """Return what forks inside ``run``, which starts a loop of its kind, and says who gets out."""

    def body(say):
        def fork():
            try:
                api.process.fork_processes(2, max_restarts=0)
            except RuntimeError:
                say("parent is told")
            else:
                say("child")
                os._exit(0)

        async def main():
            fork()

        run(fork, main)

    return body


@must(
    "process.fork.after-the-loop-began",
    "fork_processes() is an error once there is an event loop, running or not: children must not share one.",
    doc("process.fork_processes"),
)
@each(
    loop=[
        labelled("current", lambda fork, main: (api.ioloop.IOLoop.current(), fork())),
        labelled("running", lambda fork, main: api.ioloop.IOLoop.current().run_sync(main)),
        labelled("asyncio", lambda fork, main: asyncio.run(main())),
    ]
)
def test_after_the_loop(loop):
    assert forked(fork_on(loop)) == (0, ["parent is told"])


class Heard(logging.Handler):
    """Says what is logged."""

    def __init__(self, say):
        super().__init__(logging.INFO)
        self.emit = lambda record: say(record.levelname, record.getMessage())


@compat(
    "process.fork.logs",
    "The parent logs the end of a child: with level info a normal one, as a warning, with number and cause, another.",
    observed("core-processes"),
)
@each(end=[ENDS_OF_CHILDREN[0], ENDS_OF_CHILDREN[3]])
def test_logs(tmp_path, end):
    def body(say):
        logger = logging.getLogger("tornado.general")
        logger.setLevel(logging.INFO)
        logger.addHandler(Heard(say))
        fork_with_a_frail_child(say, tmp_path, end)

    lines = forked(body).said
    ends = [re.match(r"(\w+) (child \d) \(pid \d+\) .*?(\w+ \d+|normally)", line) for line in lines]
    cause = "signal 9" if end is ENDS_OF_CHILDREN[3].value else "status 7"
    bad = ("WARNING", "child 1", cause)
    normal = [("INFO", f"child {number}", "normally") for number in range(2)]
    assert [found.groups() for found in ends if found] == [*normal, bad, bad]


@compat(
    "process.fork.random",
    "The random numbers of each child are its own.",
    observed("core-processes"),
)
def test_random():
    def body(say):
        random.seed(1)
        api.process.fork_processes(3)
        say(random.random())

    status, numbers = forked(body)
    assert (status, len(set(numbers))) == (0, 3)


SERVER = """
import asyncio, os, signal
import PACKAGE.httpserver, PACKAGE.ioloop, PACKAGE.netutil, PACKAGE.process, PACKAGE.web

class Handler(PACKAGE.web.RequestHandler):
    def get(self, word):
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        self.write("child %d" % PACKAGE.process.task_id())

server = lambda: PACKAGE.httpserver.HTTPServer(PACKAGE.web.Application([("/(.*)", Handler)]))
"""

START = """
server = server()
server.bind(PORT, "127.0.0.1")
server.start(2)
PACKAGE.ioloop.IOLoop.current().start()
"""

ADD_SOCKETS = """
sockets = PACKAGE.netutil.bind_sockets(PORT, "127.0.0.1")
PACKAGE.process.fork_processes(2)

async def main():
    server().add_sockets(sockets)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@must(
    "process.server.children-serve",
    "The children of a server share its port, and others, or a successor, serve on when one is killed.",
    doc("tcpserver.TCPServer.start"),
    doc("tcpserver.TCPServer.add_sockets"),
)
@each(start=[labelled("bind-and-start", START), labelled("add-sockets", ADD_SOCKETS)])
def test_children_serve(target, start):
    with running(target, SERVER + start) as program:
        for _ in range(4):
            assert program.get("/")[1] in ("child 0", "child 1")
            with pytest.raises(ConnectionError):
                program.ask("/die")


# -- subprocesses -----------------------------------------------------------------------------------------------------


class ProcessLeftovers(Leftovers):
    """What a case must not leave behind; the handler of SIGCHLD, if there is one, belongs to its loop."""

    async def aclose(self):
        api.process.Subprocess.uninitialize()
        await super().aclose()


@pytest.fixture
def leftovers():
    """Fails the case when it leaves a descriptor, a task or a timer behind."""
    return ProcessLeftovers()


def python(code, **streams):
    """Start a Subprocess that runs Python code; ``streams`` are further arguments."""
    return api.process.Subprocess([sys.executable, "-S", "-c", code], **streams)


def stream():
    """Return what makes a standard stream one that does not block."""
    return api.process.Subprocess.STREAM


@must(
    "subprocess.streams.both-ways",
    "With STREAM, stdin and stdout are PipeIOStreams to the process; closing stdin is the end of its input.",
    doc("process.Subprocess"),
)
async def test_both_ways(leftovers):
    process = api.process.Subprocess(["cat"], stdin=stream(), stdout=stream())
    assert isinstance(process.stdin, api.iostream.PipeIOStream)
    assert isinstance(process.stdout, api.iostream.PipeIOStream)
    await process.stdin.write(b"one\ntwo\n")
    assert await in_time(process.stdout.read_until(b"\n"), lambda: "a line of cat") == b"one\n"
    process.stdin.close()
    assert await in_time(process.stdout.read_until_close(), lambda: "the rest of cat") == b"two\n"
    assert await in_time(process.wait_for_exit(), lambda: "the end of cat") == 0


@must(
    "subprocess.streams.much",
    "More than a pipe holds goes both ways at once.",
    doc("process.Subprocess"),
)
async def test_much(leftovers):
    process = api.process.Subprocess(["cat"], stdin=stream(), stdout=stream())
    data = bytes(range(256)) * 4096
    process.stdin.write(data).add_done_callback(lambda done: process.stdin.close())
    assert await in_time(process.stdout.read_until_close(), lambda: "the output of cat") == data
    await process.wait_for_exit()


@must(
    "subprocess.streams.stderr",
    "stderr may be a stream of its own, or go where stdout goes.",
    doc("process.Subprocess"),
)
@each(merged=[False, True])
async def test_stderr(leftovers, merged):
    arguments = {"stdout": stream(), "stderr": subprocess.STDOUT} if merged else {"stderr": stream()}
    process = api.process.Subprocess(["sh", "-c", "echo trouble >&2"], **arguments)
    source = process.stdout if merged else process.stderr
    assert await in_time(source.read_until_close(), lambda: "standard error") == b"trouble\n"
    await process.wait_for_exit()


@must(
    "subprocess.streams.others",
    "What is not STREAM is as with Popen: a file for PIPE, None for what is inherited.",
    doc("process.Subprocess"),
)
async def test_others(leftovers):
    process = api.process.Subprocess(["echo", "file"], stdout=subprocess.PIPE)
    assert (process.stdin, process.stderr) == (None, None)
    with process.stdout:
        assert process.stdout.read() == b"file\n"
    await in_time(process.wait_for_exit(), lambda: "the end of echo")


@must(
    "subprocess.streams.broken-pipe",
    "A write to a process that reads no more raises StreamClosedError.",
    doc("process.Subprocess"),
    doc("iostream.BaseIOStream.write"),
)
async def test_broken_pipe(leftovers):
    process = api.process.Subprocess(["true"], stdin=stream())
    await in_time(process.wait_for_exit(), lambda: "the end of the process")
    with pytest.raises(api.iostream.StreamClosedError):
        await in_time(process.stdin.write(b"hello"), lambda: "the failure of a write")
    assert process.stdin.closed()


@must(
    "subprocess.popen.arguments",
    "The other arguments are those of Popen; proc is the Popen object, and pid its number.",
    doc("process.Subprocess"),
)
async def test_arguments(leftovers):
    process = api.process.Subprocess("echo $WORD; pwd", shell=True, env={"WORD": "tea"}, cwd="/", stdout=stream())
    assert isinstance(process.proc, subprocess.Popen)
    assert process.pid == process.proc.pid
    assert await in_time(process.stdout.read_until_close(), lambda: "the output") == b"tea\n/\n"
    await process.wait_for_exit()


@must(
    "subprocess.popen.failure",
    "A program that cannot be started raises what Popen raises, and leaves no pipe behind.",
    doc("process.Subprocess"),
)
async def test_failure(leftovers):
    streams = {name: stream() for name in ("stdin", "stdout", "stderr")}
    with forgiving(), pytest.raises(FileNotFoundError):
        api.process.Subprocess(["/nowhere/to/be/found"], **streams)


ENDS = [labelled("status", ("exit 3", 3)), labelled("signal", ("kill -9 $$", -signal.SIGKILL))]


@must(
    "subprocess.wait.returns",
    "wait_for_exit() gives the exit code, 0 for success; returncode is None before and the code afterwards.",
    doc("process.Subprocess.wait_for_exit"),
)
async def test_wait(leftovers):
    process = api.process.Subprocess(["true"])
    assert process.returncode is None
    assert await in_time(process.wait_for_exit(), lambda: "the end of a process") == 0
    assert process.returncode == 0


@must(
    "subprocess.wait.raises",
    "For another code than 0, negative for a signal, wait_for_exit() raises CalledProcessError, which has it.",
    doc("process.Subprocess.wait_for_exit"),
    doc("process.CalledProcessError"),
)
@each(end=ENDS)
async def test_wait_raises(leftovers, end):
    script, code = end
    process = api.process.Subprocess(["sh", "-c", script])
    with pytest.raises(api.process.CalledProcessError) as caught:
        await in_time(process.wait_for_exit(), lambda: "the end of a process")
    assert (caught.value.returncode, process.returncode) == (code, code)
    assert api.process.CalledProcessError is subprocess.CalledProcessError


@must(
    "subprocess.wait.without-error",
    "With raise_error=False it gives such a code, too.",
    doc("process.Subprocess.wait_for_exit"),
)
@each(end=ENDS)
async def test_wait_without_error(leftovers, end):
    script, code = end
    process = api.process.Subprocess(["sh", "-c", script])
    assert await in_time(process.wait_for_exit(raise_error=False), lambda: "the end of a process") == code


@must(
    "subprocess.wait.twice",
    "Everybody who waits for the end of a process is told, also who comes later.",
    doc("process.Subprocess.wait_for_exit"),
)
async def test_wait_twice(leftovers):
    process = api.process.Subprocess(["cat"], stdin=stream())
    first, second = process.wait_for_exit(), process.wait_for_exit()
    process.stdin.close()
    assert await in_time(second, lambda: "the end of a process") == 0
    await asyncio.sleep(0)
    assert first.done()
    third = process.wait_for_exit()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert third.done()


@should(
    "subprocess.wait.cancelled",
    "Who stops waiting leaves the process alone, and nothing is logged when that ends badly.",
    doc("process.Subprocess.wait_for_exit"),
)
async def test_wait_cancelled(leftovers, logs):
    process = api.process.Subprocess(["sh", "-c", "read line; exit 3"], stdin=stream(), stdout=stream())
    waiting = process.wait_for_exit()
    waiting.cancel()
    # A turn of the loop for whatever follows from that, before the process can end.
    await asyncio.sleep(0)
    await process.stdin.write(b"line\n")
    process.stdin.close()
    await in_time(process.stdout.read_until_close(), lambda: "the end of the output")
    while process.returncode is None:
        # The first one to wait has gone; whether it is told is not the question here.
        await asyncio.sleep(0)
    assert process.returncode == 3
    assert [record.getMessage() for record in logs.trace] == []


@must(
    "subprocess.exit-callback.called",
    "The function given to set_exit_callback() is called on the loop, once, with the exit code.",
    doc("process.Subprocess.set_exit_callback"),
)
@each(end=ENDS)
async def test_exit_callback(leftovers, end):
    script, code = end
    calls, done = [], asyncio.Event()
    process = api.process.Subprocess(["sh", "-c", script])
    process.set_exit_callback(lambda *given: (calls.append((given, asyncio.get_running_loop())), done.set()))
    await in_time(done.wait(), lambda: "the exit callback")
    assert calls == [((code,), asyncio.get_running_loop())]


@must(
    "subprocess.initialize.other-loops",
    "After initialize(), processes can be waited for by loops of other threads as well.",
    doc("process.Subprocess.initialize"),
)
async def test_other_loops(leftovers):
    async def elsewhere():
        return await in_time(api.process.Subprocess(["sh", "-c", "exit 3"]).wait_for_exit(False), lambda: "the end")

    api.process.Subprocess.initialize()
    try:
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, lambda: asyncio.run(elsewhere())) == 3
    finally:
        api.process.Subprocess.uninitialize()


@must(
    "subprocess.initialize.taken-back",
    "uninitialize() leaves the handler of SIGCHLD as it was before initialize().",
    doc("process.Subprocess.uninitialize"),
)
async def test_taken_back(leftovers):
    before = signal.getsignal(signal.SIGCHLD)
    api.process.Subprocess.initialize()
    await in_time(api.process.Subprocess(["true"]).wait_for_exit(), lambda: "the end of a process")
    api.process.Subprocess.uninitialize()
    assert signal.getsignal(signal.SIGCHLD) == before
