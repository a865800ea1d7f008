"""Binary content becomes one line that tells one from another."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import ClassVar

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.model.values import as_data, as_text

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1_290
DIGITS = base64.b64encode(PNG).decode()
URL = f"data:image/png;base64,{DIGITS}"


def line(media: str, raw: bytes) -> str:
    return f"<{media}, {len(raw):,} bytes, sha256 {hashlib.sha256(raw).hexdigest()}>"


PNG_LINE = line("image/png", PNG)


@pytest.mark.parametrize(
    ("start", "media"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a\x01", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        (b"ID3\x04\0", "audio/mpeg"),
        (b"\xff\xfb\x90\0", "audio/mpeg"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"PK\x03\x04\x14\0", "application/zip"),
        (b"\xff", "application/octet-stream"),
        (b"text\0", "application/octet-stream"),
        (b"caf\xe9", "application/octet-stream"),
    ],
)
def test_bytes_that_are_no_text_say_what_they_are(start: bytes, media: str) -> None:
    assert as_text({"file": start}) == json.dumps({"file": line(media, start)})
    assert as_data([bytearray(start)]) == [line(media, start)]
    assert as_data(memoryview(start)) == line(media, start)


def test_long_bytes_that_are_text_stay_text() -> None:
    assert as_data("é".encode() * 20_000) == "é" * 20_000


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "![a plot]({}) What does the plot show?",
        '<img src="{}" alt="x"> What?',
        '{{"url": "{}", "detail": "high"}}',
        "See {}\nand {}, please.",
        "({}) a;b,c",
    ],
)
def test_a_data_url_leaves_what_is_around_it(around: str) -> None:
    text = around.format(URL, URL)
    assert as_text(text) == around.format(PNG_LINE, PNG_LINE)
    assert as_data({"content": [text]}) == {
        "content": [around.format(PNG_LINE, PNG_LINE)]
    }


@pytest.mark.parametrize(
    ("url", "media"),
    [
        (URL.replace("image/png", ""), "image/png"),
        (URL.replace("/png;", "/svg+xml;charset=utf-8;"), "image/svg+xml"),
        (URL.replace("/png;", '/png;name=a.png;x="y";')[:22], None),
        (URL.replace("/", "\\/"), "image/png"),
        (URL.rstrip("="), "image/png"),
        (URL[:22] + base64.urlsafe_b64encode(PNG).decode(), "image/png"),
        (URL[:22] + DIGITS.replace("+", "%2B").replace("=", "%3D"), "image/png"),
        ("data:image/png;base64,", None),
        ("data:text/html,<h1>hello</h1>", None),
        ("see data:image/png;base64,<the image>", None),
    ],
)
def test_data_urls_are_known_however_they_are_written(
    url: str, media: str | None
) -> None:
    assert as_text(url) == (line(media, PNG) if media else url)


@given(st.binary(min_size=1), st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_data_url_of_any_bytes_says_their_size_and_digest(
    raw: bytes, before: str
) -> None:
    url = f"data:x/y;base64,{base64.b64encode(raw).decode()}"
    assert as_text(f"{before} {url} after") == f"{before} {line('x/y', raw)} after"


def test_a_question_after_an_image_tells_two_cases_apart() -> None:
    one, other = (
        as_text([{"image_url": {"url": URL}}, {"text": f"What is {what}?"}])
        for what in ("red", "blue")
    )
    assert one != other
    assert json.loads(one)[1] == {"text": "What is red?"}


@pytest.mark.parametrize("evil", ["data:", "data:a/b;c=d", ";c=d", "data:a/b;base64,"])
def test_what_only_looks_like_data_urls_takes_no_time(evil: str) -> None:
    assert len(as_text(f"data:a/b{evil * 100_000};base64,")) <= 100_000


class Picture:
    """As Pillow's: no hook may save or show it."""

    mode = "RGB"
    size = (4, 3)
    format: ClassVar[str | None] = None

    def tobytes(self) -> bytes:
        return b"\xff\0\0" * 12


class Opened(Picture):
    format = "PNG"


def test_an_image_is_told_by_its_pixels() -> None:
    shown = line("image, RGB, 4 x 3 pixels", Picture().tobytes())
    assert as_data([Picture()]) == [shown]
    assert as_data(Opened()) == shown.replace("image", "image/png")


def test_an_image_that_can_not_be_read_is_shown() -> None:
    class Closed(Picture):
        def tobytes(self) -> bytes:
            raise ValueError("Operation on closed image")

        def __repr__(self) -> str:
            return "<Closed mode=RGB>"

    assert as_data(Closed()) == "<Closed mode=RGB>"
