# SPDX-License-Identifier: Apache-2.0
"""Writes calibration.json beside itself: what scipy and scikit-learn make of small random sets.

Needs scipy and scikit-learn (`pip install scikit-learn` in a virtual environment). Scores are rounded, so that ties occur.
The figures come from other code than ours: temperature and logistic map by scipy's minimisers on the plain definition of NLL, the
isotonic map by scikit-learn, Cllr from its definition, binomial limits from scipy's beta distribution.
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy import optimize, stats
from sklearn.isotonic import IsotonicRegression

rng = np.random.default_rng(20260102)


def sample(n, shift, spread, digits):
    labels = (rng.random(n) < rng.uniform(0.2, 0.8)).astype(int)
    labels[:2] = 0, 1
    margins = np.round(rng.normal(0, spread, n) + shift * spread * (labels - 0.4), digits)
    return margins, labels


def nll(z, y):
    return float(np.sum(np.logaddexp(0, np.where(y == 1, -z, z))))


def temperature(margins, y):
    found = optimize.minimize_scalar(lambda beta: nll(beta * margins, y), bracket=(1e-3, 1.0), method="brent", tol=1e-14)
    # Brent stops at the square root of rounding; the root of the derivative is sharper.
    slope = lambda beta: float(np.sum((1 / (1 + np.exp(-beta * margins)) - y) * margins))
    return 1 / optimize.brentq(slope, found.x * 0.5, found.x * 2, xtol=1e-15, rtol=1e-14)


def logistic(x, y):
    start = optimize.minimize(lambda w: nll(w[0] * x + w[1], y), [0.1, 0.0], method="BFGS").x

    def slopes(w):
        e = 1 / (1 + np.exp(-(w[0] * x + w[1]))) - y
        return [np.sum(e * x), np.sum(e)]

    return [float(v) for v in optimize.root(slopes, start, tol=1e-14).x]


def cllr(log_ratios, y):
    fakes, reals = log_ratios[y == 1], log_ratios[y == 0]
    return float(np.mean(np.log2(1 + np.exp(-fakes))) + np.mean(np.log2(1 + np.exp(reals)))) / 2


def cllr_min(p, y):
    posterior = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(p)
    with np.errstate(divide="ignore"):
        return cllr(np.log(posterior) - np.log(1 - posterior) - np.log(y.sum() / (len(y) - y.sum())), y)


def overlapping(margins, y):
    return margins[y == 0].max() > max(0, margins[y == 1].min()) and margins[y == 1].min() < 0


temperatures, maps = [], []
while len(temperatures) < 24:
    margins, y = sample(int(rng.integers(12, 60)), rng.uniform(0.5, 2), 10 ** rng.uniform(-1, 2), 2)
    if overlapping(margins, y) and np.sum((0.5 - y) * margins) < 0:
        temperatures.append({"margins": margins.tolist(), "labels": y.tolist(), "temperature": temperature(margins, y)})
while len(maps) < 24:
    margins, y = sample(int(rng.integers(40, 90)), rng.uniform(0.6, 2), 1.5, 3)
    p = np.round(1 / (1 + np.exp(-margins)), 2).clip(0.01, 0.99)
    if not overlapping(p - 0.5, y) or min(y.sum(), len(y) - y.sum()) < 20:
        continue
    x = np.log(p) - np.log1p(-p)
    slope, offset = logistic(x, y)
    if slope <= 0:
        continue
    prior = float(np.log(y.sum() / (len(y) - y.sum())))
    where = np.round(np.linspace(0, 1, 21), 2)
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(p, y)
    maps.append({
        "p_fake": p.tolist(), "labels": y.tolist(), "slope": slope, "offset": offset, "prior_log_odds": prior,
        "cllr": cllr(np.clip(slope * x + offset - prior, -np.log(y.sum() + 1), np.log(len(y) - y.sum() + 1)), y),
        "cllr_min": cllr_min(p, y),
        "isotonic_at": where.tolist(), "isotonic": isotonic.predict(where).tolist(),
    })

limits = []
for hits, of in [(0, 1), (1, 1), (0, 59), (3, 140), (7, 140), (140, 140), (1, 299), (38, 1000), (500, 1000), (23, 30000), (29998, 30000)]:
    low = stats.beta.ppf(0.025, hits, of - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, of - hits) if hits < of else 1.0
    limits.append([hits, of, float(low), float(high)])

allowed = []
for reals in (59, 92, 93, 140, 299, 1000, 5000):
    for fpr in (0.01, 0.05):
        k = -1
        while stats.binom.cdf(k + 1, reals, fpr) <= 0.05:
            k += 1
        allowed.append([reals, fpr, k])

out = {
    "made_by": f"scipy {scipy.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}",
    "temperatures": temperatures, "maps": maps, "clopper_pearson": limits,
    "allowed": allowed,  # reals, promised rate, most false alarms; -1: too few reals
}
path = pathlib.Path(__file__).with_name("calibration.json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path.name, path.stat().st_size, "bytes")
