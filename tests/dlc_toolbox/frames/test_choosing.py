import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlc_common.images import list_images, read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.frames import choosing
from dlc_toolbox.frames.choosing import pick_frames, videos_to_pick_from
from dlc_toolbox.frames.wanted import Wanted, choose_frames
from dlc_toolbox.project import layout
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.video.recording import Frame
from dlc_toolbox.video.video import Video

WANTED = Wanted(numframes2pick=5, portion=1, seed=42)


def test_frames_are_chosen_once_each_and_from_the_portion():
    chosen = choose_frames(200, Wanted(numframes2pick=30, portion=0.25, seed=1))
    assert len(set(chosen)) == 30
    assert chosen == sorted(chosen)
    assert max(chosen) < 50
    assert choose_frames(200, Wanted(numframes2pick=60, portion=0.25, seed=1)) == list(range(50))


def test_the_same_seed_chooses_the_same_frames():
    assert choose_frames(99, WANTED) == choose_frames(99, WANTED)
    assert choose_frames(99, WANTED) != choose_frames(99, Wanted(5, 1, seed=43))


def test_every_frame_is_as_likely():
    counts = np.zeros(10)
    for seed in range(2000):
        counts[choose_frames(10, Wanted(3, 1, seed))] += 1
    # Expected 600 each, with a standard deviation of sqrt(2000 * 0.3 * 0.7) = 20.5.
    assert np.abs(counts - 600).max() < 5 * 20.5


def test_an_excluded_frame_changes_no_other():
    chosen = choose_frames(99, WANTED)
    others = choose_frames(99, WANTED, excluded={chosen[2]})
    assert set(chosen) - {chosen[2]} < set(others)
    assert len(others) == 5


# Picking frames


@pytest.fixture
def video(tmp_path: Path, toy_template: Path) -> Path:
    """30 frames, each with its dots elsewhere."""
    (tmp_path / "v").mkdir()
    return shutil.copyfile(toy_template / "videos" / "toy.avi", tmp_path / "v" / "m.1.avi")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_images_are_the_very_frames_their_names_tell(video: Path, data: Path, toy_points, draw_dots):
    folder = pick_frames(video, data, WANTED)
    assert folder == data / "m.1"
    images = list_images(folder, ".png")
    assert [path.name for path in images] == [f"img{frame:02d}.png" for frame in choose_frames(30, WANTED)]
    for path in images:
        np.testing.assert_array_equal(read_image(path), draw_dots(toy_points[int(path.stem[3:])]))


def test_frames_json_tells_where_they_are_from(video: Path, data: Path):
    record = json.loads((pick_frames(video, data, Wanted(5, 0.5, 7, (10, 60, 0, 100))) / "frames.json").read_text())
    assert record["video"] == video.resolve().as_posix()
    assert record["frame_count"] == 30
    assert record["frames"] == choose_frames(30, Wanted(5, 0.5, 7))
    assert record["settings"] == {"numframes2pick": 5, "portion": 0.5, "seed": 7, "crop": [10, 60, 0, 100]}


def test_the_crop_is_what_is_kept(video: Path, data: Path, toy_points, draw_dots):
    path = list_images(pick_frames(video, data, Wanted(1, 1, 0, (10, 60, 20, 120))), ".png")[0]
    whole = draw_dots(toy_points[int(path.stem[3:])])
    np.testing.assert_array_equal(read_image(path), whole[20:120, 10:60])
    with pytest.raises(ToolboxError, match=r"m\.1\.avi: the crop .* does not lie inside"):
        pick_frames(video, data, Wanted(1, 1, 0, (10, 161, 20, 120)), overwrite=True)


def test_names_are_padded_to_the_number_of_frames(tmp_path: Path, data: Path, write_video):
    black = np.zeros((16, 16, 3), np.uint8)
    for total, digits in ((10, 1), (11, 2), (101, 3)):
        path = write_video(tmp_path / f"{total}.avi", [black] * total)
        names = [image.stem for image in list_images(pick_frames(path, data, Wanted(3, 1, 0)), ".png")]
        assert {len(name) for name in names} == {3 + digits}


@pytest.mark.parametrize("claimed", [0, 7, 4000, 2**40])
def test_the_header_is_not_trusted(video: Path, data: Path, monkeypatch: pytest.MonkeyPatch, claimed: int):
    class Lying(Video):
        def __init__(self, *args: object):
            super().__init__(*args)
            self.header_frames = self.expected_frames = claimed

    honest = contents(pick_frames(video, data / "honest", WANTED))
    monkeypatch.setattr(choosing, "open_frames", Lying)
    assert contents(pick_frames(video, data / "lying", WANTED)) == honest


def test_a_frame_that_cannot_be_decoded_is_not_picked(video: Path, data: Path, monkeypatch: pytest.MonkeyPatch):
    chosen = choose_frames(30, WANTED)

    class Damaged(Video):
        def shown(self, start: int = 0):
            for row, (time, frame, state) in enumerate(super().shown(start), start):
                lost = row == chosen[0]
                yield time, None if lost else frame, Frame.LOST if lost else state

    monkeypatch.setattr(choosing, "open_frames", Damaged)
    images = list_images(pick_frames(video, data, WANTED), ".png")
    picked = [int(path.stem[3:]) for path in images]
    assert len(picked) == 5
    assert set(chosen[1:]) < set(picked)
    assert chosen[0] not in picked


def test_too_few_frames_are_told_and_nothing_is_written(video: Path, data: Path):
    message = r"m\.1\.avi: numframes2pick = 16, but only 15 frames .* portion = 0\.5 of its 30 frames"
    with pytest.raises(ToolboxError, match=message):
        pick_frames(video, data, Wanted(16, 0.5, 1))
    assert list(data.iterdir()) == []


def test_what_is_current_is_left_alone_even_without_some_images(video: Path, data: Path, caplog):
    folder = pick_frames(video, data, WANTED)
    list_images(folder, ".png")[0].unlink()  # a user throws a blurred image away
    before = contents(folder)
    caplog.set_level("INFO")
    assert pick_frames(video, data, WANTED) == folder
    assert contents(folder) == before
    assert f"{folder}: skipped, it is current" in caplog.text


def test_unlabeled_frames_are_replaced_as_a_whole(video: Path, data: Path, caplog):
    caplog.set_level("INFO")
    folder = pick_frames(video, data, WANTED)
    for junk in (".DS_Store", "._img07.png", ".part-x"):
        (folder / junk).touch()
    other = Wanted(4, 1, 7)
    assert pick_frames(video, data, other) == folder
    assert {path.name for path in folder.iterdir()} == {
        "frames.json",
        *(f"img{n:02d}.png" for n in choose_frames(30, other)),
    }
    assert f"{folder}: being made, because numframes2pick and seed changed" in caplog.text
    before = contents(folder)
    assert pick_frames(video, data, other, overwrite=True) == folder
    assert contents(folder) == before


@pytest.mark.parametrize("label_file", ["nose.csv", "nose.xls", "Ann/nose.csv", "extra.png"])
def test_a_folder_with_labels_gets_no_new_image(video: Path, data: Path, caplog, label_file: str):
    labeled = pick_frames(video, data, WANTED)
    (labeled / label_file).parent.mkdir(exist_ok=True)
    (labeled / label_file).touch()
    names = sorted(path.name for path in labeled.iterdir())
    caplog.set_level("INFO")
    assert pick_frames(video, data, WANTED) == labeled, "nothing new was asked for"
    second = pick_frames(video, data, Wanted(10, 1, 42))
    assert second == data / "m.1_2"
    assert f"{labeled} stays as it is: it holds labels" in caplog.text
    assert sorted(path.name for path in labeled.iterdir()) == names
    assert {path.name for path in list_images(second, ".png")}.isdisjoint(names), "a frame was picked twice"
    assert len(list_images(second, ".png")) == 10
    (second / "nose.csv").touch()
    assert pick_frames(video, data, WANTED, overwrite=True) == data / "m.1_3"


@pytest.mark.parametrize("name", ["img{}.png", "img0{}.png", ".notes", "more/img1.png"])
def test_only_what_is_known_to_be_ours_is_replaced(video: Path, data: Path, name: str):
    picked = pick_frames(video, data, WANTED)
    unpicked = min(set(range(10, 30)).difference(choose_frames(30, WANTED)))
    own = picked / name.format(unpicked if name == "img{}.png" else choose_frames(30, WANTED)[-1])
    own.parent.mkdir(exist_ok=True)
    own.write_bytes(b"somebody's")
    assert pick_frames(video, data, WANTED, overwrite=True) == data / "m.1_2"
    assert own.read_bytes() == b"somebody's"


@pytest.mark.parametrize("change", [{"frames": 7}, {"frames": ["7"]}, {"frame_count": [30]}, {"inputs": 1}])
def test_a_record_of_wrong_types_tells_nothing(video: Path, data: Path, change: dict):
    record = pick_frames(video, data, WANTED) / "frames.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), **change}))
    assert pick_frames(video, data, WANTED, overwrite=True) == data / "m.1_2"


def test_a_folder_made_by_v1_is_kept_and_its_frames_are_not_picked_again(video: Path, data: Path):
    (data / "m.1").mkdir(parents=True)
    for frame in range(25):
        (data / "m.1" / f"img{frame}.png").touch()
    folder = pick_frames(video, data, WANTED)
    assert folder.name == "m.1_2"
    assert [path.name for path in list_images(folder, ".png")] == [f"img{frame}.png" for frame in range(25, 30)]
    (folder / "nose.csv").touch()
    with pytest.raises(ToolboxError, match=r"only 0 frames .*30 were picked before"):
        pick_frames(video, data, Wanted(1, 1, 0))


def test_two_videos_of_one_stem_do_not_mix(tmp_path: Path, video: Path, data: Path, draw_dots, toy_points, write_video):
    other = write_video(tmp_path / "w" / "m.1.avi", [draw_dots(points) for points in toy_points[::-1]])
    first, second = pick_frames(video, data, WANTED), pick_frames(other, data, WANTED)
    assert (first.name, second.name) == ("m.1", "m.1_2")
    before = contents(first), contents(second)
    assert [pick_frames(path, data, WANTED) for path in (video, other)] == [first, second]
    assert (contents(first), contents(second)) == before
    assert json.loads(before[1]["frames.json"])["frames"] == choose_frames(30, WANTED)


def test_frames_of_a_video_are_known_under_its_new_name(video: Path, data: Path, caplog):
    folder = pick_frames(video, data, WANTED)
    (folder / "nose.csv").write_text(" ,X,Y,Slice\n1,1,2,1\n")
    renamed = video.rename(video.with_name("day1.avi"))
    assert pick_frames(renamed, data, WANTED) == folder
    other = pick_frames(renamed, data, replace(WANTED, numframes2pick=4))
    assert other == data / "day1" and not set(json.loads((other / "frames.json").read_text())["frames"]).intersection(
        json.loads((folder / "frames.json").read_text())["frames"]
    )
    assert "m.1 holds frames of this video, which was m.1.avi then: those are not picked again" in caplog.text


def test_a_moved_project_stays_current(video: Path, data: Path, tmp_path: Path):
    folder = pick_frames(video, data, WANTED)
    shutil.move(video.parent, tmp_path / "elsewhere")
    assert pick_frames(tmp_path / "elsewhere" / video.name, data, WANTED) == folder


# Videos of the settings


def test_vidpath_may_begin_at_home(toy_project: Path, monkeypatch: pytest.MonkeyPatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(toy_project))
    settings = replace(load_settings(toy_project), vidpath="~/videos")
    assert videos_to_pick_from(Layout(toy_project), settings) == [toy_project / "videos" / "toy.avi"]


def test_videos_are_found_from_the_settings(toy_project: Path):
    place, settings = Layout(toy_project), load_settings(toy_project)
    assert [path.resolve() for path in videos_to_pick_from(place, settings)] == [toy_project / "videos" / "toy.avi"]
    text = (toy_project / "myconfig.py").read_text()
    for line, message in (
        ("filename = ['toy.avi', 'gone.avi']", r"videos/gone\.avi does not exist"),
        ("filename = []", "at least one entry"),
        ("imagetype = '.jpg'", r"set it to '\.png'"),
        (
            "vidpath = '../elsewhere'",
            r"elsewhere/toy\.avi does not exist; in .*: .*, videos\. Check the names in .*myconfig\.py",
        ),
        ("vidpath = '..'\nfilename = 'videos'", "videos is a folder; filename .* must name the videos in it"),
    ):
        (toy_project / "myconfig.py").write_text(f"{text}\n{line}\n")
        with pytest.raises(ToolboxError, match=message):
            videos_to_pick_from(place, load_settings(toy_project))
    (toy_project / "myconfig.py").write_text(text.replace("filename", "# filename"))
    with pytest.raises(ToolboxError, match="filename names no video"):
        videos_to_pick_from(place, load_settings(toy_project))


def test_a_bare_checkout_is_advised(monkeypatch: pytest.MonkeyPatch, toy_project: Path):
    settings = replace(load_settings(toy_project), filename=("gone.avi",))
    monkeypatch.setattr(layout, "CHECKOUT", toy_project)
    with pytest.raises(ToolboxError, match=r"gone\.avi does not exist; there: toy\.avi\. Run `make demo`, edit my"):
        videos_to_pick_from(Layout(toy_project), settings)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("labeled-data.avi", "labeled-data.avi: .* a folder named 'labeled-data'; rename the video"),
        (".mouse.avi", "a folder named '.mouse'; rename the video, or name a link to it"),
        pytest.param("a\\b.avi", "rename the video", marks=pytest.mark.skipif(os.name == "nt", reason="two folders")),
    ],
)
def test_videos_that_no_later_step_could_use_are_refused(toy_project: Path, name: str, message: str):
    (toy_project / "videos" / "toy.avi").rename(toy_project / "videos" / name)
    with pytest.raises(ToolboxError, match=message):
        videos_to_pick_from(Layout(toy_project), replace(load_settings(toy_project), filename=(name,)))


# Images instead of videos


def frames_of(folder: Path) -> dict[str, np.ndarray]:
    return {path.name: read_image(path) for path in list_images(folder, ".png")}


@pytest.mark.parametrize("kind", ["folder", "stack"])
def test_a_project_may_begin_with_images(toy_project: Path, draw_dots, toy_points, kind: str):
    images = [draw_dots(points) for points in toy_points[:12]]
    recording = toy_project / "videos" / ("day.1" if kind == "folder" else "day.1.tif")
    if kind == "folder":
        recording.mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(recording / f"frame {number}.png")
    else:
        first, *rest = map(Image.fromarray, images)
        first.save(recording, save_all=True, append_images=rest)
    settings = replace(load_settings(toy_project), filename=(recording.name,))
    assert videos_to_pick_from(Layout(toy_project), settings) == [recording]
    wanted = Wanted(4, 1, 7, (10, 150, 5, 115))
    folder = pick_frames(recording, toy_project / "data", wanted)
    assert folder == toy_project / "data" / "day.1"
    chosen = choose_frames(12, wanted)
    picked = frames_of(folder)
    assert list(picked) == [f"img{frame:02d}.png" for frame in chosen]
    for frame, image in zip(chosen, picked.values(), strict=True):
        np.testing.assert_array_equal(image, images[frame][5:115, 10:150])
    named = [f"frame {frame}.png" for frame in chosen] if kind == "folder" else None
    assert json.loads((folder / "frames.json").read_text()).get("sources") == named
    assert pick_frames(recording, toy_project / "data", wanted) == folder  # it is current


def test_a_folder_of_videos_and_images_is_no_recording(toy_project: Path, draw_dots, toy_points):
    Image.fromarray(draw_dots(toy_points[0])).save(toy_project / "videos" / "plot1.png")
    settings = replace(load_settings(toy_project), vidpath="..", filename=("videos",))
    with pytest.raises(ToolboxError, match=r"videos is a folder; filename in .* without videos"):
        videos_to_pick_from(Layout(toy_project), settings)


def test_a_folder_of_images_that_are_not_read_is_told_what_it_holds(toy_project: Path):
    folder = toy_project / "exported"
    folder.mkdir()
    for number in range(6):
        Image.new("L", (30, 20), number).save(folder / f"img{number}.gif")
    settings = replace(load_settings(toy_project), vidpath="..", filename=("exported",))
    told = (
        r"exported is a folder; .* of one recording \(\.bmp, .*\.webp\), without videos; its files end in \.gif \(6\)"
    )
    with pytest.raises(ToolboxError, match=told):
        videos_to_pick_from(Layout(toy_project), settings)


# Choosing by what frames show


def by(framechoice: str, numframes2pick: int = 5, portion: float = 1, seed: int = 42, **more) -> Wanted:
    return Wanted(numframes2pick, portion, seed, framechoice=framechoice, **more)


def picked(folder: Path) -> list[int]:
    return [int(image.stem[3:]) for image in list_images(folder, ".png")]


@pytest.fixture(scope="module")
def scenes_template(tmp_path_factory: pytest.TempPathFactory, draw_dots, write_video) -> Path:
    """120 frames at 25 per second: black, then dots at three places, frozen, and black again."""
    noise = np.random.default_rng(0)
    places = [(20, 20), (130, 30), (80, 90)]
    shown = [draw_dots(np.array([places[number // 30]] * 3) + noise.normal(0, 1, (3, 2))) for number in range(60)]
    last = [draw_dots(np.array([places[2]] * 3) + noise.normal(0, 1, (3, 2))) for _ in range(20)]
    black = [np.zeros_like(shown[0])] * 10
    path = tmp_path_factory.mktemp("scenes") / "scenes.avi"
    return write_video(path, [*black, *shown, *last, *[last[-1]] * 20, *black])


@pytest.fixture
def scenes(tmp_path: Path, scenes_template: Path) -> Path:
    """A copy of them."""
    (tmp_path / "v").mkdir(exist_ok=True)
    return shutil.copyfile(scenes_template, tmp_path / "v" / "scenes.avi")


@pytest.mark.parametrize("framechoice", ["kmeans", "even"])
def test_black_and_frozen_frames_are_not_picked(scenes: Path, data: Path, framechoice: str):
    frames = picked(pick_frames(scenes, data, by(framechoice, 12)))
    assert len(frames) == 12
    assert frames[0] >= 10
    assert frames[-1] < 90


def test_each_scene_is_picked_and_a_page_shows_it(scenes: Path, data: Path, caplog):
    caplog.set_level("INFO")
    folder = pick_frames(scenes, data, by("kmeans", 3, secondsapart=0.2))
    assert [(frame - 10) // 30 for frame in picked(folder)] == [0, 1, 2]
    assert "80 frames compared by looks and motion; those chosen are at least 0.2 s apart\n" in caplog.text + "\n"
    sheet = data / "scenes_chosen.png"
    assert f"Look at {sheet}" in caplog.text
    page = read_image(sheet)
    assert page.shape[1] > 2 * 400, "two tiles of 400 pixels and more stand side by side"
    assert folder in layout.image_folders(data)
    assert sheet.name not in [path.name for found in layout.image_folders(data) for path in found.iterdir()]


def test_a_choice_at_random_leaves_no_page_of_another_one(scenes: Path, data: Path):
    pick_frames(scenes, data, by("even"))
    assert (data / "scenes_chosen.png").is_file()
    folder = pick_frames(scenes, data, WANTED)
    assert [path.name for path in data.iterdir()] == ["scenes"]
    assert picked(folder) == choose_frames(120, WANTED)


def test_the_distance_that_was_kept_is_told(scenes: Path, data: Path, caplog):
    caplog.set_level("INFO")
    frames = picked(pick_frames(scenes, data, by("kmeans", 8, secondsapart=1)))
    assert np.diff(frames).min() >= 5  # half of 80 frames / 8
    assert "at least 0.2 s apart, not 1 s, which would leave too few" in caplog.text


@pytest.mark.parametrize("framechoice", ["kmeans", "even"])
@pytest.mark.parametrize("claimed", [0, 7, 100, 2**40])
def test_a_header_that_lies_changes_no_choice(
    scenes: Path, data: Path, monkeypatch: pytest.MonkeyPatch, framechoice: str, claimed: int
):
    class Lying(Video):
        def __init__(self, *args: object):
            super().__init__(*args)
            self.header_frames = self.expected_frames = claimed

    wanted = by(framechoice, 4, portion=0.5)
    honest = pick_frames(scenes, data / "honest", wanted)
    assert max(picked(honest)) < 60
    monkeypatch.setattr(choosing, "open_frames", Lying)
    assert contents(pick_frames(scenes, data / "lying", wanted)) == contents(honest)


def test_lost_frames_are_not_compared(scenes: Path, data: Path, monkeypatch: pytest.MonkeyPatch):
    class Damaged(Video):
        def shown(self, start: int = 0):
            for row, (time, frame, state) in enumerate(super().shown(start), start):
                yield (time, frame, state) if row % 10 == 3 else (time, None, Frame.LOST)

    monkeypatch.setattr(choosing, "open_frames", Damaged)
    assert picked(pick_frames(scenes, data, by("kmeans", 9))) == [13, 23, 33, 43, 53, 63, 73, 83, 93]
    with pytest.raises(ToolboxError, match=r"only 9 frames can be picked .* the others are dark, .*'random' leaves"):
        pick_frames(scenes, data, by("kmeans", 10), overwrite=True)


def test_a_video_that_grows_is_refused(scenes: Path, data: Path, monkeypatch: pytest.MonkeyPatch):
    passes = []

    class Growing(Video):
        def shown(self, start: int = 0):
            passes.append(start)
            rows = list(super().shown(start))
            return iter(rows[:100] if len(passes) == 1 else rows)

    monkeypatch.setattr(choosing, "open_frames", Growing)
    with pytest.raises(ToolboxError, match=r"scenes\.avi has changed while it was read: run Step 1 again"):
        pick_frames(scenes, data, by("even"))
    assert list(data.iterdir()) == []


def test_a_second_choice_keeps_away_from_the_first(scenes: Path, data: Path):
    first = pick_frames(scenes, data, by("kmeans", 3, secondsapart=0.2))
    (first / "nose.csv").touch()
    second = pick_frames(scenes, data, by("kmeans", 5, secondsapart=0.2))
    assert second == data / "scenes_2"
    assert (data / "scenes_2_chosen.png").is_file()
    assert np.diff(sorted([*picked(first), *picked(second)])).min() >= 5


def test_only_what_is_kept_of_the_frame_counts(tmp_path: Path, data: Path, draw_dots, write_video):
    """Beyond the crop a light goes on and off; inside, all frames but two are equal to the one before."""
    pictures = [draw_dots(np.array([[20, 20]])) for _ in range(30)]
    for number in range(30):
        pictures[number][:, 100:] = 7 * number
        pictures[number][60, 20] += number >= 17
    path = write_video(tmp_path / "light.avi", pictures)
    assert picked(pick_frames(path, data, by("kmeans", 2, crop=(0, 80, 0, 120)))) == [0, 17]
    with pytest.raises(ToolboxError, match="only 2 frames can be picked"):
        pick_frames(path, data, by("even", 3, crop=(0, 80, 0, 120)), overwrite=True)


def test_what_was_picked_before_framechoice_came_stays_current(video: Path, data: Path):
    folder = pick_frames(video, data, WANTED)
    record = json.loads((folder / "frames.json").read_text())
    assert record["settings"] == {"numframes2pick": 5, "portion": 1, "seed": 42, "crop": None}
    before = contents(folder)
    assert pick_frames(video, data, by("random", secondsapart=7)) == folder
    assert contents(folder) == before


def test_how_frames_are_chosen_counts(video: Path, data: Path, caplog):
    caplog.set_level("INFO")
    pick_frames(video, data, WANTED)
    pick_frames(video, data, by("kmeans"))
    assert "being made, because framechoice and secondsapart changed" in caplog.text
    pick_frames(video, data, by("kmeans", secondsapart=0.1))
    assert "being made, because secondsapart changed" in caplog.text
    caplog.clear()
    pick_frames(video, data, by("kmeans", secondsapart=0.1))
    assert "skipped, it is current" in caplog.text
    pick_frames(video, data, by("even"))
    caplog.clear()
    pick_frames(video, data, by("even", seed=7, secondsapart=9))
    assert "skipped, it is current" in caplog.text, "neither changes an even choice"


@pytest.mark.parametrize("kind", ["folder", "stack"])
def test_images_are_chosen_by_what_they_show(tmp_path: Path, data: Path, draw_dots, kind: str):
    places = [(20, 20)] * 4 + [(130, 30)] * 6 + [(80, 90)] * 5
    images = [draw_dots(np.array([(x + 0.1 * n, y)])) for n, (x, y) in enumerate(places)]
    images[7] = np.zeros_like(images[0])
    recording = tmp_path / ("day1" if kind == "folder" else "day1.tif")
    if kind == "folder":
        recording.mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(recording / f"frame {number}.png")
    else:
        first, *rest = map(Image.fromarray, images)
        first.save(recording, save_all=True, append_images=rest)
    frames = picked(pick_frames(recording, data, by("kmeans", 3)))
    assert [sum(frame >= first for first in (4, 10)) for frame in frames] == [0, 1, 2]
    assert 7 not in picked(pick_frames(recording, data, by("even", 14), overwrite=True))
