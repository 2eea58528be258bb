"""Signed cookies

A cookie is the client's, who may change it. ``set_signed_cookie`` signs its value, its name and the time with the
application's ``cookie_secret``; ``get_signed_cookie`` returns the value, as bytes, only if the signature is ours, made
for this name, and at most ``max_age_days`` old. The client can read the value: it is signed, not encrypted. The older
names are ``set_secure_cookie`` and ``get_secure_cookie``.

Two formats exist. Version 1 signs with HMAC-SHA1, version 2, the default, with HMAC-SHA256 and the number of the key.
With a dictionary of keys as ``cookie_secret``, ``key_version`` says which one signs; cookies signed with the others
are good as long as their keys are in the dictionary. That is how keys are replaced.

``create_signed_value`` and ``decode_signed_value`` do the same for values that travel in other ways.
"""

import base64
import hashlib
import hmac

from conformance import api, compat, doc, each, labelled, must, observed, rfc
from conformance.tracing import raised

MADE = 1300000000
DAY = 86400
KEYS = {1: "first key", 2: "second key"}


def made(value="value", version=None, name="name", secret="secret", **keywords):
    """Return a value signed at the time MADE."""
    return api.web.create_signed_value(secret, name, value, version=version, clock=lambda: MADE, **keywords)


def read(signed, name="name", secret="secret", later=0, **keywords):
    """Return what a signed value holds ``later`` seconds after MADE."""
    return api.web.decode_signed_value(secret, name, signed, clock=lambda: MADE + later, **keywords)


async def answer(serve, act, cookie=None, **settings):
    """Return the answer of a handler that writes ``act(handler)``, asked with this Cookie field."""

    class Page(api.web.RequestHandler):
        def get(self):
            self.write({"result": act(self)})

    headers = [("Cookie", cookie)] if cookie else []
    return await (await serve([("/", Page)], **{"cookie_secret": "secret", **settings})).get("/", headers=headers)


# -- formats ----------------------------------------------------------------------------------------------------------


@compat(
    "web.signed.format-1",
    "Version 1 is the value in base64, the time, and the HMAC-SHA1 of name, value and time in hexadecimal.",
    observed("web-signed-values"),
)
async def test_format_1():
    key, parts = b"secret", (base64.b64encode(b"value"), b"1300000000")
    signature = hmac.new(key, b"name" + b"".join(parts), hashlib.sha1).hexdigest().encode()
    assert made(version=1) == b"|".join((*parts, signature))


@compat(
    "web.signed.format-2",
    "Version 2 is 2, key version, time, name and value in base64, each with its length, and the HMAC-SHA256 of that.",
    observed("web-signed-values"),
)
@each(row=[labelled("one-key", ("secret", None, 0)), labelled("keys", ({5: "secret"}, 5, 5))])
async def test_format_2(row):
    secret, key_version, shown = row
    signed = b"2|1:%d|10:1300000000|4:name|8:%s|" % (shown, base64.b64encode(b"value"))
    signature = hmac.new(b"secret", signed, hashlib.sha256).hexdigest().encode()
    assert made(version=2, secret=secret, key_version=key_version) == signed + signature


@must(
    "web.signed.default-version",
    "Values are signed in version 2 unless told otherwise.",
    doc("web.RequestHandler.set_signed_cookie"),
)
async def test_default_version():
    assert made() == made(version=2)
    assert (api.web.DEFAULT_SIGNED_VALUE_VERSION, api.web.DEFAULT_SIGNED_VALUE_MIN_VERSION) == (2, 1)
    assert (api.web.MIN_SUPPORTED_SIGNED_VALUE_VERSION, api.web.MAX_SUPPORTED_SIGNED_VALUE_VERSION) == (1, 2)


@compat(
    "web.signed.unknown-version",
    "A version that there is not cannot be made, nor be asked for as the least one.",
    observed("web-signed-values"),
)
async def test_unknown_version():
    assert raised(ValueError, lambda: made(version=3))
    assert raised(ValueError, lambda: read(made(), min_version=3))


# -- reading ----------------------------------------------------------------------------------------------------------


@must(
    "web.signed.round-trip",
    "What was signed is read as bytes, text as its UTF-8.",
    doc("web.RequestHandler.get_signed_cookie"),
)
@each(version=[1, 2])
@each(value=[labelled("text", "gr\u00fc\u00dfe|;"), labelled("bytes", b"\x00\xff|\r\n"), labelled("none", b"")])
async def test_signed_round_trip(version, value):
    signed = made(value, version)
    assert read(signed) == read(signed.decode()) == (value.encode() if isinstance(value, str) else value)


@must(
    "web.signed.forged",
    "A value with any octet changed, cut or added is no value.",
    doc("web.RequestHandler.get_signed_cookie"),
    rfc(6265, "8.3", "RFC6265-8.3-1"),
)
@each(version=[1, 2])
async def test_forged(version):
    signed = made(version=version)
    for place in range(len(signed)):
        forged = signed[:place] + (b"x" if signed[place : place + 1] != b"x" else b"y") + signed[place + 1 :]
        assert read(forged) is None
        assert read(signed[:place]) is None
    assert read(signed + b"0") is None


@must(
    "web.signed.other-name",
    "A value signed for one name is none for another.",
    doc("web.RequestHandler.get_signed_cookie"),
)
@each(version=[1, 2])
async def test_other_name(version):
    assert read(made(version=version), name="nam") is None
    assert read(made(version=version), name="other") is None


@must(
    "web.signed.other-key",
    "A value signed with another key is no value.",
    doc("web.RequestHandler.get_signed_cookie"),
)
@each(version=[1, 2])
async def test_other_key(version):
    assert read(made(version=version), secret="another") is None


@must(
    "web.signed.moved-digits",
    "In version 1 characters cannot be moved between value and time: the signature does not tell them apart.",
    doc("web.RequestHandler.get_signed_cookie"),
)
async def test_moved_digits():
    value, time, signature = made(base64.b64decode("MTIzNDU2"), version=1).split(b"|")
    for moved in range(1, len(value)):
        assert read(b"|".join((value[:-moved], value[-moved:] + time, signature)), max_age_days=10**6) is None


@must(
    "web.signed.age",
    "A value older than max_age_days, 31 by default, is no value.",
    doc("web.RequestHandler.get_signed_cookie"),
)
@each(version=[1, 2])
async def test_age(version):
    signed = made(version=version)
    assert (read(signed, later=31 * DAY - 1), read(signed, later=31 * DAY + 1)) == (b"value", None)
    assert (read(signed, later=DAY - 1, max_age_days=1), read(signed, later=DAY + 1, max_age_days=1)) == (
        b"value",
        None,
    )


@must(
    "web.signed.min-version",
    "Values of a version before min_version are none.",
    doc("web.RequestHandler.get_signed_cookie"),
)
async def test_min_version():
    assert read(made(version=1), min_version=2) is None
    assert read(made(version=2), min_version=2) == b"value"


@must(
    "web.signed.malformed",
    "A value that is malformed in any way is no value, and no error.",
    doc("web.RequestHandler.get_signed_cookie"),
)
@each(
    value=[
        labelled("empty", ""),
        labelled("none", None),
        labelled("bars", "|||||||"),
        labelled("version", "2|"),
        labelled("unknown", "3|1:0|10:1300000000|4:name|8:dmFsdWU=|x"),
        labelled("length", "2|99999999999999999999:0|10:1300000000|"),
        labelled("negative", "2|-1:0|10:1300000000|4:name|8:dmFsdWU=|"),
        labelled("time", "2|1:0|10:130000000x|4:name|8:dmFsdWU=|x"),
        labelled("non-ascii", "\u00fc|\u00fc|\u00fc"),
        labelled("digits", "9" * 5000),
    ]
)
async def test_malformed_value(value):
    assert read(value) is None


# -- keys -------------------------------------------------------------------------------------------------------------


@must(
    "web.signed.rotation",
    "With a dictionary of keys each value is checked with the key that it names, and is none when that key is gone.",
    doc("web.RequestHandler.set_signed_cookie"),
)
async def test_rotation():
    old, new = (made(version=2, secret=KEYS, key_version=version) for version in (1, 2))
    assert (read(old, secret=KEYS), read(new, secret=KEYS)) == (b"value", b"value")
    assert (read(old, secret={2: KEYS[2]}), read(new, secret={2: KEYS[2]})) == (None, b"value")
    assert read(old, secret={1: KEYS[2], 2: KEYS[1]}) is None


@must(
    "web.signed.key-version",
    "get_signature_key_version tells which key a value names, and None for what is no value of version 2.",
    doc("web.RequestHandler.get_signed_cookie_key_version"),
)
async def test_key_version():
    version = api.web.get_signature_key_version
    assert [version(made(version=2, secret=KEYS, key_version=key)) for key in KEYS] == [1, 2]
    assert [version(made(version=2)), version(made(version=1)), version(""), version("2|x")] == [0, None, None, None]


@must(
    "web.signed.key-missing",
    "To sign with a dictionary of keys, one of them must be named that is in it.",
    doc("web.RequestHandler.set_signed_cookie"),
)
@each(key_version=[None, 3])
async def test_key_missing(key_version):
    assert raised(Exception, lambda: made(version=2, secret=KEYS, key_version=key_version))


@must(
    "web.signed.version-1-keys",
    "A value of version 1 names no key, so with a dictionary of keys it is no value, whatever a client sends.",
    doc("web.RequestHandler.get_signed_cookie"),
)
async def test_version_1_with_keys(serve):
    signed = made(version=1).decode()
    reply = await answer(serve, lambda self: repr(self.get_signed_cookie("name")), f"name={signed}", cookie_secret=KEYS)
    assert (reply.code, reply.json()) == (200, {"result": "None"})


# -- in handlers ------------------------------------------------------------------------------------------------------


@must(
    "web.signed.cookie",
    "A cookie set with set_signed_cookie lasts for 30 days and is read with get_signed_cookie; older names work too.",
    doc("web.RequestHandler.set_signed_cookie"),
)
@each(word=["signed", "secure"])
async def test_signed_cookie(serve, word):
    reply = await answer(serve, lambda self: getattr(self, f"set_{word}_cookie")("name", "v", httponly=True))
    pair, *attributes = reply.headers["Set-Cookie"].split("; ")
    assert {part.split("=")[0].lower() for part in attributes} == {"path", "httponly", "expires"}
    reply = await answer(serve, lambda self: getattr(self, f"get_{word}_cookie")("name").decode(), pair)
    assert reply.json() == {"result": "v"}


@must(
    "web.signed.cookie-session",
    "With expires_days=None the cookie lasts as long as the browser.",
    doc("web.RequestHandler.set_signed_cookie"),
)
async def test_session_cookie(serve):
    reply = await answer(serve, lambda self: self.set_signed_cookie("name", "v", expires_days=None))
    assert "expires" not in reply.headers["Set-Cookie"].lower()


@must(
    "web.signed.cookie-forged",
    "A cookie that a client made or changed is read as None, and is an ordinary cookie besides.",
    doc("web.RequestHandler.get_signed_cookie"),
)
@each(value=["v", "dg==|1300000000|00", "2|1:0|10:1300000000|4:name|4:dg==|00"])
async def test_forged_cookie(serve, value):
    reply = await answer(
        serve, lambda self: [self.get_signed_cookie("name"), self.get_cookie("name")], f'name="{value}"'
    )
    assert (reply.code, reply.json()) == (200, {"result": [None, value]})


@must(
    "web.signed.argument",
    "get_signed_cookie reads a value given to it in place of the cookie, as create_signed_value makes it.",
    doc("web.RequestHandler.create_signed_value"),
)
async def test_value_argument(serve):
    reply = await answer(
        serve, lambda self: self.get_signed_cookie("n", self.create_signed_value("n", "v").decode()).decode(), "n=x"
    )
    assert reply.json() == {"result": "v"}


@must(
    "web.signed.handler-keys",
    "The setting key_version says which key of a dictionary signs; a handler can ask which one a cookie names.",
    doc("web.RequestHandler.get_signed_cookie_key_version"),
)
@each(word=["signed", "secure"])
async def test_handler_keys(serve, word):
    def act(self):
        signed = self.create_signed_value("n", "v").decode()
        return [getattr(self, f"get_{word}_cookie_key_version")("n", signed), self.get_signed_cookie("n") is None]

    assert (await answer(serve, act, cookie_secret=KEYS, key_version=2)).json() == {"result": [2, True]}


@must(
    "web.signed.secret-required",
    "Without the setting cookie_secret signed cookies raise an exception rather than be worth nothing.",
    doc("web.RequestHandler.set_signed_cookie"),
)
@each(use=["set", "get"])
async def test_secret_required(serve, use):
    def act(self):
        if use == "set":
            self.set_signed_cookie("n", "v")
        else:
            self.get_signed_cookie("n")

    assert (await answer(serve, act, cookie_secret=None)).code == 500
