"""How a request lives and ends: order of calls, errors, waiting, streaming, disconnects."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from _web_wire import Wire, application, get, get_later, handler_of, turns

from waterspout import gen
from waterspout.httputil import HTTPHeaders, HTTPServerRequest
from waterspout.web import (
    Application,
    ErrorHandler,
    FallbackHandler,
    Finish,
    HTTPError,
    MissingArgumentError,
    RequestHandler,
    stream_request_body,
)

PAGE_500 = b"<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>"


class Told(RequestHandler):
    """Remembers what is called."""

    told: list[str]

    def initialize(self, told: list[str]) -> None:
        self.told = told
        told.append("initialize")

    def prepare(self) -> Any:
        self.told.append("prepare")

    def get(self) -> Any:
        self.told.append("get")

    def on_finish(self) -> None:
        self.told.append("on_finish")

    def on_connection_close(self) -> None:
        self.told.append("on_connection_close")


def told_by(cls: type[Told], **options: Any) -> tuple[list[str], Any]:
    """Return what was called, and the answer."""
    told: list[str] = []
    answer = get_later(Application([("/", cls, {"told": told})]), **options)
    return told, answer


class TestOrder:
    """What is called when."""

    def test_the_calls_come_in_order(self) -> None:
        """initialize, prepare, the method, on_finish."""
        told, answer = told_by(Told)

        assert told == ["initialize", "prepare", "get", "on_finish"]
        assert answer.status == 200

    @pytest.mark.parametrize("ending", ["finish", "redirect", "send_error"])
    def test_a_prepare_that_finishes_is_the_end(self, ending: str) -> None:
        """The method is not called."""

        class Ended(Told):
            def prepare(self) -> None:
                getattr(self, ending)(*(["/x"] if ending == "redirect" else []))

        assert told_by(Ended)[0] == ["initialize", "on_finish"]

    def test_each_request_has_a_context_of_its_own(self) -> None:
        """Values do not leak to the next request, and are the same in all steps of one."""
        variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

        class Setting(RequestHandler):
            async def prepare(self) -> None:
                self.write(variable.get())
                variable.set("x")

            def get(self) -> None:
                variable.set(variable.get() + "y")

        async def main() -> bytes:
            wire = Wire(application(Setting)).request("GET /")
            await turns()
            wire.request("GET /")
            await turns()
            return wire.transport.written

        assert asyncio.run(main()).count(b"\r\n\r\nunset") == 2

    def test_a_synchronous_handler_makes_no_task_and_no_future(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The answer is there when the bytes have been taken, in one write."""

        async def main() -> list[bytes]:
            wire = Wire(application(handler_of(lambda self: self.write("x"))))
            wire.request("GET /")
            wire.transport.writes.clear()
            loop = asyncio.get_running_loop()
            for name in ("create_task", "create_future", "call_soon", "call_later", "call_at"):
                monkeypatch.setattr(loop, name, None)
            wire.request("GET /")
            monkeypatch.undo()
            return wire.transport.writes

        writes = asyncio.run(main())

        assert len(writes) == 1
        assert writes[0].endswith(b"\r\n\r\nx")

    def test_a_synchronous_request_is_cheap(self) -> None:
        """The calls of Python functions, an upper bound for the web layer alone."""

        async def main() -> list[str]:
            wire = Wire(application([("/", handler_of(lambda self: self.write("x")))]))
            wire.request("GET /")
            calls: list[str] = []

            def count(frame: Any, event: str, argument: Any) -> None:
                if event == "call" and "/waterspout/web/" in frame.f_code.co_filename:
                    calls.append(frame.f_code.co_name)

            data = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            sys.setprofile(count)
            wire.send(data)
            sys.setprofile(None)
            return calls

        calls = asyncio.run(main())

        assert 10 < len(calls) <= 40, calls


class TestWaiting:
    """Every style of coroutine."""

    @staticmethod
    async def native(self: RequestHandler) -> None:
        await asyncio.sleep(0)
        self.write("done")

    @staticmethod
    @gen.coroutine
    def generator(self: RequestHandler) -> Any:
        yield gen.moment
        self.write("done")

    @staticmethod
    def future(self: RequestHandler) -> Any:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, None)
        self.write("done")
        return future

    @staticmethod
    def done_future(self: RequestHandler) -> Any:
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        self.write("done")
        return future

    @pytest.mark.parametrize("style", ["native", "generator", "future", "done_future"])
    @pytest.mark.parametrize("step", ["prepare", "get"])
    def test_the_response_is_finished_when_the_coroutine_is_done(self, style: str, step: str) -> None:
        """In prepare as in the method."""
        members = {"get": lambda self: self.write("+"), step: getattr(self, style)}
        answer = get_later(application(type("Made", (RequestHandler,), members)))

        assert answer.body == (b"done+" if step == "prepare" else b"done")

    def test_an_error_in_a_coroutine_is_answered(self) -> None:
        """With the error page, in every style."""

        async def native(self: RequestHandler) -> None:
            await asyncio.sleep(0)
            raise HTTPError(403)

        @gen.coroutine
        def generator(self: RequestHandler) -> Any:
            yield gen.moment
            raise HTTPError(403)

        def done_future(self: RequestHandler) -> Any:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(HTTPError(403))
            return future

        statuses = [get_later(application(handler_of(method))).status for method in (native, generator, done_future)]

        assert statuses == [403, 403, 403]

    @pytest.mark.parametrize("value", ["text", 5, [1]])
    def test_a_method_returns_nothing_else(self, value: Any, caplog: pytest.LogCaptureFixture) -> None:
        """The log says what to do instead."""
        answer = get(application(handler_of(lambda self: value)))

        assert answer.status == 500
        assert "return None or an awaitable" in caplog.text

    def test_pieces_leave_as_they_are_flushed(self) -> None:
        """As chunks, and the flush can be awaited."""

        async def method(self: RequestHandler) -> None:
            for piece in "abc":
                self.write(piece)
                await self.flush()

        answer = get_later(application(handler_of(method)))

        assert (answer.body, answer["Transfer-Encoding"], answer["Content-Length"]) == (b"abc", "chunked", "")

    def test_requests_in_a_row_are_answered_in_their_order(self) -> None:
        """The second waits for the first."""

        async def method(self: RequestHandler) -> None:
            if self.request.path == "/1":
                await asyncio.sleep(0)
            self.write(self.request.path)

        async def main() -> bytes:
            wire = Wire(application(handler_of(method)))
            wire.send(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
            await turns()
            return wire.transport.written

        written = asyncio.run(main())

        assert 0 < written.find(b"\r\n\r\n/1") < written.find(b"\r\n\r\n/2")


class TestMethods:
    """HEAD, OPTIONS, 405."""

    @pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "PROPFIND"])
    def test_a_method_that_is_not_there_gets_405_and_the_list(self, method: str) -> None:
        """RFC 9110, section 15.5.6."""

        class Two(RequestHandler):
            def get(self) -> None:
                pass

            def delete(self) -> None:
                pass

        answer = get(application(Two), method=method)

        assert (answer.status, answer["Allow"]) == (405, "GET, DELETE")

    def test_further_methods_can_be_supported(self) -> None:
        """They are listed too."""

        class Dav(RequestHandler):
            SUPPORTED_METHODS = (*RequestHandler.SUPPORTED_METHODS, "PROPFIND")

            def propfind(self) -> None:
                self.write("found")

        assert get(application(Dav), method="PROPFIND").body == b"found"
        assert get(application(Dav))["Allow"] == "PROPFIND"

    def test_head_has_the_fields_of_the_content_but_not_the_content(self) -> None:
        """What the handler writes is counted and dropped."""
        answer = get(application(handler_of(lambda self: self.write("abc"), "head")), method="HEAD")

        assert (answer["Content-Length"], answer.body) == ("3", b"")

    def test_options_for_the_server_is_answered(self) -> None:
        """RFC 9110, section 9.3.7."""
        answer = get(Application([]), "*", method="OPTIONS")

        assert (answer.status, "GET" in answer["Allow"]) == (204, True)


class TestErrors:
    """How exceptions become answers."""

    @pytest.mark.parametrize("step", ["prepare", "get", "on_finish", "initialize"])
    def test_an_exception_in_each_step_is_answered_and_logged(
        self, step: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With 500, unless the answer is out already; on_finish is called once if there is a handler."""

        class Failing(Told):
            pass

        def fail(self: Any, *args: Any, **kwargs: Any) -> None:
            if step == "on_finish":
                self.told.append("on_finish")
            raise ValueError(step)

        setattr(Failing, step, fail)
        told, answer = told_by(Failing)

        assert answer.status == (200 if step == "on_finish" else 500)
        assert f"ValueError: {step}" in caplog.text
        assert told.count("on_finish") == (0 if step == "initialize" else 1)

    def test_an_http_error_chooses_the_status_and_the_page(self, caplog: pytest.LogCaptureFixture) -> None:
        """Its message is for the log, not for the client."""

        def method(self: RequestHandler) -> None:
            raise HTTPError(418, "secret %s", "thing", reason="I <b>")

        answer = get(application(handler_of(method)))

        assert (answer.status, answer.reason) == (418, "I <b>")
        assert answer.body == b"<html><title>418: I &lt;b&gt;</title><body>418: I &lt;b&gt;</body></html>"
        assert "418 GET / (1.2.3.4): secret thing" in caplog.text

    def test_an_error_forgets_what_was_set_before(self) -> None:
        """Content, status and fields."""

        def method(self: RequestHandler) -> None:
            self.set_status(201)
            self.set_header("X-A", "1")
            self.write("lost")
            raise ValueError

        answer = get(application(handler_of(method)))

        assert (answer.status, answer["X-A"], answer.body) == (500, "", PAGE_500)

    def test_write_error_makes_the_page(self) -> None:
        """It is given the exception."""

        def write_error(self: RequestHandler, status_code: int, **kwargs: Any) -> None:
            self.write(f"{status_code} {kwargs['exc_info'][1]!r}")

        def method(self: RequestHandler) -> None:
            raise KeyError("k")

        assert get(application(handler_of(method, write_error=write_error))).body == b"500 KeyError('k')"

    @pytest.mark.parametrize("kind", ["raises", "coroutine"])
    def test_a_write_error_that_fails_leaves_an_empty_page(self, kind: str, caplog: pytest.LogCaptureFixture) -> None:
        """And both failures in the log."""

        def raises(self: RequestHandler, status_code: int, **kwargs: Any) -> None:
            self.write("half a page")
            raise RuntimeError("in write_error")

        async def coroutine(self: RequestHandler, status_code: int, **kwargs: Any) -> None:
            self.write("never")

        def method(self: RequestHandler) -> None:
            raise KeyError("k")

        write_error: Callable[..., Any] = raises if kind == "raises" else coroutine
        answer = get(application(handler_of(method, write_error=write_error)))

        assert (answer.status, answer.body) == (500, b"")
        assert "KeyError: 'k'" in caplog.text
        assert "write_error itself failed" in caplog.text

    @pytest.mark.parametrize("setting", ["debug", "serve_traceback"])
    def test_the_traceback_is_served_only_if_allowed(self, setting: str) -> None:
        """As plain text."""

        def method(self: RequestHandler) -> None:
            raise ValueError("<boo>")

        answer = get(application(handler_of(method), **{setting: True}))

        assert answer["Content-Type"] == "text/plain; charset=UTF-8"
        assert answer.body.endswith(b"ValueError: <boo>\n")
        assert get(application(handler_of(method))).body == PAGE_500

    @pytest.mark.parametrize(("value", "body"), [((), b"abc"), (("d",), b"abcd")])
    def test_finish_ends_with_what_was_written(self, value: tuple[str, ...], body: bytes) -> None:
        """No page, no log."""

        def method(self: RequestHandler) -> None:
            self.set_status(403)
            self.write("abc")
            raise Finish(*value)

        answer = get(application(handler_of(method)))

        assert (answer.status, answer.body) == (403, body)

    @pytest.mark.parametrize("call", ["finish", "write", "flush"])
    def test_nothing_can_follow_the_end(self, call: str, caplog: pytest.LogCaptureFixture) -> None:
        """The answer is not touched."""

        def method(self: RequestHandler) -> None:
            self.finish("x")
            getattr(self, call)(*(["y"] if call == "write" else []))

        answer = get(application(handler_of(method)))

        assert answer.body == b"x"
        assert "RuntimeError" in caplog.text

    @pytest.mark.parametrize("raiser", ["exception", "redirect", "send_error"])
    def test_an_error_after_flush_just_ends_the_response(self, raiser: str, caplog: pytest.LogCaptureFixture) -> None:
        """There is no place for a page any more."""

        def method(self: RequestHandler) -> None:
            self.write("a")
            self.flush()
            self.write("b")
            if raiser == "exception":
                raise ValueError
            self.redirect("/") if raiser == "redirect" else self.send_error(404)

        answer = get(application(handler_of(method)))

        assert (answer.status, answer.body) == (200, b"a")
        assert "its head is out" in caplog.text

    def test_a_body_longer_than_declared_ends_the_connection(self, caplog: pytest.LogCaptureFixture) -> None:
        """Nothing that looks like a complete answer goes out, and the request is over."""

        class Long(Told):
            def get(self) -> None:
                self.set_header("Content-Length", 1)
                self.write("abc")
                self.flush()

        async def main() -> tuple[list[str], bool]:
            told: list[str] = []
            wire = Wire(Application([("/", Long, {"told": told})])).request("GET /")
            await turns()
            return told, wire.transport.closed

        told, closed = asyncio.run(main())

        assert (told[-1], told.count("on_finish"), closed) == ("on_finish", 1, True)
        assert "Content-Length" in caplog.text

    def test_a_cancelled_handler_is_answered(self) -> None:
        """The client does not wait for ever."""

        async def main() -> Any:
            async def method(self: RequestHandler) -> None:
                asyncio.current_task().cancel()  # type: ignore[union-attr]
                await asyncio.sleep(0)

            wire = Wire(application(handler_of(method))).request("GET /")
            await turns()
            return wire.answer()

        assert asyncio.run(main()).status == 500

    def test_a_log_exception_that_fails_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        """And the client still gets its answer."""

        def log_exception(self: RequestHandler, *args: Any) -> None:
            raise KeyError("in log_exception")

        def method(self: RequestHandler) -> None:
            raise ValueError

        assert get(application(handler_of(method, log_exception=log_exception))).status == 500
        assert "in log_exception" in caplog.text

    def test_what_the_exceptions_say(self) -> None:
        """Messages are formatted, and never fail."""
        assert str(HTTPError(404, "a %s", "b")) == "HTTP 404: Not Found (a b)"
        assert str(HTTPError(404, "100%")) == "HTTP 404: Not Found (100%)"
        assert str(HTTPError(777, reason="Z")) == "HTTP 777: Z"
        assert "a %d" in str(HTTPError(404, "a %d", "b"))
        assert HTTPError(404, "100%").log_message == "100%%"
        assert HTTPError(404, "%s", 1).args == (1,)
        error = MissingArgumentError("x")
        assert (error.status_code, error.arg_name) == (400, "x")


class TestLogging:
    """The access log."""

    @pytest.mark.parametrize(("status", "level"), [(200, "INFO"), (304, "INFO"), (404, "WARNING"), (500, "ERROR")])
    def test_each_request_has_a_line(self, status: int, level: str, caplog: pytest.LogCaptureFixture) -> None:
        """Its level tells how bad it was."""
        caplog.set_level(logging.INFO)
        get(application(handler_of(lambda self: self.set_status(status))), "/x?y")

        (record,) = [record for record in caplog.records if record.name == "tornado.access"]

        assert record.levelname == level
        assert record.getMessage().startswith(f"{status} GET /x?y (1.2.3.4) ")
        assert record.getMessage().endswith("ms")

    def test_a_function_can_take_its_place(self, caplog: pytest.LogCaptureFixture) -> None:
        """The setting log_function."""
        caplog.set_level(logging.INFO)
        seen: list[int] = []
        get(Application([], log_function=lambda handler: seen.append(handler.get_status())))

        assert seen == [404]
        assert "tornado.access" not in [record.name for record in caplog.records]


class TestStreaming:
    """stream_request_body."""

    def test_the_body_comes_in_pieces_after_prepare(self) -> None:
        """Which may wait; the method comes last."""
        told: list[Any] = []

        @stream_request_body
        class Upload(RequestHandler):
            async def prepare(self) -> None:
                await asyncio.sleep(0)
                told.append("prepared")

            async def data_received(self, chunk: bytes) -> None:
                await asyncio.sleep(0)
                told.append(chunk)

            def put(self) -> None:
                self.write(f"{told!r} {self.request.body!r}")

        async def main() -> Any:
            wire = Wire(application(Upload)).request("PUT /", "Content-Length: 4")
            wire.send(b"ab")
            await turns()
            wire.send(b"cd")
            await turns()
            return wire.answer()

        assert asyncio.run(main()).body == b"['prepared', b'ab', b'cd'] b''"

    @pytest.mark.parametrize("step", ["prepare", "data_received", "async prepare", "async data_received"])
    def test_an_error_while_streaming_is_answered(self, step: str) -> None:
        """And the rest of the body reaches nobody."""

        def fail(self: RequestHandler, *args: Any) -> None:
            raise HTTPError(413)

        async def fail_later(self: RequestHandler, *args: Any) -> None:
            await asyncio.sleep(0)
            raise HTTPError(413)

        members: dict[str, Any] = {
            "data_received": lambda self, chunk: None,
            "put": lambda self: self.write("reached"),
        }
        members[step.removeprefix("async ")] = fail_later if step.startswith("async") else fail
        cls = stream_request_body(type("Upload", (RequestHandler,), members))

        assert get_later(application(cls), method="PUT", body=b"abcd").status == 413

    def test_a_client_that_leaves_ends_the_request(self) -> None:
        """on_finish is called once, the method never."""

        @stream_request_body
        class Upload(Told):
            def data_received(self, chunk: bytes) -> None:
                self.told.append(chunk.decode())

            def put(self) -> None:
                self.told.append("put")

        async def main() -> list[str]:
            told: list[str] = []
            wire = Wire(Application([("/", Upload, {"told": told})])).request("PUT /", "Content-Length: 4")
            wire.send(b"ab")
            wire.driver.connection_lost(None)
            await turns()
            return told

        assert asyncio.run(main()) == ["initialize", "prepare", "ab", "on_connection_close", "on_finish"]

    def test_only_handlers_can_be_decorated(self) -> None:
        """Anything else is a mistake."""
        with pytest.raises(TypeError):
            stream_request_body(int)  # type: ignore[arg-type]


class TestDisconnect:
    """A client that leaves while a handler works."""

    @pytest.mark.parametrize("ending", ["return", "flush", "raise", "finish"])
    def test_the_handler_goes_on_and_ends_once(self, ending: str, caplog: pytest.LogCaptureFixture) -> None:
        """However it ends; nothing is written, on_finish is called once."""

        class Slow(Told):
            async def get(self) -> None:
                await event.wait()
                self.told.append("resumed")
                self.write("x")
                if ending == "flush":
                    await self.flush()
                elif ending == "finish":
                    self.finish()
                elif ending == "raise":
                    raise ValueError

        async def main() -> tuple[list[str], bytes]:
            nonlocal event
            event = asyncio.Event()
            told: list[str] = []
            wire = Wire(Application([("/", Slow, {"told": told})])).request("GET /")
            await turns()
            wire.driver.connection_lost(None)
            event.set()
            await turns()
            return told, wire.transport.written

        event: asyncio.Event
        told, written = asyncio.run(main())

        assert told[2:] == ["on_connection_close", "resumed", "on_finish"]
        assert written == b""
        assert ("Traceback" in caplog.text) is (ending == "raise")

    def test_leaving_during_the_answer_is_nobodys_mistake(self, caplog: pytest.LogCaptureFixture) -> None:
        """A flush that fails ends the handler; there is no error in the log."""

        class Endless(Told):
            async def get(self) -> None:
                while True:
                    self.write("x")
                    await self.flush()
                    await asyncio.sleep(0)

        async def main() -> list[str]:
            told: list[str] = []
            wire = Wire(Application([("/", Endless, {"told": told})])).request("GET /")
            await turns()
            wire.driver.connection_lost(None)
            await turns()
            return told

        assert asyncio.run(main())[2:] == ["on_connection_close", "on_finish"]
        assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == []


class TestRouting:
    """From the request to the handler."""

    def test_the_first_rule_that_matches_wins(self) -> None:
        """Also where a plain path stands behind a pattern that matches it."""
        one, two, three = (handler_of(lambda self, text=text: self.write(text)) for text in "123")
        app = Application([("/a", one), ("/b.*", two), ("/bc", three), ("/c", three), ("/a", three)])

        assert [get(app, path).body for path in ("/a", "/bc", "/c")] == [b"1", b"2", b"3"]

    def test_hosts_come_first_then_the_rest_then_the_default_host(self) -> None:
        """In this order."""
        rest, own = (handler_of(lambda self, text=text: self.write(text)) for text in ("rest", "own"))
        app = Application([("/a", rest)], default_host="d.com")
        app.add_handlers("d.com", [("/a", own), ("/b", own)])

        def ask(host: str, path: str) -> Any:
            async def main() -> Any:
                wire = Wire(app)
                wire.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                return wire.answer()

            return asyncio.run(main())

        assert [ask("D.com:80", path).body for path in ("/a", "/b")] == [b"own", b"own"]
        assert [ask("else", path).body for path in ("/a", "/b")] == [b"rest", b"own"]

    def test_rules_nest_and_may_name_their_class(self) -> None:
        """Lists as targets, import paths as text."""
        app = Application([("/in/.*", [("/in/(.*)", handler_of(lambda self, rest: self.write(rest)))])])

        assert get(app, "/in/x").body == b"x"
        assert get(app, "/in").status == 404

    def test_unknown_paths_get_404_or_the_default_handler(self) -> None:
        """With its arguments."""

        class Default(RequestHandler):
            def initialize(self, text: str) -> None:
                self.text = text

            def prepare(self) -> None:
                self.set_status(404)
                self.finish(self.text)

        app = Application([], default_handler_class=Default, default_handler_args={"text": "nothing"})

        assert get(Application([]), "/x", method="POST", body=b"x").status == 404
        assert (get(app).status, get(app).body) == (404, b"nothing")

    def test_error_and_fallback_handlers(self) -> None:
        """The one answers with its status, the other lets someone else answer."""
        inner = application(handler_of(lambda self: self.write("inner")))
        app = Application([("/e", ErrorHandler, {"status_code": 410}), ("/f", FallbackHandler, {"fallback": inner})])

        assert get(app, "/e", method="POST", body=b"x").status == 410
        assert get(app, "/f").body == b"inner"

    def test_names_become_paths(self) -> None:
        """Across hosts; an unknown name is an error."""
        app = Application([("/s/([0-9]+)", RequestHandler, {}, "story")])
        app.add_handlers("h", [("/h/(.*)", RequestHandler, {}, "hosted")])

        assert app.reverse_url("story", 1) == "/s/1"
        assert app.reverse_url("hosted", "a b") == "/h/a%20b"
        with pytest.raises(KeyError):
            app.reverse_url("nothing")

    def test_an_application_can_be_called_with_a_request(self) -> None:
        """As the callback of a server, for instance; what there is to wait for comes back."""

        async def method(self: RequestHandler) -> None:
            await asyncio.sleep(0)

        class Connection:
            """Keeps what is written."""

            def write_headers(self, start_line: Any, headers: Any, chunk: Any = None) -> Any:
                self.status = start_line.code
                return None

            def finish(self) -> None:
                pass

        async def main() -> int:
            connection = Connection()
            request = HTTPServerRequest("GET", "/", headers=HTTPHeaders({"Host": "h"}), connection=connection)
            waiting = application(handler_of(method))(request)
            assert waiting is not None
            await waiting
            return connection.status

        assert asyncio.run(main()) == 200

    def test_debug_sets_what_it_stands_for(self) -> None:
        """Unless set otherwise."""
        settings = Application([], debug=True, autoreload=False).settings

        assert settings == {
            "debug": True,
            "autoreload": False,
            "compiled_template_cache": False,
            "static_hash_cache": False,
            "serve_traceback": True,
        }

    def test_the_user_is_asked_for_once(self) -> None:
        """And may be set."""
        asked: list[int] = []

        class User(RequestHandler):
            def get_current_user(self) -> Any:
                asked.append(1)
                return "me"

            def get(self) -> None:
                self.write(f"{self.current_user}{self.current_user}")
                self.current_user = "you"
                self.write(self.current_user)

        assert (get(application(User)).body, asked) == (b"memeyou", [1])
