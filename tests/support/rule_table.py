"""Write the table of rules anew, as the code that finds them words it.

python tests/support/rule_table.py
"""

import ast
import re
from pathlib import Path

from journey_widgets.raci.texts import TEXTS

ROOT = Path(__file__).parent.parent.parent
TARGET = ROOT / "docs" / "rules.md"
CODE = re.compile(r"[A-Z]{3,4}-\d\d")
SEVERITIES = ("error", "warn", "info")
ROOMS = {
    "raci": "RACI matrix", "journey": "Journey map", "cross_impact": "Cross-impact matrix", "scorecard": "Scorecard",
    "upsell": "Upsell plan", "workspace": "Workspace",
}  # fmt: skip


def _text(node):
    """Return the words of a string, with … for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
    return ""


def found():
    """Return code → room, severity, what is said, what to do."""
    rules, severities = {}, {}
    for room in ROOMS:
        for path in sorted((ROOT / "src" / "journey_widgets" / room).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                parts = [*node.args, *(k.value for k in node.keywords)]
                code = next((_text(a) for a in node.args if CODE.fullmatch(_text(a))), "")
                if code:
                    own = (_text(a) for a in parts if _text(a) in SEVERITIES)
                    severities.setdefault(code, next(own, "by its policy"))
                words = [t for a in parts if " " in (t := _text(a)) and not CODE.fullmatch(t)]
                if not code or not words:
                    continue
                severity = next(
                    (_text(a) for a in parts if _text(a) in SEVERITIES), "by its policy"
                )
                rules.setdefault(
                    code, (room, severity, words[0], words[-1] if len(words) > 1 else "")
                )
    for code, said in TEXTS.items():
        severity = rules.get(code, ("", severities.get(code, "by its policy")))[1]
        rules[code] = ("raci", severity, _open(said.message), _open(said.fix))
    return rules


def _open(text):
    return re.sub(r"\{[^}]*\}", "…", text)


def _cell(said):
    return said.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def text():
    """Return the page."""
    rules = found()
    lead = (
        f"The {len(rules)} rules that `journey check`, the grids and the reports hold documents against, in the "
        "words of their findings; … stands for what a finding fills in. Codes are stable. Made by "
        "`python tests/support/rule_table.py`."
    )
    head = ["| rule | of | severity | what is said | what to do |", "|---|---|---|---|---|"]
    lines = ["# Rules", "", lead, "", *head]
    for code, (room, severity, said, do) in sorted(rules.items()):
        cells = (code, ROOMS[room], severity, said, do)
        lines.append(
            "| "
            + " | ".join(
                c.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") for c in cells
            )
            + " |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    print(f"{TARGET.name}: {len(found())} rules")
