"""Hostile inputs, all made here: the same seed gives the same files."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import h5py
import numpy as np
import scipy.io
from PIL import Image

from dlc_common.files import seal
from dlc_toolbox.project.tables import make_table, write_table


def damages(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield damaged copies of a file: bits flipped, its end cut off, a stretch lost to zeros or noise."""
    rng = random.Random(seed)
    for _ in range(count):
        copy = bytearray(data)
        place, length = rng.randrange(len(copy)), rng.randrange(1, 600)
        kind = rng.choice(("flip", "flip", "cut", "zeros", "noise"))
        if kind == "flip":
            for _ in range(rng.choice((1, 1, 2, 8, 64))):
                copy[rng.randrange(len(copy))] ^= 1 << rng.randrange(8)
        elif kind == "cut":
            del copy[place:]
        else:
            lost = len(copy[place : place + length])
            copy[place : place + length] = bytes(lost) if kind == "zeros" else rng.randbytes(lost)
        yield bytes(copy)


def table(path: Path, images: int = 20) -> Path:
    """Write a sound label table."""
    rows = [f"day1/img{number}.png" for number in range(images)]
    values = np.random.default_rng(0).uniform(0, 100, (images, 2, 2))
    write_table(make_table("Ann", ["nose", "paw"], rows, values), path, csv=False)
    return path


def mat(path: Path, images: int = 5) -> Path:
    """Write a sound training set, not compressed, as v1 did."""
    entries = []
    for number in range(images):
        joints = np.empty((1, 1), object)
        joints[0, 0] = np.array([[0, 10.5, 20], [1, 30, 40.25 + number]])
        entries.append((f"../../day1/img{number}.png", np.array([[3, 120, 160]]), joints))
    dataset = np.array([entries], dtype=[(name, object) for name in ("image", "size", "joints")])
    scipy.io.savemat(path, {"dataset": dataset})
    return path


def snapshot(path: Path) -> Path:
    """Write the weights of two layers as a training does."""
    values = np.random.default_rng(0).normal(size=(3, 3, 4, 2)).astype(np.float32)
    with h5py.File(path, "w") as file:
        for layer in ("block1_unit_1_conv1", "block1_unit_1_conv2"):
            group = file.create_group(f"layers/{layer}/vars")
            group.attrs["name"] = layer
            group["0"] = values
    seal(path)
    return path


def video(path: Path, codec: str, frames: int = 20, size: tuple[int, int] = (64, 48)) -> Path:
    """Write a video of gray ramps; neighbouring frames differ by 10."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(25))
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        ramp = np.arange(size[0], dtype=np.uint8)[None, :, None] // 2
        for number in range(frames):
            pixels = np.full((size[1], size[0], 3), 10 * number % 200, np.uint8) + ramp
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def image(path: Path, size: tuple[int, int] = (30, 20)) -> Path:
    """Write an image of noise; the suffix tells its kind."""
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def stack(path: Path, pages: int = 4) -> Path:
    """Write a TIFF file of several pages."""
    pictures = [Image.fromarray(np.full((20, 30), 40 * page, np.uint8)) for page in range(pages)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return path


LABELS = [(12.0, 5.5, 1), (20.25, 7.0, 2), (31.0, 8.0, 3)]
"""x, y and slice of the clicks in every sound label file below."""


def _csv(rows: Sequence[str], header: str = " ,Area,X,Y,Slice") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


_ROWS = [f"{i},0,{x},{y},{place}" for i, (x, y, place) in enumerate(LABELS, 1)]

SOUND_LABELS = {
    "comma": _csv(_ROWS),
    "tab": _csv(_ROWS).replace(b",", b"\t"),
    "semicolon": _csv(_ROWS).replace(b",", b";"),
    "semicolon, decimal comma": _csv(_ROWS).replace(b",", b";").replace(b".", b","),
    "byte order mark": b"\xef\xbb\xbf" + _csv(_ROWS),
    "windows line ends": _csv(_ROWS).replace(b"\n", b"\r\n"),
    "old mac line ends": _csv(_ROWS).replace(b"\n", b"\r"),
    "utf-16": _csv(_ROWS).decode().encode("utf-16"),
    "unordered": _csv(_ROWS[::-1]),
    "quoted": _csv([",".join(f'"{cell}"' for cell in row.split(",")) for row in _ROWS]),
    "blank lines": _csv(["", _ROWS[0], " , , , , ", *_ROWS[1:], ""]),
    "no row numbers": _csv([row.split(",", 1)[1] for row in _ROWS], "Area,X,Y,Slice"),
    "spaces": _csv([row.replace(",", " , ") for row in _ROWS]),
    "no end of line at the end": _csv(_ROWS).rstrip(),
    "a title": b"Results of nose,,,,\n\n" + _csv(_ROWS),
    "a line for Excel": b"sep=;\r\n" + _csv(_ROWS).replace(b",", b";").replace(b".", b","),
}
"""Label files of one body part that say the same, by what is odd about them."""

BAD_LABELS = {
    "empty": (b"", "is empty"),
    "zero bytes": (bytes(300), "nose.csv"),
    "noise": (random.Random(0).randbytes(400), "nose.csv"),
    "a workbook": (b"PK\x03\x04" + bytes(50), "Excel"),
    "a web page": (b"<!DOCTYPE html>\n<html></html>\n", "is a web page, not a csv of clicks"),
    "no column Y": (_csv(_ROWS, " ,Area,X,Z,Slice"), "no column Y"),
    "no header": ("\n".join(_ROWS).encode(), "no column X"),
    "a word": (_csv([*_ROWS[:1], "2,0,left,7,2"]), "line 3: X is 'left'"),
    "not a number": (_csv([*_ROWS[:1], "2,0,inf,7,2"]), "line 3: X is 'inf'"),
    "a blank y": (_csv([*_ROWS[:1], "2,0,20,,2"]), "line 3"),
    "a blank slice": (_csv([*_ROWS[:1], "2,0,20,7,"]), "line 3"),
    "slice 0": (_csv(["1,0,20,7,0"]), "a whole number from 1, the number of the first image"),
    "a slice too many": (_csv([*_ROWS, "4,0,20,7,99"]), "line 5: Slice is 99"),
    "half a slice": (_csv(["1,0,20,7,1.5"]), "line 2"),
    "the same slice twice": (_csv([*_ROWS, "4,0,20,7,1"]), "in lines 2 and 5"),
    "decimal commas between commas": (_csv(["1,0,12,5,5,5,1"]), "line 2 has 7 cells"),
    "commas before thousands": (_csv(['1,0,"1,012",884,1', "2,0,97,880,2"]), "'1,012' could be a decimal number, or"),
    "points before thousands": (_csv(["1,0,1.012,884,1"]).replace(b",", b";"), "others are written as '884'"),
    "decimal points and commas": (_csv(["1;0;12,5;8.5;1"]).replace(b" ,Area,X,Y,S", b" ;Area;X;Y;S"), "'8.5' could be"),
    "cells between spaces": (_csv(_ROWS).replace(b",", b" "), "no tabs, commas or semicolons separate its cells"),
    "cells between bars": (_csv(_ROWS).replace(b",", b"|"), "no tabs, commas or semicolons separate its cells"),
    "a quote that never ends": (_csv(['1,0,"12,5.5,1', *_ROWS[1:]]), "nose.csv"),
    "a cell of a megabyte": (_csv([f"1,0,{'9' * 2**20},7,1"]), "nose.csv"),
}
"""Label files of one body part that cannot be believed, and what the message tells beside the file."""
