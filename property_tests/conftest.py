"""Settings for every property test.

``CONFORM_EXAMPLES`` is the number of examples of each test (500). Under ``CI`` the examples are the same in
every run. No deadline: what takes long is the machine's business; that it does not grow is tested elsewhere,
by counting.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "conform",
    max_examples=int(os.environ.get("CONFORM_EXAMPLES", "500")),
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("conform")
