"""Points in space, shown: a page beside their table, and a clip on request."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.space import Points
from dlc_toolbox.cameras.trials import Trial
from dlc_toolbox.cameras.triangulate import COORDS
from dlc_toolbox.pictures.drawing import make_look
from dlc_toolbox.pictures.space import CLIP_SIZE, Scene, draw_scene, write_scene
from dlc_toolbox.poses.network import Network
from dlc_toolbox.project import layout, records, tables
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.video.video import writing_video

log = logging.getLogger(__name__)

_FINEST_RATE = 1000
_FASTEST = 60  # frames per second of a clip, as a screen shows them


def show_trial(
    trial: Trial,
    table: Path,
    network: Network,
    settings: AnalysisSettings,
    views: Sequence[Sequence[str]] = (),
    *,
    span_s: tuple[float, float] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a page on which the points can be turned, and a clip of some seconds, unless they are current.

    Parameters
    ----------
    trial : Trial
        Whose points.
    table : Path
        As `space.triangulate_trial` returns it.
    network : Network
        Whose body parts they are.
    settings : AnalysisSettings
        colormap and skeleton.
    views : sequence of sequences of str, optional
        The setting `views`, for cameras that share a video.
    span_s : (float, float), optional
        Seconds of the clip.
    overwrite : bool
        Whether to make again what is current.

    Raises
    ------
    ToolboxError
        When the clip has no frame, or the system refuses to write.
    """
    points = Points.of(trial, network.bodyparts, views)
    skeleton = points.pairs(settings.skeleton)
    fps = float(records.read(layout.pose_record(table))["fps"])
    shaping: dict[str, Any] = {"colormap": settings.colormap, "skeleton": skeleton, "fps": fps}
    files = {layout.space_page(table): shaping}
    if span_s:
        files[layout.space_clip(table, *span_s)] = shaping | {"clip": span_s}
    stale = {
        path: output
        for path, chosen in files.items()
        if not (
            output := records.Output(path.name, _record(path), [path], records.describe({"points": table}, chosen))
        ).is_current(overwrite)
    }
    if not stale:
        return
    scene = _scene(table, points, settings, skeleton, fps)
    for path, output in stale.items():
        output.start()
        if path.suffix == ".html":
            write_scene(scene, f"{trial.name} in space", path)
        else:
            assert span_s
            _write_clip(scene, span_s, path)
        output.write_record()
        log.info("Wrote %s", path)


def _record(path: Path) -> Path:
    """Return what tells what a page or a clip was made from; the table has a record of the same stem as the page."""
    return layout.pose_record(path.with_name(f"{path.stem}_page.html") if path.suffix == ".html" else path)


def _scene(
    table: Path, points: Points, settings: AnalysisSettings, skeleton: list[tuple[int, int]], fps: float
) -> Scene:
    """Read what is drawn."""
    values = tables.points(tables.read_table(table, COORDS), points.names, COORDS)
    return Scene(
        values[..., :3],
        np.nan_to_num(values[..., COORDS.index("doubtful")]) > 0,
        make_look(points.names, settings.colormap),
        skeleton,
        fps,
    )


def _write_clip(scene: Scene, span_s: tuple[float, float], path: Path) -> None:
    """Write a clip of some seconds, frame by frame."""
    first, last = (round(second * scene.fps) for second in span_s)
    moments = list(range(first, min(last, len(scene.points))))[:: max(1, round(scene.fps / _FASTEST))]
    if not moments:
        raise ToolboxError(
            f"there is no moment from {span_s[0]:g} to {span_s[1]:g} s (--clip): the points end after "
            f"{len(scene.points) / scene.fps:.2f} s"
        )
    rate = Fraction(scene.fps / max(1, round(scene.fps / _FASTEST))).limit_denominator(_FINEST_RATE)
    with writing_video(path, *CLIP_SIZE, rate) as write:
        for frame in tqdm(draw_scene(scene, moments), path.name, len(moments)):
            write(frame)
