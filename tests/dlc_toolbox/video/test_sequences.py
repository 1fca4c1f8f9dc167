"""Folders of images and TIFF files of many pages are read, found and analyzed like videos."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from dlc_common import UsersError
from dlc_common.fingerprints import fingerprint
from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures.marks import Marks
from dlc_toolbox.poses.labeled_video import label_video
from dlc_toolbox.poses.network import Network
from dlc_toolbox.project.layout import Layout, pictures_record, pose_record
from dlc_toolbox.project.settings import load_analysis_settings
from dlc_toolbox.project.tables import points, read_table
from dlc_toolbox.video.recording import Reading
from dlc_toolbox.video.sequences import ImageFolder, TiffStack, open_frames, recordings_in, videos_to_analyze
from dlc_toolbox.video.video import Video
from tests.analyze import analyze

HALVES = {"a.tif": slice(6), "b.tif": slice(6, 12)}


@pytest.fixture
def images() -> list[np.ndarray]:
    return list(np.random.default_rng(4).integers(0, 256, (12, 24, 32, 3), dtype=np.uint8))


def write_folder(folder: Path, images, suffix: str = ".png") -> Path:
    """Write images under numbers without leading zeros, so that their alphabetical order is wrong."""
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"frame {number}{suffix}")
    return folder


def write_stack(path: Path, images, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = map(Image.fromarray, images)
    first.save(path, save_all=True, append_images=rest, **options)
    return path


@pytest.fixture(params=["folder", "stack"])
def recording(request, tmp_path, images) -> Path:
    if request.param == "folder":
        return write_folder(tmp_path / "day.1", images)
    return write_stack(tmp_path / "day.1.tif", images)


# ---- Reading ----


def test_every_image_stands_on_its_row(recording, images):
    video = open_frames(recording)
    assert (video.width, video.height, video.full_width, video.full_height) == (32, 24, 32, 24)
    assert (video.header_frames, video.expected_frames) == (12, 12)
    rows = list(video.frames())
    assert [time for time, _ in rows] == list(range(12))
    assert all(np.array_equal(read, image) for (_, read), image in zip(rows, images, strict=True))
    late = list(video.frames(start=9))
    assert [time for time, _ in late] == [9, 10, 11]
    assert all(np.array_equal(read, image) for (_, read), image in zip(late, images[9:], strict=True))
    assert (video.rate, video.rate_is_assumed, video.time_base) == (25, True, Fraction(1, 25))


def test_frames_are_the_readers_to_change(recording, images):
    frame = next(iter(open_frames(recording)))
    frame[:] = 0
    assert frame.flags.c_contiguous
    assert np.array_equal(next(iter(open_frames(recording))), images[0])


def test_the_crop_really_happens(recording, images):
    frames = list(open_frames(recording, crop=(3, 20, 5, 9)))
    assert all(np.array_equal(frame, image[5:9, 3:20]) for frame, image in zip(frames, images, strict=True))
    with pytest.raises(ToolboxError, match=r"day\.1.*does not lie inside its frames of 32 x 24 pixels"):
        open_frames(recording, crop=(0, 33, 0, 24))


def test_the_rate_of_a_video_is_not_assumed(tmp_path, write_video, images):
    video = open_frames(write_video(tmp_path / "v.avi", images, rate=30))
    assert isinstance(video, Video)
    assert (video.rate, video.rate_is_assumed) == (30, False)


def test_stacks_of_microscopes_are_known_by_what_they_hold(tmp_path, images):
    path = write_stack(tmp_path / "day1.tif", images).rename(tmp_path / "day1.lsm")
    video = open_frames(path)
    assert isinstance(video, TiffStack)
    assert all(np.array_equal(frame, image) for frame, image in zip(video, images, strict=True))


def test_many_pictures_on_one_page_are_not_taken_for_one(tmp_path, images):
    tifffile.imwrite(tmp_path / "day1.stk", np.stack(images), photometric="rgb", truncate=True)
    with pytest.raises(ToolboxError, match=r"day1\.stk holds 12 images of which only 1 can be found.*Image Sequence"):
        open_frames(tmp_path / "day1.stk")


def test_suffixes_that_mean_the_same_are_one_recording(tmp_path, images):
    folder = tmp_path / "day1"
    folder.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"i{number}.{('tif', 'tiff', 'TIF')[number % 3]}")
    assert all(np.array_equal(frame, image) for frame, image in zip(ImageFolder(folder), images, strict=True))


@pytest.mark.parametrize("damaged", [0, 5, 11])
def test_an_unreadable_image_is_a_lost_frame(tmp_path, images, damaged):
    folder = write_folder(tmp_path / "day1", images)
    path = folder / f"frame {damaged}.png"
    path.write_bytes(path.read_bytes()[:300])
    assert [frame is None for frame in ImageFolder(folder)] == [row == damaged for row in range(12)]


def test_an_image_of_another_size_is_a_lost_frame(tmp_path, images):
    images[4] = images[4][:20]
    for recording in (write_folder(tmp_path / "day1", images), write_stack(tmp_path / "day1.tif", images)):
        assert [row for row, frame in enumerate(open_frames(recording)) if frame is None] == [4]


def test_the_size_is_that_of_most_images(tmp_path, images):
    small = [image[:20] for image in images[:3]] + images[3:]
    for recording in (write_folder(tmp_path / "day1", small), write_stack(tmp_path / "day1.tif", small)):
        assert [row for row, frame in enumerate(open_frames(recording)) if frame is None] == [0, 1, 2]


def test_images_whose_names_count_in_hexadecimal_numbers(tmp_path, images):
    folder = tmp_path / "day1"
    folder.mkdir()
    for number, image in enumerate(images, 6):
        Image.fromarray(image).save(folder / f"frame{number:x}.png")
    video = ImageFolder(folder)
    assert all(np.array_equal(frame, image) for frame, image in zip(video, images, strict=True))
    assert not any("order" in remark or "leave out" in remark for remark in video.remarks())


def test_a_damaged_page_is_a_lost_frame(tmp_path, images):
    path = write_stack(tmp_path / "v.tif", images, compression="tiff_deflate")
    with Image.open(path) as image:
        image.seek(7)
        (offset,) = image.tag_v2[TiffImagePlugin.STRIPOFFSETS]
    content = bytearray(path.read_bytes())
    content[offset : offset + 200] = bytes(200)
    path.write_bytes(content)
    frames = list(TiffStack(path))
    assert [row for row, frame in enumerate(frames) if frame is None] == [7]
    assert np.array_equal(frames[8], images[8])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_truncated_stack_gives_what_it_has(tmp_path, images):
    path = write_stack(tmp_path / "v.tif", images)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = list(TiffStack(path))
    assert 5 <= len(frames) <= 7
    assert all(np.array_equal(frame, image) for frame, image in zip(frames[:5], images, strict=False))


def test_gray_stacks_of_16_bits_are_read_as_images_are(tmp_path):
    values = np.random.default_rng(5).integers(0, 2**16, (3, 20, 30), dtype=np.uint16)
    frames = list(TiffStack(write_stack(tmp_path / "v.tif", values)))
    assert all(np.array_equal(frame[..., 1], value // 256) for frame, value in zip(frames, values, strict=True))


def test_a_stack_whose_images_only_imagej_finds_is_an_error(tmp_path, images):
    description = "ImageJ=1.53t\nimages=5000\nslices=5000\nloop=false\n"
    path = write_stack(tmp_path / "v.tif", images, description=description)
    with pytest.raises(ToolboxError, match=r"v\.tif holds 5000 images of which only 12 can be found.*Image Sequence"):
        TiffStack(path)
    complete = write_stack(tmp_path / "w.tif", images, description=description.replace("5000", "12"))
    assert len(list(TiffStack(complete))) == 12


def test_what_cannot_be_one_recording_is_an_error(tmp_path, images):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsersError, match="empty holds no image"):
        open_frames(tmp_path / "empty")
    mixed = write_folder(tmp_path / "mixed", images)
    Image.fromarray(images[0]).save(mixed / "frame 3.jpg")
    with pytest.raises(UsersError, match=r"mixed holds images of several types \(\.jpg, \.png\)"):
        open_frames(mixed)
    unnumbered = write_folder(tmp_path / "unnumbered", images)
    Image.fromarray(images[0]).save(unnumbered / "background.png")
    with pytest.raises(UsersError, match=r"background\.png has no number in its name"):
        open_frames(unnumbered)
    broken = write_folder(tmp_path / "broken", images[:2])
    for path in broken.iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(UsersError, match="broken has no image that can be read"):
        open_frames(broken)
    (tmp_path / "v.tif").write_bytes(b"no image")
    with pytest.raises(UsersError, match=r"v\.tif is damaged or no TIFF file"):
        open_frames(tmp_path / "v.tif")
    with pytest.raises(UsersError, match=r"gone\.tif does not exist"):
        open_frames(tmp_path / "gone.tif")


# ---- What is to be known ----


def test_images_are_in_the_order_that_people_mean(tmp_path, images):
    folder = tmp_path / "toy"
    folder.mkdir()
    names = [f"{round(1612345678.04 + 0.04 * number, 2)}.png" for number in range(12)]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(folder / name)
    video = open_frames(folder)
    assert all(np.array_equal(frame, image) for frame, image in zip(video, images, strict=True))
    assert video.facts()["images"] == names
    assert [remark for remark in video.remarks() if "order" in remark] == []
    Image.fromarray(images[0]).save(folder / "copy 1.png")
    (remark,) = [remark for remark in open_frames(folder).remarks() if "order" in remark]
    assert "the order of its images is not certain: their names follow 2 patterns ('#', 'copy #'" in remark


@pytest.mark.parametrize(("turned", "remarks"), [([], 0), (range(12), 1), ([4, 5], 2)])
def test_photos_are_read_as_they_are_stored_and_it_is_said(tmp_path, images, turned, remarks):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, image in enumerate(images):
        exif = Image.Exif()
        exif[0x0112] = 6 if number in turned else 1
        smooth = np.full_like(image, number * 10)
        smooth[:8, :8] = 250
        Image.fromarray(smooth).save(folder / f"IMG_{number}.jpg", exif=exif, quality=95)
    video = open_frames(folder)
    assert (video.width, video.height) == (32, 24)
    assert all(frame[:6, :6].min() > 200 for frame in video)
    said = [remark for remark in video.remarks() if "EXIF" in remark]
    assert len(said) == remarks
    if remarks == 1:
        assert said[0].startswith("all images are marked to be turned (EXIF): they are read as they are stored")
    if remarks == 2:
        assert said[0].startswith("2 of 12 images are marked to be turned (EXIF)")
        assert "the camera was turned while it recorded" in said[1]


def hyperstack(path: Path, pages, **told) -> Path:
    text = "ImageJ=1.54f\n" + "".join(f"{name}={value}\n" for name, value in {"images": len(pages), **told}.items())
    return write_stack(path, pages, tiffinfo={270: text})


def test_a_frame_of_a_hyperstack_is_a_time_point(tmp_path, images):
    path = hyperstack(tmp_path / "v.tif", images, channels=2, slices=3, frames=2)
    video = open_frames(path)
    assert [np.array_equal(frame, images[page]) for frame, page in zip(video, (2, 8), strict=True)] == [True, True]
    said = list(video.remarks())
    assert said[0].startswith(
        "holds 2 channels of each of its 2 frames: channel 1 is read; to read another, set channel"
    )
    assert said[1].startswith("holds 3 slices (planes) of each of its 2 frames: slice 2 is read")
    second = list(open_frames(path, reading=Reading(channel=2)))
    assert [np.array_equal(frame, images[page]) for frame, page in zip(second, (3, 9), strict=True)] == [True, True]
    with pytest.raises(ToolboxError, match=r"v\.tif has no channel 3 \(channel\), only 2"):
        open_frames(path, reading=Reading(channel=3))
    plain = write_stack(tmp_path / "w.tif", images)
    assert len(list(open_frames(plain, reading=Reading(channel=3)))) == 12  # there is no choice


def test_images_of_two_channels_are_one_recording(tmp_path, images):
    folder = tmp_path / "day1"
    for number in range(3):
        hyperstack(folder / f"img{number}.tif", images[2 * number : 2 * number + 2], channels=2)
    assert recordings_in(folder, ".tif") == [folder]
    video = open_frames(folder, reading=Reading(channel=2))
    assert all(np.array_equal(frame, images[2 * row + 1]) for row, frame in enumerate(video))
    assert not any("channels" in remark for remark in video.remarks())  # somebody has chosen
    assert any("holds 2 channels of each" in remark for remark in open_frames(folder).remarks())


def test_the_interval_that_fiji_notes_is_the_rate(tmp_path, images):
    video = open_frames(hyperstack(tmp_path / "v.tif", images, frames=12, finterval=0.02), reading=Reading(fps=10))
    assert (video.rate, video.rate_is_assumed) == (50, False)
    stated = open_frames(write_folder(tmp_path / "day1", images), reading=Reading(fps=12.5))
    assert (stated.rate, stated.rate_is_assumed, stated.stated_rate) == (Fraction(25, 2), False, 12.5)


def test_images_that_are_missing_between_others_are_told(tmp_path, images):
    folder = write_folder(tmp_path / "day1", images)
    for number in (5, 6, 7):
        (folder / f"frame {number}.png").unlink()
    video = open_frames(folder, reading=Reading(fps=10))
    assert len(list(video)) == 9
    (remark,) = video.remarks()
    assert remark.startswith("the numbers of its images leave out 3, first between frame 4.png and frame 8.png: rows")


def test_of_joined_tiff_files_the_first_is_read_and_it_is_said(tmp_path, images):
    first, second = (write_stack(tmp_path / name, images[part]).read_bytes() for name, part in HALVES.items())
    (tmp_path / "v.tif").write_bytes(first + second)
    video = open_frames(tmp_path / "v.tif", reading=Reading(fps=10))
    assert [frame.tolist() for frame in video] == [image.tolist() for image in images[:6]]
    (remark,) = video.remarks()
    assert remark.startswith("is several TIFF files one behind the other: only the first of them is read, also by Fiji")


@pytest.mark.parametrize("used", [12, 16])
def test_bits_are_those_of_all_pages(tmp_path, used):
    values = np.random.default_rng(1).integers(0, 2**used, (30, 24, 32), dtype=np.uint16)
    values[:5] //= 100  # it begins in the dark
    frames = list(open_frames(write_stack(tmp_path / "v.tif", values)))
    assert all((frame[..., 0] == value >> (used - 8)).all() for frame, value in zip(frames, values, strict=True))
    folder = tmp_path / "day1"
    folder.mkdir()
    for number, value in enumerate(values):
        Image.fromarray(value).save(folder / f"img{number}.png")
    assert all(np.array_equal(frame, other) for frame, other in zip(open_frames(folder), frames, strict=True))


def test_floats(tmp_path):
    values = np.random.default_rng(1).random((4, 24, 32), np.float32)
    expected = np.rint(values.astype(float) * 255).astype(np.uint8)
    stack = open_frames(write_stack(tmp_path / "v.tif", values))
    assert all((frame[..., 2] == value).all() for frame, value in zip(stack, expected, strict=True))
    with pytest.raises(ToolboxError, match=r"w\.tif holds floats: its values lie between -\d.* Save it in Fiji with 8"):
        open_frames(write_stack(tmp_path / "w.tif", 100 * values - 50))
    folder = tmp_path / "day1"
    folder.mkdir()
    for number, value in enumerate(values):
        Image.fromarray(value - 1).save(folder / f"img{number}.tif")
    with pytest.raises(ToolboxError, match=r"no image that can be read: image .*img0\.tif cannot be shown: its values"):
        open_frames(folder)


def test_a_folder_named_as_an_image_is_none(tmp_path, images):
    folder = write_folder(tmp_path / "day1", images)
    (folder / "img200.png").mkdir()
    assert len(list(open_frames(folder))) == 12


# ---- Finding ----


def names(paths) -> list[str]:
    return [path.name for path in paths]


def test_a_suffix_of_images_finds_the_folder_or_its_sub_folders(tmp_path, images):
    for day in ("day2", "day1"):
        write_folder(tmp_path / day, images[:2])
    write_folder(tmp_path / "day1_DeepLabCutlabeled", images[:1])
    pictures_record(write_folder(tmp_path / "day1DeepCut_1_trajectories", images[:1])).touch()
    write_folder(tmp_path / ".hidden", images[:1])
    write_folder(tmp_path / "photos", images[:1], ".jpg")
    assert recordings_in(tmp_path, ".png") == [tmp_path / "day1", tmp_path / "day2"]
    assert recordings_in(tmp_path, ".PNG") == [tmp_path / "day1", tmp_path / "day2"]
    assert recordings_in(tmp_path / "day1", ".png") == [tmp_path / "day1"]
    assert recordings_in(tmp_path / "day1", ".jpg") == []


def test_tiff_files_are_recordings_where_they_have_pages_and_images_where_not(tmp_path, images):
    single = write_folder(tmp_path / "single", images, ".tif")
    assert recordings_in(single, ".tif") == [single]
    for name in ("b.tif", "a.tif"):
        write_stack(tmp_path / "stacks" / name, images)
    write_stack(tmp_path / "stacks" / "c.tif", images[:1])
    assert names(recordings_in(tmp_path / "stacks", ".tif")) == ["a.tif", "b.tif", "c.tif"]
    assert recordings_in(tmp_path, ".tif") == [single]


def test_images_count_without_a_suffix_only_where_asked_for_and_alone(tmp_path, images):
    folder = write_folder(tmp_path / "day1", images)
    assert recordings_in(folder, ".avi", whatever=True) == [folder]
    with pytest.raises(ToolboxError, match=r"no video with the suffix \.avi .* but 12 images; .* videotype = '\.png'"):
        recordings_in(folder, ".avi")
    (folder / "other.mp4").touch()  # the images may be plots of this video
    assert recordings_in(folder, ".avi", whatever=True) == []
    assert names(recordings_in(folder, ".mp4")) == ["other.mp4"]
    stack = write_stack(tmp_path / "stacks" / "a.tif", images)
    assert recordings_in(stack.parent, ".avi", whatever=True) == [stack]


def test_recordings_of_settings_and_of_the_command(toy_project, images):
    layout = Layout(toy_project)
    settings = load_analysis_settings(toy_project)
    folder = write_folder(toy_project / "day1", images)
    stack = write_stack(toy_project / "day2.tif", images)
    assert names(videos_to_analyze(layout, settings)) == ["toy.avi"]
    assert names(videos_to_analyze(layout, settings, [folder, stack])) == ["day1", "day2.tif"]
    with (toy_project / "myconfig_analysis.py").open("a") as file:
        file.write("videofolder = '../day1'\n")
    with pytest.raises(ToolboxError, match="or name the folder in the command"):
        videos_to_analyze(layout, load_analysis_settings(toy_project))


# ---- Analyzing ----


@pytest.fixture
def network(tmp_path) -> Network:
    (tmp_path / "snapshot-1.weights.h5").write_bytes(b"weights")
    snapshot = SimpleNamespace(iteration=1, path=tmp_path / "snapshot-1.weights.h5")
    return Network("DeepCut_resnet50_toyJan1shuffle1_1", ("nose", "paw", "tail"), tmp_path / "c.yaml", snapshot, {})


@pytest.mark.parametrize("kind", ["folder", "stack"])
def test_poses_and_labeled_video_of_images(tmp_path, network, find_dots, draw_dots, toy_points, kind):
    images = [draw_dots(place) for place in toy_points]
    if kind == "folder":
        recording = write_folder(tmp_path / "videos" / "day.1", images)
        (recording / "frame 8.png").write_bytes(b"no image")
        lost = [8]
    else:
        recording, lost = write_stack(tmp_path / "videos" / "day.1.tif", images), []
    table = analyze(recording, find_dots, network)
    assert table == tmp_path / "videos" / f"day.1{network.scorer}.h5"
    poses = points(read_table(table))
    assert np.flatnonzero(np.isnan(poses).all(axis=(1, 2))).tolist() == lost
    kept = np.delete(np.arange(30), lost)
    assert np.abs(poses[kept, :, :2] - toy_points[kept]).max() < 0.1
    record = json.loads(pose_record(table).read_text())
    assert (record["fps"], record["fps_is_assumed"], record["lost_frames"]) == (25, True, lost)
    assert record["settings"]["video"] == recording.name
    out = label_video(recording, network, Marks())
    assert out.name == "day.1_DeepLabCutlabeled.mp4"
    assert [frame is not None for frame in Video(out)] == [True] * 30
    assert analyze(recording, None, network) == table  # current: the network is not asked


def test_a_folder_is_another_when_an_image_is(tmp_path, images):
    folder = write_folder(tmp_path / "day1", images)
    before = fingerprint(folder)
    (folder / "notes.txt").write_text("a note changes nothing")
    assert fingerprint(folder) == before
    copy = write_folder(tmp_path / "copy", images)
    assert fingerprint(copy) == before
    Image.fromarray(images[0]).save(folder / "frame 7.png")
    assert fingerprint(folder) != before
    (copy / "frame 11.png").unlink()
    assert fingerprint(copy) != before


def test_a_channel_that_images_do_not_have_is_refused(tmp_path: Path):
    for number in range(3):
        tifffile.imwrite(
            tmp_path / f"a{number}.tif", np.zeros((2, 24, 32), np.uint8), imagej=True, metadata={"axes": "CYX"}
        )
    with pytest.raises(ToolboxError, match=r"has no channel 3 \(channel\), only 2"):
        open_frames(tmp_path, reading=Reading(channel=3))
    assert open_frames(tmp_path, reading=Reading(channel=2)).header_frames == 3


def test_pages_whose_numbers_nobody_told_are_all_frames_and_it_is_said(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((6, 2, 24, 32), 90, np.uint8))
    stack = open_frames(tmp_path / "a.tif")
    assert stack.header_frames == 12
    said = next(iter(stack.remarks()))
    assert said.startswith(
        "was written as 6 x 2 pictures, and nothing tells which of these numbers counts frames: all 12"
    )


def test_a_part_of_a_recording_is_told_as_such(tmp_path: Path):
    values = np.random.default_rng(0).integers(30, 200, (6, 2, 24, 32), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "whole.ome.tif", values, metadata={"axes": "TCYX"}, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "whole.ome.tif") as whole, tifffile.TiffWriter(tmp_path / "a.tif") as part:
        for number, page in enumerate(values[:4].reshape(8, 24, 32)):
            part.write(page, description=whole.ome_metadata if number == 0 else None, metadata=None)
    video = open_frames(tmp_path / "a.tif", reading=Reading(fps=10, channel=2))
    assert [frame[..., 0].tolist() for frame in video] == values[:4, 1].tolist()
    (remark,) = video.remarks()
    assert remark.startswith("is a part of a recording: its description tells of 2 frames more, which are in files of")
