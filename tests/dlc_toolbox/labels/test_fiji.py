from pathlib import Path

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.fiji import read_clicks

CLICKS = [[202.0, 629.5, 1], [393.25, 199.0, 2]]
V1 = " \tArea\tMean\tX\tY\tSlice\tCount\n1\t0\t178\t202\t629.5\t1\t80\n5\t0\t183\t393.25\t199\t2\t80\n"


@pytest.fixture
def read(tmp_path: Path):
    def from_text(text: str | bytes, name: str = "nose.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_clicks(path)

    return from_text


@pytest.mark.parametrize(
    "text",
    [
        V1,
        V1.replace("\t", ","),
        V1.replace("\t", ";"),
        V1.replace("\t", ";").replace(".", ","),
        V1.replace(".", ","),
        V1.replace("\n", "\r\n"),
        V1.replace("\n", "\r"),
        V1.rstrip("\n"),
        V1.replace("\n", "\n\n") + "\t\t\t\t\t\t\n",
        V1.replace("80\n", "80\t\n"),
        '" ","X","Y","Slice"\n"1","202","629,5","1"\n"2","393,25","199","2"\n',
        "Slice,Y,X\n1,629.5,202\n2,199,393.25\n",
        "X,Y,Slice\n2.02e2,629.5,1.0\n+393.25,199.,2\n",
        "\ufeff" + V1,
        V1.encode("utf-16"),
        V1.encode("utf-16-le"),
        V1.encode("utf-16-be"),
        V1.replace("Mean", "Mean µm²").encode("latin-1"),
    ],
)
def test_every_dialect_reads_the_same(read, text):
    assert read(text)[["x", "y", "slice"]].to_numpy().tolist() == CLICKS


def test_the_suffix_of_v1_is_as_good(read):
    assert read(V1, "nose.xls")[["x", "y", "slice"]].to_numpy().tolist() == CLICKS


def test_clicks_come_in_the_order_of_their_numbers(read):
    shuffled = " ,X,Y,Slice\n10,1,1,1\n9,2,2,1\n2,3,3,1\n"
    assert read(shuffled)["x"].tolist() == [3, 2, 1]
    assert read(shuffled.replace(" ,X", "id,X"))["x"].tolist() == [1, 2, 3]
    assert read(shuffled.replace("9", "10"))["x"].tolist() == [1, 2, 3], "numbers that repeat say nothing"


@pytest.mark.parametrize("column", ["Frame", "Ch", "Channel", "Slice"])
def test_of_a_hyperstack_the_column_that_counts_is_the_position(read, column: str):
    others = [name for name in ("Slice", "Frame", "Ch") if name != column]
    header = ",".join([" ", "X", "Y", column, *others])
    clicks = read(f"{header}\n1,202,629.5,1{',1' * len(others)}\n2,393.25,199,2{',1' * len(others)}\n")
    assert clicks[["x", "y", "slice"]].to_numpy().tolist() == CLICKS


def test_a_hyperstack_in_which_two_numbers_count_has_no_position(read):
    with pytest.raises(ToolboxError, match=r"both Slice and Frame count, .*Hyperstack to Stack, then measure again"):
        read(" ,X,Y,Ch,Slice,Frame\n1,1,1,1,1,2\n2,2,2,1,2,1\n")
    assert read(" ,X,Y,Slice,Frame\n1,1,1,2,2\n2,2,2,3,3\n")["slice"].tolist() == [2, 3], "the same twice"


def test_all_lines_that_are_wrong_are_told(read):
    rows = "".join(f"{x},7,{n}\n" for n, x in enumerate(["one", "2", "three", "", "5", "6", "seven", "e", "n", "t"], 1))
    message = r"line 2: X is 'one', which is no number; .*line 4: .*; line 5: X, Y, Slice are '', '7', '4'.*and 2 more"
    with pytest.raises(ToolboxError, match=message):
        read("X,Y,Slice\n" + rows)


def test_labels_and_lines_are_kept(read):
    clicks = read(" ,Label,X,Y,Slice\n1,day:img3.png,1,2,1\n\n2,day:img4.png,3,4,2\n")
    assert clicks["label"].tolist() == ["day:img3.png", "day:img4.png"]
    assert clicks["line"].tolist() == [2, 4]


@pytest.mark.parametrize("mark", ["\x0c", "\x85", "\u2028"])
def test_only_line_ends_end_a_line(read, mark: str):
    clicks = read(f"Label,X,Y,Slice\r\na{mark}b,1,2,1\r\nc,3,4,2\r\n")
    assert clicks["label"].tolist() == [f"a{mark}b", "c"]
    assert clicks["line"].tolist() == [2, 3]


def test_names_that_windows_wrote(read):
    assert read("Label,X,Y,Slice\nMaus…”,1,2,1\n".encode("cp1252"))["label"].tolist() == ["Maus…”"]


def test_row_numbers_of_any_length(read):
    assert read(f" ,X,Y,Slice\n{'9' * 5000},1,1,1\n1,2,2,2\n")["x"].tolist() == [2, 1]


def test_a_click_without_x_and_y_is_no_label(read):
    clicks = read("X,Y,Slice\n,,1\nNaN,NaN,2\n5,6,3\n")
    assert np.isnan(clicks[["x", "y"]].to_numpy()).tolist() == [[True, True], [True, True], [False, False]]


def test_a_table_without_clicks_is_empty(read):
    assert len(read(" ,X,Y,Slice\n")) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("scorer,Ann,Ann\nbodyparts,nose,nose\ncoords,x,y\n", "is a label table of DeepLabCut.*ImportLabels.py"),
        ("\n \n", "is empty"),
        (
            " ,X,Y\n1,2,3\n",
            r"has no column Slice \(it has X, Y\).*Set Measurements.* single image, write a column Slice",
        ),
        (
            " ,X1,Y1,X2,Y2\n1,2,3,4,5\n",
            "has no column X and Y and Slice .* Multi Measure .* without 'One row per slice'",
        ),
        (" ,x,y,Slice\n1,2,3,1\n", "has no column X and Y"),
        ("1,2,3,1\n", "has no column X and Y and Slice"),
        ("X,Y,Slice\n1,two,1\n", "line 2: Y is 'two', which is no number"),
        ("X,Y,Slice\n1,2,1\n1_0,2,2\n", "line 3: X is '1_0'"),
        ("X,Y,Slice\n1e999,2,1\n", "line 2: X is '1e999'"),
        ("X,Y,Slice\n1,,1\n", "line 2: X, Y, Slice are '1', '', '1'; they must be two numbers"),
        ("X,Y,Slice\n1,2,\n", "line 2: X, Y, Slice are"),
        ("X,Y,Slice\n1,2\n", "line 2: X, Y, Slice are"),
        ("X,Y,Slice\n1,2,1.5\n", "line 2: X, Y, Slice are '1', '2', '1.5'"),
        ("X,Y,Slice\n1,2,0\n", "position of an image, a whole number from 1"),
        ("X,Y,Slice\n1,2,1e300\n", "position of an image"),
        ("X,Y,Slice\n1,5,2,5,1\n", "line 2 has 5 cells, but there are 3 columns .*decimal commas"),
        (
            b"PK\x03\x04whatever",
            "is a zip archive, such as an Excel workbook, and damaged, not a csv of clicks: copy it again",
        ),
        (b"\xd0\xcf\x11\xe0" + "Workbook".encode("utf-16-le"), "is an Excel workbook"),
    ],
)
def test_bad_files_are_named_with_line_and_column(read, text, message: str):
    with pytest.raises(ToolboxError, match=rf"nose\.csv {message}|nose\.csv.*{message}"):
        read(text)


def test_what_fiji_summarizes_is_no_click(read):
    summary = "3,Mean,297.6,414.2,1.5\n4,SD,135,304,0.7\n5,Min,202,199,1\n6,Max,393.25,629.5,2\n"
    header = " ,Label,X,Y,Slice\n"
    table = read(header + "1,v:a1.png,202,629.5,1\n2,v:a2.png,393.25,199,2\n" + summary)
    assert table[["x", "y", "slice"]].to_numpy().tolist() == CLICKS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" ,X,X,Y,Slice\n1,9,202,629.5,1\n", "has several columns X: delete all but the one that counts"),
        (
            "x,y,slice\n202,629.5,1\n",
            "has no column X and Y and Slice, but x and y and slice: write them with a",
        ),
        ('" ,X,Y,Slice"\n"1,202,629.5,1"\n', r"quotes around whole lines .*',X,Y,Slice'.* delete the quotes"),
        (
            '" ,""Label"",X,Y,Slice",,\n"1,a.png,202,629.5,1",,\n',
            "quotes around whole lines make each of them one cell",
        ),
        ('" \tX\tY\tSlice"\n"1\t202\t629.5\t1"\n', "quotes around whole lines make each of them one cell"),
        (" ,X,Y,Slice\n1,202,629.5,1\n2,393.25,19", "is cut off in its last line, 3: copy it again, or measure again"),
    ],
)
def test_tables_that_other_hands_have_changed(read, text: str, message: str):
    with pytest.raises(ToolboxError, match=message):
        read(text)


@pytest.mark.parametrize(
    "rows",
    [
        "1\t0\t178\t39.333\t199\t1\n",  # as thousands, wider than images are
        "1\t0\t178\t393.333\t199\t1\n",
        "1\t0\t178.25\t39.333\t199\t1\n",  # of the points in the file, one is a decimal one
        "1\t0\t178\t39.3330\t199\t1\n",
        "1\t0\t178\t39.333\t19.500\t1\n",  # nothing is written without a point
    ],
)
def test_three_decimals_are_no_thousands_where_the_file_tells(read, rows):
    (x,) = read(" \tArea\tMean\tX\tY\tSlice\n" + rows)["x"]
    assert x in (393.333, 39.333)


@pytest.mark.parametrize("rows", ['1,0,"1,012","2,120",1\n', "1;0;1.012;884;1\n"])
def test_what_may_be_thousands_is_refused(read, rows):
    separator = rows[1]
    with pytest.raises(ToolboxError, match=r"'1.012' could be a decimal number, or a whole one with a mark before"):
        read(" ,Area,X,Y,Slice\n".replace(",", separator) + rows)
