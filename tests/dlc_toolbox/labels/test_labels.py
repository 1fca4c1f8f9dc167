import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.labels import convert_labels, read_labels, why_labels_stale
from dlc_toolbox.labels.plausible import outside_image, warn_of_one_hand, why_outside
from dlc_toolbox.labels.slices import slices_of
from dlc_toolbox.labels.sources import NoLabelsError
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, read_table, write_table

NAN = np.nan
SIZE = (160, 120)


@pytest.fixture
def toy(toy_project: Path):
    return Toy(toy_project)


class Toy:
    """A project whose labels a test may change."""

    def __init__(self, root: Path):
        self.layout = Layout(root)
        self.data = self.layout.data_folder("toy")
        self.folder = self.data / "toy"

    def set(self, text: str) -> None:
        with (self.layout.root / "myconfig.py").open("a") as file:
            file.write(f"\n{text}\n")

    def convert(self, scorer: str = "Ann", **flags: bool) -> pd.DataFrame:
        path = convert_labels(self.layout, load_settings(self.layout.root), scorer, **flags)
        return read_table(path)

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.folder / name
        path.write_text(change(path.read_text()))

    def write(self, name: str, rows: str, header: str = " ,X,Y,Slice") -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(f"{header}\n{rows}\n")

    def add_folder(self, name: str, images: int = 2) -> Path:
        folder = self.data / name
        folder.mkdir()
        for number in range(images):
            Image.new("RGB", SIZE).save(folder / f"img{number}.png")
        return folder


# From csv to table


def test_the_labels_are_the_clicks(toy: Toy, toy_points: np.ndarray):
    table = toy.convert()
    assert table.index.tolist() == [f"toy/img{frame:02d}.png" for frame in range(0, 30, 3)]
    assert bodyparts_of(table) == ["nose", "paw", "tail"]
    expected = toy_points[::3].copy()
    expected[3, 2] = NAN
    np.testing.assert_array_equal(points(table), expected)
    pd.testing.assert_frame_equal(read_table(toy.data / "CollectedData_Ann.csv"), table)


def test_rows_in_any_order_and_slices_count_even_when_rows_and_images_are_equal_in_number(toy: Toy):
    expected = toy.convert()
    for part in ("nose", "paw", "tail"):
        toy.edit(f"{part}.csv", lambda text: "\n".join([text.split("\n")[0], *text.strip().split("\n")[:0:-1]]))
    pd.testing.assert_frame_equal(toy.convert(), expected)


def test_numeric_not_alphabetic_order_of_images(toy: Toy):
    folder = toy.add_folder("other", images=11)
    for part in ("nose", "paw", "tail"):
        (folder / f"{part}.csv").write_text("X,Y,Slice\n50,60,3\n")
    assert toy.convert().loc["other/img2.png"].tolist() == [50, 60] * 3


def test_a_synthetic_project_of_v1(tmp_path: Path):
    """Tab-separated, row numbers with gaps, renamed to .xls, unpadded image names: as v1 left them."""
    folder = tmp_path / "Generating_a_Training_Set" / "data-reach" / "video1"
    folder.mkdir(parents=True)
    for frame in (0, 33, 119):
        Image.new("RGB", SIZE).save(folder / f"img{frame}.png")
    rows = {"hand": [(20, 62), (39, 19), (45, 18)], "Finger1": [(19, 67), (4, 9), (52, 16)]}
    for part, clicks in rows.items():
        lines = [f"{4 * n + 1}\t0\t178\t178\t178\t{x}\t{y}\t{n + 1}\t0\t80" for n, (x, y) in enumerate(clicks)]
        (folder / f"{part}.xls").write_text(
            "\n".join([" \tArea\tMean\tMin\tMax\tX\tY\tSlice\tCounter\tCount", *lines]) + "\n"
        )
    (tmp_path / "myconfig.py").write_text(
        "Task = 'reach'\ndate = 'Jan30'\nbodyparts = ['hand', 'Finger1']\nScorers = ['Mackenzie']\n"
        "scorer = 'Mackenzie'\ninvisibleboundary = 10\n"
    )
    path = convert_labels(Layout(tmp_path), load_settings(tmp_path), "Mackenzie")
    assert path.with_suffix(".csv").read_text() == (
        "scorer,Mackenzie,Mackenzie,Mackenzie,Mackenzie\n"
        "bodyparts,hand,hand,Finger1,Finger1\n"
        "coords,x,y,x,y\n"
        "video1/img0.png,20.0,62.0,19.0,67.0\n"
        "video1/img33.png,39.0,19.0,NaN,NaN\n"
        "video1/img119.png,45.0,18.0,52.0,16.0\n"
    )
    assert sorted(path.suffix for path in folder.glob("[hF]*")) == [".xls", ".xls"], "inputs are renamed"


def test_the_files_of_v1_give_the_table_of_v1(tmp_path: Path, v1_data: Path):
    shutil.copytree(v1_data / "data-reaching", tmp_path / "Generating_a_Training_Set" / "data-reaching")
    (tmp_path / "Generating_a_Training_Set" / "data-reaching").chmod(0o755)
    (tmp_path / "myconfig.py").write_text(
        "Task = 'reaching'\ndate = 'Jan30'\nbodyparts = ['hand', 'Finger1', 'Finger2', 'Joystick']\n"
        "Scorers = ['Mackenzie']\nscorer = 'Mackenzie'\ninvisibleboundary = 10\n"
    )
    path = convert_labels(Layout(tmp_path), load_settings(tmp_path), "Mackenzie")
    pd.testing.assert_frame_equal(read_table(path), read_table(v1_data / path.name))
    assert path.with_suffix(".csv").read_bytes() == (v1_data / "CollectedData_Mackenzie.csv").read_bytes()


# Cyclic files

CYCLIC = "multibodypartsfile = True\ninvisibleboundary = 10"
ROUND = ["1,20,21,1", "2,30,31,1", "3,40,41,1", "4,50,51,3", "5,2,3,3", "6,70,71,3"]


def test_parts_clicked_in_turn(toy: Toy):
    toy.set(CYCLIC)
    toy.write("Results.csv", "\n".join(ROUND))
    expected = np.full((10, 3, 2), NAN)
    expected[0] = [[20, 21], [30, 31], [40, 41]]
    expected[2] = [[50, 51], [NAN, NAN], [70, 71]]
    np.testing.assert_array_equal(points(toy.convert()), expected)
    toy.write("Results.csv", "\n".join(ROUND[::-1]))
    np.testing.assert_array_equal(points(toy.convert()), expected)


@pytest.mark.parametrize(("missing", "found"), [(1, 2), (5, 2)])
def test_a_missed_click_is_an_error_not_a_shift(toy: Toy, missing: int, found: int):
    toy.set(CYCLIC)
    toy.write("Results.csv", "\n".join(row for n, row in enumerate(ROUND) if n != missing))
    place, image = (1, "img00.png") if missing < 3 else (3, "img06.png")
    message = rf"Results\.csv: slice {place} \({image}\) has {found} clicks, expected 3: nose, paw, tail"
    with pytest.raises(ToolboxError, match=message):
        toy.convert()


# What labels may not be


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ("1,50,60,11", " ,X,Y,Slice", r"nose\.csv line 2: Slice is 11, but .*toy has 10 images"),
        (
            "1,50,60,2\n2,51,61,2",
            " ,X,Y,Slice",
            r"nose\.csv: slice 2 \(img03\.png\) has several clicks, in lines 2 and 3",
        ),
        ("1,toy:img06,50,60,2", " ,Label,X,Y,Slice", r"line 2: Label is 'toy:img06', but slice 2 is img03\.png"),
        ("1,img06.png,50,60,2", " ,Label,X,Y,Slice", r"Label is 'img06\.png', but slice 2 is img03\.png"),
        ("1,toy:img05,50,60,2", " ,Label,X,Y,Slice", "were images added to .*toy, or deleted"),
        ("1,50,sixty,2", " ,X,Y,Slice", r"nose\.csv line 2: Y is 'sixty'"),
    ],
)
def test_clicks_that_contradict_the_images_are_errors(toy: Toy, rows: str, header: str, message: str):
    toy.write("nose.csv", rows, header)
    with pytest.raises(ToolboxError, match=message):
        toy.convert()
    assert not (toy.data / "CollectedData_Ann.h5").exists()


@pytest.mark.parametrize(
    "label", ["toy:img03", "img03.png", "toy:img3", "toy:0001:img03", "Stack", "toy:2", "", "ROI-7"]
)
def test_image_names_that_agree_or_say_nothing_are_fine(toy: Toy, label: str):
    toy.write("nose.csv", f"1,{label},50,60,2", " ,Label,X,Y,Slice")
    assert toy.convert().loc["toy/img03.png", ("Ann", "nose")].tolist() == [50, 60]


def test_names_that_differ_in_zeros_only_are_told_apart(toy: Toy):
    (toy.folder / "img03.png").rename(toy.folder / "img0.png")
    for place, name in ((1, "img0"), (2, "img00")):
        toy.write("nose.csv", f"1,toy:{name},50,60,{place}", " ,Label,X,Y,Slice")
        assert toy.convert().loc[f"toy/{name}.png", ("Ann", "nose")].tolist() == [50, 60]


def test_clicks_in_inches_are_an_error(toy: Toy):
    for part in ("nose", "paw", "tail"):
        rows = [f"{n},{x / 72:.3f},{x / 80:.3f},{n}" for n, x in enumerate((30, 90, 135), 1)]
        toy.write(f"{part}.csv", "\n".join(rows))
    with pytest.raises(ToolboxError, match=r"toy: the largest .* is 1\.875, .*inches or mm.*Set Scale"):
        toy.convert()


def test_clicks_in_mm_that_are_not_tiny_are_told(toy: Toy, caplog):
    """At 3 pixels per mm the toy's points reach 45 mm, of 160 pixels."""
    for part in ("nose", "paw", "tail"):
        rows = [line.split(",") for line in (toy.folder / f"{part}.csv").read_text().splitlines()[1:]]
        toy.write(f"{part}.csv", "\n".join(f"{n},{float(x) / 3:.3f},{float(y) / 3:.3f},{s}" for n, _, x, y, s in rows))
    toy.convert()
    assert f"{toy.folder}: the largest coordinate of all clicks is 45, in images of up to 160 pixels" in caplog.text
    assert "Fiji measured in mm. In Fiji: Analyze > Set Scale > Click to Remove Scale" in caplog.text


def test_one_part_in_inches_is_told(toy: Toy, caplog):
    toy.write("paw.csv", "1,0.417,0.375,1\n2,1.25,1.125,2\n3,1.875,1.687,3")
    toy.set("invisibleboundary = 0.01")
    toy.convert()
    (warning,) = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert "paw.csv: the largest coordinate of all clicks is 1.875, in images of up to 160 pixels" in warning
    assert "Set Scale > Click to Remove Scale" in warning


@pytest.mark.parametrize("rows", ["1,3,4,1\n2,2.5,1,2\n3,1,1,3", "1,0.417,0.375,1\n2,1.25,1.125,2"])
def test_one_part_in_the_corner_is_fine(toy: Toy, rows: str, caplog):
    toy.set("invisibleboundary = 0.01")
    toy.write("paw.csv", rows)
    assert points(toy.convert(), ["paw"])[0, 0].tolist() == [float(cell) for cell in rows.split(",")[1:3]]
    assert "inches" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


# Images of another size than the others of their folder


def resize(image: Path, size: tuple[int, int]) -> None:
    Image.open(image).resize(size).save(image)


def test_an_image_of_another_size_than_most_of_its_folder_is_told_once(toy: Toy, caplog):
    """It is nowhere said that it was scaled after it was labeled, and clicks that lie inside of it look right."""
    resize(toy.folder / "img06.png", (320, 240))
    toy.convert()
    (told,) = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert told.startswith(f"{toy.folder}: most images have 160 x 120 pixels, but not toy/img06.png (320 x 240). If ")
    assert told.endswith("put the images back, or label them again")


@pytest.mark.parametrize(("count", "told"), [(4, "img00.png (320 x 240), toy/img03.png"), (5, "")])
def test_a_folder_without_a_size_of_more_than_half_of_its_images_is_rightly_mixed(toy: Toy, count, told, caplog):
    for image in sorted(toy.folder.glob("*.png"))[:count]:
        resize(image, (320, 240))
    toy.convert()
    assert told in caplog.text and ("most images" in caplog.text) == bool(told)


def test_an_image_of_another_size_without_labels_has_none_in_wrong_places(toy: Toy, caplog):
    for part in ("nose", "paw", "tail"):
        toy.write(f"{part}.csv", "1,50,60,1" if part == "nose" else "")
    resize(toy.folder / "img06.png", (320, 240))
    toy.convert()
    assert "most images" not in caplog.text


# Clicks in the corner, for what cannot be seen


def test_clicks_in_the_corner_are_told_while_the_boundary_is_off(toy: Toy, caplog):
    """8 pixels are 5 % of 160: the corner of the toy's small images."""
    toy.edit("nose.csv", lambda text: text.replace("135.0,60.0,1", "7.9,7.9,1"))
    toy.edit("paw.csv", lambda text: "\n".join(text.split("\n")[:1] + ["1,0,8,7,1", "2,0,90,7,2"]))
    assert points(toy.convert())[0, :2].tolist() == [[7.9, 7.9], [8, 7]], "they stay labels"
    assert "clicks in the top left corner: 1 of 10 on nose. If they mean 'not visible', set invisibleboundary = 10" in (
        caplog.text
    )


def test_a_part_that_is_mostly_in_the_corner_is_an_error_with_two_ways_out(toy: Toy, caplog):
    toy.write("paw.csv", "1,0,0,1\n2,-0.4,-0.4,2\n3,1,1,3\n4,80,60,4")
    with pytest.raises(ToolboxError, match=r"corner: 3 of 4 on paw\. .*invisibleboundary = 10.*invisibleboundary = -1"):
        toy.convert()
    toy.set("invisibleboundary = -1")
    assert points(toy.convert(), ["paw"])[:4, 0].tolist() == [[0, 0], [-0.4, -0.4], [1, 1], [80, 60]]
    assert "corner: 3 of 4 on paw. If they mean 'not visible', set invisibleboundary = 10 in myconfig.py; it is -1" in (
        caplog.text
    )
    toy.set("invisibleboundary = 10")
    np.testing.assert_array_equal(points(toy.convert(), ["paw"])[2:4, 0], [[NAN, NAN], [80, 60]])


def test_all_parts_in_one_file_and_the_hidden_one_in_the_corner(toy: Toy, caplog):
    toy.set("multibodypartsfile = True")
    toy.write("Results.csv", "1,20,21,1\n2,30,31,1\n3,1,1,1\n4,50,51,2\n5,60,61,2\n6,70,71,2")
    toy.convert()
    assert "1 of 2 on tail" in caplog.text


# Two parts, one place


def test_the_csv_of_one_part_under_the_name_of_another_is_an_error(toy: Toy):
    shutil.copyfile(toy.folder / "nose.csv", toy.folder / "paw.csv")
    message = r"toy/nose\.csv and paw\.csv hold the same, so nose and paw .* save it anew"
    with pytest.raises(ToolboxError, match=message):
        toy.convert()


def test_parts_in_the_same_place_in_most_images_are_told(toy: Toy, caplog):
    toy.edit("paw.csv", lambda _: (toy.folder / "nose.csv").read_text().replace("135.0,60.0", "135.3,60.0") + "\n")
    toy.convert()
    assert "toy: nose and paw have the same place in 10 of 10 images" in caplog.text
    caplog.clear()
    toy.write("paw.csv", "\n".join(f"{n},{x},60,{n}" for n, x in ((1, 135), (2, 20), (3, 21), (4, 22))))
    toy.convert()
    assert "same place" not in caplog.text, "where two parts meet once"


def test_a_part_without_any_click_is_told(toy: Toy, caplog):
    toy.write("tail.csv", "", " ,X,Y,Slice")
    assert points(toy.convert(), ["tail"]).shape == (10, 1, 2)
    assert "toy: no click on tail, so it is missing in all 10 images" in caplog.text


# Which images the slices count


def test_a_picture_saved_beside_the_images_moves_no_label(toy: Toy, caplog):
    expected = toy.convert()
    for name in ("img03_labelled.png", "img03 (2).png", "img06_1.png", "overview.png", "screenshot1.png"):
        Image.new("RGB", SIZE).save(toy.folder / name)
    (toy.folder / "img200.png").mkdir()
    pd.testing.assert_frame_equal(toy.convert(overwrite=True), expected)
    told = "not counted among the labeled images: img03 (2).png, img03_labelled.png, img06_1.png, overview.png"
    assert told in caplog.text
    assert "img200" not in caplog.text


def test_frames_json_tells_the_images_of_step_1(toy: Toy, caplog):
    expected = toy.convert()
    record = {"inputs": {}, "settings": {}, "video": "toy.avi", "frame_count": 30, "frames": list(range(0, 30, 3))}
    (toy.folder / "frames.json").write_text(json.dumps(record))
    Image.new("RGB", SIZE).save(toy.folder / "img10.png")
    pd.testing.assert_frame_equal(toy.convert(overwrite=True), expected)
    assert "not counted among the labeled images: img10.png" in caplog.text
    (toy.folder / "img27.png").unlink()
    with pytest.raises(UsersError, match=r"line 11: Slice is 10, but .*toy has 9 images.*Not counted: img10\.png"):
        toy.convert()
    assert "img27, which Step 1 wrote, is not there any more" in caplog.text


def test_names_beside_the_clicks_decide_which_images_count(toy: Toy, caplog):
    """A picture that was in the stack when people clicked is one of its slices."""
    Image.new("RGB", SIZE).save(toy.folder / "img03_b.png")
    stack = ["img00", "img03", "img03_b", "img06", "img09"]
    for part in ("nose", "paw", "tail"):
        rows = [f"{n},{name}.png,{10 * len(part) + n + (part == 'tail')},60,{n}" for n, name in enumerate(stack, 1)]
        toy.write(f"{part}.csv", "\n".join(rows), " ,Label,X,Y,Slice")
    table = toy.convert()
    assert table.loc["toy/img06.png", ("Ann", "nose")].tolist() == [44, 60]
    assert table.loc["toy/img03_b.png", ("Ann", "nose")].tolist() == [43, 60]
    assert "not counted" not in caplog.text


def test_images_of_two_patterns_are_refused_unless_clicks_tell(toy: Toy):
    for number in range(6):
        Image.new("RGB", SIZE).save(toy.folder / f"extra{number}.png")
    with pytest.raises(ToolboxError, match=r"several patterns of names: img00\.png, img03.* \(10\); extra0\.png"):
        toy.convert()
    toy.edit("nose.csv", lambda text: text + "11,0,80,60,16\n")
    assert toy.convert().loc["toy/img27.png", ("Ann", "nose")].tolist() == [80, 60], "all 16 were labeled"


def test_the_images_that_the_labeling_page_counted_decide(toy: Toy):
    images = [f"img{number:02d}.png" for number in range(0, 30, 3)]
    extra = [f"extra{number}.png" for number in range(6)]
    for name in extra:
        Image.new("RGB", SIZE).save(toy.folder / name)
    csv_files = list(toy.folder.glob("*.csv"))
    for order in (images, extra + images):
        (toy.folder / "labeling.json").write_text(json.dumps({"order": order}))
        assert [path.name for path in slices_of(toy.folder, ".png", csv_files).images] == order
    for noted in ('{"order": ["img03.png"]}', "{", "[]", '{"order": 3}'):
        (toy.folder / "labeling.json").write_text(noted)
        with pytest.raises(ToolboxError, match="several patterns of names"):
            slices_of(toy.folder, ".png", csv_files)


def in_two_cases(toy: Toy) -> list[str]:
    """Give the toy's images names that versions of Fiji sort in two ways, and return them as the newer ones do."""
    for number, path in enumerate(sorted(toy.folder.glob("img*.png"))):
        path.rename(toy.folder / f"{'ko' if number < 5 else 'WT'}_{number % 5}.png")
    return [f"{group}_{number}.png" for group in ("ko", "WT") for number in range(5)]


def test_names_that_versions_of_fiji_sort_in_two_ways_are_refused_unless_something_tells(toy: Toy):
    newer, csv_files = in_two_cases(toy), list(toy.folder.glob("*.csv"))
    older = newer[5:] + newer[:5]
    assert [path.name for path in slices_of(toy.folder, ".png").images] == newer
    with pytest.raises(ToolboxError, match=r"whether ko_0\.png comes before WT_0\.png depends on the version of Fiji"):
        slices_of(toy.folder, ".png", csv_files)
    for order in (newer, older):
        for part in ("nose", "paw", "tail"):
            rows = [f"{n},{name},80,60,{n}" for n, name in enumerate(order, 1)]
            toy.write(f"{part}.csv", "\n".join(rows), " ,Label,X,Y,Slice")
        assert [path.name for path in slices_of(toy.folder, ".png", csv_files).images] == order
        for part in ("nose", "paw", "tail"):
            toy.write(f"{part}.csv", "1,80,60,1", " ,X,Y,Slice")
        (toy.folder / "labeling.json").write_text(json.dumps({"order": order}))
        assert [path.name for path in slices_of(toy.folder, ".png", csv_files).images] == order
        (toy.folder / "labeling.json").unlink()


def test_clicks_on_images_that_the_labeling_page_leaves_out_do_not_count(toy: Toy, caplog):
    before, settings = toy.convert(), load_settings(toy.layout.root)
    notes = {name: {"parts": {}, "left out": "2026-11-27T07:38:43.613Z"} for name in ("img03.png", "img99.png")}
    path = toy.folder / "labeling.json"
    path.write_text(json.dumps({"format": 1, "bodyparts": [], "order": [], "images": notes}))
    assert why_labels_stale(toy.layout, settings, "Ann") == "images left out changed"
    table = toy.convert()
    before.loc["toy/img03.png"] = NAN
    pd.testing.assert_frame_equal(table, before)
    (told,) = [record.message for record in caplog.records if "left out" in record.message]
    assert told.startswith(f"{toy.folder}: clicks on images that are left out on the labeling page do not count: img03")
    assert why_labels_stale(toy.layout, settings, "Ann") is None
    path.unlink()
    assert toy.convert().loc["toy/img03.png"].notna().any()


def test_labels_that_fiji_shortens_or_names_after_their_place_contradict_nothing(toy: Toy):
    images = sorted(toy.folder.glob("img*.png"))
    for number, path in enumerate(images):
        path.rename(toy.folder / f"{'session-of-2024-05-01_' * 3}{number:05d}.png")
    names = [path.stem for path in sorted(toy.folder.glob("session*.png"))]
    for label in (lambda name, n: name[:60], lambda name, n: f"toy:{n:04d}-0060-0080"):
        for part in ("nose", "paw", "tail"):
            rows = [f"{n},{label(name, n)},80,{50 + 2 * 'npt'.index(part[0])},{n}" for n, name in enumerate(names, 1)]
            toy.write(f"{part}.csv", "\n".join(rows), " ,Label,X,Y,Slice")
        assert toy.convert(overwrite=True).loc[f"toy/{names[4]}.png", ("Ann", "nose")].tolist() == [80, 50]
    toy.edit("nose.csv", lambda text: text.replace("toy:0001-0060-0080", names[1]))
    with pytest.raises(ToolboxError, match=r"line 2: Label is '.*00001', but slice 1 is .*00000\.png"):
        toy.convert(overwrite=True)


# The table's own csv, corrected by hand


def correct_csv(toy: Toy, old: str, new: str) -> None:
    path = toy.data / "CollectedData_Ann.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_correction_in_the_tables_csv_stops_every_step_until_it_is_made_in_the_clicks(toy: Toy):
    toy.convert()
    settings = load_settings(toy.layout.root)
    correct_csv(toy, "toy/img00.png,135.0,60.0", "toy/img00.png,11.5,60.0")
    message = (
        r"CollectedData_Ann\.csv was changed by hand: toy/img00\.png: nose x is 135 in the clicks, 11\.5 in the csv\. "
        r".*correct toy/nose\.csv instead, or delete CollectedData_Ann\.csv"
    )
    for flags in ({}, {"overwrite": True}):
        with pytest.raises(ToolboxError, match=message):
            toy.convert(**flags)
    with pytest.raises(ToolboxError, match=r"nose x is 135 in the h5, 11\.5 in the csv\. Correct the csv files of the"):
        why_labels_stale(toy.layout, settings, "Ann")
    toy.edit("nose.csv", lambda text: text.replace("135.0,60.0", "11.5,60.0"))
    assert toy.convert().iloc[0, 0] == 11.5
    assert why_labels_stale(toy.layout, settings, "Ann") is None
    correct_csv(toy, "toy/img00.png,11.5", "toy/img00.png,12.5")
    (toy.data / "CollectedData_Ann.csv").unlink()
    assert toy.convert().iloc[0, 0] == 11.5


def test_a_part_that_was_renamed_in_the_tables_csv_leads_to_files_that_can_be(toy: Toy):
    toy.convert()
    correct_csv(toy, "nose", "snout")
    with pytest.raises(ToolboxError, match=r"nose is in .*: correct <folder>/nose\.csv, <folder>/snout\.csv"):
        toy.convert()


def test_a_spreadsheet_that_rounds_corrects_nothing(toy: Toy):
    toy.edit("nose.csv", lambda text: text.replace("135.0,60.0", "135.0049,60.0"))
    before = toy.convert()
    correct_csv(toy, "135.0049", "135.00")
    pd.testing.assert_frame_equal(toy.convert(), before)


def test_all_missing_files_are_named(toy: Toy):
    (toy.folder / "paw.csv").unlink()
    (toy.folder / "tail.csv").unlink()
    message = r"neither .*paw\.csv nor paw\.xls .*; neither .*tail\.csv nor tail\.xls .*or take it out of bodyparts$"
    with pytest.raises(ToolboxError, match=message):
        toy.convert()
    toy.set("bodyparts = ['nose']")
    assert list(toy.convert()) == [("Ann", "nose", "x"), ("Ann", "nose", "y")]


def test_a_misspelled_body_part_is_told_with_the_file_that_is_meant(toy: Toy):
    toy.set("bodyparts = ['noze', 'paw', 'tail']")
    with pytest.raises(ToolboxError, match=r"neither .*noze\.csv .*, tail\.csv \(did you mean nose\?\)\. A body part"):
        toy.convert()
    toy.set("bodyparts = ['noze']")
    with pytest.raises(ToolboxError, match=r"no labels of Ann: neither .*tail\.csv \(did you mean nose\?\)\. Label"):
        toy.convert()
    toy.set("bodyparts = ['nose', 'paw', 'tail', 'nose2']")
    with pytest.raises(ToolboxError, match=r"there: nose\.csv, paw\.csv, tail\.csv\. A body part that nobody"):
        toy.convert()


def test_a_wrong_task_lists_the_data_there_is(toy: Toy):
    toy.set("Task = 'reach'")
    with pytest.raises(ToolboxError, match=r"data-reach does not exist \(there are: data-toy; the name after data- is"):
        toy.convert()


def test_several_wrong_lines_are_all_told(toy: Toy):
    toy.write("nose.csv", "1,50,60,2\n2,51,61,2\n3,1,1,5\n4,2,2,5\n5,9,9,7")
    with pytest.raises(ToolboxError, match=r"slice 2 \(img03\.png\) .*2 and 3; slice 5 \(img12\.png\) .*4 and 5"):
        toy.convert()
    toy.write("nose.csv", "1,50,60,11\n2,51,61,2\n3,1,1,12")
    with pytest.raises(ToolboxError, match=r"line 2: Slice is 11, but .* has 10 images; line 4: Slice is 12"):
        toy.convert()


def test_whole_pixels_in_the_corner_are_no_inches(toy: Toy):
    for part in ("nose", "paw", "tail"):
        toy.write(f"{part}.csv", "1,3,4,1\n2,2.5,1,2")
    assert toy.convert().notna().sum().sum() == 12


def test_clicks_below_the_boundary_are_counted_and_mean_not_visible(toy: Toy, caplog):
    toy.set("invisibleboundary = 10")
    toy.write("nose.csv", "1,9.9,9.9,1\n2,9.9,10,2\n3,10,9.9,3\n4,0,0,4\n5,-1,5,5")
    caplog.set_level("INFO")
    nose = points(toy.convert(), ["nose"])[:, 0]
    np.testing.assert_array_equal(nose[:5], [[NAN, NAN], [9.9, 10], [10, 9.9], [NAN, NAN], [NAN, NAN]])
    assert "toy: 3 clicks on nose below invisibleboundary" in caplog.text
    assert "on paw" not in caplog.text


def test_a_boundary_of_0_is_off(toy: Toy):
    toy.write("nose.csv", "1,0,0,1\n2,-1,-1,2")
    np.testing.assert_array_equal(points(toy.convert(), ["nose"])[:2, 0], [[0, 0], [-1, -1]])


def test_labels_outside_the_image_are_named_and_stay(toy: Toy, caplog):
    toy.write("nose.csv", "1,200.5,50,1\n2,80,60,2")
    assert toy.convert().loc["toy/img00.png", ("Ann", "nose")].tolist() == [200.5, 50]
    assert "1 labels lie outside their images" in caplog.text
    assert "nose in toy/img00.png (x 200.5, y 50)" in caplog.text


def test_what_may_be_the_reason_that_labels_lie_outside():
    sizes = np.array([[160, 120]] * 2)
    inside = np.array([[[150.0, 20.0], [130.0, 100.0]], [[140.0, 50.0], [155.0, NAN]]])
    inside[1, 1] = NAN
    assert why_outside(inside, sizes) == ""
    assert why_outside(inside[..., ::-1], sizes).startswith(". With x and y exchanged all labels would lie inside")
    told = why_outside(inside, sizes // 2)
    assert told.startswith(". These are most: labels reach x 150, y 100, the images 80 x 60 pixels: were they")
    assert why_outside(np.array([[[10.0, 130.0], [5.0, 5.0]]]), sizes[:1]) == "", "one slip tells nothing"


def test_outside_begins_half_a_pixel_beyond_the_last_centre():
    labels = np.array([[[-0.5, 0], [9.5, 7.5]], [[-0.6, 0], [NAN, NAN]], [[0, 7.6], [9.6, 0]]])
    expected = [[False, False], [True, False], [True, True]]
    assert outside_image(labels, np.array([[10, 8]] * 3)).tolist() == expected


# Which files


def test_a_part_without_file_is_an_error_that_names_both_paths(toy: Toy):
    (toy.folder / "paw.csv").rename(toy.folder / "Paw.csv")
    message = r"neither .*toy/paw\.csv nor paw\.xls exists; there: Paw\.csv, nose\.csv, tail\.csv"
    with pytest.raises(ToolboxError, match=message):
        toy.convert()


def test_csv_goes_before_an_older_xls(toy: Toy, caplog):
    shutil.copy(toy.folder / "paw.csv", toy.folder / "nose.xls")
    expected = toy.convert()
    (toy.folder / "nose.xls").unlink()
    pd.testing.assert_frame_equal(toy.convert(overwrite=True), expected)
    assert "nose.csv is read; nose.xls beside it is not" in caplog.text


def test_several_scorers_have_folders_of_their_own(toy: Toy):
    toy.set("Scorers = ['Ann', 'Bob']")
    with pytest.raises(
        ToolboxError, match=r"no labels of Bob: neither .*toy/Bob/nose\.csv nor nose\.xls exists; there: no csv files"
    ):
        toy.convert("Bob")
    for scorer, x in (("Ann", 50), ("Bob", 70)):
        for part in ("nose", "paw", "tail"):
            toy.write(f"{scorer}/{part}.csv", f"1,{x},60,1")
    assert toy.convert("Ann").loc["toy/img00.png"].tolist() == [50, 60] * 3
    assert toy.convert("Bob").loc["toy/img00.png"].tolist() == [70, 60] * 3
    (toy.folder / "Bob" / "tail.csv").unlink()
    with pytest.raises(ToolboxError, match=r"neither .*toy/Bob/tail\.csv nor tail\.xls exists"):
        toy.convert("Bob")


def test_clicks_in_one_file_that_a_spreadsheet_has_sorted_are_refused(toy: Toy, caplog):
    toy.set("multibodypartsfile = True")
    clicks = [(10 * n + 7.5 * i, 90 - 5 * i + 7 * n, i + 1) for i in range(4) for n in range(3)]
    rows = [f"{x},{y},{place}" for x, y, place in clicks]
    toy.write("Results.csv", "\n".join(rows), header="X,Y,Slice")
    assert toy.convert().loc["toy/img03.png"].tolist() == [7.5, 85, 17.5, 92, 27.5, 99]
    assert "Results.csv: X rises from body part to body part in every image" in caplog.text
    for column, name in ((0, "X"), (1, "Y")):
        in_order = [rows[n] for n in sorted(range(12), key=lambda n: clicks[n][column], reverse=column == 1)]
        toy.write("Results.csv", "\n".join(in_order), header="X,Y,Slice")
        with pytest.raises(ToolboxError, match=rf"is sorted by {name}, so the order in which the body parts were"):
            toy.convert()


@pytest.fixture
def in_turn(toy: Toy) -> Toy:
    """Clicks on nose, paw and tail in turn in one file, converted once."""
    toy.set("multibodypartsfile = True")
    toy.write("Results.csv", "50,60,1\n70,60,1\n90,60,1", header="X,Y,Slice")
    toy.convert()
    return toy


@pytest.mark.parametrize(
    ("bodyparts", "told"),
    [
        (
            "['paw', 'nose', 'tail']",
            "those on nose are of paw now, those on paw are of nose now. Put the old list back",
        ),
        (
            "['nose', 'tail', 'ear']",
            "those on paw are of tail now, those on tail are of ear now. Put the old list back",
        ),
    ],
)
def test_clicks_on_all_parts_in_turn_are_refused_where_parts_have_other_places(in_turn: Toy, bodyparts: str, told: str):
    in_turn.set(f"bodyparts = {bodyparts}")
    for make in (in_turn.convert, lambda: read_labels(in_turn.layout, load_settings(in_turn.layout.root), "Ann")):
        with pytest.raises(ToolboxError, match="last converted as nose, paw, tail, in this order") as refused:
            make()
        assert told in str(refused.value)
    (in_turn.data / "CollectedData_Ann.json").unlink()  # as the message says of an order that was wrong before
    assert points(in_turn.convert())[0].tolist() == [[50, 60], [70, 60], [90, 60]]


@pytest.mark.parametrize("measured_anew", [False, True])
def test_other_names_for_clicks_on_all_parts_in_turn_are_told(in_turn: Toy, measured_anew: bool, caplog):
    if measured_anew:
        in_turn.write("Results.csv", "50,60,1\n70,60,1\n95,60,1", header="X,Y,Slice")
    in_turn.set(f"bodyparts = ['nose', {repr('tail') if measured_anew else repr('hand')}, 'ear']")
    assert bodyparts_of(in_turn.convert())[2] == "ear"
    new = "tail" if measured_anew else "hand"
    assert f"another list than when clicks were last converted: those on paw are of {new} now, those" in caplog.text


def test_the_parts_that_the_labeling_page_noted_decide_whose_clicks_in_turn_are(in_turn: Toy, caplog):
    notes = in_turn.folder / "labeling.json"
    notes.write_text(json.dumps({"format": 1, "bodyparts": ["nose", "paw", "tail"], "order": [], "images": {}}))
    (in_turn.data / "CollectedData_Ann.json").unlink()
    in_turn.set("bodyparts = ['nose', 'tail', 'ear']")
    message = r"Results\.csv: the labeling page last noted nose, paw, tail, in this order.*LabelFrames\.py and answer"
    with pytest.raises(ToolboxError, match=message) as refused:
        in_turn.convert()
    assert "were made for nose" not in str(refused.value), "they may have been made for the new list"
    notes.write_text(notes.read_text().replace('"paw", "tail"', '"tail", "ear"'))
    assert bodyparts_of(in_turn.convert()) == ["nose", "tail", "ear"]
    assert "another list" not in caplog.text, "the page has asked"


@pytest.mark.parametrize("bodyparts", [["nose", "tail"], ["nose", "paw", "ear", "tail"]])
def test_clicks_in_turn_as_many_as_the_new_list_has_names_are_of_it(in_turn: Toy, bodyparts: list[str], caplog):
    notes = {"format": 1, "bodyparts": ["nose", "paw", "tail"], "order": [], "images": {}}
    (in_turn.folder / "labeling.json").write_text(json.dumps(notes))
    in_turn.set(f"bodyparts = {bodyparts}")
    clicks = [f"{50 + 7 * n},{60 - n},{place}" for place in (1, 2) for n in range(len(bodyparts))]
    in_turn.write("Results.csv", "\n".join(clicks[:-1]), header="X,Y,Slice")
    with pytest.raises(ToolboxError, match="last noted nose, paw, tail"):
        in_turn.convert()  # not every image has as many
    in_turn.write("Results.csv", "\n".join(clicks), header="X,Y,Slice")
    assert in_turn.convert().loc["toy/img03.png"].tolist()[:4] == [50, 60, 57, 59]
    assert caplog.text.count("the labeling page last noted nose, paw, tail, but every image in it has") == 1
    in_turn.set(f"bodyparts = {bodyparts[::-1]}")
    with pytest.raises(ToolboxError, match=f"last converted as {', '.join(bodyparts)}, in this order"):
        in_turn.convert()


def test_the_command_opens_the_page_of_the_scorer_whose_clicks_in_turn_are_refused(in_turn: Toy):
    in_turn.set("Scorers = ['Ann', 'Bob Ray']\nbodyparts = ['tail', 'nose', 'paw']")
    (in_turn.folder / "Results.csv").unlink()
    in_turn.write("Bob Ray/Results.csv", "50,60,1\n70,60,1\n95,60,1", header="X,Y,Slice")
    notes = {"format": 1, "bodyparts": ["nose", "paw", "tail"], "order": [], "images": {}}
    (in_turn.folder / "Bob Ray" / "labeling.json").write_text(json.dumps(notes))
    with pytest.raises(ToolboxError, match=r"LabelFrames\.py --scorer 'Bob Ray' and answer"):
        in_turn.convert("Bob Ray")


def test_scorers_with_the_very_same_labels_are_told(toy: Toy, caplog):
    toy.set("Scorers = ['Ann', 'Bob']")
    for scorer in ("Ann", "Bob"):
        for part in ("nose", "paw", "tail"):
            toy.write(f"{scorer}/{part}.csv", f"1,{len(part)}0.5,60,1\n2,{len(part)}1.5,60,2")
    tables = {scorer: toy.convert(scorer) for scorer in ("Ann", "Bob")}
    warn_of_one_hand(tables)
    assert "Ann and Bob have 6 of 6 labels in the very same places: were the csv files of one copied" in caplog.text
    caplog.clear()
    for part in ("nose", "paw"):
        toy.write(f"Bob/{part}.csv", f"1,{len(part)}0.5,60,1\n2,{len(part)}1.5,60.01,2")
    toy.write("Bob/tail.csv", "1,40.5,61,1")
    warn_of_one_hand({"Ann": tables["Ann"], "Bob": toy.convert("Bob")})
    assert "very same places" not in caplog.text, "2 of 5 may be chance"


def test_folders_whose_accents_macos_has_spelled(toy: Toy):
    apart, together = "Ma\u0308use", "M\u00e4use"
    toy.set(f"Task = {together!r}\nscorer = {together!r}\nScorers = [{together!r}, 'Bob']")
    for part in ("nose", "paw", "tail"):
        toy.write(f"{apart}/{part}.csv", "1,50,60,1")
    toy.data.rename(toy.data.with_name(f"data-{apart}"))
    table = toy.convert(together)
    assert table.loc["toy/img00.png"].tolist() == [50, 60] * 3
    assert toy.layout.data_folder(together).name == f"data-{apart}"


def test_files_of_more_or_fewer_scorers_are_to_be_moved(toy: Toy):
    toy.set("Scorers = ['Ann', 'Bob']")
    message = r"toy/nose\.csv exists: if it is of Ann, move it and the others there to .*toy/Ann\."
    with pytest.raises(ToolboxError, match=message):
        toy.convert()
    (toy.folder / "Ann").mkdir()
    for path in toy.folder.glob("*.csv"):
        path.rename(toy.folder / "Ann" / path.name)
    toy.convert()
    toy.set("Scorers = ['Ann']")
    with pytest.raises(ToolboxError, match=r"toy/Ann/nose\.csv exists: .* move it and the others there to .*/toy\."):
        toy.convert()


def test_a_project_without_labels_says_what_comes_first(toy: Toy):
    for part in ("nose", "paw", "tail"):
        toy.write(f"{part}.csv", "")
    with pytest.raises(ToolboxError, match="csv files of Ann hold no visible label at all"):
        toy.convert()
    for path in toy.folder.glob("*.csv"):
        path.unlink()
    with pytest.raises(ToolboxError, match=r"has no labels of Ann: .*Label the images first, with LabelFrames.py"):
        toy.convert()
    shutil.rmtree(toy.data)
    with pytest.raises(
        ToolboxError,
        match=r"data-toy does not exist: pick frames first, with Step 1\. Check the names",
    ):
        toy.convert()


def test_clicks_in_the_other_form_lead_to_the_setting(toy: Toy):
    toy.set("multibodypartsfile = True")
    message = r"Results\.csv nor .*\. There is nose\.csv: .*, set multibodypartsfile = False in myconfig\.py\. "
    with pytest.raises(ToolboxError, match=message) as caught:
        toy.convert()
    assert "Label the images" not in str(caught.value)
    toy.set("multibodypartsfile = False")
    assert len(toy.convert()) == 10
    for part in ("nose", "paw", "tail"):
        (toy.folder / f"{part}.csv").rename(toy.folder / ("Results.csv" if part == "nose" else f"{part}.old"))
    with pytest.raises(ToolboxError, match=r"There is Results\.csv: .*, set multibodypartsfile = True"):
        toy.convert()


def test_images_in_a_folder_within_the_folder_are_to_be_moved(toy: Toy):
    (toy.folder / "a").mkdir()
    for image in toy.folder.glob("*.png"):
        image.rename(toy.folder / "a" / image.name)
    with pytest.raises(ToolboxError, match=r"ends in \.png; there are some in .*toy/a: move them to .*toy$"):
        toy.convert()
    (toy.data / "mice").mkdir()
    for path in (toy.folder / "a").iterdir():
        path.rename(toy.folder / path.name)
    (toy.folder / "a").rmdir()
    toy.folder.rename(toy.data / "mice" / "toy")
    with pytest.raises(ToolboxError, match=r"mice/toy and other .* one level too deep: move them to .*/data-toy\. "):
        toy.convert()
    (toy.data / "mice" / "toy").rename(toy.folder)
    assert len(toy.convert()) == 10


def test_images_must_be_there(toy: Toy):
    toy.set("imagetype = '.jpg'")
    with pytest.raises(UsersError, match=r"toy has labels but no image that ends in \.jpg"):
        toy.convert()
    toy.set("imagetype = '.png'")
    (toy.folder / "img03.png").write_bytes(b"")
    with pytest.raises(UsersError, match=r"img03\.png is empty, not an image: copy it again"):
        toy.convert()


# Merging and what is current


def test_new_folders_are_merged_and_old_ones_without_csv_kept(toy: Toy, caplog):
    before = toy.convert()
    folder = toy.add_folder("a day later")
    for part in ("nose", "paw", "tail"):
        (folder / f"{part}.csv").write_text("X,Y,Slice\n50,60,2\n")
        (toy.folder / f"{part}.csv").unlink()
    caplog.set_level("INFO")
    table = toy.convert()
    assert table.index[:2].tolist() == ["a day later/img0.png", "a day later/img1.png"]
    assert table.iloc[1].tolist() == [50, 60] * 3
    pd.testing.assert_frame_equal(table.iloc[2:], before)
    assert "10 rows of toy are kept, though it has no csv files any more" in caplog.text


def test_labels_of_a_folder_that_is_gone_are_told_with_the_way_out(toy: Toy, caplog):
    toy.convert()
    toy.folder.rename(toy.data / "mouse")
    assert len(toy.convert()) == 20
    (told,) = [record.getMessage() for record in caplog.records if "do not exist" in record.getMessage()]
    assert "CollectedData_Ann.h5 has labels of images that do not exist: toy/img00.png, toy/img03.png" in told
    assert told.endswith("to give these labels up, run Step2_ConvertingLabels2DataFrame.py --drop-missing")
    assert toy.convert(drop_missing=True).index.str.startswith("mouse/").all()


def test_labels_in_no_csv_of_clicks_stay_when_those_of_missing_images_are_dropped(toy: Toy):
    first = toy.convert()
    for name, has_images in (("old", True), ("gone", False)):
        for image in toy.add_folder(name).iterdir() if has_images else ():
            assert image.name in ("img0.png", "img1.png")
        rows = make_table("Ann", bodyparts_of(first), [f"{name}/img0.png", f"{name}/img1.png"], points(first)[:2])
        write_table(pd.concat([read_table(toy.data / "CollectedData_Ann.h5"), rows]), toy.data / "CollectedData_Ann.h5")
    kept = toy.convert(overwrite=True, drop_missing=True)
    assert sorted({row.split("/")[0] for row in kept.index}) == ["old", "toy"]
    (toy.data / "CollectedData_Ann.h5").unlink()
    pd.testing.assert_frame_equal(toy.convert(), kept)  # of the csv beside it
    for path in (*toy.folder.glob("*.csv"), toy.data / "old" / "img1.png"):
        path.unlink()
    assert len(toy.convert(drop_missing=True)) == len(kept) - 1


def test_images_that_are_renamed_in_place_keep_their_labels(toy: Toy):
    for number, path in enumerate(sorted(toy.folder.glob("img*.png"))):
        Image.new("RGB", SIZE, (number, 0, 0)).save(path)
    before = toy.convert()
    images = sorted(toy.folder.glob("img*.png"))
    for number, path in enumerate(images):
        path.rename(toy.folder / f"picture{number}.png")
    np.testing.assert_array_equal(points(toy.convert()), points(before))
    (toy.folder / "picture0.png").rename(toy.folder / "picture99.png")
    with pytest.raises(
        ToolboxError, match=r"picture1\.png stands where picture0\.png .* delete CollectedData_Ann\.json"
    ):
        toy.convert()


def test_where_the_labels_may_be_is_said(toy: Toy):
    toy.set("Scorers = ['Ann', 'Bob']")
    (toy.folder / "ann").mkdir()
    with pytest.raises(ToolboxError, match=r"ann differs in capitals or spaces: rename it to Ann"):
        toy.convert()
    toy.folder.rename(toy.layout.root / "elsewhere")
    (toy.folder / "nested").mkdir(parents=True)
    Image.new("RGB", SIZE).save(toy.folder / "nested" / "img1.png")
    with pytest.raises(ToolboxError, match=r"toy/nested and other folders of images lie one level too deep"):
        toy.convert()
    shutil.rmtree(toy.folder)
    toy.folder.symlink_to(toy.layout.root / "nas")
    with pytest.raises(ToolboxError, match=r"toy is a link to .*nas, which is not there: connect that drive"):
        toy.convert()


def test_kept_rows_have_the_parts_of_the_settings(toy: Toy, caplog):
    toy.convert()
    folder = toy.add_folder("zoo")
    toy.set("bodyparts = ['ear', 'nose']")
    for part in ("ear", "nose"):
        (folder / f"{part}.csv").write_text("X,Y,Slice\n50,60,1\n")
    for path in toy.folder.glob("*.csv"):
        path.unlink()
    table = toy.convert()
    assert bodyparts_of(table) == ["ear", "nose"]
    assert "the labels of paw, tail in these rows are dropped" in caplog.text
    assert table.loc["zoo/img0.png"].tolist()[:4] == [50, 60] * 2
    assert table.loc["toy/img00.png", ("Ann", "nose")].tolist() == [135, 60]
    assert table.loc["toy/img00.png", ("Ann", "ear")].isna().all()


def test_a_current_table_is_left_alone_and_a_corrected_label_is_not(toy: Toy, caplog):
    caplog.set_level("INFO")
    toy.convert()
    path = toy.data / "CollectedData_Ann.h5"
    before = path.stat().st_mtime_ns
    toy.convert()
    assert path.stat().st_mtime_ns == before
    assert "CollectedData_Ann.h5: skipped, it is current" in caplog.text
    toy.edit("nose.csv", lambda text: text.replace("135.0,60.0", "134.0,60.0"))
    assert toy.convert().iloc[0, 0] == 134
    assert "CollectedData_Ann.h5: being made, because toy/nose.csv changed" in caplog.text


def test_images_that_moved_under_the_clicks_are_an_error(toy: Toy):
    before = toy.convert()
    Image.new("RGB", SIZE).save(toy.folder / "img28.png")
    assert len(toy.convert()) == 11, "an image behind all others moves none"
    Image.new("RGB", SIZE).save(toy.folder / "img10.png")
    message = (
        r"toy: img10\.png stands where img12\.png stood .* those in nose\.csv, paw\.csv, tail\.csv are the old ones\. "
        "Put the images and their names back, or label these anew, too"
    )
    with pytest.raises(ToolboxError, match=message):
        toy.convert()
    with pytest.raises(ToolboxError, match=message):
        toy.convert(overwrite=True)
    (toy.folder / "img10.png").unlink()
    (toy.folder / "img00.png").rename(toy.folder / "img000.png")
    pd.testing.assert_frame_equal(toy.convert().iloc[1:10], before.iloc[1:])
    Image.new("RGB", SIZE).save(toy.folder / "img10.png")
    toy.edit("nose.csv", lambda text: text.replace("35.5,80.57,5", "36.5,80.57,5"))
    with pytest.raises(ToolboxError, match=r"those in paw\.csv, tail\.csv are the old ones"):
        toy.convert()
    toy.edit("paw.csv", lambda text: text + "\n")
    (toy.folder / "tail.csv").write_text("".join((toy.folder / "tail.csv").read_text().splitlines(True)[:4]))
    assert toy.convert().loc["toy/img10.png", ("Ann", "nose")].tolist() == [36.5, 80.57], "labeled anew"


@pytest.mark.parametrize("last", ["write_csv", "write_record"])
def test_a_correction_that_is_taken_back_after_a_kill_is_in_no_table(toy: Toy, monkeypatch, last):
    before, clicks = toy.convert(), (toy.folder / "nose.csv").read_text()
    toy.edit("nose.csv", lambda text: text.replace("135.0,60.0", "134.0,60.0"))
    home = {"write_csv": pd.DataFrame, "write_record": records.Output}[last]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(home, last.replace("write_csv", "to_csv"), Mock(side_effect=KeyboardInterrupt))
        toy.convert()
    (toy.folder / "nose.csv").write_text(clicks)
    assert why_labels_stale(toy.layout, load_settings(toy.layout.root), "Ann") == "an earlier run did not finish it"
    pd.testing.assert_frame_equal(toy.convert(), before)
    Image.new("RGB", SIZE).save(toy.folder / "img10.png")
    with pytest.raises(ToolboxError, match=r"img10\.png stands where img12\.png stood"):
        toy.convert()


def test_images_of_another_size_under_the_same_clicks_are_an_error(toy: Toy):
    toy.convert()
    image = toy.folder / "img03.png"
    content = image.read_bytes()
    Image.new("RGB", (320, 240)).save(image)
    settings = load_settings(toy.layout.root)
    assert why_labels_stale(toy.layout, settings, "Ann") == "images have another size"
    message = r"toy: img03\.png has 320 x 240 pixels, but had 160 x 120 when the folder was converted, and the clicks"
    for flags in ({}, {"overwrite": True}):
        with pytest.raises(ToolboxError, match=message):
            toy.convert(**flags)
    image.write_bytes(content)
    assert why_labels_stale(toy.layout, settings, "Ann") is None
    Image.new("RGB", (320, 240)).save(image)
    for part in ("nose", "paw", "tail"):
        toy.write(f"{part}.csv", "1,200,150,2")  # measured again
    assert toy.convert().loc["toy/img03.png"].tolist() == [200, 150] * 3


def test_another_picture_of_the_same_size_under_the_same_clicks_is_told_once(toy: Toy, caplog):
    before = toy.convert()
    Image.new("RGB", SIZE, "red").save(toy.folder / "img03.png")
    assert why_labels_stale(toy.layout, load_settings(toy.layout.root), "Ann") == "image files changed"
    pd.testing.assert_frame_equal(toy.convert(), before)
    (said,) = [record.message for record in caplog.records if "other files" in record.message]
    assert said.startswith(f"{toy.folder}: other files than when the folder was converted")
    assert "the clicks are the same: img03.png. If they were only saved again" in said
    caplog.clear()
    toy.convert()
    assert "other files" not in caplog.text
    toy.edit("nose.csv", lambda text: text.replace("35.5,80.57,5", "36.5,80.57,5"))
    Image.new("RGB", SIZE, "blue").save(toy.folder / "img03.png")
    toy.convert()
    assert "other files" not in caplog.text, "somebody labeled since"


@pytest.fixture
def kept(toy: Toy) -> Toy:
    """Rows of the folder toy that no csv makes again, converted twice, beside a folder that has csv files."""
    toy.convert()
    other = toy.add_folder("other")
    for part in ("nose", "paw", "tail"):
        (toy.folder / f"{part}.csv").rename(other / f"{part}.csv")
        (other / f"{part}.csv").write_text("X,Y,Slice\n50,60,2\n")
    toy.convert()
    return toy


def test_labels_in_the_table_alone_are_refused_on_images_of_another_size(kept: Toy, caplog):
    Image.new("RGB", (130, 100)).save(kept.folder / "img03.png")
    (kept.data / "other" / "nose.csv").write_text("X,Y,Slice\n51,60,2\n")
    settings = load_settings(kept.layout.root)
    assert why_labels_stale(kept.layout, settings, "Ann") == "other/nose.csv changed"
    message = (
        r"CollectedData_Ann\.h5 alone has labels of images that have changed since Step 2 wrote it: toy/img03\.png has "
        r"130 x 100 pixels, but had 160 x 120\. If they show something else now, put them back; or, .* --drop-missing$"
    )
    for make in (kept.convert, lambda: read_labels(kept.layout, settings, "Ann")):
        with pytest.raises(ToolboxError, match=message):
            make()
    table = kept.convert(drop_missing=True)
    assert "toy/img03.png" not in table.index and "toy/img06.png" in table.index
    assert "dropped are the labels of images that are gone or changed: toy/img03.png" in caplog.text


def test_labels_in_the_table_alone_are_refused_on_other_pictures_of_the_same_size(kept: Toy):
    before = kept.convert(overwrite=True)
    (kept.folder / "img06.png").unlink()
    kept.convert(overwrite=True)
    Image.new("RGB", SIZE, "red").save(kept.folder / "img06.png")
    assert why_labels_stale(kept.layout, load_settings(kept.layout.root), "Ann") == "image files changed"
    with pytest.raises(
        ToolboxError, match=r"toy/img06\.png is another file\..* saved again, delete CollectedData_Ann\.j"
    ):
        kept.convert()
    (kept.data / "CollectedData_Ann.json").unlink()
    pd.testing.assert_frame_equal(kept.convert(), before)


def test_images_of_rows_without_labels_may_change(kept: Toy):
    table = read_table(kept.data / "CollectedData_Ann.h5")
    table.loc["toy/img06.png"] = NAN
    write_table(table, kept.data / "CollectedData_Ann.h5")
    Image.new("RGB", (130, 100)).save(kept.folder / "img06.png")
    pd.testing.assert_frame_equal(kept.convert(), table)
    assert why_labels_stale(kept.layout, load_settings(kept.layout.root), "Ann") is None


def test_a_table_of_which_no_label_is_left_is_to_be_deleted(toy: Toy):
    toy.convert()
    for path in toy.folder.iterdir():
        path.unlink()
    toy.folder.rename(toy.data / "gone")
    with pytest.raises(ToolboxError, match=r"delete it, CollectedData_Ann\.csv and CollectedData_Ann\.json"):
        toy.convert(drop_missing=True)


def test_the_order_that_slices_count_is_told(toy: Toy, caplog):
    caplog.set_level("INFO")
    folder = toy.add_folder("wild", images=11)
    for part in ("nose", "paw", "tail"):
        (folder / f"{part}.csv").write_text(" ,X,Y,Slice\n1,50,60,11\n")
    assert toy.convert().loc["wild/img10.png"].tolist() == [50, 60] * 3
    assert "wild: slices count the images by the numbers in their names (img9.png before img10.png)" in caplog.text
    assert "toy: slices count" not in caplog.text


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Nose.csv", r"Nose\.csv differs in capitals or spaces: rename it, or write the name in myconfig\.py as there"),
        ("CollectedData_Ann.csv", r"CollectedData_Ann\.csv is named as the label table of DeepLabCut is, which Import"),
    ],
)
def test_a_file_under_nearly_the_right_name(toy: Toy, name: str, advice: str):
    (toy.folder / "nose.csv").rename(toy.folder / name)
    with pytest.raises(ToolboxError, match=advice):
        toy.convert()


@pytest.mark.parametrize("change", ["invisibleboundary = 5", "bodyparts = ['paw', 'nose', 'tail']", "image"])
def test_settings_and_images_count_too(toy: Toy, change: str):
    toy.convert()
    settings = load_settings(toy.layout.root)
    assert why_labels_stale(toy.layout, settings, "Ann") is None
    if change == "image":
        (toy.folder / "img27.png").rename(toy.folder / "img28.png")
    else:
        toy.set(change)
    reason = {"image": "images changed"}.get(change, f"{change.split()[0]} changed")
    assert why_labels_stale(toy.layout, load_settings(toy.layout.root), "Ann") == reason


def test_labels_are_read_as_they_are_now_without_a_table(toy: Toy):
    def read() -> pd.DataFrame:
        return read_labels(toy.layout, load_settings(toy.layout.root), "Ann")

    now = read()
    assert not (toy.data / "CollectedData_Ann.h5").exists()
    pd.testing.assert_frame_equal(now, toy.convert())
    toy.edit("nose.csv", lambda text: text.replace("135.0", "50.25"))
    assert points(read())[0, 0, 0] == 50.25
    for path in toy.folder.glob("*.csv"):
        path.unlink()
    assert points(read())[0, 0, 0] == 135  # the table alone is left
    (toy.data / "CollectedData_Ann.h5").unlink()
    with pytest.raises(NoLabelsError, match="has no labels of Ann"):
        read()


def test_a_table_from_elsewhere_is_never_stale(toy: Toy):
    write_table(toy.convert(), toy.data / "CollectedData_Ann.h5")
    toy.layout.label_record("toy", "Ann").unlink()
    toy.edit("nose.csv", lambda text: text.replace("135.0", "134.0"))
    assert why_labels_stale(toy.layout, load_settings(toy.layout.root), "Ann") is None


def test_a_failed_write_keeps_the_old_table_and_says_so(toy: Toy, monkeypatch: pytest.MonkeyPatch):
    before = toy.convert()
    toy.edit("nose.csv", lambda text: text.replace("135.0", "134.0"))

    write = Path.write_bytes

    def refuse(path: Path, content: bytes) -> int:
        if path.suffix == ".csv":
            raise OSError("disk full")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(UsersError, match=r"could not be written: disk full"):
            toy.convert()
    assert toy.convert().iloc[0, 0] == 134, "the half-written state was taken for current"
    assert len(before) == 10


# And back


def test_a_damaged_table_is_made_again_with_the_rows_of_its_csv(toy: Toy, caplog):
    before = toy.convert()
    path = toy.data / "CollectedData_Ann.h5"
    toy.folder.rename(toy.data.parent / "elsewhere")
    other = shutil.copytree(toy.data.parent / "elsewhere", toy.data / "other")
    path.write_bytes(path.read_bytes()[:1000])
    after = toy.convert()
    assert "its csv is read in its place" in caplog.text
    np.testing.assert_array_equal(after.loc[before.index], before)
    assert len(after) == 2 * len(before)
    path.write_bytes(b"")
    path.with_suffix(".csv").unlink()
    (other / "nose.csv").write_text((other / "nose.csv").read_text() + "\n")
    with pytest.raises(ToolboxError, match="Delete it and run Step 2 again; labels of folders that have no csv files"):
        toy.convert()


@pytest.mark.skipif(os.name == "nt", reason="names are never bytes there")
@pytest.mark.parametrize("what", ["folder", "image"])
def test_names_that_are_not_in_utf8_are_refused(toy: Toy, what: str):
    path = toy.folder if what == "folder" else toy.folder / "img00.png"
    path.rename(path.parent / os.fsdecode(b"m\xe4us1.png"))
    with pytest.raises(UsersError, match="a name not in UTF-8: rename it"):
        toy.convert()


def test_a_damaged_table_is_not_current(toy: Toy, caplog):
    before = toy.convert()
    path = toy.data / "CollectedData_Ann.h5"
    path.write_bytes(path.read_bytes()[:1000])
    pd.testing.assert_frame_equal(toy.convert(), before)
    assert "its csv is read in its place" in caplog.text


def test_poses_in_the_place_of_labels_are_not_lost(toy: Toy):
    write_table(make_table("Ann", ["nose"], [0, 1], np.ones((2, 1, 2))), toy.data / "CollectedData_Ann.h5")
    with pytest.raises(ToolboxError, match=r"Ann\.h5 has rows named 0, 1 in place of images.*Delete it and run Step 2"):
        toy.convert()


@pytest.mark.parametrize("images", [7, ["toy"], {"toy": 7}, {"toy": [7] * 10}, {"toy": None}])
def test_a_record_of_wrong_types_tells_nothing(toy: Toy, images: object):
    before = toy.convert()
    record = toy.layout.label_record("toy", "Ann")
    content = json.loads(record.read_text())
    content["settings"]["images"] = images
    record.write_text(json.dumps(content))
    pd.testing.assert_frame_equal(toy.convert(), before)


def test_accents_may_be_spelled_in_two_ways(toy: Toy):
    toy.set("bodyparts = ['n\u00f6se', 'paw', 'tail']")
    (toy.folder / "nose.csv").rename(toy.folder / "no\u0308se.csv")
    assert toy.convert().columns[0] == ("Ann", "n\u00f6se", "x")


# Everything that is wrong, at once, and for what it is


def test_all_csv_files_that_are_wrong_are_named(toy: Toy):
    toy.edit("nose.csv", lambda text: text.replace(",Y,", ",Z,"))
    toy.edit("tail.csv", lambda text: text + "11,0,80,60,77\n")
    later = toy.add_folder("later")
    for part in ("nose", "paw", "tail"):
        (later / f"{part}.csv").write_text(" ,X,Y,Slice\n1,4,four,1\n")
    told = (
        r"^5 problems: \(1\).*later/nose\.csv line 2: Y is 'four'.*\(2\).*later/paw\.csv.*\(3\).*later/tail\.csv.*"
        r"\(4\).*toy/nose\.csv has no column Y.*\(5\).*toy/tail\.csv line 11: Slice is 77"
    )
    with pytest.raises(UsersError, match=told):
        toy.convert()


def test_all_images_that_are_damaged_are_named(toy: Toy):
    for name in ("img03.png", "img09.png"):
        (toy.folder / name).write_bytes(b"no image")
    with pytest.raises(UsersError, match=r"^2 problems: .*img03\.png is damaged or no image.*img09\.png is damaged"):
        toy.convert()


@pytest.mark.parametrize("labeled", [True, False])
def test_images_that_were_opened_one_by_one_all_have_slice_1(toy: Toy, labeled: bool):
    names = [f"img{number:02d}.png" if labeled else "" for number in range(0, 30, 3)]
    toy.write("nose.csv", "\n".join(f"{n},{name},{n},60,1" for n, name in enumerate(names, 1)), " ,Label,X,Y,Slice")
    with pytest.raises(ToolboxError, match=r"nose\.csv: Slice is 1 in all 10 lines.*opened one by one.*measure again"):
        toy.convert()


def test_many_clicks_on_a_single_image_are_no_stack(toy: Toy):
    folder = toy.add_folder("one", images=1)
    for part in ("nose", "paw", "tail"):
        (folder / f"{part}.csv").write_text(" ,X,Y,Slice\n1,4,4,1\n2,5,5,1\n3,6,6,1\n")
    with pytest.raises(
        UsersError, match=r"one/nose\.csv: slice 1 \(img0\.png\) has several clicks, in lines 2 and 3 and 4"
    ):
        toy.convert()


def test_labels_of_photos_that_viewers_turn_stay_and_it_is_said(toy: Toy, caplog):
    before = toy.convert()
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("img03.png", "img06.png"):
        with Image.open(toy.folder / name) as image:
            image.load()
        image.save(toy.folder / name, exif=exif)
    pd.testing.assert_frame_equal(toy.convert(overwrite=True), before)
    assert "2 of 10 images are marked to be turned (EXIF): they are read as they are stored" in caplog.text


def test_clicks_that_were_copied_to_the_images_of_another_video_are_named(toy: Toy, caplog):
    folder = toy.add_folder("later", images=10)
    for part in ("nose", "paw", "tail"):
        (folder / f"{part}.csv").write_text(" ,X,Y,Slice\n" + ("" if part == "tail" else "1,4,9,1\n"))
    shutil.copyfile(toy.folder / "nose.csv", folder / "nose.csv")
    toy.convert()
    (said,) = [record.message for record in caplog.records if "the same clicks" in record.message]
    assert said.startswith(f"nose.csv: the same clicks in {folder}, {toy.folder}: were they copied")
    shutil.copyfile(toy.folder / "paw.csv", folder / "paw.csv")
    caplog.clear()
    toy.convert()
    (said,) = [record.message for record in caplog.records if "the same clicks" in record.message]
    assert said.startswith(f"nose.csv, paw.csv: the same clicks in {folder}, {toy.folder}: were they copied")


def test_suffixes_that_mean_the_same_count_as_one(toy: Toy):
    before = toy.convert()
    for path in sorted(toy.folder.glob("*.png")):
        with Image.open(path) as image:
            image.save(path.with_suffix(".jpeg" if path.stem == "img06" else ".jpg"))
        path.unlink()
    with (toy.layout.root / "myconfig.py").open("a") as settings:
        settings.write("imagetype = '.jpg'\n")
    for csv in toy.folder.glob("*.csv"):  # the last image is not labeled, so that the number of slices tells nothing
        csv.write_text("".join(csv.read_text().splitlines(True)[:-1]))
    after = toy.convert()
    assert list(after.index[:4]) == ["toy/img00.jpg", "toy/img03.jpg", "toy/img06.jpeg", "toy/img09.jpg"]
    np.testing.assert_array_equal(after[:9], before[:9])


def test_images_of_another_type_are_named(toy: Toy, caplog):
    before = toy.convert()
    Image.new("RGB", SIZE).save(toy.folder / "img05.bmp")
    pd.testing.assert_frame_equal(toy.convert(overwrite=True), before)
    assert f"{toy.folder}: not counted among the labeled images: img05.bmp" in caplog.text
    for path in toy.folder.glob("*.png"):
        path.unlink()
    with pytest.raises(ToolboxError, match=r"no image that ends in \.png, but in \.bmp; check imagetype"):
        toy.convert()


def test_clicks_on_a_part_that_is_not_in_the_settings_are_named(toy: Toy, caplog):
    shutil.copyfile(toy.folder / "nose.csv", toy.folder / "ear.csv")
    (toy.folder / "notes.csv").write_text("day;weather\n1;rain\n")
    toy.convert()
    (said,) = [record.message for record in caplog.records if "not read" in record.message]
    assert said.startswith(f"{toy.folder}: clicks in ear.csv are not read, because myconfig.py does not name them")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "nose.csv.csv",
            None,
            r"nose\.csv\.csv is named with two endings, of which Windows hides one: rename it to nos",
        ),
        ("Nose.txt", None, r"Nose\.txt holds them, perhaps: rename it to nose\.csv"),
        (
            "nose.xlsx",
            b"PK\x03\x04" + bytes(50),
            r"nose\.xlsx is a zip archive, such as an Excel workbook, and damaged",
        ),
        ("../nose.csv", None, r"data-toy/nose\.csv exists: move it to .*data-toy/toy\. A body part that"),
    ],
)
def test_a_csv_under_nearly_the_right_name_is_named(toy: Toy, name: str, content: bytes | None, told: str):
    clicks = (toy.folder / "nose.csv").read_bytes()
    (toy.folder / "nose.csv").unlink()
    (toy.folder / name).write_bytes(content or clicks)
    with pytest.raises(ToolboxError, match=rf"nose\.csv nor nose\.xls exists; there: .*{told}"):
        toy.convert()


def test_csv_files_that_are_no_files_are_named_for_what_they_are(toy: Toy):
    (toy.folder / "nose.csv").unlink()
    (toy.folder / "nose.csv").symlink_to("gone.csv")
    (toy.folder / "paw.csv").unlink()
    (toy.folder / "paw.csv").mkdir()
    with pytest.raises(
        ToolboxError, match=r"toy/nose\.csv is a link to gone\.csv, which is not there; .*/paw\.csv is a folder\. "
    ):
        toy.convert()


def test_a_folder_without_images_blocks_nothing(toy: Toy, caplog):
    (toy.data / "backup").mkdir()
    (toy.data / "__MACOSX").mkdir()
    shutil.copyfile(toy.folder / "nose.csv", toy.data / "backup" / "nose.csv")
    assert len(toy.convert()) == 10
    (said,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said == f"{toy.data / 'backup'} is left out: it holds csv files, but no image"
