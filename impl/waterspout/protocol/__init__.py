"""Protocols without I/O: bytes in, events out; events in, bytes out.

Nothing in this package opens a socket, reads a clock, writes a log or knows an event loop.
"""
