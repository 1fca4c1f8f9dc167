"""Projects that sleap-io wrote (tests/fixtures/foreign/make.py), and what it reads of them."""

import json

import h5py
import numpy as np
import pytest

from dlc_common.images import read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import TWICE
from dlc_toolbox.exchange.readers.fetching import fetch
from dlc_toolbox.exchange.readers.usable import usable

from .conftest import PARTS, PLACES

ROWS = [f"mouse/img{frame:06d}.png" for frame in PLACES]
PROJECTS = ["labels.slp", "opencv.pkg.slp", "imageio.pkg.slp", "before-1.1.slp"]


@pytest.mark.parametrize("name", PROJECTS)
def test_every_label_and_image_is_what_sleap_io_reads(foreign, read, name):
    found = usable(fetch(read(foreign / name)))
    theirs = json.loads((foreign / "expected.json").read_text())[name]
    assert (found.kind, list(found.images)) == ("a project of SLEAP", ROWS)
    assert [part for _, part, _ in found.table.columns[::2]] == PARTS == theirs["parts"]
    np.testing.assert_array_equal(found.values, list(PLACES.values()))
    for row, frame, values in zip(ROWS, PLACES, found.values, strict=True):
        (instance,) = theirs["frames"][str(frame)]["instances"]
        np.testing.assert_array_equal(values, [place or [np.nan, np.nan] for place in instance])
        image = read_image(found.images[row])
        assert image.shape == (48, 64, 3)
        assert image[0, 0].tolist() == theirs["frames"][str(frame)]["first pixel"] == [20 * frame, 0, 255 - 20 * frame]


def test_older_files_count_from_the_corner_and_that_is_told(foreign, read):
    assert not any("corner" in remark for remark in read(foreign / "labels.slp").remarks)
    assert read(foreign / "before-1.1.slp").remarks[-1].endswith("here from its centre: 0.5 px less")
    with h5py.File(foreign / "before-1.1.slp") as file:
        assert file["points"][0]["x"] == 10.75


def test_what_a_network_found_is_no_label_but_counted(foreign, read):
    found = read(foreign / "labels.slp")
    assert "1 frames have only instances that SLEAP found" in found.remarks[0]
    assert found.settings["myconfig_analysis.py"]["skeleton"] == [["nose", "tail base"], ["nose", "ear.left"]]


def test_two_animals_in_one_frame_leave_it_out(foreign, read):
    found = read(foreign / "two.slp")
    assert list(found.images) == ROWS[1:]
    assert found.left_out == (("mouse, frame 0", "has several animals; here every image has one"),)


def test_a_video_that_is_gone_or_elsewhere(foreign, read, tmp_path):
    (tmp_path / "far" / "films").mkdir(parents=True)
    (foreign / "mouse.mp4").rename(tmp_path / "far" / "films" / "mouse.mp4")
    with pytest.raises(
        ToolboxError, match=r"no label in it can be used \(3 times one is of mouse\.mp4, which is not the"
    ):
        read(foreign / "labels.slp")
    assert len(read(foreign / "opencv.pkg.slp").images) == 3, "has its images inside"
    assert len(fetch(read(foreign / "labels.slp", images=tmp_path / "far" / "films")).images) == 3


def test_another_video_under_the_same_name_has_other_sizes(foreign, read, write_video):
    (foreign / "mouse.mp4").unlink()
    write_video(foreign / "mouse.mp4", np.zeros((12, 24, 32, 3), np.uint8))
    with pytest.raises(ToolboxError, match=r"none of 3 images .*has 32 x 24 pixels, but was labeled with 64 x 48"):
        usable(fetch(read(foreign / "labels.slp")))


@pytest.mark.parametrize("name", ["labels.slp", "opencv.pkg.slp"])
def test_a_frame_that_is_there_twice_is_one(foreign, read, name):
    """Projects were merged."""
    with h5py.File(foreign / name, "r+") as file:
        frames = file["frames"][()]
        del file["frames"]
        file["frames"] = np.concatenate([frames, frames])
    found = read(foreign / name)
    assert list(found.images) == ROWS and not found.left_out
    with h5py.File(foreign / name, "r+") as file:
        frames = file["frames"][()]
        frames["frame_idx"][0] = frames["frame_idx"][1]
        file["frames"][...] = frames
    found = read(foreign / name)
    assert list(found.images) == [ROWS[0], ROWS[2]]
    assert found.left_out == ((ROWS[1], TWICE),)


def test_a_frame_beyond_the_video_is_left_out_alone(foreign, read):
    with h5py.File(foreign / "labels.slp", "r+") as file:
        frames = file["frames"][()]
        frames["frame_idx"][2] = 12
        file["frames"][...] = frames
    found = fetch(read(foreign / "labels.slp"))
    assert list(found.images) == [f"mouse/img{frame:06d}.png" for frame in (0, 5, 12)][:2]
    assert found.left_out[-1] == ("mouse/img000012.png", "is beyond the 12 frames of mouse.mp4")


def change_videos(path, change) -> None:
    with h5py.File(path, "r+") as file:
        videos = [json.loads(text) for text in file["videos_json"][()]]
        del file["videos_json"]
        file["videos_json"] = [json.dumps(video) for video in change(videos)]


def test_videos_of_one_name_get_folders_of_their_own(foreign, read):
    def twice(videos):
        first, second = json.loads(json.dumps(videos * 2))
        first["backend"]["filename"], second["backend"]["filename"] = "C:\\day1\\mouse.mp4", "/data/day2/mouse.mp4"
        return [first, second]

    change_videos(foreign / "labels.slp", twice)
    with h5py.File(foreign / "labels.slp", "r+") as file:
        frames = file["frames"][()]
        frames["video"][1] = 1
        file["frames"][...] = frames
    assert list(read(foreign / "labels.slp").images) == [
        "day1_mouse/img000000.png",
        "day1_mouse/img000011.png",
        "day2_mouse/img000005.png",
    ]


def test_a_video_that_is_a_list_of_images(foreign, read, images):
    home = images(*(f"day1/img{number}.png" for number in range(12)))

    def listed(videos):
        return [{"backend": {"filenames": [f"/far/away/day1/img{number}.png" for number in range(12)]}}]

    change_videos(foreign / "labels.slp", listed)
    found = usable(read(foreign / "labels.slp", images=home))
    assert list(found.images) == ["day1/img0.png", "day1/img5.png", "day1/img11.png"]
    assert found.images["day1/img5.png"] == home / "day1" / "img5.png"


def test_images_in_the_file_keep_the_names_that_they_had(foreign, read):
    with h5py.File(foreign / "opencv.pkg.slp", "r+") as file:
        names = [f"/far/away/day1/img{number}.tif" for number in range(12)]
        source = file["video0/source_video"]
        source.attrs["json"] = json.dumps({"backend": {"filename": names[0], "filenames": names}})
    assert list(read(foreign / "opencv.pkg.slp").images) == ["day1/img0.png", "day1/img5.png", "day1/img11.png"]


def test_a_name_that_is_a_path_stays_out(foreign, read):
    def hostile(videos):
        return [{"backend": {"filenames": ["../../img0.png"] * 5 + ["day1/img5.png", *["..\\img.png"] * 6]}}]

    change_videos(foreign / "labels.slp", hostile)
    found = read(foreign / "labels.slp")
    assert list(found.images) == ["day1/img5.png"]
    assert [why for _, why in found.left_out] == ["has a path that leads upwards"] * 2


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (
            lambda file: file.create_dataset("points", (10**10,), "f8", chunks=(1000,)),
            "claims to have 10000000000 entr",
        ),
        (lambda file: file.__setitem__("points", h5py.ExternalLink("/etc/passwd", "/x")), "leads to another file"),
        (lambda file: file.__setitem__("points", np.arange(3)), "no label in it can be used .*names the rows"),
        (lambda file: file.create_group("points"), "has no table 'points'"),
    ],
    ids=["huge", "elsewhere", "no table", "a group"],
)
def test_hostile_files_are_one_sentence(foreign, read, break_it, message):
    with h5py.File(foreign / "labels.slp", "r+") as file:
        del file["points"]
        break_it(file)
    with pytest.raises(ToolboxError, match=message) as told:
        read(foreign / "labels.slp")
    assert "\n" not in str(told.value)


def test_an_image_in_the_file_that_is_damaged_is_left_out_alone(foreign, read):
    with h5py.File(foreign / "opencv.pkg.slp", "r+") as file:
        stored = file["video0/video"]
        stored[1] = np.zeros(stored.shape[1], np.int8)
    found = fetch(read(foreign / "opencv.pkg.slp"))
    assert list(found.images) == [ROWS[0], ROWS[2]]
    assert found.left_out[-1] == (ROWS[1], "cannot be read: is damaged")


def test_a_cropped_video_is_left_out_and_the_others_come(foreign, read):
    """sleap-io stores whole pictures, and cuts them as it reads them; places are those of the part."""
    found = fetch(read(foreign / "crops.pkg.slp"))
    ((what, why),) = found.left_out
    assert what.endswith("mouse_video0, frame 0")
    assert why.startswith("is of a video that sleap-io crops as it reads it: write the crop there as a video")
    theirs = json.loads((foreign / "expected.json").read_text())["crops.pkg.slp"]["frames"]["5"]
    (row,) = found.images
    np.testing.assert_array_equal(found.values[0], theirs["instances"][0])
    assert read_image(found.images[row])[0, 0].tolist() == theirs["first pixel"] == [100, 0, 155]


def test_pictures_that_were_cut_out_and_scaled_have_their_own_places(foreign, read):
    found = fetch(read(foreign / "smaller.pkg.slp"))
    theirs = json.loads((foreign / "expected.json").read_text())["smaller.pkg.slp"]["frames"]
    image = read_image(found.images["mouse/img000000.png"])
    assert image.shape == (20, 30, 3), "of the 60 x 40 pixels from (0, 4) on, halved"
    np.testing.assert_allclose(
        found.values[0, :2], [[5.125, 8.25], [15, 18.375]], err_msg="(10.25 - 0) / 2, (20.5 - 4) / 2"
    )
    assert found.values[0, :2].tolist() == theirs["0"]["instances"][0][:2]


def test_two_videos_that_are_one_file_both_get_their_frames(foreign, read):
    with h5py.File(foreign / "labels.slp", "r+") as file:
        videos, frames = file["videos_json"][()], file["frames"][()]
        frames["video"] = [0, 1, 1, 1]
        frames["frame_idx"][1] = 0
        del file["videos_json"], file["frames"]
        file["videos_json"], file["frames"] = np.repeat(videos, 2), frames
    found = fetch(read(foreign / "labels.slp"))
    assert len(found.images) == 3
    assert [read_image(path)[0, 0, 0] for path in found.images.values()] == [0, 0, 220]


@pytest.mark.parametrize(
    ("strange", "reason"),
    [
        ({"backend": None}, "AttributeError"),
        ([1, 2], "AttributeError"),
        ({"backend": {"filenames": 7}}, "TypeError"),
    ],
)
def test_a_video_that_nobody_understands_does_not_stop_the_others(foreign, read, strange, reason):
    change_videos(foreign / "labels.slp", lambda videos: [*videos, strange])
    with h5py.File(foreign / "labels.slp", "r+") as file:
        frames = file["frames"][()]
        frames["video"][1] = 1
        file["frames"][...] = frames
    found = read(foreign / "labels.slp")
    assert list(found.images) == [ROWS[0], ROWS[2]]
    ((what, why),) = found.left_out
    assert what.endswith("video1, frame 5")
    assert why.startswith(f"is of a video whose description in the project cannot be read ({reason}: ")


@pytest.mark.parametrize(
    ("table", "field", "value", "told"),
    [
        ("frames", "instance_id_start", 90, "names the rows 90 to 2 of a table that has 4"),
        ("instances", "point_id_end", 10**6, "names the rows 3 to 1000000 of a table that has 9"),
    ],
)
def test_rows_that_are_not_in_the_file_leave_their_frame_out(foreign, read, table, field, value, told):
    with h5py.File(foreign / "labels.slp", "r+") as file:
        rows = file[table][()]
        rows[1][field] = value
        file[table][...] = rows
    found = read(foreign / "labels.slp")
    assert list(found.images) == [ROWS[0], ROWS[2]]
    assert found.left_out == (("mouse, frame 5", f"cannot be read: {told}"),)


@pytest.mark.parametrize(
    "link", [{"source": 77, "target": 0, "type": {"py/id": 1}}, {"source": 0, "target": 1, "type": "edge"}, 3]
)
def test_a_link_that_joins_nothing_is_passed_over(foreign, read, link):
    with h5py.File(foreign / "labels.slp", "r+") as file:
        metadata = json.loads(file["metadata"].attrs["json"])
        metadata["skeletons"][0]["links"].append(link)
        file["metadata"].attrs["json"] = json.dumps(metadata)
    found = read(foreign / "labels.slp")
    assert list(found.images) == ROWS
    assert found.settings["myconfig_analysis.py"]["skeleton"] == [["nose", "tail base"], ["nose", "ear.left"]]
