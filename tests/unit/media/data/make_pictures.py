#!/usr/bin/env python3
"""Makes the pictures of the media tests: make_pictures.py OUT_DIR (Pillow and numpy).

One picture (24 x 16, no two corners alike) in every form that we read. pictures.json holds what each file must decode to: for lossless
files what went in, for lossy ones what Pillow reads, with the tolerance that the comparison may use. Forms that Pillow cannot write
(16-bit RGB, interlaced PNG, tiles, planes, run lengths) are written byte by byte below.
"""
import hashlib
import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 24, 16
ORIENTATION_TAG = 0x0112


def picture():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([10 * x + 5, 15 * y + 5, 255 - 5 * x - 5 * y], -1).astype(np.uint8)
    rgb[:4, :6] = (250, 10, 10)
    rgb[:4, -6:] = (10, 240, 10)
    rgb[-4:, :6] = (20, 20, 230)
    return rgb


RGB = picture()
GRAY = RGB[..., 0].copy()
ALPHA = np.linspace(0, 255, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint8)
WIDE = RGB.astype(np.uint16) * 257 // 2 + np.arange(WIDTH, dtype=np.uint16)[None, :, None] * 300  # 16 bits, low bytes in use


def eight(wide):
    """16 bits to 8, rounded to nearest."""
    return np.floor(wide.astype(np.float64) * 255 / 65535 + 0.5).astype(np.uint8)


def spread(gray):
    return np.repeat(gray[..., None], 3, 2)


def exif(orientation):
    block = Image.Exif()
    block[ORIENTATION_TAG] = orientation
    return block.tobytes()


def stored_as(upright, orientation):
    """What a camera stores so that a viewer that obeys the tag shows `upright`: the inverse of Pillow's exif_transpose."""
    back = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270}
    image = Image.fromarray(upright)
    return np.asarray(image.transpose(back[orientation]) if orientation in back else image)


# --- PNG by hand -------------------------------------------------------------------------------------------------------------
def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bytes(pixels, colour_type, bits, interlaced=False, extra=b""):
    """`pixels` (H, W, C) of u8 or u16. Filter 0 everywhere."""
    height, width = pixels.shape[:2]
    big = pixels.astype(">u2" if bits == 16 else "u1")
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    raw = b"".join(b"\0" + row.tobytes() for y, x, dy, dx in passes for row in big[y::dy, x::dx] if row.size)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", zlib.compress(raw, 9)) + png_chunk(b"IEND", b"")


# --- TIFF by hand ------------------------------------------------------------------------------------------------------------
def tiff_pieces(pixels, planar, tile, rows_per_strip):
    samples = pixels.shape[2]
    for plane in [pixels[..., i : i + 1] for i in range(samples)] if planar else [pixels]:
        height, width = plane.shape[:2]
        if tile:
            padded = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)), mode="edge")
            yield from (padded[y : y + tile, x : x + tile].tobytes() for y in range(0, height, tile) for x in range(0, width, tile))
        else:
            yield from (plane[y : y + rows_per_strip].tobytes() for y in range(0, height, rows_per_strip))


def tiff_directory(tags, at, order):
    """The directory as it stands at byte `at`, with the values that do not fit into its entries behind it."""
    directory, late = b"", b""
    late_at = at + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            field, late = struct.pack(f"{order}I", late_at + len(late)), late + packed
        else:
            field = packed.ljust(4, b"\0")
        directory += struct.pack(f"{order}HHI", tag, kind, len(values)) + field
    return struct.pack(f"{order}H", len(tags)) + directory + b"\0\0\0\0" + late


def tiff_bytes(pixels, photometric, *, planar=False, tile=None, rows_per_strip=5, extra_samples=None, big_endian=True, directory_first=False):
    """Without compression; strips, or tiles of `tile` x `tile` pixels."""
    height, width, samples = pixels.shape
    bits = 16 if pixels.dtype == np.uint16 else 8
    order = ">" if big_endian else "<"
    pieces = list(tiff_pieces(pixels.astype(f"{order}u{bits // 8}"), planar, tile, rows_per_strip))
    counts = [len(piece) for piece in pieces]
    starts = [8 + sum(counts[:i]) for i in range(len(counts))]
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric]), 277: (3, [samples]), 284: (3, [2 if planar else 1])}
    if extra_samples is not None:
        tags[338] = (3, [extra_samples])

    def with_places(offsets):
        if tile:
            return tags | {322: (4, [tile]), 323: (4, [tile]), 324: (4, offsets), 325: (4, counts)}
        return tags | {273: (4, offsets), 278: (4, [rows_per_strip]), 279: (4, counts)}

    directory_at = 8 if directory_first else 8 + sum(counts)
    header = (b"MM" if big_endian else b"II") + struct.pack(f"{order}HI", 42, directory_at)
    if not directory_first:
        return header + b"".join(pieces) + tiff_directory(with_places(starts), directory_at, order)
    behind = len(tiff_directory(with_places(starts), directory_at, order))
    return header + tiff_directory(with_places([start + behind for start in starts]), directory_at, order) + b"".join(pieces)


# --- BMP by hand -------------------------------------------------------------------------------------------------------------
def bmp_bytes(width, height, bits, compression, pixels, tables=b""):
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 2835, 2835, 0, 0)
    offset = 14 + len(info) + len(tables)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + info + tables + pixels


def bmp_rle8():
    """Rows from the bottom; runs of equal palette numbers. The palette is a gray ramp in steps of 17."""
    numbers = GRAY // 17
    data = b""
    for row in numbers[::-1]:
        x = 0
        while x < WIDTH:
            run = 1
            while x + run < WIDTH and row[x + run] == row[x]:
                run += 1
            data += bytes([run, row[x]])
            x += run
        data += b"\0\0"
    palette = b"".join(bytes([17 * i % 256] * 3 + [0]) for i in range(256))
    return bmp_bytes(WIDTH, HEIGHT, 8, 1, data + b"\0\1", palette), spread((numbers * 17).astype(np.uint8))


def bmp_top_down():
    return bmp_bytes(WIDTH, -HEIGHT, 24, 0, np.ascontiguousarray(RGB[..., ::-1]).tobytes())  # 72 bytes a row: no padding


def bmp_565():
    r, g, b = (RGB[..., i].astype(np.uint16) for i in range(3))
    packed = (r >> 3) << 11 | (g >> 2) << 5 | b >> 3
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    low = np.stack([(r >> 3) << 3, (g >> 2) << 2, (b >> 3) << 3], -1)
    return bmp_bytes(WIDTH, HEIGHT, 16, 3, packed[::-1].astype("<u2").tobytes(), masks), low.astype(np.uint8)


# -----------------------------------------------------------------------------------------------------------------------------
class Output:
    def __init__(self, folder):
        self.folder, self.expected, self.contents = folder, {}, {}

    def add(self, name, data, rgb, tolerance=0):
        (self.folder / name).write_bytes(data)
        assert rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] == 3, name
        content = hashlib.sha256(rgb.tobytes()).hexdigest()[:8]
        self.contents[content] = rgb.tobytes().hex()
        self.expected[name] = {"width": rgb.shape[1], "height": rgb.shape[0], "tolerance": tolerance, "content": content}

    def write_expectations(self):
        def table(entries):
            return ",\n".join(f'  "{key}": {json.dumps(value)}' for key, value in sorted(entries.items()))

        text = f'{{"pictures": {{\n{table(self.expected)}\n}},\n"rgb": {{\n{table(self.contents)}\n}}}}\n'
        (self.folder / "pictures.json").write_text(text)

    def save(self, name, image, rgb=None, tolerance=0, **options):
        """By Pillow. Without `rgb` the expectation is what Pillow reads."""
        buffer = io.BytesIO()
        image.save(buffer, format=None if "format" in options else Image.registered_extensions()[pathlib.Path(name).suffix], **options)
        if rgb is None:
            rgb = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
        self.add(name, buffer.getvalue(), rgb, tolerance)


def jpegs(out):
    colour = Image.fromarray(RGB)
    # Another version of the same library may round a chroma sample differently.
    lossy = 2
    out.save("baseline.jpg", colour, tolerance=lossy, quality=92)
    out.save("progressive.jpg", colour, tolerance=lossy, quality=92, progressive=True)
    out.save("gray.jpg", Image.fromarray(GRAY), tolerance=lossy, quality=92)
    out.save("full_chroma.jpg", colour, tolerance=lossy, quality=92, subsampling=0)
    out.save("cmyk.jpg", colour.convert("CMYK"), tolerance=lossy, quality=95)
    turned = Image.fromarray(stored_as(RGB, 6))
    upright = np.asarray(Image.open(io.BytesIO(jpeg_of(turned))).transpose(Image.Transpose.ROTATE_270))
    out.save("exif_6.jpg", turned, upright, tolerance=lossy, quality=92, exif=exif(6))


def jpeg_of(image):
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=92)
    return buffer.getvalue()


def pngs(out):
    out.save("rgb.png", Image.fromarray(RGB), RGB)
    out.save("gray.png", Image.fromarray(GRAY), spread(GRAY))
    out.save("alpha.png", Image.fromarray(np.dstack([RGB, ALPHA])), RGB)
    out.save("gray_alpha.png", Image.fromarray(np.dstack([GRAY, ALPHA]), "LA"), spread(GRAY))
    bits = GRAY > 128
    out.save("one_bit.png", Image.fromarray(bits), spread(np.where(bits, 255, 0).astype(np.uint8)))
    palette = Image.fromarray(RGB).quantize(16)
    out.save("palette.png", palette, np.asarray(palette.convert("RGB")))
    out.save("palette_transparent.png", palette, np.asarray(palette.convert("RGB")), transparency=3)
    out.add("sixteen_bit.png", png_bytes(WIDE, 2, 16), eight(WIDE))
    out.add("sixteen_bit_gray.png", png_bytes(WIDE[..., :1], 0, 16), spread(eight(WIDE[..., 0])))
    out.add("sixteen_bit_gray_alpha.png", png_bytes(np.dstack([WIDE[..., 0], WIDE[..., 1]]), 4, 16), spread(eight(WIDE[..., 0])))
    out.add("interlaced.png", png_bytes(RGB, 2, 8, interlaced=True), RGB)
    for orientation in range(1, 9):
        note = png_chunk(b"eXIf", exif(orientation).removeprefix(b"Exif\0\0"))
        out.add(f"exif_{orientation}.png", png_bytes(stored_as(RGB, orientation), 2, 8, extra=note), RGB)


def webps(out):
    out.save("lossless.webp", Image.fromarray(RGB), RGB, lossless=True)
    out.save("lossy.webp", Image.fromarray(RGB), tolerance=2, quality=90)
    out.save("alpha.webp", Image.fromarray(np.dstack([RGB, ALPHA])), RGB, lossless=True, exact=True)
    out.save("exif_8.webp", Image.fromarray(stored_as(RGB, 8)), RGB, lossless=True, exif=exif(8))
    Image.fromarray(RGB).save(out.folder / "animated.webp", save_all=True, append_images=[Image.fromarray(255 - RGB)], duration=100, lossless=True)


def bmps(out):
    out.save("rgb.bmp", Image.fromarray(RGB), RGB)
    out.save("gray.bmp", Image.fromarray(GRAY), spread(GRAY))
    out.save("one_bit.bmp", Image.fromarray(GRAY > 128), spread(np.where(GRAY > 128, 255, 0).astype(np.uint8)))
    out.save("alpha.bmp", Image.fromarray(np.dstack([RGB, ALPHA])), RGB)
    out.add("top_down.bmp", bmp_top_down(), RGB)
    out.add("run_lengths.bmp", *bmp_rle8())
    data, low = bmp_565()
    # The missing low bits may be filled with zeros or with the high ones: at most 7 levels.
    out.add("five_six_five.bmp", data, low, tolerance=7)


def tiffs(out):
    colour = Image.fromarray(RGB)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        out.save(f"{compression.removeprefix('tiff_')}.tif", colour, RGB, compression=compression)
    out.save("jpeg.tif", colour, tolerance=4, compression="jpeg", quality=95)
    out.save("one_bit.tif", Image.fromarray(GRAY > 128), spread(np.where(GRAY > 128, 255, 0).astype(np.uint8)), compression="group4")
    palette = colour.quantize(16)
    out.save("palette.tif", palette, np.asarray(palette.convert("RGB")))
    cmyk = np.dstack([255 - RGB, ALPHA // 2])
    light = (RGB.astype(np.uint32) * (255 - cmyk[..., 3:].astype(np.uint32)) + 127) // 255
    out.save("cmyk.tif", Image.fromarray(cmyk, "CMYK"), light.astype(np.uint8))
    out.save("orientation_6.tif", Image.fromarray(stored_as(RGB, 6)), RGB, tiffinfo={ORIENTATION_TAG: 6})
    gray, wide_gray = GRAY[..., None], WIDE[..., :1]
    out.add("sixteen_bit.tif", tiff_bytes(WIDE, 2), eight(WIDE))
    out.add("sixteen_bit_little.tif", tiff_bytes(WIDE, 2, big_endian=False), eight(WIDE))
    out.add("sixteen_bit_gray.tif", tiff_bytes(wide_gray, 1), spread(eight(wide_gray[..., 0])))
    out.add("white_is_zero.tif", tiff_bytes(gray, 0), spread(255 - GRAY))
    out.add("directory_first.tif", tiff_bytes(RGB, 2, directory_first=True), RGB)
    out.add("planes.tif", tiff_bytes(RGB, 2, planar=True), RGB)
    out.add("tiles.tif", tiff_bytes(RGB, 2, tile=16), RGB)
    out.add("planes_tiles.tif", tiff_bytes(RGB, 2, planar=True, tile=16), RGB)
    unassociated = 2
    out.add("alpha.tif", tiff_bytes(np.dstack([RGB, ALPHA]), 2, extra_samples=unassociated), RGB)


def main():
    out = Output(pathlib.Path(sys.argv[1]))
    out.folder.mkdir(parents=True, exist_ok=True)
    for part in (jpegs, pngs, webps, bmps, tiffs):
        part(out)
    out.write_expectations()
    print(sum(p.stat().st_size for p in out.folder.iterdir()), "bytes,", len(out.expected), "pictures")


if __name__ == "__main__":
    main()
