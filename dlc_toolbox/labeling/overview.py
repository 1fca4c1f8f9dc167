"""The project as the page shows it before an image is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlc_common import UsersError
from dlc_toolbox.labeling.folderlabels import FolderLabels
from dlc_toolbox.labeling.merge import NOT_VISIBLE
from dlc_toolbox.labels.machine import MachineLabels
from dlc_toolbox.labels.pairs import partners
from dlc_toolbox.pictures.palette import part_styles
from dlc_toolbox.project.settings import Settings, load_analysis_settings

if TYPE_CHECKING:
    from dlc_toolbox.labeling.store import LabelStore

_DEFAULT_COLORMAP = "cool"  # v1's, which tells few parts apart; whoever chose another one gets it


def describe_project(store: LabelStore) -> dict[str, Any]:
    """Return the project as plain values.

    Parameters
    ----------
    store : LabelStore
        The store.
    """
    settings = store.settings
    names = [name for name, labels in store.folders.items() if labels.images or labels.problem]
    return {
        "task": settings.Task,
        "scorer": store.scorer,
        "scorers": list(settings.Scorers),
        "writable": store.why_not_writable is None,
        "why": store.why_not_writable,
        "bodyparts": _bodyparts(settings),
        "skeleton": _skeleton(store),
        "multibodypartsfile": settings.multibodypartsfile,
        "invisibleboundary": settings.invisibleboundary,
        "notices": _notices(store),
        "questions": [question.as_json() for question in store.questions()],
        "folders": [_folder(store, name) for name in names],
        "videos": [
            {"name": name, **store.video_facts.get(name, {"frames": None, "fps": None})} for name in store.videos.paths
        ],
    }


def _bodyparts(settings: Settings) -> list[dict[str, Any]]:
    """Describe the body parts."""
    chosen = None if settings.colormap == _DEFAULT_COLORMAP else settings.colormap
    twins = partners(settings.bodyparts)
    styles = part_styles(len(settings.bodyparts), chosen)
    return [
        {"name": part, "color": style.color, "marker": style.marker, "partner": twins[part]}
        for part, style in zip(settings.bodyparts, styles, strict=True)
    ]


def _skeleton(store: LabelStore) -> list[list[str]]:
    """Return the lines that the settings of the analysis draw, between known parts."""
    try:
        pairs = load_analysis_settings(store.layout.root).skeleton
    except UsersError:
        return []
    return [list(pair) for pair in pairs if set(pair) <= set(store.settings.bodyparts)]


def _folder(store: LabelStore, name: str) -> dict[str, Any]:
    """Describe one folder."""
    labels, machine = store.folders[name], store.machine[name]
    video, why_no_video = store.videos.video_of(labels.folder)
    images = [_image(labels, machine, image) for image in labels.images]
    return {"name": name, "video": video, "why_no_video": why_no_video, "images": images}


def _image(labels: FolderLabels, machine: MachineLabels, image: str) -> dict[str, Any]:
    """Describe one image."""
    found = labels.of(image)
    values = list(found.points.values())
    return {
        "name": image,
        "state": found.state,
        "placed": len(found.placed),
        "hidden": values.count(NOT_VISIBLE),
        "machine": sum(found.points.get(part, "") is None for part in machine.of(image)),
        "rank": machine.ranks.get(image),
    }


def _notices(store: LabelStore) -> list[str]:
    """List what a person should know."""
    settings = store.settings
    found = [store.trouble] if store.trouble else []
    if settings.multibodypartsfile and not settings.invisibleboundary:
        found.append(
            f"{settings.multibodypartsfilename} is to hold all body parts, but invisibleboundary = 0 leaves no click "
            "that means 'not visible': set invisibleboundary = 5 in myconfig.py. Until then such a part has blank "
            "cells, which Step 2 understands and Fiji does not"
        )
    if not store.has_locks:
        found.append(
            f"{store.data_folder} is on a drive without locks: make sure that nobody else labels as {store.scorer} at "
            "the same time"
        )
    found += [labels.problem for labels in store.folders.values() if labels.problem]
    found += list(store.machine_problems.values())
    return found + _new_parts(store)


def _new_parts(store: LabelStore) -> list[str]:
    """Say which parts were added to the settings since images were labeled."""
    found = []
    for name, labels in store.folders.items():
        before = labels.notes.bodyparts
        new = [part for part in store.settings.bodyparts if part not in before]
        if before and new and not labels.problem:
            found.append(f"{', '.join(new)} is new in bodyparts: the images of {name} that were done are open there")
    return found
