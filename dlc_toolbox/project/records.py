"""What an output was made from: the one rule, and the one idiom, for 'already done'.

Beside an output stands a json file that records the hashes of its inputs and the settings that shaped it. While they
match, the output is current and a step skips it; otherwise it is made again. In a step this reads::

    output = records.Output(name, record, [file], records.describe(inputs, settings))
    if output.is_current(overwrite):
        return file
    output.start()
    ...  # make the file
    output.write_record()
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc_common import UsersError
from dlc_common.files import replacing
from dlc_common.fingerprints import fingerprint
from dlc_common.versions import versions
from dlc_toolbox import ToolboxError

log = logging.getLogger(__name__)

_NAMED = 5  # changes told one by one


def describe(
    inputs: Mapping[str, Path], settings: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Gather what an output is made from, ready to compare and to write.

    Parameters
    ----------
    inputs : mapping of str to Path
        Every file the output depends on, by a name that stays when the project moves.
    settings : mapping
        Every setting the output depends on; plain values that json can hold.
    before : mapping, optional
        For each setting that came later than the records: the value that says what was done before it came. A setting
        with this value is left out, so that nothing becomes stale that was made then.

    Returns
    -------
    dict
        ``{"inputs": {name: hash}, "settings": {...}}``.

    Examples
    --------
    >>> describe({}, {"pcutoff": 0.1, "slowmotion": 1}, before={"slowmotion": 1})
    {'inputs': {}, 'settings': {'pcutoff': 0.1}}
    """
    hashes = {name: fingerprint(path) for name, path in inputs.items()}
    plain, then = (json.loads(json.dumps(dict(values))) for values in (settings, before or {}))
    return {"inputs": hashes, "settings": {k: v for k, v in plain.items() if k not in then or v != then[k]}}


@dataclass(frozen=True)
class Output:
    """Files that are made together, and what they are made from.

    Parameters
    ----------
    name : str
        What messages call them.
    record : Path
        The json file that tells what they were made from.
    files : sequence of Path
        What must exist.
    made_from : mapping
        What they would be made from now, as `describe` returns it.
    """

    name: str
    record: Path
    files: Sequence[Path]
    made_from: Mapping[str, Any]

    def why_stale(self, overwrite: bool = False) -> str | None:
        """Tell why the files must be made (again), in words that follow 'because'; None while they are current."""
        missing = [path.name for path in self.files if not path.exists()]
        if missing and len(missing) == len(self.files):
            return "it does not exist yet"
        if missing:
            named = f"{missing[0]} is" if len(missing) == 1 else f"{len(missing)} of its {len(self.files)} files are"
            return f"{named} missing"
        if empty := next((path.name for path in self.files if path.is_file() and not path.stat().st_size), None):
            return f"{empty} is empty"  # what a full disk or a power cut leaves
        return self.why_changed() or ("--overwrite asks for it" if overwrite else None)

    def why_changed(self) -> str | None:
        """Tell what is not as recorded, whether the files exist or not; None if nothing."""
        try:
            recorded = read(self.record)
        except UsersError:
            return f"{self.record.name}, which tells what it was made from, is missing or damaged"
        if recorded.get("unfinished"):
            return "an earlier run did not finish it"
        changed = []
        for part in ("settings", "inputs"):  # settings first, since they choose the inputs
            old, new = recorded.get(part, {}), self.made_from[part]
            changed += sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        return _in_words(changed) if changed else None

    def is_current(self, overwrite: bool = False) -> bool:
        """Tell whether nothing is to be made, and log it with the reason.

        Parameters
        ----------
        overwrite : bool
            Whether to make again what is current.

        Returns
        -------
        bool
            True while the files exist and all is as recorded, unless they are to be overwritten.
        """
        reason = self.why_stale(overwrite)
        self.log(reason)
        return reason is None

    def log(self, reason: str | None) -> None:
        """Log that the files are being made, because of a reason, or, without one, that they are skipped."""
        if reason is None:
            log.info("%s: skipped, it is current (--overwrite does it again)", self.name)
        else:
            log.info("%s: being made, because %s", self.name, reason)

    def start(self, meanwhile: Mapping[str, Any] | None = None) -> bool:
        """Record that the files are in the making, so that new ones never pass for those of the record before.

        Needed wherever files come into place before their record does: a run may end in between.

        Parameters
        ----------
        meanwhile : mapping, optional
            What the record tells until then, for those who ask; by default nothing.

        Returns
        -------
        bool
            Whether they are made from something else than before.
        """
        if not self.why_changed():
            return False
        nothing = {"inputs": dict.fromkeys(self.made_from["inputs"]), "settings": {}}
        _write(self.record, {**(nothing if meanwhile is None else meanwhile), "unfinished": True})
        return True

    def write_record(self, **facts: Any) -> None:
        """Record what the files were made from, when they are complete, with versions and any other facts."""
        _write(self.record, {**self.made_from, **facts, "versions": versions()})


def _in_words(changed: Sequence[str]) -> str:
    """Say what has changed.

    >>> _in_words(["a"]), _in_words(list("abc")), _in_words(list("abcdefg"))
    ('a changed', 'a, b and c changed', 'a, b, c, d, e and 2 more changed')
    """
    *first, last = changed if len(changed) <= _NAMED else [*changed[:_NAMED], f"{len(changed) - _NAMED} more"]
    return f"{', '.join(first)} and {last} changed" if first else f"{last} changed"


def read(record: Path) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    ToolboxError
        When the file is missing or holds no json object of inputs and settings.
    """
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ToolboxError(f"{record} cannot be read as a record of what was made: {error}") from error
    if not isinstance(content, dict):
        raise ToolboxError(f"{record} holds a {type(content).__name__}, not a record of what was made")
    for part in ("inputs", "settings"):
        if not isinstance(content.get(part, {}), dict):
            raise ToolboxError(f"{record} is no record of what was made: its {part} are no names and values")
    return content


def _write(record: Path, content: Mapping[str, Any]) -> None:
    """Write a record in place of an earlier one."""
    with replacing(record) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
