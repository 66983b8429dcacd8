#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trivial-feature baseline beside a model's scores: is the model more than sharpness and file size?

    baseline.py MANIFEST [--boxes BOXES.jsonl] [--scores SCORES.csv] [--json OUT.json] [--markdown OUT.md]

A logistic regression on a few numbers per picture is trained on the manifest's train role and scored on its test role,
for every method (generator) against all real pictures and for all fakes together. Intervals: 95 % percentile bootstrap
over pictures, real and fake resampled separately (stratified), fixed seed.

    sharpness           variance of the 4-neighbour Laplacian of the luma
    brightness          mean luma
    file_bytes          size of the file
    border_mean         mean absolute luma of the outer 4-px frame
    border_variance     variance of the luma in that frame
    box_side            side of the detected face box, from --boxes (JSON lines with `path` and `box_side`)

--scores: CSV with columns path, label, p_fake. Every test picture must have a score and no label may differ from the
manifest's. Differences between model and baseline are bootstrapped over the same pictures (paired).
Needs numpy and Pillow.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys

import numpy as np
from PIL import Image

BORDER = 4
L2 = 1e-3  # on the standardised weights, per-picture mean loss
RESAMPLES = 2000
SEED = 20240229


def read_manifest(path: str) -> tuple[dict, list[dict]]:
    with open(path, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f if line.strip()]
    if not lines or lines[0].get("dfa_manifest") != 1:
        raise ValueError(f"{path}: the first line is not a version 1 manifest header")
    return lines[0], lines[1:]


def picture_features(path: str) -> dict[str, float]:
    with Image.open(path) as picture:
        rgb = np.asarray(picture.convert("RGB"), np.float64)
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    centre = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4.0 * centre
    frame = np.ones(luma.shape, bool)
    frame[BORDER:-BORDER, BORDER:-BORDER] = False
    return {
        "sharpness": float(laplacian.var()),
        "brightness": float(luma.mean()),
        "file_bytes": float(os.path.getsize(path)),
        "border_mean": float(np.abs(luma[frame]).mean()),
        "border_variance": float(luma[frame].var()),
    }


def read_boxes(path: str) -> dict[str, float]:
    boxes = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.strip():
                row = json.loads(line)
                if row.get("box_side") is not None:
                    boxes[row["path"]] = float(row["box_side"])
    return boxes


def read_scores(path: str, rows: list[dict]) -> np.ndarray:
    with open(path, newline="", encoding="utf-8") as f:
        scored = {r["path"]: r for r in csv.DictReader(f)}
    missing = [r["path"] for r in rows if r["path"] not in scored]
    if missing:
        raise ValueError(f"{path}: no score for {len(missing)} of {len(rows)} test pictures, first {missing[0]}")
    for r in rows:
        if int(scored[r["path"]]["label"]) != r["label"]:
            raise ValueError(f"{path}: label of {r['path']} differs from the manifest's")
    return np.array([float(scored[r["path"]]["p_fake"]) for r in rows])


def fit_logistic(x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    """Newton's method on the weighted mean log-loss + L2/2 |w|^2 (the intercept, last, is free)."""
    x1 = np.column_stack([x, np.ones(len(x))])
    penalty = np.full(x1.shape[1], L2)
    penalty[-1] = 0.0
    weight = sample_weight / sample_weight.sum()
    w = np.zeros(x1.shape[1])
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-np.clip(x1 @ w, -500, 500)))
        gradient = x1.T @ (weight * (p - y)) + penalty * w
        hessian = (x1 * (weight * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ x1 + np.diag(penalty + 1e-12)
        step = np.linalg.solve(hessian, gradient)
        w -= step
        if np.abs(step).max() < 1e-10:
            break
    return w


def auc(fake: np.ndarray, real: np.ndarray) -> float:
    """Share of (fake, real) pairs with the fake's score higher, ties one half."""
    values, index = np.unique(np.concatenate([fake, real]), return_inverse=True)
    fakes = np.bincount(index[: len(fake)], minlength=len(values))
    reals = np.bincount(index[len(fake) :], minlength=len(values))
    below = np.cumsum(reals) - reals
    return float((fakes * (below + 0.5 * reals)).sum() / (len(fake) * len(real)))


def evaluate(columns: dict[str, np.ndarray], fake: np.ndarray, real: np.ndarray) -> dict:
    """AUC and interval of every score column, and of model minus baseline, over the same resamples."""
    rng = np.random.default_rng(SEED)
    draws: dict[str, list[float]] = {name: [] for name in columns}
    for _ in range(RESAMPLES):
        f, r = rng.choice(fake, len(fake)), rng.choice(real, len(real))
        for name, score in columns.items():
            draws[name].append(auc(score[f], score[r]))
    point = {name: auc(score[fake], score[real]) for name, score in columns.items()}
    if "model" in columns:
        draws["model_minus_baseline"] = [m - b for m, b in zip(draws["model"], draws["baseline"], strict=True)]
        point["model_minus_baseline"] = point["model"] - point["baseline"]
    result: dict = {"fakes": len(fake), "reals": len(real)}
    for name, sample in draws.items():
        low, high = np.percentile(sample, [2.5, 97.5])
        result[name] = {"auc" if name != "model_minus_baseline" else "difference": point[name], "low": float(low), "high": float(high)}
    if "model" in columns:
        result["intervals_apart"] = result["model"]["low"] > result["baseline"]["high"]
    return result


def markdown(report: dict) -> str:
    def cell(row: dict, name: str) -> str:
        v = row.get(name)
        return "" if v is None else f"{v.get('auc', v.get('difference')):.3f} ({v['low']:.3f} to {v['high']:.3f})"

    lines = [
        "| fakes | pictures (fake / real) | trivial features, one regression on all | trivial features, this generator only | model | model - trivial (paired) | intervals apart |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in report["methods"].items():
        apart = {True: "yes", False: "no"}.get(row.get("intervals_apart"), "")
        lines.append(
            f"| {name} | {row['fakes']} / {row['reals']} | {cell(row, 'baseline_all')} | {cell(row, 'baseline_own')} "
            f"| {cell(row, 'model')} | {cell(row, 'model_minus_baseline')} | {apart} |"
        )
    lines += [
        "",
        f"AUC with 95 % bootstrap interval ({report['resamples']} stratified resamples over pictures, seed {report['seed']}). "
        "The last two columns compare with the better of the two regressions.",
        f"Features: {', '.join(report['features'])}. Box side: {report['box_side']}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest")
    parser.add_argument("--root", help="instead of the header's root")
    parser.add_argument("--boxes")
    parser.add_argument("--scores")
    parser.add_argument("--train-role", default="train")
    parser.add_argument("--test-role", default="test")
    parser.add_argument("--json", help="file to write; default: standard output")
    parser.add_argument("--markdown", help="file to write; default: standard output")
    args = parser.parse_args()
    try:
        report = run(args)
    except (OSError, ValueError, KeyError) as error:
        print(f"baseline.py: {error}", file=sys.stderr)
        return 1
    for path, text in ((args.json, json.dumps(report, indent=1) + "\n"), (args.markdown, markdown(report))):
        if path:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        else:
            print(text)
    return 0


def run(args: argparse.Namespace) -> dict:
    header, rows = read_manifest(args.manifest)
    root = args.root if args.root is not None else header["root"]
    rows = [r for r in rows if r["label"] in (0, 1) and r["role"] in (args.train_role, args.test_role)]
    if args.train_role == args.test_role:
        raise ValueError("the two roles are the same")
    boxes = read_boxes(args.boxes) if args.boxes else None
    features = []
    for r in rows:
        f = picture_features(os.path.join(root, r["path"]))
        if boxes is not None:
            # A picture without a box takes the median: no box must not become a feature of its own by accident.
            f["box_side"] = boxes.get(r["path"], float("nan"))
        features.append(f)
    names = list(features[0])
    x = np.array([[f[n] for n in names] for f in features])
    y = np.array([r["label"] for r in rows])
    method = np.array([r["method"] or "" for r in rows])
    train = np.array([r["role"] == args.train_role for r in rows])
    test = ~train

    box_note = "not used (no --boxes given)"
    if boxes is not None:
        column = x[:, names.index("box_side")]
        empty = np.isnan(column)
        box_note = f"from {os.path.basename(args.boxes)}, {int(empty.sum())} of {len(rows)} pictures without a box (median taken)"
        if (~empty & train).sum() == 0:
            raise ValueError("--boxes holds no box of any training picture")
        column[empty] = np.median(column[~empty & train])
    # Heavy-tailed features on a log scale: kinder to a linear model, hence a stronger baseline.
    for n in ("sharpness", "file_bytes", "border_variance"):
        x[:, names.index(n)] = np.log1p(x[:, names.index(n)])
    spread = x[train].std(0)
    x = (x - x[train].mean(0)) / np.where(spread > 0, spread, 1.0)

    def regression(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both classes weigh the same, and within the fakes every generator."""
        weight = np.zeros(len(rows))
        weight[mask & (y == 0)] = 1.0 / max(1, (mask & (y == 0)).sum())
        kinds = sorted(set(method[mask & (y == 1)]))
        for k in kinds:
            chosen = mask & (y == 1) & (method == k)
            weight[chosen] = 1.0 / (len(kinds) * chosen.sum())
        w = fit_logistic(x[mask], y[mask], weight[mask])
        return x @ w[:-1] + w[-1], w

    scores_all, w_all = regression(train)
    model = None
    if args.scores:
        model = np.full(len(rows), np.nan)
        model[test] = read_scores(args.scores, [r for r, t in zip(rows, test, strict=True) if t])

    methods = {}
    real = np.flatnonzero(test & (y == 0))
    for k in [*sorted(set(method[y == 1])), "all"]:
        fake = np.flatnonzero(test & (y == 1) & ((method == k) | (k == "all")))
        own = scores_all if k == "all" else regression(train & ((y == 0) | (method == k)))[0]
        pair = {"baseline_all": scores_all, "baseline_own": own}
        # The better of the two is the one to beat.
        best = max(pair, key=lambda n: auc(pair[n][fake], pair[n][real]))
        columns = {**pair, "baseline": pair[best], **({"model": model} if model is not None else {})}
        methods[k] = {"baseline_is": best, **evaluate(columns, fake, real)}
        methods[k]["single_features"] = {n: round(auc(x[fake, i], x[real, i]), 4) for i, n in enumerate(names)}
    return {
        "manifest": os.path.basename(args.manifest),
        "train_role": args.train_role,
        "test_role": args.test_role,
        "features": names,
        "box_side": box_note,
        "l2": L2,
        "resamples": RESAMPLES,
        "seed": SEED,
        "weights_all": {n: round(float(v), 5) for n, v in zip([*names, "intercept"], w_all, strict=True)},
        "methods": methods,
    }


if __name__ == "__main__":
    sys.exit(main())
