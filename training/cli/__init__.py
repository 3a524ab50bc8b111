"""The commands of `python -m training`: each module has NAME, HELP, add_arguments(parser) and run(args)."""
