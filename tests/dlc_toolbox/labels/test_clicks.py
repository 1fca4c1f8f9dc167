from pathlib import Path

import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.clicks import BLANK, EMPTY, ClickTable
from dlc_toolbox.labels.fiji import read_clicks

PATH = Path("nose.csv")
FIJI = " \tLabel\tArea\tMean\tX\tY\tSlice\r\n1\timg0.png\t0\t12.5\t10,25\t20\t1\r\n2\timg2.png\t0\t7\t30\t40\t3\r\n"


def edited(data: bytes, changes: dict, names: dict | None = None) -> bytes:
    return ClickTable(data, PATH).edited(changes, names or {}).data


@pytest.mark.parametrize(
    "data",
    [
        EMPTY.encode(),
        FIJI.encode(),
        FIJI.encode("utf-16"),
        b"\xff\xfe" + FIJI.encode("utf-16-le"),
        b"\xfe\xff" + FIJI.encode("utf-16-be"),
        b"\xef\xbb\xbf" + FIJI.encode(),
        " ,X,Y,Slice,Datei\n1,2,3,1,M\xe4use\n".encode("cp1252"),
        b" ,X,Y,Slice\r1,2,3,1\r2,4,5,2",
        b"\n\n ,X,Y,Slice\n\n1,2,3,1\n\n\n",
        b'X,Y,Slice,Label\n1,2,1,"a\nb"\n',
    ],
)
def test_what_is_not_changed_keeps_its_bytes(data):
    table = ClickTable(data, PATH)
    assert table.data == data
    assert table.edited({}, {}).data == data


def test_a_moved_click_keeps_its_row_but_not_what_was_measured_at_the_old_place():
    after = edited(FIJI.encode(), {3: [(31.125, 40.0)]}).decode()
    assert after.splitlines(keepends=True)[:2] == FIJI.splitlines(keepends=True)[:2]
    assert after.splitlines(keepends=True)[2] == "2\timg2.png\t\t\t31,125\t40,0\t3\r\n"


def test_a_new_click_comes_last_with_the_next_number_and_the_name_of_its_image():
    after = edited(FIJI.encode(), {2: [(1.5, 2.0)]}, {2: "img1.png"}).decode()
    assert after == FIJI + "3\timg1.png\t\t\t1,5\t2,0\t2\r\n"


def test_a_removed_click_takes_its_row_along():
    assert edited(FIJI.encode(), {1: []}) == FIJI.replace("1\timg0.png\t0\t12.5\t10,25\t20\t1\r\n", "").encode()


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-7, 123456.78901234567, -0.0, 2.0**-1074, 1e6])
@pytest.mark.parametrize("data", [EMPTY.encode(), FIJI.encode()])
def test_all_digits_come_back(data, value, tmp_path):
    path = tmp_path / "nose.csv"
    path.write_bytes(edited(data, {7: [(value, 3.0)]}))
    clicks = read_clicks(path)
    assert repr(clicks["x"].iloc[-1].item()) == repr(value)


def test_clicks_in_turn_stay_in_the_order_of_the_parts(tmp_path):
    data = b" ,X,Y,Slice\n2,5,6,1\n1,3,4,1\n"  # numbered, so that 1 is the first part
    table = ClickTable(data, PATH)
    assert table.by_slice() == {1: [(3, 4), (5, 6)]}
    after = table.edited({1: [(3, 4), (9, 9)], 2: [(7, 7), BLANK]}, {})
    assert after.data == b" ,X,Y,Slice\n2,9,9,1\n1,3,4,1\n3,7,7,2\n4,NaN,NaN,2\n"
    assert ClickTable(after.data, PATH).by_slice()[1] == [(3, 4), (9, 9)]


def test_numbers_that_are_unique_only_after_a_deletion_do_not_change_the_order():
    data = b" ,X,Y,Slice\n1,1,1,1\n2,2,2,1\n2,3,3,2\n1,4,4,2\n"
    table = ClickTable(data, PATH)
    assert table.by_slice()[2] == [(3, 3), (4, 4)]
    assert ClickTable(table.edited({1: []}, {}).data, PATH).by_slice() == {2: [(3, 3), (4, 4)]}


def test_a_file_without_line_end_or_numbers_is_continued_in_its_own_way():
    assert edited(b"X;Y;Slice", {1: [(1.5, 2.0)]}) == b"X;Y;Slice\n1.5;2.0;1\n"
    assert edited(b"Slice,X,Y\r\n1,2,3", {4: [(1.0, 2.0)]}) == b"Slice,X,Y\r\n1,2,3\r\n4,1.0,2.0\r\n"


def test_names_with_separators_are_quoted_and_those_with_colons_left_out(tmp_path):
    after = edited(EMPTY.encode(), {1: [(1.0, 2.0)], 2: [(3.0, 4.0)]}, {1: "a,1.png", 2: "a:2.png"})
    assert after == EMPTY.encode() + b'1,"a,1.png",1.0,2.0,1\n2,,3.0,4.0,2\n'


def test_a_text_that_cannot_be_written_back_is_refused():
    with pytest.raises(ToolboxError, match=r"nose.csv has characters that cannot be written back .* UTF-8"):
        ClickTable(FIJI.encode("utf-16") + b"\x00", PATH)


def test_a_click_added_to_a_hyperstack_counts_where_the_others_do():
    table = ClickTable(b" ,X,Y,Slice,Frame\n1,10,20,1,2\n", Path("nose.csv"))
    edited = table.edited({3: [(5.0, 6.0)], 2: [(10.5, 20.0)]}, {})
    assert edited.data == b" ,X,Y,Slice,Frame\n1,10.5,20.0,1,2\n2,5.0,6.0,1,3\n"
    assert ClickTable(edited.data, Path("nose.csv")).by_slice() == {2: [(10.5, 20)], 3: [(5, 6)]}


def test_what_is_written_can_be_read_again():
    table = ClickTable(b" \tX\tY\tSlice\n1\t202\t629\t1\n", Path("nose.csv"))
    again = ClickTable(table.edited({2: [(93.125, 9.375)]}, {}).data, Path("nose.csv"))
    assert again.by_slice() == {1: [(202, 629)], 2: [(93.125, 9.375)]}
