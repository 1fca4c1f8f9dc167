import io
import logging
import sys

import pytest

from deepercut import DeepercutError, cli

pytestmark = pytest.mark.usefixtures("own_handlers")


def test_a_console_of_few_characters_gets_the_others_escaped(monkeypatch: pytest.MonkeyPatch):
    def main() -> None:
        raise DeepercutError("no folder Mäuse/\N{CJK UNIFIED IDEOGRAPH-9F20}")

    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's
    assert cli.run(main, "Go on.") == 1
    console.flush()
    assert console.buffer.getvalue() == "Error: no folder Mäuse/\\u9f20\n".encode("cp1252")
