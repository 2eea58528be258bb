"""The opening handshake of the WebSocket core, both sides."""

from __future__ import annotations

import base64

import pytest

from waterspout.protocol.websocket import (
    ClientHello,
    Extension,
    HandshakeError,
    PayloadError,
    ServerHello,
    accept_headers,
    accept_key,
    check_request,
    check_response,
    make_key,
    request_headers,
)
from waterspout.protocol.websocket.extensions import parse_extensions

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
REQUEST = {
    "Host": ["example.test"],
    "Upgrade": ["websocket"],
    "Connection": ["Upgrade"],
    "Sec-WebSocket-Key": [KEY],
    "Sec-WebSocket-Version": ["13"],
}
RESPONSE = {"Upgrade": ["websocket"], "Connection": ["Upgrade"], "Sec-WebSocket-Accept": [ACCEPT]}


def fields(base: dict[str, list[str]], changes: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, values in {**base, **changes}.items() for value in values]


def test_the_accept_value_is_that_of_the_rfc() -> None:
    """Section 1.3's example."""
    assert accept_key(KEY) == ACCEPT


def test_keys_are_fresh_and_of_16_octets() -> None:
    """Section 4.1, item 7."""
    keys = [make_key() for _ in range(4)]
    assert len(set(keys)) == 4
    assert {len(base64.b64decode(key)) for key in keys} == {16}


def test_the_two_sides_agree() -> None:
    """What one side builds, the other accepts."""
    key = make_key()
    request = request_headers("example.test:8080", key, subprotocols=["chat", "super.chat"], origin="http://a.test")
    hello = check_request("GET", "HTTP/1.1", request)
    assert hello == ClientHello(key, ["chat", "super.chat"], [], "http://a.test")
    answer = accept_headers(hello, "super.chat")
    assert check_response(101, answer, key, subprotocols=["chat", "super.chat"]) == ServerHello("super.chat")
    assert check_response(101, accept_headers(hello), key, subprotocols=["chat"]) == ServerHello(None)


def test_an_offer_of_extensions_reaches_the_server() -> None:
    """The client passes an offer through; the server reads it."""
    offer = Extension("permessage-deflate", [("client_max_window_bits", None), ("server_max_window_bits", "10")])
    hello = check_request("GET", "HTTP/1.1", request_headers("h", KEY, extension=offer))
    assert hello.extensions == [offer]
    answer = accept_headers(hello, extension=Extension("permessage-deflate", [("server_max_window_bits", "10")]))
    found = check_response(101, answer, KEY, extensions=["permessage-deflate"])
    assert found.extensions == [Extension("permessage-deflate", [("server_max_window_bits", "10")])]


def test_an_extension_agreed_to_twice_fails_the_handshake() -> None:
    """Two answers to one question leave open which holds."""
    changes = {"Sec-WebSocket-Extensions": ["x-a", "x-a; p=1"]}
    with pytest.raises(HandshakeError, match="twice"):
        check_response(101, fields(RESPONSE, changes), KEY, extensions=["x-a"])


ACCEPTABLE = {
    "any case": {"Upgrade": ["WebSocket"], "Connection": ["UPGRADE"]},
    "lists": {"Upgrade": ["h2c , websocket"], "Connection": ["keep-alive, Upgrade"]},
    "several fields": {"Connection": ["keep-alive", "upgrade"]},
    "empty elements": {"Connection": [", ,Upgrade,"]},
}


@pytest.mark.parametrize("changes", ACCEPTABLE.values(), ids=ACCEPTABLE)
def test_a_request_may_write_its_lists_in_any_way(changes: dict[str, list[str]]) -> None:
    """Section 4.2.1: tokens are compared without case, wherever in a list."""
    assert check_request("GET", "HTTP/1.1", fields(REQUEST, changes)) == ClientHello(KEY)


def test_field_names_are_compared_without_case() -> None:
    """As everywhere in HTTP."""
    lowered = [(name.lower(), value) for name, value in fields(REQUEST, {})]
    assert check_request("GET", "HTTP/2.0", lowered).key == KEY


BAD_REQUESTS: dict[str, tuple[dict[str, list[str]], int, str]] = {
    "no host": ({"Host": []}, 400, "Host field is missing"),
    "two hosts": ({"Host": ["a", "b"]}, 400, "Host field is repeated"),
    "no upgrade": ({"Upgrade": []}, 400, "Upgrade field"),
    "other upgrade": ({"Upgrade": ["h2c"]}, 400, "Upgrade field"),
    "upgrade as a part of a token": ({"Upgrade": ["websockets"]}, 400, "Upgrade field"),
    "no connection": ({"Connection": []}, 400, "Connection field"),
    "other connection": ({"Connection": ["keep-alive"]}, 400, "Connection field"),
    "connection as a part of a token": ({"Connection": ["xupgrade"]}, 400, "Connection field"),
    "no key": ({"Sec-WebSocket-Key": []}, 400, "Key field is missing"),
    "two keys": ({"Sec-WebSocket-Key": [KEY, KEY]}, 400, "Key field is repeated"),
    "short key": ({"Sec-WebSocket-Key": [base64.b64encode(bytes(15)).decode()]}, 400, "16 octets"),
    "long key": ({"Sec-WebSocket-Key": [base64.b64encode(bytes(17)).decode()]}, 400, "16 octets"),
    "key outside base64": ({"Sec-WebSocket-Key": ["!" * 22 + "=="]}, 400, "16 octets"),
    "key with more after it": ({"Sec-WebSocket-Key": [KEY + "\n"]}, 400, "16 octets"),
    "empty key": ({"Sec-WebSocket-Key": [""]}, 400, "16 octets"),
    "no version": ({"Sec-WebSocket-Version": []}, 426, "version 13"),
    "other version": ({"Sec-WebSocket-Version": ["25"]}, 426, "version 13"),
    "version with a zero": ({"Sec-WebSocket-Version": ["013"]}, 426, "version 13"),
    "two versions": ({"Sec-WebSocket-Version": ["13", "8"]}, 400, "Version field is repeated"),
    "two origins": ({"Origin": ["http://a", "http://b"]}, 400, "Origin field is repeated"),
    "subprotocol that is no token": ({"Sec-WebSocket-Protocol": ["a b"]}, 400, "not a token"),
    "subprotocol twice": ({"Sec-WebSocket-Protocol": ["a, b", "a"]}, 400, "twice"),
    "no subprotocol": ({"Sec-WebSocket-Protocol": [" ,"]}, 400, "Protocol field is empty"),
    "malformed extensions": ({"Sec-WebSocket-Extensions": ["a; =b"]}, 400, "malformed"),
}


@pytest.mark.parametrize(("changes", "status", "message"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_bad_request_is_refused(changes: dict[str, list[str]], status: int, message: str) -> None:
    """Section 4.2.1, with the status to answer."""
    with pytest.raises(HandshakeError, match=message) as caught:
        check_request("GET", "HTTP/1.1", fields(REQUEST, changes))
    assert caught.value.status == status
    assert (("Sec-WebSocket-Version", "13") in caught.value.headers) is (status == 426)


@pytest.mark.parametrize("method", ["POST", "get", "HEAD"])
def test_another_method_is_not_allowed(method: str) -> None:
    """Section 4.1, item 2; 405 names what is allowed."""
    with pytest.raises(HandshakeError) as caught:
        check_request(method, "HTTP/1.1", fields(REQUEST, {}))
    assert (caught.value.status, caught.value.headers) == (405, [("Allow", "GET")])


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/0.9", "HTTP/1.1x", ""])
def test_an_older_http_is_refused(version: str) -> None:
    """Section 4.1, item 2."""
    with pytest.raises(HandshakeError, match=r"HTTP/1\.1") as caught:
        check_request("GET", version, fields(REQUEST, {}))
    assert caught.value.status == 400


def test_only_an_offered_subprotocol_can_be_selected() -> None:
    """Section 4.2.2, item 5.5."""
    with pytest.raises(PayloadError, match="offered subprotocols, not 'b'"):
        accept_headers(ClientHello(KEY, ["a"]), "b")


@pytest.mark.parametrize("subprotocols", [["a b"], [""], ["a", "a"], "chat"])
def test_a_client_offers_distinct_tokens_only(subprotocols: list[str]) -> None:
    """Section 4.1, item 10; a single text is taken for the mistake that it is."""
    with pytest.raises(PayloadError):
        request_headers("h", KEY, subprotocols=subprotocols)


BAD_RESPONSES: dict[str, tuple[dict[str, list[str]], str]] = {
    "no upgrade": ({"Upgrade": []}, "Upgrade field is missing"),
    "upgrade list": ({"Upgrade": ["websocket, h2c"]}, "Upgrade field is not"),
    "no connection": ({"Connection": ["close"]}, "Connection field"),
    "no accept": ({"Sec-WebSocket-Accept": []}, "Accept field is missing"),
    "other accept": ({"Sec-WebSocket-Accept": [ACCEPT.lower()]}, "does not match"),
    "two accepts": ({"Sec-WebSocket-Accept": [ACCEPT, ACCEPT]}, "Accept field is repeated"),
    "other subprotocol": ({"Sec-WebSocket-Protocol": ["b"]}, "subprotocol that was not offered"),
    "two subprotocols": ({"Sec-WebSocket-Protocol": ["a", "a"]}, "Protocol field is repeated"),
    "other extension": ({"Sec-WebSocket-Extensions": ["x-a, x-b"]}, "extension that was not offered"),
    "malformed extensions": ({"Sec-WebSocket-Extensions": ["x-a;"]}, "malformed"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_a_bad_response_fails_the_connection(changes: dict[str, list[str]], message: str) -> None:
    """Section 4.1, second list."""
    with pytest.raises(HandshakeError, match=message):
        check_response(101, fields(RESPONSE, changes), KEY, subprotocols=["a"], extensions=["x-a"])


def test_another_status_is_reported() -> None:
    """Section 4.1: the rest is HTTP's business."""
    with pytest.raises(HandshakeError, match="answered 403") as caught:
        check_response(403, fields(RESPONSE, {}), KEY)
    assert caught.value.status == 403


def test_a_response_may_vary_in_case_and_space() -> None:
    """Section 4.1: tokens without case, the accept value without surrounding whitespace."""
    changes = {
        "Upgrade": ["WebSocket"],
        "Connection": ["close, upgrade"],
        "Sec-WebSocket-Accept": [f" {ACCEPT}\t"],
    }
    changes["Sec-WebSocket-Extensions"] = ["x-a; p=1"]
    found = check_response(101, fields(RESPONSE, changes), KEY, extensions=["x-a"])
    assert found == ServerHello(None, [Extension("x-a", [("p", "1")])])


def test_extensions_keep_order_parameters_and_values() -> None:
    """Section 9.1: lists over several fields, quoted values, parameters without a value."""
    values = [' foo ; a ; b = "x" ,, bar', 'baz;c="1\\5", foo;']
    with pytest.raises(ValueError, match="malformed"):
        parse_extensions(values)
    values[1] = values[1].rstrip(";")
    assert parse_extensions(values) == [
        Extension("foo", [("a", None), ("b", "x")]),
        Extension("bar"),
        Extension("baz", [("c", "15")]),
        Extension("foo"),
    ]


@pytest.mark.parametrize(
    "value",
    ["", " , ", ";a", "a b", "a=1", "a;b=", 'a;b="', 'a;b="x y"', 'a;b=""', "a;b==c", "a;;b", "é", "a\n"],
)
def test_malformed_extensions_are_refused(value: str) -> None:
    """Section 9.1: anything outside the grammar fails the handshake."""
    with pytest.raises(ValueError):
        parse_extensions([value])


@pytest.mark.parametrize("value", ["a;" * 50000, "a" + " " * 100000, 'a;b="' + "\\x" * 50000, "," * 100000 + "é"])
def test_long_malformed_extensions_are_refused_in_one_pass(value: str) -> None:
    """Nothing here backtracks over what was read: a quadratic reader does not come back from these."""
    with pytest.raises(ValueError):
        parse_extensions([value + "é"])
