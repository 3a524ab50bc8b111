"""The dispatcher's door: `python -m training.dispatch --runs cache/runs [--detach]`."""

from training.jobs.dispatcher import main

if __name__ == "__main__":
    raise SystemExit(main())
