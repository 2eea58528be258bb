"""Bokeh's server: its page over HTTP, and a session over its WebSocket protocol."""

from __future__ import annotations

import pytest
from bokeh.client import pull_session
from bokeh.models import Slider
from bokeh.server.server import Server
from tornado.httpclient import AsyncHTTPClient


def application(document):
    document.add_root(Slider(name="slider", start=0, end=10, value=3))


@pytest.fixture
def server(io_loop):
    running = Server({"/app": application}, io_loop=io_loop, port=0, address="127.0.0.1")
    running.start()
    yield running
    running.unlisten()
    running.stop(wait=False)


@pytest.mark.gen_test(timeout=30)
async def test_page(server):
    answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{server.port}/app")
    assert b"bokeh" in answer.body
    assert answer.headers["Server"].startswith("Waterspout")


def change_slider(url):
    """Change the slider by one session's protocol, in a thread with a loop of its own."""
    session = pull_session(url=url)
    slider = session.document.get_model_by_name("slider")
    before, slider.value = slider.value, 7
    session.force_roundtrip()
    session.close()
    return before


@pytest.mark.gen_test(timeout=30)
async def test_session(server, io_loop):
    before = await io_loop.run_in_executor(None, change_slider, f"http://127.0.0.1:{server.port}/app")
    assert before == 3
    session = server.get_sessions("/app")[0]
    assert session.document.get_model_by_name("slider").value == 7
