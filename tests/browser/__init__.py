"""Tests in Chromium, on a server."""
