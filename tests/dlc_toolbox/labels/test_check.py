import logging
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.check import check_labels
from dlc_toolbox.labels.labels import convert_labels
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import make_table, write_table

PARTS = ("nose", "paw", "tail")


@pytest.fixture
def layout(trained_project):
    return Layout(trained_project)


@pytest.fixture
def settings(layout):
    return replace(load_settings(layout.root), colormap="hsv", alphavalue=1, msize=6)


@pytest.fixture
def data(layout):
    return layout.data_folder("toy")


def label(layout, rows, labels, scorer="Ann", bodyparts=PARTS):
    write_table(make_table(scorer, bodyparts, rows, np.asarray(labels)), layout.label_table("toy", scorer))


def open_picture(path):
    return np.asarray(Image.open(path))


def test_every_labeled_image_gets_a_picture_of_its_size(layout, settings, data, toy_points):
    (folder,) = check_labels(layout, settings)
    assert folder == data / "toylabeled"
    names = {f"img{i:02d}.png" for i in range(0, 30, 3)}
    assert {path.name for path in folder.iterdir()} == names | {"contact_sheet.png", "pictures.json", "thumbnails"}
    assert {path.name for path in (folder / "thumbnails").iterdir()} == {f"{name[:-4]}.jpg" for name in names}
    picture = open_picture(folder / "img06.png")
    assert picture.shape == (120, 160, 3)
    for part, color in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255)]):
        x, y = toy_points[6, part].round().astype(int)
        np.testing.assert_allclose(picture[y, x], color, atol=20)


def test_colours_follow_the_settings_not_the_table_or_the_alphabet(layout, settings, data, toy_points):
    (folder,) = check_labels(layout, replace(settings, bodyparts=("tail", "nose", "paw")))
    picture = open_picture(folder / "img06.png")
    for part, color in enumerate([(0, 255, 0), (0, 0, 255), (255, 0, 0)]):
        x, y = toy_points[6, part].round().astype(int)
        np.testing.assert_allclose(picture[y, x], color, atol=20)


def test_images_without_labels_get_no_picture_and_parts_are_counted(layout, settings, data, caplog):
    caplog.set_level(logging.INFO)
    labels = np.full((3, 3, 2), np.nan)
    labels[0, 0] = 5
    labels[2, :2] = 9
    label(layout, ["toy/img00.png", "toy/img03.png", "toy/img06.png"], labels)
    (folder,) = check_labels(layout, settings)
    assert {path.name for path in folder.glob("img*")} == {"img00.png", "img06.png"}
    counts = {line.split()[0]: line.split()[1:] for line in caplog.text.splitlines() if len(line.split()) == 3}
    assert counts["nose"] == ["2", "1"] and counts["paw"] == ["1", "2"] and counts["tail"] == ["0", "3"]


def test_an_image_of_another_size_is_told_and_marked_on_the_page(layout, settings, data, caplog):
    rows = [f"toy/img{number:02d}.png" for number in (0, 3, 6)]
    Image.open(data / rows[1]).resize((320, 240)).save(data / rows[1])
    label(layout, rows, np.full((3, 3, 2), 50.0))
    check_labels(layout, settings)
    assert f"{data / 'toy'}: most images have 160 x 120 pixels, but not toy/img03.png (320 x 240)" in caplog.text
    assert layout.labels_page("toy").read_text().count("320 x 240 pixels, unlike most") == 1


def test_where_most_images_are_gone_no_size_is_that_of_most(layout, settings, data, caplog):
    rows = [f"toy/img{number:02d}.png" for number in (0, 3, 6)]
    for row in rows[1:]:
        (data / row).unlink()
    label(layout, rows, np.full((3, 3, 2), 50.0))
    with pytest.raises(ToolboxError):
        check_labels(layout, settings)
    assert "most images" not in caplog.text


def test_every_scorer_has_a_marker_shape(layout, settings):
    settings = replace(settings, Scorers=("Ann", "Bea"), bodyparts=PARTS[:1], msize=12)
    label(layout, ["toy/img00.png"], [[[20, 20]]], bodyparts=PARTS[:1])
    label(layout, ["toy/img00.png"], [[[100, 60]]], "Bea", bodyparts=PARTS[:1])
    (folder,) = check_labels(layout, settings)
    red = (open_picture(folder / "img00.png") == [255, 0, 0]).all(axis=-1)
    plus, cross = red[14:27, 14:27], red[54:67, 94:107]
    assert plus[6, 1] and plus[1, 6] and not plus[2, 2]
    assert cross[3, 3] and cross[9, 3] and not cross[6, 1]


def test_images_of_one_scorer_only_are_drawn_too(layout, settings):
    label(layout, ["toy/img00.png"], [[[20, 20]] * 3])
    label(layout, ["toy/img03.png"], [[[20, 20]] * 3], "Bea")
    (folder,) = check_labels(layout, replace(settings, Scorers=("Ann", "Bea")))
    assert {path.name for path in folder.glob("img*")} == {"img00.png", "img03.png"}


def test_what_is_current_is_skipped_and_a_corrected_label_drawn(layout, settings, data, toy_points, caplog):
    caplog.set_level(logging.INFO)
    (folder,) = check_labels(layout, settings)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    check_labels(layout, settings)
    assert "data-toy/toylabeled: skipped, it is current" in caplog.text
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    rows = [f"toy/img{i:02d}.png" for i in (0, 3)]
    label(layout, rows, toy_points[[1, 3]])
    check_labels(layout, settings)
    assert "data-toy/toylabeled: being made, because " in caplog.text
    assert {path.name for path in folder.glob("img*")} == {"img00.png", "img03.png"}, "no picture outlives its labels"
    assert {path.name for path in (folder / "thumbnails").iterdir()} == {"img00.jpg", "img03.jpg"}
    x, y = toy_points[1, 0].round().astype(int)
    np.testing.assert_allclose(open_picture(folder / "img00.png")[y, x], (255, 0, 0), atol=6)
    stamp = (folder / "img00.png").stat().st_mtime_ns
    check_labels(layout, settings, overwrite=True)
    assert (folder / "img00.png").stat().st_mtime_ns > stamp


def test_a_lost_thumbnail_is_drawn_again(layout, settings):
    (folder,) = check_labels(layout, settings)
    (folder / "thumbnails" / "img06.jpg").unlink()
    check_labels(layout, settings)
    assert open_picture(folder / "thumbnails" / "img06.jpg").shape == (240, 320, 3)


def test_labels_outside_their_image_are_named(layout, settings, caplog):
    inside, edge, out = [159.4, 119.4], [-0.5, -0.5], [160, 20]
    label(layout, ["toy/img00.png", "toy/img03.png"], [[inside, edge, [5, 5]], [[5, 5], [5, 5], out]])
    check_labels(layout, settings)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["1 labels of Ann lie outside their image: tail in toy/img03.png (x 160, y 20)"]


def test_missing_and_damaged_images_are_named_after_all_others_are_drawn(layout, settings, data):
    (data / "toy" / "img03.png").unlink()
    whole = (data / "toy" / "img06.png").read_bytes()
    (data / "toy" / "img06.png").write_bytes(whole[:200])
    with pytest.raises(
        ToolboxError, match=r"all is drawn but 2 images: .*img03.png does not exist; .*img06.png is damaged"
    ):
        check_labels(layout, settings)
    folder = data / "toylabeled"
    assert len(list(folder.glob("img*"))) == 8
    assert (folder / "contact_sheet.png").is_file()
    (data / "toy" / "img06.png").write_bytes(whole)
    message = r"all is drawn but 1 images: .*img03\.png does not exist\. Where .*, run Step2_.* --drop-missing"
    with pytest.raises(ToolboxError, match=message):
        check_labels(layout, settings)
    assert len(list(folder.glob("img*"))) == 9


def test_no_label_table_points_to_step_2(layout, settings):
    layout.label_table("toy", "Ann").unlink()
    with pytest.raises(ToolboxError, match=r"CollectedData_Ann.h5 does not exist; Step 2 makes it"):
        check_labels(layout, settings)


def test_labels_corrected_since_step_2_are_not_overlooked(layout, settings, data):
    convert_labels(layout, settings, "Ann", overwrite=True)
    check_labels(layout, settings)
    path = data / "toy" / "nose.csv"
    path.write_text(path.read_text().replace("135.0", "134.0"))
    with pytest.raises(ToolboxError, match=r"Ann.h5 is older .*toy/nose.csv.* run Step 2 again"):
        check_labels(layout, settings)


def test_poses_are_no_labels(layout, settings):
    label(layout, [3, 4], np.full((2, 3, 2), 9.0))
    with pytest.raises(ToolboxError, match=r"Ann\.h5 has rows named 3, 4 in place of images such as .*Put the images"):
        check_labels(layout, settings)


def test_no_label_at_all(layout, settings):
    label(layout, ["toy/img00.png"], np.full((1, 3, 2), np.nan))
    with pytest.raises(ToolboxError, match=r"no body part is labeled in .*data-toy"):
        check_labels(layout, settings)


def test_other_body_parts_than_the_table(layout, settings):
    with pytest.raises(ToolboxError, match=r"Ann.h5 has the body parts nose, paw, tail, but myconfig.py has nose, ear"):
        check_labels(layout, replace(settings, bodyparts=("nose", "ear")))


def test_a_video_folder_is_never_drawn_into(layout, settings, data):
    image = data / "toylabeled" / "img00.png"
    image.parent.mkdir()
    Image.fromarray(np.zeros((120, 160, 3), np.uint8)).save(image)
    before = image.read_bytes()
    for rows in (["toy/img00.png", "toylabeled/img00.png"], ["toy/img00.png"]):
        label(layout, rows, np.full((len(rows), 3, 2), 9))
        with pytest.raises(ToolboxError, match=r"into .*toylabeled, but it holds files .* rename it"):
            check_labels(layout, settings, overwrite=True)
        assert [path.name for path in image.parent.iterdir()] == ["img00.png"]
        assert image.read_bytes() == before
