"""The shapes that a TensorFlow checkpoint claims, read without TensorFlow, which ends the process at impossible ones.

An ``.index`` is a table of LevelDB's form: blocks of entries whose keys leave out what they share with the key before,
and a block of those blocks, which the last 48 bytes point at. Values are protocol buffers.

References
----------
https://github.com/google/leveldb/blob/main/doc/table_format.md
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/tensor_bundle.proto
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_FOOTER_BYTES = 48
_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers
_SHAPE, _DIMENSION, _SIZE = 2, 2, 1  # numbers of the fields


def claimed_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Read which variables a checkpoint claims to hold, and how large they are.

    Parameters
    ----------
    path : Path
        The ``.index`` of a checkpoint.

    Returns
    -------
    dict of str to tuple of int
        Shapes by the names of the variables; a damaged one may be negative.

    Raises
    ------
    ValueError
        When it is no such file, or damaged.
    """
    content = path.read_bytes()
    if len(content) < _FOOTER_BYTES or not content.endswith(_MAGIC):
        raise ValueError("no index of a checkpoint")
    try:
        footer = content[-_FOOTER_BYTES:]
        _, _, place = _handle(footer, 0)
        offset, size, _ = _handle(footer, place)
        shapes = {}
        for _, handle in _entries(_block(content, offset, size)):
            for key, entry in _entries(_block(content, *_handle(handle, 0)[:2])):
                if key:  # the first describes the checkpoint itself
                    shapes[key.decode("utf-8", errors="replace")] = _shape(entry)  # keys of parts are no text
        return shapes
    except IndexError as error:
        raise ValueError("it ends too early") from error


def _block(content: bytes, offset: int, size: int) -> bytes:
    """Return the entries of a block; behind them stand places to start at, their number, the kind and a checksum."""
    if content[offset + size] != 0:
        raise ValueError("compressed")
    block = content[offset : offset + size]
    return block[: max(size - 4 - 4 * int.from_bytes(block[-4:], "little"), 0)]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of each entry of a block."""
    place, key = 0, b""
    while place < len(block):
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + own]
        place += own + length
        yield key, block[place - length : place]


def _shape(entry: bytes) -> tuple[int, ...]:
    """Return the shape in the description of a variable."""
    dimensions = [
        dimension
        for number, shape in _fields(entry)
        if number == _SHAPE and isinstance(shape, bytes)
        for field, dimension in _fields(shape)
        if field == _DIMENSION and isinstance(dimension, bytes)
    ]
    sizes = [dict(_fields(dimension)).get(_SIZE, 0) for dimension in dimensions]
    return tuple(size - 2**64 if size >= 2**63 else size for size in sizes if isinstance(size, int))


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a protocol buffer: a number, or bytes."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        if tag & 7 == _VARINT:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(tag & 7)
        if tag & 7 == _LENGTH:
            length, place = _varint(message, place)
        if length is None:
            raise ValueError(f"unknown wire type {tag & 7}")
        yield tag >> 3, message[place : place + length]
        place += length


def _handle(content: bytes, place: int) -> tuple[int, int, int]:
    """Return where a block begins, its size, and where what follows begins."""
    offset, place = _varint(content, place)
    size, place = _varint(content, place)
    return offset, size, place


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the lowest first, and where what follows begins."""
    value = 0
    for shift in range(0, 64, 7):
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), place
    raise ValueError("a number of more than 64 bits")
