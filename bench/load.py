#!/usr/bin/env python3
"""Loads `dfa detect` as a queue would and prints what the operating system says of each run.

  bench/load.py build/release/bin/dfa            all cases; inputs are made once from samples/ in build/load
  bench/load.py build/release/bin/dfa --case pictures --case long

Cases: pictures (1,000 small pictures), long (one two-hour 320x180 clip), short (ten minutes of the same), every (each frame of the ten
minutes), hd (one minute of 1280x720 with key frames far apart, so that decoding is most of the work). A case prints wall and CPU
seconds, their ratio, and peak memory; the last line compares the peaks of long and short. Needs the ffmpeg program to make inputs.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURES = 1000
SOURCES = ["astronaut.png", "grace_hopper.jpg"]


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)], check=True)


def make_pictures(folder):
    """Small pictures that all differ: slow zooms over the sample portraits."""
    if folder.is_dir() and len(list(folder.iterdir())) == PICTURES:
        return
    folder.mkdir(parents=True, exist_ok=True)
    each = PICTURES // len(SOURCES)
    for number, name in enumerate(SOURCES):
        zoom = f"zoompan=z='1+0.4*on/{each}':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/4':d={each}:s=256x256"
        ffmpeg("-i", ROOT / "samples" / name, "-vf", zoom, "-frames:v", each, "-q:v", 4, folder / f"{number}_%04d.jpg")


def make_clip(path, seconds):
    """A slow pan over a portrait, H.264 320x180, repeated without re-encoding until it is long enough."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unit = path.parent / "unit.mp4"
    if not unit.exists():
        pan = "zoompan=z=1.2:x='(iw-iw/zoom)*on/1500':y='(ih-ih/zoom)/4':d=1500:s=320x180:fps=25"
        ffmpeg("-i", ROOT / "samples" / SOURCES[0], "-vf", f"scale=1024:-2,{pan}", "-frames:v", 1500, "-c:v", "libx264", "-g", 250,
               "-pix_fmt", "yuv420p", unit)
    ffmpeg("-stream_loop", seconds // 60 - 1, "-i", unit, "-c", "copy", "-movflags", "+faststart", path)


def make_hd_clip(path):
    """A minute of a portrait that sways under noise, H.264 1280x720."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    sway = "scale=1600:-2,crop=1280:720:x='100+60*sin(t)':y='40+30*cos(t)',noise=alls=8:allf=t"
    ffmpeg("-loop", 1, "-i", ROOT / "samples" / SOURCES[0], "-vf", sway, "-t", 60, "-r", 25, "-c:v", "libx264", "-preset", "veryfast",
           "-g", 250, "-pix_fmt", "yuv420p", path)


def measure(name, command):
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    cpu = usage.ru_utime + usage.ru_stime
    summary = json.loads(output)["summary"]
    row = {"case": name, "exit": os.waitstatus_to_exitcode(status), "wall_seconds": round(wall, 3), "cpu_seconds": round(cpu, 3),
           "cpu_per_wall": round(cpu / wall, 3), "peak_mib": round(usage.ru_maxrss / 1024, 1), "inputs": summary["inputs"],
           "scored": summary["scored"]}
    print(json.dumps(row), flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dfa", type=pathlib.Path)
    parser.add_argument("--case", action="append", choices=["pictures", "long", "short", "every", "hd"])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--option", action="append", default=[], help="passed on to dfa detect, e.g. --option=--fps --option=1")
    arguments = parser.parse_args()
    inputs = ROOT / "build" / "load"
    paths = {"pictures": inputs / "pictures", "long": inputs / "two_hours.mp4", "short": inputs / "ten_minutes.mp4",
             "every": inputs / "ten_minutes.mp4", "hd": inputs / "hd.mp4"}
    makers = {"pictures": lambda: make_pictures(paths["pictures"]), "long": lambda: make_clip(paths["long"], 7200),
              "short": lambda: make_clip(paths["short"], 600), "every": lambda: make_clip(paths["every"], 600),
              "hd": lambda: make_hd_clip(paths["hd"])}
    peaks = {}
    for case in arguments.case or list(paths):
        makers[case]()
        for _ in range(arguments.repeats):
            options = [*arguments.option, *(["--every-frame"] if case == "every" else [])]
            row = measure(case, [arguments.dfa, "detect", "--format", "json", "--quiet", *options, paths[case]])
            peaks[case] = max(peaks.get(case, 0), row["peak_mib"])
    if {"long", "short"} <= peaks.keys():
        print(json.dumps({"peak_long_per_short": round(peaks["long"] / peaks["short"], 3)}))


if __name__ == "__main__":
    sys.exit(main())
