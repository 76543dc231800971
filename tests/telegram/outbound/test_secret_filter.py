"""What is masked in everything that leaves for a chat, and what is not."""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import hashlib
import io
import lzma
import re
import uuid
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.sandbox.botapi.parse_mode import parse_html
from samobot.system.packed_file import unpacked
from samobot.telegram.markup.html import to_plain
from samobot.telegram.outbound import wrapped_key
from samobot.telegram.outbound.encoded_text import Derived, joined
from samobot.telegram.outbound.secret_filter import SecretFilter
from samobot.telegram.outbound.text_windows import WINDOW, windows
from tests.support.cases import for_each

LETTERS = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8"


def fake(length: int) -> str:
    """Letters and digits that look like a key."""
    return (LETTERS * 10)[:length]


PRIVATE = "-----BEGIN {}PRIVATE KEY-----\nMIIEvQIBADANBgkq\n" + fake(64) + "\n-----END {}PRIVATE KEY-----"
FORMS = {
    "Anthropic key": [f"sk-ant-api03-{fake(90)}", f"sk-ant-oat01-{fake(40)}-_x", f"sk-ant-{fake(8)}"],
    "OpenAI key": [f"sk-proj-{fake(48)}", f"sk-{fake(48)}"],
    "GitHub token": [f"ghp_{fake(36)}", f"gho_{fake(36)}", f"ghs_{fake(36)}", f"github_pat_{fake(22)}_{fake(59)}"],
    "GitLab token": [f"glpat-{fake(20)}"],
    "AWS key": ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"],
    "Slack token": ["xoxb-123456789012-" + fake(24), "xoxp-" + fake(30), "xapp-1-" + fake(30)],
    "Google key": [f"AIza{fake(35)}"],
    "Google token": [f"ya29.{fake(60)}"],
    "Stripe key": [f"sk_live_{fake(24)}", f"rk_test_{fake(24)}"],
    "npm token": [f"npm_{fake(36)}"],
    "PyPI token": [f"pypi-AgEIcHlwaS5vcmc{fake(60)}"],
    "NATS seed": ["SU" + ("ABCDEFGH234567" * 5)[:56]],
    "OpenRouter key": ["sk-or-v1-" + "0123456789abcdef" * 4],
    "Vault token": [f"hvs.{fake(30)}"],
    "Docker token": [f"dckr_pat_{fake(27)}"],
    "Hugging Face token": [f"hf_{fake(34)}"],
    "SendGrid key": [f"SG.{fake(22)}.{fake(43)}"],
    "Telegram bot token": [f"123456789:AA{fake(33)}"],
    "JWT": [f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{fake(43)}"],
    "private key": [PRIVATE.format("", ""), PRIVATE.format("RSA ", "RSA "), PRIVATE.format("OPENSSH ", "OPENSSH "),
                    f"-----BEGIN EC PRIVATE KEY-----\n{fake(64)}\n{fake(30)}"],
}  # fmt: skip


@for_each(("name", "secret"), [(name, each) for name, found in FORMS.items() for each in found])
@for_each("around", ["{}", "key={}\nnext", "`{}`, and", "https://x.test/?k={}&a=1", '{{"a":"{}"}}'])
def test_filter_masks_a_key_of_a_known_form_wherever_it_stands(name: str, secret: str, around: str) -> None:
    masked = SecretFilter().mask(around.format(secret))
    assert f"[{name} masked]" in masked
    body = secret.splitlines()[-1] if "\n" in secret else secret
    assert body[-8:] not in masked


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"aws_secret_access_key = {fake(40)}", "aws_secret_access_key = "),
        (f'"SecretAccessKey": "{fake(40)}"', '"SecretAccessKey": "'),
        ("postgres://shop:h0rse-battery@db.test/shop", "postgres://shop:"),
        (f"curl -H 'Authorization: Bearer {fake(30)}' x", "curl -H 'Authorization: Bearer "),
        (f"https://hooks.slack.com/services/T000/B000/{fake(24)}", "https://hooks.slack.com/services/"),
    ],
)
def test_filter_masks_only_the_secret_part_of_a_setting(text: str, kept: str) -> None:
    masked = SecretFilter().mask(text)
    assert masked.startswith(kept + "[")
    assert fake(16) not in masked
    assert "h0rse" not in masked


@pytest.mark.parametrize(
    "text",
    [
        hashlib.sha256(b"x").hexdigest(),
        hashlib.sha1(b"x", usedforsecurity=False).hexdigest(),
        f"sha512-{base64.b64encode(hashlib.sha512(b'x').digest()).decode()}",
        str(uuid.UUID(int=2**127 + 5)),
        "commit 4c2f3e1 on feature/sk-antlers-for-the-long-named-component-library",
        'class="sk-folding-cube sk-cube-grid-and-more-of-the-same"',
        "the variable ANTHROPIC_API_KEY is not set; TELEGRAM_BOT_TOKEN neither",
        "postgres://user:password@localhost/db, redis://user:${REDIS_PASSWORD}@cache, http://a:<password>@b",
        "ssh://git@github.com:22/owner/repo.git and http://[::1]:8080/x@y",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "eyJ is how a JWT begins; eyJhbGciOiJIUzI1NiJ9 alone is a header",
        "12:30:45:AA, 2026-11-28 00:00:00, ratio 123456:AAA",
        "AKIA is the prefix of access keys, AKIAXX is none",
        "ghp_ and github_pat_ are prefixes; xoxb- is Slack's; sk-ant- ours",
        "def hf_load(model): npm_config_registry = os.environ['npm_config_registry']",
        "SG.update(1).value, dop_v1_ is DigitalOcean's",
    ],
)
def test_filter_leaves_hashes_ids_and_talk_about_keys_alone(text: str) -> None:
    assert SecretFilter().mask(text) == text
    assert SecretFilter().mask_html(text.replace("<", "&lt;").replace(">", "&gt;")) == text.replace(
        "<", "&lt;"
    ).replace(">", "&gt;")


def test_filter_masks_values_of_the_environment_by_their_names() -> None:
    values = {
        "ANTHROPIC_API_KEY": "plain-but-secret-value-42",
        "SHOP_DB_PASSWORD": "correct horse battery",
        "GITHUB_TOKEN": "abc$&?def~ghi",
        "DEPLOY_KEY": "/home/ann/.ssh/key",
        "TOKENIZERS_PARALLELISM": "false-or-something",
        "SHORT_TOKEN": "abc",
        "NUMBER_KEY": "123456789",
    }
    secrets = SecretFilter.of(values, "42:token-for-tests")
    text = " | ".join([*values.values(), "42:token-for-tests", "abc%24%26%3Fdef~ghi"])
    masked = secrets.mask(text)
    assert masked == (
        "[ANTHROPIC_API_KEY masked] | [SHOP_DB_PASSWORD masked] | [GITHUB_TOKEN masked] | /home/ann/.ssh/key"
        " | false-or-something | abc | 123456789 | [TELEGRAM_BOT_TOKEN masked] | [GITHUB_TOKEN masked]"
    )


def test_filter_masks_a_known_value_whose_end_was_cut_off() -> None:
    value = fake(60)
    masked = SecretFilter({"API_KEY": value}).mask(f"the key is {value[:30]}… and {value[:20]}")
    assert masked == "the key is [API_KEY masked]… and [API_KEY masked]"


def test_filter_masks_a_key_that_styles_divide_and_one_in_a_link() -> None:
    key = f"ghp_{fake(36)}"
    source = f'a <b>{key[:10]}</b><i>{key[10:]}</i> z <a href="https://x.test/?t={key}">link</a> <code>{key}</code>'
    masked = SecretFilter().mask_html(source)
    assert key not in masked
    assert to_plain(masked) == "a [GitHub token masked] z link [GitHub token masked]"
    parse_html(masked)


@given(st.text(), st.text(), st.sampled_from(["b", "i", "u", "code", "pre", "blockquote"]))
def test_masking_keeps_the_remainder_of_a_message(before: str, after: str, tag: str) -> None:
    key = f"ghp_{fake(36)}"
    from samobot.telegram.markup.rich_text import clean, escape

    source = f"{escape(before)}<{tag}>.{key}.</{tag}>{escape(after)}"
    masked = parse_html(SecretFilter().mask_html(source)).text
    expected = parse_html(f"{escape(before)}<{tag}>.[GitHub token masked].</{tag}>{escape(after)}").text
    assert masked == expected
    assert clean(key) not in masked


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "latin-1"])
def test_filter_finds_keys_in_files_of_any_encoding(encoding: str) -> None:
    data = f"é API=sk-ant-{fake(40)}\n".encode(encoding)
    assert SecretFilter().names_in(data) == ("Anthropic key",)
    masked = SecretFilter().mask_data(data)
    assert (masked is not None) == (encoding == "utf-8")
    assert masked is None or fake(20).encode() not in masked


def test_filter_leaves_a_file_without_keys_as_it_is() -> None:
    for data in (b"", b"\x89PNG\r\n\0\0", "plain ü".encode(), bytes(range(256)) * 100):
        assert SecretFilter().mask_data(data) is data


HIDDEN: dict[str, Callable[[str], str]] = {
    "invisible characters": "\u200b".join,
    "a soft hyphen": lambda key: key[:9] + "\u00ad" + key[9:],
    "percent escapes": lambda key: "".join(f"%{ord(each):02X}" for each in key),
    "some percent escapes": lambda key: key.replace("-", "%2D").replace("_", "%5f").replace(":", "%3A"),
    "JSON escapes": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "HTML escapes": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "full-width forms": lambda key: "".join(chr(ord(each) + 0xFEE0) for each in key),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a line": lambda key: base64.b64encode(f"user:{key}\n".encode()).decode(),
    "base64 over lines": lambda key: (
        base64.encodebytes(f"{'- ' * 30}{key} and more".encode()).decode().strip()
    ),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "two lines": lambda key: key[:14] + "\n" + key[14:],
    "many lines": lambda key: "\n    ".join(key[at : at + 12] for at in range(0, len(key), 12)),
    "quoted lines": lambda key: f"> {key[:15]}\n> {key[15:]}",
    "a continued line": lambda key: key[:15] + "\\\n" + key[15:],
    "joined strings": lambda key: f'"{key[:14]}"\n + "{key[14:]}"',
    "strings side by side": lambda key: f'"{key[:14]}" "{key[14:]}"',
    "strings added on a line": lambda key: f"'{key[:14]}' + '{key[14:]}'",
    "Markdown": lambda key: f"{key[:9]}**{key[9:15]}**`{key[15:]}`",
    "escaped Markdown": lambda key: re.sub(r"([-_.+=])", r"\\\1", key[:9] + "**" + key[9:]),
    "tags": lambda key: f"{key[:9]}<b>{key[9:15]}</b>{key[15:]}",
    "terminal colours": lambda key: f"{key[:9]}\x1b[31m{key[9:15]}\x1b[0m{key[15:]}",
    "comments": lambda key: f"# {key[:15]}\n# {key[15:]}",
    "comments of C": lambda key: f"// {key[:15]}\n// {key[15:]}",
    "numbered lines": lambda key: f"1: {key[:15]}\n2: {key[15:]}",
    "a carriage return": lambda key: f"{key[:15]}\r{key[15:]}",
    "a line separator": lambda key: f"{key[:15]}\u2028{key[15:]}",
    "a blank line": lambda key: f"{key[:15]}\n\n{key[15:]}",
    "a numbered list": lambda key: f"1. {key[:15]}\n2. {key[15:]}",
    "a table": lambda key: f"| 1 | {key[:15]} |\n| 2 | {key[15:]} |",
    "an array of C": lambda key: ", ".join(f"0x{ord(each):02x}" for each in key),
    "the numbers of a buffer": lambda key: ",\n  ".join(str(ord(each)) for each in key),
    "hexadecimal over lines": lambda key: "\n".join(re.findall(".{1,16}", key.encode().hex())),
    "base64 twice": lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
    "base64 of UTF-16": lambda key: base64.b64encode(key.encode("utf-16-le")).decode(),
    "base64 with invisible characters": lambda key: "\u200b".join(base64.b64encode(key.encode()).decode()),
    "hexadecimal with spaces": lambda key: key.encode().hex(" "),
    "hexadecimal with colons": lambda key: key.encode().hex(":"),
    "octal escapes": lambda key: "".join(f"\\{ord(each):03o}" for each in key),
    "escapes in braces": lambda key: "".join(f"\\u{{{ord(each):x}}}" for each in key),
    "percent escapes twice": lambda key: "".join(f"%25{ord(each):02X}" for each in key),
    "quoted-printable": lambda key: "".join(f"={ord(each):02X}" for each in key),
    "mathematical letters": lambda key: "".join(
        chr(0x1D5BA + ord(each) - 97) if "a" <= each <= "z" else each for each in key
    ),
    "Cyrillic letters": lambda key: key.translate(str.maketrans("aopcAEKM", "аорсАЕКМ")),
    "combining marks": "\u0301".join,
    "a space that does not break": lambda key: key[:9] + "\u00a0" + key[9:],
}


def dump(data: bytes) -> str:
    """What xxd prints."""
    rows = [data[at : at + 16] for at in range(0, len(data), 16)]
    return "\n".join(f"{at * 16:08x}: {row.hex(' ', -2)}  {row.decode()}" for at, row in enumerate(rows))


LAID_OUT: dict[str, Callable[[str], str]] = {
    "lines of 5": lambda key: "\n".join(key[at : at + 5] for at in range(0, len(key), 5)),
    "lines of 3": lambda key: "\n".join(key[at : at + 3] for at in range(0, len(key), 3)),
    "a column": "\n".join,
    "xxd": lambda key: dump(key.encode()),
}


@for_each("lay_out", list(LAID_OUT))
def test_filter_masks_a_key_in_narrow_lines_and_dumps(lay_out: str) -> None:
    value = "correct/horse+battery=42"
    for key in (f"ghp_{fake(36)}", f"123456789:AA{fake(33)}", value):
        masked = SecretFilter({"SHOP_PASSWORD": value}).mask(f"see:\n{LAID_OUT[lay_out](key)}\nand so on")
        assert " masked]" in masked
        assert LAID_OUT[lay_out](key)[-8:] not in masked


@for_each("change", [str.upper, str.lower, str.swapcase])
def test_filter_masks_a_known_value_in_letters_of_another_case(change: Callable[[str], str]) -> None:
    values = {"SHOP_TOKEN": fake(30), "SHORT_KEY": "hunter2Zz", "PASS_PHRASE_KEY": "correct/Horse+battery=42"}
    for value in values.values():
        for around in ("{}", "feature/{}-x", "İ {}\n"):
            masked = SecretFilter(values).mask(around.format(change(value)))
            assert " masked]" in masked
            assert change(value)[-6:] not in masked


@for_each("secret", [found[0] for name, found in FORMS.items() if name not in (
    "private key", "JWT", "OpenRouter key", "SendGrid key",
)])  # fmt: skip
def test_filter_masks_a_key_that_a_name_or_an_escaped_line_break_leads_into(secret: str) -> None:
    for around in ("backup_{}.txt", 'out: "done\\n{}"', "step\\t{}"):
        assert secret[-8:] not in SecretFilter().mask(around.format(secret)), around


@for_each(
    "name", ["Anthropic key", "OpenAI key", "GitHub token", "GitLab token", "Slack token", "Stripe key"]
)
def test_filter_masks_a_key_in_capitals(name: str) -> None:
    assert SecretFilter().mask(f"export {FORMS[name][0].upper()}").startswith(f"export [{name} masked]")


@for_each("dash", "\u2010\u2011\u2013\u2014\u2212\ufe63\uff0d")
def test_filter_masks_a_key_with_typographic_dashes(dash: str) -> None:
    assert fake(16) not in SecretFilter().mask(f"sk-ant-api03-{fake(60)}".replace("-", dash))


@for_each("hide", ["invisible characters", "base64", "Cyrillic letters"])
def test_filter_masks_a_disguised_key_on_a_button(hide: str) -> None:
    key = f"sk-ant-api03-{fake(60)}"
    keyboard = {"inline_keyboard": [[{"text": HIDDEN[hide](key), "callback_data": "a:1"}]]}
    masked = SecretFilter().mask_json(keyboard)["inline_keyboard"][0][0]
    assert masked["text"].rstrip("=") == "[Anthropic key masked]"
    assert masked["callback_data"] == "a:1"


@for_each("text", [
    "the start of a token\nghp_\nis four letters\nand\nno\nkey\nat\nall",
    "tokens begin with `ghp_` **and** `sk-ant-`; <b>glpat-</b>xyz",
    "GITHUB_PAT_FOR_THE_DEPLOYMENT and NPM_CONFIG_REGISTRY; SK-PROJ-IS-A-PREFIX-OF-KEYS-2",
    "[100, 200, 300, 400, 500, 600, 700, 800, 900, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]",
    "['ghp_' 'gho_'] + ['npm_'] and a=2D, x=41, 50%25, \\101 and \u0301",
    "00000000: 6e6f 7468 696e 6720 6f66 2074 6861 7420  nothing of that ",
    "Обычная строка, naïve café, 𝒙 + 𝒚 and 10\u00a0€",
])  # fmt: skip
def test_filter_leaves_ordinary_signs_letters_and_dumps_alone(text: str) -> None:
    assert SecretFilter({"SHOP_PASSWORD": "correct/horse+battery=42"}).mask(text) == text


def test_each_line_of_a_run_is_read_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def counted(text: str) -> Derived:
        nonlocal read
        read += len(text)
        return joined(text)

    monkeypatch.setattr(wrapped_key, "joined", counted)
    text = "AKIA1bC2\n" * 4000
    SecretFilter().mask(text)
    assert len(text) <= read <= 4 * len(text)


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_filter_masks_a_key_that_is_escaped_wrapped_or_encoded(hide: Callable[[str], str]) -> None:
    value = "correct/horse+battery=42"
    filtering = SecretFilter({"SHOP_PASSWORD": value})
    keys = [next(iter(FORMS[name])) for name in FORMS if name not in ("private key", "JWT")]
    for key in (*keys, value):
        hidden = hide(key)
        for around in ("{}", "see {} there", "foo\n{}\nbar baz"):
            masked = filtering.mask(around.format(hidden))
            assert " masked]" in masked, (key, masked)
            left = sum(hidden[at : at + 8] in masked for at in range(len(hidden) - 8))
            assert left <= 5, (key, masked)
            assert masked.endswith(around.format("")[-3:].strip("o\n"))


@pytest.mark.parametrize("offset", range(6))
@pytest.mark.parametrize(
    "encode",
    [
        lambda data: base64.b32encode(data).decode(),
        lambda data: base64.b32encode(data).decode().lower(),
        lambda data: binascii.b2a_uu(data).decode(),
        lambda data: data.decode()[::-1],
    ],
    ids=["base32", "base32 in small letters", "uuencode", "reversed"],
)
def test_filter_masks_a_known_value_in_an_encoding_that_only_the_value_gives_away(
    encode: Callable[[bytes], str], offset: int
) -> None:
    filtering = SecretFilter({"SHOP_PASSWORD": "correct/horse+battery=42"})
    hidden = encode(b"user: "[:offset] + b"correct/horse+battery=42, yes")
    assert "[SHOP_PASSWORD masked]" in filtering.mask(f"see {hidden} there")
    assert filtering.names_in(hidden.encode()) == ("SHOP_PASSWORD",)


def test_filter_leaves_encoded_texts_without_keys_alone() -> None:
    harmless = "\n".join(hide("a text of which nothing is secret, however long") for hide in HIDDEN.values())
    assert SecretFilter({"A_TOKEN": fake(30)}).mask(harmless) == harmless


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/notes.txt", data)
    return buffer.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "zip": zipped,
    "zip in a zip": lambda data: zipped(zipped(data)),
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "PDF": lambda data: b"%PDF-1.7\n1 0 obj\nstream\n" + zlib.compress(data) + b"\nendstream",
    "PNG": lambda data: b"\x89PNG\r\n\x1a\n\0\0\0\x10zTXtComment\0\0" + zlib.compress(data, 9),
}


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_filter_finds_keys_in_what_is_compressed_and_holds_the_file_back(
    pack: Callable[[bytes], bytes],
) -> None:
    data = pack(f"the key is ghp_{fake(36)}, and more text\n".encode() * 3)
    filtering = SecretFilter(unpack=unpacked)
    assert filtering.names_in(data) == ("GitHub token",)
    assert filtering.mask_data(data) is None
    harmless = pack(b"nothing of that sort\n" * 3)
    assert filtering.mask_data(harmless) is harmless
    for cut in (10, len(data) // 2, len(data) - 1):
        filtering.names_in(data[:cut])  # a damaged one is no error


def test_a_file_that_unpacks_to_more_than_memory_is_read_to_a_limit() -> None:
    bomb = zipped(zipped(bytes(40 * 1024 * 1024)))
    assert SecretFilter(unpack=unpacked).names_in(bomb) == ()


def test_secrets_that_touch_are_masked_to_the_end_of_both() -> None:
    text = 'p&ss<word>"quoted"\n+-----BEGIN PRIVATE KEY-----\n+MIIabc\n+-----END PRIVATE KEY-----\n+after'
    masked = SecretFilter({"DB_PASSWORD": 'p&ss<word>"quoted"'}).mask(text)
    assert "MIIabc" not in masked
    assert masked.endswith("\n+after")


@for_each("filler", ["x" * 79 + "\n", "x"])
def test_secrets_at_the_ends_of_windows_are_masked_whole_and_once(filler: str) -> None:
    token = f"{fake(10)}:{fake(35)}"
    long = PRIVATE.format("", "")
    secrets = SecretFilter({"TOKEN": token})
    for place in (WINDOW - 40, WINDOW - 4, WINDOW - 16 * 1024 - 20):
        before = (filler * (place // len(filler) + 1))[:place] + " "
        after = " " + (filler * (40_000 // len(filler)))
        assert secrets.mask(f"{before}{token}{after}") == f"{before}[TOKEN masked]{after}"
        assert fake(64) not in secrets.mask(f"{before}{long}{after}")


def test_windows_cover_a_text_and_overlap() -> None:
    text = "".join(chr(97 + number % 26) for number in range(5 * WINDOW + 11))
    end = 0
    for start, window in windows(text):
        assert text.startswith(window, start)
        assert start == 0 or end - start >= 8_000
        assert len(window) <= WINDOW
        end = start + len(window)
    assert end == len(text)
