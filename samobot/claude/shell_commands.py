"""The commands in a line of shell, without running anything: names, arguments, redirections.

Enough of the grammar of POSIX shells and bash to list every program that a line names: lists, pipes, groups, quotes,
substitutions, here-documents. A text that is not understood is reported as such, never guessed at. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from samobot.claude.shell_command import DYNAMIC, Redirection, ShellCommand, UnclearCommandError

_MOST_DEPTH = 8
_MOST_CHARACTERS = 100_000
_SEPARATORS = ("&&", "||", ";;", ";", "|&", "|", "&", "\n", "(", ")")
_REDIRECTION = re.compile(r"(\d*|&)(<<<|<<-|<<|<>|<&|>&|>>|>\||>|<)")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-]|\{)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_KEYWORDS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "time", "{", "coproc"})
_ENDS = frozenset({"fi", "done", "esac", "}", "in"})


def shell_commands(text: str) -> tuple[ShellCommand, ...]:
    """List the commands of a text in their order, with those inside substitutions before the command that uses them.

    Raises:
        UnclearCommandError: It is not understood, or longer than 100,000 characters.
    """
    if len(text) > _MOST_CHARACTERS:
        raise UnclearCommandError("it is too long")
    parser = _Parser(text, 0)
    parser.parse()
    return tuple(parser.found)


@dataclass(slots=True)
class _Draft:
    words: list[str] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)
    assignments: list[str] = field(default_factory=list)


class _Parser:
    """Reads one text; substitutions in it are read by parsers of their own."""

    def __init__(self, text: str, depth: int) -> None:
        if depth > _MOST_DEPTH:
            raise UnclearCommandError("it is nested too deeply")
        self.found: list[ShellCommand] = []
        self._text = text.replace("\\\n", "")
        self._depth = depth
        self._at = 0
        self._draft = _Draft()
        self._piped = False
        self._is_function_name = False
        self._documents: list[tuple[str, bool, bool]] = []

    def parse(self) -> None:
        text = self._text
        while self._at < len(text):
            character = text[self._at]
            if character in " \t\r":
                self._at += 1
            elif character == "#":
                end = text.find("\n", self._at)
                self._at = len(text) if end < 0 else end
            elif (redirection := _REDIRECTION.match(text, self._at)) is not None and not text.startswith(
                ("<(", ">("), redirection.end(1)
            ):
                self._redirect(redirection)
            elif (
                separator := next((each for each in _SEPARATORS if text.startswith(each, self._at)), None)
            ) is not None:
                if text.startswith("((", self._at):  # arithmetic holds no program but in substitutions
                    self._at += 2
                    self._end("(")
                    continue
                self._at += len(separator)
                self._end(separator)
            else:
                self._add(self._word())
        self._end("\n")
        if self._documents:
            raise UnclearCommandError("a here-document has no end")

    def _add(self, word: str) -> None:
        draft = self._draft
        if self._is_function_name:
            self._is_function_name = False
        elif not draft.words and word == "function":
            self._is_function_name = True
        elif not draft.words and _ASSIGNMENT.match(word):
            draft.assignments.append(word)
        elif not draft.words and (word in _KEYWORDS or word in _ENDS):
            pass
        else:
            draft.words.append(word)

    def _end(self, separator: str) -> None:
        draft, self._draft = self._draft, _Draft()
        if draft.words or draft.redirections or draft.assignments:
            self.found.append(
                ShellCommand(
                    tuple(draft.words), tuple(draft.redirections), tuple(draft.assignments), self._piped
                )
            )
        self._piped = separator in ("|", "|&") or (self._piped and not draft.words and separator in "(\n")
        if separator == "\n":
            self._read_documents()

    def _redirect(self, found: re.Match[str]) -> None:
        prefix, operator = found[1], found[2]
        self._at = found.end()
        while self._at < len(self._text) and self._text[self._at] in " \t":
            self._at += 1
        start = self._at
        target = self._word(must=True)
        if operator in ("<<", "<<-"):
            is_quoted = any(sign in self._text[start : self._at] for sign in "'\"\\")
            self._documents.append((target, is_quoted, operator == "<<-"))
        self._draft.redirections.append(Redirection(f"&{operator}" if prefix == "&" else operator, target))

    def _read_documents(self) -> None:
        """Skip the here-documents that begin on this line; one that expands may hold substitutions."""
        documents, self._documents = self._documents, []
        for delimiter, is_quoted, strips_tabs in documents:
            lines: list[str] = []
            while True:
                if self._at >= len(self._text):
                    raise UnclearCommandError("a here-document has no end")
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                self._at = end + 1
                if (line.lstrip("\t") if strips_tabs else line) == delimiter:
                    break
                lines.append(line)
            if not is_quoted:
                self._substitutions_of("\n".join(lines))

    def _substitutions_of(self, text: str) -> None:
        inner = _Parser('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"', self._depth + 1)
        inner.parse()
        self.found += inner.found[:-1]  # the last one is the quoted text itself

    def _word(self, *, must: bool = False) -> str:
        """Read one word; its quotes are taken away."""
        text, start = self._text, self._at
        parts: list[str] = []
        while self._at < len(text):
            character = text[self._at]
            if character in " \t\r\n;|&()<>":
                if character in "<>" and text.startswith("(", self._at + 1):
                    self._at += 1
                    parts.append(self._substitution())
                    continue
                break
            if character == "\\":
                parts.append(text[self._at + 1 : self._at + 2])
                self._at += 2
            elif character == "'":
                parts.append(self._until("'"))
            elif character == '"':
                self._at += 1
                parts.append(self._quoted())
            elif character == "$" and text.startswith("'", self._at + 1):
                self._at += 1
                parts.append(self._ansi())
            elif character == "$" and text.startswith('"', self._at + 1):
                self._at += 1  # translated, if the locale has a translation
            elif character in "$`":
                parts.append(self._dollar())
            else:
                parts.append(character)
                self._at += 1
        if must and self._at == start:
            raise UnclearCommandError("a redirection names no file")
        return "".join(parts)

    def _until(self, quote: str) -> str:
        end = self._text.find(quote, self._at + 1)
        if end < 0:
            raise UnclearCommandError("a quote has no end")
        inner = self._text[self._at + 1 : end]
        self._at = end + 1
        return inner

    def _ansi(self) -> str:
        """Read `$'…'`, in which a backslash may stand for anything."""
        end = self._at + 1
        while end < len(self._text) and self._text[end] != "'":
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            raise UnclearCommandError("a quote has no end")
        inner = self._text[self._at + 1 : end]
        self._at = end + 1
        return DYNAMIC if "\\" in inner else inner

    def _quoted(self) -> str:
        text = self._text
        parts: list[str] = []
        while self._at < len(text):
            character = text[self._at]
            if character == '"':
                self._at += 1
                return "".join(parts)
            if character == "\\":
                following = text[self._at + 1 : self._at + 2]
                parts.append(following if following in '"\\$`' else f"\\{following}")
                self._at += 2
            elif character in "$`":
                parts.append(self._dollar())
            else:
                parts.append(character)
                self._at += 1
        raise UnclearCommandError("a quote has no end")

    def _dollar(self) -> str:
        """Read what begins with `$` or a backtick; the programs in it are listed."""
        text = self._text
        if text[self._at] == "`":
            end = self._at + 1
            while end < len(text) and text[end] != "`":
                end += 2 if text[end] == "\\" else 1
            if end >= len(text):
                raise UnclearCommandError("a backtick has no end")
            self._list(text[self._at + 1 : end].replace("\\`", "`").replace("\\$", "$"))
            self._at = end + 1
            return DYNAMIC
        if text.startswith("$(", self._at):
            self._at += 1
            return self._substitution()
        variable = _VARIABLE.match(text, self._at)
        if variable is None:
            self._at += 1
            return "$"
        if variable[0] == "${":
            name = self._braces(variable.end())
        else:
            self._at, name = variable.end(), variable[0][1:]
        return "~" if name == "HOME" else DYNAMIC

    def _braces(self, start: int) -> str:
        """Read the inside of `${…}`; a default value may hold a substitution."""
        depth, at = 1, start
        while at < len(self._text):
            depth += {"{": 1, "}": -1}.get(self._text[at], 0)
            if depth == 0:
                inner = self._text[start:at]
                if "$(" in inner or "`" in inner:
                    raise UnclearCommandError("a variable's default value runs a command")
                self._at = at + 1
                return inner
            at += 1
        raise UnclearCommandError("a brace has no end")

    def _substitution(self) -> str:
        """Read `(…)` from its parenthesis on; the commands in it are listed."""
        end = _closing(self._text, self._at)
        inner = self._text[self._at + 1 : end]
        self._at = end + 1
        if inner.startswith("(") and _closing(inner, 0) == len(inner) - 1:  # arithmetic
            inner = inner[1:-1]
            if "$(" not in inner and "`" not in inner:
                return DYNAMIC
        self._list(inner)
        return DYNAMIC

    def _list(self, text: str) -> None:
        inner = _Parser(text, self._depth + 1)
        inner.parse()
        self.found += inner.found


def _closing(text: str, start: int) -> int:
    """Find the parenthesis that closes the one at `start`; quotes are passed over."""
    depth, at = 0, start
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 1
        elif character == "'":
            at = text.find("'", at + 1)
            if at < 0:
                break
        elif character == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                if text.startswith("$(", at):
                    at = _closing(text, at + 1)
                elif text[at] == "\\":
                    at += 1
                at += 1
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise UnclearCommandError("a parenthesis has no end")
