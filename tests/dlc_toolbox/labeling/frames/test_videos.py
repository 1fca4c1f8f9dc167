"""Frames by number, the neighbours of images, and frames picked by hand."""

import io
import json
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from dlc_common import UsersError
from dlc_common.images import list_images, read_image
from dlc_toolbox.frames.choosing import Wanted, pick_frames
from dlc_toolbox.labeling.frames.scrub import FrameReader
from dlc_toolbox.labeling.store.store import LabelStore
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.video.video import Video


def encoded(path, frames: int = 60, codec: str = "libx264"):
    """Write a video with B-frames and few keyframes; the frame's number is its brightness, times 4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            codec, rate=Fraction(25), options={} if codec == "ffv1" else {"g": "25", "bf": "3"}
        )
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            gray = np.full((48, 64, 3), 4 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(gray, format="rgb24")))
        container.mux(stream.encode())
    return path


VIDEOS = [("libx264", "a.mp4"), ("libx264", "a.mkv"), ("libx264", "a.avi"), ("mpeg4", "b.avi"), ("ffv1", "c.avi")]


@pytest.mark.parametrize(("codec", "name"), VIDEOS)
def test_any_frame_in_any_order_is_the_one_that_step_1_would_take(tmp_path, codec, name):
    path = encoded(tmp_path / name, codec=codec)
    expected = list(Video(path, (3, 60, 5, 40)))
    reader = FrameReader(path, (3, 60, 5, 40))
    assert reader.count() == len(expected) == 60
    for number in (59, 0, 31, 30, 24, 25, 26, 1, 58, 12):
        np.testing.assert_array_equal(reader.frame(number), expected[number])


@pytest.mark.parametrize("number", [-1, 60, 10**6])
def test_no_such_frame(tmp_path, number):
    with pytest.raises(UsersError, match=rf"a.mp4 has no frame {number} that can be decoded"):
        FrameReader(encoded(tmp_path / "a.mp4")).frame(number)


def test_time_stamps_that_mislead_are_not_believed(tmp_path, monkeypatch):
    path = encoded(tmp_path / "a.mp4")
    expected = list(Video(path))
    reader = FrameReader(path)
    index = reader._video._index
    index.stamps[:] = [stamp + 1 for stamp in index.stamps]
    np.testing.assert_array_equal(reader.frame(40), expected[40])
    np.testing.assert_array_equal(reader.frame(41), expected[41])
    np.testing.assert_array_equal(reader.frame(7), expected[7])


def test_folders_of_images_are_recordings_too(tmp_path):
    for number in range(3):
        Image.new("RGB", (8, 6), (number, 0, 0)).save(tmp_path / f"img{number}.png")
    assert FrameReader(tmp_path).frame(2)[0, 0].tolist() == [2, 0, 0]
    assert FrameReader(tmp_path).count() == 3


@pytest.fixture
def toy(toy_project):
    """The toy's project, whose images Step 1 has picked, and what its frames look like."""
    data = Layout(toy_project).data_folder("toy")
    for path in (data / "toy").iterdir():
        path.unlink()
    (data / "toy").rmdir()
    with (toy_project / "myconfig.py").open("a") as file:
        file.write("cropping = True\nx1 = 10\nx2 = 150\ny1 = 5\ny2 = 115\n")
    pick_frames(toy_project / "videos" / "toy.avi", data, Wanted(5, 1, 42, (10, 150, 5, 115)))
    store = LabelStore(Layout(toy_project))
    yield store
    store.close()


@pytest.fixture
def frames(toy):
    return list(Video(toy.contents.layout.root / "videos" / "toy.avi", (10, 150, 5, 115)))


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


class TestNeighbours:
    def test_are_the_frames_around_with_the_images_crop(self, toy, frames):
        name = toy.contents.folders["toy"].images[2]
        number = int(name[3:-4])
        for offset in (-2, -1, 0, 1, 2):
            np.testing.assert_array_equal(decoded(toy.neighbour("toy", name, offset)), frames[number + offset])

    def test_a_video_that_is_not_at_hand_is_said(self, toy):
        (toy.contents.layout.root / "videos" / "toy.avi").rename(toy.contents.layout.root / "elsewhere.avi")
        folder = toy.project()["folders"][0]
        assert folder["video"] is None
        assert "toy.avi is not in" in folder["why_no_video"]
        with pytest.raises(UsersError, match=r"toy.avi is not in .*labeling works without them"):
            toy.neighbour("toy", toy.contents.folders["toy"].images[0], 1)

    def test_another_video_of_this_name_is_not_shown(self, toy, write_video):
        write_video(toy.contents.layout.root / "videos" / "toy.avi", [np.zeros((120, 160, 3), np.uint8)] * 30)
        with pytest.raises(UsersError, match=r"toy.avi is another video than the one"):
            toy.neighbour("toy", toy.contents.folders["toy"].images[0], 0)

    def test_an_image_that_the_record_does_not_know(self, toy):
        folder = toy.contents.folders["toy"].folder
        (folder / "img99.png").write_bytes((folder / toy.contents.folders["toy"].images[0]).read_bytes())
        toy.refresh()
        with pytest.raises(UsersError, match=r"toy has no image img99.png"):
            toy.neighbour("toy", "img99.png", 1)

    def test_the_projects_videos(self, toy):
        toy.probe_videos()
        assert toy.project()["videos"] == [{"name": "toy.avi", "frames": 30, "fps": 25}]
        assert toy.project()["folders"][0]["video"] == "toy.avi"


class TestPicked:
    def unpicked(self, toy) -> list[int]:
        taken = {int(name[3:-4]) for name in toy.contents.folders["toy"].images}
        return [number for number in range(30) if number not in taken]

    def test_is_the_frame_that_was_shown(self, toy, frames):
        number = self.unpicked(toy)[3]
        np.testing.assert_array_equal(decoded(toy.video_frame("toy.avi", number)), frames[number])
        picked = toy.pick("toy.avi", number)
        assert picked == {"folder": "toy_picked", "name": f"img001_frame{number:06d}.png"}
        np.testing.assert_array_equal(
            read_image(toy.contents.data_folder / "toy_picked" / picked["name"]), frames[number]
        )
        np.testing.assert_array_equal(
            decoded(toy.neighbour("toy_picked", picked["name"], 1)), frames[min(number + 1, 29)]
        )

    def test_is_in_the_project_at_once(self, toy):
        for number in self.unpicked(toy)[:2]:
            picked = toy.pick("toy.avi", number)
            images = {folder["name"]: folder["images"] for folder in toy.project()["folders"]}[picked["folder"]]
            assert picked["name"] in [image["name"] for image in images]

    def test_is_recorded(self, toy):
        first, second = self.unpicked(toy)[5], self.unpicked(toy)[2]
        toy.pick("toy.avi", first), toy.pick("toy.avi", second)
        record = json.loads((toy.contents.data_folder / "toy_picked" / "frames.json").read_text())
        assert (record["frames"], record["frame_count"]) == ([first, second], 30)
        assert record["settings"] == {"crop": [10, 150, 5, 115]}
        assert record["video"] == (toy.contents.layout.root / "videos" / "toy.avi").as_posix()

    def test_earlier_frames_come_last_so_that_no_labeled_image_moves(self, toy):
        late, early = self.unpicked(toy)[8], self.unpicked(toy)[1]
        first = toy.pick("toy.avi", late)
        version = toy.labels(*first.values())["version"]
        toy.save(*first.values(), {"version": version, "points": {"nose": [20.5, 30]}})
        before = (toy.contents.data_folder / "toy_picked" / "nose.csv").read_bytes()
        second = toy.pick("toy.avi", early)
        assert [path.name for path in list_images(toy.contents.data_folder / "toy_picked", ".png")] == [
            first["name"],
            second["name"],
        ]
        assert (toy.contents.data_folder / "toy_picked" / "nose.csv").read_bytes() == before
        assert toy.labels(*first.values())["points"]["nose"] == (20.5, 30)
        assert toy.labels(*second.values())["points"]["nose"] is None

    def test_twice_is_once(self, toy):
        number = self.unpicked(toy)[0]
        assert toy.pick("toy.avi", number) == toy.pick("toy.avi", number)
        of_step_1 = toy.contents.folders["toy"].images[1]
        assert toy.pick("toy.avi", int(of_step_1[3:-4])) == {"folder": "toy", "name": of_step_1}

    def test_step_1_never_replaces_it_nor_picks_its_frames_again(self, toy):
        picked = [toy.pick("toy.avi", number) for number in self.unpicked(toy)[:10]]
        video = toy.contents.layout.root / "videos" / "toy.avi"
        wanted = Wanted(20, 1, 1, (10, 150, 5, 115))
        with pytest.raises(UsersError, match=r"only 15 frames can be picked"):
            for path in (toy.contents.data_folder / "toy").glob("img*"):
                (path.parent / "nose.csv").touch()
            pick_frames(video, toy.contents.data_folder, wanted, overwrite=True)
        assert len(list((toy.contents.data_folder / "toy_picked").glob("img*.png"))) == len(picked) == 10

    def test_a_killed_pick_is_found_by_its_name(self, toy):
        numbers = self.unpicked(toy)
        toy.pick("toy.avi", numbers[0])
        record = toy.contents.data_folder / "toy_picked" / "frames.json"
        before = record.read_bytes()
        second = toy.pick("toy.avi", numbers[1])
        record.write_bytes(before)
        assert toy.pick("toy.avi", numbers[1]) == second
        assert toy.pick("toy.avi", numbers[2])["name"].startswith("img003_")
        assert json.loads(record.read_text())["frames"] == numbers[:3]

    def test_no_such_frame_leaves_nothing(self, toy):
        with pytest.raises(UsersError, match="has no frame 30 "):
            toy.pick("toy.avi", 30)
        assert not (toy.contents.data_folder / "toy_picked").exists()
