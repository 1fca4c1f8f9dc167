"""The house and its rules (docs/architecture.md), read from the code's own imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlc_common.cli import CHECKOUT

LEVELS = {
    "dlc_common": 0,
    "dlc_toolbox": 0.5,  # its __init__: one exception
    "dlc_toolbox.measure": 1,
    "dlc_toolbox.project": 2,
    "dlc_toolbox.video": 3,
    "dlc_toolbox.pictures": 4,
    "dlc_toolbox.frames": 5,
    "dlc_toolbox.labels": 6,
    "dlc_toolbox.training_set": 7,
    "dlc_toolbox.poses": 7,
    "dlc_toolbox.analysis": 8,
    "dlc_toolbox.evaluation": 8,
    "dlc_toolbox.cameras": 8,
    "dlc_toolbox.exchange": 8,
    "dlc_toolbox.labeling": 7.5,  # its errors and events
    "dlc_toolbox.labeling.files": 7.6,
    "dlc_toolbox.labeling.frames": 7.7,
    "dlc_toolbox.labeling.help": 7.7,
    "dlc_toolbox.labeling.store": 7.8,
    "dlc_toolbox.labeling.server": 8,
    "dlc_toolbox.steps": 9,
    "dlc_toolbox.notebook": 9,
    "deepercut": 1,  # its __init__, config and backend
    "deepercut.network": 2,
    "deepercut.data": 3,
    "deepercut.weights": 4,
    "deepercut.training": 5,
    "deepercut.inference": 6,
}
"""A room imports only from rooms of lower levels, or within itself."""

ROOTS = {"dlc_common": CHECKOUT, "dlc_toolbox": CHECKOUT, "deepercut": CHECKOUT / "pose-tensorflow"}
OWN = tuple(ROOTS)
ARCHITECTURE = CHECKOUT / "docs" / "architecture.md"
SCRIPT_FOLDERS = ("Generating_a_Training_Set", "Evaluation-tools", "Analysis-tools", "pose-tensorflow")
OTHER_BACKENDS = {"tensorflow", "jax", "torch", "openvino", "onnx", "nncf"}
MAY_USE_A_BACKEND = {"deepercut.backend", "deepercut.weights", "deepercut.inference"}
GAINS_BY_A_BACKEND = {  # Keras' own ways are slower there; measured in tests/benchmarks/README.md
    "deepercut.training.devices",
    "deepercut.training.optimizers",
    "deepercut.network.resnet",
}


def modules() -> dict[str, Path]:
    """List every module of the three libraries by its name."""
    found = {}
    for package, root in ROOTS.items():
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            found[name] = path
    return found


MODULES = modules()
SCRIPTS = sorted(path for folder in SCRIPT_FOLDERS for path in (CHECKOUT / folder).glob("*.py"))
SCRIPTS += [CHECKOUT / "pose-tensorflow" / "models" / "pretrained" / "download.py"]
SCRIPTS = [path for path in SCRIPTS if path.name != "pose_cfg.yaml"]


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield each module that a file imports, and whether at its top; what only type checkers read is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    top = set(tree.body)
    for node in set(ast.walk(tree)) - typing_only:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [full(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for name in names:
            yield name, node in top


def full(module: str, name: str) -> str:
    """Return the module that ``from module import name`` reads."""
    return f"{module}.{name}" if f"{module}.{name}" in MODULES else module


def room(module: str) -> str:
    """Return the room a module is in: its package, or the library for modules beside the packages."""
    parts = module.split(".")
    return next(name for length in (3, 2, 1) if (name := ".".join(parts[:length])) in LEVELS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_lead_down(module: str):
    here = room(module)
    for imported, _ in imports(MODULES[module]):
        if imported.split(".")[0] not in OWN or here == (there := room(imported)):
            continue
        if here.startswith("dlc_toolbox") and there.startswith("deepercut"):
            continue  # has a test of its own
        assert LEVELS[there] < LEVELS[here], f"{module} imports {imported}, which is not below it"


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("dlc_toolbox.steps")])
def test_only_the_steps_join_both_libraries(module: str):
    """Rule 2: the trainer knows nothing of the toolbox, and all of it but the steps nothing of the trainer."""
    other = {"dlc_common": OWN[1:], "dlc_toolbox": ("deepercut",), "deepercut": ("dlc_toolbox",)}[module.split(".")[0]]
    assert not [imported for imported, _ in imports(MODULES[module]) if imported.split(".")[0] in other]


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("dlc_toolbox.steps")])
def test_the_steps_start_the_trainer_late(module: str):
    """Its start takes seconds, which ``--help`` and wrong settings need not wait for."""
    assert not [name for name, top in imports(MODULES[module]) if top and name.split(".")[0] == "deepercut"]


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("deepercut")])
def test_the_trainer_stands_on_keras_alone(module: str):
    """Rule 6."""
    if {module, room(module)} & (MAY_USE_A_BACKEND | GAINS_BY_A_BACKEND):
        return
    assert not [name for name, _ in imports(MODULES[module]) if name.split(".")[0] in OTHER_BACKENDS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_its_docstring_its_flags_and_one_call(script: Path):
    """Rule 1: what a script does is read in `steps`."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(functions) == {"build_parser", "main"}
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(functions["main"])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    steps = {name.rsplit(".", 1)[1] for name, _ in imports(script) if name.startswith("dlc_toolbox.steps.")}
    assert len([call for call in calls if call.split(".")[0] in steps]) == 1
    assert len(script.read_text(encoding="utf-8").splitlines()) < 80


WAYS = {
    row[0]: row[1:] for row in re.findall(r"\| `(\w+\.py)` \| `([\w.]+)` \| `([\w.]+)` \|", ARCHITECTURE.read_text())
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_two_steps_lead_from_a_script_to_the_line_that_works(script: Path):
    """They are those of the table in docs/architecture.md: script -> step -> function of a package."""
    step, work = WAYS[script.name]
    assert f"{step}(" in script.read_text(encoding="utf-8")
    steps, work_module = MODULES[f"dlc_toolbox.steps.{step.split('.')[0]}"], work.rpartition(".")[0]
    assert work_module in {name for name, _ in imports(steps)}
    assert work.rpartition(".")[2] in defined(MODULES[work_module])
    assert step.split(".")[1] in defined(steps)


def defined(path: Path) -> set[str]:
    """Return the names that a module defines."""
    return {name for node in ast.parse(path.read_text(encoding="utf-8")).body if (name := getattr(node, "name", None))}


@pytest.mark.parametrize("package", [name for name in LEVELS if MODULES.get(name, Path()).name == "__init__.py"])
def test_a_package_names_what_is_public_and_what_may_live_in_it(package: str):
    """Rule 5: every name that its docstring gives as ``module.function`` is there."""
    doc = ast.get_docstring(ast.parse(MODULES[package].read_text(encoding="utf-8")))
    assert doc
    for module, name in re.findall(r"`(\w+)\.(\w+)`", doc):
        assert name in defined(MODULES[f"{package}.{module}"]), f"{package} has no {module}.{name}"


def test_no_module_changes_the_directory_or_the_path_of_imports():
    """Rule 10."""
    for module, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        assert "os.chdir" not in text and "sys.path" not in text, module


def test_modules_are_short_enough_to_be_read():
    assert {name: n for name, path in MODULES.items() if (n := len(path.read_text().splitlines())) > 415} == {}
