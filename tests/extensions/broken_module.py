"""A module that cannot be imported."""

raise ModuleNotFoundError("No module named 'left_pad'", name="left_pad")
