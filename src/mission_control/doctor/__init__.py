"""``mission-control doctor``: what is wrong here, and what to do about it.

Each check is a small function that gives findings. What a start of the daemon would check is checked by the start's own
code, and nothing is changed: no directory is made, no file is left behind, and a gateway is greeted and left.
"""
