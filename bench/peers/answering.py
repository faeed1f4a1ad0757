"""What every peer in Python does: work that is timed, as much of it as each line of standard input asks for."""

import json
import resource
import sys
import time


def answer(version, work):
    """Answers each line "N" with a line of JSON: the milliseconds of N pieces of work, what each gave, and peak memory."""
    print(json.dumps({"ready": True, "version": version}), flush=True)
    for line in sys.stdin:
        times, losses = [], []
        for _ in range(int(line)):
            start = time.perf_counter()
            losses.append(work())
            times.append((time.perf_counter() - start) * 1000)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"ms": times, "losses": losses, "peakBytes": peak}), flush=True)
