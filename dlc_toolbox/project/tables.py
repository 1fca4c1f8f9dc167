"""Label and pose tables: safe reading and writing of h5 and csv.

A table has one row per image or frame and columns (scorer, bodyparts, coords); a missing label is NaN. What today's
readers of such files need (pandas 1.5 to 3, DeepLabCut, movement, napari) is kept here, in one place.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.files import replacing, sealed, write_if_changed
from dlc_common.kinds import HDF5, TABLE, wrong_kind
from dlc_common.texts import read_text
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.attributes import refuse_code, refuse_damage
from dlc_toolbox.project.cells import (
    INDIVIDUALS,
    as_numbers,
    names_the_index,
    of_one_animal,
    refuse_cut_off,
    refuse_labels,
    refuse_repeated,
    with_commas,
    without_empty_columns,
)

KEY = "df_with_missing"
LEVELS = ("scorer", "bodyparts", "coords")
_MISSING = "NaN"  # an all-empty first row would be taken for the name of the index by pandas
_WANTED = "a table of labels or poses"
_ADVICE_CSV = "save it with commas between the cells, and without a title line above"
POSE_COORDS = ("x", "y", "likelihood")
"""Of a pose table, in this order; a label table has the first two."""


def make_table(
    scorer: str,
    bodyparts: Sequence[str],
    index: Sequence | np.ndarray | pd.Index,
    values: np.ndarray,
    coords: Sequence[str] = POSE_COORDS,
) -> pd.DataFrame:
    """Build a table from points.

    Parameters
    ----------
    scorer : str
        Who labeled: a person or a network.
    bodyparts : sequence of str
        K names, in the order of `values`.
    index : sequence
        N image paths (``folder/image``) or frame numbers.
    values : ndarray of shape (N, K, C)
        x, y in pixels, and likelihood where there is one; NaN is missing.
    coords : sequence of str, optional
        What else the values are, for a table of something else about the same body parts.

    Returns
    -------
    DataFrame of shape (N, C * K)
        float64, columns (scorer, bodyparts, coords).

    Examples
    --------
    >>> table = make_table("Ann", ["nose"], ["day1/img3.png"], np.array([[[4.0, 5.5]]]))
    >>> float(table.loc["day1/img3.png", ("Ann", "nose", "y")])
    5.5
    """
    values = np.asarray(values, dtype=np.float64)
    columns = pd.MultiIndex.from_product([[scorer], list(bodyparts), coords[: values.shape[2]]], names=LEVELS)
    return pd.DataFrame(values.reshape(len(values), -1), index=pd.Index(index), columns=columns)


def points(
    table: pd.DataFrame, bodyparts: Sequence[str] | None = None, coords: Sequence[str] = POSE_COORDS
) -> np.ndarray:
    """Return a table's values as points, taken by name, never by position.

    Parameters
    ----------
    table : DataFrame
        As `read_table` returns it.
    bodyparts : sequence of str, optional
        The body parts wanted, in this order; default all, in the table's order.
    coords : sequence of str, optional
        What the table holds of each, in the order wanted.

    Returns
    -------
    ndarray of shape (N, K, C)
        x, y and, in a pose table, likelihood; or those of `coords` that the table has.

    Raises
    ------
    ToolboxError
        When a body part is not in the table.
    """
    present = bodyparts_of(table)
    bodyparts = present if bodyparts is None else list(bodyparts)
    missing = [part for part in bodyparts if part not in present]
    if missing:
        raise ToolboxError(f"the table has no body part {', '.join(missing)}; it has {', '.join(present)}")
    scorer = scorer_of(table)
    coords = [coord for coord in coords if (scorer, present[0], coord) in table.columns]
    columns = pd.MultiIndex.from_product([[scorer], bodyparts, coords])
    return table.loc[:, columns].to_numpy(dtype=np.float64, copy=True).reshape(len(table), len(bodyparts), len(coords))


def scorer_of(table: pd.DataFrame) -> str:
    """Return who labeled the table."""
    return str(table.columns[0][0])


def bodyparts_of(table: pd.DataFrame) -> list[str]:
    """Return the body parts in the table's order."""
    return [str(part) for part in dict.fromkeys(table.columns.get_level_values("bodyparts"))]


def write_table(table: pd.DataFrame, path: Path, *, csv: bool = True) -> None:
    """Write a table as HDF5 and, with `csv`, as csv of the same stem; each appears whole or not at all.

    A file that holds the table already stays as it is. Without `csv`, a csv of the same stem is deleted: it would hold
    the rows of an earlier table.

    Parameters
    ----------
    table : DataFrame
        As `make_table` builds it; the row index is a flat list of paths or frame numbers.
    path : Path
        The .h5 file.
    csv : bool
        Whether to write the .csv too.

    Raises
    ------
    ToolboxError
        When the system refuses to write.
    """
    table = table.astype(np.float64).rename_axis(index=None)
    _write_h5(table, path, "table")
    if csv:
        write_if_changed(path.with_suffix(".csv"), table.to_csv(na_rep=_MISSING).encode())
    else:
        path.with_suffix(".csv").unlink(missing_ok=True)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as csv alone; it appears whole or not at all.

    Parameters
    ----------
    table : DataFrame
        As `read_table` returns it.
    path : Path
        The .csv file.

    Raises
    ------
    ToolboxError
        When the system refuses to write.
    """
    with replacing(path) as temporary:
        table.to_csv(temporary, na_rep=_MISSING)


def write_deeplabcut_table(table: pd.DataFrame, path: Path) -> None:
    """Write a label table as DeepLabCut 2 and 3 do, as HDF5 and csv: (labeled-data, folder, image) names each row.

    Parameters
    ----------
    table : DataFrame
        Label table; its rows are ``<folder>/<image>``.
    path : Path
        The .h5 file.

    Raises
    ------
    ToolboxError
        When the system refuses to write.
    """
    rows = pd.MultiIndex.from_tuples([("labeled-data", *row.split("/")) for row in table.index])
    table = table.set_axis(rows)
    _write_h5(table, path, "fixed")  # the table format cannot hold such rows
    write_csv(table, path.with_suffix(".csv"))


def _write_h5(table: pd.DataFrame, path: Path, format: str) -> None:
    """Write a table as HDF5 that all of today's versions of pandas read."""
    write_if_changed(path, sealed(h5_content(table, format)))


def h5_content(table: pd.DataFrame, format: str) -> bytes:
    """Return a table as an HDF5 file in pandas' `format`; the same bytes for the same table.

    It is made in memory: on a full disk HDF5 damages files silently.
    """
    in_memory = {"driver": "H5FD_CORE", "driver_core_backing_store": 0}
    # Checksums of the values; pandas writes them only with compression.
    with pd.HDFStore("table.h5", mode="w", complevel=1, complib="zlib", fletcher32=True, **in_memory) as store:
        store.put(KEY, table, format=format, track_times=False, index=False)  # both would add the time
        store.flush()
        content = io.BytesIO(store.root._v_file.get_file_image())
    with h5py.File(content, "r+") as opened:  # pandas 3.1 leaves its version out, and older ones need it
        opened[KEY].attrs["pandas_version"] = np.bytes_("0.15.2")
    return content.getvalue()


def read_table(path: Path, coords: Sequence[str] | None = None, *, may_repeat: bool = False) -> pd.DataFrame:
    """Read a label or pose table, of ours, of v1 or of DeepLabCut 2/3, from h5 or csv.

    Parameters
    ----------
    path : Path
        An .h5 or .csv file; ``labels.h5/<name>`` names one of several tables in an .h5.
    coords : sequence of str, optional
        What an .h5 file holds that is no label or pose table, see `make_table`.
    may_repeat : bool
        Whether a name may be that of several rows.

    Returns
    -------
    DataFrame
        Columns (scorer, bodyparts, coords) with coords in the order x, y(, likelihood); float64. Rows are frame
        numbers, or image paths ``folder/image`` with forward slashes (DeepLabCut 2/3's leading ``labeled-data``
        and its three index levels are joined into the path).

    Raises
    ------
    ToolboxError
        When the file is missing, of another kind, no such table, has several tables, scorers or animals, or carries
        code.
    """
    file, key = split_key(path)
    with naming_damage(path):
        return in_our_form(_read_csv(file) if _is_csv(file) else _read_h5(file, key), path, coords, may_repeat)


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Refuse what is no table before the block reads it, and turn what the block raises into an error of the user's.

    Parameters
    ----------
    path : Path
        What the block reads, see `read_table`.

    Raises
    ------
    ToolboxError
        When the file is missing or of another kind, or the block fails.
    """
    file, _ = split_key(path)
    if not file.is_file():
        raise ToolboxError(f"{file} does not exist")
    if other := wrong_kind(file, _WANTED, *(() if _is_csv(file) else (TABLE, HDF5))):
        raise ToolboxError(other)
    if not _is_csv(file) and not h5py.is_hdf5(file):
        raise ToolboxError(f"{file} is neither HDF5 nor, by its name, a csv: no {_WANTED.removeprefix('a ')}")
    try:
        yield
    except UsersError:
        raise
    except Exception as error:  # h5py, PyTables and pandas raise many types on damaged files
        advice = _ADVICE_CSV if _is_csv(file) else "if a step here made it, it makes it anew with --overwrite"
        raise ToolboxError(f"{path} cannot be read as {_WANTED}: {' '.join(str(error).split())}; {advice}") from error


def _is_csv(file: Path) -> bool:
    """Tell a csv from an HDF5 file, by its name."""
    return file.suffix.lower() == ".csv"


def read_poses(path: Path) -> pd.DataFrame:
    """Read a table as `read_table` does; raises ToolboxError also when it has no likelihoods, as labels have none."""
    table = read_table(path)
    refuse_labels(table.columns, path)
    return table


def split_key(path: Path) -> tuple[Path, str | None]:
    """Split what names a table into its file and, where several are in one .h5, the name of the table.

    Parameters
    ----------
    path : Path
        A file, or ``labels.h5/<name>``.

    Returns
    -------
    Path
        The file; `path` itself where there is none.
    str or None
        The name.
    """
    if not path.exists() and path.parent.is_file():
        return path.parent, path.name
    return path, None


def _read_csv(path: Path) -> pd.DataFrame:
    """Read a csv with three header rows, or four where individuals are told apart, and one to three index columns."""
    text = without_empty_columns(with_commas(read_text(path)))
    refuse_cut_off(text, path)
    header = pd.read_csv(io.StringIO(text), header=None, nrows=4, dtype=str, keep_default_na=False)  # NA is a name
    levels = (LEVELS[0], INDIVIDUALS, *LEVELS[1:]) if INDIVIDUALS in list(header[0]) else LEVELS
    header = header[: len(levels)]
    if {"X", "Y"} <= {str(cell).strip() for cell in header.loc[0]}:
        raise ToolboxError(
            f"{path} holds clicks of Fiji: put it beside its images, named as a body part, and run Step 2"
        )
    if len(header) < len(levels) or header.shape[1] < 3:
        raise ToolboxError(
            f"{path} begins with {str(header.iat[0, 0])[:60]!r}, not with the rows scorer, bodyparts and coords"
        )
    index_columns = next((i for i, cell in enumerate(header.iloc[-1]) if cell in POSE_COORDS), 1)
    # As text: the conversion to numbers, later, reads every digit, which pandas' own does not in all versions.
    table = pd.read_csv(io.StringIO(text), header=None, skiprows=len(levels), dtype=str)
    table = table.set_index(list(range(index_columns)))
    table.columns = pd.MultiIndex.from_frame(header.iloc[:, index_columns:].T, names=levels)
    return table.iloc[1:] if names_the_index(table) else table


def _read_h5(path: Path, key: str | None) -> pd.DataFrame:
    """Read an HDF5 table after making sure that it is whole and carries no code."""
    refuse_damage(path)
    refuse_code(path)
    with pd.HDFStore(path, mode="r") as store:
        names = [name.removeprefix("/") for name in store]
        if not names:
            raise ToolboxError(f"{path} is an HDF5 file, but holds no table of pandas, as DeepLabCut writes it")
        if key is not None and key not in names:
            raise ToolboxError(f"{path} holds no table {key!r}; it holds {', '.join(names)}")
        tables = [store[name] for name in ([key] if key else names)]
    if any(not tables[0].equals(other) for other in tables[1:]):
        raise ToolboxError(
            f"{path} holds {len(names)} tables that differ: {', '.join(names)}. Name the right one as "
            f"{path / names[0]}, or move the file away where a csv lies beside it, which is then read"
        )
    return tables[0]


def in_our_form(read: object, path: Path, coords: Sequence[str] | None, may_repeat: bool = False) -> pd.DataFrame:
    """Check the columns of what was read, order the coordinates and flatten the row index; as `read_table` does."""
    table = read if isinstance(read, pd.DataFrame) else pd.DataFrame()
    table.columns = of_one_animal(table.columns, path)
    if table.columns.nlevels != 3:
        raise ToolboxError(f"{path} is no table of labels or poses: it has no columns (scorer, bodyparts, coords)")
    table.columns = table.columns.set_names(LEVELS)
    scorers = list(dict.fromkeys(table.columns.get_level_values("scorer")))
    bodyparts = list(dict.fromkeys(table.columns.get_level_values("bodyparts")))
    found = set(table.columns.get_level_values("coords"))
    coords = coords or (POSE_COORDS if "likelihood" in found else POSE_COORDS[:2])
    wanted = pd.MultiIndex.from_product([scorers, bodyparts, coords], names=LEVELS)
    if len(scorers) != 1 or len(table.columns) != len(wanted) or set(table.columns) != set(wanted):
        raise ToolboxError(
            f"{path} must have one scorer and the columns {', '.join(coords)} once for every body part; "
            f"it has the scorers {', '.join(map(str, scorers))}, {len(table.columns)} columns and the coords "
            f"{', '.join(sorted(map(str, found)))}"
        )
    table = as_numbers(table.loc[:, wanted].set_axis(_flat_index(table.index)), path)
    if not may_repeat:
        refuse_repeated(table.index, path)
    return table


def row_name(row: str) -> str:
    r"""Return ``folder/image`` for what DeepLabCut writes, on Windows too.

    Examples
    --------
    >>> row_name("labeled-data\\day1\\img7.png")
    'day1/img7.png'
    """
    return row.replace("\\", "/").removeprefix("labeled-data/")


def refuse_unnamed_rows(table: pd.DataFrame, path: Path) -> None:
    """Raise unless the rows of a table, which came from `path`, are images.

    Raises
    ------
    ToolboxError
        When they are numbers: poses, or labels that lost the names of their images.
    """
    if all(isinstance(row, str) for row in table.index):
        return
    if "likelihood" in table.columns.get_level_values("coords"):
        raise ToolboxError(f"{path} holds poses of frames by {scorer_of(table)}, not labels of images")
    first = ", ".join(map(str, table.index[:3]))
    raise ToolboxError(
        f"{path} has rows named {first} in place of images such as labeled-data/day1/img7.png; a spreadsheet may have "
        "numbered them anew. Put the images' names back into the first column"
    )


def _flat_index(index: pd.Index) -> pd.Index:
    """Return image paths as ``folder/image``, and frame numbers, of at most 18 digits, as whole numbers."""
    if isinstance(index, pd.MultiIndex):
        index = pd.Index(["/".join(map(str, row)) for row in index])
    texts = [row_name(str(row)) for row in index]
    if all(text.isdecimal() and len(text) < 19 for text in texts):
        return pd.Index([int(text) for text in texts], dtype=np.int64)
    return pd.Index(texts)
