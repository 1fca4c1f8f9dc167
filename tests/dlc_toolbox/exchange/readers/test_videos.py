"""The videos that labels are of become the videos of the settings."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dlc_toolbox.exchange.readers.found import FrameOf
from dlc_toolbox.exchange.readers.videos import with_videos

from .test_deeplabcut import project, write_config  # noqa: F401  a project of DeepLabCut with two videos


def of(home: Path) -> dict[str, dict[str, object]]:
    """Return the settings for mouse.mp4 in a folder."""
    folder = home.resolve().as_posix()
    return {
        "myconfig.py": {"vidpath": folder, "filename": ["mouse.mp4"]},
        "myconfig_analysis.py": {"videofolder": folder, "videotype": ".mp4"},
    }


def about_videos(found) -> dict[str, dict[str, object]]:
    names = ("vidpath", "filename", "videofolder", "videotype")
    return {file: {name: values[name] for name in names if name in values} for file, values in found.settings.items()}


@pytest.mark.parametrize("name", ["labels.slp", "opencv.pkg.slp", "labels.nwb"])
def test_videos_of_frames_are_named(foreign, read, name):
    """Of a package, too: its images are inside, and the video that they are of is beside it."""
    assert about_videos(read(foreign / name)) == of(foreign)


def test_a_video_that_is_gone_is_none(foreign, read):
    (foreign / "mouse.mp4").unlink()
    assert list(read(foreign / "opencv.pkg.slp").settings) == ["myconfig_analysis.py"]
    assert about_videos(read(foreign / "opencv.pkg.slp")) == {"myconfig_analysis.py": {}}


def test_videos_in_two_folders_are_listed_and_no_folder_is_chosen(project, read, tmp_path):  # noqa: F811
    (tmp_path / "other").mkdir()
    moved = shutil.move(project / "videos" / "day2.avi", tmp_path / "other" / "day2.avi")
    write_config(project, video_sets={str(moved): {}, "day1.avi": {}})
    found = read(project)
    assert about_videos(found) == {
        "myconfig.py": {"vidpath": ".", "filename": [str(moved), str(project / "videos" / "day1.avi")]},
        "myconfig_analysis.py": {},
    }
    (told,) = found.remarks
    assert told == (
        f"its videos are in 2 folders, {tmp_path / 'other'}, {project / 'videos'}; videofolder and videotype can name "
        "one, and are not set: name the videos in the command of AnalyzeVideos.py"
    )


def test_videos_of_two_types_are_listed_and_no_type_is_chosen(project, read):  # noqa: F811
    (project / "videos" / "day2.avi").rename(project / "videos" / "day2.MP4")
    write_config(project, video_sets={"day1.avi": {}, "day2.MP4": {}})
    found = read(project)
    assert about_videos(found) == {
        "myconfig.py": {"vidpath": str(project / "videos"), "filename": ["day1.avi", "day2.MP4"]},
        "myconfig_analysis.py": {},
    }
    assert found.remarks[0].startswith("its videos are files of .avi and .mp4; videofolder and videotype can name one")


def test_poses_of_a_network_set_nothing(foreign, read):
    found = read(foreign / "labels.slp")
    frames = {row: FrameOf(foreign / "mouse.mp4", 0) for row in found.images}
    poses = replace(found, frames=frames, likelihoods=found.values[..., 0], settings={}, videos=())
    assert with_videos(poses).settings == {}
