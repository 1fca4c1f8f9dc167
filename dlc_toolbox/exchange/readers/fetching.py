"""Images to label that are no files yet: frames decoded from videos, each video once, and pictures inside of files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlc_common import is_users_error
from dlc_common.images import IMAGE_SUFFIXES, as_png, read_image
from dlc_common.progress import tqdm
from dlc_toolbox.exchange.readers.found import Found, FrameOf, LeftOut
from dlc_toolbox.video.video import Video


def fetch(found: Found) -> Found:
    """Make the images of labels that are frames of videos, or inside of a file.

    Parameters
    ----------
    found : Found
        As a reader returns it.

    Returns
    -------
    Found
        Without the images that cannot be made.
    """
    videos, others = defaultdict[Path, dict[int, list[str]]](dict), dict[str, Callable[[], np.ndarray]]()
    for row in found.images:
        pending = found.pending.get(row)
        if isinstance(pending, FrameOf):
            videos[pending.video].setdefault(pending.number, []).append(row)
        elif pending is not None:
            others[row] = pending
    left_out = [entry for video, rows in videos.items() for entry in _decode(video, rows, found.images)]
    for row, make in others.items():
        try:
            _write(found.images[row], make())
        except Exception as error:  # h5py and OpenCV raise many types on damaged files
            left_out.append(LeftOut(row, f"cannot be read: {' '.join(str(error).split())}"))
    return found.without(left_out)


def _decode(video: Path, rows: Mapping[int, Sequence[str]], images: Mapping[str, Path]) -> list[LeftOut]:
    """Write frames of a video, decoded from its start, because no seeking finds a frame for sure.

    A frame may be the image of several rows, where a project lists a video twice.
    """
    wanted, number = dict(rows), -1
    try:
        frames = Video(video)
        progress = tqdm(frames, desc=video.name, total=max(rows) + 1, unit="frame", leave=False)
        for number, frame in enumerate(progress):
            if frame is not None:
                for row in wanted.pop(number, []):
                    _write(images[row], frame)
            if number >= max(rows):
                break
    except Exception as error:
        if not is_users_error(error):
            raise
        why = f"is of {video.name}, which cannot be decoded: {error}"
        return [LeftOut(row, why) for of_frame in rows.values() for row in of_frame]
    return [
        LeftOut(
            row,
            f"is a frame of {video.name} that cannot be decoded"
            if frame <= number
            else f"is beyond the {number + 1} frames of {video.name}",
        )
        for frame, of_frame in wanted.items()
        for row in of_frame
    ]


def _write(path: Path, picture: np.ndarray) -> None:
    """Write a picture into the scratch folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_png(picture))


def of_one_type(found: Found, scratch: Path) -> Found:
    """Return the labels with images of one type that is read here: else all that are no png become one.

    Parameters
    ----------
    found : Found
        All of its images can be read.
    scratch : Path
        Folder for the images that are made.
    """
    suffixes = {Path(row).suffix.lower() for row in found.images}
    if len(suffixes) == 1 and suffixes <= IMAGE_SUFFIXES:
        return found
    others = [row for row in found.images if Path(row).suffix.lower() != ".png"]
    names = {row: f"{row.removesuffix(Path(row).suffix)}.png" for row in others}
    first = {name: row for row, name in reversed(names.items())} | {row: row for row in found.images}
    taken = [row for row, name in names.items() if first[name] != row]
    found = found.without(LeftOut(row, "is there under the same name as another type, too") for row in taken)
    made = {row: name for row, name in names.items() if row in found.images}
    images = dict(found.images)
    for row, name in made.items():
        images[row] = scratch / "png" / name
        _write(images[row], read_image(found.images[row]))
    types = ", ".join(sorted(suffix or "without suffix" for suffix in suffixes))
    told = f"images of the types {types}: {len(made)} of them become png, with the same pixels"
    return replace(found, images=images, remarks=(*found.remarks, told)).renamed(made)
