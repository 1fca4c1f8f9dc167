"""Kill server or browser while somebody labels, again and again, and look at what is left on the disk."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright import sync_api as playwright

from dlc_common.cli import CHECKOUT
from dlc_toolbox.labels.clicks import ClickTable
from tests.dlc_toolbox.labeling.page.lab import Lab

SCRIPT = CHECKOUT / "Generating_a_Training_Set" / "LabelFrames.py"
LONGEST_S = 2.0  # of labeling before a kill

Place = tuple[float, float]


class Person:
    """Labels at random, and remembers what the page has shown as saved.

    Attributes
    ----------
    saved : dict
        Image and part to the place that was shown as saved last.
    begun : dict
        Image and part to the places clicked since: any of them may be on the disk.
    late : dict
        The same before the last kill: what a browser had sent when it ended may reach the disk after a look at it.
    """

    def __init__(self, lab: Lab, chance: random.Random):
        self.lab, self.chance = lab, chance
        self.saved: dict[tuple[str, str], Place] = {}
        self.begun: dict[tuple[str, str], list[Place]] = {}
        self.late: dict[tuple[str, str], list[Place]] = {}
        self.labels = 0  # shown as saved, all in all

    def label(self, page: playwright.Page, killer: threading.Timer) -> None:
        """Label until the kill; a page whose server is gone is labeled on for a moment."""
        page.locator("#auto-part").uncheck()
        while killer.is_alive():
            key, part = self.chance.choice(list(self.lab.numbers)), self.chance.choice(self.lab.names)
            place = (round(self.chance.uniform(5, 630), 1), round(self.chance.uniform(5, 470), 1))
            page.locator(f'[data-image="{key}"]').click(timeout=2000)
            page.wait_for_selector(f'[data-image="{key}"][aria-current=true]', timeout=2000)
            page.keyboard.press(str(self.lab.names.index(part) + 1))
            self._look(page)
            self.begun.setdefault((key, part), []).append(place)
            page.mouse.click(*page.evaluate("([x, y]) => labeling.screenOf(x, y)", place))
            self._look(page)

    def _look(self, page: playwright.Page) -> None:
        """Remember what is shown as saved now."""
        if self.begun and page.evaluate("document.body.dataset.saved") == "yes":
            self.saved |= {slot: places[-1] for slot, places in self.begun.items()}
            self.labels += len(self.begun)
            self.begun.clear()

    def check(self) -> None:
        """Compare with the disk, and go on from what is there."""
        for path in self.lab.data.glob("vid*/[!.]*.csv"):  # without what was half-written
            ClickTable(path.read_bytes(), path)
        for slot, place in self.saved.items():
            key, part = slot
            found = self.lab.at(key)[part]
            known = [place, *self.begun.get(slot, []), *self.late.get(slot, [])]
            assert any(np.abs(np.subtract(found, other)).max() <= 0.5 for other in known), (slot, found, known)
            self.saved[slot] = tuple(found)
        self.begun, self.late = {}, self.begun


def start_server(project: Path) -> tuple[subprocess.Popen, str]:
    """Run LabelFrames.py; return process and address."""
    command = [sys.executable, "-u", str(SCRIPT), "--project", str(project), "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line + process.stdout.read()
    return process, found[0]


def process_of(browser: playwright.Browser) -> int:
    """Return the number of the browser's process."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return next(process["id"] for process in told["processInfo"] if process["type"] == "browser")


def survive(lab: Lab, start_browser: Callable[[], playwright.Browser], kills: int, seed: int = 0) -> int:
    """Kill server and browser in turn, at random moments while labels are placed.

    Parameters
    ----------
    lab : Lab
        A project without a server.
    start_browser : callable
        Starts a browser.
    kills : int
        How often.
    seed : int
        Of images, places and moments.

    Returns
    -------
    int
        How many labels were shown as saved, and were there afterwards.
    """
    chance = random.Random(seed)
    person = Person(lab, chance)
    server = browser = None
    try:
        for turn in range(kills):
            if server is None:
                server, address = start_server(lab.root)
            if browser is None:
                browser = start_browser()
            page = browser.new_context().new_page()
            page.goto(address)
            page.wait_for_selector("[data-image][aria-current=true]")
            victim = server.pid if turn % 2 else process_of(browser)
            killer = threading.Timer(chance.uniform(0.2, LONGEST_S), os.kill, (victim, signal.SIGKILL))
            killer.start()
            try:
                person.label(page, killer)
            except playwright.Error:
                killer.join()
            if turn % 2:
                server.wait()
                server.stdout.close()
                server = None
                page.context.close()
            else:
                browser = None
            person.check()
    finally:
        if server is not None:
            server.kill()
            server.communicate()
        if browser is not None:
            browser.close()
    return person.labels
