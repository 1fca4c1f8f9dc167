"""How files of video are put together, which tells what players pass over in silence."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

_HEADER_BYTES, _LONG_BYTES = 8, 16
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_MOST_BOXES = 100_000  # of a damaged file, or one of very many fragments
_ASF, _ASF_FACTS = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_HEAD_BYTES = 2**10
_GIF_DELAY = re.compile(rb"\x21\xf9\x04.(..).\x00", re.DOTALL)  # in 1/100 s
_ASF_BYTES = 2**16  # in which it tells how long it is
_BEGINNINGS = {b"FLV\x01": 13, _ASF: 16, b"YUV4MPEG2 ": 10}
_BEGINNINGS |= {b"DKIF\0\0": 16, b"nut/multimedia container": 25}
"""Of FLV, ASF (WMV), Y4M, IVF and NUT: how many bytes are never found further on in a file."""

_FIRST = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}


def boxes_of(path: Path) -> list[tuple[bytes, bool]]:
    """List the outermost boxes of a file, up to where they can be followed.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    list of (bytes, bool)
        The type of each, of four letters, and whether it ends within the file; empty when the file is of another kind.
    """
    found: list[tuple[bytes, bool]] = []
    with path.open("rb") as file:
        end = file.seek(0, 2)
        place = 0
        while place + _HEADER_BYTES <= end and len(found) < _MOST_BOXES:
            file.seek(place)
            head = file.read(_LONG_BYTES)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if not found and kind not in _FIRST:
                return []
            least = _HEADER_BYTES
            if size == 1:
                size, least = int.from_bytes(head[8:16], "big"), _LONG_BYTES
            found.append((kind, place + size <= end))
            if size < least:  # 0: up to the end
                break
            place += size
    return found


def is_unfinished(path: Path) -> bool:
    """Tell a file that was cut off before its index, which cameras write in the end."""
    boxes = boxes_of(path)
    has_index = any(is_whole for kind, is_whole in boxes if kind in (b"moov", b"moof"))
    return b"mdat" in dict(boxes) and not has_index


def is_joined(path: Path) -> bool:
    """Tell a file of several, one behind the other, in a format whose readers see only the first for sure."""
    return sum(kind == b"moov" for kind, _ in boxes_of(path)) > 1 or _segments(path) > 1 or _begins_again(path)


def asf_duration_s(path: Path) -> float:
    """Return how long a file of ASF (WMV) says it is, also where it is cut off, in seconds; 0 where it does not."""
    with path.open("rb") as file:
        head = file.read(_ASF_BYTES)
    place = head.find(_ASF_FACTS)
    if not head.startswith(_ASF) or place < 0 or place + 88 > len(head):
        return 0.0
    played, before_ms = (int.from_bytes(head[place + at : place + at + 8], "little") for at in (64, 80))  # 100 ns, ms
    return max(played / 1e7 - before_ms / 1e3, 0.0)


def tells_no_rate(path: Path) -> bool:
    """Tell a Y4M file without a rate, or a GIF whose pictures all have none: FFmpeg makes one up for them."""
    with path.open("rb") as file:
        head = file.readline(_HEAD_BYTES)
        if head.startswith(b"YUV4MPEG2"):
            return not re.search(rb" F[1-9]\d*:[1-9]", head)
        delays = re.findall(_GIF_DELAY, head + file.read()) if head.startswith(b"GIF8") else []
    return bool(delays) and not any(map(any, delays))


def _begins_again(path: Path) -> bool:
    """Tell a file in which another one of its format begins; those whose readers stop there are searched whole."""
    with path.open("rb") as file:
        head = file.read(max(_BEGINNINGS.values()))
        length = next((length for mark, length in _BEGINNINGS.items() if head.startswith(mark)), 0)
        if not length:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(head[:length], length) > 0


def _segments(path: Path) -> int:
    """Count the segments of a Matroska or WebM file; each recording is one."""
    count = 0
    with path.open("rb") as file:
        end = file.seek(0, 2)
        place = 0
        while place + _LONG_BYTES <= end:
            file.seek(place)
            head = file.read(_LONG_BYTES)
            if head[:4] not in (_EBML, _SEGMENT):
                break
            count += head[:4] == _SEGMENT
            length = 9 - head[4].bit_length()  # of the number that follows, of up to 8 bytes
            size = int.from_bytes(head[4 : 4 + length], "big") & ((1 << 7 * length) - 1)
            if length > 8 or size == (1 << 7 * length) - 1:  # unknown: up to the end
                break
            place += 4 + length + size
    return count
