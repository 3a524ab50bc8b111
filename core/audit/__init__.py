"""Audit of a data set: wrong labels, leaks and copies, poor images, weak slices, and what can be learnt at
all."""

from core.audit.report import Audit, audit

__all__ = ["Audit", "audit"]
