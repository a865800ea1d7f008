"""Binary content as one line: its media type, its size and its SHA-256."""

from __future__ import annotations

import binascii
import hashlib
import io
import re
from typing import Any
from urllib.parse import unquote

from .lazy_regex import lazy

DATA_URL = ";base64,"
"""What every data URL in base64 has in it, looked for before the pattern is."""

_DATA_URL = lazy(
    r"data:([\w.+-]{1,80}\\?/[\w.+-]{1,80})?(?:;[\w.+-]{1,80}=[^\s;,\"'<>]{1,80}){0,9}"
    # with the slashes that some JSON writers escape, and the signs that URLs escape
    rf"{DATA_URL}((?:[A-Za-z0-9+/_-]+|\\/|%[23][0-9A-Fa-f])+={{0,2}})"
)
_CONTROL = lazy(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # not a terminal's ESC
_BINARY = (bytes, bytearray, memoryview, io.BytesIO)
_URL_SAFE = str.maketrans("-_", "+/")
_UNKNOWN = "application/octet-stream"
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
)


def raw_bytes(value: Any, kind: type) -> bytes | None:
    """Return what a value holds that is binary by its type, or None."""
    if not issubclass(kind, _BINARY):
        return None
    if issubclass(kind, io.BytesIO):
        return io.BytesIO.getvalue(value)  # reading it would move its position
    return memoryview(value).tobytes()


def binary_text(raw: bytes) -> str:
    """Return bytes as the text that they are, or else as one line about them."""
    if not _CONTROL.search(raw):
        try:
            return raw.decode()
        except UnicodeDecodeError:
            pass
    return _line(_media_type(raw), raw)


def without_data_urls(text: str) -> str:
    """Return text with each data URL in base64 as one line about its content."""
    return _DATA_URL.sub(_data_url_line, text)


def is_image(value: Any, kind: type) -> bool:
    """Whether it is like an image of Pillow's: pixels with a mode and two sizes."""
    return hasattr(kind, "tobytes") and hasattr(value, "mode") and len(value.size) == 2


def image_text(image: Any) -> str:
    """Return an image as one line about its pixels, which are not encoded for it."""
    width, height = image.size
    name = getattr(image, "format", None)
    media = f"image/{name.lower()}" if isinstance(name, str) else "image"
    return _line(f"{media}, {image.mode}, {width} x {height} pixels", image.tobytes())


def _data_url_line(found: re.Match[str]) -> str:
    media, digits = (part and part.replace("\\/", "/") for part in found.groups())
    digits = unquote(digits).rstrip("=").translate(_URL_SAFE)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]  # one alone is no byte
    raw = binascii.a2b_base64(digits + "=" * (-len(digits) % 4))
    return _line(media or _media_type(raw), raw)


def _line(media: str, raw: bytes) -> str:
    return f"<{media}, {len(raw):,} bytes, sha256 {hashlib.sha256(raw).hexdigest()}>"


def _media_type(raw: bytes) -> str:
    return next(
        (media for place, magic, media in _MAGIC if raw.startswith(magic, place)),
        _UNKNOWN,
    )
