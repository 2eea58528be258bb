"""The grammar of RFC 9112 (and the rules it takes from RFC 9110, 3986 and 5234), one expression per rule,
named after it.

All expressions are for ``str`` that was decoded from latin-1, so that one character is one octet, and use
ASCII classes only: the shorthands for digits, words and whitespace match far more than the RFCs mean. No
expression has two ways to match the same text, so that matching takes linear time whether it succeeds or not;
trimming whitespace is left to `OWS`.
"""

from __future__ import annotations

import re

#: Optional whitespace, as an argument of ``str.strip`` (RFC 9110 section 5.6.3).
OWS = " \t"

TCHAR = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
TOKEN = rf"{TCHAR}+"  # RFC 9110 section 5.6.2
FIELD_NAME = TOKEN  # RFC 9110 section 5.1
# RFC 9110 section 5.5: VCHAR, obs-text, SP and HTAB. The leave to retain other controls "in a safe context"
# is not taken.
FIELD_VALUE = r"[\t\x20-\x7e\x80-\xff]*"
FIELD_LINE = rf"{FIELD_NAME}:{FIELD_VALUE}\r\n"  # RFC 9112 section 5, with the whitespace still in the value

METHOD = TOKEN  # RFC 9112 section 3.1
# RFC 9112 section 3.2: any visible character. The finer rules of RFC 3986 would refuse what browsers send in
# queries ("|", "[", "{"); a fragment, however, is never part of a target (section 3.2.1 and 3.2.2).
REQUEST_TARGET = r"[!-\"$-~]+"
HTTP_VERSION = r"HTTP/([0-9]\.[0-9])"  # RFC 9112 section 2.3
REQUEST_LINE = rf"({METHOD}) ({REQUEST_TARGET}) {HTTP_VERSION}\r\n"  # RFC 9112 section 3

REASON_PHRASE = FIELD_VALUE  # RFC 9112 section 4: the same characters
# The space before an absent reason is required of senders; servers that leave it out are too common to
# refuse.
STATUS_LINE = rf"{HTTP_VERSION} ([0-9]{{3}})(?: ({REASON_PHRASE}))?\r\n"
#: Which fields those are; what they mean is for `framing` and `heads`.
GOVERNING = ("connection", "content-length", "expect", "host", "transfer-encoding", "upgrade")


def _any_case(name: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in name)


request_line = re.compile(REQUEST_LINE)
status_line = re.compile(STATUS_LINE)
request_head = re.compile(rf"{REQUEST_LINE}((?:{FIELD_LINE})*)\r\n")
response_head = re.compile(rf"{STATUS_LINE}((?:{FIELD_LINE})*)\r\n")
field_lines = re.compile(rf"(?:{FIELD_LINE})*")
# Takes lines apart that one of the former has matched: name and value, without the whitespace around it.
field_parts = re.compile(r"([^:]+):[ \t]*([^\r]*[^\r \t]|)[ \t]*\r\n")
# The fields that decide what becomes of a message and its connection, each behind the end of the line before it.
# A class for each letter costs less time than ignoring case.
governing_field = re.compile(rf"\r\n({'|'.join(map(_any_case, GOVERNING))}):[ \t]*([^\r]*[^\r \t]|)")
token = re.compile(TOKEN)
field_value = re.compile(FIELD_VALUE)
reason_phrase = re.compile(REASON_PHRASE)
request_target = re.compile(REQUEST_TARGET)

# RFC 9112 section 5.2. Only its line break and what follows it; the whitespace before belongs to the value
# either way.
obs_fold = re.compile(r"\r\n[ \t]+")

# RFC 9110 section 5.6.4
QUOTED_STRING = r'"(?:[\t\x20!#-\[\]-~\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'

# RFC 9112 section 7.1.1, with the bad whitespace that section 5.6.3 of RFC 9110 says must be parsed.
CHUNK_EXT = rf"(?:[ \t]*;[ \t]*{TOKEN}(?:[ \t]*=[ \t]*(?:{TOKEN}|{QUOTED_STRING}))?)*"
chunk_line = re.compile(rf"([0-9A-Fa-f]+)({CHUNK_EXT})")  # RFC 9112 section 7.1

content_length = re.compile(r"[0-9]+")  # RFC 9110 section 8.6

# RFC 9112 section 7: a coding with its parameters.
PARAMETERS = rf"(?:[ \t]*;[ \t]*{TOKEN}[ \t]*=[ \t]*(?:{TOKEN}|{QUOTED_STRING}))*"
transfer_coding = re.compile(rf"({TOKEN})({PARAMETERS})")

# RFC 3986 section 3.2.2; an IP-literal's inside is checked by code. Ports end at 65535, so five digits are
# all there can be.
REG_NAME = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
IP_LITERAL = r"\[([0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+)\]"
HOST = rf"(?:{IP_LITERAL}|{REG_NAME})(?::([0-9]{{0,5}}))?"
host = re.compile(HOST)  # RFC 9110 section 7.2; the empty value is a case of its own
# RFC 9112 section 3.2.2, restricted to URIs with an authority: the only kind that this protocol can route.
absolute_form = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://([^/?]*)[^#]*")

# What no head may contain, wherever it stands: NUL, a CR that ends no line, an LF that no CR precedes (RFC
# 9112 section 2.2). A CR at the very end is undecided until the next octet comes.
illegal_in_head = re.compile(rb"\x00|\r(?!\n|\Z)|(?<!\r)\n")
illegal_in_lenient_head = re.compile(rb"\x00|\r(?!\n|\Z)")
