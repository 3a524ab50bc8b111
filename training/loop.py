"""The training loop, the same on a CPU, a GPU, several of them, and on a cluster.

    for each epoch:                          which phase decides what is frozen, and the learning rates
        for each batch of images:            augment -> network -> losses -> AdamW -> moving average
        validate, record, keep the best, save the state

Everything random is seeded from (seed, epoch, step), so a run that is stopped between any two steps and goes
on later takes the same steps: bit for bit on a CPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from accelerate.utils import broadcast
from safetensors.torch import save_file
from torch import Tensor

from core.errors import Cancelled, VitrineError
from core.files import atomic_path
from training.assembly import Assembly, seed_everything
from training.augment import Normaliser, stable_seed
from training.jobs.progress import RunFolder
from training.losses import Targets
from training.memory import memory_mb
from training.metrics import EpochRecord, HeadScores, selection_score, validation_scores
from training.reporter import Reporter
from training.sampling import Rows, batch_count, epoch_batches
from training.schedule import rates
from training.state import Position, load_state, save_state
from training.teacher import Knowledge, view_seed

EVAL_BATCH = 64
SAVE_SECONDS = 300.0
"""Within a long epoch the state is saved this often."""


class Diverged(VitrineError):
    """The loss is no longer a number."""


@dataclass
class Loop:
    """One run in progress. `stop` is asked between steps; then the state is saved and Cancelled raised."""

    parts: Assembly
    folder: RunFolder
    reporter: Reporter
    stop: Callable[[], bool] = lambda: False
    at: Position = field(default_factory=Position)

    def __post_init__(self) -> None:
        self.steps = batch_count(len(self.parts.data.train), self.parts.recipe.batch_size)
        self.normalise = Normaliser(self.parts.preprocessing)
        self.sums: dict[str, Tensor] = {}
        self.saved = time.monotonic()

    def resume(self) -> None:
        """Go on from the last saved state, if there is one. Raises JobError where it does not fit."""
        if not self.folder.last.exists():
            return
        self.at = load_state(self.folder.last, self._modules(), self.parts.optimizer)
        self.sums = {name: torch.tensor(value, device=self._device) for name, value in self.at.sums.items()}
        if self.at.scaler and self.parts.accelerator.scaler is not None:
            self.parts.accelerator.scaler.load_state_dict(dict(self.at.scaler))

    def run(self) -> None:
        """Train to the end. Raises Cancelled when told to stop, Diverged, OSError when the disk is full."""
        while not self.at.finished:
            self._epoch()

    # one epoch -------------------------------------------------------------------------------------------

    def _epoch(self) -> None:
        self._enter_phase()
        recipe, data = self.parts.recipe, self.parts.data
        batches = epoch_batches(
            data.train,
            data.primary[data.train],
            recipe.sampler,
            recipe.batch_size,
            recipe.seed,
            self.at.epoch,
        )
        began, images = time.monotonic(), 0
        self.parts.student.train()
        for step in range(self.at.step, len(batches)):
            self._step(self._share(batches[step]), step)
            images += len(batches[step])
            self.at.step = step + 1
            speed = images / max(1e-9, time.monotonic() - began)
            self.reporter.step(self.at, len(batches), speed)
            self._check_stop()
        seconds = time.monotonic() - began
        self._finish_epoch(seconds, images / max(1e-9, seconds))

    def _enter_phase(self) -> None:
        """Freeze or unfreeze; each phase begins with fresh moments, as a new optimizer would."""
        index, within = self.parts.recipe.phase_at(self.at.epoch)
        self.parts.bare.freeze_backbone(self.parts.recipe.phases[index].backbone_lr == 0)
        if within == 0 and self.at.step == 0:
            self.parts.optimizer.state.clear()
        if self.at.step == 0:
            self.sums = {}

    def _share(self, rows: Rows) -> Rows:
        """This worker's part of a batch."""
        accelerator = self.parts.accelerator
        own = rows[accelerator.process_index :: accelerator.num_processes]
        return own if len(own) else rows[:1]

    # one step --------------------------------------------------------------------------------------------

    def _step(self, rows: Rows, step: int) -> None:
        recipe, optimizer = self.parts.recipe, self.parts.optimizer
        rate = rates(recipe, self.at.epoch, step, self.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate.backbone if group["part"] == "backbone" else rate.heads
        inputs, targets = self._batch(rows, step)  # (B, 3, S, S)
        losses = self._backward(inputs, targets, step)
        if recipe.optimizer.clip_norm:
            self.parts.accelerator.clip_grad_norm_(self.parts.bare.parameters(), recipe.optimizer.clip_norm)
        optimizer.step()
        if self.parts.average is not None:
            self.parts.average.update_parameters(self.parts.network)
        for name, value in losses.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        if self._device.type == "cpu" or step % 20 == 0:
            self._check_finite(losses["total"])

    def _backward(self, inputs: Tensor, targets: Targets, step: int) -> dict[str, Tensor]:
        """Gradients of a batch; when the GPU's memory is too small, in halves, with the same result."""
        while True:
            micro = self.at.micro_batch or len(inputs)
            seed_everything(stable_seed("step", self.parts.recipe.seed, self.at.epoch, step, self._rank))
            self.parts.optimizer.zero_grad()
            try:
                return self._accumulate(inputs, targets, micro)
            except torch.OutOfMemoryError:
                if micro == 1:
                    raise
                torch.cuda.empty_cache()
                self.at.micro_batch = max(1, min(micro, len(inputs)) // 2)
                self.reporter.note(f"Out of memory: {self.at.micro_batch} images at once from here on.")

    def _accumulate(self, inputs: Tensor, targets: Targets, micro: int) -> dict[str, Tensor]:
        sums: dict[str, Tensor] = {}
        for start in range(0, len(inputs), micro):
            rows = slice(start, start + micro)
            losses = self._losses(inputs[rows], targets.part(rows))
            self.parts.accelerator.backward(losses["total"])
            for name, value in losses.items():
                detached = value.detach()
                sums[name] = sums[name] + detached if name in sums else detached
        return sums

    def _losses(self, inputs: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Weighted losses by name, and their `total`."""
        projected, maps, logits = self.parts.student(inputs)
        losses = self.parts.loss(logits, targets)
        if self.parts.distillation is not None:
            losses |= self.parts.distillation(projected, maps, logits, targets)
        return {**losses, "total": torch.stack(list(losses.values())).sum()}

    # what a batch is made of -----------------------------------------------------------------------------

    def _batch(self, rows: Rows, step: int) -> tuple[Tensor, Targets]:
        names, images = [int(row) for row in rows], self.parts.bank.batch([int(row) for row in rows])
        seeds, knowledge = self._seeds_and_knowledge(names, images)
        inputs = self.parts.augment(images, seeds)
        labels = {task: codes[torch.from_numpy(rows)] for task, codes in self.parts.data.labels.items()}
        inputs, targets = self._mix(inputs, labels, knowledge, step)
        inputs = inputs.to(self._device, non_blocking=True)
        if self.parts.recipe.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return inputs, targets

    def _seeds_and_knowledge(
        self, rows: list[int], images: list[Tensor]
    ) -> tuple[list[int], Knowledge | None]:
        """A seed for each image's augmentation, and what the teacher says of the picture it gives."""
        seed, epoch = self.parts.recipe.seed, self.at.epoch
        if self.parts.kept is not None:
            views = [(epoch + row) % self.parts.kept.views for row in rows]
            seeds = [view_seed(seed, row, view) for row, view in zip(rows, views, strict=True)]
            return seeds, self.parts.kept(rows, views)
        workers, rank = (
            self.parts.accelerator.num_processes,
            self._rank,
        )  # the place is that in the whole batch
        places = (rank + workers * index for index in range(len(rows)))
        seeds = [
            stable_seed("image", seed, epoch, row, place) for place, row in zip(places, rows, strict=False)
        ]
        if self.parts.teacher is None or self.parts.teacher_augment is None:
            return seeds, None
        return seeds, self.parts.teacher(self.parts.teacher_augment(images, seeds).to(self._device))

    def _mix(
        self, inputs: Tensor, labels: dict[str, Tensor], knowledge: Knowledge | None, step: int
    ) -> tuple[Tensor, Targets]:
        """Mixup (Zhang et al. 2018): each image with another of the batch, one share for all."""
        labels = {task: codes.to(self._device) for task, codes in labels.items()}
        norms, alpha = self._norms(labels), self.parts.recipe.augmentation.mixup
        embedding = knowledge.embedding.to(self._device) if knowledge else None
        maps = {name: v.to(self._device) for name, v in knowledge.maps.items()} if knowledge else {}
        logits = {task: v.to(self._device) for task, v in knowledge.logits.items()} if knowledge else None
        targets = Targets(
            labels,
            len(inputs),
            norms,
            teacher_embedding=embedding,
            teacher_maps=maps,
            teacher_logits=logits,
        )
        if not alpha:
            return inputs, targets
        draw = np.random.default_rng(
            stable_seed("mixup", self.parts.recipe.seed, self.at.epoch, step, self._rank)
        )
        share = float(draw.beta(alpha, alpha))
        partner = torch.from_numpy(draw.permutation(len(inputs)))
        partner_labels = {task: codes[partner.to(self._device)] for task, codes in labels.items()}
        mixed = Targets(
            labels,
            len(inputs),
            norms,
            partner_labels,
            self._norms(partner_labels),
            share,
            None if embedding is None else _blend(embedding, partner, share),
            {name: _blend(value, partner, share) for name, value in maps.items()},
            None
            if logits is None
            else {task: _blend(value, partner, share) for task, value in logits.items()},
        )
        return _blend(inputs, partner, share), mixed

    def _norms(self, labels: dict[str, Tensor]) -> dict[str, Tensor]:
        """The denominators of this worker's losses. Gradients are averaged over workers: where each takes the
        mean of all workers' weights, the average is the gradient of the whole batch."""
        own = self.parts.loss.norms(labels)
        if self.parts.accelerator.num_processes == 1:
            return own
        shared = self.parts.accelerator.reduce(torch.stack(list(own.values())), reduction="mean")
        return dict(zip(own, shared.unbind(), strict=True))

    # the end of an epoch ---------------------------------------------------------------------------------

    def _finish_epoch(self, seconds: float, speed: float) -> None:
        recipe, epoch = self.parts.recipe, self.at.epoch
        train = {name: float(value) / self.steps for name, value in self.sums.items()}
        self._check_finite(torch.tensor(train["total"]))
        scores = self._validate()
        score = self._agreed(selection_score(scores[self.parts.data.taxonomy.primary.name], recipe.select_by))
        best = self.at.best_score is None or score > self.at.best_score
        rate = rates(recipe, epoch, self.steps - 1, self.steps)
        record = EpochRecord(
            epoch=epoch + 1,
            phase=recipe.phases[recipe.phase_at(epoch)[0]].name,
            steps=(epoch + 1) * self.steps,
            train=train,
            val=scores,
            score=score,
            best=best,
            backbone_lr=rate.backbone,
            head_lr=rate.heads,
            seconds=seconds,
            images_per_second=speed,
            memory_mb=memory_mb(self._device),
        )
        if best:
            self.at.best_score, self.at.best_epoch = score, epoch + 1
            self._save_best()
        self.reporter.epoch(record)
        waited = epoch + 1 - self.at.best_epoch
        self.at.epoch, self.at.step, self.sums = epoch + 1, 0, {}
        self.at.finished = self.at.epoch >= recipe.epochs or 0 < recipe.patience <= waited
        self._save()

    def _agreed(self, score: float) -> float:
        """The main worker's score: batch statistics differ between workers, and all must stop together."""
        if self.parts.accelerator.num_processes == 1:
            return score
        return float(broadcast(torch.tensor(score, dtype=torch.float64, device=self._device)))

    @torch.no_grad()
    def _validate(self) -> dict[str, HeadScores]:
        rows, network = self.parts.data.val, self.parts.evaluated
        network.eval()
        found: dict[str, list[np.ndarray]] = {task: [] for task in self.parts.data.taxonomy.names}
        for start in range(0, len(rows), EVAL_BATCH):
            pixels = torch.stack(
                self.parts.eval_bank.batch([int(row) for row in rows[start : start + EVAL_BATCH]])
            )
            with self.parts.accelerator.autocast():
                _, logits = network(self.normalise(pixels.to(self._device)))
            for task, value in logits.items():
                found[task].append(value.float().cpu().numpy())
        codes = {
            task: value[torch.from_numpy(rows)].numpy() for task, value in self.parts.data.labels.items()
        }
        stacked = {task: np.concatenate(parts) for task, parts in found.items()}
        for value in stacked.values():
            self._check_finite(torch.from_numpy(value).sum())
        return validation_scores(stacked, codes, self.parts.data.taxonomy)

    # saving and stopping ---------------------------------------------------------------------------------

    def _modules(self) -> dict[str, torch.nn.Module]:
        modules: dict[str, torch.nn.Module] = {"student": self.parts.bare}
        return modules if self.parts.average is None else {**modules, "average": self.parts.average}

    def _save(self) -> None:
        self.at.sums = {name: float(value) for name, value in self.sums.items()}
        scaler = self.parts.accelerator.scaler
        self.at.scaler = dict(scaler.state_dict()) if scaler is not None else {}
        if self.parts.accelerator.is_main_process:
            save_state(self.folder.last, self.at, self._modules(), self.parts.optimizer)
        self.saved = time.monotonic()

    def _save_best(self) -> None:
        if self.parts.accelerator.is_main_process:
            state = self.parts.evaluated.state_dict()
            tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
            with atomic_path(self.folder.best) as temporary:
                save_file(tensors, temporary)

    def _check_stop(self) -> None:
        asked = torch.tensor(float(self.stop()), device=self._device)
        if self.parts.accelerator.num_processes > 1:
            asked = self.parts.accelerator.reduce(asked, reduction="sum")
        if bool(asked > 0):
            self._save()
            raise Cancelled("Stopped, and the state is saved.", fix="Resume to go on from here.")
        if time.monotonic() - self.saved > SAVE_SECONDS:
            self._save()

    def _check_finite(self, value: Tensor) -> None:
        if not math.isfinite(float(value)):
            raise Diverged(
                "The training diverged",
                cause=f"The loss is not a number in epoch {self.at.epoch + 1}, step {self.at.step + 1}.",
                fix="Lower the learning rates, set optimizer.clip_norm to 1, or use precision fp32.",
            )

    @property
    def _device(self) -> torch.device:
        device: torch.device = self.parts.accelerator.device
        return device

    @property
    def _rank(self) -> int:
        return int(self.parts.accelerator.process_index)


def _blend(values: Tensor, partner: Tensor, share: float) -> Tensor:
    return share * values + (1 - share) * values[partner.to(values.device)]
