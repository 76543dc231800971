"""Keeps from the agent what samobot and the user have written: held before an iteration, restored after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from samobot.config.project_guard import VOID_KIND, ProjectGuard
from samobot.session import baseline, tamper, tracked_files
from samobot.session.files import move_aside
from samobot.session.folder import usurpers
from samobot.session.journal import EventName
from samobot.session.journal_copy import remove_requests, restore_copy
from samobot.session.log_copy import restore_logs
from samobot.session.overview_guard import OverviewGuard
from samobot.session.vault import edit_lock
from samobot.session.vault_copy import VaultCopy, copy_vault, restore_vault
from samobot.worker.session_files import SessionFiles


class AgentGuard:
    """Guards one session and its project's file.

    Args:
        files: The session's files.
        project_files: Guards `.samocode` files.
        guarded: The `.samocode` files that the agent must not change.

    Attributes:
        restored: What the last iteration changed of the tracked files although it only observes, as a sentence; empty
            if nothing.
    """

    def __init__(self, files: SessionFiles, project_files: ProjectGuard, guarded: tuple[Path, ...]) -> None:
        self._files = files
        self._project_files = project_files
        self._guarded = guarded
        self._overview = OverviewGuard(files.folder)
        self._vault: VaultCopy | None = None
        self._usurpers: set[str] = set()
        self.restored = ""

    @property
    def lost(self) -> str | None:
        """That the session's folder was deleted or moved away, and how to recover; None if it was not."""
        return self._overview.lost

    def settle(self, project_file: Path) -> None:
        """Restore a `.samocode` file that the agent of a killed worker has changed."""
        self._project_files.settle(project_file)

    def release(self) -> None:
        """Restore what was held before, if an earlier iteration did not get to that."""
        if self._files.folder.vault.baseline.exists():
            self.revert()

    def hold(self, observed: Path | None, patch: Path) -> None:
        """Remember what the agent must not change.

        Args:
            observed: The working directory, if the iteration only observes.
            patch: Where changes of its tracked files are kept.
        """
        folder = self._files.folder
        self.restored = ""
        tracked = tracked_files.hold(observed, patch) if observed is not None else None
        if tracked is not None:
            tracked_files.save(tracked, folder.vault.tracked)
        self._overview.hold()
        self._usurpers = usurpers(folder)
        with edit_lock(folder.path):
            baseline.save(folder)
            self._vault = copy_vault(folder.vault)
        for file in self._guarded:
            self._project_files.begin(file, folder)

    def end(self) -> tuple[str, ...]:
        """Undo what the agent was not allowed to write; returns a sentence for each thing that was undone."""
        deleted = restore_vault(self._vault) if self._vault is not None else None
        if deleted is not None:
            self._void(tamper.VoidKind.RECORDS, deleted)
        reverted = (*(() if deleted is None else (deleted,)), *self.revert())
        for file in self._guarded:
            moved = self._project_files.end(file, self._files.folder)
            if moved is not None:
                self._void(VOID_KIND, moved)
                reverted += (moved,)
        return reverted

    def revert(self, *, after_crash: bool = False) -> tuple[str, ...]:
        """Undo what was written in samobot's or the user's name, report it, and accept edits by hand again.

        Args:
            after_crash: Whether the last worker may have been killed.

        Returns:
            A sentence for each thing that was undone.
        """
        folder = self._files.folder
        found: tuple[str, ...] = ()
        lost: tuple[tamper.Voided, ...] = ()
        if after_crash and not folder.vault.baseline.exists():
            with edit_lock(folder.path):
                lost = tamper.replace_lost_baseline(folder)
        is_open = folder.vault.baseline.exists()
        if is_open:
            found = self._overview.restore()
            if self._overview.lost is not None:
                found = ()  # the end of the run reports this; not twice
        folder.prepare()
        if is_open and self._overview.lost is None:
            found += tuple(self._hide_usurpers())
        logs = (*restore_logs(folder, after_crash=after_crash), restore_copy(folder, after_crash=after_crash))
        found += tuple(each for each in (*logs, remove_requests(folder)) if each is not None)
        for sentence in found:
            self._void("overview", sentence)
        with edit_lock(folder.path):
            voided = (*lost, *tamper.revert(folder))
        for item in voided:
            self._void(item.kind, item.detail)
        self._restore_tracked_files()
        with edit_lock(folder.path):
            if folder.vault.baseline.exists():
                baseline.close(folder)
        return found + tuple(item.detail for item in voided)

    def _hide_usurpers(self) -> Iterator[str]:
        """Move away what was made under the session's name: an address would find it instead."""
        folder = self._files.folder
        for name in sorted(usurpers(folder) - self._usurpers):
            aside = move_aside(folder.path.parent / name, folder.logs)
            yield (
                f"A folder {name} was made, which would have taken the place of this session; it is _logs/{aside.name} "
                "now. If that was you, move it back while no iteration runs."
            )

    def _restore_tracked_files(self) -> None:
        text = tracked_files.settle(self._files.folder.vault.tracked)
        if text is not None:
            self.restored = text
            self._files.log(EventName.NOTICE, text=text)
            self._files.flow(text)

    def _void(self, kind: str, sentence: str) -> None:
        self._files.log(EventName.VOID, kind=kind, detail=sentence)
        self._files.flow(f"Void: {sentence}")
