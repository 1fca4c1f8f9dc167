"""One folder's labels: what the csv files say, and what of it survives whom."""

import functools
import itertools
import json
import shutil

import pytest
from PIL import Image

from dlc_common import UsersError
from dlc_toolbox.labeling.errors import StaleError
from dlc_toolbox.labeling.files import labelfiles, tablerows
from dlc_toolbox.labels.clicks import EMPTY, ClickTable
from dlc_toolbox.labels.labels import convert_labels, read_labels
from dlc_toolbox.project.settings import load_settings

HIDDEN = "not visible"
PARTS = ("nose", "paw", "tail")


def test_the_first_click_writes_the_files_of_all_parts(project, save):
    save(project.open(), "img2.png", nose=[10.1, 20.2])
    assert project.csv("nose").read_text() == EMPTY + "1,img2.png,10.1,20.2,3\n"
    assert project.csv("paw").read_text() == project.csv("tail").read_text() == EMPTY
    assert project.table()["day1/img2.png"] == [(10.1, 20.2), None, None]


def test_reading_changes_nothing(project):
    store = project.open()
    store.project()
    store.labels("day1", "img0.png")
    store.image("day1", "img0.png")
    assert sorted(path.name for path in project.folder.iterdir()) == [f"img{number}.png" for number in range(4)]


def test_what_the_page_sends_comes_back_bit_for_bit(project, save):
    x, y = 0.1 + 0.2, 59.49999999999999
    save(project.open(), "img1.png", paw=[x, y], nose=HIDDEN)
    state = project.open().labels("day1", "img1.png")
    assert state["points"] == {"nose": HIDDEN, "paw": (x, y), "tail": None}
    assert project.table()["day1/img1.png"] == [None, (x, y), None]


def test_an_image_that_was_left_out_while_a_part_was_not_named_stays_out_of_the_table(project, save):
    save(project.open(), "img0.png", nose=[5, 20], paw=[15, 23], tail=[25, 32])
    save(project.open(), "img1.png", nose=[6, 20])
    project.write_settings(bodyparts=["nose", "paw"])
    save(project.open(), "img0.png", left_out=True)
    project.write_settings(bodyparts=["nose", "paw", "tail"])
    assert project.table()["day1/img0.png"] == [None, None, None]
    assert project.open().labels("day1", "img0.png")["state"] == "left out"
    assert project.table()["day1/img0.png"] == [None, None, None]


@pytest.mark.parametrize(
    ("size", "told"), [((70, 50), "has 70 x 50 pixels, but had 80 x 60"), ((80, 60), "is another file")]
)
def test_labels_of_the_table_alone_are_not_taken_for_those_of_other_images(project, save, size, told):
    save(project.open(), "img1.png", nose=[10, 20], paw=[30, 40], tail=[50, 60])
    project.table()
    for path in (*map(project.csv, PARTS), project.folder / "labeling.json"):
        path.unlink()
    assert project.open().labels("day1", "img1.png")["state"] == "done"
    for image in project.folder.glob("img*.png"):
        Image.new("RGB", size).save(image)
    store = project.open()
    assert f"day1/img1.png {told}. If they show something else now, put them back" in store.project()["notices"][0]
    with pytest.raises(UsersError, match="--drop-missing"):
        save(store, "img2.png", nose=[1, 2])
    assert not project.csv("nose").exists()


def test_states_of_an_image(project, save):
    store = project.open()
    assert store.labels("day1", "img0.png")["state"] == "open"
    assert save(store, "img0.png", nose=[1, 2])["state"] == "begun"
    assert save(store, "img0.png", paw=[9, 2], tail=HIDDEN)["state"] == "done"
    assert save(store, "img0.png", left_out=True)["state"] == "left out"
    assert save(store, "img0.png", left_out=False)["state"] == "done"
    assert save(store, "img0.png", nose=None, paw=None, tail=None)["state"] == "open"


def test_fijis_columns_of_untouched_rows_are_kept(project, save):
    rows = " \tArea\tX\tY\tSlice\n1\t7\t10\t20\t1\n2\t8\t11\t21\t2\n"
    for part in PARTS:
        project.fiji_saves(part, rows)
    save(project.open(), "img1.png", nose=[12.5, 21])
    assert project.csv("nose").read_text() == " \tArea\tX\tY\tSlice\n1\t7\t10\t20\t1\n2\t\t12.5\t21.0\t2\n"
    assert project.csv("paw").read_text() == rows


def test_a_file_that_v1_renamed_is_read_and_written(project, save):
    project.fiji_saves("nose", " ,X,Y,Slice\n1,10,20,1\n")
    project.csv("nose").rename(project.folder / "nose.xls")
    store = project.open()
    assert store.labels("day1", "img0.png")["points"]["nose"] == (10, 20)
    save(store, "img1.png", nose=[3, 4])
    assert not project.csv("nose").exists()
    assert project.table()["day1/img1.png"][0] == (3, 4)


def test_a_click_in_the_corner_is_not_visible_unless_it_was_placed_here(make_project, save):
    project = make_project(invisibleboundary=5)
    for part in PARTS:
        project.fiji_saves(part, " ,X,Y,Slice\n1,2,3,1\n")
    store = project.open()
    assert store.labels("day1", "img0.png")["points"]["nose"] == HIDDEN
    state = save(store, "img1.png", nose=[2.5, 3])
    assert state["points"]["nose"] == (2.5, 3)
    assert [warning["part"] for warning in state["warnings"]] == ["nose"]
    save(store, "img0.png", paw=[30, 30])
    assert project.csv("nose").read_text().startswith(" ,X,Y,Slice\n1,2,3,1\n")  # Fiji's click stays
    assert project.open().labels("day1", "img0.png")["points"] == {"nose": HIDDEN, "paw": (30, 30), "tail": HIDDEN}


class TestLeftOut:
    def test_step_2_sees_no_label_and_the_image_stays(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20], paw=HIDDEN)
        save(store, "img1.png", nose=[11, 21])
        state = save(store, "img0.png", left_out=True)
        assert state["points"] == {"nose": (10, 20), "paw": HIDDEN, "tail": None}
        assert project.table()["day1/img0.png"] == [None, None, None]
        assert (project.folder / "img0.png").is_file()

    def test_taken_back_all_labels_are_there_again(self, project, save):
        save(project.open(), "img0.png", nose=[10.25, 20], paw=HIDDEN)
        save(project.open(), "img0.png", left_out=True)
        store = project.open()
        save(store, "img0.png", tail=[40, 40])  # also what is placed meanwhile
        assert project.csv("tail").read_text() == EMPTY
        save(store, "img0.png", left_out=False)
        assert project.open().labels("day1", "img0.png")["points"] == {
            "nose": (10.25, 20),
            "paw": HIDDEN,
            "tail": (40, 40),
        }
        assert project.table()["day1/img0.png"] == [(10.25, 20), None, (40, 40)]

    def test_labels_of_fiji_in_it_take_it_back_with_those_it_had(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        save(store, "img0.png", left_out=True)
        project.fiji_saves("paw", " ,X,Y,Slice\n1,30,30,1\n")
        state = store.labels("day1", "img0.png")
        assert state["state"] == "begun"
        assert state["points"] == {"nose": (10, 20), "paw": (30, 30), "tail": None}
        assert project.table()["day1/img0.png"] == [(10, 20), (30, 30), None]

    def test_taken_back_without_a_part_its_label_is_there_when_the_part_comes_back(self, project, save):
        save(project.open(), "img0.png", nose=[10, 20], tail=[30, 40])
        save(project.open(), "img1.png", tail=[31, 41])
        save(project.open(), "img0.png", left_out=True)
        project.write_settings(bodyparts=["nose", "paw"])
        save(project.open(), "img0.png", left_out=False)
        project.write_settings(bodyparts=["nose", "paw", "tail"])
        assert project.table()["day1/img0.png"] == [(10, 20), None, (30, 40)]
        assert project.open().labels("day1", "img0.png")["points"]["tail"] == (30, 40)
        assert project.csv("tail").read_text() == EMPTY + "2,img1.png,31.0,41.0,2\n3,img0.png,30.0,40.0,1\n"

    def test_taken_back_without_a_part_that_is_gone_makes_no_file(self, project, save):
        save(project.open(), "img0.png", nose=[10, 20], tail=[30, 40])
        save(project.open(), "img0.png", left_out=True)
        project.csv("tail").unlink()
        project.write_settings(bodyparts=["nose", "paw"])
        save(project.open(), "img0.png", left_out=False)
        assert not project.csv("tail").exists()

    def test_a_part_that_comes_back_with_its_file_takes_no_image_back(self, project, save, killed_at):
        project.fiji_saves("tail", " ,X,Y,Slice\n1,30,40,1\n")
        project.write_settings(bodyparts=["nose", "paw"])
        save(project.open(), "img0.png", nose=[10, 20], left_out=True)
        project.write_settings(bodyparts=["nose", "paw", "tail"])
        project.close()
        for number in range(4):  # the process may be killed over it
            killed_at(number, project.open)
        state = project.open().labels("day1", "img0.png")
        assert state["state"] == "left out"
        assert state["points"] == {"nose": (10, 20), "paw": None, "tail": (30, 40)}
        assert project.csv("tail").read_text() == " ,X,Y,Slice\n"
        save(project.open(), "img0.png", left_out=False)
        assert project.table()["day1/img0.png"] == [(10, 20), None, (30, 40)]

    def test_a_process_killed_before_the_clicks_went_is_finished_by_the_next(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        before = project.csv("nose").read_bytes()
        save(store, "img0.png", left_out=True)
        project.close()
        project.csv("nose").write_bytes(before)
        assert project.open().labels("day1", "img0.png")["state"] == "left out"
        assert project.csv("nose").read_text() == EMPTY


class TestAnotherProgram:
    """Fiji saves over what the page has written."""

    def test_labels_made_there_appear_and_are_told(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        told = []
        store.events.listen(lambda kind, data: told.append((kind, data.get("name"))))
        project.fiji_saves("nose", " ,X,Y,Slice\n1,10,20,1\n2,33,44,3\n")
        store.refresh()
        assert ("labels", "img2.png") in told
        assert ("labels", "img0.png") not in told
        assert store.labels("day1", "img2.png")["points"]["nose"] == (33, 44)

    def test_labels_placed_here_since_it_read_the_file_stay(self, project, save):
        project.fiji_saves("nose", "X,Y,Slice,Area\n10,20,1,5\n")
        store = project.open()
        save(store, "img1.png", nose=[12, 13])
        save(store, "img0.png", nose=[14, 15])
        project.fiji_saves("nose", "X,Y,Slice,Area\n10,20,1,5\n50,50,3,5\n")
        assert store.labels("day1", "img0.png")["points"]["nose"] == (14, 15)
        assert [row[0] for row in project.table().values()] == [(14, 15), (12, 13), (50, 50), None]
        assert "50,50,3,5\n" in project.csv("nose").read_text()

    def test_fewer_rows_lose_nothing_and_are_shown(self, project, save):
        project.fiji_saves("nose", " ,X,Y,Slice\n1,10,20,1\n2,30,40,2\n")
        store = project.open()
        save(store, "img2.png", nose=[5, 6])
        project.fiji_saves("nose", " ,X,Y,Slice\n1,11,20,1\n")
        state = store.labels("day1", "img1.png")
        assert state["points"]["nose"] == (30, 40)
        assert state["conflicts"] == {"nose": {"yours": (30, 40), "theirs": None}}
        assert store.labels("day1", "img2.png")["conflicts"] == {}
        assert [row[0] for row in project.table().values()] == [(11, 20), (30, 40), (5, 6), None]
        assert save(store, "img1.png", nose=None)["conflicts"] == {}
        assert project.table()["day1/img1.png"][0] is None

    def test_what_both_changed_is_theirs_and_a_conflict_until_it_is_set_again(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        project.fiji_saves("nose", " ,X,Y,Slice\n1,70,50,1\n")
        state = project.open_another().labels("day1", "img0.png")  # a second process only reads
        assert state["points"]["nose"] == (70, 50)
        state = store.labels("day1", "img0.png")
        assert state["points"]["nose"] == (70, 50)
        assert state["conflicts"] == {"nose": {"yours": (10, 20), "theirs": (70, 50)}}
        assert project.open().labels("day1", "img0.png")["conflicts"] == state["conflicts"]
        state = save(project.stores[0], "img0.png", nose=[10, 20])
        assert state["conflicts"] == {}
        assert project.table()["day1/img0.png"][0] == (10, 20)

    def test_both_bytes_are_in_the_history_before_a_merge(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        ours, theirs = project.csv("nose").read_bytes(), b" ,X,Y,Slice\n1,70,50,2\n"
        project.fiji_saves("nose", theirs.decode())
        store.refresh()
        kept = [path.read_bytes() for path in (project.folder / ".history").glob("*nose.csv")]
        assert ours in kept
        assert theirs in kept

    def test_a_file_that_cannot_be_read_stops_labeling_until_it_can(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        project.fiji_saves("nose", "Area,Mean\n1,2\n")
        with pytest.raises(UsersError, match=r"nose.csv has no column X and Y and Slice"):
            save(store, "img1.png", nose=[1, 2])
        assert project.csv("nose").read_text() == "Area,Mean\n1,2\n"
        assert store.labels("day1", "img0.png")["points"]["nose"] == (10, 20)
        project.fiji_saves("nose", " ,X,Y,Slice\n1,30,40,3\n")
        save(store, "img1.png", nose=[1, 2])
        assert [row[0] for row in project.table().values()] == [(10, 20), (1, 2), (30, 40), None]

    def test_a_file_that_is_finished_while_half_of_it_is_refused_is_read_again(self, project, save, monkeypatch):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        project.fiji_saves("nose", "")

        def finished_meanwhile(data, path):
            monkeypatch.undo()
            project.fiji_saves("nose", " ,X,Y,Slice\n1,30,40,3\n")
            return ClickTable(data, path)

        monkeypatch.setattr(labelfiles, "ClickTable", finished_meanwhile)
        store.refresh()
        save(store, "img1.png", nose=[1, 2])
        assert [row[0] for row in project.table().values()] == [(10, 20), (1, 2), (30, 40), None]

    def test_a_file_that_cannot_be_read_is_not_forgotten_over_another_one(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        project.fiji_saves("nose", "Area,Mean\n1,2\n")
        store.refresh()
        project.fiji_saves("paw", " ,X,Y,Slice\n1,30,40,3\n")
        with pytest.raises(UsersError, match=r"nose.csv has no column X and Y and Slice"):
            save(store, "img1.png", nose=[1, 2])
        assert project.csv("nose").read_text() == "Area,Mean\n1,2\n"
        project.csv("nose").unlink()
        save(store, "img1.png", nose=[1, 2])
        assert list(project.table().values())[:3] == [
            [(10, 20), None, None],
            [(1, 2), None, None],
            [None, (30, 40), None],
        ]

    @pytest.mark.parametrize("is_labeled_here", [False, True])
    def test_folders_that_were_exchanged_take_their_labels_along(self, project, save, is_labeled_here):
        other = project.folder.with_name("day2")
        shutil.copytree(project.folder, other)
        store = project.open()
        for folder, parts in ((project.folder, ("nose", "paw")), (other, ("nose",))):
            for part in parts:
                if is_labeled_here:
                    save(store, "img0.png", folder=folder.name, **{part: [len(parts), 20]})
                else:
                    (folder / f"{part}.csv").write_text(f"X,Y,Slice\n{len(parts)},20,1\n")
        store.refresh()
        beside = project.root / "beside"
        for source, target in ((project.folder, beside), (other, project.folder), (beside, other)):
            source.rename(target)
        with pytest.raises(StaleError):
            store.save("day1", "img0.png", {"version": "before", "points": {"tail": [30, 40]}})
        assert save(store, "img0.png", tail=[30, 40])["points"] == {"nose": (1, 20), "paw": None, "tail": (30, 40)}
        assert store.labels("day2", "img0.png")["points"] == {"nose": (2, 20), "paw": (2, 20), "tail": None}
        assert store.labels("day1", "img0.png")["conflicts"] == {}

    def test_a_folder_made_anew_has_no_labels(self, project, save):
        """Also where the system gives it the number of the folder that was there."""
        store = project.open()
        save(store, "img0.png", nose=[10, 20], paw=[1, 2])
        for path in (*project.folder.glob("*.csv"), project.folder / "labeling.json"):
            path.unlink()
        assert save(store, "img1.png", nose=[3, 4])["points"]["nose"] == (3, 4)
        assert [row[:2] for row in project.table().values()] == [[None, None], [(3, 4), None], [None] * 2, [None] * 2]

    def test_a_problem_is_told_once(self, project, save):
        project.fiji_saves("nose", " ,X,Y,Slice\n1,10,20,3\n")  # counts positions, without names
        save(project.open(), "img0.png", paw=[10, 20])
        project.close()
        (project.folder / "img1.png").rename(project.folder / "img9.png")
        store, told = project.open(), []
        store.events.listen(lambda kind, data: told.append(kind))
        assert "img2.png stands where img1.png stood" in store.project()["notices"][0]
        store.refresh()
        assert told == []

    def test_a_file_that_vanished_is_written_again_with_all_labels(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20], paw=[1, 2])
        project.csv("nose").unlink()
        save(store, "img1.png", paw=[3, 4])
        assert [row[0] for row in project.table().values()] == [(10, 20), None, None, None]

    def test_images_that_were_moved_in_between_stop_labeling(self, project, save):
        store = project.open()
        save(store, "img2.png", nose=[10, 20])
        (project.folder / "img1.png").rename(project.folder / "img9.png")
        with pytest.raises(UsersError, match=r"Label is 'img2.png', but slice 3 is img3.png"):
            save(store, "img2.png", nose=[1, 2])
        (project.folder / "img9.png").rename(project.folder / "img1.png")
        assert save(store, "img2.png", nose=[1, 2])["points"]["nose"] == (1, 2)

    @pytest.mark.parametrize(
        ("in_turn", "labels"), [(True, {"nose": [1, 2]}), (False, {"nose": [1, 2], "left_out": True})]
    )
    def test_images_whose_labels_wait_are_missed(self, make_project, save, in_turn, labels):
        project = make_project(multibodypartsfile=in_turn)
        save(project.open(), "img1.png", **labels)
        project.close()
        (project.folder / "img1.png").rename(project.folder / "img01.png")
        with pytest.raises(UsersError, match=r"day1 lacks images that were labeled: img1.png. Their labels wait"):
            save(project.open(), "img2.png", nose=[1, 2])
        project.close()
        (project.folder / "img01.png").rename(project.folder / "img1.png")
        assert project.open().labels("day1", "img1.png")["points"]["nose"] == (1, 2)

    def test_an_image_without_labels_that_was_left_out_may_go(self, project, save):
        save(project.open(), "img3.png", left_out=True)
        (project.folder / "img3.png").unlink()
        save(project.open(), "img2.png", nose=[1, 2])
        assert project.table()["day1/img2.png"][0] == (1, 2)

    def test_an_image_that_is_gone_for_good_is_given_up_alone(self, project, save):
        """As docs/troubleshooting.md says."""
        store = project.open()
        for number in range(4):
            save(store, f"img{number}.png", nose=[number, 20])
        project.close()
        (project.folder / "img1.png").unlink()
        with pytest.raises(UsersError, match=r"of an image that is gone for good, docs/troubleshooting.md says"):
            save(project.open(), "img2.png", nose=[1, 2])
        with pytest.raises(UsersError, match=r"of an image that is gone for good, docs/troubleshooting.md says"):
            project.table()
        project.close()
        (project.folder / "img1.png").write_bytes((project.folder / "img0.png").read_bytes())
        save(project.open(), "img1.png", left_out=True)
        noses = {image: labels[0] for image, labels in project.table().items()}
        assert noses == {
            "day1/img0.png": (0, 20),
            "day1/img1.png": None,
            "day1/img2.png": (2, 20),
            "day1/img3.png": (3, 20),
        }

    def test_images_that_were_added_are_noticed_without_names_in_the_file(self, project, save):
        for part in PARTS:
            project.fiji_saves(part, "X,Y,Slice\n1,2,2\n")
        save(project.open(), "img2.png", nose=[10, 20])
        project.close()
        (project.folder / "img00.png").write_bytes((project.folder / "img0.png").read_bytes())
        with pytest.raises(UsersError, match=r"images were added to .*img00.png stands where img1.png stood"):
            save(project.open(), "img2.png", nose=[1, 2])

    def test_a_picture_saved_beside_the_images_is_none_of_them(self, project, save, caplog):
        for part in PARTS:
            project.fiji_saves(part, "X,Y,Slice\n1,2,2\n")
        (project.folder / "img0_labelled.png").write_bytes((project.folder / "img0.png").read_bytes())
        store = project.open()
        assert store.labels("day1", "img1.png")["points"]["nose"] == (1, 2)
        assert save(store, "img2.png", nose=[10, 20])["points"]["nose"] == (10, 20)
        assert caplog.text.count("not counted among the images to label: img0_labelled.png") == 1


class TestHistory:
    def kept(self, project) -> list[tuple[str, bytes]]:
        paths = sorted((project.folder / ".history").glob("*.csv"))
        return [(path.name.split(" ", 1)[1], path.read_bytes()) for path in paths]

    def test_bytes_before_the_first_change_of_a_visit_are_kept_once(self, project, save):
        before = " ,X,Y,Slice\n1,10,20,1\n"
        project.fiji_saves("nose", before)
        store = project.open()
        save(store, "img0.png", nose=[1, 2])
        save(store, "img0.png", nose=[3, 4])
        assert self.kept(project) == [("before the visit nose.csv", before.encode())]
        second = project.csv("nose").read_bytes()
        save(project.open(), "img0.png", nose=[5, 6])
        assert second in [data for _, data in self.kept(project)]
        assert project.table()["day1/img0.png"][0] == (5, 6)


@pytest.mark.parametrize("in_turn", [False, True])
@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({"nose": [10, 20]}, {"nose": HIDDEN}),
        ({"nose": HIDDEN}, {"nose": [10, 20]}),
        ({"nose": [10, 20], "paw": HIDDEN, "tail": [30, 40]}, {"nose": HIDDEN, "paw": [50, 60], "tail": [31, 41]}),
        ({"nose": [10, 20], "paw": HIDDEN, "tail": [30, 40]}, {"nose": HIDDEN, "paw": [50, 60], "tail": None}),
        ({"nose": [10, 20], "paw": HIDDEN}, {"nose": HIDDEN, "paw": [50, 60], "left_out": True}),
        ({"nose": [10, 20], "paw": HIDDEN, "left_out": True}, {"nose": HIDDEN, "paw": [50, 60], "left_out": False}),
    ],
)
def test_whoever_is_killed_leaves_each_label_as_it_was_or_will_be(
    make_project, save, killed_at, monkeypatch, in_turn, before, change
):
    monkeypatch.setattr(labelfiles, "_SETTLED_S", 0)
    for number in itertools.count():
        project = make_project(images=2, multibodypartsfile=in_turn)
        store = project.open()
        old = save(store, "img0.png", **before)["points"]
        is_killed = killed_at(number, functools.partial(save, store, "img0.png", **change))
        state = project.open().labels("day1", "img0.png")
        new = old | {part: tuple(at) if isinstance(at, list) else at for part, at in change.items() if part in PARTS}
        assert all(value in (old[part], new[part]) for part, value in state["points"].items()), (number, state)
        if not is_killed:
            break
    assert state["points"] == new
    assert number > 0


class TestInTurn:
    """All parts are clicked in turn, in one file."""

    @pytest.fixture
    def project(self, make_project):
        return make_project(multibodypartsfile=True, multibodypartsfilename="All.csv", invisibleboundary=4)

    def test_a_begun_image_waits_in_labeling_json(self, project, save):
        store = project.open()
        save(store, "img1.png", nose=[10, 20], paw=[11, 21])
        assert project.csv("All").read_text() == EMPTY
        assert json.loads((project.folder / "labeling.json").read_text())["images"]["img1.png"]["begun"] is True
        state = project.open().labels("day1", "img1.png")
        assert state["points"] == {"nose": (10, 20), "paw": (11, 21), "tail": None}

    def test_a_finished_image_is_in_the_file_with_a_click_for_what_is_not_visible(self, project, save):
        save(project.open(), "img1.png", nose=[10, 20])
        save(project.open(), "img1.png", paw=HIDDEN, tail=[30.5, 40])
        rows = ["1,img1.png,10.0,20.0,2", "2,img1.png,0.0,0.0,2", "3,img1.png,30.5,40.0,2"]
        assert project.csv("All").read_text() == EMPTY + "\n".join(rows) + "\n"
        assert project.table()["day1/img1.png"] == [(10, 20), None, (30.5, 40)]
        assert project.open().labels("day1", "img1.png")["state"] == "done"

    def test_an_image_that_is_opened_again_leaves_the_file_and_loses_nothing(self, project, save):
        store = project.open()
        save(store, "img1.png", nose=[10, 20], paw=[11, 21], tail=[30, 40])
        save(store, "img1.png", paw=None)
        assert project.csv("All").read_text() == EMPTY
        assert project.open().labels("day1", "img1.png")["points"] == {"nose": (10, 20), "paw": None, "tail": (30, 40)}

    @pytest.mark.parametrize("boundary", [0, -1])
    def test_without_a_boundary_blank_cells_are_not_visible_and_the_page_says_what_to_set(
        self, make_project, save, boundary
    ):
        project = make_project(multibodypartsfile=True, multibodypartsfilename="All.csv", invisibleboundary=boundary)
        store = project.open()
        assert f"invisibleboundary = {boundary} leaves no click" in store.project()["notices"][0]
        assert "set invisibleboundary = 5" in store.project()["notices"][0]
        save(store, "img0.png", nose=[10, 20], paw=HIDDEN, tail=[30, 40])
        assert project.table()["day1/img0.png"] == [(10, 20), None, (30, 40)]
        assert project.open().labels("day1", "img0.png")["points"]["paw"] == HIDDEN
        save(project.stores[0], "img0.png", paw=[1, 2])
        assert project.table()["day1/img0.png"] == [(10, 20), (1, 2), (30, 40)]

    def test_blank_cells_of_one_part_are_no_label(self, make_project):
        project = make_project()
        project.fiji_saves("nose", "X,Y,Slice\n,,1\n10,20,2\n")
        store = project.open()
        assert [store.labels("day1", f"img{n}.png")["points"]["nose"] for n in (0, 1)] == [None, (10, 20)]

    @pytest.mark.parametrize("boundary", [0, -1])
    def test_what_is_not_visible_stays_so_when_the_boundary_goes(self, make_project, save, boundary):
        project = make_project(multibodypartsfile=True, multibodypartsfilename="All.csv", invisibleboundary=10)
        save(project.open(), "img0.png", nose=[10, 20], paw=HIDDEN, tail=[30, 40])
        project.write_settings(invisibleboundary=boundary)
        assert project.table()["day1/img0.png"] == [(10, 20), None, (30, 40)]
        store = project.open()
        assert store.labels("day1", "img0.png")["points"]["paw"] == HIDDEN
        save(store, "img0.png", tail=[31, 41])
        assert project.table()["day1/img0.png"] == [(10, 20), None, (31, 41)]

    @pytest.mark.parametrize(("boundary", "nose"), [(0, (-0.3, -0.3)), (-1, (-2, -2))])
    def test_a_label_above_and_left_of_the_image_is_one_for_page_and_table(self, make_project, save, boundary, nose):
        project = make_project(multibodypartsfile=True, multibodypartsfilename="All.csv", invisibleboundary=boundary)
        project.fiji_saves("All", f"X,Y,Slice\n{nose[0]},{nose[1]},1\n11,21,1\n30,40,1\n")
        store = project.open()
        assert store.labels("day1", "img0.png")["points"]["nose"] == nose
        save(store, "img0.png", tail=[31, 41])
        assert project.table()["day1/img0.png"] == [nose, (11, 21), (31, 41)]

    def test_fijis_clicks_are_read_and_merged(self, project, save):
        clicks = "X,Y,Slice\n10,20,1\n11,21,1\n2,1,1\n"
        project.fiji_saves("All", clicks)
        store = project.open()
        assert store.labels("day1", "img0.png")["points"] == {"nose": (10, 20), "paw": (11, 21), "tail": HIDDEN}
        save(store, "img1.png", nose=[1, 50], paw=[2, 50], tail=[3, 50])
        project.fiji_saves("All", clicks + "31,32,3\n33,34,3\n35,36,3\n")
        assert store.labels("day1", "img2.png")["state"] == "done"
        assert list(project.table().values()) == [
            [(10, 20), (11, 21), None],
            [(1, 50), (2, 50), (3, 50)],
            [(31, 32), (33, 34), (35, 36)],
            [None, None, None],
        ]

    def test_a_number_of_clicks_that_is_not_that_of_the_parts_is_said(self, project):
        project.fiji_saves("All", "X,Y,Slice\n10,20,1\n")
        notices = project.open().project()["notices"]
        assert any("slice 1 (img0.png) has 1 clicks, expected 3: nose, paw, tail" in notice for notice in notices)


class TestLabelTableWithoutFiles:
    @pytest.fixture
    def imported(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10.125, 20], paw=[11, 21])
        save(store, "img2.png", tail=[12, 22])
        project.table()
        project.close()
        for path in [*project.folder.glob("*.csv"), project.folder / "labeling.json"]:
            path.unlink()
        return project

    def test_all_its_rows_become_csv_files_with_the_first_click(self, imported, save):
        store = imported.open()
        assert store.labels("day1", "img0.png")["points"] == {"nose": (10.125, 20), "paw": (11, 21), "tail": None}
        assert not imported.csv("nose").exists()
        save(store, "img3.png", nose=[1, 2])
        assert list(imported.table().values()) == [
            [(10.125, 20), (11, 21), None],
            [None, None, None],
            [None, None, (12, 22)],
            [(1, 2), None, None],
        ]

    def test_its_labels_of_an_image_that_is_left_out_do_not_count(self, project, save):
        save(project.open(), "img0.png", nose=[10, 20])
        save(project.open(), "img1.png", nose=[11, 21])
        assert project.table()["day1/img1.png"] == [(11, 21), None, None]
        save(project.open(), "img1.png", left_out=True)
        for path in map(project.csv, PARTS):
            path.unlink()
        table = read_labels(project.layout, load_settings(project.root), "Ann")
        assert table.loc["day1/img0.png"].notna().any()
        assert table.loc["day1/img1.png"].isna().all()

    def test_a_table_that_was_made_while_the_page_was_open_is_read(self, project, save):
        store = project.open()
        save(store, "img0.png", nose=[10, 20])
        project.table()
        old = project.folder.rename(project.root / "old")
        project.folder.mkdir()
        for image in old.glob("*.png"):
            shutil.copy2(image, project.folder)
        store.refresh()
        save(store, "img3.png", nose=[1, 2])
        assert [nose for nose, *_ in project.table().values()] == [(10, 20), None, None, (1, 2)]

    @pytest.mark.parametrize("way_out", ["images put back", "table deleted", "record deleted"])
    def test_what_stopped_it_can_be_mended_while_the_page_is_open(self, imported, save, way_out):
        before = {path: path.read_bytes() for path in imported.folder.glob("*.png")}
        for path in before:
            Image.new("RGB", (80, 60)).save(path)
        store = imported.open()
        assert "alone has labels of images that have changed" in store.project()["notices"][0]
        table = imported.layout.label_table("toy", "Ann")
        if way_out == "images put back":
            for path, data in before.items():
                path.write_bytes(data)
        elif way_out == "table deleted":
            for ending in (".h5", ".csv", ".json"):
                table.with_suffix(ending).unlink()
        else:
            table.with_suffix(".json").unlink()
        store.refresh()
        save(store, "img3.png", nose=[1, 2])
        kept = None if way_out == "table deleted" else (10.125, 20)
        assert store.labels("day1", "img0.png")["points"]["nose"] == kept

    def test_images_are_looked_at_again_only_when_one_has_changed(self, imported, monkeypatch):
        Image.new("RGB", (80, 60)).save(imported.folder / "img0.png")
        store = imported.open()
        monkeypatch.setattr(tablerows, "refuse_other_images", lambda *_: pytest.fail("looked at"))
        store.refresh()

    def test_labels_of_images_that_are_gone_stop_it(self, imported, save):
        (imported.folder / "img2.png").unlink()
        with pytest.raises(UsersError, match=r"the label table has labels of images that are not there: img2.png; put"):
            save(imported.open(), "img3.png", nose=[1, 2])

    def test_labels_of_images_that_are_gone_can_be_given_up(self, imported, save):
        (imported.folder / "img2.png").unlink()
        store, settings = imported.open(), load_settings(imported.root)
        assert "Step2_ConvertingLabels2DataFrame.py --drop-missing" in store.project()["notices"][0]
        convert_labels(imported.layout, settings, "Ann", drop_missing=True)
        store.refresh()
        save(store, "img3.png", nose=[1, 2])
        assert [nose for nose, *_ in imported.table().values()] == [(10.125, 20), None, (1, 2)]

    def test_all_labels_can_be_given_up(self, imported, save):
        for image in ("img0.png", "img2.png"):
            (imported.folder / image).unlink()
        store, settings = imported.open(), load_settings(imported.root)
        table = imported.layout.label_table("toy", "Ann")
        told = f"{table}: no label is left .* delete it, CollectedData_Ann.csv and CollectedData_Ann.json"
        with pytest.raises(UsersError, match=told):
            convert_labels(imported.layout, settings, "Ann", drop_missing=True)
        for ending in (".h5", ".csv", ".json"):
            table.with_suffix(ending).unlink()
        store.refresh()
        save(store, "img3.png", nose=[1, 2])
        assert [nose for nose, *_ in imported.table().values()] == [None, (1, 2)]

    def test_labels_of_parts_that_are_not_named_stop_it(self, imported, save):
        imported.write_settings(bodyparts=["nose", "paw", "hip"])
        with pytest.raises(UsersError, match=r"has labels of tail in day1, which is none of bodyparts"):
            save(imported.open(), "img3.png", nose=[1, 2])


def test_images_of_several_patterns_are_all_counted_from_the_first_click_on(project, save):
    (project.folder / "img3.png").rename(project.folder / "day 2 no 1.png")
    (project.folder / "img2.png").rename(project.folder / "day 2 no 2.png")
    store = project.open()
    save(store, "img0.png", nose=[10, 20])
    save(store, "day 2 no 1.png", nose=[30, 40])
    assert project.open().labels("day1", "day 2 no 1.png")["points"]["nose"] == (30, 40)
    places = {row: of_row[0] for row, of_row in project.table().items() if of_row[0]}
    assert places == {"day1/day 2 no 1.png": (30, 40), "day1/img0.png": (10, 20)}


def test_a_damaged_labeling_json_is_said_and_not_overwritten(project, save):
    save(project.open(), "img0.png", nose=[1, 2])
    project.close()
    (project.folder / "labeling.json").write_text("{")
    with pytest.raises(UsersError, match=r"labeling.json is damaged .* move it away"):
        save(project.open(), "img0.png", nose=[3, 4])
    assert (project.folder / "labeling.json").read_text() == "{"
    (project.folder / "labeling.json").unlink()
    assert save(project.open(), "img0.png", nose=[3, 4])["points"]["nose"] == (3, 4)
