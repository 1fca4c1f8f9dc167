"""A csv that any program opens: one row a frame with its time in seconds, one row of names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.files import replacing
from dlc_toolbox.exchange.writers.poses import TRUSTED, Piece, Poses
from dlc_toolbox.project.tables import POSE_COORDS


def files(poses: Poses, folder: Path) -> list[Path]:
    """Name the file: that of the pose table and ``_seconds.csv``."""
    return [folder / f"{poses.table.stem}_seconds.csv"]


def write(poses: Poses, files: Sequence[Path]) -> None:
    """Write the columns frame, time_s, and for each part <part>_x, _y, _likelihood, _error_px and _radius90_px.

    Parameters
    ----------
    poses : Poses
        Where nothing tells when frames are shown, there is no time_s; where nothing tells how far off poses may be,
        there are no errors.
    files : sequence of Path
        As `files` names them.

    Raises
    ------
    UsersError
        When a table is damaged, or the system refuses to write.
    """
    with replacing(files[0]) as temporary:
        for piece in poses.pieces():
            table = _table(piece, poses.bodyparts)
            table.to_csv(temporary, mode="a", index=False, header=piece.first == 0, na_rep="NaN")


def _table(piece: Piece, bodyparts: Sequence[str]) -> pd.DataFrame:
    """Return the rows of a piece."""
    values = piece.poses if piece.trust is None else np.concatenate([piece.poses, piece.trust], axis=2)
    names = [f"{part}_{coord}" for part in bodyparts for coord in (*POSE_COORDS, *TRUSTED)[: values.shape[2]]]
    table = pd.DataFrame(values.reshape(len(values), -1), columns=names)
    if piece.times_s is not None:
        table.insert(0, "time_s", piece.times_s.round(6))
    table.insert(0, "frame", np.arange(piece.first, piece.first + len(values)))
    return table
