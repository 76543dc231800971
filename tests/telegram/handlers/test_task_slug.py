from __future__ import annotations

import pytest

from samobot.session.folder import clean_name
from samobot.telegram.handlers.task_slug import task_slug


@pytest.mark.parametrize(
    ("task", "slug"),
    [
        ("add dark mode to the settings page", "add-dark-mode-settings"),
        ("Fix the login bug", "fix-login-bug"),
        ("Please could you fix it's typo?", "fix-typo"),
        ("Bitte füge eine Begrüßung hinzu", "fuege-begruessung-hinzu"),
        ("Добавь тёмную тему", "dobav-temnuyu-temu"),
        ("ログインを直す", "task"),
        ("the", "the"),
        ("x" * 100, "x" * 32),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_task_slug_is_a_valid_name_of_the_first_significant_words(task: str, slug: str) -> None:
    assert task_slug(task) == slug
    assert clean_name(slug) == slug
