"""The known forms of keys and tokens of services. Pure data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from samobot.frozen import frozen

_PLACEHOLDER = re.compile(
    r"(?i)(?:pass(?:word|wd)?|pwd|secret|token|example|change-?me|user(?:name)?|x+|\*+|\.+|…)\Z|[<${%\[]"
)
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
"""Where a key may begin: other than `\\b`, also in `backup_ghp_…` and after an escaped line break."""
_FEWEST_DIGITS = 3
"""Digits of a key in capitals; a variable's name has fewer."""


@frozen
class KeyForm:
    """One form of key.

    Attributes:
        name: What it is called in the mask.
        needles: Literal texts of which one is in every such key: looked for first, as that is cheap.
        pattern: The key; its group `secret`, if it has one, is what is masked.
    """

    name: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where such keys are in a text; placeholders are none."""
        group = "secret" if "secret" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            if not _PLACEHOLDER.match(match[group]):
                yield match.span(group)

    def capital_spans(self, text: str, small: str) -> Iterator[tuple[int, int]]:
        """Yield where such keys are in a text in capitals, which need not be usable but show most of a key.

        Args:
            text: The text.
            small: The same in small letters, of the same length.
        """
        for start, end in self.spans(small):
            key = text[start:end]
            if key.isupper() and sum(map(str.isdigit, key)) >= _FEWEST_DIGITS:
                yield start, end


def _form(name: str, needles: str, pattern: str) -> KeyForm:
    return KeyForm(
        name,
        tuple(needles.split()),
        re.compile(_START + pattern[2:] if pattern.startswith(r"\b") else pattern),
    )


_FORMS = (
    _form("private key", "PRIVATE", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)"),
    _form("Anthropic key", "sk-ant-", r"\bsk-ant-[A-Za-z0-9_-]{8,}"),
    _form("OpenAI key", "sk-", r"\bsk-(?!ant-)(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Z])[A-Za-z0-9_-]{24,}"),
    _form("OpenAI key", "sk-proj- sk-svcacct-", r"\bsk-(?:proj|svcacct)-[A-Za-z0-9_-]{24,}"),
    _form("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{16,}"),
    _form("GitHub token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{16,}"),
    _form("GitLab token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{16,}"),
    _form("AWS key", "AKIA ASIA", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _form("AWS secret", "aws_secret AWS_SECRET SecretAccessKey", r"(?i)(?:aws_secret_access_key|SecretAccessKey)[\"']?\s*[=:]\s*[\"']?(?P<secret>[A-Za-z0-9/+]{30,})"),
    _form("Slack token", "xox xapp-", r"\b(?:xox[a-z]-|xapp-)[A-Za-z0-9-]{10,}"),
    _form("Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/_-]{10,})"),
    _form("Google key", "AIza", r"\bAIza[0-9A-Za-z_-]{30,}"),
    _form("Google token", "ya29. GOCSPX-", r"\b(?:ya29\.|GOCSPX-)[A-Za-z0-9_-]{20,}"),
    _form("Stripe key", "k_live_ k_test_", r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _form("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{30,}"),
    _form("PyPI token", "pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    _form("Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{30,}"),
    _form("SendGrid key", "SG.", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _form("NATS seed", "SU SA SO SN SC SX", r"\bS[UAONCX][A-Z2-7]{56}(?![A-Za-z0-9])"),
    _form("age key", "AGE-SECRET-KEY-", r"\bAGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    _form("OpenRouter key", "sk-or-", r"\bsk-or-[A-Za-z0-9_-]{24,}"),
    _form("Groq key", "gsk_", r"\bgsk_[A-Za-z0-9]{32,}"),
    _form("xAI key", "xai-", r"\bxai-[A-Za-z0-9]{32,}"),
    _form("GitLab token", "glrt- gldt- glptt- glcbt- glsoat- glft-", r"\bgl(?:rt|dt|ptt|cbt|soat|ft)-[A-Za-z0-9_.-]{16,}"),
    _form("Vault token", "hvs. hvb.", r"\bhv[sb]\.[A-Za-z0-9_-]{24,}"),
    _form("Docker token", "dckr_", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    _form("Shopify token", "shpat_ shpss_ shpca_ shppa_", r"\bshp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}"),
    _form("Atlassian token", "ATATT3", r"\bATATT3[A-Za-z0-9_=-]{40,}"),
    _form("Tailscale key", "tskey-", r"\btskey-[a-z]+-[A-Za-z0-9-]{16,}"),
    _form("webhook secret", "whsec_", r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
    _form("Azure key", "AccountKey= SharedAccessKey=", r"\b(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{30,}={0,2})"),
    _form("credentials", "Basic basic", r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?basic\s+(?P<secret>[A-Za-z0-9+/=_-]{8,})"),
    _form("token", "oken oKEN TOKEN -Key -key", r"(?i)\b(?:private-token|job-token|x-api-key|x-auth-token)[\"']?\s*[:=]\s*[\"']?(?P<secret>[A-Za-z0-9._~+/=-]{16,})"),
    _form("DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", r"\bdo[opr]_v1_[a-f0-9]{60,}"),
    _form("Telegram bot token", ":AA", r"(?<!\d)\d{6,12}:AA[A-Za-z0-9_-]{30,}"),
    _form("JWT", "eyJ", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    _form("bearer token", "earer", r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?bearer\s+(?P<secret>[A-Za-z0-9._~+/=-]{16,})"),
    _form("password", "://", r"://[^\s/:@\"'<>]+:(?P<secret>[^\s/@\"'<>]{3,})@"),
)  # fmt: skip

NEEDLES = tuple((needle, form) for form in _FORMS for needle in form.needles)
"""Each literal text that gives a key away, with the form of that key."""

CAPITAL_NEEDLES = tuple(
    (needle.upper(), form)
    for needle, form in NEEDLES
    if needle.islower() and "secret" not in form.pattern.groupindex
)
"""Those of small letters, in capitals: a name may be made of a key."""

WRAPPED_NEEDLES = tuple(
    (needle, form)
    for needle, form in NEEDLES
    if "secret" not in form.pattern.groupindex and form.name != "private key"
)
"""Those of the keys that are also looked for over several lines."""
