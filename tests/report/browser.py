# SPDX-License-Identifier: Apache-2.0
"""A real browser that opens report pages from disk and says what it complained of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from axe_selenium_python import Axe
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60  # seconds for what takes well below one on a quiet machine
# What keeps it from asking the network for anything of its own; root has no sandbox.
_FLAGS = (
    "--headless",
    "--window-size=1700,1400",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Browser:
    """Debian's Chromium, without a window.

    Args:
        profile: a fresh folder for whatever it keeps.
    """

    def __init__(self, profile: Path) -> None:
        programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
        missing = [name for name, path in programs.items() if path is None]
        assert not missing, f"these tests need Debian's {' and '.join(missing)}: make setup-dev says how to get them"
        options = Options()
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.binary_location = str(programs["chromium"])
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(programs["chromedriver"])))

    def open(self, page: Path, *, width: int = 1600, height: int = 1000, theme: str = "light") -> None:
        """Open a page in a window of a size, and wait until its timeline is drawn, if it has one."""
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.requests()  # of what was open before
        self.driver.get(page.as_uri())
        self.until("return !document.getElementById('index') || document.body.dataset.ready === 'yes'")
        self.settle()

    def settle(self) -> None:
        """Wait until everything is drawn that was asked for."""
        self.driver.execute_async_script(
            "const done = arguments[0]; setTimeout(() => requestAnimationFrame(done), 100)"
        )

    def until(self, script: str) -> Any:
        """Wait until a script returns something true, and return that."""
        return WebDriverWait(self.driver, PATIENCE, 0.05).until(lambda driver: driver.execute_script(script))

    def run(self, script: str) -> Any:
        """Return what a script returns."""
        return self.driver.execute_script(script)

    def one(self, selector: str) -> WebElement:
        """Return the first element that a CSS selector names."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """Return all elements that a CSS selector names."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return self.one(selector).text

    def button(self, name: str) -> WebElement:
        """Return the button that says this."""
        return self.driver.find_element(By.XPATH, f"//button[normalize-space()='{name}']")

    def complaints(self) -> list[str]:
        """Return what was written to the console since the last call."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last call, but for data that pages carry."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for params in sent if not (url := params["request"]["url"]).startswith(("data:", "blob:"))]

    def barriers(self) -> list[str]:
        """Return what axe-core says keeps people from using the page."""
        axe = Axe(self.driver)
        axe.inject()
        found = axe.run()
        return [
            f"{rule['id']}: {rule['help']}: {[node['html'][:120] for node in rule['nodes'][:3]]}"
            for rule in found["violations"]
        ]
