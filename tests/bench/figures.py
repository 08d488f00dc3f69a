#!/usr/bin/env python3
"""figures.py FOLDER: what the guests of the bench printed (FOLDER/*.out), as figures.

Writes FOLDER/bench.json and FOLDER/table.md, and prints what the floors say, one line each. The exit code is 0 even
if a floor is missed: the bench measures; it is people who judge.

A measurement's figure is nanoseconds for one datagram, as the median over its windows, or instructions, as the mean, since
nothing disturbs these. A row has one for each round, and is told as minimum, median and maximum of them. Paths are compared within a round, where they stand
side by side; a ratio is the median of the rounds' ratios.
"""

import json
import math
import pathlib
import statistics
import sys
from collections import defaultdict

PATHS = ("plain", "wireguard-nft", "sdt-aes-gcm", "sdt-chacha20")
REPLACED = "wireguard-nft"
KEY = ("lab", "path", "bytes", "load", "window", "channels", "direction")
UNITS = {"uml": "ns", "icount": "instructions"}

# What is asked for: lab, path, path to compare with, rows (load, window, bytes, channels, direction), at most.
SIZES = (64, 512, 1400)
FLOORS = (
    [("uml", "sdt-aes-gcm", REPLACED, ("loop", 64, n, 1, "out"), 0.45) for n in SIZES]
    + [("uml", "sdt-aes-gcm", REPLACED, ("burst", 64, n, 1, "out"), 0.75) for n in SIZES]
    + [("uml", "sdt-aes-gcm", REPLACED, ("loop", 1, n, 1, "out"), 0.90) for n in SIZES]
    + [("uml", "sdt-aes-gcm", "plain", ("burst", 64, n, 1, "out"), 1.60) for n in SIZES]
    + [("uml", "sdt-aes-gcm", "plain", ("loop", 64, n, 1, "out"), 1.60) for n in SIZES]
    + [("icount", "sdt-aes-gcm", REPLACED, ("loop", 16, 64, 1, "out"), 0.60)]
)
BYTES_FLOORS = {"proxy": 320, "server": 2560}
CROWD = 60000
CROWD_FLOOR = 1.15


def quantile(values: list[float], at: float) -> float:
    """Linear between neighbours, so that the middle of an even number is the mean of the two."""
    ordered = sorted(values)
    place = at * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


class Figures:
    """All that was measured."""

    def __init__(self) -> None:
        self.rounds: dict[tuple, list[float | None]] = defaultdict(list)
        self.lost: dict[tuple, int] = defaultdict(int)
        self.came: dict[tuple, int] = defaultdict(int)
        self.latency: dict[tuple[str, int], list[list[int]]] = defaultdict(list)
        self.spread: dict[tuple[str, int], list[float]] = defaultdict(list)
        self.new: dict[tuple[str, int, str], list[tuple[int, int, int]]] = defaultdict(list)
        self.memory: dict[tuple[str, int], list[float]] = defaultdict(list)
        self.pages: dict[tuple[str, int], list[float]] = defaultdict(list)
        self.handshakes: dict[str, list[float]] = defaultdict(list)
        self.ciphers: dict[str, list[str]] = defaultdict(list)

    def read(self, lab: str, lines) -> None:
        for line in lines:
            word = line.split()
            if not word:
                continue
            take = getattr(self, "_" + word[0].replace("-", "_"), None) if word[0].isascii() else None
            if take and word[0] in ("result", "crowd", "latency", "new", "memory", "pages", "handshakes", "cipher"):
                take(lab, *word[1:])

    def _result(self, lab, path, size, load, window, channels, direction, came, lost, mean, median) -> None:
        key = (lab, path, int(size), load, int(window), int(channels), direction)
        self.came[key] += int(came)
        self.lost[key] += int(lost)
        # A round without a single whole window has no figure, but keeps its place beside the other paths.
        self.rounds[key].append(float(mean if lab == "icount" else median) or None)

    def _crowd(self, lab, path, channels, median) -> None:
        """The same row with so many channels, each by the same two sockets."""
        del lab
        self.spread[path, int(channels)].append(float(median))

    def _latency(self, lab, path, size, *quantiles) -> None:
        if lab == "uml":
            self.latency[path, int(size)].append([int(ns) for ns in quantiles])

    def _new(self, lab, path, window, kind, came, lost, ns) -> None:
        if lab == "uml":
            self.new[path, int(window), kind].append((int(came), int(lost), int(ns)))

    def _memory(self, lab, side, count, each) -> None:
        del lab
        self.memory[side, int(count)].append(float(each))

    def _pages(self, lab, side, count, each) -> None:
        del lab
        self.pages[side, int(count)].append(float(each))

    def _handshakes(self, lab, path, count, ns) -> None:
        if lab == "uml":
            self.handshakes[path].append(int(count) * 1e9 / int(ns))

    def _cipher(self, lab, name, driver, priority) -> None:
        del priority
        if f"{name} {driver}" not in self.ciphers[lab]:
            self.ciphers[lab].append(f"{name} {driver}")

    def values(self, key: tuple) -> list[float]:
        return [value for value in self.rounds.get(key, []) if value is not None]

    def ratios(self, lab: str, path: str, other: str, row: tuple) -> list[float]:
        load, window, size, channels, direction = row
        a = self.rounds.get((lab, path, size, load, window, channels, direction), [])
        b = self.rounds.get((lab, other, size, load, window, channels, direction), [])
        return [x / y for x, y in zip(a, b) if x is not None and y is not None]

    def rows(self) -> list[dict]:
        rows = []
        for key in self.rounds:
            values = self.values(key)
            if not values:
                continue
            row = dict(zip(KEY, key))
            row |= {"unit": UNITS[key[0]], "runs": len(values), "min": round(min(values), 1),
                    "median": round(statistics.median(values), 1), "max": round(max(values), 1)}
            if self.lost[key]:
                row["lost"] = self.lost[key]
            rows.append(row)
        return rows

    def channels(self) -> list[dict]:
        """Pages are of both sides together: what slabs and tables really take."""
        return [{"side": side, "count": count, "bytes_each": round(statistics.median(each))}
                for (side, count), each in sorted(self.memory.items())]

    def new_channels(self) -> dict:
        rates: dict = {}
        for (path, window, kind), runs in self.new.items():
            rate = [came * 1e9 / ns for came, _, ns in runs]
            rates.setdefault(path, []).append(
                {"window": window, "answered": kind == "answered", "runs": len(rate), "min": round(min(rate)),
                 "median": round(statistics.median(rate)), "max": round(max(rate)),
                 "lost": sum(lost for _, lost, _ in runs), "of": sum(came + lost for came, lost, _ in runs)})
        return rates

    def crowd(self) -> list[dict]:
        return [{"path": path, "count": count, "ns": round(statistics.median(values)), "runs": len(values)}
                for (path, count), values in self.spread.items()]

    def latencies(self) -> list[dict]:
        return [{"path": path, "bytes": size, "runs": len(runs)}
                | {name: round(statistics.median(column)) for name, column in zip(("p50", "p90", "p99", "p99.9"), zip(*runs))}
                for (path, size), runs in self.latency.items()]

    def as_json(self) -> dict:
        return {"rows": self.rows(), "channels": self.channels(), "new_channels_per_s": self.new_channels(),
                "pages_of_both_sides": {count: round(statistics.median(each)) for (_, count), each in self.pages.items()},
                "crowd": self.crowd(), "latency_ns": self.latencies(),
                "handshakes_per_s": {path: {"runs": len(rates), "min": round(min(rates)),
                                            "median": round(statistics.median(rates)), "max": round(max(rates))}
                                     for path, rates in self.handshakes.items()},
                "ciphers": self.ciphers}

    def floors(self) -> list[tuple[str, float, float | None]]:
        """(what, at most, measured or None)."""
        found: list[tuple[str, float, float | None]] = []
        for lab, path, other, row, most in FLOORS:
            ratios = self.ratios(lab, path, other, row)
            load, window, size = row[:3]
            found.append((f"{lab}: {path} / {other}, {load} of {window}, {size} bytes", most,
                          statistics.median(ratios) if ratios else None))
        for side, most in BYTES_FLOORS.items():
            each = self.memory.get((side, CROWD))
            found.append((f"bytes a channel at the {side}, {CROWD} channels", most,
                          statistics.median(each) if each else None))
        one, many = (self.spread.get(("sdt-aes-gcm", n)) for n in (1, CROWD))
        found.append((f"cost with {CROWD} channels / with one, sdt-aes-gcm", CROWD_FLOOR,
                      statistics.median(many) / statistics.median(one) if one and many else None))
        return found


def table(figures: Figures) -> str:
    """Bursts, for the README: datagram sizes down, paths across."""
    lines = ["| 64 datagrams at once, ns for one: median (min to max) | plain forwarding | WireGuard + nft | SDT, AES-256-GCM"
             " | SDT, ChaCha20-Poly1305 | SDT (AES) / WireGuard + nft |", "|---|---|---|---|---|---|"]
    for size in SIZES:
        cells = []
        for path in PATHS:
            values = figures.values(("uml", path, size, "burst", 64, 1, "out"))
            cells.append(f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})" if values else "")
        ratios = figures.ratios("uml", "sdt-aes-gcm", REPLACED, ("burst", 64, size, 1, "out"))
        if not ratios:
            continue
        cells.append(f"**{statistics.median(ratios):.2f}** ({quantile(ratios, 0.1):.2f} to {quantile(ratios, 0.9):.2f})")
        lines.append(f"| {size:,} bytes | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def listing(figures: Figures) -> str:
    """All rows, for people."""
    lines = []
    for row in figures.rows():
        key = tuple(row[name] for name in KEY)
        ratio = ""
        if row["path"] != REPLACED:
            ratios = figures.ratios(row["lab"], row["path"], REPLACED,
                                    (row["load"], row["window"], row["bytes"], row["channels"], row["direction"]))
            if ratios:
                ratio = (f" {statistics.median(ratios):6.2f} of wireguard-nft"
                         f" ({quantile(ratios, 0.1):.2f} to {quantile(ratios, 0.9):.2f})")
        lost = f" lost {figures.lost[key]} of {figures.lost[key] + figures.came[key]}" if figures.lost[key] else ""
        lines.append(f"{row['lab']:6} {row['bytes']:5} B {row['load']:5} of {row['window']:2} {row['channels']:5} ch {row['direction']:4}"
                     f" {row['path']:14} {row['median']:9,.0f} {row['unit']} ({row['min']:,.0f} to {row['max']:,.0f}, n={row['runs']})"
                     f"{ratio}{lost}")
    return "\n".join(lines) + "\n"


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    figures = Figures()
    for file in sorted(folder.glob("*.out")):
        with open(file, encoding="utf-8") as lines:
            figures.read("icount" if file.name.startswith("icount") else "uml", lines)
    machine = folder / "machine.txt"
    data = figures.as_json()
    if machine.exists():
        data["machine"] = machine.read_text(encoding="utf-8").strip()
    (folder / "bench.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (folder / "table.md").write_text(table(figures), encoding="utf-8")
    (folder / "rows.txt").write_text(listing(figures), encoding="utf-8")
    for what, most, measured in figures.floors():
        verdict = "not measured" if measured is None else "holds" if measured <= most else "MISSED"
        print(f"{verdict:12} {what}: at most {most}, " + ("" if measured is None else f"measured {measured:.2f}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
