"""Login with other services

A user may prove who they are by an account elsewhere. The protocols for that differ, but all go the same way: the
application sends the browser to the service, with word of where to come back to; the user consents there; the browser
comes back with something that only the service can have given; and the application asks the service, directly, what it
is worth.

Each protocol is a mixin for handlers, and some well-known services are ready to use. The services of this chapter are
played by the suite, which checks signatures by its own means.
"""

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from conformance import api, doc, each, labelled, must, should

OAUTH1 = doc("auth.OAuthMixin")
RFC5849 = doc("RFC 5849")
LEGACY = ("legacy",)

#: Where the classes under test have the addresses of the services, and where this one has them.
ADDRESSES = {
    "_OAUTH_REQUEST_TOKEN_URL": "request",
    "_OAUTH_AUTHORIZE_URL": "authorize",
    "_OAUTH_ACCESS_TOKEN_URL": "access",
    "_OAUTH_AUTHENTICATE_URL": "authenticate",
    "_OAUTH_USERINFO_URL": "userinfo",
    "_OPENID_ENDPOINT": "openid",
    "_TWITTER_BASE_URL": "api",
    "_FACEBOOK_BASE_URL": "api",
    "_FACEBOOK_LOGIN_URL": "authorize",
    "_FACEBOOK_REST_URL": "api",
    "_FRIENDFEED_BASE_URL": "api",
}
SETTINGS = {
    "twitter_consumer_key": "application",
    "twitter_consumer_secret": "own",
    "google_oauth": {"key": "application", "secret": "own"},
    "google_consumer_key": "application",
    "google_consumer_secret": "own",
    "facebook_api_key": "application",
    "facebook_secret": "own",
    "friendfeed_consumer_key": "application",
    "friendfeed_consumer_secret": "own",
}
REQUEST_TOKEN = "oauth_token=request%2Ftoken&oauth_token_secret=request%3Dsecret"
ACCESS_TOKEN = "oauth_token=access&oauth_token_secret=hidden&username=ann"
BACK = "?oauth_token=request%2Ftoken&oauth_verifier=verifier"


class Asked:
    """One request that the service got."""

    def __init__(self, request):
        self.method = request.method
        self.path = request.path.removeprefix("/service/")
        self.url = f"http://{request.host}{request.path}"
        self.query = dict(parse_qsl(request.query, keep_blank_values=True))
        self.form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))

    def signed_with(self, consumer_secret, token_secret=""):
        """Whether the request has the signature of RFC 5849 with these secrets."""
        given = {**self.query, **self.form}
        signature = given.pop("oauth_signature")
        pairs = sorted((escaped(name), escaped(value)) for name, value in given.items())
        normalized = "&".join(f"{name}={value}" for name, value in pairs)
        base = "&".join(map(escaped, (self.method, self.url, normalized)))
        key = f"{escaped(consumer_secret)}&{escaped(token_secret)}"
        mac = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
        return signature == base64.b64encode(mac).decode()


def escaped(text):
    return quote(text, safe="~")


class Service:
    """A service to log in with: ``answers`` says what its paths answer, ``asked`` has the requests that came."""

    def __init__(self, serve):
        self._serve = serve
        self.answers = {}
        self.asked = []

    async def login(self, *bases, settings=SETTINGS, **methods):
        """Serve a handler of these classes at /login; its addresses are those of this service."""
        service = self

        class Endpoint(api.web.RequestHandler):
            def get(self, path):
                service.asked.append(Asked(self.request))
                status, content = service.answers.get(path, (404, ""))
                self.set_status(status)
                self.write(content)

            post = get

        kind = type("Login", (api.web.RequestHandler, *bases), methods)
        server = await self._serve([("/service/(.*)", Endpoint), ("/login", kind)], **settings)
        for name, path in ADDRESSES.items():
            setattr(kind, name, f"http://{server.host}/service/{path}")
        return server

    async def aclose(self):
        api.httpclient.AsyncHTTPClient().close()
        await self._serve.aclose()


@pytest.fixture
def service(serve):
    return Service(serve)


def consumer(secret="own"):
    """Return what a handler with OAuth 1.0 has to define."""

    async def user(self, access_token):
        return {"name": access_token["username"]}

    token = {"key": "application", "secret": secret}
    return {"_oauth_consumer_token": lambda self: token, "_oauth_get_user_future": user}


async def redirecting(self):
    await self.authorize_redirect(**self.arguments)


async def returning(self):
    self.write(await self.get_authenticated_user())


async def failing(self):
    """Answer with what the login raised."""
    with pytest.raises(Exception) as caught:
        await self.get_authenticated_user()
    self.write(type(caught.value).__name__)


def location(reply):
    """Return the path that a reply redirects to, and its query as a dict."""
    parts = urlsplit(reply.headers["Location"])
    return parts.path.removeprefix("/service/"), dict(parse_qsl(parts.query))


# -- OAuth 1.0 --------------------------------------------------------------------------------------------------------


@must(
    "auth.oauth1.request-token",
    "authorize_redirect() gets a token by a signed request, with the URL to come back to, and sends the user on.",
    doc("auth.OAuthMixin.authorize_redirect"),
    RFC5849,
)
@each(version=["1.0", "1.0a"])
async def test_request_token(service, version):
    service.answers["request"] = 200, REQUEST_TOKEN
    arguments = {"callback_uri": "/back?a=b", "extra_params": {"scope": "a b"}}
    methods = {"get": redirecting, "arguments": arguments, "_OAUTH_VERSION": version}
    server = await service.login(api.auth.OAuthMixin, **methods, **consumer())
    reply = await server.get("/login")
    back = f"http://{server.host}/back?a=b"
    assert location(reply) == ("authorize", {"oauth_token": "request/token", "oauth_callback": back})
    asked = service.asked[0]
    assert asked.signed_with("own")
    assert (asked.query["oauth_consumer_key"], asked.query["oauth_version"]) == ("application", "1.0")
    added = {"oauth_callback": back, "scope": "a b"} if version == "1.0a" else {}
    assert {name: asked.query.get(name) for name in added} == added


@must(
    "auth.oauth1.key-encoded",
    "Secrets are percent-encoded in the key of the signature, whatever they consist of.",
    RFC5849,
    OAUTH1,
)
@each(version=["1.0", "1.0a"])
async def test_key_encoded(service, version):
    service.answers["request"] = 200, REQUEST_TOKEN
    methods = {"get": redirecting, "arguments": {}, "_OAUTH_VERSION": version}
    server = await service.login(api.auth.OAuthMixin, **methods, **consumer("a&b/c=é"))
    await server.get("/login")
    assert service.asked[0].signed_with("a&b/c=é")


async def come_back(service, get=returning, query=BACK, cookie=True, **methods):
    """Return the answer to a user who comes back from the service, and the server."""
    service.answers.setdefault("request", (200, REQUEST_TOKEN))
    service.answers.setdefault("access", (200, ACCESS_TOKEN))

    async def both(self):
        await (get(self) if self.request.query else redirecting(self))

    methods = {"get": both, "arguments": {}, **consumer(), **methods}
    server = await service.login(api.auth.OAuthMixin, **methods)
    kept = (await server.get("/login")).headers["Set-Cookie"].partition(";")[0]
    service.asked.clear()
    return await server.get(f"/login{query}", {"Cookie": kept} if cookie else {})


@must(
    "auth.oauth1.access-token",
    "get_authenticated_user() exchanges token and verifier for an access token, signed with the token's secret.",
    doc("auth.OAuthMixin.get_authenticated_user"),
    RFC5849,
)
async def test_access_token(service):
    reply = await come_back(service)
    token = {"key": "access", "secret": "hidden", "username": "ann"}
    assert json.loads(reply.body) == {"name": "ann", "access_token": token}
    asked = service.asked[0]
    assert (asked.path, asked.query["oauth_token"], asked.query["oauth_verifier"]) == (
        "access",
        "request/token",
        "verifier",
    )
    assert asked.signed_with("own", "request=secret")
    assert reply.headers["Set-Cookie"].startswith('_oauth_request_token="";')


@must(
    "auth.oauth1.other-login",
    "A user who comes back with another token than the one sent along, or without the cookie, is an AuthError.",
    doc("auth.OAuthMixin.get_authenticated_user"),
)
@each(
    back=[
        labelled("token", {"query": "?oauth_token=other&oauth_verifier=verifier"}),
        labelled("cookie", {"cookie": False}),
    ]
)
async def test_other_login(service, back):
    assert (await come_back(service, failing, **back)).body == b"AuthError"
    assert service.asked == []


@must(
    "auth.oauth1.refused",
    "When the service refuses the token, its status is raised as HTTPClientError.",
    doc("auth.OAuthMixin.get_authenticated_user"),
)
async def test_refused(service):
    service.answers["access"] = 401, "no"
    assert (await come_back(service, failing)).body == b"HTTPClientError"


@should(
    "auth.oauth1.no-token",
    "When the service's answer holds no token, that is an AuthError.",
    doc("auth.AuthError"),
)
async def test_no_token(service):
    service.answers["access"] = 200, "<html>Please come back later</html>"
    assert (await come_back(service, failing)).body == b"AuthError"


@must(
    "auth.oauth1.out-of-band",
    'With callback_uri="oob" the response is the URL for the user to visit.',
    OAUTH1,
    RFC5849,
)
async def test_out_of_band(service):
    service.answers["request"] = 200, REQUEST_TOKEN
    methods = {"get": redirecting, "arguments": {"callback_uri": "oob"}}
    server = await service.login(api.auth.OAuthMixin, **methods, **consumer())
    reply = await server.get("/login")
    url = f"http://{server.host}/service/authorize?oauth_token=request%2Ftoken"
    assert (reply.code, reply.body.decode(), service.asked[0].query["oauth_callback"]) == (200, url, "oob")


@must(
    "auth.oauth1.no-callbacks",
    "With _OAUTH_NO_CALLBACKS, a callback_uri is refused with an exception before anybody is asked.",
    OAUTH1,
)
async def test_no_callbacks(service):
    methods = {"get": redirecting, "arguments": {"callback_uri": "/back"}, "_OAUTH_NO_CALLBACKS": True}
    server = await service.login(api.auth.OAuthMixin, **methods, **consumer())
    assert ((await server.get("/login")).code, service.asked) == (500, [])


@must(
    "auth.client.hook",
    "get_auth_http_client() may be overridden to choose the client for all requests to the service.",
    doc("auth.OAuthMixin.get_auth_http_client"),
    doc("auth.OAuth2Mixin.get_auth_http_client"),
)
async def test_client_hook(service):
    class Client:
        async def fetch(self, url, **arguments):
            urls.append(url.partition("?")[0].rpartition("/")[2])
            return await api.httpclient.AsyncHTTPClient().fetch(url, **arguments)

    urls = []
    await come_back(service, get_auth_http_client=lambda self: Client())
    assert urls == ["request", "access"]


# -- Twitter ----------------------------------------------------------------------------------------------------------


@must(
    "auth.twitter.login",
    "authenticate_redirect() sends the user to log in; the user is what verify_credentials says, with username.",
    doc("auth.TwitterMixin.authenticate_redirect"),
    doc("auth.TwitterMixin"),
)
async def test_twitter(service):
    service.answers = {"request": (200, REQUEST_TOKEN), "access": (200, ACCESS_TOKEN)}
    service.answers["api/account/verify_credentials.json"] = 200, {"screen_name": "ann", "id": 7}

    async def get(self):
        await (returning(self) if self.request.query else self.authenticate_redirect())

    server = await service.login(api.auth.TwitterMixin, get=get)
    reply = await server.get("/login")
    assert location(reply) == ("authenticate", {"oauth_token": "request/token"})
    reply = await server.get(f"/login{BACK}", {"Cookie": reply.headers["Set-Cookie"].partition(";")[0]})
    user = json.loads(reply.body)
    assert (user["username"], user["id"], user["access_token"]["key"]) == ("ann", 7, "access")
    assert service.asked[-1].signed_with("own", "hidden")


@must(
    "auth.twitter.request",
    "twitter_request() is a signed GET with its arguments, or a signed POST of post_args, and gives the JSON.",
    doc("auth.TwitterMixin.twitter_request"),
    RFC5849,
)
@each(
    arguments=[
        labelled("get", {"count": 5, "q": "a b+c~é"}),
        labelled("post", {"post_args": {"status": "a b&c=é"}, "trim": "1"}),
    ]
)
async def test_twitter_request(service, arguments):
    async def get(self):
        token = {"key": "access", "secret": "hidden"}
        self.write(await self.twitter_request("/statuses/update", access_token=token, **arguments))

    service.answers["api/statuses/update.json"] = 200, {"done": True}
    server = await service.login(api.auth.TwitterMixin, get=get)
    assert (await server.get("/login")).body == b'{"done": true}'
    asked, form = service.asked[0], arguments.get("post_args", {})
    assert (asked.method, asked.form) == ("POST" if form else "GET", form)
    sent = {name: str(value) for name, value in arguments.items() if name != "post_args"}
    assert {name: asked.query[name] for name in sent} == sent
    assert asked.signed_with("own", "hidden")


@must(
    "auth.settings.missing",
    "Where a setting is missing, the exception names it.",
    doc("auth.TwitterMixin"),
    doc("auth.GoogleOAuth2Mixin"),
)
@each(name=["TwitterMixin", "GoogleOAuth2Mixin"])
async def test_settings(service, logs, name):
    async def get(self):
        if name == "TwitterMixin":
            await self.authorize_redirect()
        self.get_google_oauth_settings()

    server = await service.login(getattr(api.auth, name), get=get, settings={})
    assert (await server.get("/login")).code == 500
    error = logs.of("tornado.application")[0].exc_info[1]
    assert {"TwitterMixin": "twitter_consumer_key", "GoogleOAuth2Mixin": "google_oauth"}[name] in str(error)


# -- OAuth 2.0 --------------------------------------------------------------------------------------------------------


@must(
    "auth.oauth2.redirect",
    "authorize_redirect() sends the user on with redirect_uri, client_id, response_type, scope and extra parameters.",
    doc("auth.OAuth2Mixin.authorize_redirect"),
)
async def test_oauth2_redirect(service):
    def get(self):
        more = {"scope": ["profile", "email"], "extra_params": {"state": "a b"}}
        self.authorize_redirect(redirect_uri="http://h/back?a=b", client_id="id", **more)

    server = await service.login(api.auth.OAuth2Mixin, get=get)
    sent = {"redirect_uri": "http://h/back?a=b", "client_id": "id", "response_type": "code", "state": "a b"}
    assert location(await server.get("/login")) == ("authorize", {**sent, "scope": "profile email"})


@must(
    "auth.oauth2.request",
    "oauth2_request() is a GET with token and arguments in the query, or a POST of post_args, and gives the JSON.",
    doc("auth.OAuth2Mixin.oauth2_request"),
)
@each(post=[False, True])
async def test_oauth2_request(service, post):
    async def get(self):
        post_args = {"post_args": {"message": "a b"}} if post else {}
        url = f"http://{self.request.host}/service/api"
        self.write(await self.oauth2_request(url, access_token="token", fields="a,b", **post_args))

    service.answers["api"] = 200, {"done": True}
    server = await service.login(api.auth.OAuth2Mixin, get=get)
    assert (await server.get("/login")).body == b'{"done": true}'
    asked = service.asked[0]
    assert (asked.method, asked.form) == (("POST", {"message": "a b"}) if post else ("GET", {}))
    assert asked.query == {"access_token": "token", "fields": "a,b"}


@should(
    "auth.oauth2.query-kept",
    "A URL for oauth2_request() may have a query of its own.",
    doc("auth.OAuth2Mixin.oauth2_request"),
)
async def test_query_kept(service):
    async def get(self):
        self.write(await self.oauth2_request(f"http://{self.request.host}/service/api?a=b", access_token="token"))

    service.answers["api"] = 200, {}
    server = await service.login(api.auth.OAuth2Mixin, get=get)
    await server.get("/login")
    assert service.asked[0].query == {"a": "b", "access_token": "token"}


@must(
    "auth.google.login",
    "Google's get_authenticated_user() exchanges the code by POST, with id and secret of the settings or as given.",
    doc("auth.GoogleOAuth2Mixin.get_authenticated_user"),
    doc("auth.GoogleOAuth2Mixin.get_google_oauth_settings"),
)
@each(given=[{}, {"client_id": "other", "client_secret": "its"}])
async def test_google(service, given):
    async def get(self):
        self.write(await self.get_authenticated_user("http://h/back", self.get_argument("code"), **given))

    service.answers["access"] = 200, {"access_token": "token", "expires_in": 3600}
    server = await service.login(api.auth.GoogleOAuth2Mixin, get=get)
    assert json.loads((await server.get("/login?code=a%20b")).body) == {"access_token": "token", "expires_in": 3600}
    asked = service.asked[0]
    sent = {"redirect_uri": "http://h/back", "code": "a b", "grant_type": "authorization_code"}
    own = given or {"client_id": "application", "client_secret": "own"}
    assert (asked.method, asked.form, asked.query) == ("POST", {**sent, **own}, {})


@must(
    "auth.facebook.login",
    "Facebook's get_authenticated_user() gives the fields asked for, the token and how long it lasts.",
    doc("auth.FacebookGraphMixin.get_authenticated_user"),
)
async def test_facebook(service):
    async def get(self):
        code = self.get_argument("code")
        self.write(await self.get_authenticated_user("http://h/", "application", "own", code, ["birthday"]))

    service.answers["access"] = 200, {"access_token": "token", "expires_in": 3600}
    service.answers["api/me"] = 200, {"id": "7", "name": "Ann", "birthday": "1"}
    server = await service.login(api.auth.FacebookGraphMixin, get=get)
    user = json.loads((await server.get("/login?code=c")).body)
    assert (user["id"], user["name"], user["birthday"], user["locale"]) == ("7", "Ann", "1", None)
    assert (user["access_token"], user["session_expires"]) == ("token", "3600")
    exchange, me = service.asked
    given = {"redirect_uri": "http://h/", "client_id": "application", "client_secret": "own", "code": "c"}
    assert exchange.query == given
    names = {"id", "name", "first_name", "last_name", "locale", "picture", "link", "birthday"}
    assert (me.query["access_token"], set(me.query["fields"].split(","))) == ("token", names)
    assert me.query["appsecret_proof"] == hmac.new(b"own", b"token", hashlib.sha256).hexdigest()


@must(
    "auth.facebook.request",
    "facebook_request() asks the Graph API at a path, by GET or with post_args by POST.",
    doc("auth.FacebookGraphMixin.facebook_request"),
)
async def test_facebook_request(service):
    async def get(self):
        await self.facebook_request("/me/feed", access_token="token", limit=3)
        self.write(await self.facebook_request("/me/feed", post_args={"message": "m"}, access_token="token"))

    service.answers["api/me/feed"] = 200, {"done": True}
    server = await service.login(api.auth.FacebookGraphMixin, get=get)
    assert (await server.get("/login")).body == b'{"done": true}'
    assert [(asked.method, asked.form) for asked in service.asked] == [("GET", {}), ("POST", {"message": "m"})]
    assert service.asked[0].query == {"access_token": "token", "limit": "3"}


# -- OpenID -----------------------------------------------------------------------------------------------------------

OPENID = doc("auth.OpenIdMixin.get_authenticated_user")
AXSCHEMA = "http://axschema.org/"
ATTRIBUTES = {
    "email": ("contact/email", "ann@h.org"),
    "first": ("namePerson/first", "Ann"),
    "last": ("namePerson/last", "Lee"),
    "language": ("pref/language", "en"),
    "nick": ("namePerson/friendly", "annie"),
}


def answer_of_openid(signed=True, **changed):
    """Return the query with which a user comes back from an OpenID provider."""
    args = {"openid.mode": "id_res", "openid.claimed_id": "http://id.org/ann"}
    args |= {"openid.ns.ext1": "http://openid.net/srv/ax/1.0", "openid.ext1.mode": "fetch_response"}
    for alias, (uri, value) in ATTRIBUTES.items():
        args |= {f"openid.ext1.type.{alias}": AXSCHEMA + uri, f"openid.ext1.value.{alias}": value}
    names = [name.removeprefix("openid.") for name in args] if signed else ["mode", "op_endpoint"]
    args |= {"openid.signed": ",".join(names), **changed}
    return "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in args.items())


@must(
    "auth.openid.redirect",
    "authenticate_redirect() sends the user on with where to come back to, the realm, and the attributes asked for.",
    doc("auth.OpenIdMixin.authenticate_redirect"),
)
@pytest.mark.filterwarnings("ignore:OpenIdMixin:DeprecationWarning")
async def test_openid_redirect(service):
    def get(self):
        self.authenticate_redirect(callback_uri="/back?a=b", ax_attrs=["name", "email"])

    server = await service.login(api.auth.OpenIdMixin, get=get)
    path, query = location(await server.get("/login"))
    assert (path, query["openid.mode"]) == ("openid", "checkid_setup")
    back, realm = f"http://{server.host}/back?a=b", f"http://{server.host}/"
    assert (query["openid.return_to"], query["openid.realm"]) == (back, realm)
    assert query["openid.claimed_id"] == "http://specs.openid.net/auth/2.0/identifier_select"
    assert set(query["openid.ax.required"].split(",")) == {"firstname", "lastname", "fullname", "email"}
    assert query["openid.ax.type.email"] == AXSCHEMA + "contact/email"


@must(
    "auth.openid.user",
    "get_authenticated_user() has the provider confirm all that came back, and gives the user's attributes.",
    OPENID,
)
@pytest.mark.filterwarnings("ignore:OpenIdMixin:DeprecationWarning")
async def test_openid_user(service):
    service.answers["openid"] = 200, "ns:http://specs.openid.net/auth/2.0\nis_valid:true\n"
    server = await service.login(api.auth.OpenIdMixin, get=returning)
    user = json.loads((await server.get(f"/login{answer_of_openid()}")).body)
    names = {"name": "Ann Lee", "first_name": "Ann", "last_name": "Lee", "username": "annie", "locale": "en"}
    assert user == {**names, "email": "ann@h.org", "claimed_id": "http://id.org/ann"}
    asked = service.asked[0]
    assert (asked.method, asked.form["openid.mode"]) == ("POST", "check_authentication")
    assert asked.form["openid.ext1.value.email"] == "ann@h.org"


@must(
    "auth.openid.refused",
    "A login that the provider does not confirm is an AuthError.",
    OPENID,
)
@each(answer=["is_valid:false\n", "", "error:is_valid:true\n"])
@pytest.mark.filterwarnings("ignore:OpenIdMixin:DeprecationWarning")
async def test_openid_refused(service, answer):
    service.answers["openid"] = 200, answer
    server = await service.login(api.auth.OpenIdMixin, get=failing)
    assert (await server.get(f"/login{answer_of_openid()}")).body == b"AuthError"


@should(
    "auth.openid.unsigned",
    "What the provider did not sign is not believed, for anybody can have added it.",
    doc("OpenID Authentication 2.0"),
)
@pytest.mark.filterwarnings("ignore:OpenIdMixin:DeprecationWarning")
async def test_openid_unsigned(service):
    service.answers["openid"] = 200, "is_valid:true\n"
    server = await service.login(api.auth.OpenIdMixin, get=returning)
    assert json.loads((await server.get(f"/login{answer_of_openid(signed=False)}")).body) == {}


# -- former times -----------------------------------------------------------------------------------------------------


@must(
    "auth.legacy.callback",
    "Up to 5.1 a callback, the first argument or one by name, gets the result.",
    doc("auth.OAuthMixin.get_authenticated_user"),
    needs=LEGACY,
)
@each(named=[False, True])
@pytest.mark.filterwarnings("ignore:callback arguments:DeprecationWarning")
async def test_legacy_callback(service, named):
    async def get(self):
        arguments = {"callback": self.finish} if named else {}
        self._auto_finish = False
        await self.get_authenticated_user(*([] if named else [self.finish]), **arguments)

    assert json.loads((await come_back(service, get)).body)["name"] == "ann"


@must(
    "auth.legacy.google",
    "GoogleMixin asks for login and access at once, and exchanges the token that comes along.",
    doc("auth.GoogleMixin"),
    needs=LEGACY,
)
@pytest.mark.filterwarnings("ignore:OpenIdMixin:DeprecationWarning")
async def test_legacy_google(service):
    async def get(self):
        await (returning(self) if self.request.query else as_sent(self))

    async def as_sent(self):
        self.authorize_redirect("http://scope.org/", callback_uri="/back", ax_attrs=["email"])

    service.answers = {"openid": (200, "is_valid:true\n"), "access": (200, ACCESS_TOKEN)}
    server = await service.login(api.auth.GoogleMixin, get=get)
    _, query = location(await server.get("/login"))
    assert (query["openid.oauth.scope"], query["openid.oauth.consumer"]) == ("http://scope.org/", "127.0.0.1")
    oauth = {"openid.ns.ext2": "http://specs.openid.net/extensions/oauth/1.0", "openid.ext2.request_token": "rt"}
    signed = answer_of_openid(**oauth, **{"openid.signed": "ext2.request_token"})
    user = json.loads((await server.get(f"/login{signed}")).body)
    assert user["access_token"]["key"] == "access"
    assert service.asked[-1].query["oauth_token"] == "rt"
    assert service.asked[-1].signed_with("own")


@must(
    "auth.legacy.friendfeed",
    "FriendFeedMixin logs in by OAuth 1.0; the user is what feedinfo says.",
    doc("auth.FriendFeedMixin"),
    needs=LEGACY,
)
async def test_legacy_friendfeed(service):
    async def get(self):
        await (returning(self) if self.request.query else self.authorize_redirect())

    service.answers = {"request": (200, REQUEST_TOKEN), "access": (200, ACCESS_TOKEN)}
    service.answers["api/feedinfo/ann"] = 200, {"id": "ann", "name": "Ann"}
    server = await service.login(api.auth.FriendFeedMixin, get=get)
    kept = (await server.get("/login")).headers["Set-Cookie"].partition(";")[0]
    user = json.loads((await server.get(f"/login{BACK}", {"Cookie": kept})).body)
    assert (user["username"], user["name"], user["access_token"]["key"]) == ("ann", "Ann", "access")
    assert service.asked[-1].signed_with("own", "hidden")


@must(
    "auth.legacy.facebook",
    "FacebookMixin logs in by a session, and signs its requests to the REST API with the application's secret.",
    doc("auth.FacebookMixin"),
    needs=LEGACY,
)
async def test_legacy_facebook(service):
    async def get(self):
        await (returning(self) if self.request.query else as_sent(self))

    async def as_sent(self):
        self.authorize_redirect(["read_stream", "sms"], callback_uri="/back", cancel_uri="/cancel")

    service.answers["api"] = 200, json.dumps([{"uid": 7, "name": "Ann"}])
    server = await service.login(api.auth.FacebookMixin, get=get)
    _, query = location(await server.get("/login"))
    assert (query["next"], query["req_perms"]) == (f"http://{server.host}/back", "read_stream,sms")
    session = quote(json.dumps({"session_key": "key", "uid": 7, "expires": 9}))
    user = json.loads((await server.get(f"/login?session={session}")).body)
    assert (user["uid"], user["name"], user["session_key"], user["session_expires"]) == (7, "Ann", "key", 9)
    given = dict(service.asked[0].query)
    signature = given.pop("sig")
    signed = "".join(sorted(f"{name}={value}" for name, value in given.items())) + "own"
    assert (given["method"], signature) == ("facebook.users.getInfo", hashlib.md5(signed.encode()).hexdigest())
