"""The actor types: thin, asynchronous, one file each. Their logic is in ``mission_control.core``."""
