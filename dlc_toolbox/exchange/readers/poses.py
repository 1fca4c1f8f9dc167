"""Tables of poses: what a network found in the frames of a video. They come in as machine labels of images here."""

from __future__ import annotations

from dlc_common import UsersError
from dlc_toolbox.exchange.readers.found import Found
from dlc_toolbox.exchange.readers.source import Source
from dlc_toolbox.exchange.readers.tables import is_table
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, read_poses, scorer_of

KIND = "a table of poses in the frames of a video"


def is_poses(source: Source) -> bool:
    """Tell a table with likelihoods whose rows are frames."""
    if not is_table(source):
        return False
    try:
        table = read_poses(source.path)
    except UsersError:
        return False
    return not any(isinstance(row, str) for row in table.index)


def read_frames(source: Source) -> Found:
    """Read poses; the name of the file tells the video, and frames are matched with images later."""
    table = read_poses(source.path)
    values = points(table)
    return Found(
        source.path,
        make_table(scorer_of(table), bodyparts_of(table), table.index, values[..., :2]),
        {},
        kind=KIND,
        likelihoods=values[..., 2],
        frames_of=source.path.stem,
    )
