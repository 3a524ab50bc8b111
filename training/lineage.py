"""Where a network's weights come from, told on the card of what starts from it."""

from __future__ import annotations

from core.models.card import FROZEN_STEP, Card


def lineage(card: Card) -> str:
    """What a checkpoint's weights have been through, in words: the pretraining of what starts from it."""
    recipe = card.recipe
    sets = ", ".join([card.data.name, *card.data.further])
    taught = (recipe.get("distillation") or {}).get("teacher")
    if recipe.get("backbone") == "frozen":
        how = f"{recipe.get('kind', 'heads')}, {FROZEN_STEP}"
    else:
        side = recipe.get("image_size") or card.preprocessing.size
        how = f"{recipe.get('name', 'unknown recipe')}, {len(card.history)} epochs at {side} pixels"
    step = f"'{card.name}' ({how}{f', taught by {taught}' if taught else ''}) on {sets}"
    return f"{card.pretraining}; then {step}"
