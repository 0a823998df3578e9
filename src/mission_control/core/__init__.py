"""The pure core: no trio, no clock, no randomness, no I/O.

Everything that depends on time takes ``now`` as an argument, in milliseconds since the Unix epoch unless its name
says otherwise.
"""
