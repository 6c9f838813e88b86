"""The phone in a real browser, by its keyboard: what somebody sees, hears and reaches, and that nothing leaves
this machine. Pictures of each journey are kept in `var/screens`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from app import LOCALES
from gateway.registry.scheme import load_scheme
from gateway.registry.seed import seed
from gateway.storage.schema import upgrade
from tests.web.test_served import SERVE, served

AXE = Path(__file__).parent / "axe"
SCREENS = LOCALES.parent / "var" / "screens"
WIDE, NARROW = ViewportSize(width=1240, height=900), ViewportSize(width=360, height=740)
NOY, KEO = ("+8562020000002", "9900000002", "02111987"), ("+8562020000001", "9900000001", "17051990")
MENU = {"lo_Latn": "1 Ngeun somthop khong khoy", "en": "1 My contributions", "lo": "1 ເງິນສົມທົບຂອງຂ້ອຍ"}


def needed(*names: str) -> str:
    """The first of these programs; without one: skipped at a desk, a failure in CI."""
    for name in names:
        if found := shutil.which(name):
            return found
    if os.environ.get("CI"):
        pytest.fail(f"{names[0]} is needed to look at the phone in a browser")
    pytest.skip(f"{names[0]} is not installed: the phone in the browser is not looked at")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's own, for which every name but that of this machine is unknown."""
    chromium = needed("chromium", "chromium-browser")
    rules = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", f"--host-resolver-rules={rules}"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real server, with a small synthetic register of today."""
    home = tmp_path_factory.mktemp("phone")
    url = f"sqlite:///{home / 'pakan.db'}"
    upgrade(url, {"store", "register"})
    seed(url, 50, 5, 24, datetime.now(ZoneInfo("Asia/Vientiane")).date(), load_scheme())
    with served(SERVE, url, home) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that has said nothing to the console and asked nobody else by the end."""
    context = browser.new_context(viewport=WIDE, base_url=address, reduced_motion="reduce")
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda problem: said.append(str(problem)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert said == []
    assert asked
    assert [url for url in asked if not url.startswith((f"{address}/", "data:"))] == []
    context.close()


class Handset:
    """The phone on the page, by keyboard alone."""

    def __init__(self, page: Page) -> None:
        self.page = page
        with page.expect_response("**/phone/caller"):
            page.goto("/phone")
        self.screen = page.locator("#screen")
        self.waits()

    def calls_as(self, number: str) -> Self:
        field = self.page.locator("#number")
        if field.input_value() == number:
            return self
        field.focus()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(number)
        with self.page.expect_response("**/phone/caller"):
            self.page.keyboard.press("Tab")
        self.waits().page.locator("#answer").focus()
        return self

    def dials(self, code: str = "*1508#") -> Self:
        return self.hangs_up().says(code)

    def says(self, *answers: str) -> Self:
        for answer in answers:
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(answer)
            with self.page.expect_response("**/phone/caller"):
                self.page.keyboard.press("Enter")
            self.waits()
        return self

    def hangs_up(self) -> Self:
        self.page.keyboard.press("Escape")
        return self

    def opens(self, app: str) -> Self:
        with self.page.expect_response("**/phone/caller"):
            self.page.get_by_role("button", name=app).press("Enter")
        return self.waits()

    def waits(self) -> Self:
        """Until the phone shows what came of the last key."""
        expect(self.screen).not_to_have_attribute("aria-busy", "true")
        return self

    def sees(self, *words: str) -> Self:
        for some in words:
            expect(self.screen).to_contain_text(some)
        return self

    def is_at(self, place: str) -> Self:
        expect(self.page.locator("#place")).to_have_text(place)
        expect(self.page.locator("#diagram .here")).to_have_attribute("id", place)
        return self

    def picture(self, name: str) -> Self:
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENS / f"{name}.png", full_page=True)
        return self


def test_did_my_employer_pay_by_keyboard_alone(page: Page) -> None:
    """The first journey: who she is, what is missing, page by page and back, and on after a dropped call."""
    phone, number, born = NOY
    handset = Handset(page).calls_as(phone).dials().sees("1 Lao ABC", "2 English", "3 ລາວ")
    handset.says("2", "1").sees("Type your social security number:")
    handset.says(number, born).sees("6 of the last 12 months are paid.").is_at("record.summary")
    handset.picture("summary")
    handset.says("1").sees("1 10/2026", "9 More").is_at("record.missing")
    expect(page.locator("#measures")).to_contain_text("Page1 of 2")
    handset.says("9")
    expect(page.locator("#measures")).to_contain_text("Page2 of 2")
    handset.says("0").sees("1 10/2026").says("2").is_at("record.advice")
    handset.dials().sees("Welcome back.", "1 Continue").says("1").is_at("record.advice")
    handset.says("0").is_at("record.missing").says("00").sees("Social security").is_at("main.menu")
    kept = page.locator("#kept")
    expect(kept).to_contain_text("020 ••••0002")
    expect(page.locator("#audit")).to_contain_text("contributions.viewed of 2 by member")
    for secret in (number, born):
        assert secret not in kept.inner_text()
    with page.expect_response("**/phone/caller"):
        page.locator("[data-name=lo]").press("Enter")
    handset.waits().sees(MENU["lo"]).says("1", "1").is_at("record.missing").picture("missing-lo")


def test_a_text_comes_while_she_calls(page: Page) -> None:
    """A code by SMS is read on the same phone, and typed into the call that waits for it."""
    phone, number, born = KEO
    handset = Handset(page).calls_as(phone).dials().says("2", "4", "2", number, born)
    handset.sees("A code comes by SMS.")
    expect(page.locator("#envelope")).to_be_visible()
    handset.opens("Messages").sees("is your LSSO code", "51 GSM-7, 1 SMS").picture("code")
    [code] = re.findall(r"\b\d{6}\b", page.locator("#screen article").first.inner_text())
    expect(page.locator("#sent")).to_contain_text("code, 1 SMS by inbox: accepted")
    handset.opens("Back").sees("A code comes by SMS.")
    handset.says(code).sees("Your PIN:").is_at("pin.confirm")


@pytest.mark.parametrize("app", ["Messages", "Chat"])
def test_she_writes_and_is_answered(page: Page, app: str) -> None:
    handset = Handset(page).calls_as("+8562020000009").opens(app).says("hello")
    handset.sees("hello").is_at("texts.guess")
    expect(page.locator("#screen .theirs")).to_have_count(1)
    handset.says("help").is_at("main.help")
    expect(page.locator("#screen .theirs")).to_have_count(2)  # its answer comes with a later look
    handset.picture(app.lower())
    assert page.locator("#screen article").evaluate_all("all => all.map((one) => one.className)") == [
        *("own", "theirs"),
        *("own", "theirs"),
    ]
    said = "Cost1 message" if app == "Chat" else "of 160, GSM-7Cost1 SMS"
    expect(page.locator("#measures")).to_contain_text(said)
    cost = "1 message by chat" if app == "Chat" else "SMS by inbox"
    expect(page.locator("#sent")).to_contain_text(f"{cost}: accepted")
    handset.hangs_up()
    expect(page.get_by_role("button", name=app)).to_be_visible()


@pytest.mark.parametrize("language", list(MENU))
def test_one_switch_speaks_every_language(page: Page, language: str) -> None:
    handset = Handset(page).calls_as("+8562020000003")
    switch = page.locator(f"[data-name={language}]")
    for _turn in ("she never called", "she did"):
        switch.focus()
        page.keyboard.press("Enter")
        handset.sees(MENU[language])
        expect(switch).to_have_attribute("aria-pressed", "true")
    tag = language.replace("_", "-")
    assert page.locator("#screen p").first.get_attribute("lang") == tag
    handset.picture(f"menu-{language}")
    assert fonts_of(page, "#screen p") == {("Noto Sans Lao", True)}


def fonts_of(page: Page, selector: str) -> set[tuple[str, bool]]:
    """What the letters of an element are drawn with, and whether we brought it."""
    page.evaluate("document.fonts.ready.then(() => true)")
    tools = page.context.new_cdp_session(page)
    tools.send("DOM.enable")
    tools.send("CSS.enable")
    root = tools.send("DOM.getDocument")["root"]["nodeId"]
    node = tools.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    fonts = tools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return {(font["familyName"], font["isCustomFont"]) for font in fonts}


def test_whoever_chooses_beside_the_phone_stays_there(page: Page) -> None:
    handset = Handset(page)
    person = page.locator("#person")
    person.focus()
    for number in ("+8562020000003", "+8562020000004"):
        with page.expect_response("**/phone/caller"):
            page.keyboard.press("ArrowDown")
        expect(page.locator("#number")).to_have_value(number)
        expect(person).to_be_focused()
    expect(page.locator("#card")).to_contain_text("9900000004")
    handset.waits()
    page.locator("#answer").focus()
    handset.dials().sees("2 English")


def test_the_keypad_is_the_same_phone(page: Page) -> None:
    handset = Handset(page).calls_as("+8562020000004")
    for key in "*1508#":
        page.locator(f'[data-key="{key}"]').click()
    page.get_by_role("button", name="Call or send").click()
    handset.sees("2 English")
    page.locator('[data-key="2"]').click()
    page.get_by_role("button", name="Call or send").click()
    handset.sees("Social security")
    page.get_by_role("button", name="Hang up").click()
    expect(handset.screen).not_to_contain_text("Social security")


def test_a_code_of_another_service_does_not_leave_the_phone(page: Page) -> None:
    handset = Handset(page).hangs_up()
    page.keyboard.press("Control+A")
    page.keyboard.type("*999#")
    page.keyboard.press("Enter")
    handset.sees("*999# is not in service here")


def test_a_narrow_window_holds_all_of_it(page: Page) -> None:
    page.set_viewport_size(NARROW)
    handset = Handset(page).calls_as(NOY[0]).dials()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    handset.picture("narrow")
    page.goto("/phone/screens")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's source; installed on first use."""
    npm = needed("npm")
    if not (AXE / "node_modules").exists():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=AXE, check=True, capture_output=True)
    return (AXE / "node_modules/axe-core/axe.min.js").read_text("utf-8")


VISITS: dict[str, Callable[[Page], object]] = {
    "idle": Handset,
    "in a call": lambda page: Handset(page).calls_as(NOY[0]).dials().says("00"),
    "messages": lambda page: Handset(page).opens("Messages").says("help"),
    "chat": lambda page: Handset(page).opens("Chat").says("help"),
    "screens": lambda page: page.goto("/phone/screens"),
}


@pytest.mark.parametrize("visit", VISITS)
def test_axe_finds_no_serious_violation(page: Page, axe: str, visit: str) -> None:
    VISITS[visit](page)
    page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate("axe.run().then((result) => result.violations)")
    serious = [
        f"{rule['id']}: {node['html']}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]
    assert serious == []


def test_a_translator_opens_the_screen_in_three_languages(page: Page) -> None:
    Handset(page).calls_as(NOY[0]).dials().says("00")
    page.locator("#side").focus()
    page.keyboard.press("Enter")
    state = page.locator("article:target")
    expect(state).to_have_attribute("id", "main.menu")
    for words in MENU.values():
        expect(state).to_contain_text(words)
    state.screenshot(path=SCREENS / "three-languages.png")
