"""What is kept of the values of one minute: their count, sum, bounds and a histogram.

The histogram has logarithmic bins (DDSketch, Masson and others 2019): a percentile is within 1 %
of a value that was really there, and merging two histograms loses nothing.
"""

import json
import math
from dataclasses import dataclass, field

_ACCURACY = 0.01
_GAMMA = (1 + _ACCURACY) / (1 - _ACCURACY)
_LOG_GAMMA = math.log(_GAMMA)
_ROUNDING = 1e-12
_OFFSET = 100_000
"""Added to a bin's logarithm so that keys order as values do, negative ones mirrored."""


@dataclass(slots=True)
class Summary:
    """Values, summarised."""

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    bins: dict[int, float] = field(default_factory=dict)

    def add(self, value: float, weight: float = 1.0) -> None:
        """Take in a value that occurred `weight` times."""
        self.count += weight
        self.total += value * weight
        self.low, self.high = min(self.low, value), max(self.high, value)
        key = _bin(value)
        self.bins[key] = self.bins.get(key, 0.0) + weight

    def add_statistics(self, *, count: float, total: float, low: float, high: float) -> None:
        """Take in values of which only the statistics are known; percentiles then see the mean."""
        self.count += count
        self.total += total
        self.low, self.high = min(self.low, low), max(self.high, high)
        key = _bin(total / count)
        self.bins[key] = self.bins.get(key, 0.0) + count

    def merge(self, other: "Summary") -> None:
        """Take in another summary."""
        self.count += other.count
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        for key, weight in other.bins.items():
            self.bins[key] = self.bins.get(key, 0.0) + weight

    def percentile(self, percent: float) -> float:
        """Return the smallest value that `percent` of the values do not exceed, within 1 %."""
        rank = percent / 100 * self.count * (1 - _ROUNDING)
        passed = 0.0
        for key in sorted(self.bins):
            passed += self.bins[key]
            if passed >= rank:
                return min(self.high, max(self.low, _value(key)))
        return self.high

    def statistic(self, name: str) -> float:
        """Return Sum, Average, SampleCount, Minimum, Maximum, or a percentile such as p99.9."""
        match name:
            case "Sum":
                return self.total
            case "Average":
                return self.total / self.count
            case "SampleCount":
                return self.count
            case "Minimum":
                return self.low
            case "Maximum":
                return self.high
        return self.percentile(float(name.removeprefix("p")))

    def dump(self) -> str:
        """Write as text."""
        bins = [[key, weight] for key, weight in self.bins.items()]
        return json.dumps([self.count, self.total, self.low, self.high, bins])


def load(text: str) -> Summary:
    """Read what `dump` wrote."""
    count, total, low, high, bins = json.loads(text)
    return Summary(count, total, low, high, {int(key): weight for key, weight in bins})


def _bin(value: float) -> int:
    if value == 0:
        return 0
    index = _OFFSET + math.ceil(math.log(abs(value)) / _LOG_GAMMA)
    return index if value > 0 else -index


def _value(key: int) -> float:
    if key == 0:
        return 0.0
    middle = 2 * math.exp((abs(key) - _OFFSET) * _LOG_GAMMA) / (_GAMMA + 1)
    return middle if key > 0 else -middle
