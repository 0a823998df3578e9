"""Text from gateways and agents made safe to print: one line that cannot drive the terminal or forge another."""

from typing import Final

_CONTROLS: Final = (*range(32), *range(127, 160))
# Line separators, and the marks that make text run backwards (https://trojansource.codes, CVE-2021-42574).
_DECEIVING: Final = (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES: Final = {
    **{code: f"\\x{code:02x}" for code in _CONTROLS},
    **{code: f"\\u{code:04x}" for code in _DECEIVING},
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}


def one_line(text: str) -> str:
    """``text`` with everything escaped that is not plainly a character on this line."""
    return text.translate(_ESCAPES)
