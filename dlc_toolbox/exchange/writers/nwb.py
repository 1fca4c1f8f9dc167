"""Poses as NWB (Neurodata Without Borders), with the extension ndx-pose; needs pynwb and ndx-pose.

References
----------
ndx-pose: Skeleton, PoseEstimationSeries and PoseEstimation in the processing module 'behavior'.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlc_common.files import replacing
from dlc_common.fingerprints import fingerprint
from dlc_common.hdf5 import writing_hdf5
from dlc_toolbox import SOFTWARE, ToolboxError, __version__
from dlc_toolbox.exchange.writers.datasets import Part, fill, storage
from dlc_toolbox.exchange.writers.poses import LIKELIHOOD, MEANINGS, ORIGIN, TRUSTED, Poses, joined
from dlc_toolbox.video.video import recorded_at

if TYPE_CHECKING:
    import pynwb

log = logging.getLogger(__name__)

_HOME = "processing/behavior"
_START_UNKNOWN = "session_start_time is not known: it is when the file of the video was last changed."


def files(poses: Poses, folder: Path) -> list[Path]:
    """Name the file: that of the pose table with ``.nwb``."""
    return [folder / f"{poses.table.stem}.nwb"]


def shaping(poses: Poses) -> dict[str, Any]:
    """Return what goes along beyond the poses."""
    return {"skeleton": poses.edges, "lab": poses.lab}


def check(poses: Poses, folder: Path) -> None:
    """Raise ToolboxError where no times in seconds are known, without which there is no NWB file."""
    if poses.clock.fps is None:
        raise ToolboxError(
            f"{poses.video.name}: NWB needs times in seconds, and nothing tells how fast it was recorded. Set fps in "
            "myconfig_analysis.py and run AnalyzeVideos.py, which then only notes the rate"
        )


def write(poses: Poses, files: Sequence[Path]) -> None:
    """Write a session with one PoseEstimation, and how far off poses may be where that is known.

    Parameters
    ----------
    poses : Poses
        With what people tell of session and subject. What they do not tell is left out; without a session_start_time
        it is when the recording says that it was made, and else when its file was last changed, which the notes say.
    files : sequence of Path
        As `files` names them.

    Raises
    ------
    UsersError
        When a field is unknown to pynwb, a table is damaged, or the system refuses to write.
    """
    import pynwb

    (path,) = files
    with replacing(path) as temporary:
        content = _session(poses)
        _add_poses(content, poses, path.parent)
        with writing_hdf5(temporary) as made, pynwb.NWBHDF5IO(file=made, mode="w") as file:
            file.write(content)
        fill(temporary, _parts(poses))


def _session(poses: Poses) -> pynwb.NWBFile:
    """Return the session and its subject."""
    import pynwb

    lab = poses.lab or {}
    told: dict[str, Any] = {
        "session_description": f"{poses.source[0].upper()}{poses.source[1:]}.",
        "identifier": str(uuid.UUID(hex=fingerprint(poses.table))),
        "session_start_time": _start(poses.video),
        **lab.get("NWBFile", {}),
    }
    if told["session_start_time"] is None:
        changed = datetime.fromtimestamp(poses.video.stat().st_mtime, timezone.utc)
        log.warning(
            "%s: nothing tells when it was recorded, so session_start_time is when its file was last changed, %s. "
            "Write the right one into nwb.yaml",
            *(poses.video.name, changed.isoformat(timespec="seconds")),
        )
        told |= {"session_start_time": changed, "notes": " ".join(filter(None, [told.get("notes"), _START_UNKNOWN]))}
    session = _made(pynwb.NWBFile, _with_times(told, "session_start_time", "timestamps_reference_time"), "NWBFile")
    if subject := lab.get("Subject"):
        session.subject = _made(pynwb.file.Subject, _with_times(subject, "date_of_birth"), "Subject")
    return session


def _start(video: Path) -> datetime | None:
    """Return when a recording says that it was made."""
    return recorded_at(video) if video.is_file() else None


def _with_times(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return what people tell, with texts of times as times; one without a time zone is of this machine's."""
    found = dict(told)
    for name in names:
        if isinstance(found.get(name), str):
            try:
                found[name] = datetime.fromisoformat(found[name])
            except ValueError:
                raise ToolboxError(
                    f"nwb.yaml: {name} is {found[name]!r}; write it as 2026-05-01T14:30:00+02:00"
                ) from None
        if isinstance(found.get(name), datetime) and found[name].tzinfo is None:
            found[name] = found[name].astimezone()
    return found


def _made(kind: type, fields: Mapping[str, Any], name: str) -> Any:
    """Make an object of pynwb, or say in its words what is wrong with the fields that people wrote."""
    try:
        return kind(**fields)
    except (TypeError, ValueError) as error:
        raise ToolboxError(f"nwb.yaml: {name} does not fit: {' '.join(str(error).split())}") from error


def _add_poses(session: pynwb.NWBFile, poses: Poses, folder: Path) -> None:
    """Add skeleton, poses and errors; the values along time are filled in later."""
    import ndx_pose

    behavior = session.create_processing_module("behavior", "poses of the animal, found in the video")
    edges = {"edges": np.array(poses.skeleton, dtype=np.uint8)} if poses.skeleton else {}
    subject = {"subject": session.subject} if session.subject else {}
    skeleton = ndx_pose.Skeleton(name="skeleton", nodes=list(poses.bodyparts), **edges, **subject)
    behavior.add(ndx_pose.Skeletons(skeletons=[skeleton]))
    behavior.add(
        ndx_pose.PoseEstimation(
            pose_estimation_series=_series(poses),
            description=f"{poses.source[0].upper()}{poses.source[1:]}: {joined(poses.bodyparts)}.",
            scorer=poses.scorer,
            source_software=SOFTWARE,
            source_software_version=__version__,
            skeleton=skeleton,
            **_source_video(session, poses, folder),
        )
    )
    for name in TRUSTED if poses.confidence else ():
        behavior.add(_errors(poses, name))


def _series(poses: Poses) -> list[Any]:
    """Return the poses of each part, which share the times of the first."""
    import ndx_pose

    series: list[Any] = []
    for part in poses.bodyparts:
        series.append(
            ndx_pose.PoseEstimationSeries(
                name=part,
                data=_empty(poses.frames, 2),
                confidence=_empty(poses.frames),
                confidence_definition=LIKELIHOOD,
                description=f"Place of {part} in the frames of the video.",
                reference_frame=ORIGIN,
                comments=poses.remark or "no comments",
                unit="pixels",
                **_times(poses, series[0] if series else None),
            )
        )
    return series


def _errors(poses: Poses, name: str) -> Any:
    """Return one of `TRUSTED`, with a column for each part."""
    import pynwb

    return pynwb.TimeSeries(
        name=name,
        data=_empty(poses.frames, len(poses.bodyparts)),
        unit="pixels",
        description=f"{MEANINGS[name]}. One column for each node of the skeleton, in its order; NaN: not known.",
        **_times(poses, None),
    )


def _source_video(session: pynwb.NWBFile, poses: Poses, folder: Path) -> dict[str, Any]:
    """Add a link to the file of the video, as seen from the NWB file; a folder of images has none."""
    import pynwb

    if not poses.video.is_file():
        return {}
    video = pynwb.image.ImageSeries(
        name="video",
        description="The recording that was analyzed.",
        external_file=[Path(os.path.relpath(poses.video, folder)).as_posix()],
        format="external",
        starting_frame=[0],
        dimension=[int(poses.record["width"]), int(poses.record["height"])],
        unit="n.a.",
        **({"num_samples": poses.frames} if poses.clock.is_even else {}),
        **_times(poses, None),
    )
    session.add_acquisition(video)
    return {"source_video": video}


def _times(poses: Poses, like: Any) -> dict[str, Any]:
    """Return when the frames are shown: by a rate, or by the times of each, shared with a series that has them."""
    if poses.clock.is_even:
        return {"rate": poses.clock.fps, "starting_time": 0.0}
    return {"timestamps": poses.clock.times_s if like is None else like}


def _empty(*shape: int) -> Any:
    """Return values that are filled in later."""
    from hdmf.backends.hdf5 import H5DataIO

    return H5DataIO(shape=shape, dtype=np.float64, fillvalue=np.nan, **storage(shape))


def _parts(poses: Poses) -> Iterator[tuple[int, list[Part]]]:
    """Yield the values along time."""
    for piece in poses.pieces():
        parts = []
        for place, name in enumerate(poses.bodyparts):
            home = f"{_HOME}/PoseEstimation/{name}"
            parts += [
                Part(f"{home}/data", piece.poses[:, place, :2]),
                Part(f"{home}/confidence", piece.poses[:, place, 2]),
            ]
        if piece.trust is not None:
            parts += [Part(f"{_HOME}/{name}/data", piece.trust[..., place]) for place, name in enumerate(TRUSTED)]
        yield piece.first, parts
