#!/usr/bin/env python3
"""The bench's arithmetic, on made-up figures whose results are plain to see. Prints KTAP."""

import sys

import figures

LINES = """
KTAP version 1
result plain 64 burst 64 1 out 640 0 999.0 100.00
result wireguard-nft 64 burst 64 1 out 640 0 999.0 400.00
result sdt-aes-gcm 64 burst 64 1 out 640 0 999.0 200.00
result wireguard-nft 64 burst 64 1 out 640 0 999.0 200.00
result plain 64 burst 64 1 out 640 0 999.0 200.00
result sdt-aes-gcm 64 burst 64 1 out 640 0 999.0 200.00
result plain 64 burst 64 1 out 640 0 999.0 300.00
result sdt-aes-gcm 64 burst 64 1 out 0 64 0.0 0.00
result wireguard-nft 64 burst 64 1 out 640 0 999.0 800.00
result sdt-aes-gcm 64 burst 64 1 out 640 0 999.0 200.00
result wireguard-nft 64 burst 64 1 out 640 0 999.0 250.00
crowd sdt-aes-gcm 1 1000.00
crowd sdt-aes-gcm 60000 1100.00
memory proxy 60000 300.4
memory server 60000 2600.0
latency plain 64 10 20 30 40
latency plain 64 30 40 50 60
new sdt-aes-gcm 16 once 500 0 1000000000
new sdt-aes-gcm 16 once 250 10 250000000
ok 1 speed
""".splitlines()

_count = 0
_failed = 0


def equal(name: str, wanted, found) -> None:
    global _count, _failed
    _count += 1
    if wanted == found:
        print(f"ok {_count} {name}")
    else:
        _failed += 1
        print(f"# wanted {wanted!r}, found {found!r}\nnot ok {_count} {name}")


def main() -> int:
    print("KTAP version 1")
    equal("quantile of one", 7, figures.quantile([7], 0.9))
    equal("quantile between two", 1.5, figures.quantile([2, 1], 0.5))
    equal("quantile of many", 9, figures.quantile(list(range(11)), 0.9))
    f = figures.Figures()
    f.read("uml", LINES)
    row = ("burst", 64, 64, 1, "out")
    equal("a ratio is made within a round; a round without a figure on one side is left out", [0.5, 1.0, 0.8],
          f.ratios("uml", "sdt-aes-gcm", "wireguard-nft", row))
    rows = {r["path"]: r for r in f.rows()}
    equal("minimum, median, maximum over rounds", (100.0, 200.0, 300.0, 3),
          tuple(rows["plain"][k] for k in ("min", "median", "max", "runs")))
    equal("an even number of rounds", 325.0, rows["wireguard-nft"]["median"])
    equal("what was lost is told", (3, 64), (rows["sdt-aes-gcm"]["runs"], rows["sdt-aes-gcm"]["lost"]))
    equal("form of a row", {"lab", "path", "bytes", "load", "window", "channels", "direction", "unit", "runs", "min", "median", "max"},
          set(rows["plain"]))
    equal("unit", "ns", rows["plain"]["unit"])
    equal("bytes a channel", [{"side": "proxy", "count": 60000, "bytes_each": 300}, {"side": "server", "count": 60000, "bytes_each": 2600}],
          f.channels())
    floors = {what: (most, measured) for what, most, measured in f.floors()}
    equal("a floor that is missed", (0.75, 0.8), floors["uml: sdt-aes-gcm / wireguard-nft, burst of 64, 64 bytes"])
    equal("a floor that was not measured", (0.75, None), floors["uml: sdt-aes-gcm / wireguard-nft, burst of 64, 512 bytes"])
    equal("crowd", (1.15, 1.1), floors["cost with 60000 channels / with one, sdt-aes-gcm"])
    equal("percentiles are medians of the rounds'", {"path": "plain", "bytes": 64, "runs": 2, "p50": 20, "p90": 30, "p99": 40, "p99.9": 50},
          f.latencies()[0])
    equal("new channels a second", {"window": 16, "answered": False, "runs": 2, "min": 500, "median": 750, "max": 1000, "lost": 10, "of": 760},
          f.new_channels()["sdt-aes-gcm"][0])
    print(f"1..{_count}")
    return 1 if _failed else 0


if __name__ == "__main__":
    sys.exit(main())
