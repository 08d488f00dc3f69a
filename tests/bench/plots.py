#!/usr/bin/env python3
"""plots.py FOLDER: FOLDER/bench.json as FOLDER/*.svg, by gnuplot."""

import json
import pathlib
import subprocess
import sys

from figures import PATHS

TITLES = {"plain": "plain forwarding", "wireguard-nft": "WireGuard + nft", "sdt-aes-gcm": "SDT, AES-256-GCM",
          "sdt-chacha20": "SDT, ChaCha20-Poly1305"}
COLOURS = {"plain": "#9aa0a6", "wireguard-nft": "#b5543c", "sdt-aes-gcm": "#1f5fa8", "sdt-chacha20": "#7fb0dd"}

# name of the file, title, unit of the axis, and what belongs in it: lab, load, window
PLOTS = (
    ("burst", "64 datagrams at once", "ns for a datagram", ("uml", "burst", 64)),
    ("loop-64", "Closed loop of 64 datagrams", "ns for a datagram", ("uml", "loop", 64)),
    ("loop-1", "One datagram at a time", "ns for a datagram", ("uml", "loop", 1)),
    ("nic", "Bursts from a network card's stand-in, gateways only", "ns for a datagram", ("uml", "nic", 64)),
    ("instructions", "Closed loop of 16 datagrams, stock 6.12", "instructions for a datagram", ("icount", "loop", 16)),
)

PROGRAM = """
set terminal svg size 760,340 font "sans-serif,12" background "#ffffff"
set output "{output}"
set title "{title}"
set ylabel "{unit}"
set yrange [0:*]
set format y "%'.0f"
set decimal locale
set grid ytics lc rgb "#dddddd"
set border 3
set xtics nomirror
set ytics nomirror
set key outside right top
set style fill solid 0.9 border -1
set style histogram errorbars gap 1.5 lw 1.2
set style data histograms
plot {series}
"""


def rows_of(data: dict, lab: str, load: str, window: int) -> list[dict]:
    return [row for row in data["rows"] if row["lab"] == lab and row["load"] == load and row["window"] == window
            and row["channels"] == 1 and row["direction"] == "out"]


def plot(file: pathlib.Path, title: str, unit: str, rows: list[dict]) -> None:
    sizes = sorted({row["bytes"] for row in rows})
    blocks, series = [], []
    for path in PATHS:
        found = {row["bytes"]: row for row in rows if row["path"] == path}
        if not found:
            continue
        name = path.replace("-", "_")
        lines = [f'"{size:,} bytes" {found[size]["median"]} {found[size]["min"]} {found[size]["max"]}' for size in sizes
                 if size in found]
        blocks.append(f"${name} << END\n" + "\n".join(lines) + "\nEND\n")
        series.append(f'${name} using 2:3:4:xtic(1) title "{TITLES[path]}" lc rgb "{COLOURS[path]}"')
    program = "".join(blocks) + PROGRAM.format(output=file, title=title, unit=unit, series=", \\\n     ".join(series))
    subprocess.run(["gnuplot"], input=program, text=True, check=True)


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    data = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    for name, title, unit, what in PLOTS:
        rows = rows_of(data, *what)
        if rows:
            plot(folder / f"{name}.svg", title, unit, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
