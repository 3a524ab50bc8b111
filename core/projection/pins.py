"""Where a query lies on a finished map: one embedding among its neighbours, or the hits of a search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError
from core.projection.pca import components
from core.projection.placement import place
from core.projection.projection import Projection
from core.projection.space import Space

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spot:
    """A place (d,) on a map. `spread` is how far apart the images lie that it is the middle of: their root
    mean square distance from it over that of all images on the map (1: anywhere); 0 for one."""

    place: Floats
    spread: float

    @property
    def gathered(self) -> bool:
        """Whether the images lie together enough for their middle to mean something."""
        return self.spread < 0.5


def place_embedding(found: Space, projection: Projection, embedding: Floats) -> Floats:
    """The place (d,) of an image that is not on the map, from its embedding (D,).

    PCA projects it exactly; on other maps it goes among its nearest images, as those that the layout was not
    computed for. Raises SelectionError where the embedding has another length or no direction.
    """
    length = float(np.linalg.norm(embedding))
    if embedding.shape != found.unit.shape[1:] or not np.isfinite(length) or length == 0:
        raise SelectionError(
            "This image has no place on the map",
            cause=f"Its embedding has the shape {embedding.shape}, or no direction.",
            fix="Use the checkpoint that the map was made with.",
        )
    query = np.asarray(embedding, dtype=np.float32)[None] / np.float32(length)
    if projection.parameters.method == "pca":
        placed = components(found, projection.dimensions).place(query)
    else:
        placed = place(found.unit, projection.coords[found.rows], query)
    return np.asarray(placed[0], dtype=np.float32)


def middle(projection: Projection, rows: npt.NDArray[np.int64]) -> Spot | None:
    """The middle of the images `rows` on the map, and how far apart they lie; None where none has a place."""
    places = projection.coords[rows[projection.shown[rows]]].astype(np.float64)
    if not len(places):
        return None
    everything = projection.coords[projection.shown].astype(np.float64)
    centre = places.mean(axis=0)
    whole = float(np.sqrt(((everything - everything.mean(axis=0)) ** 2).sum(axis=1).mean()))
    apart = float(np.sqrt(((places - centre) ** 2).sum(axis=1).mean()))
    return Spot(centre.astype(np.float32), apart / whole if whole else 0.0)
