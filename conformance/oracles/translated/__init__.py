"""Autobahn|Testsuite on a supported Python: its installed package, translated while it is imported.

The package is written for Python 2.7 and stays as it was installed; nothing of it is copied. Three steps make a module
of it run here:

``syntax``
    fissix, the kept-up fork of lib2to3, turns what Python 3 cannot parse (``print x``, ``except E, e``) into what it
    can.
``meaning``
    The syntax tree is changed where the same words mean something else: division, methods that are gone, classes.
``python2``
    The module gets built-in names of its own, and stand-ins for modules that take bytes where Python 2 took strings.

A string of Python 2 is octets, and stays a ``str`` here: each octet is the character with its number. ``boundary``
turns such strings into bytes and back where the suite meets the autobahn library, which runs on Python 3 as it is.
``importing`` puts this together; ``python -m conformance.oracles.translated`` takes the arguments of ``wstest``.
"""
