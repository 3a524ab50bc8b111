"""A stand-in for the model worker's process, for faults that the real one must not have."""

import os
import sys
import time
from multiprocessing.connection import Connection

from core.explain.worker import receive, send

if __name__ == "__main__":
    pipe = Connection(int(sys.argv[1]))
    while True:
        try:
            header, parts = receive(pipe)
        except EOFError:
            break
        if header["operation"] == "sleep":
            time.sleep(header["seconds"])
        if header["operation"] == "die":
            os._exit(3)
        send(pipe, {"pid": os.getpid()}, parts)
