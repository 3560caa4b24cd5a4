"""What a program of the bench has taken since it began, as JSON for whoever compares it."""

import json
import resource
import time
from typing import Any


class Clock:
    """Seconds of the clock (`total`) and of the processors (`cpu`), and the peak of the memory."""

    def __init__(self) -> None:
        self._started, self._began = time.perf_counter(), time.process_time()

    def figures(self, **more: Any) -> str:
        taken = {
            "total": round(time.perf_counter() - self._started, 2),
            "cpu": round(time.process_time() - self._began, 2),
            "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        }
        return json.dumps(taken | more)
