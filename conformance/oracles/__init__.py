"""Other judges of the same ground: Autobahn, h11, httptools, wsproto."""
