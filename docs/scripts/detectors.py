"""Writes docs/reference/detectors.md from `bartizan explain`.

    python3 docs/scripts/detectors.py target/debug/bartizan > docs/reference/detectors.md
"""

import re
import subprocess
import sys

HEAD = """# Detectors

Every built-in detector, as `bartizan explain` prints it; `docs/scripts/detectors.py` writes this page. Policy names a
detector, or the category of several, in [`detect:`](policy.md#guardrails).

All of them read rules: formats, check digits, words and grammar. None is a trained model; the section *Limits* of each
says what it cannot see. Before they look, the engine removes disguises: look-alike and full-width letters, invisible
characters, combining marks, spaced-out words, URL, HTML and string escapes, base64 and hex (twice, one inside the other),
and, for detectors that ask for it, rot13.

Four more are made from the policy: `keyword`, `pattern`, `off-topic` and `oversize` (`detect: keywords`, `patterns`,
`topics`, `size`).
"""


def explain(binary, *words):
    done = subprocess.run([binary, "explain", *words], capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n").split("\n")


def main():
    binary = sys.argv[1]
    out = [HEAD]
    groups = []
    for line in explain(binary):
        if line.startswith("  "):
            name, severity, summary = re.match(r"  (\S+)\s+(\S+)\s+(.*)", line).groups()
            groups[-1][1].append((name, severity, summary))
        else:
            groups.append((line, []))
    out.append("| category | detector | severity | finds |\n|---|---|---|---|")
    for category, entries in groups:
        for name, severity, summary in entries:
            out.append(f"| `{category}` | [`{name}`](#{name}) | {severity} | {summary} |")
    for category, entries in groups:
        for name, severity, summary in entries:
            lines = explain(binary, name)
            out.append(f"\n## {name}\n\n{summary}. Category `{category}`, severity {severity}.\n")
            references = []
            title = None
            for line in lines[3:]:
                if not line.startswith("  ") and line:
                    title = line
                elif line and title == "References":
                    references.append(line.strip())
                elif "](" in line:
                    # Text with a link of its own would be read as one.
                    out.append(f"- **{title}**\n\n  ```text\n  {line.strip()}\n  ```\n")
                elif line:
                    out.append(f"- **{title}** – {line.strip()}")
            out.append(f"- **References** – {', '.join(references)}")
    print("\n".join(out))


if __name__ == "__main__":
    main()
