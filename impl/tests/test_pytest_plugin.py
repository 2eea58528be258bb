"""``waterspout.pytest_plugin``, in projects of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: A test of each kind, and what is to come of it.
PROJECT = """
import asyncio
import ssl

import pytest

from waterspout import testing, web
from waterspout.ioloop import IOLoop

left = []


class Index(web.RequestHandler):
    def get(self):
        self.write(f"{self.request.protocol} {self.application.settings['port']}")


@pytest.fixture
def app(http_port):
    return web.Application([("/", Index)], port=http_port)


async def test_passes_over_http(http_client, base_url, http_port):
    response = await http_client.fetch(base_url + "/")
    assert response.body.decode() == f"http {http_port}"


class TestTLS:
    @pytest.fixture
    def http_server_options(self):
        return {"ssl_options": testing.AsyncHTTPSTestCase("run").get_ssl_options()}

    async def test_passes_over_tls(self, http_client, base_url):
        assert (await http_client.fetch(base_url)).body.startswith(b"https ")


def test_passes_without_coroutine(io_loop, http_server, http_client, base_url):
    assert IOLoop.current() is io_loop
    assert io_loop.run_sync(lambda: http_client.fetch(base_url)).code == 200


@pytest.mark.parametrize("number", [1, 2])
async def test_passes_with_parameters(io_loop, number):
    assert IOLoop.current() is io_loop
    left.append(asyncio.create_task(asyncio.sleep(60)))


def test_passes_because_tasks_were_cancelled():
    assert [task.cancelled() for task in left] == [True, True]


@pytest.mark.gen_test(timeout=0.01)
async def test_fails_when_it_takes_too_long(io_loop):
    await asyncio.sleep(60)


async def test_fails_by_its_assertion(io_loop):
    assert 1 == 2


class TestWithoutApplication:
    @pytest.fixture
    def app(self, request):
        return request.getfixturevalue("nothing")

    async def test_has_no_application(self, base_url):
        pass
"""


def outcomes(folder: Path, source: str) -> dict[str, str]:
    """Run the tests of a project, and return the outcome of each."""
    (folder / "test_project.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    command = [sys.executable, "-m", "pytest", "-p", "waterspout.pytest_plugin", "-p", "no:cacheprovider", "-v"]
    done = subprocess.run([*command, "--tb=short"], cwd=folder, env=environment, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines() if "::" in line and "%]" in line]
    assert lines, done.stdout + done.stderr
    found = {words[0].rpartition("::")[2]: words[1] for words in lines}
    return found | {"output": done.stdout}


def test_coroutines_run_on_the_loop_of_their_fixtures(tmp_path: Path) -> None:
    """With a server and a client where they ask for one; nothing is left behind."""
    found = outcomes(tmp_path, PROJECT)
    output = found.pop("output")

    expected = {name: "PASSED" if name.startswith("test_passes") else "FAILED" for name in found}
    assert found == expected | {"test_has_no_application": "ERROR"}, output
    assert len(found) == 9
    assert "TimeoutError" in output


def test_without_an_application_the_error_says_what_to_do(tmp_path: Path) -> None:
    """Namely to define the fixture."""
    found = outcomes(tmp_path, "async def test_nothing(base_url):\n    pass\n")

    assert found["test_nothing"] == "ERROR"
    assert "define a fixture `app`" in found["output"]


def test_other_coroutines_are_left_to_other_plugins(tmp_path: Path) -> None:
    """Those without a loop of ours, and those that are marked."""
    source = """
import pytest

@pytest.fixture
def asked():
    return []

@pytest.mark.anyio
async def test_marked(io_loop):
    pass

async def test_without_loop():
    pass
"""
    (tmp_path / "conftest.py").write_text(
        "def pytest_configure(config):\n    config.addinivalue_line('markers', 'anyio')\n"
    )
    found = outcomes(tmp_path, source)
    output = found.pop("output")

    assert set(found.values()) <= {"FAILED", "SKIPPED"}, output
    assert "async" in output
