#!/usr/bin/env python3
"""Text from stdin as a picture of a terminal (SVG), so that documents show real output:

  build/release/bin/dfa detect samples | scripts/terminal_svg.py 'dfa detect samples' > docs/images/detect.svg
"""
import html
import sys

CHARACTER, LINE, MARGIN = 8.4, 19, 16  # px


def main() -> int:
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    lines = ([f"$ {command}"] if command else []) + sys.stdin.read().rstrip("\n").split("\n")
    width = round(2 * MARGIN + CHARACTER * max(map(len, lines)))
    height = 2 * MARGIN + LINE * len(lines)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">')
    print(f'<rect width="{width}" height="{height}" rx="8" fill="#10151c"/>')
    print('<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#d7dde5" xml:space="preserve">')
    for number, line in enumerate(lines):
        colour = ' fill="#7fd1a0"' if command and number == 0 else ""
        print(f'<text x="{MARGIN}" y="{MARGIN + LINE * number + 14}"{colour}>{html.escape(line)}</text>')
    print("</g></svg>")
    return 0


if __name__ == "__main__":
    sys.exit(main())
