"""Models of the locks."""

from __future__ import annotations

from property_tests.models.waits import PERMIT, Differences, Wait, Waiting

#: Brought by a wait for the context that acquire() gives, not for that of the lock itself.
ACQUIRED = "acquired"


class PermitsModel(Waiting):
    """A Lock or a semaphore: ``value`` permits, of which no more than ``bound`` may be there.

    ``refusal`` is the name of what a release beyond the bound raises.
    """

    def __init__(self, value: int, bound: int | None, refusal: str, differences: Differences) -> None:
        super().__init__(differences, lines=1)
        (self.line,) = self.lines
        self.value = value
        self.bound = bound
        self.refusal = refusal

    def acquire(self, wait: Wait) -> None:
        """Begin an acquire()."""
        if self.value:
            self.value -= 1
            self.give(wait, PERMIT)
        else:
            self.enter(self.line, wait)

    def release(self) -> str | None:
        """Give a permit back; return what that raises."""
        if self.bound is not None and self.value >= self.bound:
            return self.refusal
        self.take_back(PERMIT)
        return None

    def take_back(self, gift: str) -> None:
        """Give a permit to the next in line, or keep it."""
        if not self.serve(self.line, gift):
            self.value += 1

    def leave_context(self, wait: Wait) -> None:
        """Release, and end with what that raises, if it does."""
        refused = self.release()
        if refused and wait.brought == ACQUIRED and "lock.context-error" in self.differences:
            refused = "ValueError"
        assert wait.outcome is not None
        wait.end(wait.outcome if refused is None else ("raised", refused))


class EventModel(Waiting):
    """An Event."""

    def __init__(self, differences: Differences) -> None:
        super().__init__(differences, lines=1)
        (self.line,) = self.lines
        self.line.all_together = True
        self.is_set = False

    def wait(self, wait: Wait) -> None:
        """Begin a wait()."""
        if self.is_set:
            self.give(wait, None)
        else:
            self.enter(self.line, wait)

    def set(self) -> None:
        """Set the flag."""
        self.is_set = True
        while self.serve(self.line, None):
            pass

    def clear(self) -> None:
        """Clear the flag."""
        self.is_set = False


class ConditionModel(Waiting):
    """A Condition."""

    def __init__(self, differences: Differences) -> None:
        super().__init__(differences, lines=1, when_late=("gave", False))
        (self.line,) = self.lines

    def wait(self, wait: Wait) -> None:
        """Begin a wait()."""
        self.enter(self.line, wait)

    def notify(self, n: int) -> None:
        """Wake the first ``n``."""
        for _ in range(n):
            self.serve(self.line, True)

    def notify_all(self) -> None:
        """Wake all."""
        self.notify(len(self.line.waits))

    def take_back(self, gift: bool) -> None:
        """Notify another one."""
        self.notify(1)
