"""The feature store. Importing it imports neither torch nor lancedb."""

from core.store.alignment import IndexStatus
from core.store.feature_store import FeatureStore
from core.store.predictions import Predictions

__all__ = ["FeatureStore", "IndexStatus", "Predictions"]
