"""Other judges of the same ground: Autobahn."""
