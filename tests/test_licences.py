"""Whoever installs the package knows by which licences."""

from support import licences


def test_the_page_of_licences_lists_what_is_installed(root):
    assert (root / "docs" / "licences.md").read_text("utf-8") == licences.made()


def test_nothing_is_needed_whose_licence_asks_for_more_than_its_own_text():
    of_all = {
        n: licences.licence(d)
        for e in ("", *licences.EXTRAS)
        for n, d in licences.installed(e).items()
    }

    assert len(of_all) > 100
    for name, said in of_all.items():
        assert said != "not said", name
        assert "AGPL" not in said, name
        assert not said.startswith("GPL"), name
