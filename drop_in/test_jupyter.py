"""Jupyter: a kernel in a child process, and a client that talks to it over ZeroMQ."""

from __future__ import annotations

from jupyter_client.manager import start_new_kernel


def test_kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    said = []
    try:
        code = "import tornado.ioloop\nprint(tornado.ioloop.IOLoop.__module__)\n1 + 1"
        client.execute_interactive(code, timeout=60, output_hook=said.append)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    contents = [message["content"] for message in said]
    assert {"name": "stdout", "text": "waterspout.ioloop\n"} in contents
    assert "2" in [content["data"]["text/plain"] for content in contents if "data" in content]
