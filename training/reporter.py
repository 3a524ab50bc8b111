"""What a run tells about itself while it works: status, metrics, log lines, TensorBoard events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from core.errors import Cancelled
from training.jobs.identity import boot_id
from training.jobs.progress import BEAT_SECONDS, RunFolder, Status
from training.metrics import EpochRecord
from training.recipe import Recipe
from training.state import Position

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.tensorboard import SummaryWriter


class Reporter:
    """Writes into a run's folder. One that is not `main` (another worker of the same run) stays silent."""

    def __init__(
        self,
        folder: RunFolder,
        recipe: Recipe,
        *,
        attempt: int = 0,
        main: bool = True,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.folder = folder
        self.recipe = recipe
        self.main = main
        self.stop = stop
        self.status = Status(attempt=attempt, state="running", epochs=recipe.epochs)
        self._written = -1e9
        self._clock: tuple[float, float] | None = None
        self._events: SummaryWriter | None = None

    def stage(self, name: str, **facts: Any) -> None:
        """Say what is being done now; `facts` are fields of Status."""
        self._change(force=True, stage=name, **facts)
        self.note(name)

    def note(self, text: str) -> None:
        """A line in the log."""
        if self.main:
            print(text, flush=True)

    def progress(self, done: int, total: int, what: str) -> None:
        """A `core.progress.Progress` for what is long beside the training. Raises Cancelled when told to."""
        if self.stop():
            raise Cancelled("Stopped before the training", fix="Resume to go on.")
        self._change(stage=f"{what} {done:,} / {total:,}" if total else what)

    def step(self, at: Position, steps: int, images_per_second: float) -> None:
        """After each step: a sign of life, at most once a second."""
        share = (at.epoch + at.step / steps) / self.recipe.epochs
        self._change(
            stage="training",
            phase=self.recipe.phases[self.recipe.phase_at(at.epoch)[0]].name,
            epoch=at.epoch,
            step=at.step,
            steps=steps,
            progress=min(1.0, share),
            eta_s=self._eta(share),
            images_per_second=images_per_second,
        )

    def epoch(self, record: EpochRecord) -> None:
        """After each epoch: a line of metrics, a line in the log, and events."""
        if not self.main:
            return
        self.folder.append_metrics(record.to_json())
        self._write_events(record)
        heads = ", ".join(f"{task} {_percent(score.accuracy)}" for task, score in record.val.items())
        star = " *" if record.best else ""
        print(
            f"epoch {record.epoch:3d}/{self.recipe.epochs} {record.phase}: loss {record.train['total']:.4f}, "
            f"validation {heads}; {record.images_per_second:.0f} images/s{star}",
            flush=True,
        )

    def resumed(self, at: Position) -> None:
        """Forget the records of epochs that will be done again."""
        if not self.main:
            return
        if len(self.folder.read_metrics()) > at.epoch:
            self.folder.keep_metrics(at.epoch)
        if at.epoch or at.step:
            self.note(f"Resuming after epoch {at.epoch}, step {at.step}.")

    def end(self, state: str, *, reason: str = "", checkpoint: str = "") -> None:
        """The last word of this run."""
        done = {"progress": 1.0} if state == "finished" else {}
        self._change(
            force=True, state=state, stage="", **done, eta_s=None, reason=reason, checkpoint=checkpoint
        )
        if self._events is not None:
            self._events.close()

    def _eta(self, share: float) -> float | None:
        now = time.monotonic()
        if self._clock is None:
            self._clock = (now, share)
        began, first = self._clock
        return (now - began) * (1 - share) / (share - first) if share > first else None

    def _change(self, *, force: bool = False, **facts: Any) -> None:
        now = time.monotonic()
        beat = self.status.beat + 1
        self.status = Status.model_validate(
            {**self.status.model_dump(), **facts, "beat": beat, "monotonic": now, "boot": boot_id()}
        )
        if self.main and (force or now - self._written >= BEAT_SECONDS):
            self.folder.write_status(self.status)
            self._written = now

    def _write_events(self, record: EpochRecord) -> None:
        if self._events is None:
            from torch.utils.tensorboard import SummaryWriter

            writer: Any = SummaryWriter
            self._events = writer(str(self.folder.events), purge_step=record.epoch)
        events: Any = self._events
        for name, value in _scalars(record).items():
            events.add_scalar(name, value, record.epoch)
        events.flush()


def _scalars(record: EpochRecord) -> dict[str, float]:
    found = {f"train/loss/{name}": value for name, value in record.train.items()}
    for task, scores in record.val.items():
        for name in ("loss", "accuracy", "macro_f1", "weighted_f1"):
            value = getattr(scores, name)
            if value is not None:
                found[f"val/{name}/{task}"] = value
    further = ("backbone_lr", "head_lr", "images_per_second", "memory_mb", "seconds")
    return found | {f"run/{name}": getattr(record, name) for name in further}


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
