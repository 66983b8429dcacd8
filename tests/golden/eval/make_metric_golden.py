#!/usr/bin/env python3
"""Figures of 1,000 made-up evaluations by scikit-learn, and by plain loops where it has no such metric.

Writes metrics.f64 beside this script: (1000, 18) float64, little-endian, NaN = undefined, columns in the order of
METRICS. The cases themselves come from a hash rule that tests/unit/eval/metric_golden_test.cpp repeats.
Needs numpy, scipy and scikit-learn (made with 2.4.6, 1.17.1 and 1.9.1).
"""
import math
import pathlib
import warnings
from fractions import Fraction

import numpy as np
from scipy import interpolate, optimize, stats
from sklearn import metrics

METRICS = ["auc", "eer", "eer_nearest", "ap", "accuracy", "balanced_accuracy", "accuracy_real", "accuracy_fake", "tpr_at_fpr1",
           "tpr_at_fpr5", "fpr_at_tpr95", "nll", "brier", "ece_width", "ece_mass", "aurc", "error_correlation", "cllr"]
CASES = 1000
BINS = 15
CLAMP = 1e-12
MASK = (1 << 64) - 1


def mix64(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def bits(case: int, item: int, which: int) -> int:
    return mix64(case * 1000003 + item * 8 + which + 1)


def unit(case: int, item: int, which: int) -> float:
    return (bits(case, item, which) >> 24) * 2.0 ** -40  # sums and products below are exact, fused or not


def make_case(case: int):
    kind = case % 10
    count = 2 + bits(case, 0, 4) % (1500 if case % 100 == 50 else 120)
    scores, labels = [], []
    for item in range(count):
        label = bits(case, item, 0) % 2
        if kind == 7:
            label = case // 10 % 2  # one class
        u = 0.75 * unit(case, item, 1) + 0.25 * label * unit(case, item, 2)
        if kind in (4, 5):  # ties
            levels = (2, 3, 5, 15, 20, 100)[case // 10 % 6]
            u = math.floor(u * levels + 0.5) / levels
        elif kind == 6:  # one score for all
            u = (0.0, 0.25, 0.5, 0.75, 1.0)[case // 10 % 5]
        elif kind == 8:  # certain, rightly or wrongly
            u = 0.0 if u < 0.2 else 1.0 if u > 0.8 else u
        elif kind == 9:  # p and 1 - p of one confidence
            u = math.floor(u * 64) / 64
        scores.append(u)
        labels.append(label)
    threshold = 0.3 if case % 7 == 3 else 0.5
    return np.array(scores), np.array(labels), threshold


def eers(p, y):
    """Both kinds, in whole numbers and fractions: rounding decides no tie."""
    fpr, tpr, _ = metrics.roc_curve(y, p)  # drops vertices by default
    reals, fakes = int((y == 0).sum()), int((y == 1).sum())
    points = [(round(f * reals), round(t * fakes)) for f, t in zip(fpr, tpr)]
    gaps = [abs((fakes - t) * reals - f * fakes) for f, t in points]
    nearest = points[gaps.index(min(gaps))][0] / reals
    for (f0, t0), (f1, t1) in zip(points, points[1:]):
        a0, b0, a1, b1 = Fraction(f0, reals), Fraction(t0, fakes), Fraction(f1, reals), Fraction(t1, fakes)
        if a0 + b0 < 1 <= a1 + b1:
            share = (1 - a0 - b0) / (a1 - a0 + b1 - b0)
            crossing = float(a0 + share * (a1 - a0))
    # The usual way, by root finding; looser.
    usual = optimize.brentq(lambda x: 1.0 - x - interpolate.interp1d(fpr, tpr)(x), 0.0, 1.0, xtol=1e-14)
    if not any(f0 == f1 for (f0, _), (f1, _) in zip(points, points[1:])):  # interp1d needs rising x
        assert abs(usual - crossing) < 1e-9, (usual, crossing)
    return crossing, nearest


def rates(p, y):
    fpr, tpr, _ = metrics.roc_curve(y, p, drop_intermediate=False)
    return max(tpr[fpr <= 0.01]), max(tpr[fpr <= 0.05]), min(fpr[tpr >= 0.95])


def ece_width(p, y):
    edges = [i / BINS for i in range(BINS + 1)]
    total = 0.0
    for b in range(BINS):
        inside = (p > edges[b]) & (p <= edges[b + 1]) if b else p <= edges[1]
        if inside.any():
            total += inside.sum() / len(p) * abs(p[inside].mean() - y[inside].mean())
    return total


def ece_mass(p, y):
    """Each item as 15 copies, so that a bin is N copies; equal scores share their labels."""
    order = np.argsort(p, kind="stable")
    p, y = p[order], y[order].astype(float)
    for value in np.unique(p):
        y[p == value] = y[p == value].mean()
    p, y = np.repeat(p, BINS).reshape(BINS, -1), np.repeat(y, BINS).reshape(BINS, -1)
    return float(np.mean([abs(math.fsum(a) - math.fsum(b)) / len(a) for a, b in zip(p, y)]))


def aurc(p, y):
    confidence, wrong = np.abs(p - 0.5), ((p > 0.5).astype(int) != y).astype(float)
    order = np.argsort(-confidence, kind="stable")
    confidence, wrong = confidence[order], wrong[order]
    for value in np.unique(confidence):  # the average over the orders of a tie
        wrong[confidence == value] = wrong[confidence == value].mean()
    seen, total = 0.0, []
    for k, one in enumerate(wrong, 1):
        seen += one
        total.append(seen / k)
    return math.fsum(total) / len(total)


def error_correlation(p, y):
    uncertainty, wrong = -np.abs(p - 0.5), ((p > 0.5).astype(int) != y).astype(float)
    if np.ptp(uncertainty) < 1e-12 or len(set(wrong)) == 1:  # 1/3 and 2/3 are one confidence
        return math.nan
    return float(stats.pearsonr(uncertainty, wrong)[0])


def figures(p, y, threshold):
    out = dict.fromkeys(METRICS, math.nan)
    called = (p > threshold).astype(int)
    true_p = np.maximum(np.where(y == 1, p, 1 - p), CLAMP)
    out["accuracy"] = metrics.accuracy_score(y, called)
    out["nll"] = math.fsum(-np.log(true_p)) / len(p)
    out["brier"] = math.fsum((p - y) ** 2) / len(p)
    out["ece_width"], out["ece_mass"] = ece_width(p, y), ece_mass(p, y)
    out["aurc"], out["error_correlation"] = aurc(p, y), error_correlation(p, y)
    for name, label in (("accuracy_real", 0), ("accuracy_fake", 1)):
        if (y == label).any():
            out[name] = metrics.recall_score(y, called, pos_label=label)
    if len(set(y)) < 2:
        return out
    assert abs(out["brier"] - metrics.brier_score_loss(y, p)) < 1e-12
    if CLAMP < true_p.min():
        assert abs(out["nll"] - metrics.log_loss(y, p)) < 1e-12
    out["auc"] = metrics.roc_auc_score(y, p)
    out["eer"], out["eer_nearest"] = eers(p, y)
    out["ap"] = metrics.average_precision_score(y, p)
    out["balanced_accuracy"] = metrics.balanced_accuracy_score(y, called)
    out["tpr_at_fpr1"], out["tpr_at_fpr5"], out["fpr_at_tpr95"] = rates(p, y)
    bits_of = -np.log2(true_p)
    out["cllr"] = (bits_of[y == 1].mean() + bits_of[y == 0].mean()) / 2
    return out


def main():
    warnings.simplefilter("ignore")
    table = np.full((CASES, len(METRICS)), np.nan)
    for case in range(CASES):
        found = figures(*make_case(case))
        table[case] = [found[name] for name in METRICS]
    here = pathlib.Path(__file__).resolve().parent
    table.astype("<f8").tofile(here / "metrics.f64")
    print({name: int(np.isnan(table[:, i]).sum()) for i, name in enumerate(METRICS)})


if __name__ == "__main__":
    main()
