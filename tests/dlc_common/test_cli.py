import argparse
import io
import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from deepercut import DeepercutError
from dlc_common import UsersError, cli
from dlc_common.cli import CHECKOUT

pytestmark = pytest.mark.usefixtures("own_handlers")


def raising(error: BaseException):
    def main(_: object) -> None:
        raise error

    return main


def test_flags():
    args = cli.make_parser("What it does.").parse_args(["--project", "p", "--overwrite", "--verbose"])
    assert (args.project, args.overwrite, args.verbose) == (Path.cwd() / "p", True, True)
    assert cli.make_parser("").parse_args([]).project == CHECKOUT


def test_a_project_of_an_unknown_user_is_wrong_usage(capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit, match="2"):
        cli.make_parser("Do.").parse_args(["--project", "~no such user/mice"])
    assert "'~no such user/mice'" in capsys.readouterr().err


def test_a_project_that_is_a_file_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "myconfig.py").touch()
    with pytest.raises(SystemExit, match="2"):
        cli.make_parser("Do.").parse_args(["--project", str(tmp_path / "myconfig.py")])
    assert "myconfig.py is a file, not a folder" in capsys.readouterr().err


def test_done_is_0_and_a_code_of_its_own_stays():
    assert cli.run(lambda _: None, []) == 0
    assert cli.run(lambda _: 7, []) == 7


def test_a_users_error_is_one_line_and_1(capsys: pytest.CaptureFixture):
    assert cli.run(raising(UsersError("a.csv line 3: no X")), []) == 1
    assert capsys.readouterr().err == "Error: a.csv line 3: no X\n"


def test_verbose_adds_the_traceback(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    assert cli.run(raising(UsersError("bad")), ["--verbose"]) == 1
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["script", "--verbose"])
    assert cli.run(raising(UsersError("bad"))) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_error_of_the_trainer_counts_as_the_users(capsys: pytest.CaptureFixture):
    assert cli.run(raising(DeepercutError("bad")), []) == 1
    assert "Error: bad" in capsys.readouterr().err


def test_a_file_that_may_not_be_read_is_named(capsys: pytest.CaptureFixture):
    assert cli.run(raising(PermissionError(13, "Permission denied", "data/nose.csv")), []) == 1
    assert capsys.readouterr().err == (
        "Error: data/nose.csv: Permission denied. Is it open in another program, or does it belong to another user?\n"
    )


def test_a_console_of_few_characters_gets_the_others_escaped(monkeypatch: pytest.MonkeyPatch):
    def main(_: object) -> None:
        logging.getLogger().info("folder Mäuse/\N{CJK UNIFIED IDEOGRAPH-9F20}")

    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    assert cli.run(main, []) == 0
    console.flush()
    assert console.buffer.getvalue() == "folder Mäuse/\\u9f20\n".encode("cp1252")


TROUBLE = """
import logging
from dlc_common import UsersError, cli
def main(argv):
    logging.info("news")
    logging.warning("odd")
    raise UsersError("bad")
raise SystemExit(cli.run(main, []))
"""


@pytest.mark.parametrize("apart", [True, False])
def test_trouble_goes_to_stderr_and_a_log_kept_apart_is_complete(apart: bool):
    stderr = subprocess.PIPE if apart else subprocess.STDOUT
    done = subprocess.run(
        [sys.executable, "-c", TROUBLE], stdout=subprocess.PIPE, stderr=stderr, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "news\nWarning: odd\nError: bad\n")
    assert done.stderr == ("Warning: odd\nError: bad\n" if apart else None)


def test_interrupted_is_130(capsys: pytest.CaptureFixture):
    assert cli.run(raising(KeyboardInterrupt()), []) == 130
    assert "Warning: interrupted. What was finished is saved" in capsys.readouterr().err
    assert cli.run(raising(KeyboardInterrupt("No snapshot.")), []) == 130
    assert "Warning: interrupted. No snapshot.\n" in capsys.readouterr().err
    assert cli.run(raising(KeyboardInterrupt("No snapshot.")), [], interrupted="All is kept.") == 130
    assert "Warning: interrupted. All is kept.\n" in capsys.readouterr().err


def test_a_defect_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        cli.run(raising(ZeroDivisionError()), [])


@pytest.mark.parametrize("text", ["-3", "1.5", "x", "", "0", "2147483648"])
def test_whole_numbers(text: str):
    assert (cli.whole_number()("0"), cli.whole_number(1)("2147483647")) == (0, 2147483647)
    with pytest.raises(argparse.ArgumentTypeError, match=r"is no whole number from 1 to 2147483647"):
        cli.whole_number(1)(text)


@pytest.mark.parametrize("text", ["-1", "x", "", "nan", "inf", "1,5"])
def test_numbers(text: str):
    assert (cli.number("0"), cli.number("2.5"), cli.number("1e-1")) == (0, 2.5, 0.1)
    with pytest.raises(argparse.ArgumentTypeError, match="is no number of at least 0"):
        cli.number(text)


def test_commands_run_from_anywhere(tmp_path: Path):
    assert cli.command(CHECKOUT, "a/b.py").endswith(str(CHECKOUT / "a/b.py"))
    assert shlex.split(cli.command(tmp_path, "a/b.py"))[2:] == ["--project", str(tmp_path)]


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@pytest.mark.parametrize("name", ["my project", "mouse(1)", "Ann's", "a&b", "$HOME x", "`ls`", "Mäuse"])
def test_a_shell_takes_any_name(name: str):
    done = subprocess.run(cli.shell_line(["printf", "%s", name]), shell=True, capture_output=True, check=True)
    assert done.stdout.decode() == name


def test_windows_has_quotes_of_its_own(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr("os.name", "nt")
        line = cli.shell_line(["python3", r"C:\my mice"])
    assert line == r'python3 "C:\my mice"'


CODE = """
from absl import logging
from dlc_common import cli
cli.run(lambda _: logging.info("Function `serve` contains input name(s) resource"), [])
"""


def test_notes_of_libraries_are_not_shown():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_names_with_commas_between_them():
    read = cli.choices("csv", "nwb")
    assert (read("nwb"), read("csv, nwb,csv")) == (["nwb"], ["csv", "nwb"])
    for text in ("nvb", "csv,", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is none of csv, nwb"):
            read(text)
