"""The three loggers of the framework, under the names that programs configure from outside.

A leaf: it imports nothing of the package, so that every layer that may log can use it. ``waterspout.log``
shows the same objects to users, together with the formatter and the options.
"""

from __future__ import annotations

import logging

#: One line for each request that a server has answered.
access_log = logging.getLogger("tornado.access")

#: Errors of application code: exceptions nobody caught.
app_log = logging.getLogger("tornado.application")

#: Errors and warnings of the framework itself, mostly about what a peer sent.
gen_log = logging.getLogger("tornado.general")
