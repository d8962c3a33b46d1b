from __future__ import annotations

from hf_efficient.assets.convert import wordnet
from hf_efficient.assets.convert.wordnet import Sense

DATA = {
    "noun": [
        "  1 This software and database is being provided to you",
        "00000001 06 n 03 film 0 movie 0 motion_picture 0 001 @ 00000009 n 0000 | a story in pictures",
        "00000002 06 n 01 film 1 000 | a thin coat",
        "00000003 15 n 02 Paris 0 City_of_Light 0 000 | a city",
        "00000004 15 n 02 ten 0 10 0 000 | a number",
        "00000005 15 n 0a a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 j 0 000 | ten words, 0a of them in hexadecimal",
    ],
    "verb": ["00000006 30 v 02 film 0 shoot 0 000 01 + 01 00 | make a film"],
    "adj": ["00000007 00 a 02 asleep(p) 0 dormant 0 000 | sleeping"],
    "adv": [],
}
SENSES = [
    "10%1:06:00:: 00000004 1 0",
    "asleep%3:00:00:: 00000007 1 0",
    "dormant%5:00:00:asleep:00 00000007 1 0",
    "film%1:06:00:: 00000001 2 1",
    "film%1:06:01:: 00000002 1 2",
    "film%2:30:00:: 00000006 1 4",
    "motion_picture%1:06:00:: 00000001 1 0",
    "movie%1:06:00:: 00000001 1 9",
    "paris%1:15:00:: 00000003 1 5",
    "shoot%2:30:00:: 00000006 1 3",
    "city_of_light%1:15:00:: 00000003 1 0",
    "ten%1:15:00:: 00000004 1 7",
]
SCRIPTS = {
    "noun": "const foot = 'foot';\nconst mother_in_law = 'mother-in-law';\n"
    "exceptions.feet = foot;\nexceptions.mothers_in_law =  mother_in_law;\nmodule.exports = exceptions;\n",
    "verb": "const go = 'go';\nexceptions.went = go;\n",
    "adjective": "",
}


def test_synonyms_are_weighed_by_what_words_mean_and_how_meanings_are_written(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for name, lines in DATA.items():
        (source / f"data.{name}").write_text("".join(f"{line}\n" for line in lines))
    (source / "index.sense").write_text("".join(f"{line}\n" for line in SENSES))
    for name, script in SCRIPTS.items():
        (source / f"wn-{name}-exceptions.js").write_text(script)
    wordnet.convert(source, target)
    # A film is a story in 1.1 of 3.2 cases, which is called a movie in 9.1 of 9.2, else a motion picture.
    assert (target / "synonyms.tsv").read_text().splitlines() == [
        "asleep\ta\tdormant 100",
        "dormant\ta\tasleep 100",
        "film\tn\tmovie 34",
        "film\tv\tshoot 100",
        "movie\tn\tfilm 92\tmotion picture 8",
        "shoot\tv\tfilm 100",
    ]
    irregular = "feet\tn\tfoot\nmothers_in_law\tn\tmother-in-law\nwent\tv\tgo\n"
    assert (target / "irregular.tsv").read_text() == irregular


def test_rare_synonyms_are_left_out():
    senses = [Sense("big", "a1", 5), Sense("large", "a1", 50), Sense("bulky", "a1", 0)]
    assert wordnet.synonyms(senses)["big", "a"] == {"large": 100}  # bulky: 0.1 of 50.2
