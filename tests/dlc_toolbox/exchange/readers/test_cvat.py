import numpy as np
import pytest

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import SAME_NAME
from dlc_toolbox.exchange.readers.usable import usable

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><name>mice</name><labels>
    <label><name>mouse</name><type>skeleton</type></label>
    <label><name>nose</name><type>points</type><parent>mouse</parent></label>
    <label><name>tail</name><type>points</type><parent>mouse</parent></label>
  </labels></task></meta>
"""
SKELETON = """<image id="0" name="day1/img2.png" width="64" height="48">
  <skeleton label="mouse" source="manual" z_order="0">
    <points label="tail" source="manual" outside="0" occluded="1" points="30.50,20.25"></points>
    <points label="nose" source="manual" outside="0" occluded="0" points="0.50,0.50"></points>
  </skeleton>
</image>
"""
POINTS = """<image id="1" name="img10.png" width="64" height="48">
  <points label="nose" occluded="0" points="10.00,11.00" z_order="0"></points>
  <box label="mouse" xtl="1" ytl="1" xbr="9" ybr="9"></box>
</image>
"""


DATUMARO = """<image id="2" name="day1/img2.png" width="64" height="48">
    <points label="nose" occluded="0" outside="0" keyframe="0" points="10.50,20.25" z_order="0">
    </points>
    <points label="tail" occluded="0" outside="0" keyframe="0" points="32.00,4.00" z_order="0">
    </points>
  </image>
"""
"""As the exporter of Datumaro 1.13.12, which CVAT is built on, writes Points(10.5, 20.25) and Points(32, 4)."""


@pytest.fixture
def write(images):
    home = images("images/day1/img2.png", "images/img10.png")

    def write(*bodies: str, head: str = HEAD):
        (home / "annotations.xml").write_text(head + "".join(bodies) + "</annotations>")
        return home / "annotations.xml"

    return write


def test_skeletons_and_points_count_from_the_corner(read, write):
    found = usable(read(write(SKELETON, POINTS)))
    assert list(found.images) == ["day1/img2.png", "set/img10.png"]
    assert [part for _, part, _ in found.table.columns[::2]] == ["nose", "tail"], "in the order of the task"
    np.testing.assert_array_equal(found.values, [[[0, 0], [30, 19.75]], [[9.5, 10.5], [np.nan, np.nan]]])
    assert found.remarks[0] == "1 labels are of parts that are occluded; they are taken over as labels"
    assert found.remarks[1].endswith("0.5 px less")


def test_what_datumaro_wrote(read, write):
    np.testing.assert_array_equal(usable(read(write(DATUMARO))).values, [[[10, 19.75], [31.5, 3.5]]])


def test_the_folder_of_an_unpacked_export(read, write):
    assert len(read(write(SKELETON, POINTS).parent).images) == 2


def test_frames_of_a_video_that_cvat_names_without_a_suffix(read, write, images):
    images("images/frame_000007.jpg")
    found = usable(read(write(POINTS.replace("img10.png", "frame_000007"))))
    assert list(found.images) == ["set/frame_000007.jpg"]


def test_images_of_one_name_in_the_subsets_of_a_project(read, write, images):
    images("images/Train/img10.png", "images/Validation/img10.png", "images/Validation/frame_000007.jpg")
    train = POINTS.replace("<image", '<image subset="Train" task_id="1"')
    validation = train.replace("Train", "Validation").replace("10.00,11.00", "20.00,21.00")
    found = usable(read(write(train, validation, validation.replace("img10.png", "frame_000007"))))
    assert list(found.images) == ["Train/img10.png", "Validation/frame_000007.jpg", "Validation/img10.png"]
    assert found.values[:, 0].tolist() == [[9.5, 10.5], [19.5, 20.5], [19.5, 20.5]]


def test_of_two_tasks_with_one_name_in_one_subset_nobody_knows_whose_the_image_is(read, write):
    """An export holds the image of the last one, and lists also those without labels."""
    other = '<image id="0" name="img10.png" subset="default" task_id="2" width="64" height="48"></image>'
    found = read(write(SKELETON, POINTS.replace("<image", '<image subset="default" task_id="1"'), other))
    assert list(found.images) == ["day1/img2.png"]
    assert found.left_out == (("default/img10.png", "has no label"), ("default/img10.png", SAME_NAME))


def test_an_image_that_one_task_has_twice_is_one(read, write):
    empty = '<image id="3" name="img10.png" width="64" height="48"></image>'
    found = read(write(POINTS, POINTS, empty))
    assert list(found.images) == ["set/img10.png"] and not found.left_out


def test_what_is_outside_is_no_label(read, write):
    found = read(write(SKELETON.replace('outside="0" occluded="0"', 'outside="1" occluded="0"')))
    assert np.isnan(found.values[0, 0]).all() and np.isfinite(found.values[0, 1]).all()


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (SKELETON.replace("</image>", '<skeleton label="mouse"></skeleton></image>'), "has several animals"),
        (SKELETON.replace("30.50,20.25", "1,2;3,4"), "has no single point for 'tail'"),
        (SKELETON.replace("30.50,20.25", ""), "has no single point for 'tail'"),
        (SKELETON.replace('label="tail"', 'label="nose"'), "has 'nose' twice"),
        ('<image id="3" name="img4.png"></image>', "has no label"),
        (SKELETON.replace("day1/img2.png", "/../img2.png"), "has a path that leads upwards"),
    ],
)
def test_an_image_that_cannot_be_used_is_left_out(read, write, image, why):
    found = read(write(image, POINTS))
    assert list(found.images) == ["set/img10.png"]
    assert found.left_out[0].why.startswith(why)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEAD + "<track id='0'></track></annotations>",
            "names no video that its frames are of: .*'CVAT for images 1.1'",
        ),
        (HEAD, "begins as xml, but is damaged"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + HEAD + "</annotations>", "is refused: it declares entities"),
        ("<other><annotations/></other>", "is no export of CVAT"),
        (HEAD + "</annotations>", "no label in it can be used"),
    ],
)
def test_what_is_no_export_for_images(read, images, text, message):
    path = images("img1.png") / "a.xml"
    path.write_text(text)
    with pytest.raises(ToolboxError, match=message):
        read(path)


def test_exports_in_other_encodings(read, write):
    path = write(SKELETON, POINTS)
    plain, text = read(path).values, path.read_text()
    path.write_text(text, encoding="utf-16")  # while it says UTF-8, or nothing
    np.testing.assert_array_equal(read(path).values, plain)
    path.write_text(text.replace("nose", "n\N{LATIN SMALL LETTER E WITH ACUTE}"), encoding="cp1252")
    with pytest.raises(UsersError, match=r"is not in UTF-8, .*: save it as UTF-8"):
        read(path)
    path.write_text("<!DOCTYPE a [<!ENTITY b 'c'>]>" + text, encoding="utf-16")
    with pytest.raises(ToolboxError, match="is refused: it declares entities"):
        read(path)


def test_a_size_that_is_no_size(read, write):
    found = usable(read(write(SKELETON.replace('width="64"', f'width="{"9" * 5000}"'), POINTS)))
    assert list(found.images) == ["day1/img2.png", "set/img10.png"]
