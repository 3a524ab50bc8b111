"""Evidence for one prediction: where the network looked, and which training images it resembles.

`core.explain.gradcam` and `core.explain.service` import torch inside their functions only; everything that is
handed on here is safe for a page that only reads the store.
"""

from core.explain.neighbours import Neighbour, nearest
from core.explain.worker import Answer, Worker

__all__ = ["Answer", "Neighbour", "Worker", "nearest"]
