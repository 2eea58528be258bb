"""The interfaces of older releases, 2.4 to 5.1, that the current one no longer has.

They stand on top of the other layers and use what those offer. Programs find them under their old names:
``waterspout.gen.engine``, ``waterspout.concurrent.return_future``, ``waterspout.stack_context``. Each warns of
its deprecation where it is used.
"""
