"""A data set as it was last found, kept so that an unchanged folder opens at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.data.dataset import Dataset, Problem, ValidationReport
from core.data.rows import not_cached
from core.data.scan import Scan
from core.data.sealed import read_sealed, write_sealed
from core.data.table import categories
from core.data.taxonomy import Taxonomy
from core.files import cache_key, sha256_file

SCHEMA = "manifest-1"
"""To be raised whenever reading or checking a data set changes."""


@dataclass(frozen=True)
class Manifest:
    """The cached result for one root; valid while its files and the contents of `texts` are as they were."""

    cache: Path
    found: Scan
    texts: Sequence[str]
    """The CSV file and vitrine.toml, where there are such files."""

    @property
    def file(self) -> Path:
        """Where it is kept: one file per root, so that the cache does not grow with each change."""
        return self.cache / "datasets" / f"{cache_key(SCHEMA, root=str(self.found.root))}.manifest"

    def key(self) -> str:
        """Over the texts' contents, and the name, size and mtime of every file."""
        return cache_key(SCHEMA, files=self.found.key, texts={name: self._sha(name) for name in self.texts})

    def read(self) -> Dataset | None:
        """The data set as it was, or None when anything has changed or the manifest is damaged."""
        sealed = read_sealed(self.file)
        if sealed is None or sealed[1]["key"] != self.key():
            return None
        table, note = sealed
        taxonomy = Taxonomy.from_json(note["taxonomy"])
        for task in taxonomy.tasks:
            table[task.name] = categories(task, table[task.name].to_numpy())
        return Dataset(
            name=note["name"],
            root=self.found.root,
            table=table,
            taxonomy=taxonomy,
            fingerprint=note["fingerprint"],
            report=ValidationReport(note["rows"], tuple(Problem(**problem) for problem in note["problems"])),
            metadata=tuple(note["metadata"]),
        )

    def write(self, dataset: Dataset) -> Dataset:
        """Keep `dataset`, and return it; with a problem added when there was no room to."""
        table = dataset.table.assign(**{name: dataset.codes(name) for name in dataset.taxonomy.names})
        note = {
            "key": self.key(),
            "name": dataset.name,
            "taxonomy": dataset.taxonomy.to_json(),
            "fingerprint": dataset.fingerprint,
            "rows": dataset.report.rows,
            "problems": [asdict(problem) for problem in dataset.report.problems],
            "metadata": list(dataset.metadata),
        }
        try:
            write_sealed(self.file, table, note)
        except OSError as error:
            told = (*dataset.report.problems, not_cached(str(error)))
            return replace(dataset, report=replace(dataset.report, problems=told))
        return dataset

    def _sha(self, name: str) -> str | None:
        try:
            return sha256_file(self.found.root / name)
        except OSError:  # reading the data set will say what is wrong with it
            return None
