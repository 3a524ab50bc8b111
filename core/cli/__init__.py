"""Vitrine's commands: one module each, with NAME, HELP, add_arguments(parser) and run(args) -> exit code."""
