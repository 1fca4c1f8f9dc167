"""What only people can tell of a session and its animal, for NWB: a small yaml file that they write."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dlc_common.yaml_text import read_yaml
from dlc_toolbox import ToolboxError

SECTIONS = ("NWBFile", "Subject")
"""Named as in pynwb, and as in the metadata of neuroconv."""
_OF_VIDEOS = "videos"


@dataclass(frozen=True)
class Lab:
    """The content of such a file.

    Parameters
    ----------
    sections : mapping
        What counts for all videos, by section.
    videos : mapping
        What counts for one, by the name of the video and section; it goes before the rest.
    """

    sections: Mapping[str, Mapping[str, Any]]
    videos: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def of(self, video: Path) -> dict[str, dict[str, Any]]:
        """Return what counts for a video, by section; times as texts, as json holds them."""
        own = self.videos.get(video.name, {})
        return {name: {**self.sections.get(name, {}), **own.get(name, {})} for name in SECTIONS}


NOTHING = Lab({}, {})


def read_lab(path: Path) -> Lab:
    """Read and check what people tell.

    Parameters
    ----------
    path : Path
        Yaml with NWBFile and Subject, whose fields are those of pynwb, and the same by video under `videos`.

    Returns
    -------
    Lab
        For `Lab.of`.

    Raises
    ------
    UsersError
        When the file is missing or damaged, or holds something else.
    """
    content = _mapping(read_yaml(path), str(path), (*SECTIONS, _OF_VIDEOS))
    videos = content.pop(_OF_VIDEOS, None) or {}
    if not isinstance(videos, dict):
        raise ToolboxError(f"{path}: {_OF_VIDEOS} must hold names of videos, each with {' and '.join(SECTIONS)}")
    return Lab(
        _sections(content, str(path)), {str(name): _sections(own, f"{path}: {name}") for name, own in videos.items()}
    )


def _sections(content: Any, place: str) -> dict[str, dict[str, Any]]:
    """Check the sections of all videos, or of one."""
    sections = _mapping(content, place, SECTIONS)
    return {
        name: {key: _plain(value) for key, value in _mapping(found, f"{place}: {name}").items()}
        for name, found in sections.items()
    }


def _mapping(content: Any, place: str, known: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return names and values, or say what else was found; without `known` any names are."""
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ToolboxError(
            f"{place} holds {content!r}; write names and values, such as `subject_id: m1`, in lines below"
        )
    for name in content:
        if known and name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise ToolboxError(f"{place}: {name} is not known; {meant}")
    return {str(name): value for name, value in content.items()}


def _plain(value: Any) -> Any:
    """Return a value as json holds it."""
    return value.isoformat() if isinstance(value, datetime | date) else value
