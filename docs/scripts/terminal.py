"""Draws a terminal as SVG from plain text on stdin; follows the reader's light or dark setting, needs no font.

    python3 docs/scripts/terminal.py "bartizan up" < docs/images/up.txt > docs/images/up.svg

Lines that start with `$ ` are what was typed. In others, `allow`, `mask` and `block` stand out.
"""

import re
import sys
from html import escape

LINE, WIDTH, LEFT, TOP = 19, 8.05, 18, 52
STYLE = """
  .bg { fill: #f6f8fa } .bar { fill: #e6eaef } .edge { fill: none; stroke: #d0d7de }
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #24292f; white-space: pre }
  .dim { fill: #57606a } .typed { fill: #0550ae; font-weight: 600 }
  .allow { fill: #1a7f37; font-weight: 600 } .mask { fill: #9a6700; font-weight: 600 } .block { fill: #cf222e; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .bg { fill: #0d1117 } .bar { fill: #161b22 } .edge { stroke: #30363d }
    text { fill: #e6edf3 } .dim { fill: #8b949e } .typed { fill: #79c0ff }
    .allow { fill: #3fb950 } .mask { fill: #d29922 } .block { fill: #f85149 }
  }
"""


def spans(line):
    if line.startswith("$ "):
        return f'<tspan class="dim">$ </tspan><tspan class="typed">{escape(line[2:])}</tspan>'
    return re.sub(r"\b(allow|mask|block)\b", r'<tspan class="\1">\1</tspan>', escape(line, quote=False))


def main():
    title = sys.argv[1]
    lines = sys.stdin.read().rstrip("\n").split("\n")
    width = round(2 * LEFT + WIDTH * max(len(line) for line in lines))
    height = TOP + LINE * len(lines) + 6
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="Terminal: {escape(title)}">'
    )
    print(f"<title>Terminal: {escape(title)}</title>\n<style>{STYLE}</style>")
    print(f'<rect class="bg" width="{width}" height="{height}" rx="8"/>')
    print(f'<path class="bar" d="M0 8a8 8 0 0 1 8-8h{width - 16}a8 8 0 0 1 8 8v22H0z"/>')
    print(f'<rect class="edge" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>')
    print(f'<text class="dim" x="{width / 2}" y="20" text-anchor="middle">{escape(title)}</text>')
    for number, line in enumerate(lines):
        if line:
            print(f'<text x="{LEFT}" y="{TOP + LINE * number}" xml:space="preserve">{spans(line)}</text>')
    print("</svg>")


if __name__ == "__main__":
    main()
