from pathlib import Path

import pytest

from dlc_common.cli import CHECKOUT
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.metrics import AUTO
from dlc_toolbox.project.settings import load_analysis_settings, load_settings

NEEDED = "Task = 't'\ndate = 'd'\nbodyparts = ['nose', 'tail']\nScorers = ['Ann']\nscorer = 'Ann'\n"

V1_STYLE = '''"""Settings as version 1 had them."""
# crop
from pathlib import Path
import numpy as np
x1=0; x2=640; y1=277; y2=624
cropping=True
portion = 1
Task='reaching'
vidpath = '.'
filename = 'reachingvideo1.avi'
bodyparts=["hand",  # order matters
           "Finger1", "Joystick"]
Scorers = ['Mackenzie']
multibodypartsfile = False
multibodypartsfilename = "Results.csv"
invisibleboundary = 10
imagetype = '.png'
colormap = 'cool'
scale = 1
msize = 10
alphavalue = .6
date = 'Jan30'
scorer = 'Mackenzie'
Shuffles = range(5)
TrainingFraction = [.95]
resnet = 50
snapshotindex = "all"
shuffleindex = 0
pcutoff = .1
plotting = True
'''


@pytest.fixture
def load(tmp_path: Path):
    def from_text(text: str, encoding: str = "utf-8"):
        (tmp_path / "myconfig.py").write_text(text, encoding=encoding)
        return load_settings(tmp_path)

    return from_text


def test_a_v1_file_runs_unchanged(load):
    settings = load(V1_STYLE)
    assert settings.crop == (0, 640, 277, 624)
    assert settings.filename == ("reachingvideo1.avi",)
    assert settings.Shuffles == (0, 1, 2, 3, 4)
    assert settings.bodyparts == ("hand", "Finger1", "Joystick")
    assert (settings.numframes2pick, settings.seed) == (10, 42)
    assert (settings.framechoice, settings.secondsapart) == ("random", 1)


def test_the_files_of_the_checkout_are_sound_and_agree():
    settings, analysis = load_settings(CHECKOUT), load_analysis_settings(CHECKOUT)
    assert (settings.Task, settings.date, settings.scorer) == (analysis.Task, analysis.date, analysis.scorer)
    assert analysis.trainingsFraction in settings.TrainingFraction
    assert analysis.shuffle in settings.Shuffles


def test_a_byte_order_mark_is_harmless(load):
    assert load(NEEDED, encoding="utf-8-sig").Task == "t"


def test_the_encoding_that_a_file_declares_is_taken(load):
    assert load("# coding: cp1252\n" + NEEDED.replace("'d'", "'März'"), encoding="cp1252").date == "März"


@pytest.mark.parametrize(
    ("text", "encoding", "line"),
    [
        (NEEDED + "vidpath = 'Mäuse'\n", "cp1252", " line 6"),
        ("# für Mäuse\n" + NEEDED, "cp1252", " line 1"),
        (NEEDED, "utf-16", " line 1"),
        (NEEDED, "utf-16-le", " line 1"),
        ("# coding: klingon\n" + NEEDED, "utf-8", ""),
    ],
)
def test_another_encoding_is_named_with_its_line(load, text: str, encoding: str, line: str):
    with pytest.raises(ToolboxError, match=rf"myconfig\.py{line} is not in UTF-8: save it as UTF-8"):
        load(text, encoding=encoding)


def test_an_unknown_name_is_named_with_its_line_and_the_nearest_known_one(load):
    with pytest.raises(ToolboxError, match=r"line 6: bodypart is no setting; did you mean bodyparts\?"):
        load(NEEDED + "bodypart = ['x']\n")


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("TASK = 'reach'", "TASK is no setting; did you mean Task"),
        ("videopath = ['/videos']", "videopath is no setting; write vidpath"),
        ("selectionalgorithm = 'uniform'", "selectionalgorithm is no setting; write framechoice: .*'random'"),
        ("stop = 0.5", "stop is no setting; write portion"),
        ("checkcropping = True", "checkcropping is no setting; delete it"),
        ("videotype = '.avi'", "videotype is no setting; delete it"),
    ],
)
def test_names_of_later_files_of_v1_and_in_capitals_are_known(load, line, advice):
    with pytest.raises(ToolboxError, match=f"line 6: {advice}"):
        load(f"{NEEDED}{line}\n")


def test_every_problem_is_told_at_once(load):
    with pytest.raises(ToolboxError) as caught:
        load(NEEDED + "resnet = 34\nportion = 1.5\nplotting = 1\n")
    for part in ("resnet = 34", "one of 50, 101, 152", "portion = 1.5", "plotting = 1, but it must be True or False"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bodyparts = ['nose', 'nose']", "'nose' appears twice"),
        ("bodyparts = ['Na\u0308schen', 'N\u00e4schen']", "appears twice"),
        ("bodyparts = ['a/b']", "part of a file name"),
        ("framechoice = 'best'", "one of 'kmeans', 'random', 'even'"),
        ("secondsapart = -1", "a number of at least 0$"),
        ("bodyparts = []", "at least one entry"),
        ("Shuffles = 1", r"Shuffles = 1, but it must be a list, in brackets: \[1\]$"),
        ("Scorers = 'Ann'", r"it must be a list, in brackets: \['Ann'\]"),
        ("bodyparts = 'nose'", "a list"),
        ("scorer = 'Bob'", r"scorer = 'Bob' is not one of Scorers = \['Ann'\]"),
        ("cropping = True\nx1 = 9\nx2 = 9", "x1 = 9 must be less than x2 = 9"),
        ("x1 = -1", "whole number of at least 0"),
        ("x2 = 10.0", "whole number"),
        ("TrainingFraction = [1]", r"a number above 0 and below 1 \(entry 1 is 1\)$"),
        ("TrainingFraction = [0.5, 'x']", "entry 2 is 'x'"),
        ("seed = True", "whole number"),
        ("shuffleindex = 1", "Shuffles has positions 0 to 0"),
        ("colormap = 'cooll'", "'parts' or the name of a matplotlib colormap such as 'cool'"),
        ("colormap = 'part'", "'parts' or the name of a matplotlib colormap$"),
        ("snapshotindex = -2", "a position counted from 0, or 'best' or 'all'"),
        ("snapshotindex = 'worst'", "a position counted from 0, or 'best' or 'all'"),
        ("resnet = 50.0", "resnet = 50.0, but it must be one of 50, 101, 152"),
        ("resnet = [50]", "one of 50, 101, 152"),
        ("imagetype = 'p*g'", "file suffix"),
        ("pcutoff = 10", r"a number of at least 0 and at most 1 \(10 % is 0\.1\), or 'auto'"),
        ("Task = ''", "file name"),
        ("msize = 1e300", "a number above 0 and at most 1000$"),
        ("msize = 1e999", "msize = inf, but it must be a finite number"),
        (f"scale = 1{400 * '0'}", "it must be a finite number"),
    ],
)
def test_wrong_values_are_refused(load, line: str, message: str):
    with pytest.raises(ToolboxError, match=message):
        load(NEEDED + line)


def test_the_palette_is_a_colormap_and_a_file_without_one_means_what_it_did(load):
    assert load(NEEDED + "colormap = 'parts'\n").colormap == "parts"
    assert load(NEEDED.replace("colormap", "# colormap")).colormap == "cool"


@pytest.mark.parametrize("value", [None, 0.1, 1])
def test_slow_motion(tmp_path: Path, value):
    path = tmp_path / "myconfig_analysis.py"
    path.write_text(f"scorer = 'Ann'\nTask = 'toy'\ndate = 'Jan1'\nslowmotion = {value}\n")
    assert load_analysis_settings(tmp_path).slowmotion == value
    path.write_text("scorer = 'Ann'\nTask = 'toy'\ndate = 'Jan1'\n")
    assert load_analysis_settings(tmp_path).slowmotion is None


@pytest.mark.parametrize("value", ["0", "2", "-0.1", "True", "'slow'"])
def test_a_motion_that_is_not_slow_is_refused(tmp_path: Path, value):
    path = tmp_path / "myconfig_analysis.py"
    path.write_text(f"scorer = 'Ann'\nTask = 'toy'\ndate = 'Jan1'\nslowmotion = {value}\n")
    with pytest.raises(ToolboxError, match=r"slowmotion = .* must be None, or a speed above 0 and at most 1"):
        load_analysis_settings(tmp_path)


def test_a_crop_that_is_off_may_be_nonsense(load):
    assert load(NEEDED + "x1 = 9\nx2 = 3\n").crop is None


def test_a_missing_name_is_told(load):
    with pytest.raises(ToolboxError, match="bodyparts is not set"):
        load(NEEDED.replace("bodyparts", "# bodyparts"))


def test_nothing_in_the_file_is_run(load, tmp_path: Path):
    marker = tmp_path / "ran"
    with pytest.raises(ToolboxError, match=r"line 6: .* is no plain value"):
        load(NEEDED + f"vidpath = open({str(marker)!r}, 'w').name\n")
    with pytest.raises(ToolboxError, match="line 6: only assignments"):
        load(NEEDED + f"open({str(marker)!r}, 'w')\n")
    assert not marker.exists()


def test_a_missing_comma_between_texts_is_told(load):
    with pytest.raises(ToolboxError, match=r"myconfig\.py line 2: put a comma between 'nose' and \"paw\"$"):
        load("Task = 't'\nbodyparts = ['nose' \"paw\", 'tail']\n")
    with pytest.raises(ToolboxError, match=r"line 7: put a comma between 'nose' and 'tail'$"):
        load(NEEDED + "skeleton = [\n ['nose'\n  'tail']]\n")
    assert load(NEEDED + "filename = ('mouse '\n    '1.avi')\n").filename == ("mouse 1.avi",)


def test_a_name_that_stands_twice_in_braces_is_told(load):
    """Python takes the last, so that one of three cameras would be gone."""
    with pytest.raises(ToolboxError, match=r"line 6: 'A' stands twice in \{\.\.\.\}: give each its own name"):
        load(NEEDED + "cameras = {'A': '*1*', 'B': '*2*', 'A': '*3*'}\n")


def test_unreadable_files_are_named_with_the_line(load, tmp_path: Path):
    with pytest.raises(ToolboxError, match=r"myconfig\.py line 2 cannot be read as Python"):
        load("Task = 't'\ndate = \n")
    with pytest.raises(ToolboxError, match=r"myconfig_analysis\.py does not exist"):
        load_analysis_settings(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        r"vidpath = 'D:\new\test'",
        r"vidpath = '..\videos'",
        r"vidpath = 'C:\Users\x'",
        r"vidpath = 'D:\mice\'",
        r"filename = ['a.avi', '\toy.avi']",
    ],
)
def test_backslashes_that_start_an_escape_are_explained(load, line: str):
    with pytest.raises(ToolboxError, match=r"line 6.*in Python a backslash starts an escape: write / or r'\.\.\.'"):
        load(NEEDED + line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "filename = \u2018toy.avi\u2019",
            r"line 6 .*U\+2018.* Word .*plain text, with ' around texts$",
        ),
        ("filename =\u00a0'toy.avi'", r"line 6 .*U\+00A0; Word puts such"),
        ("numframes2pick = \u20135", r"line 6 .*U\+2013.*; Word puts"),
        ("\tfilename = 'toy.avi'", r"line 6 .*unexpected indent; .*begins at the left edge"),
    ],
)
def test_what_programs_for_letters_do_to_settings_is_explained(load, line: str, message: str):
    with pytest.raises(ToolboxError, match=message):
        load(NEEDED + line)


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("date = 27.11.2026", "27.11.2026"),
        ("date = 2026-01-05  # of the first video", "2026-01-05"),
        ("date = 27th of May", "27th of May"),
        ("date = Mäuse im Mai", "Mäuse im Mai"),
    ],
)
def test_a_text_without_quotes_is_told(load, line: str, quoted: str):
    with pytest.raises(ToolboxError, match=rf"line 6 .*; if {quoted} is a text, put it in quotes: date = '{quoted}'$"):
        load(NEEDED + line)


@pytest.mark.parametrize(
    "line", ["date =", "bodyparts = [nose tail]", "date = '5", "date = 3 = 4", "bodyparts = ['a'\nx1 = 5"]
)
def test_what_quotes_would_not_mend_is_told_without_them(load, line: str):
    with pytest.raises(ToolboxError, match=r"line 6 cannot be read as Python") as caught:
        load(NEEDED + line)
    assert "in quotes" not in str(caught.value)


def test_settings_saved_as_a_document_or_under_a_hidden_ending_are_named(load, tmp_path: Path):
    with pytest.raises(ToolboxError, match=r"myconfig\.py is a text with formats \(RTF\), .*: save it as plain text"):
        load(r"{\rtf1\ansi Task = 't'}")
    with pytest.raises(ToolboxError, match=r"myconfig\.py is full of zeros, .*, not a settings file: copy it again"):
        load("\0" * 50)
    (tmp_path / "myconfig_analysis.py.txt").touch()
    with pytest.raises(ToolboxError, match=r"does not exist: rename myconfig_analysis\.py\.txt to it$"):
        load_analysis_settings(tmp_path)
    with pytest.raises(
        ToolboxError, match=r"no folder .*mise; correct --project, or make the folder, then copy myconfig\.py from"
    ):
        load_settings(tmp_path / "mise")


def test_what_the_system_refuses_is_no_matter_of_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    with pytest.raises(ToolboxError, match=r"file/myconfig\.py cannot be opened: Not a directory$"):
        load_settings(tmp_path / "file")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("tokenize.open", refuse)
    with pytest.raises(ToolboxError, match=r"myconfig\.py cannot be opened: Permission denied$"):
        load_settings(tmp_path)


def test_setting_a_name_again_is_logged(load, caplog):
    assert load(NEEDED + "Task = 'later'\n").Task == "later"
    assert "line 6: Task is set again" in caplog.text


def test_small_conveniences(load, tmp_path: Path):
    assert load(NEEDED + "imagetype = 'png'\n").imagetype == ".png"
    text = "scorer = 'a'\nTask = 't'\ndate = 'd'\ntrainingsiterations = '500'\n"
    (tmp_path / "myconfig_analysis.py").write_text(text)
    assert load_analysis_settings(tmp_path).trainingsiterations == 500


def test_both_files_can_choose_the_best_snapshot(load, tmp_path: Path):
    assert load(NEEDED + "snapshotindex = 'best'").snapshotindex == "best"
    named = "scorer = 'Ann'\nTask = 't'\ndate = 'd'\n"
    (tmp_path / "myconfig_analysis.py").write_text(named + "snapshotindex = 'best'")
    assert load_analysis_settings(tmp_path).snapshotindex == "best"
    (tmp_path / "myconfig_analysis.py").write_text(named + "snapshotindex = 'all'")
    with pytest.raises(ToolboxError, match=r"snapshotindex = 'all', but it must be -1 .the last., .* or 'best'$"):
        load_analysis_settings(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fps = 0", "a number above 0$"),
        ("videostream = -1", "a whole number of at least 0"),
        ("channel = 0", "a whole number of at least 1"),
        ("skeleton = [['nose']]", "a list of pairs of different names"),
        ("skeleton = ['nose', 'tail']", "a list of pairs of different names"),
        ("skeleton = [['nose', 'nose']]", "a list of pairs of different names"),
        ("skeleton = [['nose', 1]]", "a list of pairs of different names"),
        ("skeleton = 'nose-tail'", "a list of pairs of different names"),
        ("windowlength = 4", "an odd whole number of at least 1"),
        ("windowlength = -3", "an odd whole number of at least 1"),
        ("windowlength = 5.0", "an odd whole number of at least 1"),
        ("trailpoints = -1", "a whole number of at least 0"),
        ("numoutlierframes = 0", "a whole number of at least 1"),
        ("jumpthreshold = '20'", "a finite number"),
        ("dotsize = 1e300", "a number above 0 and at most 200$"),
    ],
)
def test_settings_of_what_follows_the_analysis(tmp_path: Path, line, message):
    path = tmp_path / "myconfig_analysis.py"
    needed = "scorer = 'a'\nTask = 't'\ndate = 'd'\n"
    path.write_text(needed + "skeleton = [('nose', 'tail')]\n")
    assert load_analysis_settings(tmp_path).skeleton == (("nose", "tail"),)
    path.write_text(needed + line)
    with pytest.raises(ToolboxError, match=f"line 4: {line.split()[0]} = .*, but it must be {message}"):
        load_analysis_settings(tmp_path)


def test_views_name_the_parts_of_each_point(load):
    settings = load(NEEDED + "views = [['nose', 'tail']]\nwantederror = 2.5\n")
    assert (settings.views, settings.wantederror) == ((("nose", "tail"),), 2.5)
    assert (load(NEEDED).views, load(NEEDED).wantederror) == ((), 5)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("views = 'nose'", "a list of points seen in several views, such as"),
        ("views = ['nose', 'tail']", "a list of points seen in several views, such as"),
        ("views = [['nose', 3]]", "a list of points seen in several views, such as"),
        ("views = [['nose']]", "each names one body part a view, of two views or more"),
        ("views = [[]]", "each names one body part a view, of two views or more"),
        ("views = [['nose', 'tail'], ['a', 'b', 'c']]", "each names one body part a view, of two views or more"),
        ("views = [['nose', 'nose']]", "a list of points in which no body part is named twice"),
        ("views = [['nose', 'paw']]", "does not: write the names of your body parts, or `views = []`"),
        ("bodyparts = ['nose, paw']", "bodyparts is one name, 'nose, paw': put each body part in quotes of its own"),
        ("wantederror = 0", "a number above 0"),
    ],
)
def test_views_that_cannot_be(load, line, problem):
    with pytest.raises(ToolboxError) as error:
        load(f"{NEEDED}{line}\n")
    assert problem in str(error.value)


def test_auto_stands_for_what_the_evaluation_recommends(load):
    assert load(NEEDED + "pcutoff = 'auto'\n").pcutoff == AUTO
    with pytest.raises(ToolboxError, match=r"pcutoff = 'best', but it must be a finite number, or 'auto': what"):
        load(NEEDED + "pcutoff = 'best'\n")


def test_choices_of_a_recording_may_be_left_open(tmp_path):
    analysis = "scorer = 'A'\nTask = 't'\ndate = 'd'\n"
    path = tmp_path / "myconfig_analysis.py"
    path.write_text(analysis)
    settings = load_analysis_settings(tmp_path)
    assert (settings.fps, settings.videostream, settings.channel) == (None, None, None)
    path.write_text(analysis + "fps = 119.88\nvideostream = 1\nchannel = 2\n")
    settings = load_analysis_settings(tmp_path)
    assert (settings.fps, settings.videostream, settings.channel) == (119.88, 1, 2)
    path.write_text(analysis + "fps = None\nvideostream = None\nchannel = None\n")
    assert load_analysis_settings(tmp_path).fps is None


@pytest.mark.parametrize("value", [1, 0.5, "auto"])
def test_the_scale_of_the_analysis(tmp_path, value):
    path = tmp_path / "myconfig_analysis.py"
    path.write_text(f"Task = 't'\ndate = 'd'\nscorer = 'Ann'\nanalysisscale = {value!r}\n")
    assert load_analysis_settings(tmp_path).analysisscale == value


@pytest.mark.parametrize("value", [0, 1.1, "small", True])
def test_a_scale_is_above_0_and_at_most_1(tmp_path, value):
    path = tmp_path / "myconfig_analysis.py"
    path.write_text(f"Task = 't'\ndate = 'd'\nscorer = 'Ann'\nanalysisscale = {value!r}\n")
    with pytest.raises(ToolboxError, match=r"analysisscale = .*, but it must be a .*number.*, or 'auto': the smallest"):
        load_analysis_settings(tmp_path)
