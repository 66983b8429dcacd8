# SPDX-License-Identifier: Apache-2.0
"""Writes mtcnn.json beside itself: what facenet-pytorch 2.6.0 computes, for machines without the larger goldens.

Needs torch, Pillow and facenet-pytorch 2.6.0 (`pip install --no-deps`). Two parts:
- networks: P-Net's whole map, and R-Net's and O-Net's outputs for a few windows, on a generated picture that is not stored
  (picture_byte(), repeated by the test);
- faces: boxes, probabilities and points in samples/astronaut.png, smallest face 20.
"""

import importlib.metadata
import json
import pathlib

import torch
from facenet_pytorch import MTCNN
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[3]
WIDTH, HEIGHT = 90, 70
MAP_INPUT = (31, 24)  # P-Net's picture: width, height
# x, y, width, height: shrunk, enlarged, oblong, as large as the input
WINDOWS = [[0, 0, 90, 70], [10, 20, 17, 15], [30, 5, 48, 48], [61, 40, 24, 24]]


def picture_byte(x: int, y: int, c: int) -> int:
    """A bright disc with two dark spots on a slope, and a little noise."""
    noise = ((x * 2654435761 + y * 2246822519 + c * 3266489917) % 2**32 * 668265263) % 2**32 >> 28
    if (x - 33) ** 2 + (y - 28) ** 2 < 9 or (x - 51) ** 2 + (y - 28) ** 2 < 9:
        return 20 + noise
    if (x - 42) ** 2 + (y - 35) ** 2 < 400:
        return 190 - 20 * c + noise
    return (x + 2 * y + 30 * c) % 128 + noise


def normalised(values: torch.Tensor, width: int, height: int) -> torch.Tensor:
    return (torch.nn.functional.interpolate(values, size=(height, width), mode="area") - 127.5) * 0.0078125


def rounded(values: torch.Tensor) -> list:
    return [round(float(v), 7) for v in values.detach().flatten()]


def network_figures() -> dict:
    bytes_of = [[[picture_byte(x, y, c) for x in range(WIDTH)] for y in range(HEIGHT)] for c in range(3)]
    picture = torch.tensor([bytes_of], dtype=torch.float32)
    correction, score = PNet()(normalised(picture, *MAP_INPUT))
    result = {
        "picture": [WIDTH, HEIGHT],
        "map_input": list(MAP_INPUT),
        "map_score": rounded(score[0, 1]),
        "map_correction": rounded(correction[0].permute(1, 2, 0)),
        "windows": WINDOWS,
    }
    cuts = [picture[:, :, y : y + h, x : x + w] for x, y, w, h in WINDOWS]
    correction, score = RNet()(torch.cat([normalised(cut, 24, 24) for cut in cuts]))
    result |= {"r_score": rounded(score[:, 1]), "r_correction": rounded(correction)}
    correction, points, score = ONet()(torch.cat([normalised(cut, 48, 48) for cut in cuts]))
    result |= {"o_score": rounded(score[:, 1]), "o_correction": rounded(correction), "o_points": rounded(points)}
    return result


def face_figures() -> dict:
    detector = MTCNN(keep_all=True, min_face_size=20, device="cpu")
    with Image.open(ROOT / "samples" / "astronaut.png") as opened:
        boxes, probabilities, points = detector.detect(opened.convert("RGB"), landmarks=True)
    faces = []
    for box, probability, five in zip(boxes, probabilities, points, strict=True):
        faces.append({"box": box.tolist(), "probability": float(probability), "points": five.tolist()})
    return {"picture": "samples/astronaut.png", "faces": faces}


def main() -> None:
    with torch.no_grad():
        record = {
            "generator": "make_mtcnn_golden.py",
            "torch": torch.__version__,
            "facenet_pytorch": importlib.metadata.version("facenet-pytorch"),
            "networks": network_figures(),
            "astronaut": face_figures(),
        }
    text = json.dumps(record, separators=(",", ":")).replace(',"', ',\n"') + "\n"
    pathlib.Path(__file__).with_name("mtcnn.json").write_text(text)


if __name__ == "__main__":
    main()
