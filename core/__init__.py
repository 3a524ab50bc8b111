"""Vitrine's library: data sets, models, cached features, evaluation. It never imports streamlit."""

__version__ = "0.1.0"
