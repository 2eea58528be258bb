"""tornado-swagger: pages about the handlers of an application, made from their docstrings."""

from __future__ import annotations

import json
import re

import pytest
from tornado.web import Application, RequestHandler, url
from tornado_swagger.setup import setup_swagger


class Posts(RequestHandler):
    def get(self):
        """
        ---
        tags:
        - Posts
        summary: Posts are listed
        """
        self.finish({})


@pytest.fixture
def app():
    routes = [url(r"/api/posts", Posts)]
    setup_swagger(routes, title="Journal")
    return Application(routes)


@pytest.mark.gen_test(timeout=30)
async def test_documentation(http_client, http_server, base_url):
    page = (await http_client.fetch(f"{base_url}/api/doc")).body.decode()
    schema = json.loads((await http_client.fetch(f"{base_url}/api/doc/swagger.json")).body)
    assert "Journal" in page or re.search("swagger", page, re.I)
    assert schema["paths"]["/api/posts"]["get"]["summary"] == "Posts are listed"
