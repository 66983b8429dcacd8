#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our face detector beside facenet-pytorch's: same pictures, same threads, same smallest face, in turns; boxes must be equal.

  bench/compare_mtcnn.py --ours build/release/bin/mtcnn_bench --python VENV/bin/python PICTURE...

VENV has torch, Pillow and facenet-pytorch 2.6.0 (see bench/peers/mtcnn_facenet.py). Pictures are first brought to 640x480 with black
bars (--as-they-are leaves them). Prints JSON: per picture the median milliseconds of both over all rounds, quartiles, their ratio, the
largest difference of a box, point or probability; exits 1 where faces differ.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, HEIGHT = 640, 480
# facenet-pytorch's own boxes move by 2e-4 px with another convolution kernel; ties of two windows can move them by more.
BOX_PX, PROBABILITY = 1e-2, 1e-4

# Runs in the peer's Python, which has Pillow.
LETTERBOX = """
import sys
from PIL import Image
width, height = int(sys.argv[1]), int(sys.argv[2])
for source, target in zip(sys.argv[3::2], sys.argv[4::2]):
    picture = Image.open(source).convert("RGB")
    scale = min(width / picture.width, height / picture.height)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
    frame = Image.new("RGB", (width, height))
    frame.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    frame.save(target)
"""


def letterboxed(python, pictures, folder):
    targets = [str(pathlib.Path(folder) / f"{i}_{pathlib.Path(p).stem}.png") for i, p in enumerate(pictures)]
    pairs = [word for pair in zip(pictures, targets) for word in pair]
    subprocess.run([python, "-c", LETTERBOX, str(WIDTH), str(HEIGHT), *pairs], check=True)
    return targets


def run_json(command):
    return json.loads(subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE).stdout)


def largest_difference(ours, theirs):
    """(pixels, probability) between two lists of faces, largest first; None where their numbers differ."""
    if len(ours) != len(theirs):
        return None
    pixels = probability = 0.0
    for a, b in zip(ours, theirs):
        values_a = a["box"] + [v for point in a["landmarks"] for v in point]
        values_b = b["box"] + [v for point in b["landmarks"] for v in point]
        pixels = max([pixels] + [abs(x - y) for x, y in zip(values_a, values_b)])
        probability = max(probability, abs(a["probability"] - b["probability"]))
    return pixels, probability


def summary(milliseconds):
    low, middle, high = statistics.quantiles(milliseconds, n=4)
    return {"median_ms": round(middle, 3), "quartiles_ms": [round(low, 3), round(high, 3)], "runs": len(milliseconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--ours", required=True, help="the mtcnn_bench program")
    parser.add_argument("--python", required=True, help="a Python with facenet-pytorch")
    parser.add_argument("--as-they-are", action="store_true", help="do not bring pictures to 640x480")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--min-face", type=int, default=40)
    args = parser.parse_args()

    common = ["--threads", args.threads, "--min-face", args.min_face, "--repeats", args.repeats, "--warmup", 3]
    with tempfile.TemporaryDirectory() as folder:
        frames = args.pictures if args.as_they_are else letterboxed(args.python, args.pictures, folder)
        rounds = []
        for number in range(args.rounds):
            ours = run_json([args.ours, "--detector", "mtcnn-reference", *common, *frames])
            theirs = run_json([args.python, HERE / "peers" / "mtcnn_facenet.py", *common, *frames])
            rounds.append((ours, theirs))
            print(f"round {number + 1} of {args.rounds}", file=sys.stderr)

    equal = True
    rows = []
    for i, path in enumerate(args.pictures):
        ours = summary([v for a, _ in rounds for v in a["pictures"][i]["milliseconds"]])
        theirs = summary([v for _, b in rounds for v in b["pictures"][i]["milliseconds"]])
        first, last = rounds[0][0]["pictures"][i], rounds[0][1]["pictures"][i]
        difference = largest_difference(first["faces"], last["faces"])
        same = difference is not None and difference[0] <= BOX_PX and difference[1] <= PROBABILITY
        equal = equal and same
        rows.append(
            {
                "picture": pathlib.Path(path).name,
                "size": [first["width"], first["height"]],
                "faces": [len(first["faces"]), len(last["faces"])],
                "equal": same,
                "largest_difference_px": difference and round(difference[0], 6),
                "largest_difference_probability": difference and round(difference[1], 8),
                "ours": ours,
                "facenet_pytorch": theirs,
                "ratio": round(theirs["median_ms"] / ours["median_ms"], 2),
            }
        )
    ratios = [row["ratio"] for row in rows]
    report = {
        "machine": rounds[0][0]["machine"],
        "threads": args.threads,
        "min_face": args.min_face,
        "torch": rounds[0][1]["torch"],
        "pictures": rows,
        "ratio_median": round(statistics.median(ratios), 2),
        "ratio_smallest": min(ratios),
        "boxes_equal": equal,
    }
    print(json.dumps(report, indent=1))
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
