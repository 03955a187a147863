"""Looking at a page as people with different screens, eyes and hands do."""

from __future__ import annotations

import os
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from .process import wait_for

LOOK = (Path(__file__).parent / "pages.js").read_text()
# Folder for pictures of every page; without it none are taken.
PICTURES = os.environ.get("AEOLUS_PICTURES")
SCHEMES = ("light", "dark")
NARROW, PHONE, DESK = (320, 640), (390, 844), (1280, 900)

FOCUSABLE = "a[href], button, input:not([type=hidden]), textarea, select"
FOCUSED = """
const all = [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility());
const e = document.activeElement, style = getComputedStyle(e);
return [all.indexOf(e), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, all.length];
"""


def screen(driver: webdriver.Chrome, size: tuple[int, int], scheme: str) -> None:
    """Gives the browser a screen."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def look(driver: webdriver.Chrome, name: str) -> list[str]:
    """What is wrong with the page that the browser is at, on three screens in two schemes."""
    wrong = []
    for scheme in SCHEMES:
        for size in (DESK, PHONE, NARROW):
            screen(driver, size, scheme)
            wrong += [f"{name}, {scheme}, {size[0]}: {what}" for what in driver.execute_script(LOOK)]
            if PICTURES and size != NARROW:
                Path(PICTURES).mkdir(parents=True, exist_ok=True)
                driver.save_screenshot(f"{PICTURES}/{name}-{scheme}-{size[0]}.png")
    screen(driver, DESK, "light")
    wrong += [f"{name}: {what}" for what in walk(driver)]
    said = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    # That a page was answered with 401 or 404 is said as well.
    wrong += [f"{name}: {what}" for what in said if "the server responded with a status of" not in what]
    return wrong


def walk(driver: webdriver.Chrome) -> list[str]:
    """Goes through the page by the keyboard."""
    driver.execute_script("document.activeElement.blur(); window.getSelection().removeAllRanges();")
    start, _, count = driver.execute_script(FOCUSED, FOCUSABLE)
    seen = []
    for _ in range(count):
        ActionChains(driver).send_keys(Keys.TAB).perform()
        at, ringed, _ = driver.execute_script(FOCUSED, FOCUSABLE)
        seen.append(at)
        if at >= 0 and not ringed:
            return [f"what has the focus does not show it: number {at}"]
    # The browser may have begun behind what the page gave the focus.
    first = seen.index(min(seen)) if seen else 0
    turned = [at for at in seen[first:] + seen[:first] if at >= 0]
    return [] if turned == sorted(turned) and len(set(turned)) >= count - 1 else [f"the keyboard goes {seen} of {count}"]


def there(driver: webdriver.Chrome, text: str) -> None:
    """Waits until the page shows a text."""
    wait_for(text, lambda: text in driver.execute_script("return document.body ? document.body.innerText : ''"), 20, 0.02)
