"""An image's labels as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc_toolbox.labeling.files.folderlabels import FolderLabels
from dlc_toolbox.labeling.store.contents import Contents
from dlc_toolbox.labeling.store.doubts import find_doubts

_NEAR_IMAGES = 200  # that usual distances are taken from


def describe_image(contents: Contents, folder: str, name: str) -> dict[str, Any]:
    """Return the state of one image as plain values.

    Parameters
    ----------
    contents : Contents
        What stands in the project.
    folder, name : str
        The image, which is there.

    Raises
    ------
    UsersError
        When the image is damaged.
    """
    labels, parts = contents.folders[folder], contents.settings.bodyparts
    found, facts, place = labels.of(name), contents.images.facts(labels.path(name)), labels.images.index(name)
    before = _placed(labels, labels.images[:place][-_NEAR_IMAGES:])
    after = _placed(labels, labels.images[place + 1 :][:_NEAR_IMAGES])
    size = facts.width, facts.height
    doubts = find_doubts(found.placed, size, contents.settings.hidden_below, [*before, *after], parts)
    return {
        "folder": folder,
        "name": name,
        "version": found.version,
        "image": {"hash": facts.hash, "width": facts.width, "height": facts.height},
        "state": found.state,
        "points": found.points,
        "accepted": list(found.accepted),
        "machine": dict(contents.machine[folder].of(name)),
        "others": _of_others(contents, folder, name),
        "previous": before[-1] if before else None,
        "warnings": [{"part": doubt.part, "text": doubt.text} for doubt in doubts],
        "conflicts": {
            part: {"yours": conflict.yours, "theirs": conflict.theirs}
            for part, conflict in found.notes.conflicts.items()
            if part in parts
        },
        "saved_at": found.notes.saved_at,
    }


def _placed(labels: FolderLabels, images: Sequence[str]) -> list[dict[str, tuple[float, float]]]:
    """Return the labels of those images that have any and are not left out."""
    found = [labels.of(image) for image in images]
    return [of_image.placed for of_image in found if of_image.placed and not of_image.left_out]


def _of_others(contents: Contents, folder: str, name: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the labels of the other scorers."""
    others = {scorer: labels.of(name) for scorer, labels in contents.others[folder].items() if name in labels.images}
    return {scorer: found.placed for scorer, found in others.items() if found.placed and not found.left_out}
