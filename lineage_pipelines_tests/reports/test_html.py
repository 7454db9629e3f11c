"""A page in a real browser: readable, self-contained, and deaf to whatever stands in a name."""

import base64
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, Request, sync_playwright

from lineage_pipelines.queries.diff.changes import Bins
from lineage_pipelines.queries.diff.version_diff import VersionDiff
from lineage_pipelines.reports.document import Document, Pictures
from lineage_pipelines.reports.figures import (
    Bar,
    Bars,
    Distributions,
    Dumbbell,
    Dumbbells,
    Picture,
    Shares,
)
from lineage_pipelines.reports.render.html import render_html
from lineage_pipelines.reports.views.diff import diff_document, page_document
from lineage_pipelines_tests.reports import diffs

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
INERT = {"script", "iframe", "object", "embed", "img", "base", "form", "link", "video", "audio", "image", "use"}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
LEAST = 5e-324
GREATEST = 1.7e308


def page_of(diff: VersionDiff, *, full: bool = False) -> str:
    return render_html(diff_document(diff, full=True) if full else page_document(diff))


class Tags(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        folder = tmp_path_factory.mktemp("browser")
        context = playwright.chromium.launch_persistent_context(
            str(folder), executable_path=CHROMIUM, headless=True, args=QUIET, viewport=None
        )
        try:
            yield context
        finally:
            context.close()


class Watched:
    """A page that is open, and what it tried."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.said: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", self._request)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def load(self, file: Path, text: str) -> None:
        file.write_text(text, encoding="utf-8")
        self.page.goto(file.as_uri())


@pytest.fixture
def watched(browser: BrowserContext) -> Iterator[Watched]:
    page = browser.new_page()
    yield Watched(page)
    page.close()


@pytest.mark.parametrize("word", diffs.HOSTILE)
def test_a_browser_does_nothing_that_a_name_asks_for(watched: Watched, tmp_path: Path, word: str) -> None:
    file = tmp_path / "page.html"
    watched.load(file, page_of(diffs.every_hostile(word), full=True))
    page = watched.page
    for summary in page.locator("summary").all()[:5]:
        summary.click()
    assert watched.dialogs == []
    assert watched.said == []
    assert watched.requests == [file.as_uri()]
    found = set(page.evaluate("[...document.querySelectorAll('*')].map(e => e.localName)"))
    assert not found & INERT
    names = set(page.evaluate("[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"))
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "src", "xlink:href"})
    links = page.evaluate("[...document.querySelectorAll('[href]')].map(e => e.getAttribute('href'))")
    assert all(re.fullmatch("#s[0-9]+", link) for link in links), "to sections of the page alone"
    assert page.evaluate("document.querySelectorAll('style').length") == 1


def test_the_policy_allows_the_pages_own_style_and_nothing_more(watched: Watched, tmp_path: Path) -> None:
    text = page_of(diffs.rich())
    watched.load(tmp_path / "page.html", text)
    assert watched.page.evaluate("getComputedStyle(document.querySelector('.ranked')).listStyleType") == "none"
    slipped = (
        "<script>window.ran = 1</script><p id='in' style='color: red' onclick='window.ran = 1'>x</p><img src='x.png'>"
    )
    (tmp_path / "x.png").write_bytes(PIXEL)
    watched.load(tmp_path / "page.html", text.replace("</main>", f"{slipped}</main>"))
    watched.page.locator("#in").click()
    assert watched.page.evaluate("window.ran") is None
    assert watched.page.evaluate("getComputedStyle(document.querySelector('#in')).color") != "rgb(255, 0, 0)"
    assert watched.page.evaluate("document.images[0].naturalWidth") == 0
    watched.load(tmp_path / "page.html", f"<html>{slipped}")
    assert watched.page.evaluate("[window.ran, document.images[0].naturalWidth]") == [1, 1], "what it would have done"


@pytest.mark.parametrize("name", ["rich", "identical", "otherwise_measured", "hostile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(watched: Watched, tmp_path: Path, name: str, scheme: str) -> None:
    watched.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    watched.page.set_viewport_size({"width": 360, "height": 800})
    watched.load(tmp_path / "page.html", page_of(getattr(diffs, name)(), full=True))
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 360
    paper, ink = watched.page.evaluate(
        "(s => [s.backgroundColor, s.color].map(c => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)))"
        "(getComputedStyle(document.body))"
    )
    assert (paper > ink) == (scheme == "light")


def test_a_patch_that_is_folded_is_printed_whole(watched: Watched, tmp_path: Path) -> None:
    watched.load(tmp_path / "page.html", page_of(diffs.rich(), full=True))
    last = watched.page.get_by_text("line 19")
    assert not last.is_visible()
    watched.page.emulate_media(media="print")
    assert last.is_visible()


def test_the_page_begins_with_the_changes_and_has_a_picture_of_each_column() -> None:
    text = page_of(diffs.rich())
    assert text.index("What differs") < text.index("The two versions")
    assert re.findall(r"<figcaption>([^< ]+)", text)[:4] == [
        "temp",
        "carrier",
        "late",
        "Metrics",
    ]  # not of wind_speed, which hardly moved
    assert "Contribution to the difference of roc_auc" in text
    assert page_of(diffs.rich()) == text, "the same answer is the same page"


def test_a_page_has_few_kinds_of_element() -> None:
    tags = Tags(page_of(diffs.rich()))
    assert tags.tags <= {
        *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "h1", "h2", "h3", "p", "br"),
        *("table", "caption", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "ol", "li", "span", "div", "pre"),
        *("details", "summary", "figure", "figcaption", "svg", "text", "path", "line", "rect", "circle", "footer"),
        *("nav", "ul", "a"),
    }
    assert "style" not in tags.attributes


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 0.0), (-GREATEST, GREATEST), (0.0, LEAST), (float("nan"), float("inf"))]
)
def test_a_picture_of_odd_numbers_has_none_that_svg_does_not_know(low: float, high: float) -> None:
    pictures: list[Picture] = [
        Distributions("a", "", Bins(low=low, high=high, counts=(1, 0, 3)), Bins(low=high, high=high, counts=(0,))),
        Distributions("b", "", None, None),
        Shares("c", "", [("x", 0.0, 0.0), ("y", low, high)]),
        Dumbbells("d", [Dumbbell("x", low, high, 0.1), Dumbbell("y", high, high)]),
        Bars("e", [Bar("x", low, "?"), Bar("y", high, "?", good=True)]),
        Bars("f", []),
    ]
    svg = "".join(re.findall(r"<svg.*?</svg>", render_html(Document([Pictures(pictures)])), re.DOTALL))
    places = re.findall(r'(?:x|y|x1|x2|y1|y2|cx|cy|width|height|d)="([^"]*)"', svg)
    assert places
    assert all(re.fullmatch(r"[-MLZ. \d]*", place) for place in places)
