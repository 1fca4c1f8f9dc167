"""Label tables of DeepLabCut and lightning-pose, csv or h5, and machine labels in the same form."""

from __future__ import annotations

import csv
import glob
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.accents import as_spelled
from dlc_common.culprits import in_short
from dlc_common.images import image_size
from dlc_common.texts import read_text
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.found import Found, FrameOf, LeftOut, frames_in, pieces_of
from dlc_toolbox.exchange.readers.source import Source
from dlc_toolbox.labels.corrections import csv_differs
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.cells import INDIVIDUALS, with_commas
from dlc_toolbox.project.tables import (
    bodyparts_of,
    make_table,
    points,
    read_table,
    refuse_unnamed_rows,
    scorer_of,
    split_key,
)
from dlc_toolbox.video.video import Video

TABLE = "a label table of DeepLabCut or lightning-pose"
FOLDER = "a label table of lightning-pose, with its images"
MACHINE = "a table of machine labels, as DeepLabCut and napari-deeplabcut write it"

_MACHINE_FILE = "machinelabels"
_LIGHTNING = "CollectedData.csv"
_AGAIN = "names an image that another row names, too"
_COORDS = ("x", "y", "likelihood")
CELLS_SHOWN = 3


def is_lightning_folder(source: Source) -> bool:
    """Tell a folder of lightning-pose."""
    return source.path.is_dir() and (source.path / _LIGHTNING).is_file()


def read_lightning_folder(source: Source) -> Found:
    """Read the label table of a folder of lightning-pose; an h5 beside it must agree."""
    path = source.path / _LIGHTNING
    refuse_two_truths([path])
    found = gather(source, path, [path], FOLDER)
    return replace(found, frames=_frames(found, source.path / "videos"))


def _frames(found: Found, videos: Path) -> dict[str, FrameOf]:
    """Return which frames the images are whose folder is named as a video that is there, and that are as large."""
    frames = dict[str, FrameOf]()
    for folder, rows in found.folders().items():
        named = [path for path in videos.glob(f"{glob.escape(folder)}.*") if path.stem == folder]
        try:
            if (
                len(named) == 1
                and (video := Video(named[0]))
                and image_size(found.images[rows[0]])
                == (
                    video.full_width,
                    video.full_height,
                )
            ):
                frames |= frames_in(rows, named[0])
        except UsersError:
            continue
    return frames


def is_table(source: Source) -> bool:
    """Tell a table of pandas: a csv with three header rows, or an h5."""
    file = split_key(source.path)[0]
    if file.suffix.lower() == ".csv" and file.is_file():
        return True
    looked_into = source if file == source.path else Source(file, None, "", source.scratch)
    if not looked_into.groups:
        return False
    with looked_into.hdf5("a label table") as opened:
        return any("pandas_type" in group.attrs for group in opened.values())


def is_machine_table(source: Source) -> bool:
    """Tell a table of what a network found in images: by its likelihoods, or its name where it has none."""
    if not is_table(source):
        return False
    try:
        coords = read_table(source.path).columns.get_level_values("coords")
    except UsersError:
        return False
    return "likelihood" in coords or _is_named_machine(split_key(source.path)[0])


def _is_named_machine(file: Path) -> bool:
    """Tell whether a table is called as DeepLabCut calls machine labels."""
    return file.name.startswith(_MACHINE_FILE)


def read_label_table(source: Source) -> Found:
    """Read one table that a person named; the same table in the other form beside it is compared, and only told."""
    file = split_key(source.path)[0]
    found = gather(source, source.path, [source.path], TABLE)
    if found.likelihoods is None and _is_named_machine(file):
        found = replace(found, kind=MACHINE, likelihoods=np.full(found.labeled.shape, np.nan))
    if cells := csv_differs(file.with_suffix(".h5"), CELLS_SHOWN):
        told = f"{file.name} was named and is read, but its csv and h5 differ: {cells}"
        return replace(found, remarks=(*found.remarks, told))
    return found


def refuse_two_truths(paths: Sequence[Path]) -> None:
    """Raise when tables that are there as csv and as h5 say different things.

    Raises
    ------
    ToolboxError
        With three of the cells.
    """
    differ = [
        f"{path.with_suffix('.h5')} and the csv beside it differ: {cells}"
        for path in paths
        if (cells := csv_differs(path.with_suffix(".h5"), CELLS_SHOWN))
    ]
    if differ:
        raise ToolboxError(
            f"{in_short(differ, separator='; ')}. Which is right is not known: move or delete the other (a csv "
            "corrected by hand is newer than its h5)"
        )


def gather(source: Source, named: Path, paths: Sequence[Path], kind: str, **more: Any) -> Found:
    """Read label tables of one scorer and find their images.

    Parameters
    ----------
    source : Source
        Where images may be.
    named : Path
        What messages call the whole.
    paths : sequence of Path
        The tables; one that cannot be read is left out, unless it is the only one.
    kind : str
        What the source is.
    **more
        Other fields of `Found`.

    Raises
    ------
    ToolboxError
        When no table can be read.
    """
    left_out, read, images = list[LeftOut](), dict[Path, pd.DataFrame](), dict[str, Path]()
    for path in paths:
        try:
            table, unusable = _read_named_rows(path, source.scratch, images)
        except UsersError as error:
            if len(paths) == 1:
                raise
            left_out.append(LeftOut(path.name, f"cannot be read: {error}"))
            continue
        images |= {row: _image(row, split_key(path)[0], source) for row in table.index}
        left_out += unusable
        read[path] = table
    if not read:
        raise ToolboxError(f"{named}: no label table in it can be read; the first one {left_out[0].why}")
    others = dict(_others(read))
    left_out += [LeftOut(f"{path.parent.name}/{path.name}", why) for path, why in others.items()]
    table = pd.concat([table for path, table in read.items() if path not in others])
    labels = make_table(scorer_of(table), bodyparts_of(table), table.index, points(table)[..., :2])
    likelihoods = points(table)[..., 2] if "likelihood" in table.columns.get_level_values("coords") else None
    found = Found(
        named,
        labels,
        {row: images[row] for row in labels.index},
        kind=kind if likelihoods is None else MACHINE,
        left_out=tuple(left_out),
        remarks=_halves(table),
        likelihoods=likelihoods,
        **more,
    )
    return found.renamed({})


def _read_named_rows(path: Path, scratch: Path, before: Mapping[str, Path]) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Read a table, with ``folder/image`` for each row that can be used, and the others.

    Raises
    ------
    ToolboxError
        When the file is no such table, or none of its rows can be used.
    """
    table, unusable = read_sound_rows(path, scratch)
    refuse_unnamed_rows(table, path)
    rows, wrong = _rows(table, path, before)
    unusable += wrong
    if not rows:
        first = f"; the first one, {unusable[0].what}, {unusable[0].why}" if unusable else ""
        raise ToolboxError(f"{path}: none of its {len(unusable)} rows can be used{first}")
    return table.loc[list(rows.values())].set_axis(list(rows)), unusable


def _others(tables: Mapping[Path, pd.DataFrame]) -> Iterator[tuple[Path, str]]:
    """Yield the tables that do not go with the rest, and why: of another scorer than most, or of machine labels."""
    usual = Counter(map(scorer_of, tables.values())).most_common(1)[0][0]
    own = {path: table for path, table in tables.items() if scorer_of(table) == usual}
    found = {path: "likelihood" in table.columns.get_level_values("coords") for path, table in own.items()}
    for path, table in tables.items():
        if path not in own:
            yield path, f"names the scorer {scorer_of(table)!r} in its header, the others {usual!r}: correct it there"
        elif found[path] and not all(found.values()):
            yield path, "has likelihoods, as machine labels have, and the others have none"


def _rows(table: pd.DataFrame, path: Path, before: Mapping[str, Path]) -> tuple[dict[str, str], list[LeftOut]]:
    """Return the rows of a table by their names here, and those that cannot be used."""
    rows, wrong = dict[str, str](), list[LeftOut]()
    for row in table.index:
        pieces = row.split("/")[-2:]
        name = "/".join(pieces if len(pieces) > 1 else [split_key(path)[0].resolve().parent.name, *pieces])
        try:
            folder_and_image(name)
            pieces_of(name)
        except ToolboxError:
            wrong.append(LeftOut(row, "names no image as <folder>/<image>"))
            continue
        except ValueError as error:
            wrong.append(LeftOut(row, str(error)))
            continue
        if name in rows or name in before:
            wrong.append(LeftOut(row, _AGAIN))
        else:
            rows[name] = row
    return rows, wrong


def _image(row: str, path: Path, source: Source) -> Path:
    """Return where the image of a row is, as seen from its table; where there is none, in a folder that exists.

    A folder in `labeled-data` holds the images of its table, also when somebody has renamed it since.
    """
    home, (folder, image) = path.parent, folder_and_image(row)
    tried = [
        place / inner for place in (home, home.parent, *source.homes) for inner in (Path("labeled-data") / row, row)
    ]
    if folder == home.resolve().name or home.resolve().parent.name == "labeled-data":
        tried += [home / "labeled-data" / image, home / image]
    spelled = [as_spelled(place) for place in tried]
    there = [place for place in spelled if place.is_file()] or [place for place in spelled if place.parent.is_dir()]
    return [*there, home / row][0]


def _halves(table: pd.DataFrame) -> tuple[str, ...]:
    """Tell of labels with x alone, or y."""
    parts = bodyparts_of(table)
    halves = np.argwhere(np.isfinite(points(table)[..., :2]).sum(axis=2) == 1)
    named = in_short([f"{parts[k]} in {table.index[n]}" for n, k in halves])
    return (f"{len(halves)} labels have x or y alone and are none: {named}",) if len(halves) else ()


def read_sound_rows(path: Path, scratch: Path) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Read a table without the rows that cannot be used, which are returned, too."""
    if path.suffix.lower() != ".csv":
        table = read_table(path, may_repeat=True)
        again = table.index.duplicated()
        return table[~again], [LeftOut(str(row), _AGAIN) for row in table.index[again]]
    try:
        return read_table(path), []
    except UsersError as error:
        if not path.is_file():
            raise
        copy = scratch / "sound rows" / path.name
        unusable = _copy_sound_rows(path, copy)
        if not unusable:
            raise
        try:
            return read_table(copy), unusable
        except UsersError:
            raise error from None


def _copy_sound_rows(path: Path, copy: Path) -> list[LeftOut]:
    """Copy a csv without the rows that cannot be used, and return these."""
    lines = with_commas(read_text(path)).splitlines()
    height = 4 if any(line.startswith(INDIVIDUALS) for line in lines[:3]) else 3
    header = [next(csv.reader([line]), []) for line in lines[:height]]
    first = next((i for i, cell in enumerate(header[-1] if header else []) if cell in _COORDS), 0)
    kept, names, unusable = lines[:height], set[tuple[str, ...]](), list[LeftOut]()
    for number, line in enumerate(lines[height:], height + 1):
        cells = next(csv.reader([line]), [])
        name = tuple(cells[:first])
        why = _why_unusable(cells, first, len(header[-1])) if cells else None
        if why is None and name in names:
            why = _AGAIN
        names.add(name)
        if why:
            unusable.append(LeftOut(f"line {number} ({'/'.join(name) or 'no name'})", why))
        else:
            kept.append(line)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text("\n".join([*kept, ""]), encoding="utf-8")
    return unusable


def _why_unusable(cells: Sequence[str], first: int, width: int) -> str | None:
    """Say what is wrong with the cells of a row, in words that follow 'because it'; None if nothing."""
    if len(cells) != width:
        return f"has {len(cells)} cells, not {width}"
    if not "".join(cells[:first]).strip():
        return "names no image"
    for cell in cells[first:]:
        try:
            float(cell or "nan")
        except ValueError:
            return f"has {cell[:20]!r} in place of a number"
    return None
