"""Checks of README and manual: each takes a text and returns, as sentences, what in it is not there."""

import argparse
import ast
import fnmatch
import re
import runpy
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from posixpath import join, normpath

import pytest

from deepercut.config import PoseConfig

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("source", "mkdir", "cp", "export", "uv", "tensorboard", "jupyter", "pre-commit", "venv")
"""Programs of others, in commands that are not looked into."""
FLAGS_OF_OTHERS = {"--install", "--logdir"}
PLACEHOLDER = re.compile(r"[<>…*{~]")

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".gitignore").read_text(encoding="utf-8").split("\n")

# ---- Taking a page apart ----


def blocks(text: str, *languages: str) -> list[str]:
    """The contents of the fenced blocks in one of these languages."""
    return [body for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S) if language in languages]


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def spans(text: str) -> list[str]:
    """The code within lines, in backticks."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to the headings; the second of one name ends with -1."""
    names: dict[str, int] = {}
    for heading in re.findall(r"^#+ +(.+?)\s*$", prose(text), re.M):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        names[name] = names.get(name, -1) + 1
    return {f"{name}-{count}" if count else name for name, last in names.items() for count in range(last + 1)}


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands in blocks and in lines: the folder each runs in ('' is the root), and its words."""
    for block in blocks(text, "sh", "bash"):
        folder = ""
        for line in block.replace("\\\n", " ").splitlines():
            for words in split_command(line):
                if words[0] == "cd":
                    folder = normpath(join(folder, words[1]))
                else:
                    yield folder, words
    for span in spans(text):
        if re.match(r"([A-Z_]+=\S* )*(\S*python3?|make|pip) ", span):
            yield from (("", [located(word) for word in words]) for words in split_command(span))


def split_command(line: str) -> list[list[str]]:
    """The words of the commands in a line, without comments and settings of the environment."""
    found: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word in ("&&", ";"):
            found.append([])
        elif found[-1] or not re.match(r"[A-Z_]+=", word):
            found[-1].append(word)
    return [words for words in found if words]


def located(word: str) -> str:
    """The path of a script that is named without its folder, as in prose."""
    return next((script for script in scripts() if Path(script).name == word), word)


# ---- What is there ----


class _Caught(Exception):  # noqa: N818 - carries a parser out of a script
    pass


def _hand_over(parser: argparse.ArgumentParser, *_):
    raise _Caught(parser)


@cache
def parser_of(script: str) -> argparse.ArgumentParser:
    """The parser of a script, made by its `build_parser` or caught when its `main` begins to parse."""
    names = runpy.run_path(str(ROOT / script))
    if "build_parser" in names:
        parser = names["build_parser"]()
    else:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(_Caught) as caught:
            patch.setattr(argparse.ArgumentParser, "parse_args", _hand_over)
            names["main"]()
        parser = caught.value.args[0]
    parser.allow_abbrev = False
    return parser


@cache
def scripts() -> list[str]:
    """What a person runs: every file with a command line outside packages and tests."""
    folders = [".", "demo", "Generating_a_Training_Set", "pose-tensorflow", "pose-tensorflow/models/pretrained"]
    files = [path for folder in (*folders, "*-tools") for path in ROOT.glob(f"{folder}/*.py")]
    has_flags = re.compile(r"(ArgumentParser|make_parser)\(")
    return [path.relative_to(ROOT).as_posix() for path in files if has_flags.search(source(path))]


@cache
def modules() -> set[str]:
    """The names of all files of code."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return {path.name for paths in (ROOT.glob("*.py"), *(folder.rglob("*.py") for folder in folders)) for path in paths}


@cache
def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def literal_flags(path: Path) -> set[str]:
    """The flags in the text of a script that is not run here: benchmarks begin to measure at once."""
    return set(re.findall(r'"(--[a-z-]+)"', source(path)))


@cache
def flags() -> set[str]:
    """The flags of all scripts, and those of other programs that the pages name."""
    ours = [set(parser_of(script)._option_string_actions) for script in scripts()]
    return FLAGS_OF_OTHERS.union(*ours, *map(literal_flags, (ROOT / "tests").glob("*/**/*.py")))


@cache
def settings() -> set[str]:
    """The names in both settings files."""
    trees = [ast.parse(source(ROOT / name)) for name in ("myconfig.py", "myconfig_analysis.py")]
    return {node.targets[0].id for tree in trees for node in tree.body if isinstance(node, ast.Assign)}


@cache
def extras() -> set[str]:
    """The names of the optional dependencies."""
    section = source(ROOT / "pyproject.toml").partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    return set(re.findall(r"^([\w-]+) = \[", section, re.M))


def packages() -> set[str]:
    """The rooms of all three libraries: their folders of modules, without those inside these."""
    libraries = [ROOT / "dlc_common", ROOT / "dlc_toolbox", ROOT / "pose-tensorflow" / "deepercut"]
    faces = [path for library in libraries for depth in ("", "*/") for path in library.glob(f"{depth}__init__.py")]
    return {path.parent.name for path in faces}


# ---- The checks ----


def link_problems(page: Path, text: str) -> list[str]:
    """Relative links whose file is not there, or has no such heading; links that are not https."""
    problems = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if re.match(r"[a-z]+:", target):
            problems += [] if target.startswith("https://") else [f"{target} is not https"]
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve()
        if name and not (path.exists() and path.is_relative_to(ROOT)):
            problems.append(f"{target} is not there")
        elif anchor and anchor not in anchors(source(path) if name else text):
            problems.append(f"{target}: no such heading")
    return problems


def command_problems(text: str) -> list[str]:
    """Commands that would not start: unknown programs, scripts, flags, targets of make, extras of pip."""
    return [problem for folder, words in commands(text) for problem in _problems(folder, words)]


def _problems(folder: str, words: list[str]) -> list[str]:
    program, *words = words
    program = Path(program).name
    if program in ("python", "python3"):
        if words[:1] != ["-m"]:
            return _script_problems(normpath(join(folder, words[0])), words[1:])
        program, *words = words[1:]
    if program == "make":
        targets = [word for word in words if "=" not in word]
        return [f"make {target}: no such target" for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.M)]
    if program == "pip":
        return _pip_problems(words)
    if program == "pytest":
        paths = [word for word in words if "/" in word]
        return [f"{path} is not there" for path in paths if not (ROOT / path).exists()]
    return [] if program in PROGRAMS else [f"{program}: unknown program"]


def _script_problems(script: str, arguments: list[str]) -> list[str]:
    """What a script's own parser says about its arguments."""
    script = re.sub(r"^pose-tensorflow/models/[^/]*<.*/\.\./", "", script)
    if not (ROOT / script).is_file():
        return [] if PLACEHOLDER.search(script) else [f"{script} is not there"]
    if script.startswith("tests/"):
        unknown = {word for word in arguments if word.startswith("--")} - literal_flags(ROOT / script)
        return [f"{script}: {flag}: no such flag" for flag in sorted(unknown)]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(argparse.ArgumentParser, "error", _refuse)
            parser_of(script).parse_args(arguments)
    except _Caught as caught:
        needs_project = "is no folder" in str(caught)  # the doctor's --project must be there
        return [] if needs_project else [f"{script}: {caught}"]
    return []


def _refuse(_: argparse.ArgumentParser, message: str):
    raise _Caught(message)


def _pip_problems(words: list[str]) -> list[str]:
    wanted = {extra for word in words for found in re.findall(r"^\.\[(.*)\]$", word) for extra in found.split(",")}
    problems = [f".[{extra}]: no such extra" for extra in sorted(wanted - extras())]
    files = [words[place + 1] for place, word in enumerate(words) if word == "-r"]
    return problems + [f"{name} is not there" for name in files if not (ROOT / name).is_file()]


def name_problems(text: str) -> list[str]:
    """Paths, scripts, flags and settings in backticks that are not there."""
    problems = []
    for span in spans(text):
        words = span.split()
        if setting := re.match(r"([A-Za-z_]\w*) = ", span):
            problems += [] if setting[1] in settings() else [f"{setting[1]}: no such setting"]
        elif key := re.match(r"([a-z_]+): \S+$", span):
            problems += [] if key[1] in PoseConfig.__dataclass_fields__ else [f"{key[1]}: no such key of pose_cfg.yaml"]
        elif not re.match(r"([A-Z_]+=\S* )*(\S*python3?|make|pip|uv) ", span):
            problems += [f"{word}: no such flag" for word in words if word.startswith("--") and word not in flags()]
            problems += [f"{word} is not there" for word in words if not _is_there(word)]
    return problems


def _is_there(word: str) -> bool:
    """Whether a word names a file or folder of the checkout, or is no such name."""
    if "…/" in word:
        word = word.rpartition("…/")[2]
    if PLACEHOLDER.search(word):
        return True
    if word.endswith(".py"):
        return (ROOT / word).is_file() if "/" in word else word in modules()
    is_output = any(fnmatch.fnmatch(f"/{word}", f"{entry}*") for entry in IGNORED if entry)
    is_path = "/" in word and word[0] not in "./" and (ROOT / word.split("/")[0]).is_dir()
    return is_output or not is_path or (ROOT / word).exists()
