"""Tests of pages through AppTest, without a browser."""
