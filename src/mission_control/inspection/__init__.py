"""A running daemon seen from a terminal: its actors, and the messages that none of them could handle."""
