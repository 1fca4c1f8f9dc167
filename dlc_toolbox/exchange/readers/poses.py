"""Tables of poses: what a network found in the frames of a video. They come in as machine labels of images here."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd

from dlc_common import UsersError
from dlc_toolbox.exchange.readers.found import Found, LeftOut
from dlc_toolbox.exchange.readers.source import Source
from dlc_toolbox.exchange.readers.tables import is_table, read_sound_rows
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, scorer_of

KIND = "a table of poses in the frames of a video"


def is_poses(source: Source) -> bool:
    """Tell a table with likelihoods of which most rows are frames."""
    if not is_table(source):
        return False
    try:
        table, _ = read_sound_rows(source.path, source.scratch)
    except UsersError:
        return False
    has_likelihoods = "likelihood" in table.columns.get_level_values("coords")
    frames = sum(_frame(row) is not None for row in table.index)
    return has_likelihoods and 2 * frames > len(table)


def read_frames(source: Source) -> Found:
    """Read poses; the name of the file tells the video, and frames are matched with images later.

    Raises
    ------
    ToolboxError
        When the file is no table.
    """
    table, left_out = read_sound_rows(source.path, source.scratch)
    table, without = _of_frames(table)
    values = points(table)
    return Found(
        source.path,
        make_table(scorer_of(table), bodyparts_of(table), table.index, values[..., :2]),
        {},
        kind=KIND,
        likelihoods=values[..., 2],
        frames_of=source.path.stem,
        left_out=(*left_out, *without),
    )


def _frame(row: object) -> int | None:
    """Return the number of the frame that names a row; None where it is none."""
    with suppress(ValueError):
        number = float(str(row))
        return int(number) if number >= 0 and number.is_integer() else None
    return None


def _of_frames(table: pd.DataFrame) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Return the rows that are frames, by their numbers, and the others."""
    rows, left_out = dict[int, int](), list[LeftOut]()
    for place, row in enumerate(table.index):
        frame = _frame(row)
        if frame is None or frame in rows:
            left_out.append(LeftOut(f"row {row}", "is no frame" if frame is None else "is a frame that is there twice"))
        else:
            rows[frame] = place
    return table.iloc[list(rows.values())].set_axis(list(rows)), left_out
