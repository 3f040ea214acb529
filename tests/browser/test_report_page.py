"""The report in a real browser: quiet, usable by keyboard, readable in each theme, in print and on a small screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.report.sample import HOSTILE, empty, retold, sample

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Opened

Look = Callable[..., "Opened"]

SHORT = sample()
MANY = sample(40, 12)

_STOPS = """() => [...document.querySelectorAll('a[href], button, input, summary, [tabindex]')]
    .filter(e => e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}))"""


def _instead(text: str, _: str) -> str:
    return text


def _column(page: Page, table: str, column: int) -> list[str]:
    found = page.locator(f"{table} tbody tr:not([hidden]) > :nth-child({column})").all_inner_texts()
    return [text.strip() for text in found]


def _axe(page: Page) -> list[tuple[str, str, list[str]]]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return [
        (one["id"], one["impact"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("report", [SHORT, MANY, empty(), sample(1000)], ids=["short", "many", "empty", "thousand"])
def test_says_nothing_and_asks_for_nothing(look: Look, report: Any) -> None:
    opened = look(report)
    opened.page.wait_for_load_state("networkidle")
    assert opened.said == []
    assert opened.requests == [opened.page.url]


def test_hostile_texts_run_nothing_and_add_nothing(look: Look) -> None:
    for text in (HOSTILE[0], HOSTILE[1], "</title></svg></desc><svg onload='window.hacked=4'><script>window.hacked=5"):
        opened = look(retold(SHORT, partial(_instead, text)))
        counts = opened.page.evaluate(
            """() => [window.hacked ?? null,
                ...['script', 'style', 'img', 'h1', 'iframe', 'form'].map(n => document.getElementsByTagName(n).length),
                document.querySelectorAll('a:not([href^="#"])').length]"""
        )
        assert counts == [None, 1, 1, 0, 1, 0, 0, 0]
        assert opened.said == []
        opened.page.context.close()


def test_the_policy_stops_what_is_not_the_page_s_own(look: Look) -> None:
    opened = look(SHORT)
    opened.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.late = 1';
            document.body.append(script);
            const image = document.createElement('img');
            image.src = 'http://127.0.0.1:9/x.png';
            document.body.append(image);
        }"""
    )
    opened.page.wait_for_timeout(100)
    assert opened.page.evaluate("window.late ?? null") is None
    assert len([said for said in opened.said if "Content Security Policy" in said]) == 2


@pytest.mark.parametrize(
    ("scheme", "report"), [("light", SHORT), ("dark", SHORT), ("dark", MANY)], ids=["light", "dark", "many"]
)
def test_axe_finds_nothing_serious(look: Look, scheme: str, report: Any) -> None:
    page = look(report, color_scheme=scheme).page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert _axe(page) == []


def test_axe_finds_nothing_serious_on_a_small_screen_or_without_scripts(look: Look) -> None:
    assert _axe(look(SHORT, width=375, height=800).page) == []
    assert _axe(look(empty()).page) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (800, 600), (375, 800)])
@pytest.mark.parametrize("report", [SHORT, MANY], ids=["short", "many"])
def test_the_page_never_scrolls_sideways(look: Look, width: int, height: int, report: Any) -> None:
    page = look(report, width=width, height=height).page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_answer_is_on_the_first_screen(look: Look) -> None:
    page = look(SHORT).page
    for selector in (".lead", ".moves li:last-child", "svg.picture", ".beside .gap"):
        box = page.locator(selector).first.bounding_box()
        assert box
        assert box["y"] + box["height"] < 900, selector


def test_tables_sort_by_click_and_by_key(look: Look) -> None:
    page = look(MANY).page
    table = "#findings table"
    numbers = [str(number) for number in range(13, 53)]
    assert _column(page, table, 1) == numbers
    head = page.locator(f"{table} thead th").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert _column(page, table, 1) == numbers
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert _column(page, table, 1) == numbers[::-1]
    severity = page.locator(f"{table} thead th").nth(1)
    severity.get_by_role("button").press("Space")
    assert head.get_attribute("aria-sort") is None
    shown = [text.split()[-1] for text in _column(page, table, 2)]
    assert shown == ["informational"] * 10 + ["low"] * 10 + ["medium"] * 10 + ["critical"] * 10
    hits = page.locator("#results table thead th").nth(3).get_by_role("button")
    hits.click()
    assert _column(page, "#results table.sort[data-filter=queries]", 4) == ["0", "2", "11", "51,204"]


def test_tables_filter_and_say_how_many_rows_are_left(look: Look) -> None:
    page = look(MANY).page
    find = page.get_by_label("Filter findings")
    find.fill("ws0007 LIST")
    assert page.locator("#findings .find [role=status]").inner_text() == "1 of 40 rows"
    assert len(_column(page, "#findings table", 1)) == 1
    find.fill("<script>")
    assert len(_column(page, "#findings table", 1)) == 1
    find.fill("nothing of that kind")
    assert page.locator("#findings .find [role=status]").inner_text() == "0 of 40 rows"
    find.fill("")
    assert len(_column(page, "#findings table", 1)) == 40


def test_tab_reaches_everything_in_order_and_shows_where_it_is(look: Look) -> None:
    page = look(SHORT).page
    wanted = page.evaluate(f"({_STOPS})().length")
    page.evaluate(f"({_STOPS})().forEach((e, i) => {{ e.dataset.stop = i; }})")
    page.evaluate(
        """() => {
            window.reached = [];
            addEventListener('focusin', ({target}) => {
                const style = getComputedStyle(target);
                const shown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
                window.reached.push([Number(target.dataset.stop ?? -1), shown]);
            });
        }"""
    )
    for _ in range(wanted):
        page.keyboard.press("Tab")
    reached = page.evaluate("window.reached")
    assert [stop for stop, _ in reached] == list(range(wanted))
    assert all(is_seen for _, is_seen in reached)
    assert wanted > 60


def test_contents_work_by_keyboard(look: Look) -> None:
    page = look(MANY).page
    toc = page.locator(".toc")
    toc.locator("summary").focus()
    page.keyboard.press("Enter")
    assert toc.get_attribute("open") is not None
    page.keyboard.press("Escape")
    assert toc.get_attribute("open") is None
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    toc.get_by_role("link", name="Custody", exact=True).press("Enter")
    assert toc.get_attribute("open") is None
    page.wait_for_function("document.getElementById('custody').getBoundingClientRect().top < innerHeight")


def test_the_theme_can_be_turned(look: Look) -> None:
    page = look(SHORT, color_scheme="light").page
    button = page.locator("#theme")
    back = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(back)
    assert button.inner_text() == "Dark theme"
    button.click()
    assert page.evaluate(back) != light
    assert button.inner_text() == "Light theme"
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
    button.click()
    assert page.evaluate(back) == light


def test_a_link_to_a_case_opens_it(look: Look) -> None:
    page = look(MANY).page
    own = page.locator("#case-5 > details")
    assert own.get_attribute("open") is None
    page.locator("#cases table").first.get_by_role("link", name="5", exact=True).click()
    page.wait_for_function("document.querySelector('#case-5 > details').open")
    assert look(MANY, after="#case-7").page.locator("#case-7 > details").get_attribute("open") is not None


def test_all_cases_open_and_close_together(look: Look) -> None:
    page = look(MANY).page
    button = page.locator("#all")
    button.click()
    assert page.locator("details.whole[open]").count() == 12
    button.click()
    assert page.locator("details.whole[open]").count() == 0


def test_a_command_can_be_copied(look: Look) -> None:
    page = look(SHORT, permissions=["clipboard-read", "clipboard-write"]).page
    page.get_by_role("button", name="Copy wmiwh session WORKSTATION6 0x551686").first.click()
    page.wait_for_function("[...document.querySelectorAll('.commands button')][0].textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "wmiwh session WORKSTATION6 0x551686"


def test_without_scripts_all_can_be_read(look: Look) -> None:
    page = look(MANY, java_script_enabled=False).page
    assert page.locator("#theme").is_hidden()
    assert page.locator("#all").is_hidden()
    page.locator("#case-2 summary").first.click()
    assert page.locator("#case-2 h4").first.is_visible()


def test_print_opens_every_case_and_leaves_the_tools_out(look: Look) -> None:
    page = look(MANY, color_scheme="dark").page
    assert page.locator("#case-5 .sides").first.is_hidden()
    page.emulate_media(media="print", color_scheme="dark")
    for number in range(1, 13):
        assert page.locator(f"#case-{number} .sides").first.is_visible()
    assert page.locator("#findings td details ul").first.is_visible()
    for selector in (".bar", ".find", "#all", ".commands button"):
        assert page.locator(selector).first.is_hidden()
    assert page.locator("#findings thead th").first.inner_text().strip() == "Case"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    target = "getComputedStyle(document.querySelector('.refs a'), '::after').content"
    assert "attack.mitre.org" in page.evaluate(target)
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.whole[open]").count() == 12
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.whole[open]").count() == 0


def test_it_prints(look: Look) -> None:
    pdf = look(MANY).page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    assert 5 < pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page/") < 60


def test_a_thousand_findings_open_fast(look: Look) -> None:
    page = look(sample(1000)).page
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert 0 < loaded < 5000
    page.get_by_label("Filter findings").fill("WS0999")
    assert page.locator("#findings .find [role=status]").inner_text() == "1 of 1000 rows"
