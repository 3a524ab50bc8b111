"""Figures as pure functions of results; a page chooses, a figure draws. Nothing here imports torch."""
