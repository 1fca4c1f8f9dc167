"""Whoever is killed, every label that was shown as saved is there."""

import pytest

from tests.browser import start_browser
from tests.dlc_toolbox.labeling.page.kills import survive


@pytest.mark.campaign
def test_twenty_kills(lab, driver, browser):  # browser: skips where there is none
    assert survive(lab, lambda: start_browser(driver), kills=20) > 20
