"""learning_stats.csv and its picture."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from deepercut import DeepercutError
from deepercut.training.learning_stats import append_row, begin_rows, draw_learning_curve
from deepercut.weights.snapshots import read_validation_errors, statistics_path

VALUES = {"loss": 0.5, "part_loss": 0.25, "locref_loss": 5.0, "learning_rate": 1e-4, "images_per_s": 1.25}


@pytest.fixture
def path(tmp_path):
    path = statistics_path(tmp_path)
    begin_rows(path, 0)
    for iteration, error in ((100, 20.5), (150, None), (200, 8.0), (300, float("nan"))):
        append_row(path, iteration, VALUES | ({} if error is None else {"validation_error_px": error}))
    return path


def test_a_row_by_hand(path):
    header, first, second, *_ = path.read_text().splitlines()
    assert header == "iteration,loss,part_loss,locref_loss,learning_rate,images_per_s,validation_error_px"
    assert first == "100,0.5,0.25,5,0.0001,1.25,20.5"
    assert second == "150,0.5,0.25,5,0.0001,1.25,"


def test_what_is_not_measured_is_nan_for_every_reader(path):
    expected = [20.5, np.nan, 8, np.nan]
    np.testing.assert_array_equal(pd.read_csv(path)["validation_error_px"], expected)
    np.testing.assert_array_equal(np.genfromtxt(path, delimiter=",", names=True)["validation_error_px"], expected)
    assert read_validation_errors(path) == {100: 20.5, 200: 8.0}


def test_a_resumed_run_cuts_the_curve(path):
    begin_rows(path, 200)
    assert [row["iteration"] for row in csv.DictReader(path.open())] == ["100", "150", "200"]
    begin_rows(path, 0)
    assert len(path.read_text().splitlines()) == 1


def test_a_curve_without_the_error_gets_its_column(tmp_path):
    path = tmp_path / "learning_stats.csv"
    path.write_text("iteration,loss,part_loss,locref_loss,learning_rate,images_per_s\n2,0.5,0,0,0,1\n")
    begin_rows(path, 2)
    assert path.read_text().splitlines()[1:] == ["2,0.5,0,0,0,1,"]
    assert read_validation_errors(path) == {}


def test_damaged_rows_and_missing_files_tell_no_error(path, tmp_path):
    with path.open("a") as file:
        file.write("400,0.1,0.1,0.1,0.1,0.1,what\n500\n\n,,,,,,3\n600,0.1,0.1,0.1,0.1,0.1,inf")
    assert read_validation_errors(path) == {100: 20.5, 200: 8.0}
    begin_rows(path, 500)
    draw_learning_curve(path)
    assert [row["iteration"] for row in csv.DictReader(path.open())] == ["100", "150", "200", "300", "400", "500"]
    assert read_validation_errors(tmp_path / "none.csv") == {}


@pytest.mark.parametrize(("mark", "point"), [(";", ","), ("\t", ","), (";", ".")])
def test_a_curve_that_a_spreadsheet_saved_is_not_lost(path, mark, point):
    before = path.read_text()
    path.write_text("\ufeff" + before.replace(",", mark).replace(".", point))
    assert read_validation_errors(path) == {100: 20.5, 200: 8.0}
    begin_rows(path, 300)
    assert path.read_text() == before


def test_what_is_no_curve_is_not_overwritten(path):
    path.write_text("5;0,5\n")
    with pytest.raises(DeepercutError, match=r"it has no column iteration\. Move it away; a new one"):
        begin_rows(path, 300)
    assert path.read_text() == "5;0,5\n"


def test_no_table_is_an_error_that_names_the_file(path):
    path.write_text("iteration\n" + "5" * 200_000)
    with pytest.raises(DeepercutError, match=r"learning_stats\.csv cannot be read: field larger than .* Move it away"):
        read_validation_errors(path)


def test_a_curve_without_rows_is_not_drawn(tmp_path):
    begin_rows(statistics_path(tmp_path), 0)
    draw_learning_curve(statistics_path(tmp_path))
    assert list(tmp_path.iterdir()) == [statistics_path(tmp_path)]


def test_the_highest_error_is_drawn_as_a_whole(path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, to, **_: (drawn.append(figure), Path(to).touch()))
    begin_rows(path, 0)
    for iteration, error_px in ((10, 3.1), (20, 3.0), (30, 3.09)):
        append_row(path, iteration, {"loss": 0.5, "validation_error_px": error_px})
    draw_learning_curve(path)
    low, high = drawn[0].axes[1].get_ylim()
    assert low == 0 and high == pytest.approx(3.255)


def test_the_error_has_axes_of_its_own_where_it_was_measured(path):
    draw_learning_curve(path)
    with_error = Image.open(path.with_name("learning_curve.png")).size
    begin_rows(path, 0)
    append_row(path, 100, VALUES)
    draw_learning_curve(path)
    assert with_error == (1050, 900)
    assert Image.open(path.with_name("learning_curve.png")).size == (1050, 600)
