"""The project as the page shows it before an image is opened."""

from __future__ import annotations

from typing import Any

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_toolbox.labeling.files.folderlabels import FolderLabels
from dlc_toolbox.labeling.files.merge import NOT_VISIBLE
from dlc_toolbox.labeling.store.contents import Contents
from dlc_toolbox.labeling.store.doubts import are_doubtful
from dlc_toolbox.labeling.store.questions import count_clicks, find_questions
from dlc_toolbox.labels.machine import MachineLabels
from dlc_toolbox.labels.pairs import partners
from dlc_toolbox.labels.sources import label_file
from dlc_toolbox.pictures.palette import part_styles
from dlc_toolbox.project.settings import Settings, load_analysis_settings

_DEFAULT_COLORMAP = "cool"  # v1's, which tells few parts apart; whoever chose another one gets it


def describe_project(contents: Contents) -> dict[str, Any]:
    """Return the project as plain values.

    Parameters
    ----------
    contents : Contents
        What stands in the project.
    """
    settings = contents.settings
    names = [name for name, labels in contents.folders.items() if labels.images or labels.problem]
    return {
        "task": settings.Task,
        "scorer": contents.scorer,
        "scorers": list(settings.Scorers),
        "writable": contents.writer.why_not is None,
        "why": contents.writer.why_not,
        "bodyparts": _bodyparts(settings),
        "skeleton": _skeleton(contents),
        "multibodypartsfile": settings.multibodypartsfile,
        "invisibleboundary": settings.invisibleboundary,
        "notices": _notices(contents),
        "questions": [question.as_json() for question in find_questions(contents)],
        "folders": [_folder(contents, name) for name in names],
        "videos": [
            {"name": name, **contents.video_facts.get(name, {"frames": None, "fps": None})}
            for name in contents.videos.paths
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


def _skeleton(contents: Contents) -> list[list[str]]:
    """Return the lines that the settings of the analysis draw, between known parts."""
    try:
        pairs = load_analysis_settings(contents.layout.root).skeleton
    except UsersError:
        return []
    return [list(pair) for pair in pairs if set(pair) <= set(contents.settings.bodyparts)]


def _folder(contents: Contents, name: str) -> dict[str, Any]:
    """Describe one folder."""
    labels, machine = contents.folders[name], contents.machine[name]
    video, why_no_video = contents.videos.video_of(labels.folder)
    seen = [image for image in labels.images if not labels.of(image).left_out]
    settings = contents.settings
    doubtful = are_doubtful([labels.of(image).placed for image in seen], settings.hidden_below, settings.bodyparts)
    doubts = dict(zip(seen, doubtful, strict=True))
    images = [_image(labels, machine, image) | {"doubtful": doubts.get(image, False)} for image in labels.images]
    why = {"why_no_video": why_no_video, "problem": labels.problem}
    return {"name": name, "video": video, **why, "images": images}


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
        "conflicts": sorted(found.notes.conflicts.keys() & found.points.keys()),
    }


def _notices(contents: Contents) -> list[str]:
    """List what a person should know."""
    settings = contents.settings
    found = [contents.trouble] if contents.trouble else []
    if settings.multibodypartsfile and settings.invisibleboundary <= 0:
        found.append(
            f"{settings.multibodypartsfilename} is to hold all body parts, but invisibleboundary = "
            f"{settings.invisibleboundary:g} leaves no click that means 'not visible': set invisibleboundary = 5 in "
            "myconfig.py. Until then such a part has blank cells, which Step 2 understands and Fiji does not"
        )
    if not contents.writer.has_locks:
        found.append(
            f"{contents.data_folder} is on a drive without locks: make sure that nobody else labels as "
            f"{contents.scorer} at the same time"
        )
    found += [labels.problem for labels in contents.folders.values() if labels.problem]
    found += list(contents.machine_problems.values())
    return found + _new_parts(contents) + _unread(contents)


def _new_parts(contents: Contents) -> list[str]:
    """Say which parts were added to the settings since images were labeled."""
    found = []
    for name, labels in contents.folders.items():
        before = labels.notes.bodyparts
        new = [part for part in contents.settings.bodyparts if part not in before]
        if before and new and not labels.problem:
            are = "is" if len(new) == 1 else "are"
            found.append(f"{', '.join(new)} {are} new in bodyparts: images of {name} that were done are open there")
    return found


def _unread(contents: Contents) -> list[str]:
    """Say which labels are in files of the form that `multibodypartsfile` does not choose."""
    settings, found = contents.settings, []
    parts = [f"{part}.csv" for part in settings.bodyparts]
    names = parts if settings.multibodypartsfile else [settings.multibodypartsfilename]
    for name, labels in contents.folders.items():
        paths = [path for other in names if (path := label_file(labels.home, other)) and count_clicks(path)]
        if paths:
            found.append(
                f"{name}: the labels in {in_short([path.name for path in paths])} are not read, because "
                f"multibodypartsfile = {settings.multibodypartsfile} in myconfig.py. They stay there"
            )
    return found
