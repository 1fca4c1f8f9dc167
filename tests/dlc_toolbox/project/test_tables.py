import csv
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import tables as pytables
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.project import tables
from dlc_toolbox.project.tables import KEY, make_table, points, read_poses, read_table, write_table

PARTS = ["tail", "nose"]  # not in alphabetical order
IMAGES = ["day 1/img2.png", "day 1/img10.png"]
POINTS = np.array([[[np.nan, np.nan], [np.nan, np.nan]], [[1.5, 2.25], [-3.0, 1 / 3]]])


@pytest.fixture
def table() -> pd.DataFrame:
    return make_table("Ann", PARTS, IMAGES, POINTS)


@pytest.fixture(params=[".h5", ".csv"])
def written(request, tmp_path: Path, table: pd.DataFrame) -> Path:
    write_table(table, tmp_path / "t.h5")
    return tmp_path / f"t{request.param}"


def test_what_is_written_is_read(written: Path, table: pd.DataFrame):
    pd.testing.assert_frame_equal(read_table(written), table)
    np.testing.assert_array_equal(points(read_table(written)), POINTS)


@settings(max_examples=20)
@given(arrays(np.float64, (3, 2, 3), elements=st.floats(width=64, allow_infinity=False)))
@example(np.array([np.full((2, 3), np.nan), np.ones((2, 3)), np.ones((2, 3))]))
def test_all_digits_survive(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray):
    path = tmp_path_factory.mktemp("t") / "t.h5"
    write_table(make_table("Net", PARTS, [0, 1, 2], values), path)
    for suffix in (".h5", ".csv"):
        read = read_table(path.with_suffix(suffix))
        np.testing.assert_array_equal(points(read), values)
        assert read.index.tolist() == [0, 1, 2]


def test_points_go_by_name_and_are_a_copy(table: pd.DataFrame):
    chosen = points(table, ["nose"])
    np.testing.assert_array_equal(chosen, POINTS[:, 1:])
    chosen[:] = 0
    np.testing.assert_array_equal(points(table), POINTS)
    with pytest.raises(ToolboxError, match="no body part paw; it has tail, nose"):
        points(table, ["nose", "paw"])


def test_todays_readers_find_what_they_need(tmp_path: Path, table: pd.DataFrame):
    write_table(table.rename_axis(index="image"), tmp_path / "t.h5")
    with h5py.File(tmp_path / "t.h5") as file:
        assert list(file) == [KEY]
        assert file[KEY].attrs["pandas_version"] == b"0.15.2"
        assert "table" in file[KEY]
        assert file[KEY]["table"].dtype.names == ("index", "values_block_0")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[:4] == [
        "scorer,Ann,Ann,Ann,Ann",
        "bodyparts,tail,tail,nose,nose",
        "coords,x,y,x,y",
        "day 1/img2.png,NaN,NaN,NaN,NaN",
    ]
    assert len(lines) == 5
    assert len(pd.read_csv(tmp_path / "t.csv", header=[0, 1, 2], index_col=0)) == 2


def test_a_failed_write_leaves_the_old_table(tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch):
    write_table(table, tmp_path / "t.h5")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(UsersError, match="disk full"):
        write_table(table * 2, tmp_path / "t.h5")
    np.testing.assert_array_equal(points(read_table(tmp_path / "t.h5")), POINTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "t.h5"]


def in_dlc2_form(table: pd.DataFrame, form: str) -> pd.DataFrame:
    """Index the rows as DeepLabCut 2/3 does."""
    rows = [("labeled-data", *row.split("/")) for row in table.index]
    index = (
        pd.MultiIndex.from_tuples(rows)
        if form == "levels"
        else [{"path": "/", "windows": "\\"}[form].join(r) for r in rows]
    )
    return table.set_axis(index)


@pytest.mark.parametrize("form", ["levels", "path", "windows"])
@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_tables_of_dlc2(tmp_path: Path, table: pd.DataFrame, form: str, suffix: str):
    path = tmp_path / f"t{suffix}"
    theirs = in_dlc2_form(table, form)
    theirs.to_csv(path) if suffix == ".csv" else theirs.to_hdf(path, key="df_with_missing", mode="w")
    read = read_table(path)
    assert read.index.tolist() == IMAGES
    np.testing.assert_array_equal(points(read)[1], POINTS[1])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_after_an_editor(tmp_path: Path, table: pd.DataFrame, encoding: str, newline: str):
    text = table.to_csv(na_rep="")
    (tmp_path / "t.csv").write_bytes(text.replace("\n", newline).encode(encoding))
    np.testing.assert_array_equal(points(read_table(tmp_path / "t.csv")), POINTS)


def test_a_named_index_adds_a_header_row_that_is_no_image(tmp_path: Path, table: pd.DataFrame):
    table.iloc[::-1].rename_axis(index="image").to_csv(tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv").index.tolist() == IMAGES[::-1]


def test_any_text_is_a_name(tmp_path: Path):
    parts = ["NA", "None", "null", "nan", "n/a"]
    for scorer in parts:
        write_table(make_table(scorer, parts, IMAGES, np.ones((2, 5, 2))), tmp_path / "t.h5")
        for suffix in (".h5", ".csv"):
            read = read_table(tmp_path / f"t{suffix}")
            assert (tables.scorer_of(read), tables.bodyparts_of(read)) == (scorer, parts)


def test_coordinates_are_put_in_order(tmp_path: Path):
    poses = make_table("Net", PARTS, [0], np.array([[[1.0, 2.0, 0.5], [3.0, 4.0, 0.9]]]))
    poses.iloc[:, ::-1].to_csv(tmp_path / "t.csv")
    read = read_table(tmp_path / "t.csv")
    assert tables.bodyparts_of(read) == ["nose", "tail"]
    np.testing.assert_array_equal(points(read, PARTS), [[[1.0, 2.0, 0.5], [3.0, 4.0, 0.9]]])


class Evil:
    """What a malicious pickle would hold."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def with_pickled_attribute(path: Path, evil: Evil) -> None:
    with h5py.File(path, "r+") as file:
        file[KEY].attrs["info"] = np.bytes_(pickle.dumps(evil, 0))


def with_pickled_attribute_deep_down(path: Path, evil: Evil) -> None:
    with h5py.File(path, "r+") as file:
        file[KEY]["table"].attrs["values_block_0_meta"] = np.bytes_(pickle.dumps(evil, 0))


def with_pickled_rows(path: Path, evil: Evil) -> None:
    with pytables.open_file(str(path), "a") as file:
        file.create_vlarray(f"/{KEY}", "meta", pytables.ObjectAtom()).append(evil)


@pytest.mark.parametrize("poison", [with_pickled_attribute, with_pickled_attribute_deep_down, with_pickled_rows])
def test_code_in_a_table_is_refused_unrun(tmp_path: Path, table: pd.DataFrame, poison: Callable):
    write_table(table, tmp_path / "t.h5")
    poison(tmp_path / "t.h5", Evil(tmp_path / "ran"))
    with pytest.raises(ToolboxError, match=r"t\.h5 is refused: .*code"):
        read_table(tmp_path / "t.h5")
    assert not (tmp_path / "ran").exists()


def test_that_code_would_run_without_the_check(tmp_path: Path, table: pd.DataFrame):
    write_table(table, tmp_path / "t.h5")
    with_pickled_attribute(tmp_path / "t.h5", Evil(tmp_path / "ran"))
    pd.read_hdf(tmp_path / "t.h5")
    assert (tmp_path / "ran").exists()


def test_a_link_out_of_the_file_is_refused(tmp_path: Path, table: pd.DataFrame):
    write_table(table, tmp_path / "elsewhere.h5")
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file[KEY] = h5py.ExternalLink("elsewhere.h5", f"/{KEY}")
    with pytest.raises(ToolboxError, match="is a link to elsewhere"):
        read_table(tmp_path / "t.h5")


def test_of_several_tables_in_a_file_one_can_be_chosen(tmp_path: Path, table: pd.DataFrame):
    for key in (KEY, "second"):
        table.to_hdf(tmp_path / "t.h5", key=key)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.h5"), table, obj="the same under two names")
    (table + 1).to_hdf(tmp_path / "t.h5", key="third")
    with pytest.raises(
        ToolboxError, match=r"holds 3 tables that differ: .*second, third\. Name the right one as .*h5/"
    ):
        read_table(tmp_path / "t.h5")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.h5" / "third"), table + 1)
    with pytest.raises(ToolboxError, match=r"holds no table 'fourth'; it holds df_with_missing, second, third"):
        read_table(tmp_path / "t.h5" / "fourth")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_tell_themselves_are_read(tmp_path: Path, encoding: str):
    table = make_table("Zoë", ["Füße", "łapa"], ["day 1/img1.png"], np.ones((1, 2, 2)))
    (tmp_path / "t.csv").write_bytes(table.to_csv().encode(encoding))
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), table)


def test_other_encodings_are_refused_because_a_name_could_be_another_one(tmp_path: Path):
    table = make_table("Ann", ["Füße", "paw"], ["day 1/img1.png"], np.ones((1, 2, 2)))
    (tmp_path / "t.csv").write_bytes(table.to_csv().encode("cp1252"))
    with pytest.raises(UsersError, match=r"t\.csv line 2 is not in UTF-8, .*: save it as UTF-8"):
        read_table(tmp_path / "t.csv")


def test_labels_are_no_poses(tmp_path: Path, table: pd.DataFrame):
    write_table(table, tmp_path / "t.h5")
    with pytest.raises(ToolboxError, match=r"t\.h5 holds labels by Ann, without likelihoods, not poses of a network"):
        read_poses(tmp_path / "t.h5")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: pd.concat([t, make_table("Bob", PARTS, IMAGES, POINTS)], axis=1), "one scorer"),
        (lambda t: t.iloc[:, 1:], "x, y once for every body part"),
        (lambda t: t.astype(object).where(t.notna(), "unsure"), "no number.*unsure"),
        (lambda t: pd.concat([t, t]), "has the rows day 1/img2.png, day 1/img10.png twice"),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, table: pd.DataFrame, change: Callable, message: str):
    change(table).to_csv(tmp_path / "t.csv")
    with pytest.raises(ToolboxError, match=rf"t\.csv .*{message}"):
        read_table(tmp_path / "t.csv")


def test_tables_of_several_animals_are_refused(tmp_path: Path):
    levels = [["Ann"], ["m1", "m2"], ["nose"], ["x", "y"]]
    columns = pd.MultiIndex.from_product(levels, names=["scorer", "individuals", "bodyparts", "coords"])
    table = pd.DataFrame(np.ones((2, 4)), columns=columns, index=IMAGES)
    table.to_hdf(tmp_path / "t.h5", key="k")
    table.to_csv(tmp_path / "t.csv")
    for suffix in (".h5", ".csv"):
        with pytest.raises(ToolboxError, match=rf"t\{suffix} has labels of the individuals m1, m2; several ani"):
            read_table(tmp_path / f"t{suffix}")


def test_a_table_of_one_individual_and_parts_of_none_is_one_animal(tmp_path: Path):
    """As a project of several animals writes it when there is one: its parts, and those that are unique."""
    owners = [("m1", "nose"), ("m1", "paw"), ("single", "lever")]
    columns = pd.MultiIndex.from_tuples(
        [("Ann", animal, part, coord) for animal, part in owners for coord in ("x", "y")],
        names=["scorer", "individuals", "bodyparts", "coords"],
    )
    values = np.arange(12.0).reshape(2, 6)
    index = pd.MultiIndex.from_tuples([("labeled-data", "day1", f"img{n}.png") for n in (1, 2)])
    table = pd.DataFrame(values, columns=columns, index=index)
    table.to_hdf(tmp_path / "t.h5", key="df_with_missing")
    table.to_csv(tmp_path / "t.csv")
    for suffix in (".h5", ".csv"):
        read = read_table(tmp_path / f"t{suffix}")
        assert list(read.index) == ["day1/img1.png", "day1/img2.png"]
        assert tables.bodyparts_of(read) == ["nose", "paw", "lever"]
        np.testing.assert_array_equal(read.to_numpy(), values)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_separators_and_decimal_commas_of_spreadsheets(tmp_path: Path, table: pd.DataFrame, separator: str):
    table.to_csv(tmp_path / "comma.csv")
    table.to_csv(tmp_path / "t.csv", sep=separator, decimal=",")
    content = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_bytes(f"\ufeffsep={separator}\r\n{content}".replace("\r\n", "\n").encode())
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), read_table(tmp_path / "comma.csv"))


@pytest.mark.parametrize("separator", [";", ","])
def test_all_cells_in_quotes(tmp_path: Path, table: pd.DataFrame, separator: str):
    table.to_csv(tmp_path / "comma.csv")
    table.to_csv(tmp_path / "t.csv", sep=separator, decimal=",", quoting=csv.QUOTE_ALL)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), read_table(tmp_path / "comma.csv"))


def test_a_number_that_may_have_a_mark_before_thousands_is_refused(tmp_path: Path, table: pd.DataFrame):
    table.astype(object).replace(table.iloc[0, 0], "1,012").to_csv(tmp_path / "t.csv")
    with pytest.raises(ToolboxError, match=r"values that are no numbers: .* is '1,012'"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_csv_that_is_cut_off_is_refused_whatever_separates_its_cells(tmp_path: Path, table, separator: str):
    table.to_csv(tmp_path / "t.csv", sep=separator)
    content = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(content[: content.rindex(separator)])
    with pytest.raises(ToolboxError, match="is cut off in its last line"):
        read_table(tmp_path / "t.csv")


def test_a_title_above_a_csv_is_to_be_deleted(tmp_path: Path, table: pd.DataFrame):
    (tmp_path / "t.csv").write_text("Table 1\n" + table.to_csv())
    with pytest.raises(ToolboxError, match=r"cannot be read .*; save it with commas .*, and without a title line"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("digits", [18, 19, 20, 5000])
def test_a_row_of_many_digits_is_a_name(tmp_path: Path, digits: int):
    (tmp_path / "t.csv").write_text(make_table("Ann", PARTS, ["9" * digits], POINTS[1:]).to_csv())
    assert read_table(tmp_path / "t.csv").index.tolist() == ["9" * digits if digits > 18 else 10**18 - 1]


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"a\nb,c\n", b"\x89HDF\r\n\x1a\n\0\0"])
def test_damaged_files_are_named(tmp_path: Path, suffix: str, content: bytes):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content)
    with pytest.raises(ToolboxError, match=rf"t\{suffix} ") as told:
        read_table(path)
    assert "\n" not in str(told.value)
    with pytest.raises(ToolboxError, match="does not exist"):
        read_table(tmp_path / f"gone{suffix}")


def test_a_table_of_something_else_is_read_by_its_names(tmp_path):
    coords = ("error_px", "views_px")
    values = np.arange(12.0).reshape(3, 2, 2)
    path = tmp_path / "confidence.h5"
    write_table(make_table("net", ["nose", "tail"], range(3), values, coords), path, csv=False)
    found = read_table(path, coords)
    np.testing.assert_array_equal(points(found, ["tail", "nose"], coords[::-1]), values[:, ::-1, ::-1])
    with pytest.raises(ToolboxError, match=r"and the columns x, y once for every body part; .* error_px, views_px"):
        read_table(path)


def test_all_cells_that_are_no_numbers_are_named(tmp_path: Path, table: pd.DataFrame):
    changed = table.astype(object)
    changed.iloc[0, 1], changed.iloc[1, 2] = "05. Jan", "12/04"
    changed.to_csv(tmp_path / "t.csv")
    told = (
        r"values that are no numbers: tail y in day 1/img2\.png is '05\. Jan', nose x in day 1/img10\.png is '12/04'; "
        "a spreadsheet"
    )
    with pytest.raises(ToolboxError, match=told):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("suffix", [".csv", ".h5"])
def test_infinite_values_are_missing(tmp_path: Path, table: pd.DataFrame, suffix: str):
    expected = table.copy()
    table.iloc[1, 0], expected.iloc[1, 0] = -np.inf, np.nan
    write_table(table, tmp_path / "t.h5")
    np.testing.assert_array_equal(read_table(tmp_path / f"t{suffix}"), expected)


def test_a_csv_that_is_cut_off_in_its_last_line(tmp_path: Path):
    text = "scorer,Ann,Ann\nbodyparts,nose,nose\ncoords,x,y\na/1.png,5.25,6.5\na/2.png,81.84,7"
    (tmp_path / "a.csv").write_text(text)
    assert points(read_table(tmp_path / "a.csv")).tolist() == [[[5.25, 6.5]], [[81.84, 7]]]
    (tmp_path / "a.csv").write_text(text[: text.index("1.84")])
    with pytest.raises(ToolboxError, match=r"a\.csv is cut off in its last line, 'a/2\.png,8': copy it again, whole"):
        read_table(tmp_path / "a.csv")


def test_columns_and_lines_that_a_spreadsheet_left_empty_do_not_count(tmp_path: Path, table: pd.DataFrame):
    write_table(table, tmp_path / "t.h5")
    lines = table.to_csv().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([*(f"{line},," for line in lines), ",,,,,,", ""]))
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), read_table(tmp_path / "t.h5"))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.txt", "scorer\tAnn\tAnn\n", r"t\.txt is neither HDF5 nor, by its name, a csv: no table of labels"),
        ("t.xml", "<?xml version='1.0'?><annotation/>", r"t\.xml is an XML file, not a table of labels"),
        (
            "nose.csv",
            " ,Area,X,Y,Slice\n1,0,4,5,1\n",
            "nose.csv holds clicks of Fiji: put it beside its images.*Step 2",
        ),
    ],
)
def test_what_is_no_table_is_told_for_what_it_is(tmp_path: Path, name: str, text: str, told: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(ToolboxError, match=told):
        read_table(tmp_path / name)
