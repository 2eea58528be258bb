"""The HTTP routes of the fixture application on aiohttp."""

from __future__ import annotations

from aiohttp import web

from conformance.apps import COMPRESSIBLE, Instructions, echo_document, resource_directory

routes = web.RouteTableDef()


@routes.route("*", "/echo")
async def echo(request: web.Request) -> web.Response:
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
    parsed = (request.method, request.raw_path, version, headers, await request.read())
    _ = request.cookies
    return web.json_response(text=echo_document(*parsed, scheme=request.scheme, host=request.host))


@routes.route("*", "/answer")
async def answer(request: web.Request) -> web.StreamResponse:
    told = Instructions(request.query_string)
    whole = web.Response(status=told.status, text=told.body or None)
    response = web.StreamResponse(status=told.status) if told.chunks else whole
    response.headers.extend(told.headers)
    if len(told.body) >= COMPRESSIBLE:
        response.enable_compression()
    for chunk in told.chunks:
        await response.prepare(request)
        await response.write(chunk.encode())
    return response


@routes.get("/get-only", allow_head=False)
async def get_only(request: web.Request) -> web.Response:
    return web.Response(text="got")


@routes.get("/resource.txt")
async def resource(request: web.Request) -> web.FileResponse:
    return web.FileResponse(f"{resource_directory().name}/resource.txt")


@routes.route("*", "/error")
async def error(request: web.Request) -> web.Response:
    raise RuntimeError("the fixture application was asked to fail")
