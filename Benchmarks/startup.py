"""`make bench`: how soon the release binary polls, and what it holds while idle, with the example project.

Prints the measures and exits 1 when one is over its promise: polling within 0.5 s, 40 MB resident.
"""

from __future__ import annotations

import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests" / "Integration"))

import proof  # noqa: E402
import stage  # noqa: E402

PROMISED_SECONDS = 0.5
PROMISED_MEGABYTES = 40.0
STARTS = 5


def main() -> int:
    seconds, megabytes = [], []
    with stage.Stage() as parts:
        for index in range(STARTS):
            worker = parts.worker(name=f"worker-{index}")
            begun = time.monotonic()
            worker.start(wait=False)
            stage.wait_for("the first poll", worker.is_ready, alive=worker.process, log=worker.log)
            seconds.append(time.monotonic() - begun)
            time.sleep(2)
            megabytes.append(proof.resident_megabytes(worker.pid))
            worker.stop()
        size = (parts.root.path / "bin" / "sallyport").stat().st_size
    print(f"start to polling, with bubblewrap: median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s of {STARTS} starts")
    print(f"resident while idle: median {statistics.median(megabytes):.1f} MB, worst {max(megabytes):.1f} MB")
    print(f"binary, stripped: {size / 1e6:.1f} MB")
    return 0 if statistics.median(seconds) < PROMISED_SECONDS and max(megabytes) < PROMISED_MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
