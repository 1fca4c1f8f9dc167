"""Pictures of motion JPEG that were cut off or overwritten, of which decoders show half without a word."""

from __future__ import annotations

import re

_SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)  # but none of those that restart the decoder
_AFTER_SCAN = (b"\xd8", b"\xd9", b"\xda", b"\xc4")  # a second field, the end, a further scan, its tables


class TornPictures:
    """Tells torn pictures of one stream from whole ones, which come in order.

    The coded part of a picture holds no markers but those that restart the decoder, and ends with one. Where a camera
    leaves that out from its first picture on, it is not missed.
    """

    def __init__(self) -> None:
        self._end_is_written: bool | None = None

    def is_torn(self, content: bytes) -> bool:
        """Look at the next picture."""
        begin = content.find(_SCAN)
        if begin < 0:
            return True
        ending = _MARKER.search(content, begin + len(_SCAN))
        if self._end_is_written is None:
            self._end_is_written = ending is not None
        return self._end_is_written if ending is None else ending[1] not in _AFTER_SCAN
