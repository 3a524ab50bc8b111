"""`python -m core COMMAND`: the library from the command line. Every module of core.cli is a command."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import Protocol, cast

import core.cli
from core.errors import VitrineError

FAILED = 2
"""Exit code when something was refused; 1 is left to commands that find what they look for, e.g. problems."""
INTERRUPTED = 130


class Command(Protocol):
    """What a module of core.cli offers."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the result is the exit code."""
        ...


def commands() -> list[Command]:
    """The commands there are, by name."""
    names = [module.name for module in pkgutil.iter_modules(core.cli.__path__)]
    modules = [importlib.import_module(f"core.cli.{name}") for name in names]
    found = [cast(Command, module) for module in modules if hasattr(module, "NAME")]
    return sorted(found, key=lambda command: command.NAME)


def make_parser() -> argparse.ArgumentParser:
    """The parser with a sub-parser per command; the command chosen is `args.command`."""
    parser = argparse.ArgumentParser(prog="python -m core", description=core.cli.__doc__)
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands():
        chosen = choices.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.add_arguments(chosen)
        chosen.set_defaults(command=command)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an error of Vitrine's is told as title, cause and fix on stderr, with exit code 2."""
    args = make_parser().parse_args(argv)
    try:
        code = cast(Command, args.command).run(args)
        sys.stdout.flush()
        return code
    except VitrineError as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted; what was finished is kept.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
