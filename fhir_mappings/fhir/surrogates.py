r"""Half characters in JSON text, which strict readers refuse.

A sender that cuts a note inside an emoji writes one half of a surrogate pair, `\ud83d`, and no reader of UTF-8 has a
character for it. One broken character in one note must not cost the whole call, so it is replaced as decoders do.
"""

from __future__ import annotations

import re

# An escape is taken whole, from left to right, so that an escaped backslash before `ud83d` is left alone.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_REPLACEMENT = rb"\ufffd"


def without_lone_surrogates(text: bytes) -> bytes:
    """Return JSON text with U+FFFD in place of each lone surrogate escape; the same object where there is none."""
    if rb"\ud" not in text and rb"\uD" not in text:
        return text
    repaired = _ESCAPE.sub(lambda found: _REPLACEMENT if found[1] else found[0], text)
    return text if repaired == text else repaired
