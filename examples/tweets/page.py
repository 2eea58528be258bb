# What the versions of the service have in common: the address they ask, and the page they show.
import json
from datetime import datetime, timezone
from html import escape
from urllib.parse import urlencode


def search_url(base, query):
    """Return the address of the newest hundred tweets on ``query``."""
    return base + "?" + urlencode({"q": query, "result_type": "recent", "rpp": 100})


def tweets_per_second(body, now=None):
    """Return how many of the tweets came a second: their number by the age of the oldest; 0 if there is none."""
    results = json.loads(body)["results"]
    if not results:
        return 0.0
    oldest = datetime.strptime(results[-1]["created_at"], "%a, %d %b %Y %H:%M:%S +0000").replace(tzinfo=timezone.utc)
    age = ((now or datetime.now(timezone.utc)) - oldest).total_seconds()
    # The API counts whole seconds, and clocks differ.
    return len(results) / max(age, 1.0)


def page(query, body):
    """Return the page with the query and its rate."""
    return f"""
<div style="text-align: center">
    <div style="font-size: 72px">{escape(query)}</div>
    <div style="font-size: 144px">{tweets_per_second(body):.2f}</div>
    <div style="font-size: 24px">tweets per second</div>
</div>"""
