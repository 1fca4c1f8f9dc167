"""Tracks in the form of 'CVAT for video 1.1', of the 12 frames of the foreign mouse.mp4, 64 x 48 pixels."""

import numpy as np
import pytest

from dlc_common.images import read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.fetching import fetch

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><id>3</id><name>mice</name><mode>interpolation</mode><labels>
<label><name>mouse</name><type>skeleton</type></label>
<label><name>nose</name><parent>mouse</parent></label><label><name>tail</name><parent>mouse</parent></label>
</labels><original_size><width>64</width><height>48</height></original_size><source>mouse.mp4</source></task></meta>
"""


def point(x, y, *, label="", frame="", key=1, outside=0, occluded=0):
    """Return a point, of a skeleton (with a label) or of a track (with a frame)."""
    whose = f'label="{label}"' if label else f'frame="{frame}"'
    flags = f'keyframe="{key}" outside="{outside}" occluded="{occluded}"'
    return f'<points {whose} {flags} points="{x:.2f},{y:.2f}"></points>'


def skeletons(**frames):
    """Return a track of skeletons by frame: (x, y, flags) of nose and tail."""
    return "".join(
        f'<skeleton frame="{name.removeprefix("f")}" keyframe="1" z_order="0">'
        + "".join(point(*place[:2], label=part, **place[2]) for part, place in zip(("nose", "tail"), of, strict=True))
        + "</skeleton>"
        for name, of in frames.items()
    )


def track(content, label="mouse", **more):
    told = "".join(f' {name}="{value}"' for name, value in more.items())
    return f'<track id="0" label="{label}" source="manual"{told}>{content}</track>'


@pytest.fixture
def write(foreign):
    for path in foreign.iterdir():
        if path.name != "mouse.mp4":
            path.unlink()

    def write(*tracks, head=HEAD):
        (foreign / "annotations.xml").write_text(head + "".join(tracks) + "</annotations>")
        return foreign / "annotations.xml"

    return write


BETWEEN = {"key": 0}
MOUSE = track(
    skeletons(
        f0=[(0.5, 0.5, {}), (30.5, 20.25, {"occluded": 1})],
        f1=[(1.5, 1.5, BETWEEN), (31.5, 21.25, BETWEEN)],
        f5=[(5.5, 5.5, {}), (35.5, 25.25, {"outside": 1})],
        f7=[(7.5, 7.5, {}), (37.5, 27.25, BETWEEN)],
        f8=[(8.5, 8.5, {"outside": 1}), (38.5, 28.25, {"outside": 1})],
    )
)


def test_key_frames_are_labels_and_what_lies_between_is_none(write, read):
    found = fetch(read(write(MOUSE)))
    assert list(found.images) == ["mouse/img000000.png", "mouse/img000005.png"]
    assert [part for _, part, _ in found.table.columns[::2]] == ["nose", "tail"]
    np.testing.assert_array_equal(found.values, [[[0, 0], [30, 19.75]], [[5, 5], [np.nan, np.nan]]])
    assert read_image(found.images["mouse/img000005.png"])[0, 0].tolist() == [100, 0, 155], "20 times 5 red"
    assert found.remarks[:2] == (
        "1 labels are of parts that are occluded; they are taken over as labels",
        "1 frames lie between key frames, where CVAT interpolated: no labels",
    )
    assert [(what, why[:38]) for what, why in found.left_out] == [
        ("mouse, frame 7", "has parts that CVAT interpolated and n")
    ]


def test_single_parts_have_tracks_of_their_own(write, read):
    nose = track(point(1, 2, frame=3) + point(9, 9, frame=4, outside=1), label="nose")
    tail = track(point(5, 6, frame=3) + point(7, 8, frame=6), label="tail")
    values = read(write(nose, tail)).values
    np.testing.assert_array_equal(values, [[[0.5, 1.5], [4.5, 5.5]], [[np.nan, np.nan], [6.5, 7.5]]])


def test_what_datumaro_wrote(write, read):
    """The tracks as the exporter of Datumaro 1.13.12 writes them, with use_track=True; the video named."""
    rows = [(0, 0, 0, 1, "10.50,20.25"), (1, 0, 0, 0, "11.50,20.25"), (5, 0, 0, 1, "15.50,20.25")]
    form = '<points frame="{}" occluded="{}" outside="{}" keyframe="{}" points="{}" z_order="0">\n    </points>\n    '
    written = '<track id="0" label="nose">\n    ' + "".join(form.format(*row) for row in rows) + "</track>"
    found = read(write(written))
    np.testing.assert_array_equal(found.values[:, 0], [[10, 19.75], [15, 19.75]])


def test_two_animals_or_a_part_twice_leave_a_frame_out(write, read):
    """Two animals of which each shows another part are two all the same."""
    other = track(skeletons(f0=[(9, 9, {"outside": 1}), (8, 8, {})], f5=[(9, 9, {"outside": 1})] * 2))
    first = track(skeletons(f0=[(1, 1, {}), (2, 2, {"outside": 1})], f5=[(1, 1, {}), (2, 2, {})]))
    found = read(write(first, other))
    assert list(found.images) == ["mouse/img000005.png"]
    assert found.left_out == (("mouse, frame 0", "has several animals; here every image has one"),)
    noses = [track(point(1, 2, frame=frame), label="nose") for frame in (3, 3, 4)]
    found = read(write(*noses))
    assert list(found.images) == ["mouse/img000004.png"]
    assert found.left_out[0].what == "mouse, frame 3"


def test_pictures_that_cvat_wrote_beside_come_before_the_video(write, read, images):
    path = write(MOUSE)
    picture = images("images/frame_000005.PNG") / "images" / "frame_000005.PNG"
    (path.parent / "images").mkdir()
    picture.rename(path.parent / "images" / picture.name)
    found = read(path)
    assert "mouse/img000005.png" not in found.pending and "mouse/img000000.png" in found.pending
    assert read_image(found.images["mouse/img000005.png"])[0, 0].tolist() == [0, 9, 9]


def test_two_tasks_of_a_project(write, read, foreign):
    (foreign / "rat.mp4").write_bytes((foreign / "mouse.mp4").read_bytes())
    tasks = "".join(f"<task><id>{n}</id><source>{name}.mp4</source></task>" for n, name in ((3, "mouse"), (4, "rat")))
    head = f"<annotations><meta><project><tasks>{tasks}</tasks></project></meta>"
    tracks = [track(point(1, 2, frame=3), label="nose", task_id=task) for task in (3, 4, 5)]
    found = read(write(*tracks, head=head))
    assert list(found.images) == ["mouse/img000003.png", "rat/img000003.png"]
    assert found.left_out == (("frame 3", "is of a video that the file does not name"),)


def test_a_video_that_is_gone_or_a_point_that_is_none(write, read, foreign):
    several = '<points frame="4" keyframe="1" outside="0" occluded="0" points="1,2;3,4"></points>'
    found = read(write(track(point(1, 2, frame=3) + several, label="nose")))
    assert found.left_out == (("mouse, frame 4", "has no single point for 'nose'"),)
    (foreign / "mouse.mp4").unlink()
    with pytest.raises(ToolboxError, match=r"1 times one is of mouse\.mp4, which is not there"):
        read(write(track(point(1, 2, frame=3), label="nose")))


def test_tracks_of_images_name_no_video(write, read):
    with pytest.raises(ToolboxError, match=r"names no video that its frames are of: .*'CVAT for images 1\.1'"):
        read(write(MOUSE, head=HEAD.replace("<source>mouse.mp4</source>", "")))
