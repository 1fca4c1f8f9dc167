"""Settings that would hang, crash or lead astray, beyond those of test_settings.py."""

import pytest

STEP1 = "Generating_a_Training_Set/Step1_SelectRandomFrames_fromVideos.py"
STEP2 = "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Shuffles = range(10000000000000)", "Shuffles"),
        ("Shuffles = range(10" + "0" * 40 + ")", "Shuffles"),
        ("colormap = ['cool']", "colormap"),
        ("colormap = {}", "colormap"),
        ("vidpath = 'a\\0b'", "vidpath"),
        ("vidpath = '~nobody-of-this-name/videos'", "vidpath"),
        ("filename = 'toy\\n.avi'", "filename"),
        ("filename = '\\ud800.avi'", "filename"),
        ("Task = '\\ud800'", "Task"),
        ("Task = '../../elsewhere'", "Task"),
        ("Task = '..'", "Task"),
        ("date = 'C:x'", "date"),
        ("scorer = '/Ann'", "scorer"),
        ("bodyparts = ['../nose']", "bodyparts"),
        ("multibodypartsfilename = '../Results.csv'", "multibodypartsfilename"),
        ("bodyparts = ['nose', ['paw']]", "bodyparts"),
        ("portion = 1e999", "portion"),
        ("imagetype = '.p/ng'", "imagetype"),
        ("import os; os.remove('myconfig.py')", "os.remove"),
        ("Task = __import__('os').getcwd()", "Task"),
        ("Task = (" + "(" * 3000, "myconfig.py"),
        ("\0", "myconfig.py"),
    ],
)
@pytest.mark.parametrize("step", [STEP1, STEP2])
def test_it_is_one_line_that_names_the_setting(toy_project, refused, step, line, told):
    settings = toy_project / "myconfig.py"
    settings.write_text(f"{settings.read_text()}\n{line}\n")
    message = refused(toy_project, step)
    assert "myconfig.py" in message
    assert told in message


def test_bytes_that_are_no_text(toy_project, refused):
    for content in (b"\xff\xfe\0", b"# coding: klingon\n", bytes(100)):
        (toy_project / "myconfig.py").write_bytes(content)
        assert "myconfig.py" in refused(toy_project, STEP2)
