"""What is known against what is installed is told as it was said, and silence is not taken for safety."""

import json

import pytest

from support import release

CLEAN = {"name": "altair", "version": "6.0", "vulns": []}
BAD = {"name": "left-pad", "version": "1.0", "vulns": [{"id": "CVE-2026-1"}, {"id": "CVE-2026-2"}]}
UNKNOWN = {"name": "journey-widgets", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("found", "said", "is_bad"),
    [
        ([CLEAN, UNKNOWN], "Of 1 packages none is known to be vulnerable; 1 were not known.", False),
        ([CLEAN, BAD], "Known to be vulnerable, of 2 packages: left-pad 1.0: CVE-2026-1, CVE-2026-2.", True),
        ([UNKNOWN], "Whether anything is known to be vulnerable could not be asked: nobody knows the packages.", False),
    ],
)  # fmt: skip
def test_an_audit_is_told(found, said, is_bad):
    assert release.told(json.dumps({"dependencies": found})) == (said, is_bad)


@pytest.mark.parametrize("printed", ["", "ERROR: connection refused", "[]", "{}"])
def test_an_audit_that_gets_no_answer_says_so(printed):
    assert release.told(printed) == (
        "Whether anything is known to be vulnerable could not be asked: no answer.", False,
    )  # fmt: skip
