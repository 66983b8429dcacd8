# SPDX-License-Identifier: Apache-2.0
"""Clips that benchmarks run on: a portrait of samples/ that moves over a blurred background, 1280x720 H.264, made by the ffmpeg program.

    from clips import make_clip
    make_clip(pathlib.Path("face.mp4"), portrait="astronaut.png", height=420, period=5, seconds=30)
"""

from __future__ import annotations

import pathlib
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BACKGROUND = "rocket.jpg"  # without a face: a blurred portrait is found as a face of half the frame
RATE = 30


def ffmpeg(*words: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *[str(word) for word in words]], check=True)


def make_clip(target: pathlib.Path, portrait: str, height: int, period: float, seconds: float) -> None:
    """The portrait, `height` px high, swings across the frame once in `period` seconds. Some noise keeps the encoder at work."""
    back, face = target.with_suffix(".back.png"), target.with_suffix(".face.png")
    beside = target.with_suffix(".part" + target.suffix)
    ffmpeg("-i", REPOSITORY / "samples" / BACKGROUND, "-vf", "scale=1280:720,setsar=1,boxblur=20", back)
    ffmpeg("-i", REPOSITORY / "samples" / portrait, "-vf", f"scale=-2:{height},setsar=1", face)
    motion = f"x='(W-w)/2+(W-w)/2.2*sin(2*PI*t/{period})':y='(H-h)/2+(H-h)/2.5*cos(2*PI*t/{period + 2})'"
    stills = [word for still in (back, face) for word in ("-loop", "1", "-framerate", RATE, "-i", still)]
    graph = f"[0][1]overlay={motion}:eval=frame,noise=alls=5:allf=t,format=yuv420p"
    ffmpeg(*stills, "-filter_complex", graph, "-t", seconds, "-c:v", "libx264", "-crf", "23", "-preset", "veryfast", beside)
    back.unlink()
    face.unlink()
    beside.rename(target)
