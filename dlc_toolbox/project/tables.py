"""Label and pose tables: safe reading and writing of h5 and csv.

A table has one row per image or frame and columns (scorer, bodyparts, coords); a missing label is NaN. What today's
readers of such files need (pandas 1.5 to 3, DeepLabCut, movement, napari) is kept here, in one place.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.files import is_broken, replacing, seal
from dlc_toolbox import ToolboxError

KEY = "df_with_missing"
LEVELS = ("scorer", "bodyparts", "coords")
POSE_COORDS = ("x", "y", "likelihood")
"""Of a pose table, in this order; a label table has the first two."""

_ENCODINGS = ("ASCII", "latin1", "bytes")  # PyTables tries each in turn


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

    Without `csv`, a csv of the same stem is deleted: it would hold the rows of an earlier table.

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
        write_csv(table, path.with_suffix(".csv"))
    else:
        path.with_suffix(".csv").unlink(missing_ok=True)


def name_pandas(file: Path | io.BytesIO) -> None:
    """Say in an HDF5 file that any pandas can read its table: 3.1 leaves that out, and older ones need it."""
    with h5py.File(file, "r+") as opened:
        opened[KEY].attrs["pandas_version"] = np.bytes_("0.15.2")


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
        # An all-empty first row would be taken for the name of the index by pandas: write NaN out.
        table.to_csv(temporary, na_rep="NaN")


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
    with replacing(path) as temporary:
        temporary.write_bytes(_h5_content(table, format))
        seal(temporary)


def _h5_content(table: pd.DataFrame, format: str) -> bytes:
    """Return a table as the content of an HDF5 file, made in memory: on a full disk HDF5 damages files silently."""
    in_memory = {"driver": "H5FD_CORE", "driver_core_backing_store": 0}
    # Checksums of the values; pandas writes them only with compression.
    with pd.HDFStore("table.h5", mode="w", complevel=1, complib="zlib", fletcher32=True, **in_memory) as store:
        store.put(KEY, table, format=format, track_times=False)
        store.flush()
        content = io.BytesIO(store.root._v_file.get_file_image())
    name_pandas(content)
    return content.getvalue()


def read_table(path: Path, coords: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a label or pose table, of ours, of v1 or of DeepLabCut 2/3, from h5 or csv.

    Parameters
    ----------
    path : Path
        An .h5 or .csv file.
    coords : sequence of str, optional
        What an .h5 file holds that is no label or pose table, see `make_table`.

    Returns
    -------
    DataFrame
        Columns (scorer, bodyparts, coords) with coords in the order x, y(, likelihood); float64. Rows are frame
        numbers, or image paths ``folder/image`` with forward slashes (DeepLabCut 2/3's leading ``labeled-data``
        and its three index levels are joined into the path).

    Raises
    ------
    ToolboxError
        When the file is missing, damaged, no such table, has several scorers or animals, or carries code.
    """
    if not path.is_file():
        raise ToolboxError(f"{path} does not exist")
    try:
        table = _read_csv(path) if path.suffix.lower() == ".csv" else _read_h5(path)
    except UsersError:
        raise
    except Exception as error:  # h5py, PyTables and pandas raise many types on damaged files
        reason = " ".join(str(error).split())
        raise ToolboxError(f"{path} cannot be read as a table of labels or poses: {reason}") from error
    return _in_our_form(table, path, coords)


def _read_csv(path: Path) -> pd.DataFrame:
    """Read a csv with three header rows and one to three index columns."""
    # Names are texts, None and NA too.
    header = pd.read_csv(path, header=None, nrows=3, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    if len(header) < 3 or header.shape[1] < 3:
        raise ToolboxError(
            f"{path} begins with {str(header.iat[0, 0])[:60]!r}, not with the rows scorer, bodyparts and coords, "
            "with commas between the cells"
        )
    _refuse_animals(list(header[0]), path)
    index_columns = next((i for i, cell in enumerate(header.loc[2]) if cell in ("x", "y", "likelihood")), 1)
    # As text: the conversion to numbers, later, reads every digit, which pandas' own does not in all versions.
    table = pd.read_csv(path, header=None, skiprows=3, dtype=str, encoding="utf-8-sig")
    table = table.set_index(list(range(index_columns)))
    table.columns = pd.MultiIndex.from_frame(header.iloc[:, index_columns:].T, names=LEVELS)
    return table.iloc[1:] if _names_the_index(table) else table


def _refuse_animals(levels: Sequence, path: Path) -> None:
    """Raise when the levels of a table's columns tell animals apart."""
    if "individuals" in levels:
        raise ToolboxError(f"{path} tells individuals apart; several animals are not supported")


def _names_the_index(table: pd.DataFrame) -> bool:
    """Tell a fourth header row, written by pandas for a named index, from an image or a frame without any value."""
    first = table.index[0] if len(table) else None
    is_row = not isinstance(first, str) or "." in first or first.isdecimal()
    return not is_row and bool(table.iloc[0].isna().all())


def _read_h5(path: Path) -> pd.DataFrame:
    """Read an HDF5 table after making sure that it is whole and carries no code."""
    if is_broken(path):
        raise ToolboxError(f"{path} is damaged, its checksum disagrees: make it again, or read its csv")
    _refuse_code(path)
    with pd.HDFStore(path, mode="r") as store:
        keys = store.keys()
        if len(keys) != 1:
            raise ToolboxError(f"{path} must hold one table, but holds {len(keys)}: {', '.join(keys)}")
        return store[keys[0]]


def _in_our_form(read: object, path: Path, coords: Sequence[str] | None) -> pd.DataFrame:
    """Check the columns, order the coordinates and flatten the row index."""
    table = read if isinstance(read, pd.DataFrame) else pd.DataFrame()
    _refuse_animals(table.columns.names, path)
    if table.columns.nlevels != 3:
        raise ToolboxError(f"{path} has no columns (scorer, bodyparts, coords)")
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
    try:
        table = table.loc[:, wanted].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ToolboxError(f"{path} has a value that is no number: {error}") from None
    table.index = _flat_index(table.index)
    repeated = table.index[table.index.duplicated()]
    if len(repeated):
        raise ToolboxError(f"{path} has the row {repeated[0]} twice")
    return table


def _flat_index(index: pd.Index) -> pd.Index:
    """Return image paths as ``folder/image``, and frame numbers, of at most 18 digits, as whole numbers."""
    if isinstance(index, pd.MultiIndex):
        index = pd.Index(["/".join(map(str, row)) for row in index])
    texts = [str(row).replace("\\", "/").removeprefix("labeled-data/") for row in index]
    if all(text.isdecimal() and len(text) < 19 for text in texts):
        return pd.Index([int(text) for text in texts], dtype=np.int64)
    return pd.Index(texts)


def _refuse_code(path: Path) -> None:
    """Raise when PyTables would unpickle more than plain values while reading the file."""
    with h5py.File(path, "r") as file:
        nodes: dict[str, h5py.Group | h5py.Dataset] = {"/": file}
        links: dict[str, object] = {}
        file.visititems(nodes.__setitem__)
        file.visititems_links(links.__setitem__)
        for name, node in nodes.items():
            _check_attributes(path, name, node)
        for name, link in links.items():
            _check_link(path, name, link)


def _check_link(path: Path, name: str, link: object) -> None:
    """Refuse a link out of the file, where unchecked attributes may lie."""
    if not isinstance(link, h5py.HardLink):
        raise ToolboxError(f"{path} is refused: {name} is a link to elsewhere, which no table has")


def _check_attributes(path: Path, name: str, node: h5py.Group | h5py.Dataset) -> None:
    """Refuse pickled objects in one node."""
    for key, value in node.attrs.items():
        if key == "PSEUDOATOM" and _as_bytes(value) == b"object":
            raise ToolboxError(f"{path} is refused: {name} holds pickled objects, which may carry code")
        if _as_bytes(value).endswith(b"."):
            _check_pickle(path, f"{name}.{key}", _as_bytes(value))


def _as_bytes(value: object) -> bytes:
    """Return an attribute's text as bytes; empty for anything that is no text."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    return value.encode() if isinstance(value, str) else bytes(value) if isinstance(value, bytes) else b""


class _PlainUnpickler(pickle.Unpickler):
    """Knows lists, tuples, dicts, texts and numbers, and nothing that has to be looked up by name."""

    def find_class(self, module: str, name: str) -> object:
        raise PermissionError(f"{module}.{name}")

    def persistent_load(self, pid: object) -> object:
        raise PermissionError(f"persistent object {pid!r}")


def _check_pickle(path: Path, name: str, pickled: bytes) -> None:
    """Refuse a pickle that asks for anything by name; a text that is no pickle at all is harmless."""
    for encoding in _ENCODINGS:
        try:
            _PlainUnpickler(io.BytesIO(pickled), encoding=encoding).load()
        except PermissionError as error:
            raise ToolboxError(
                f"{path} is refused: its attribute {name} would run code ({error}); no table needs that. "
                "Read it where you trust it and save it again as csv."
            ) from None
        except Exception:  # not a pickle: PyTables will keep the text
            continue
