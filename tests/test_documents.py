import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.documents import load_yaml, slug
from journey_widgets.errors import DocumentError
from journey_widgets.journey import Journey, Stage, Touchpoint
from journey_widgets.roles import Holder, Role, RoleRegister

LINES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(
    lambda s: s.strip() == s
)
TRICKY = st.sampled_from(
    [
        "NO",
        "yes",
        "null",
        "~",
        "1e3",
        "0x1F",
        "12:30",
        "- a",
        "# b",
        "a: b",
        "'",
        '"',
        "{a}",
        "é",
        "日本",
        "2026-01-01",
    ]
)


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ("\u202egnp.exe", "\u202egnp.exe\u202c"),
        ("\u2067a\u202eb", "\u2067a\u202eb\u202c\u2069"),
        ("\u2067a\u202eb\u2069c", "\u2067a\u202eb\u2069c"),
        ("\u202aa\u202c b", "\u202aa\u202c b"),
        ("a\u202c", "a\u202c"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
    ],
)
def test_a_label_cannot_turn_what_stands_after_it(label, kept):
    once = Stage(id="s", label=label).label
    assert once == kept
    assert Stage(id="s", label=once).label == kept


@given(st.lists(LINES | TRICKY, min_size=1, max_size=5), st.text("abc\n\t :#-", max_size=40))
def test_reading_the_text_of_a_journey_gives_the_journey_and_the_same_text_again(labels, goal):
    journey = Journey(
        id="test",
        label=labels[0],
        stages=(Stage(id="buy", label=labels[-1], goal=goal),),
        touchpoints=tuple(
            Touchpoint(id=f"t_{i}", label=label, stage="buy", online=bool(i % 2))
            for i, label in enumerate(labels)
        ),
    )
    text = journey.to_text()

    again = Journey.from_text(text)

    assert again == journey
    assert again.to_text() == text
    assert text.startswith("schema: journey/2\n")
    assert "\r" not in text


@given(st.lists(LINES | TRICKY, max_size=4))
def test_reading_the_text_of_a_register_gives_the_register(names):
    register = RoleRegister(
        roles=tuple(
            Role(id=f"r_{i}", label=n, holders=(Holder(name=n),), capacity=i or None)
            for i, n in enumerate(names)
        )
    )

    assert RoleRegister.from_text(register.to_text()) == register


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: journey/1\nid: a\nid: b\n", "line 3: 'id' was given before, in line 2"),
        ("schema: journey/1\nid: &x a\nlabel: *x\n", "line 3: aliases"),
        ("schema: journey/1\nid: test\nlabel: T\nstagez: []\n", "Did you mean 'stages'?"),
        ("schema: journey/1\nid: test\nlabel: T\n", "stages is missing"),
        ("schema: journey/3\nid: test\n", "newer than this package knows"),
        ("schema: raci/1\nid: test\n", "journey/2 was needed"),
        ("id: test\n", "journey/2 was needed"),
        ("schema: journey/1\nid: Not a slug\nlabel: T\nstages: [{id: buy, label: Buy}]\n", "id"),
        (
            "schema: journey/1\nid: t\nlabel: T\nstages: [{id: buy, label: A}, {id: buy, label: B}]\n",
            "the id 'buy' is given twice",
        ),
        ("schema: journey/1\nid: [\n", "line 3 is not valid YAML"),
        ("- a\n- b\n", "holds no fields"),
        ("", "holds no fields"),
        ("a: " + "[" * 3_000, "nested deeper than 40"),
        ("schema: journey/1\nid: t\nlabel: !!python/object:os.system x\n", "line 3"),
    ],
)
def test_text_that_is_no_journey_is_refused_with_its_place(text, said):
    with pytest.raises(DocumentError) as error:
        Journey.from_text(text, where="journey.yaml")

    assert str(error.value).startswith("journey.yaml")
    assert said in str(error.value)


def test_an_alias_bomb_is_refused_before_it_grows():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )

    with pytest.raises(DocumentError, match="aliases"):
        load_yaml(bomb, where="bomb.yaml")


def test_words_of_older_yaml_stay_words():
    assert load_yaml("a: NO\nb: off\nc: 12:30\nd: 010\ne: 2026-01-01\n", where="x") == {
        "a": "NO", "b": "off", "c": "12:30", "d": "010", "e": "2026-01-01",
    }  # fmt: skip


def test_a_slug_is_an_id_and_never_one_that_is_taken():
    assert slug("Set-up help!") == "set_up_help"
    assert slug("Éclair & Co") == "eclair_co"
    assert slug("12 steps") == "t_12_steps"
    assert slug("日本") == "t"
    assert slug("Help", {"help"}) == "help_2"
