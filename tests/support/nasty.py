"""Markdown as agents really write it, and worse: 300 and more texts that must survive the way into a chat."""

from __future__ import annotations

import random

_PIECES = (
    "`unclosed code", "```", "```py\nx = 1", "~~~\n```\n", "**unclosed bold", "*a **b *c** d*", "***", "__init__.py",
    "snake_case_name and *star*s", "List<String> & Map<K, V>", "<b>raw</b> <script>alert(1)</script>", "<br/>",
    "&amp; &lt; &nbsp; &#0; &#x110000; &copy", "a < b > c && d || e", "[link](https://example.com/a_(b)?x=1&y=\"2\")",
    "[bad](javascript:alert(1))", "[rel](../src/app.py#L3)", "[empty]()", "[](https://example.com)", "![pic](a b.png)",
    "![pic](https://example.com/p.png \"t\")", "<https://example.com/?a=1&b=2>", "<me@example.com>", "[x][y]",
    "[Note]: not a definition", "https://example.com/path_(with)_parens.", "| a | b |\n|---|---|\n| 1 | 2 |",
    "| a |\n|:-:|\n| `x|y` \\| z |", "|a|b|\n|-|-|\n|only one|\n|one|two|three|", "| very long header " * 9 + "|",
    "> quote\n> > deeper\n> > > deepest\nlazy", ">" * 30 + " arrows", "- a\n  - b\n    - c\n      - d", "1. x\n1. y\n7) z",
    "- [ ] todo\n- [x] done\n- [X] done too", "- ```sh\n  ls\n  ```\n- > quoted", "* * *", "# Head `code` **bold**",
    "####### seven", "Setext\n===", "Other\n---", "    indented\n\tcode", "\\*escaped\\* \\`tick\\`", "~~gone~~ ~one~",
    "\ud800 lone", "\udfff\ud83d pair", "nul\x00 bell\x07 esc\x1b[31mred\x1b[0m", "\u202edetcerid\u202c", "\u200b\u200d\ufeff",
    "שלום עולם, مرحبا بالعالم", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇱🇹🇩🇪 1️⃣", "e\u0301\u0323\u0308 Z̸͑a̷l̵g̶o̸", "日本語のテキスト。改行なし",
    "line\r\nwith\rmixed\nends", "tab\there", "para\u2028sep\u2029end", "$x^2$ and $$y$$", "H~2~O ^sup^ ==mark== ||spoiler||",
    ":tada: @user #tag /command", "`` a`b `` ` ` ```` ``` ````", "<details><summary>More</summary>\n\ntext\n</details>",
    "<!-- hidden? -->", "{{ template }} {% x %} ${y}", "A) first\nB) second", "**Suggestion:** A - because",
    "```diff\n-old <x>\n+new & y\n```", "```json {\"a\": 1}\n{}\n```", "``` some words\ncode\n```", "text\\\nhard  \nbreak",
    "=" * 50, "-" * 50, "[" * 30 + "]" * 30, "*" * 41, "(((((", "!" * 20, "a" * 300, "word " * 200, "🏳️‍🌈" * 50,
)  # fmt: skip


def texts() -> list[str]:
    """The corpus; the same at every call."""
    dice = random.Random(20)
    found = ["", " ", "\n\n\n", *_PIECES]
    for _ in range(180):
        separator = dice.choice(["\n", "\n\n", " ", ""])
        found.append(separator.join(dice.choices(_PIECES, k=dice.randint(2, 12))))
    for _ in range(20):
        indent = dice.choice(["> ", "- ", "  ", "1. ", "    "])
        lines = "\n".join(dice.choices(_PIECES, k=8)).split("\n")
        found.append("\n".join(indent + line for line in lines))
    found += [
        "```python\n" + "print('<&>')\n" * 800 + "```",
        "```\n" + "x" * 10_000 + "\n```",
        "```\n" + "\n" * 9_000 + "```",
        "`" + "y" * 10_000 + "`",
        "**" + "bold " * 2_000 + "**",
        "> " + "quoted words " * 900,
        "😀" * 5_000,
        "".join(f"**b{i}** `c{i}` [l{i}](https://example.com/{i}) " for i in range(200)),
        "\n\n".join(f"## Part {i}\n\nSome *text* here, and `code`.\n\n- item\n- item" for i in range(120)),
        "|".join(f"column {i}" for i in range(60)) + "\n" + "|-" * 60 + "|\n" + "|a" * 60,
        "| a | b |\n|---|---|\n" + "| cell & <x> | other |\n" * 300,
        "\n".join("  " * i + "- level" for i in range(60)),
        "> " * 200 + "deep",
        "- " * 200 + "deep",
        "> - " * 100 + "deep",
        "[" * 3_000,
        "![" * 500 + "a" + "](b)" * 500,
        "*a **b " * 700,
        "&" * 5_000,
        "<" * 5_000,
        "\u0301" * 5_000,
        "no-spaces-" * 1_000,
        "Sentence one. Sentence two! Sentence three? " * 300,
    ]
    return found
