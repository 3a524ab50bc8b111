"""The README says what is: its commands exist, its settings are all there are, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from core.__main__ import make_parser
from core.settings import HOME

README = (HOME / "README.md").read_text("utf-8")
INTERNAL = {"VITRINE_PROGRESS"}
"""Set by the app for the commands it starts; not for people."""


def shell_lines() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", [line for line in shell_lines() if " -m core " in line])
def test_commands_of_core_are_accepted(line: str) -> None:
    words = shlex.split(line)
    make_parser().parse_args(words[words.index("core") + 1 :])


@pytest.mark.parametrize("line", [line for line in shell_lines() if " -m training " in line])
def test_commands_of_training_exist(line: str) -> None:
    words = shlex.split(line)
    command = words[words.index("training") + 1]
    assert (HOME / "training" / "cli" / f"{command}.py").is_file()


def test_targets_of_make_exist() -> None:
    makefile = (HOME / "Makefile").read_text("utf-8")
    wanted = {line.split()[1] for line in shell_lines() if line.startswith("make ")}
    wanted |= set(re.findall(r"`make ([a-z-]+)`", README))
    assert wanted >= {"app", "test", "test-slow", "bench"}
    assert wanted <= set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))


def test_every_setting_is_documented() -> None:
    sources = [path for part in ("core", "training", "pages") for path in (HOME / part).rglob("*.py")]
    read = {
        name for path in sources for name in re.findall(r"\bVITRINE_[A-Z_]*[A-Z]", path.read_text("utf-8"))
    }
    assert read - INTERNAL == set(re.findall(r"`(VITRINE_[A-Z_]+)`", README))


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(link: str) -> None:
    assert (HOME / Path(link)).exists()
