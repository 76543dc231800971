from __future__ import annotations

from samobot.telegram.outbound.albums import ALBUM_BYTES, albums
from samobot.telegram.outbound.post_content import Attachment
from tests.support.cases import for_each


@for_each(
    ("sizes", "counts"),
    [
        ([], []),
        ([1], [1]),
        ([1] * 10, [10]),
        ([1] * 11, [10, 1]),
        ([ALBUM_BYTES // 2] * 3, [2, 1]),
        ([ALBUM_BYTES, 1, 1], [1, 2]),
    ],
)
def test_pictures_fill_as_few_albums_as_telegram_allows(sizes: list[int], counts: list[int]) -> None:
    pictures = [Attachment(f"{number}.png", bytes(size), photo=True) for number, size in enumerate(sizes)]
    found = albums(pictures)
    assert [len(each.album) or 1 for each in found] == counts
    assert sum(len(each.data) for each in found) == sum(sizes)
    assert all(len(each.data) <= ALBUM_BYTES for each in found)
    names = [name for each in found for name, _ in each.album or [(each.name, 0)]]
    assert names == [each.name for each in pictures]
