"""What the page is told and what it may change; several scorers, tabs and processes."""

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlc_common import UsersError
from dlc_toolbox.labeling.errors import RefusedError, StaleError, UnknownError, WrongInputError
from dlc_toolbox.labels.clicks import EMPTY
from dlc_toolbox.labels.machine import write_machine_labels

HIDDEN = "not visible"
IMAGES = [f"img{number}.png" for number in range(4)]


@pytest.fixture
def machine(project):
    """Machine labels of two images; the tail has none, and nobody knows how likely the second nose is."""
    points = np.full((4, 3, 2), np.nan)
    points[0] = [[10.5, 20.25], [30, 40], [np.nan, np.nan]]
    points[2, 0] = [11, 21]
    likelihoods = np.full((4, 3), np.nan)
    likelihoods[0] = [0.95, 0.4, 0.1]
    write_machine_labels(project.folder, IMAGES, ("nose", "paw", "tail"), points, likelihoods, "network-7")
    return project


def test_the_project(project, save):
    (project.root / "myconfig_analysis.py").write_text(
        "Task='toy'\ndate='Jan1'\nscorer='Ann'\nskeleton=[['nose','paw'],['paw','hip']]\n"
    )
    store = project.open()
    save(store, "img1.png", nose=[1, 2], paw=HIDDEN)
    found = store.project()
    assert (found["task"], found["scorer"], found["scorers"]) == ("toy", "Ann", ["Ann"])
    assert (found["writable"], found["why"], found["notices"], found["questions"]) == (True, None, [], [])
    assert found["skeleton"] == [["nose", "paw"]]
    assert found["bodyparts"][0] == {"name": "nose", "color": "#e69f00", "marker": "circle", "partner": None}
    (folder,) = found["folders"]
    assert [image["name"] for image in folder["images"]] == IMAGES
    expected = {"name": "img1.png", "state": "begun", "placed": 1, "hidden": 1, "machine": 0, "rank": None}
    assert folder["images"][1] == expected | {"conflicts": [], "doubtful": False}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_clicks_without_images_are_a_problem_of_their_folder_alone(make_project):
    project = make_project(imagetype=".jpg")
    project.fiji_saves("nose", " ,X,Y,Slice\n1,5,6,1\n")
    (folder,) = project.open().project()["folders"]
    assert folder["images"] == []
    assert folder["problem"].endswith("holds clicks, but its images are not there: bring them back, or check imagetype")


def test_a_chosen_colormap_overrules_the_palette(make_project):
    colors = [part["color"] for part in make_project(colormap="gray").open().project()["bodyparts"]]
    assert colors == ["#000000", "#555555", "#aaaaaa"]


def test_state_of_an_image(project, save):
    store = project.open()
    save(store, "img0.png", nose=[1, 2])
    state = save(store, "img2.png", nose=[90, 20], paw=[5, 5], tail=[5.5, 5])
    assert (state["image"]["width"], state["image"]["height"]) == (80, 60)
    assert state["previous"] == {"nose": (1, 2)}
    assert [(warning["part"], warning["text"]) for warning in state["warnings"]] == [
        ("nose", "nose lies outside the image"),
        ("tail", "tail lies on the same place as paw"),
    ]
    assert state["saved_at"].endswith("Z")


class TestVersions:
    def test_a_stale_version_is_refused_with_the_present_state(self, project, save):
        store = project.open()
        version = store.labels("day1", "img0.png")["version"]
        save(store, "img0.png", nose=[1, 2])
        with pytest.raises(StaleError) as stale:
            store.save("day1", "img0.png", {"version": version, "points": {"nose": [3, 4]}})
        assert stale.value.state["points"]["nose"] == (1, 2)
        assert project.table()["day1/img0.png"][0] == (1, 2)

    def test_versions_are_of_one_image_and_survive_the_process(self, project, save):
        store = project.open()
        version = save(store, "img0.png", nose=[1, 2])["version"]
        save(store, "img1.png", nose=[1, 3])
        assert store.labels("day1", "img0.png")["version"] == version
        assert project.open().labels("day1", "img0.png")["version"] == version

    def test_a_change_by_fiji_makes_it_stale(self, project, save):
        store = project.open()
        version = save(store, "img0.png", nose=[1, 2])["version"]
        project.fiji_saves("nose", "X,Y,Slice\n7,8,1\n")
        with pytest.raises(StaleError):
            store.save("day1", "img0.png", {"version": version, "points": {"paw": [3, 4]}})


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ({"hip": [1, 2]}, "hip is none of bodyparts in myconfig.py"),
        ({"nose": [1]}, r"nose must be \[x, y\] in pixels"),
        ({"nose": [1, float("nan")]}, r"nose must be"),
        ({"nose": [1, 1e7]}, r"nose must be"),
        ({"nose": [1, True]}, r"nose must be"),
        ({"nose": [1, "2"]}, r"nose must be"),
        ({"nose": "hidden"}, r"nose must be"),
        ([], "points must name body parts"),
    ],
)
def test_what_makes_no_sense_is_refused(project, points, message):
    store = project.open()
    version = store.labels("day1", "img0.png")["version"]
    with pytest.raises(WrongInputError, match=message):
        store.save("day1", "img0.png", {"version": version, "points": points})
    assert not list(project.folder.glob("*.csv"))


@pytest.mark.parametrize(
    ("folder", "name"), [("day2", "img0.png"), ("day1", "img9.png"), ("..", "x"), ("day1", "../a")]
)
def test_unknown_names(project, folder, name):
    store = project.open()
    for ask in (store.labels, store.image, lambda *names: store.save(*names, {"version": "", "points": {}})):
        with pytest.raises(UnknownError, match=r"no folder|no image"):
            ask(folder, name)


class TestMachineLabels:
    def test_are_shown_and_are_no_labels(self, machine):
        store = machine.open()
        state = store.labels("day1", "img0.png")
        assert state["machine"] == {"nose": (10.5, 20.25, 0.95), "paw": (30, 40, 0.4)}
        assert store.labels("day1", "img2.png")["machine"] == {"nose": (11, 21, None)}
        assert state["points"] == dict.fromkeys(["nose", "paw", "tail"])
        images = store.project()["folders"][0]["images"]
        assert [image["machine"] for image in images] == [2, 0, 1, 0]
        assert images[0]["rank"] == pytest.approx(1 - (0.95 + 0.4 + 0.1) / 3)

    def test_accepted_they_are_labels_and_known_as_the_networks(self, machine, save):
        store = machine.open()
        save(store, "img0.png", paw=HIDDEN)
        answer = store.accept("day1", None, None, None)
        assert answer["accepted"] == 2
        assert [(change["name"], change["parts"]) for change in answer["changes"]] == [
            ("img0.png", ["nose"]),
            ("img2.png", ["nose"]),
        ]
        state = store.labels("day1", "img0.png")
        assert answer["changes"][0]["version"] == state["version"]
        assert (state["accepted"], state["points"]["paw"]) == (["nose"], HIDDEN)
        assert machine.table()["day1/img0.png"] == [(10.5, 20.25), None, None]
        notes = json.loads((machine.folder / "labeling.json").read_text())
        assert notes["images"]["img0.png"]["parts"]["nose"]["network"] == "network-7"

    def test_accepted_from_a_likelihood_on(self, machine):
        store = machine.open()
        assert store.accept("day1", None, None, 0.9)["accepted"] == 1  # an unknown one is not likely
        assert store.labels("day1", "img0.png")["points"]["nose"] == (10.5, 20.25)
        assert store.accept("day1", "img0.png", ["nose", "tail"], None)["accepted"] == 0

    def test_not_in_images_left_out(self, machine, save):
        store = machine.open()
        save(store, "img0.png", left_out=True)
        assert store.accept("day1", "img0.png", None, None) == {"accepted": 0, "changes": []}

    def test_one_that_was_moved_is_not_accepted_any_more(self, machine, save):
        store = machine.open()
        assert save(store, "img0.png", accepted=["nose"], nose=[10.5, 20.25])["accepted"] == ["nose"]
        assert save(store, "img0.png", accepted=["nose"], nose=[10.75, 20.25])["accepted"] == []

    def test_one_that_was_moved_in_fiji_is_not_either(self, machine):
        store = machine.open()
        store.accept("day1", "img0.png", ["nose"], None)
        machine.fiji_saves("nose", "X,Y,Slice\n10,20,1\n")
        assert store.labels("day1", "img0.png")["accepted"] == []

    def test_new_ones_are_told(self, project):
        store = project.open()
        told = []
        store.events.listen(lambda kind, data: told.append((kind, data.get("name"))))
        write_machine_labels(project.folder, IMAGES, ["nose"], np.ones((4, 1, 2)), np.ones((4, 1)), "n")
        store.refresh()
        assert ("labels", "img3.png") in told
        assert ("project", None) in told
        assert store.labels("day1", "img3.png")["machine"] == {"nose": (1, 1, 1)}

    def test_damaged_ones_are_said(self, machine):
        (machine.folder / "machine-labels" / "nose.csv").write_text("nothing\n")
        (notice,) = machine.open().project()["notices"]
        assert "nose.csv has no column X and Y and Slice" in notice


class TestTwoScorers:
    @pytest.fixture
    def project(self, make_project):
        return make_project(Scorers=["Ann", "Bob"])

    def test_each_has_files_of_their_own_and_sees_the_others(self, project, save):
        ann, bob = project.open(), project.open_another("Bob")
        save(ann, "img0.png", nose=[1, 2])
        save(bob, "img0.png", nose=[3, 4])
        assert project.csv("nose", "Ann").read_text() == EMPTY + "1,img0.png,1.0,2.0,1\n"
        assert ann.labels("day1", "img0.png")["others"] == {"Bob": {"nose": (3, 4)}}
        assert bob.labels("day1", "img0.png")["others"] == {"Ann": {"nose": (1, 2)}}
        assert project.table("Bob")["day1/img0.png"][0] == (3, 4)

    def test_the_same_scorer_twice_only_reads_until_the_first_ends(self, project, save):
        first, second = project.open(), project.open_another()
        assert second.project()["writable"] is False
        assert "another LabelFrames.py writes the labels of Ann" in second.project()["why"]
        save(first, "img0.png", nose=[1, 2])
        assert second.labels("day1", "img0.png")["points"]["nose"] == (1, 2)
        with pytest.raises(RefusedError, match=r"another LabelFrames.py"):
            save(second, "img0.png", nose=[3, 4])
        project.stores.remove(first)
        first.close()
        second.refresh()
        assert save(second, "img0.png", nose=[3, 4])["points"]["nose"] == (3, 4)

    def test_somebody_unknown_is_refused(self, project):
        with pytest.raises(UsersError, match=r"Cid is none of Scorers in .*myconfig.py: Ann, Bob"):
            project.open("Cid")


class TestTrouble:
    def test_a_folder_that_cannot_be_written_to_is_said_and_shown(self, project, save, monkeypatch):
        save(project.open(), "img0.png", nose=[1, 2])
        project.close()

        opened = Path.open

        def refuse_locks(path: Path, *args, **options):
            if path.suffix == ".lock":
                raise PermissionError(13, "Permission denied")
            return opened(path, *args, **options)

        monkeypatch.setattr(Path, "open", refuse_locks)
        store = project.open()
        assert "cannot be written to (Permission denied)" in store.project()["why"]
        assert store.labels("day1", "img0.png")["points"]["nose"] == (1, 2)
        with pytest.raises(RefusedError, match="none can be saved"):
            save(store, "img0.png", nose=[3, 4])

    def test_a_full_disk_loses_nothing(self, project, save, monkeypatch):
        store = project.open()
        save(store, "img0.png", nose=[1, 2], paw=[5, 6])
        before = {path: path.read_bytes() for path in project.folder.iterdir() if path.is_file()}

        def refuse(*_):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as context:
            context.setattr("dlc_common.files.os.fsync", refuse)
            with pytest.raises(UsersError, match="No space left on device"):
                save(store, "img0.png", nose=[3, 4])
        assert {path: path.read_bytes() for path in project.folder.iterdir() if path.is_file()} == before
        assert store.labels("day1", "img0.png")["points"]["nose"] == (1, 2)
        assert save(store, "img0.png", nose=[3, 4])["points"]["nose"] == (3, 4)

    def test_a_drive_without_locks_is_said(self, project, monkeypatch):
        monkeypatch.setattr("dlc_toolbox.labeling.files.writer.lock", lambda _: None)
        store = project.open()
        assert store.project()["writable"] is True
        assert any("on a drive without locks" in notice for notice in store.project()["notices"])

    def test_settings_that_cannot_be_read_are_said_and_the_old_ones_kept(self, project, save):
        store = project.open()
        project.write_settings(bodyparts=[])
        store.refresh()
        assert "the settings before the last change are still used" in store.project()["notices"][0]
        save(store, "img0.png", nose=[1, 2])
        project.write_settings(bodyparts=["nose", "paw", "tail", "hip"])
        store.refresh()
        assert list(store.labels("day1", "img0.png")["points"]) == ["nose", "paw", "tail", "hip"]
        assert store.project()["notices"] == ["hip is new in bodyparts: images of day1 that were done are open there"]

    def test_no_frames_yet(self, make_project):
        project = make_project(images=0)
        project.folder.rmdir()
        project.folder.parent.rmdir()
        with pytest.raises(UsersError, match="pick frames first, with Step 1"):
            project.open()

    def test_an_exchanged_image_that_was_looked_at_is_told_once(self, make_project):
        """The page asks for others ahead, which must not make the one on the screen forgotten."""
        project, told = make_project(images=9), []
        store = project.open()
        before = [store.labels("day1", f"img{number}.png")["image"]["hash"] for number in (2, 3, 4, 1)]
        store.events.listen(lambda kind, data: told.append((kind, data["name"])))
        store.refresh()
        for number in (2, 8):  # the one looked at, and one that is far from it
            (project.folder / f"img{number}.png").write_bytes((project.folder / "img0.png").read_bytes() + b"more")
        (project.folder / "img3.png").write_bytes(b"half")
        os.utime(project.folder / "img1.png", (1, 1))
        store.refresh()
        store.refresh()
        assert told == [("labels", "img2.png")]
        assert store.labels("day1", "img2.png")["image"]["hash"] != before[0]

    def test_a_damaged_image_does_not_stop_the_others(self, project, save):
        (project.folder / "img1.png").write_bytes(b"no image")
        store = project.open()
        with pytest.raises(UsersError, match=r"img1.png is damaged or no image"):
            store.image("day1", "img1.png")
        save(store, "img2.png", nose=[1, 2])


def test_many_threads_at_once_lose_nothing(project):
    store = project.open()
    places = {}

    def label(image: str, part: str) -> None:
        for attempt in range(10):
            version = store.labels("day1", image)["version"]
            try:
                store.save("day1", image, {"version": version, "points": {part: [attempt + 0.5, hash(part) % 50]}})
                places[image, part] = (attempt + 0.5, hash(part) % 50)
            except StaleError:
                continue

    threads = [threading.Thread(target=label, args=[image, part]) for image in IMAGES for part in ("nose", "paw")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(places) == 8
    for (image, part), place in places.items():
        assert project.table()[f"day1/{image}"][["nose", "paw"].index(part)] == place


def test_a_thousand_images_of_17_parts_are_listed(make_project):
    parts = [f"part{number}" for number in range(17)]
    project = make_project(images=1, bodyparts=parts)
    content = (project.folder / "img0.png").read_bytes()
    for number in range(1, 1000):
        (project.folder / f"img{number}.png").write_bytes(content)
    rows = "".join(f"{place},0,{place % 80}.25,7.5,{place}\n" for place in range(1, 1001))
    for part in parts:
        project.csv(part).write_text(" ,Area,X,Y,Slice\n" + rows)
    store = project.open()
    found = store.project()
    assert [image["placed"] for image in found["folders"][0]["images"]] == [17] * 1000


values = st.one_of(
    st.none(), st.just(HIDDEN), st.tuples(st.floats(4.5, 79), st.floats(4.5, 59)).map(list), st.just([4.5, 4.5])
)
steps = st.one_of(
    st.tuples(
        st.just("set"), st.sampled_from(IMAGES), st.dictionaries(st.sampled_from(["nose", "paw", "tail"]), values)
    ),
    st.tuples(st.just("leave out"), st.sampled_from(IMAGES), st.booleans()),
    st.tuples(st.just("restart"), st.just(""), st.none()),
)


@pytest.mark.parametrize("together", [False, True])
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_is_done_step_2_reads_what_the_page_shows(make_project, save, together, data):
    project = make_project(multibodypartsfile=together, invisibleboundary=4)
    store, expected, out = project.open(), {image: dict.fromkeys(("nose", "paw", "tail")) for image in IMAGES}, set()
    for kind, image, what in data.draw(st.lists(steps, max_size=12)):
        if kind == "set":
            save(store, image, **what)
            expected[image] |= {
                part: tuple(value) if isinstance(value, list) else value for part, value in what.items()
            }
        elif kind == "leave out":
            save(store, image, left_out=what)
            out = out | {image} if what else out - {image}
        else:
            store = project.open()
    shown = {image: store.labels("day1", image) for image in IMAGES}
    assert {image: state["points"] for image, state in shown.items()} == expected
    assert {image for image, state in shown.items() if state["state"] == "left out"} == out
    done = {image for image in IMAGES if image not in out and not (together and None in expected[image].values())}
    visible = {
        image: [value if isinstance(value, tuple) and image in done else None for value in expected[image].values()]
        for image in IMAGES
    }
    if any(value for row in visible.values() for value in row):
        assert {row.removeprefix("day1/"): found for row, found in project.table().items()} == visible
    project.close()
