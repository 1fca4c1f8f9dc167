"""README and manual say what is there: links, anchors, commands, flags, settings, packages, papers.

Snippets that are wrong on purpose prove that each check finds what is wrong; then all pages are checked.
"""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from tests.docs_checks import (
    ROOT,
    anchors,
    blocks,
    command_problems,
    link_problems,
    name_problems,
    packages,
    prose,
    source,
)

INDEX = ROOT / "docs" / "README.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "tests").glob("*/README.md")),
]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


# ---- Each check can fail ----


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[a](README.md#two-commands) [b](docs/install.md) [c](https://keras.io) [d](#here)\n\n## Here", []),
        ("```sh\n[a](nowhere.md)\n```", []),
        ("[a](docs/nowhere.md)", ["docs/nowhere.md is not there"]),
        ("![a](docs/cat.png)", ["docs/cat.png is not there"]),
        ("[a](README.md#three-commands)", ["README.md#three-commands: no such heading"]),
        ("[a](#there)\n\n## Here", ["#there: no such heading"]),
        ("[a](../elsewhere)", ["../elsewhere is not there"]),
        ("[a](http://keras.io)", ["http://keras.io is not https"]),
    ],
)
def test_broken_links_are_found(text: str, problems: list[str]):
    assert link_problems(ROOT / "page.md", text) == problems


def test_anchors_are_those_of_github():
    text = "# One: `two --three`\n## A_b (c), [d](e.md)?\n## Same\n## Same\n```sh\n# comment\n```\n"
    assert anchors(text) == {"one-two---three", "a_b-c-d", "same", "same-1"}


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        ("make PYTHON=python3.12 demo    # tracks a mouse", []),
        ("make coffee", ["make coffee: no such target"]),
        ("python3 Analysis-tools/AnalyzeVideos.py a.avi 'b c' --workers 4 && make test", []),
        ("python3 Analysis-tools/AnalyseVideos.py", ["Analysis-tools/AnalyseVideos.py is not there"]),
        (
            "X=1 python Analysis-tools/AnalyzeVideos.py --wrkers 4",
            ["Analysis-tools/AnalyzeVideos.py: unrecognized arguments: --wrkers"],
        ),
        (
            "python Analysis-tools/AnalyzeVideos.py --workers",
            ["Analysis-tools/AnalyzeVideos.py: argument --workers: expected one argument"],
        ),
        ("cd pose-tensorflow/models/<Task>-trainset<percent>/train\npython3 ../../../train.py --resume", []),
        (
            "cd pose-tensorflow/models/<Task>/train\npython3 ../../train.py",
            ["pose-tensorflow/models/train.py is not there"],
        ),
        ("python <script> --anything", []),
        ("python3 tests/benchmarks/inference.py --rounds 3", []),
        ("python3 tests/benchmarks/inference.py --turns 3", ["tests/benchmarks/inference.py: --turns: no such flag"]),
        ("python doctor.py --project ~/reach", []),
        ("python doctor.py --projekt ~/reach", ["doctor.py: unrecognized arguments: --projekt ~/reach"]),
        ('pip install -r requirements.txt -e ".[dask,test]"', []),
        ('.venv/bin/python -m pip install -e ".[dusk]"', [".[dusk]: no such extra"]),
        ("pip install -r needs.txt", ["needs.txt is not there"]),
        ("python -m pytest tests/test_docs.py -k anchor", []),
        ("python -m pytest tests/test_dogs.py", ["tests/test_dogs.py is not there"]),
        ("source .venv/bin/activate", []),
        ("conda activate dlc", ["conda: unknown program"]),
    ],
)
def test_broken_commands_are_found(line: str, problems: list[str]):
    assert command_problems(f"```sh\n{line}\n```\n") == problems


@pytest.mark.parametrize(
    ("span", "problems"),
    [
        ("make coffee", ["make coffee: no such target"]),
        ("KERAS_BACKEND=jax python3 train.py --resume", []),
        ("python3 train.py --resum", ["pose-tensorflow/train.py: unrecognized arguments: --resum"]),
        ("KERAS_BACKEND=jax python3 nothing.py", ["nothing.py is not there"]),
    ],
)
def test_broken_commands_within_lines_are_found(span: str, problems: list[str]):
    assert command_problems(f"Run `{span}` now.") == problems


@pytest.mark.parametrize(
    ("span", "problems"),
    [
        ("movingwindow = True", []),
        ("movinwindow = True", ["movinwindow: no such setting"]),
        ("frozen_blocks: 2", []),
        ("frozen_block: 2", ["frozen_block: no such key of pose_cfg.yaml"]),
        ("train.py --resume", []),
        ("--resum", ["--resum: no such flag"]),
        ("…/Step3_CheckLabels.py", []),
        ("…/Step3_CheckLabel.py", ["…/Step3_CheckLabel.py is not there"]),
        ("Step3_CheckLabel.py", ["Step3_CheckLabel.py is not there"]),
        ("Analysis-tools/Nothing.py", ["Analysis-tools/Nothing.py is not there"]),
        ("nowhere/nothing.py", ["nowhere/nothing.py is not there"]),
        ("pose-tensorflow/models/pretrained/download.py", []),
        ("pose-tensorflow/models/pretrained/upload.py", ["pose-tensorflow/models/pretrained/upload.py is not there"]),
        ("tests/hostile/", []),
        ("tests/friendly/", ["tests/friendly/ is not there"]),
        ("data-<Task>/<video>/img<number>.png", []),
        ("Evaluation-tools/Results/evaluation.csv", []),
    ],
)
def test_wrong_names_are_found(span: str, problems: list[str]):
    assert name_problems(f"Some `{span}` here.") == problems


# ---- All pages ----


@every_page
def test_links_lead_somewhere(page: Path):
    assert link_problems(page, source(page)) == []


@every_page
def test_commands_would_start(page: Path):
    assert command_problems(source(page)) == []


@every_page
def test_names_are_there(page: Path):
    assert name_problems(source(page)) == []


@every_page
def test_python_blocks_are_python(page: Path):
    for block in blocks(source(page), "python"):
        compile(block, str(page), "exec")


def test_the_readme_is_short():
    assert len(source(ROOT / "README.md").splitlines()) <= 170


def test_the_index_lists_every_page_of_the_manual():
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", source(INDEX)))
    assert listed == {page.name for page in INDEX.parent.glob("*.md")} - {INDEX.name}


def test_a_page_has_one_title():
    for page in PAGES:
        assert len(re.findall(r"^# ", prose(source(page)), re.M)) == 1, page


def test_the_picture_of_the_storeys_shows_every_package():
    picture = INDEX.with_name("architecture.svg")
    words = {text.strip("/") for element in ElementTree.parse(picture).iter() for text in element.itertext()}
    assert packages() - words == set()
    assert {
        word for word in words if f"`dlc_toolbox/{word}`" in source(INDEX.with_name("architecture.md"))
    } <= packages()


def test_the_changelog_and_the_citation_are_those_of_the_version():
    version, licence = (
        re.search(rf'^{key} = "(.*)"', source(ROOT / "pyproject.toml"), re.M)[1] for key in ("version", "license")
    )
    citation = yaml.safe_load(source(ROOT / "CITATION.cff"))
    latest = re.search(r"^## (\d\S*)", source(ROOT / "CHANGELOG.md"), re.M)[1]
    assert latest == citation["version"] == version
    assert citation["license"] == licence


def test_the_citation_names_the_papers_of_the_readme():
    citation = yaml.safe_load(source(ROOT / "CITATION.cff"))
    papers = " ".join(source(ROOT / "README.md").partition("## Citation")[2].split()).lower()
    for paper in (citation["preferred-citation"], *citation["references"]):
        assert f"{paper['title'].lower()}. *" in papers
        assert all(author["family-names"].lower() in papers for author in paper["authors"])
        assert str(paper["year"]) in papers
