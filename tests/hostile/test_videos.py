"""Videos with awkward names, and files that are no videos, through Step 1."""

import pytest

from dlc_toolbox.project.layout import Layout
from tests import zoo

STEP1 = "Generating_a_Training_Set/Step1_SelectRandomFrames_fromVideos.py"


def choose(project, name):
    settings = project / "myconfig.py"
    settings.write_text(settings.read_text().replace("'toy.avi'", repr(name)))
    return project / "videos" / name


@pytest.mark.parametrize("name", ["mouse 1.2 (left).avi", "Mäuse.v.1.avi", "[a]*b.avi", "-rf.avi", "%d.avi", "猫.avi"])
def test_any_name_is_a_name(toy_project, run_here, name):
    zoo.video(choose(toy_project, name), "mpeg4")
    code, output = run_here(STEP1, "--project", toy_project)
    assert code == 0, output
    folder = Layout(toy_project).data_folder("toy") / name.removesuffix(".avi")
    assert len(list(folder.glob("img??.png"))) == 5


@pytest.mark.parametrize(
    "content",
    [b"", bytes(5000), b"RIFF\xff\xff\xff\x7fAVI LIST", b"\0\0\0\x18ftypisom" + bytes(500), b"<html></html>"],
    ids=["empty", "zeros", "an avi header", "an mp4 header", "a web page"],
)
def test_what_is_no_video_is_named_and_nothing_is_written(toy_project, refused, content):
    path = choose(toy_project, "day 1.avi")
    path.write_bytes(content)
    assert str(path) in refused(toy_project, STEP1)


def test_a_video_that_is_cut_off_gives_the_frames_it_has(toy_project, run_here):
    path = zoo.video(choose(toy_project, "cut.avi"), "mpeg4", frames=200)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    code, output = run_here(STEP1, "--project", toy_project)
    assert code == 0, output
    picked = sorted((Layout(toy_project).data_folder("toy") / "cut").glob("img*.png"))
    assert len(picked) == 5
    assert max(int(image.stem[3:]) for image in picked) < 200
