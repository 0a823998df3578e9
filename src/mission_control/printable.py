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
_JSON_ESCAPES: Final = {code: f"\\u{code:04x}" for code in (*range(127, 160), *_DECEIVING)}


def one_line(text: str) -> str:
    """``text`` with everything escaped that is not plainly a character on this line."""
    return text.translate(_ESCAPES)


def json_line(document: bytes) -> str:
    """JSON that says the same and holds nothing that drives a terminal; JSON itself escapes the other controls."""
    return document.decode().translate(_JSON_ESCAPES)
