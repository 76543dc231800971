"""Which screenshots of a session reach the chat."""

from __future__ import annotations

from pathlib import Path

from samobot.fleet.pictures import MOST_PICTURES, PICTURE_BYTES, list_pictures
from tests.support.session_folder import make_session

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def test_listed_pictures_that_are_real_are_shown(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    secret = tmp_path / "id_rsa.png"
    secret.write_bytes(PNG)
    contents = {
        "01-15-14:05-screen-login.png": PNG,
        "photo.JPG": b"\xff\xd8\xff\xe0" + bytes(40),
        "page.webp": b"RIFF\0\0\0\0WEBPVP8 " + bytes(40),
        "unlisted.png": PNG,
        "01-15-14:05-screen-unlisted.png": PNG,
        "words.png": b"not a picture",
        "empty.png": b"",
        "01-15-14:05-from-you-a.png": PNG,
        "huge.png": PNG + bytes(PICTURE_BYTES),
    }
    for name, data in contents.items():
        (session.path / name).write_bytes(data)
    (session.path / "link.png").symlink_to(secret)
    (session.path / "folder.png").mkdir()
    names = [*contents, "link.png", "folder.png", "gone.png", "../id_rsa.png", str(secret)]
    listed = "".join(f"- `{name}`: what it shows\n" for name in names if "unlisted" not in name)
    session.overview.write_text(f"{session.overview.read_text()}\n## Files\n{listed}")
    assert [each.name for each in list_pictures(session)] == [
        "01-15-14:05-screen-login.png",
        "photo.JPG",
        "page.webp",
        "01-15-14:05-screen-unlisted.png",
    ]


def test_no_more_than_an_album_holds(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    names = [f"{number}.png" for number in range(30)]
    for name in names:
        (session.path / name).write_bytes(PNG)
    listed = "".join(f"- {name}: x\n" for name in names)
    session.overview.write_text(f"{session.overview.read_text()}\n## Files\n{listed}")
    assert [each.name for each in list_pictures(session)] == names[:MOST_PICTURES]
