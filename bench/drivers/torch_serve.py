"""The line protocol of protocol.h for drivers in Python, and the choice between configurations."""

import statistics
import sys
import time


def serve(prepare):
    """`prepare(argument)` answers with the numbers of its check and a function from seconds to the median and minimum of one repetition's."""
    timed = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        try:
            if command == "prepare":
                timed = None
                checks, timed = prepare(argument)
                answer = " ".join(map(str, ["ok", *checks]))
            elif command == "time" and timed is not None:
                median, minimum = timed(float(argument) / 1e3)
                answer = f"ok {median} {minimum}"
            else:
                answer = "error unknown command"
        except NotImplementedError as error:
            answer = f"unsupported {error}"
        except Exception as error:
            answer = f"error {str(error).splitlines()[0]}"
        print(answer, flush=True)


def falling(before, after):
    """The losses before and after some steps. Raises an error unless the loss fell."""
    if not after < 0.95 * before:
        raise ValueError(f"the loss went from {before} to {after}")
    return before, after


def time_loop(step, seconds, chunk=1, before=lambda: None):
    """Runs `step` `chunk` times after `before`, which is not timed, for about so many seconds; median and minimum seconds of one."""
    samples, end = [], time.perf_counter() + seconds
    while not samples or time.perf_counter() < end:
        before()
        start = time.perf_counter()
        for _ in range(chunk):
            step()
        samples.append((time.perf_counter() - start) / chunk)
    return statistics.median(samples), min(samples)


def fastest(candidates, rounds=3, seconds=0.15):
    """The name of the fastest of {name: function from seconds to the median and minimum of one repetition's}, timed in turns."""
    best = dict.fromkeys(candidates, float("inf"))
    for _ in range(rounds):
        for name, timed in candidates.items():
            best[name] = min(best[name], timed(seconds)[0])
    for name, value in best.items():
        print(f"# {name}: {value * 1e6:.1f} us", file=sys.stderr)
    return min(best, key=best.get)
