import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from dlc_common import UsersError
from dlc_common.images import read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange import importing
from dlc_toolbox.exchange.exporting import export_deeplabcut, export_lightning_pose
from dlc_toolbox.exchange.importing import check_settings
from dlc_toolbox.exchange.labelset import read_own_labels
from dlc_toolbox.exchange.readers import recognise
from dlc_toolbox.exchange.readers.fetching import of_one_type
from dlc_toolbox.exchange.readers.found import Found
from dlc_toolbox.exchange.readers.usable import usable
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.labels.labels import convert_labels
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import make_table, points, read_table, scorer_of, write_table

NAN = np.nan
PARTS = ["nose", "ear tip"]
ROWS = ["day1/img9.png", "day1/img10.png", "day2/img3.png"]
VALUES = np.array([[[1.25, 2.5], [NAN, NAN]], [[NAN, NAN], [NAN, NAN]], [[10.1, 0.3], [7.0, 8.0]]])


def read_labels(path: Path) -> Found:
    """Read and keep what can be used; what is made on the way goes beside."""
    return usable(recognise.read_labels(path, path.parent / "scratch", scorer="Ann"))


def import_labels(found: Found, data_folder: Path, home: str = "") -> list[Path]:
    return importing.import_labels(importing.plan_import(found, data_folder, home))


@pytest.fixture
def table() -> pd.DataFrame:
    return make_table("Ann", PARTS, ROWS, VALUES)


@pytest.fixture
def dlc(tmp_path: Path, table: pd.DataFrame) -> Path:
    """A DeepLabCut project as its own code writes it: three index levels, one table per folder."""
    project = tmp_path / "dlc"
    for i, row in enumerate(ROWS):
        path = project / "labeled-data" / row
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((12, 16, 3), i, np.uint8)).save(path)
    for folder in ("day1", "day2"):
        write_dlc(project, table[[row.startswith(folder) for row in ROWS]], folder)
    (project / "labeled-data" / "day3").mkdir()
    write_config(project)
    return project


def write_dlc(project: Path, part: pd.DataFrame, folder: str) -> None:
    levels = pd.MultiIndex.from_tuples([("labeled-data", *row.split("/")) for row in part.index])
    stem = project / "labeled-data" / folder / "CollectedData_Ann"
    part.set_axis(levels).to_hdf(stem.with_suffix(".h5"), key="df_with_missing", mode="w")
    part.set_axis(levels).to_csv(stem.with_suffix(".csv"), na_rep="NaN")


def write_config(project: Path, **changes: object) -> None:
    config = {"Task": "reach", "scorer": "Ann", "multianimalproject": False, "bodyparts": PARTS, **changes}
    (project / "config.yaml").write_text(yaml.safe_dump(config))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("place", ["", "config.yaml"])
def test_a_deeplabcut_project_is_read_in_natural_order(dlc, table, place):
    labels = read_labels(dlc / place)
    pd.testing.assert_frame_equal(labels.table, table)
    assert list(labels.images) == ROWS
    assert labels.images["day2/img3.png"] == dlc / "labeled-data" / "day2" / "img3.png"
    assert labels.folders() == {"day1": ROWS[:2], "day2": ROWS[2:]}
    assert labels.left_out == (("day3", "has no CollectedData_Ann.h5 or .csv"),)


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_paths_as_one_text_and_csv_alone_are_read_too(dlc, table, separator):
    for folder in ("day1", "day2"):
        stem = dlc / "labeled-data" / folder / "CollectedData_Ann"
        part = table[[row.startswith(folder) for row in ROWS]]
        part = part.set_axis([separator.join(["labeled-data", *row.split("/")]) for row in part.index])
        part.to_csv(stem.with_suffix(".csv"))
        stem.with_suffix(".h5").unlink()
    if separator == "/":
        pd.testing.assert_frame_equal(read_labels(dlc).table.iloc[[0, 2]], table.iloc[[0, 2]])
    else:
        assert list(read_labels(dlc).images) == ROWS


def test_a_single_table_finds_its_images(dlc, table):
    labels = read_labels(dlc / "labeled-data" / "day1" / "CollectedData_Ann.csv")
    pd.testing.assert_frame_equal(labels.table, table.iloc[:2])
    assert labels.images[ROWS[0]].samefile(dlc / "labeled-data" / ROWS[0])


def test_rows_without_a_folder_get_the_name_of_the_tables(tmp_path):
    home = tmp_path / "mouse"
    (home / "labeled-data").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(home / "labeled-data" / "img1.png")
    make_table("Bob", ["nose"], ["labeled-data/img1.png"], np.ones((1, 1, 2))).to_csv(home / "CollectedData.csv")
    labels = read_labels(home / "CollectedData.csv")
    assert list(labels.images) == ["mouse/img1.png"]
    assert labels.images["mouse/img1.png"] == home / "labeled-data" / "img1.png"


def test_labels_become_clicks_by_natural_position_and_images_are_copied(dlc, tmp_path):
    before = contents(dlc)
    data = tmp_path / "data-reach"
    assert import_labels(read_labels(dlc), data) == [data / "day1", data / "day2"]
    assert contents(dlc) == before
    assert (data / "day1" / "img10.png").read_bytes() == before["labeled-data/day1/img10.png"]
    nose, ear = read_clicks(data / "day1" / "nose.csv"), read_clicks(data / "day1" / "ear tip.csv")
    assert nose[["x", "y", "slice"]].values.tolist() == [[1.25, 2.5, 1]], "img9 comes before img10"
    assert ear.empty
    assert read_clicks(data / "day2" / "nose.csv")[["x", "y", "slice"]].values.tolist() == [[10.1, 0.3, 1]]


def test_a_second_import_changes_nothing_and_other_content_stays(dlc, tmp_path, caplog):
    data = tmp_path / "data-reach"
    import_labels(read_labels(dlc), data)
    before = contents(data)
    import_labels(read_labels(dlc), data)
    assert contents(data) == before
    (data / "day1" / "nose.csv").write_text(" ,X,Y,Slice\n1,3,3,1\n")
    (data / "day1" / "imported.json").unlink()
    mine = contents(data)
    import_labels(read_labels(dlc), data)
    assert "other labels are there already, which are never overwritten" in caplog.text
    assert contents(data) == mine
    (data / "day1" / "nose.csv").rename(tmp_path / "mine.csv")
    import_labels(read_labels(dlc), data)
    assert contents(data)["day1/nose.csv"] == before["day1/nose.csv"], "as the message advises"
    Image.new("RGB", (16, 12)).save(data / "day1" / "img1.png")
    before = contents(data)
    import_labels(read_labels(dlc), data)
    assert f"other images are there already in {data / 'day1'} (3, not these 2): move" in caplog.messages[-1]
    (data / "day1" / "img9.png").unlink()
    import_labels(read_labels(dlc), data)
    assert "other images" in caplog.messages[-1]
    assert contents(data).keys() == before.keys() - {"day1/img9.png"}


def correct(dlc: Path, values: np.ndarray) -> None:
    for folder, rows in (("day1", slice(2)), ("day2", slice(2, 3))):
        write_dlc(dlc, make_table("Ann", PARTS, ROWS[rows], values[rows]), folder)


def test_labels_corrected_there_are_imported_again_in_one_run(dlc, tmp_path):
    data, values = tmp_path / "data-reach", VALUES.copy()
    import_labels(read_labels(dlc), data)
    values[0, 0], values[0, 1], values[1, 0], values[2, 0] = (4.25, 5), (6, 7), (8, 9), NAN
    correct(dlc, values)
    import_labels(read_labels(dlc), data)
    assert read_clicks(data / "day1" / "nose.csv")[["x", "y", "slice"]].values.tolist() == [[4.25, 5, 1], [8, 9, 2]]
    assert read_clicks(data / "day1" / "ear tip.csv")[["x", "y", "slice"]].values.tolist() == [[6, 7, 1]]
    assert read_clicks(data / "day2" / "nose.csv").empty, "a label that was taken away there"


def test_what_was_changed_here_since_an_import_stays_and_is_named(dlc, tmp_path, caplog):
    data, values = tmp_path / "data-reach", VALUES.copy()
    import_labels(read_labels(dlc), data)
    clicks = data / "day1" / "nose.csv"
    clicks.write_text(clicks.read_text().replace("1.25,2.5", "1.75,2.5"))
    values[0, 0], values[1, 0] = (4, 5), (8, 9)
    correct(dlc, values)
    for _ in range(2):
        caplog.clear()
        import_labels(read_labels(dlc), data)
        assert read_clicks(clicks)[["x", "y", "slice"]].values.tolist() == [[1.75, 2.5, 1], [8, 9, 2]]
        assert "day1: changed here since they were imported, and kept: nose in img9.png" in caplog.text
    clicks.unlink()
    caplog.clear()
    import_labels(read_labels(dlc), data)
    assert read_clicks(clicks)[["x", "y", "slice"]].values.tolist() == [[4, 5, 1], [8, 9, 2]], "a file deleted here"
    assert "changed here" not in caplog.text


def test_images_of_any_names_keep_their_labels(dlc, tmp_path, toy_project):
    """Clicks count positions, and only their names tell that this folder has no other pattern."""
    names = ["a1.png", "b2.png", "img003_labelled.png", "img3.png"]
    folder, values = tmp_path / "mixed", np.arange(16.0).reshape(4, 2, 2)
    folder.mkdir()
    for name in names:
        Image.new("RGB", (400, 300)).save(folder / name)
    make_table("Ann", PARTS, [f"mixed/{name}" for name in names], values + 30).to_csv(folder / "t.csv")
    layout = Layout(toy_project)
    import_labels(read_labels(folder / "t.csv"), layout.data_folder("mix"))
    settings = replace(load_settings(toy_project), Task="mix", bodyparts=tuple(PARTS))
    table = read_table(convert_labels(layout, settings, "Ann")).sort_index()
    assert list(table.index) == [f"mixed/{name}" for name in names]
    np.testing.assert_array_equal(points(table), values + 30)


def test_csv_and_h5_that_differ_stop_the_import_until_one_is_gone(dlc):
    home = dlc / "labeled-data" / "day1"
    path = home / "CollectedData_Ann.csv"
    path.write_text(path.read_text().replace("1.25", "11.25"))
    message = (
        r"day1/CollectedData_Ann\.h5 and the csv beside it differ: day1/img9\.png: nose x is 1\.25 in the h5, 11\.25 "
        r"in the csv\. Which is right is not known: move or delete the other"
    )
    with pytest.raises(ToolboxError, match=message):
        read_labels(dlc)
    named = read_labels(path)
    assert points(named.table)[0, 0].tolist() == [11.25, 2.5], "a file that was named is read"
    assert named.remarks[0].startswith(
        "CollectedData_Ann.csv was named and is read, but its csv and h5 differ: day1/img9.png: nose x is 1.25"
    )
    (home / "CollectedData_Ann.h5").unlink()
    assert points(read_labels(dlc).table)[0, 0].tolist() == [11.25, 2.5]


def test_an_image_without_label_may_be_gone(dlc):
    (dlc / "labeled-data" / ROWS[1]).unlink()
    labels = read_labels(dlc)
    assert list(labels.images) == list(labels.table.index) == [ROWS[0], ROWS[2]]
    assert labels.left_out[-1] == ("day1/img10.png", "has neither label nor image")


def test_a_folder_that_was_renamed_since_keeps_its_images(dlc):
    (dlc / "labeled-data" / "day1").rename(dlc / "labeled-data" / "monday")
    found = read_labels(dlc)
    assert {row: image.parent.name for row, image in found.images.items()} == {
        **dict.fromkeys(ROWS[:2], "monday"),
        ROWS[2]: "day2",
    }
    np.testing.assert_array_equal(points(found.table.loc[ROWS])[..., :2], VALUES)


def test_a_missing_image_is_left_out_and_named_where_it_was(dlc):
    (dlc / "labeled-data" / ROWS[0]).unlink()
    labels = read_labels(dlc)
    assert list(labels.images) == ROWS[1:]
    assert labels.left_out[-1] == (ROWS[0], f"has no image in {dlc / 'labeled-data' / 'day1'}")


def test_half_a_label_is_told(dlc):
    values = VALUES.copy()
    values[0, 1] = (3, NAN)
    correct(dlc, values)
    labels = read_labels(dlc)
    assert np.isnan(points(labels.table)[0, 1, 1])
    assert labels.remarks == ("1 labels have x or y alone and are none: ear tip in day1/img9.png",)


def test_rows_that_a_spreadsheet_numbered(dlc):
    path = dlc / "labeled-data" / "day1" / "CollectedData_Ann.csv"
    make_table("Ann", PARTS, [1, 2], VALUES[:2]).to_csv(path)
    with pytest.raises(ToolboxError, match=r"rows named 1, 2 in place of images such as .*Put the images' names back"):
        read_labels(path)


def test_a_config_of_another_encoding(dlc):
    path = dlc / "config.yaml"
    path.write_bytes((path.read_text() + "# Füße\n").encode("cp1252"))
    with pytest.raises(UsersError, match=r"config\.yaml line \d+ is not in UTF-8, .*save it as UTF-8"):
        read_labels(dlc)
    path.write_bytes((path.read_text(encoding="cp1252")).encode("utf-16"))
    assert list(read_labels(dlc).images) == ROWS


def test_labels_of_a_second_person_go_into_a_folder_of_their_own(dlc, tmp_path):
    data = tmp_path / "data-reach"
    import_labels(read_labels(dlc), data, "Ann")
    assert (data / "day1" / "Ann" / "nose.csv").is_file() and not list((data / "day1").glob("*.csv"))


def test_an_image_without_a_number_is_left_out(dlc):
    (dlc / "labeled-data" / "day2" / "img3.png").rename(dlc / "labeled-data" / "day2" / "best.png")
    write_dlc(dlc, make_table("Ann", PARTS, ["day2/best.png"], VALUES[2:]), "day2")
    labels = read_labels(dlc)
    assert list(labels.images) == ROWS[:2]
    assert labels.left_out[-1].what == "day2/best.png" and "has no number in its name" in labels.left_out[-1].why


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (VALUES * NAN, r"dlc/config\.yaml has no label at all"),
        (VALUES * np.inf, r"dlc/config\.yaml has no label at all"),
        (VALUES / 1000, r"all labels lie near 0: convert them to pixels"),
    ],
)
def test_labels_that_step_2_would_refuse_are_not_written(dlc, tmp_path, values, message):
    for folder, rows in (("day1", slice(2)), ("day2", slice(2, 3))):
        write_dlc(dlc, make_table("Ann", PARTS, ROWS[rows], values[rows]), folder)
    with pytest.raises(ToolboxError, match=message):
        import_labels(read_labels(dlc), tmp_path / "data-reach")
    assert not (tmp_path / "data-reach").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"multianimalproject": True, "individuals": ["m1", "m2"]}, "the individuals m1, m2; here every video has one"),
        ({"scorer": "Bea"}, r"scorer 'Bea', but no folder in .*labeled-data holds a CollectedData_Bea"),
    ],
)
def test_projects_that_cannot_be_read(dlc, change, message):
    write_config(dlc, **change)
    with pytest.raises(ToolboxError, match=message):
        read_labels(dlc)


@pytest.mark.parametrize("text", ["[1, 2]", "Task: reach", "a: [", "!!python/object/apply:os.getcwd []", "!!bool a"])
def test_a_config_that_is_none(dlc, text):
    (dlc / "config.yaml").write_text(text)
    with pytest.raises(ToolboxError, match=r"config\.yaml (cannot be read|has no `scorer)") as told:
        read_labels(dlc)
    assert "\n" not in str(told.value)


def test_what_is_missing_or_no_label_table(dlc, tmp_path):
    with pytest.raises(ToolboxError, match=r"nowhere.csv does not exist"):
        read_labels(tmp_path / "nowhere.csv")
    with pytest.raises(ToolboxError, match=r"day1 has no config\.yaml: name the .*day1/CollectedData_Ann\.h5$"):
        read_labels(dlc / "labeled-data" / "day1")
    write_table(make_table("net", PARTS, [0, 1], np.zeros((2, 2, 3))), tmp_path / "poses.h5")
    assert recognise.read_labels(tmp_path / "poses.h5", tmp_path).frames_of == "poses"


@pytest.mark.parametrize("row", ["labeled-data/../img1.png", "labeled-data/day1/.."])
def test_rows_cannot_lead_out_of_the_folder(dlc, row):
    path = dlc / "CollectedData_Ann.csv"
    make_table("Ann", PARTS, [row], VALUES[:1]).to_csv(path)
    with pytest.raises(
        ToolboxError, match=r"none of its 1 rows can be used; the first one, .*names no image as <folder>/<image>"
    ):
        read_labels(path)


def test_tables_of_two_scorers_are_not_mixed(dlc):
    write_dlc(dlc, make_table("Bea", PARTS, ROWS[2:], VALUES[2:]), "day2")
    labels = read_labels(dlc)
    assert (scorer_of(labels.table), list(labels.images)) == ("Ann", ROWS[:2])
    (why,) = [why for what, why in labels.left_out if what.startswith("day2/CollectedData_Ann.")]
    assert why == "names the scorer 'Bea' in its header, the others 'Ann': correct it there"


def test_machine_labels_among_labels_stay_out(dlc):
    write_dlc(dlc, make_table("Ann", PARTS, ROWS[2:], np.ones((1, 2, 3))), "day2")
    labels = read_labels(dlc)
    assert list(labels.images) == ROWS[:2]
    (why,) = [why for what, why in labels.left_out if what.startswith("day2/CollectedData_Ann.")]
    assert why == "has likelihoods, as machine labels have, and the others have none"


def test_body_parts_added_later_are_missing_in_earlier_folders(dlc):
    write_dlc(dlc, make_table("Ann", [*PARTS, "tail"], ROWS[2:], np.ones((1, 3, 2))), "day2")
    labels = read_labels(dlc)
    assert np.isnan(points(labels.table, ["tail"])[:2]).all()
    assert points(labels.table, ["tail"])[2].tolist() == [[1, 1]]


@pytest.fixture
def settings(toy_project):
    return replace(load_settings(toy_project), bodyparts=("ear tip", "nose"))


def test_settings_that_fit_pass_whatever_the_order(dlc, settings):
    check_settings(read_labels(dlc), settings)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"bodyparts": ("nose",)}, r"bodyparts = \['nose', 'ear tip'\]$"),
        ({"Scorers": ("Bea",)}, r"Scorers = \['Ann'\]; scorer = 'Ann'$"),
        ({"imagetype": ".jpg"}, r"imagetype = '\.png'$"),
        ({"multibodypartsfile": True}, r"multibodypartsfile = False$"),
    ],
)
def test_settings_that_disagree_get_the_line_to_paste(dlc, settings, change, line):
    with pytest.raises(ToolboxError, match=rf"does not fit the labels of .*; set there: {line}"):
        check_settings(read_labels(dlc), replace(settings, **change))


@pytest.fixture
def in_corner(dlc) -> Found:
    """Labels of a project that has said 'not visible' by nose at 0, 0 in all images of day1, and in one of day2."""
    for folder, count in (("day1", 3), ("day2", 1)):
        rows = [f"{folder}/img{n}.png" for n in range(3)]
        for row in rows:
            Image.new("RGB", (320, 240)).save(dlc / "labeled-data" / row)
        values = np.full((3, 2, 2), 100.0)
        values[:count, 0] = 0
        write_dlc(dlc, make_table("Ann", PARTS, rows, values), folder)
    return read_labels(dlc)


def test_labels_that_step_2_takes_for_not_visible_get_the_line_to_paste(in_corner, settings):
    line = (
        "invisibleboundary = 10  # labels of nose in the top left corner mean 'not visible'; -1 if they really belong"
    )
    with pytest.raises(ToolboxError, match=f"set there: {line} there$"):
        check_settings(in_corner, replace(settings, invisibleboundary=0))


@pytest.mark.parametrize(("boundary", "told", "remain"), [(10, "4 labels of nose", 2), (-1, "", 6)])
def test_both_ways_out_lead_through_the_import_and_step_2(
    in_corner, toy_project, settings, boundary, told, remain, caplog
):
    changed = replace(settings, invisibleboundary=boundary, Scorers=("Ann",))
    check_settings(in_corner, changed)
    importing.warn_of_invisible(in_corner, changed)
    assert (f"below invisibleboundary = {boundary} of myconfig.py, so not visible: {told}" in caplog.text) == bool(told)
    layout = Layout(toy_project)
    shutil.rmtree(layout.data_folder("toy"))
    import_labels(in_corner, layout.data_folder("toy"))
    table = read_table(convert_labels(layout, changed, "Ann"))
    assert np.isfinite(points(table, ["nose"])).all(axis=2).sum() == remain


def test_images_that_are_not_made_yet_count_with_the_size_that_the_source_tells(in_corner, settings):
    later = replace(in_corner, images={row: Path("later") / row for row in in_corner.images})
    check_settings(later, settings)
    with pytest.raises(ToolboxError, match="set there: invisibleboundary = 10"):
        check_settings(replace(later, sizes=dict.fromkeys(later.images, (320, 240))), settings)


@pytest.mark.parametrize(("scorer", "part"), [("A:B", "nose"), ("Ann", "paw/left")])
def test_names_that_no_settings_take_are_to_be_renamed(dlc, settings, scorer, part):
    path = dlc / "labeled-data" / "day2" / "CollectedData_Ann.csv"
    make_table(scorer, [part], ROWS[2:], VALUES[2:, :1]).to_csv(path)
    with pytest.raises(ToolboxError, match=r"has the name '(A:B|paw/left)'; rename it there to .* part of a file name"):
        check_settings(read_labels(path), settings)


def test_images_of_two_types_become_png(dlc, tmp_path):
    day2 = dlc / "labeled-data" / "day2"
    Image.open(day2 / "img3.png").save(day2 / "img3.jpg", quality=30)
    (day2 / "img3.png").unlink()
    write_dlc(dlc, make_table("Ann", PARTS, ["day2/img3.jpg"], VALUES[2:]), "day2")
    labels = of_one_type(read_labels(dlc), tmp_path / "scratch")
    assert list(labels.images) == ROWS
    np.testing.assert_array_equal(points(labels.table), VALUES)
    np.testing.assert_array_equal(read_image(labels.images[ROWS[2]]), read_image(day2 / "img3.jpg"))
    assert labels.remarks == ("images of the types .jpg, .png: 1 of them become png, with the same pixels",)


def test_images_of_a_type_that_is_not_read_here_or_without_suffix_become_png(tmp_path):
    home = tmp_path / "mouse.v1"
    home.mkdir()
    for number, name in enumerate(["img1", "img2"]):
        Image.new("L", (30, 20), 40 + number).save(home / name, format="PNG")
    write_table(make_table("Ann", PARTS, ["mouse.v1/img1", "mouse.v1/img2"], VALUES[:2]), home / "labels.h5")
    found = of_one_type(read_labels(home / "labels.h5"), tmp_path / "scratch")
    assert list(found.images) == ["mouse.v1/img1.png", "mouse.v1/img2.png"]
    assert read_image(found.images["mouse.v1/img2.png"])[0, 0].tolist() == [41, 41, 41]
    assert found.remarks[-1] == "images of the types without suffix: 2 of them become png, with the same pixels"
    for name in ("img1", "img2"):
        Image.open(home / name).save(home / f"{name}.gif")
    write_table(make_table("Ann", PARTS, ["mouse.v1/img1.gif", "mouse.v1/img2.gif"], VALUES[:2]), home / "labels.h5")
    found = of_one_type(read_labels(home / "labels.h5"), tmp_path / "scratch")
    assert list(found.images) == ["mouse.v1/img1.png", "mouse.v1/img2.png"]
    assert found.remarks[-1] == "images of the types .gif: 2 of them become png, with the same pixels"


def test_of_images_of_one_name_and_two_types_one_comes(tmp_path):
    home = tmp_path / "day1"
    home.mkdir()
    names = ["img1.bmp", "img1.jpg", "img2.jpg", "img2.png"]
    for number, name in enumerate(names):
        Image.new("L", (30, 20), 40 + number).save(home / name)
    write_table(make_table("Ann", PARTS, [f"day1/{name}" for name in names], np.ones((4, 2, 2)) + 9), home / "a.h5")
    found = of_one_type(read_labels(home / "a.h5"), tmp_path / "scratch")
    assert [(row, read_image(path)[0, 0, 0]) for row, path in found.images.items()] == [
        ("day1/img1.png", 40),
        ("day1/img2.png", 43),
    ]
    why = "is there under the same name as another type, too"
    assert found.left_out == (("day1/img1.jpg", why), ("day1/img2.jpg", why))


def test_there_and_back(dlc, settings, toy_project, tmp_path):
    """DeepLabCut to us, to DeepLabCut and to lightning-pose, and back: every value, missing label and image."""
    layout, settings = Layout(toy_project), replace(settings, Task="reach")
    import_labels(read_labels(dlc), layout.data_folder("reach"))
    convert_labels(layout, settings, "Ann")
    own = read_own_labels(layout, settings)
    assert list(own.table.index) == ROWS
    np.testing.assert_array_equal(points(own.table, PARTS), VALUES)
    export_deeplabcut(own, tmp_path / "to dlc", "reach", "Jan1")
    export_lightning_pose(own, tmp_path / "to lp")
    for place in ("to dlc", "to lp", "to lp/CollectedData.csv"):
        back = read_labels(tmp_path / place)
        pd.testing.assert_frame_equal(back.table, own.table)
        assert [path.read_bytes() for path in back.images.values()] == [
            (dlc / "labeled-data" / row).read_bytes() for row in ROWS
        ]


def test_any_table_written_out_as_clicks_comes_back_exactly(toy_project, tmp_path):
    layout, settings = Layout(toy_project), load_settings(toy_project)
    rng = np.random.default_rng(3)
    values = rng.uniform(10, 110, (10, 3, 2))
    values[rng.random((10, 3)) < 0.4] = NAN
    values[:, 1] = NAN
    names = [f"toy/img{frame:02d}.png" for frame in range(0, 30, 3)]
    table = make_table("Ann", ["nose", "paw", "tail"], names, values)
    elsewhere = tmp_path / "elsewhere"
    layout.data_folder("toy").rename(elsewhere)
    for path in (elsewhere / "toy").glob("*.csv"):
        path.unlink()
    write_table(table.sample(frac=1, random_state=1), elsewhere / "labels.h5")
    import_labels(read_labels(elsewhere / "labels.h5"), layout.data_folder("toy"))
    pd.testing.assert_frame_equal(read_table(convert_labels(layout, settings, "Ann")), table)


def test_the_project_for_deeplabcut(dlc, tmp_path):
    export_deeplabcut(read_labels(dlc), tmp_path / "out", "reach", "Jan1")
    config = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
    assert (config["Task"], config["scorer"], config["bodyparts"]) == ("reach", "Ann", PARTS)
    assert [Path(video).stem for video in config["video_sets"]] == ["day1", "day2"]
    assert config["video_sets"][str(tmp_path / "out" / "videos" / "day1.avi")] == {"crop": "0, 16, 0, 12"}
    with pd.HDFStore(tmp_path / "out" / "labeled-data" / "day1" / "CollectedData_Ann.h5", "r") as store:
        (key,) = store.keys()
        written = store[key]
    assert key == "/df_with_missing" and scorer_of(written) == "Ann"
    assert list(written.index) == [("labeled-data", "day1", "img9.png"), ("labeled-data", "day1", "img10.png")]


@pytest.mark.parametrize("export", [partial(export_deeplabcut, task="t", date="d"), export_lightning_pose])
def test_an_existing_folder_is_never_overwritten(dlc, tmp_path, export):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(ToolboxError, match=r"out exists already and is never overwritten"):
        export(read_labels(dlc), tmp_path / "out")
    (tmp_path / "out" / "mine.txt").unlink()
    export(read_labels(dlc), tmp_path / "out")
    assert (tmp_path / "out" / "labeled-data" / "day1" / "img9.png").is_file()


def test_the_working_directory_is_not_replaced(dlc, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ToolboxError, match=r"^\. exists already .*: name a new folder"):
        export_lightning_pose(read_labels(dlc), Path())


def test_our_labels_need_a_table_and_images(toy_project):
    layout, settings = Layout(toy_project), load_settings(toy_project)
    with pytest.raises(ToolboxError, match=r"Ann\.h5 does not exist; Step 2 makes it .*: run Step 2 first"):
        read_own_labels(layout, settings)
    convert_labels(layout, settings, "Ann")
    clicks = layout.data_folder("toy") / "toy" / "nose.csv"
    clicks.write_text(clicks.read_text().replace("135.0", "50.25"))
    with pytest.raises(ToolboxError, match=r"Ann\.h5 is older than .*toy/nose\.csv changed\): run Step 2 again"):
        read_own_labels(layout, settings)
    layout.label_record("toy", "Ann").unlink()
    shutil.rmtree(layout.data_folder("toy") / "toy")
    with pytest.raises(ToolboxError, match=r"do not exist: .*img00\.png, .*; put them back; or, .* --drop-missing"):
        read_own_labels(layout, settings)


def test_all_digits_survive(tmp_path):
    values = np.array([[[0.1 + 0.2, 10 / 3]]])
    folder = tmp_path / "v"
    folder.mkdir()
    Image.new("RGB", (9, 9)).save(folder / "img0.png")
    make_table("Ann", ["nose"], ["v/img0.png"], values).to_csv(folder / "t.csv")
    import_labels(read_labels(folder / "t.csv"), tmp_path / "data")
    assert read_clicks(tmp_path / "data" / "v" / "nose.csv")[["x", "y"]].to_numpy().tolist() == values[0].tolist()
    assert read_table(folder / "t.csv").to_numpy().tolist() == values[0].tolist()
