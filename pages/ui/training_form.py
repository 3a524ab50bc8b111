"""The form of a new run: data, backbone, recipe, and the few fields people change."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from core.errors import VitrineError
from core.models.backbones import BACKBONES
from pages.ui import resources
from pages.ui.access import Access
from pages.ui.errors import guard, show
from pages.ui.text import md
from pages.ui.training_check import draw_check
from training.launch import make_spec
from training.recipe import IMAGENET, Distillation, Optimizer, Part, Phase, Recipe
from training.recipes import load_recipe, recipe_names
from training.spec import RunSpec

NO_PARENT = "(none)"
NAME_HELP = "Of the checkpoint: lower-case letters, digits, dot, dash and underscore."
START_HELP = "Go on from that checkpoint's backbone, and from its heads where the labels are the same."
TEACHER_HELP = (
    "Its features are learnt; of a checkpoint with the same labels also its probabilities. "
    "Best one trained on this data, such as that of the quick recipe."
)
PARENT_HELP = "At the end, a paired verdict against this checkpoint on the test split."


def form_open() -> bool:
    """Whether the form is what the visitor came for: not where the link names a run to watch."""
    return "run" not in st.query_params


def draw_form(access: Access) -> None:
    """Choose, check, launch."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        spec = _choices()
    with right, guard():
        draw_check(spec, access)


def _choices() -> RunSpec | None:
    """The run that the form describes, or None where a field is refused (the reason is shown)."""
    with st.container(horizontal=True):
        data = st.selectbox("Data set", list(resources.datasets()), key="training.data")
        st.session_state.setdefault("training.recipe", "two_phase")
        recipe = load_recipe(st.selectbox("Recipe", recipe_names(), key="training.recipe"))
        backbone = st.selectbox("Backbone", sorted(BACKBONES), key="training.backbone")
    st.caption(md(recipe.about))
    usual = _default_name(data, recipe.name)
    with st.container(horizontal=True):
        name = st.text_input("Name", key="training.name", placeholder=usual, max_chars=64, help=NAME_HELP)
        parents = [NO_PARENT, *(checkpoint.name for checkpoint in resources.checkpoints()[0])]
        parent = st.selectbox("Compare with", parents, key="training.parent", help=PARENT_HELP)
    start = _start(parent, backbone)
    overrides = _fields(recipe)
    try:
        return make_spec(
            resources.settings(),
            name=name or usual,
            data=resources.datasets()[data],
            backbone=backbone,
            recipe=recipe.name,
            overrides=overrides,
            parent=None if parent == NO_PARENT else parent,
            start_from_parent=start,
        )
    except VitrineError as error:
        show(error)
        return None


def _start(parent: str, backbone: str) -> bool:
    """Whether the run starts from the weights of the checkpoint that it is compared with, where they fit."""
    fits = any(c.name == parent and c.card.backbone == backbone for c in resources.checkpoints()[0])
    return fits and st.checkbox("Start from its weights", key="training.start", help=START_HELP)


def _fields(recipe: Recipe) -> dict[str, Any]:
    """The few fields people change, as dotted overrides, each within the recipe's own bounds."""
    found: dict[str, Any] = {}
    with st.container(horizontal=True):
        for index, phase in enumerate(recipe.phases):
            label, path = f"Epochs: {phase.name}", f"phases.{index}.epochs"
            found[path] = _number(recipe, path, label, phase.epochs, (1, 1000), Phase)
        found["batch_size"] = _number(
            recipe, "batch_size", "Batch size", recipe.batch_size, (2, 2048), Recipe
        )
        found["image_size"] = st.number_input(
            "Image size",
            32,
            512,
            None,
            step=32,
            key=f"training.{recipe.name}.image_size",
            placeholder="auto",
            help=_about(Recipe, "image_size"),
        )
        if recipe.distillation is not None:
            found["distillation.teacher"] = _teacher(recipe, recipe.distillation)
    with st.popover("More", icon=":material/tune:"):
        for index, phase in enumerate(recipe.phases):
            for field, title in (("backbone_lr", "Backbone rate"), ("head_lr", "Head rate")):
                path, label = f"phases.{index}.{field}", f"{title}: {phase.name}"
                found[path] = _number(recipe, path, label, getattr(phase, field), (0.0, 0.1), Phase)
        found["optimizer.method"] = _optimizer(recipe)
        found["batch_statistics"] = _statistics(recipe)
        found["patience"] = _number(recipe, "patience", "Patience", recipe.patience, (0, 1000), Recipe)
        found["seed"] = _number(recipe, "seed", "Seed", recipe.seed, (0, 2**31 - 1), Recipe)
    return found


def _teacher(recipe: Recipe, distillation: Distillation) -> str:
    """The network that is learnt from: ImageNet's, or one of the checkpoints."""
    names = [IMAGENET, *(checkpoint.name for checkpoint in resources.checkpoints()[0])]
    key = f"training.{recipe.name}.teacher"
    usual = names.index(distillation.teacher) if distillation.teacher in names else 0
    shown = {IMAGENET: "EfficientNet-Lite0 (ImageNet)"}
    return st.selectbox(
        "Teacher", names, usual, key=key, format_func=lambda n: shown.get(n, n), help=TEACHER_HELP
    )


def _optimizer(recipe: Recipe) -> str:
    """AdamW, or Muon beside it."""
    key = f"training.{recipe.name}.optimizer"
    shown = {"adamw": "AdamW", "muon": "Muon"}
    usual = list(shown).index(recipe.optimizer.method)
    return st.selectbox(
        "Optimizer",
        list(shown),
        usual,
        key=key,
        format_func=shown.__getitem__,
        help=_about(Optimizer, "method"),
    )


def _statistics(recipe: Recipe) -> str:
    """Which statistics batch norm goes by while the backbone is fine-tuned."""
    key = f"training.{recipe.name}.batch_statistics"
    options = ("train", "frozen")
    usual = options.index(recipe.batch_statistics)
    return st.selectbox("Batch norm", options, usual, key=key, help=_about(Recipe, "batch_statistics"))


def _number(
    recipe: Recipe, path: str, label: str, value: Any, bounds: tuple[Any, Any], model: type[Part]
) -> Any:
    """A bounded number with the recipe's own help.

    Its usual value is the widget's, not put into the session: a browser that opens "More" later would miss it
    and show the least value that is allowed.
    """
    key = f"training.{recipe.name}.{path}"
    fine = {"step": 1e-5, "format": "%.6f"} if isinstance(value, float) else {"step": 1}
    return st.number_input(
        label, *bounds, value, key=key, help=_about(model, path.rsplit(".", 1)[-1]), **fine
    )


def _default_name(data: str, recipe: str) -> str:
    text = re.sub(r"[^a-z0-9._-]+", "-", f"{data}-{recipe}".lower()).strip("-._")[:56] or "run"
    taken = {checkpoint.name for checkpoint in resources.checkpoints()[0]}
    return next(name for name in (text, *(f"{text}-{n}" for n in range(2, 10_000))) if name not in taken)


def _about(model: type[Part], field: str) -> str | None:
    return model.model_fields[field].description
