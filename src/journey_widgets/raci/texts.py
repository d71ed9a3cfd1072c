"""The words of the RACI rules, in one place: what was seen, what to ask, what to do, and who asks for it.

Authorities: *responsibility charting* is the horizontal and vertical analysis of Smith and Erwin;
*Gamestorming* its RACI exercise; *COBIT 2019* ISACA's; *practitioners* their published complaints.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CHARTING = "responsibility charting"
ALL_THREE = "responsibility charting; Gamestorming; COBIT 2019"
OWN = "own"


@dataclass(frozen=True)
class Text:
    """Words of one rule; ``{…}`` is filled in."""

    message: str
    question: str
    fix: str
    authority: str = OWN


TEXTS: Mapping[str, Text] = MappingProxyType(
    {
        # Cells
        "CELL-01": Text(
            "{row}, {role}: {code!r} is no letter of {scheme}.",
            "What was meant?", "Use {letters}, or several joined by '/'.",
        ),
        "CELL-02": Text(
            "{row}, {role}: {weaker} beside {stronger} says nothing new.",
            "Is the weaker letter needed?", "Remove {weaker}: {stronger} already covers it.",
        ),
        "CELL-03": Text(
            "{row}, {role}: {one} and {other} contradict each other.",
            "Which of the two is it?", "Keep one of them.", "definition of the scheme",
        ),
        # Shape of the table
        "TAB-01": Text("The matrix has no {what}.", "What is it about?", "Add {what}."),
        "TAB-02": Text(
            "{what} {label!r} is there {count} times.",
            "Is it one, or are they several?", "Merge them, or tell them apart by name.",
        ),
        "TAB-03": Text(
            "{what} number {number} has no name that can be read.", "What is it called?", "Name it."
        ),
        "TAB-04": Text(
            "{row} is no touchpoint of the journey.",
            "Was it renamed or removed there?", "Add it to the journey, or remove the row.",
        ),
        "TAB-05": Text(
            "{role} is not in the role register.",
            "Who is that?", "Add it to the register, or rename the column.",
        ),
        "TAB-06": Text(
            "{row} names a department or thing, and no work.",
            "What is done there?", "Say it with a verb, such as Answer first questions.",
        ),
        # Rows
        "ROW-01": Text(
            "{row}: nobody is accountable.",
            "Who answers when this is not done?", "Give exactly one role an A.", ALL_THREE,
        ),
        "ROW-02": Text(
            "{row}: {count} roles are accountable ({holders}).",
            "Who has the last word?", "Keep one A; make the others C or I.",
            "Gamestorming; COBIT 2019; practitioners",
        ),
        "ROW-03": Text(
            "{row}: nobody is responsible.",
            "Who does the work?", "Give a role an R, or drop or split the row.",
            "responsibility charting; Gamestorming",
        ),
        "ROW-04": Text(
            "{row}: {count} roles are responsible.",
            "Is this one piece of work?", "Split it into smaller rows.", CHARTING,
        ),
        "ROW-05": Text(
            "{row}: {count} of {roles} roles are consulted.",
            "Must all of them be asked before each decision?", "Make some of them I.",
            "responsibility charting; practitioners",
        ),
        "ROW-06": Text(
            "{row}: {count} of {roles} roles are informed.",
            "Must all be told each time, or only when something is unusual?", "Keep those who act on it.", CHARTING,
        ),
        "ROW-07": Text(
            "{row}: nobody is consulted and nobody is informed.",
            "Do these teams talk to each other?", "Add a C or I where they should.", CHARTING,
        ),
        "ROW-08": Text(
            "{row}: every one of the {roles} roles is involved.",
            "Does everybody have to be in this?", "Leave cells blank.", CHARTING,
        ),
        "ROW-09": Text(
            "{row}: {role} does the work and answers for it.",
            "Who would notice a mistake?", "{advice}", "practitioners",
        ),
        "ROW-10": Text(
            "{row}: {role} is accountable and is a team.",
            "Which person answers?", "Give the A to a role that one person holds.", "Gamestorming; COBIT 2019",
        ),
        "ROW-11": Text(
            "{row}: {role} is from outside and holds {letters}.",
            "Who answers for it inside?", "Give the A to a role inside; name the outside party R under it, or C.",
        ),
        "ROW-12": Text(
            "{row}: there is support (S) and nobody responsible to be supported.",
            "Whose work is supported?", "Give a role an R.", "definition of RASCI",
        ),
        "ROW-13": Text(
            "{row}: {what}.", "Who checks, and who releases?", "{advice}", "definition of RACI-VS"
        ),
        "ROW-14": Text(
            "{row}: {count} roles hold {letter} ({meaning}).",
            "Who is it?", "Give exactly one role the {letter}.", "definition of DACI",
        ),
        "ROW-15": Text(
            "{row}: {accountable}, who answers for it, reports to {responsible}, who does it.",
            "Can the last word be against one's own superior?", "Give the A to the higher of the two.",
            "own; COBIT 2019",
        ),
        # Columns
        "COL-01": Text(
            "{role} is responsible in {count} of {rows} rows.",
            "Can this role stay on top of so much?", "Share the work.", CHARTING,
        ),
        "COL-02": Text(
            "{role} holds {count} of {all} A.",
            "Can some of it be pushed down?", "Give A to those closer to the work.", CHARTING,
        ),
        "COL-03": Text(
            "{role} is involved in {count} of {rows} rows.",
            "Does it have to be in so many?", "Leave it out where nothing depends on it.", CHARTING,
        ),
        "COL-04": Text(
            "{role} is never responsible and never accountable.",
            "Is the column needed, or could the role do more?", "Remove the column, or give it work.", CHARTING,
        ),
        "COL-05": Text(
            "{role} has no letter at all.",
            "What is the column for?", "Remove it, or assign something.", CHARTING,
        ),
        "COL-06": Text(
            "{role} answers for {count} rows and does the work of none.",
            "Is it close enough to know?", "Look at whether it can decide well.",
        ),
        "COL-07": Text(
            "{role} has a load of {load:,.0f}, above its capacity of {capacity:,.0f}.",
            "What is left undone?", "Give rows to somebody else, or raise the capacity.",
        ),
        "COL-08": Text(
            "{role} holds {letters} and nobody holds the role today.",
            "Who does this work now?", "Name a holder in the role register, or give the letters to another role.",
        ),
        "COL-09": Text(
            "{role} is responsible and has one holder, {holder}.",
            "Who steps in when that person is away?", "Name a second holder, or accept the risk.",
        ),
        "COL-10": Text(
            "{role} holds {letters} and is marked as retired.",
            "Who took the role over?", "Give its letters to an active role.",
        ),
        # The matrix and the journey
        "MAT-01": Text(
            "{row} is a touchpoint of the journey and has no row.", "Who answers for it?", "Add a row for it."
        ),
        "MAT-02": Text(
            "Stage {stage} of the journey has no row.", "Who answers there?", "Add rows for its touchpoints."
        ),
        "MAT-03": Text(
            "{row}: its stage {stage!r} is not in the journey, and no other name of one.",
            "Which stage is it?", "Give the row a stage of the journey.",
        ),
        "MAT-04": Text(
            "{what}.", "Is it still how people work?", "Go through it with them, and set reviewed_on.", "practitioners"
        ),
        "MAT-05": Text(
            "The matrix was never reviewed.", "Who has looked at it?", "Go through it with them, and set reviewed_on."
        ),
        "MAT-06": Text(
            "{share:.0%} of all cells are filled.",
            "How many of the C and I are needed?", "Take out letters nobody would miss.", "practitioners",
        ),
        "MAT-07": Text(
            "Accountability is concentrated: as if {effective:.1f} roles held all of it.",
            "Is that meant?", "Give A to those closer to the work.",
        ),
        # Links to other documents
        "LNK-01": Text(
            "{row}: the KPI {kpi} is measured here, and nobody is accountable.",
            "Who acts when it turns red?", "Give exactly one role an A.",
        ),
        "LNK-02": Text(
            "{row}: {owner} owns the KPI {kpi}, and {accountable} answers for the touchpoint.",
            "Who acts when it turns red?", "Make them the same, or say how they share it.",
        ),
        "LNK-03": Text(
            "{row} is an upsell moment and has {accountable} accountable, {responsible} responsible.",
            "Who makes the offer, and who answers for it?", "Give exactly one role an A and at least one an R.",
        ),
        "LNK-04": Text(
            "The intervention {label} has no owner.", "Who carries it out?", "Name a role of the register."
        ),
        "LNK-05": Text(
            "{role} is accountable, and no KPI measures any of its touchpoints.",
            "How would it know?", "Attach a KPI to one of them.",
        ),
        "LNK-06": Text(
            "{row} has great influence on other touchpoints, and its row has an error.",
            "What hangs on it?", "Settle this row first.",
        ),
        # Plan against the log
        "EVD-00": Text(
            "{row}: {n} handling events in the window; {least} are needed to judge.", "Is the window long enough?",
            "Take a longer window.",
        ),
        "EVD-01": Text(
            "{row}: {share:.0%} of {n:,} events ({low:.0%} to {high:.0%}) are done by roles that are not planned for "
            "it, most by {role}.",
            "Do people not follow the plan, or is the plan out of date?",
            "Talk to {role}, or adopt what is done as plan.",
            "conformance of staff assignment",
        ),
        "EVD-02": Text(
            "{row}: {role} is planned to do it and did {x} of {n:,} events (at most {high:.0%}).",
            "Has somebody else taken it over?", "Take the R away, or find out what keeps the role from it.",
            "conformance of staff assignment",
        ),
        "EVD-03": Text(
            "{row}: {share:.0%} of {n:,} approvals ({low:.0%} to {high:.0%}) come from a role that is not the planned "
            "A, most from {role}.",
            "Who really has the last word?", "Let the A approve, or move the A.", "conformance of staff assignment",
        ),
        "EVD-04": Text(
            "{row}: {role} was not asked before {x:,} of {n:,} decisions ({share:.0%}).",
            "Is the C meant?", "Ask before deciding, or make it an I.",
        ),
        "EVD-05": Text(
            "{row}: {role} is told {hours:.0f} hours later, in the median; {agreed:.0f} are agreed.",
            "Does it come too late to act?", "Tell sooner, or agree on another time.",
        ),
        "EVD-06": Text(
            "{row}: {mean:.2f} hand-overs a case, with {planned} planned to do the work.",
            "Who passes it on, and why?", "Look at the hand-over matrix.", "hand-over analysis",
        ),
    }
)  # fmt: skip
