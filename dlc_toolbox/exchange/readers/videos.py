"""The videos of a source become settings: those to pick frames of, and the folder of those to analyze."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlc_common.culprits import in_short
from dlc_toolbox.exchange.readers.found import Found, FrameOf


def with_videos(found: Found) -> Found:
    """Return what was found with the settings that name its videos, and a remark where one of them cannot.

    Parameters
    ----------
    found : Found
        Where its reader lists no videos, those that its images are frames of count.
    """
    made = [*found.frames.values(), *found.pending.values()]
    videos = found.videos or tuple(dict.fromkeys(each.video for each in made if isinstance(each, FrameOf)))
    if not videos or found.likelihoods is not None:
        return found
    ours = videos_settings([video.resolve() for video in videos])
    settings = {name: {**found.settings.get(name, {}), **ours.get(name, {})} for name in {**found.settings, **ours}}
    return replace(found, settings=settings, remarks=(*found.remarks, *_remarks(videos)))


def videos_settings(videos: Sequence[Path]) -> dict[str, Mapping[str, Any]]:
    """Return the settings that name some videos, by file.

    Parameters
    ----------
    videos : sequence of Path
        Whole paths, of at least one video. `videofolder` and `videotype` are one folder and one suffix, so they are
        left as they are where the videos have several.

    Returns
    -------
    dict of str to mapping

    Examples
    --------
    >>> videos_settings([Path("/data/day1.mp4"), Path("/data/day2.mp4")])["myconfig.py"]
    {'vidpath': '/data', 'filename': ['day1.mp4', 'day2.mp4']}
    >>> videos_settings([Path("/data/day1.mp4"), Path("/data/day2.mp4")])["myconfig_analysis.py"]
    {'videofolder': '/data', 'videotype': '.mp4'}
    >>> videos_settings([Path("/data/a/day1.mp4"), Path("/data/b/day1.mp4")])
    {'myconfig.py': {'vidpath': '.', 'filename': ['/data/a/day1.mp4', '/data/b/day1.mp4']}}
    """
    home = videos[0].parent
    if len({video.parent for video in videos}) > 1:
        return {"myconfig.py": {"vidpath": ".", "filename": [video.as_posix() for video in videos]}}
    named = {"vidpath": home.as_posix(), "filename": [video.name for video in videos]}
    if len({video.suffix.lower() for video in videos}) > 1:
        return {"myconfig.py": named}
    return {
        "myconfig.py": named,
        "myconfig_analysis.py": {"videofolder": home.as_posix(), "videotype": videos[0].suffix.lower()},
    }


def _remarks(videos: Sequence[Path]) -> tuple[str, ...]:
    """Say why `videofolder` stays as it is, where it does."""
    folders = sorted({str(video.parent) for video in videos})
    suffixes = sorted({video.suffix.lower() for video in videos})
    if len(folders) == len(suffixes) == 1:
        return ()
    several = f"in {len(folders)} folders, {in_short(folders)}"
    several = several if len(folders) > 1 else f"files of {' and '.join(suffixes)}"
    return (
        f"its videos are {several}; videofolder and videotype can name one, and are not set: name the videos in the "
        "command of AnalyzeVideos.py",
    )
