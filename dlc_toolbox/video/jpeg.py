"""Pictures of motion JPEG that were cut off or overwritten, of which decoders show half without a word."""

from __future__ import annotations

import numpy as np

_MARK, _STUFFED, _BEGIN, _END, _SCAN, _TABLES = 0xFF, 0x00, 0xD8, 0xD9, 0xDA, 0xC4
_RESTARTS = 0xD0, 0xD7


class TornPictures:
    """Tells torn pictures of one stream from whole ones, which come in order.

    The coded part of a picture holds no markers but those that restart the decoder, and ends with one. Where a camera
    leaves that out from its first picture on, it is not missed.
    """

    def __init__(self):
        self._end_is_written: bool | None = None

    def is_torn(self, content: bytes | memoryview) -> bool:
        """Look at the next picture."""
        read = np.frombuffer(content, np.uint8)
        kinds = read[np.flatnonzero(read[:-1] == _MARK) + 1]
        begins = np.flatnonzero(kinds == _SCAN)
        if not len(begins):
            return True
        coded = kinds[begins[0] + 1 :]
        is_coded = (coded == _STUFFED) | (coded == _MARK) | ((coded >= _RESTARTS[0]) & (coded <= _RESTARTS[1]))
        ending = coded[~is_coded][:1].tolist()
        if self._end_is_written is None:
            self._end_is_written = ending != []
        return self._end_is_written if not ending else ending[0] not in (_END, _SCAN, _TABLES, _BEGIN)
