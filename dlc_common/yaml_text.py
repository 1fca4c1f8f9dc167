"""Files of yaml: read safely, and edited so that whatever a person wrote around a value stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from dlc_common import UsersError
from dlc_common.kinds import EMPTY, JSON, wrong_kind

THOUSANDS = r"[-+]?[1-9][0-9]{0,2}(\.[0-9]{3})*\.000"
"""How some countries write whole thousands, such as 10.000; `read_yaml` leaves them as texts."""


class _OnceLoader(yaml.SafeLoader):
    """Builds plain values only, and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping, or raise with the line of the second of two equal keys."""
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                if key.value in lines:
                    raise yaml.YAMLError(
                        f"the key {key.value!r} stands twice, in lines {lines[key.value]} and {line}: delete one"
                    )
                lines[key.value] = line
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> float | str:
        """Return a number, or the text of what is none to people: 0100 (octal), 1:30 (minutes), 10.000 (ten)."""
        text = str(self.construct_scalar(node))
        if re.fullmatch(rf"[-+]?0[0-9_]+|.*:.*|{THOUSANDS}", text):
            return text
        return self.construct_yaml_int(node) if node.tag.endswith("int") else self.construct_yaml_float(node)


for _kind in ("int", "float"):
    _OnceLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", _OnceLoader.construct_number)


_HINTS = {
    "could not find expected ':'": "write `key: value`, with a colon and a space of the space bar after each key",
    r"found character '\t'": "replace the tab by spaces",
    "escape": "in double quotes a backslash starts an escape: write / in paths",
}
"""What to do, by what yaml says."""


def read_yaml(path: Path) -> Any:
    """Read what a yaml file holds; no tag in it is ever executed.

    Parameters
    ----------
    path : Path
        The file, in UTF-8.

    Returns
    -------
    object
        Made of dicts, lists, texts, numbers, truth values, dates and None.

    Raises
    ------
    UsersError
        When it is missing, damaged or of another kind, or has a key twice in one place.
    """
    if other := wrong_kind(path, "a yaml file", JSON, EMPTY):
        raise UsersError(other)
    try:
        return load_yaml(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UsersError(f"{path} cannot be read as yaml: line {line} is not in UTF-8: save it as UTF-8") from error
    except Exception as error:  # yaml raises many types on damaged values, such as KeyError on `!!bool maybe`
        hint = next((f"; {hint}" for sign, hint in _HINTS.items() if sign in str(error)), "")
        raise UsersError(f"{path} cannot be read as yaml: {' '.join(str(error).split())}{hint}") from error


def load_yaml(text: str) -> Any:
    r"""Return what a yaml text holds, as `read_yaml`.

    Raises
    ------
    Exception
        Of many types, when it is damaged.

    Examples
    --------
    >>> load_yaml("joints: [nose]\nmax: 5\ndate: 0105\n")
    {'joints': ['nose'], 'max': 5, 'date': '0105'}
    >>> load_yaml("a: 1\na: 2\n")
    Traceback (most recent call last):
    yaml.error.YAMLError: the key 'a' stands twice, in lines 1 and 2: delete one
    """
    return yaml.load(text, _OnceLoader)


def with_values(text: str, values: Mapping[str, Any]) -> str:
    r"""Set keys in the text of a yaml file; all else, comments, order and notation of other values, stays as it is.

    Parameters
    ----------
    text : str
        Yaml of keys and values.
    values : mapping
        New value of each key; a key that the text lacks is added at the end.

    Returns
    -------
    str
        The new text.

    Raises
    ------
    UsersError
        When a value's place in the text cannot be told, as in a text in braces that lacks a key.
    Exception
        Of many types, when the text is damaged or has a key twice.

    Examples
    --------
    >>> text = "# epochs\nmax: 3  # few\njoints:\n- [0]\n- [1]\n# the end\n"
    >>> print(with_values(text, {"joints": ["nose"], "max": 5}), end="")
    # epochs
    max: 5  # few
    joints: [nose]
    # the end
    """
    wanted = (load_yaml(text) or {}) | dict(values)
    root = YAML().compose(text)
    pairs = root.value if isinstance(root, MappingNode) else []
    entries = {key.value: (key, value) for key, value in pairs if isinstance(key, ScalarNode)}
    edited = text
    for name in sorted(entries.keys() & values.keys(), key=lambda name: -entries[name][0].start_mark.index):
        key, old = entries[name]
        edited = edited[: key.start_mark.index] + _entry(name, values[name]) + edited[_end(text, key, old) :]
    added = [_entry(name, value) for name, value in values.items() if name not in entries]
    if added:
        edited = "\n".join([edited.rstrip(), *added, ""]).lstrip("\n")
    try:
        is_right = (load_yaml(edited) or {}) == wanted
    except yaml.YAMLError:
        is_right = False
    if not is_right:
        raise UsersError("write each key at the start of a line of its own")
    return edited


def _entry(key: str, value: Any) -> str:
    """Return a key and its value; characters in the value that end a line by Unicode alone are escaped."""
    text = _dump(key, value, allow_unicode=True)
    return text if text.count("\n") + 1 == len(text.splitlines()) else _dump(key, value, allow_unicode=False)


def _dump(key: str, value: Any, *, allow_unicode: bool) -> str:
    """Write a key and its value in the style of braces, without these."""
    text: str = yaml.safe_dump({key: value}, default_flow_style=True, allow_unicode=allow_unicode, width=10**6)
    return text.rstrip("\n")[1:-1]


def _end(text: str, key: Node, value: Node) -> int:
    """Return where a value ends in its text; comments that follow it are not of it."""
    if isinstance(value, CollectionNode) and not value.flow_style:
        last = value.value[-1]
        return _end(text, *last) if isinstance(last, tuple) else _end(text, value, last)
    begin, end = value.start_mark.index, value.end_mark.index
    if isinstance(value, ScalarNode) and not text[begin:end].strip():  # no value, which means null
        return text.index(":", key.end_mark.index) + 1 if key.end_mark.index < begin else begin
    return begin + len(text[begin:end].rstrip())
