from __future__ import annotations

import pytest

from hf_efficient.tasks.text_metrics import TEXT_METRICS, common_subsequence, rouge_l, score_texts


@pytest.mark.parametrize(
    ("first", "second", "length"),
    [("", "", 0), ("abc", "", 0), ("abc", "abc", 3), ("abcd", "bxd", 2), ("abcbdab", "bdcaba", 4)],
)
def test_the_longest_common_subsequence_may_have_gaps(first, second, length):
    assert common_subsequence(first, second) == common_subsequence(second, first) == length


@pytest.mark.parametrize(
    ("prediction", "reference", "value"),
    [
        # Three of the four words of either stand in the same order: precision and recall 3/4.
        ("police kill the gunman", "police killed the gunman", 0.75),
        # "the gunman": precision 2/4, recall 2/4.
        ("the gunman kill police", "police killed the gunman", 0.5),
        # Two of two against two of three: 2 · 1 · 2/3 / (1 + 2/3).
        ("Bon jour!", "bon, jour Léa", 0.8),
        ("", "", 1.0),
        ("", "word", 0.0),
        ("word", "...", 0.0),
    ],
)
def test_rouge_l_is_the_f1_of_words_in_order(prediction, reference, value):
    assert rouge_l(prediction, reference) == pytest.approx(value)


def test_metrics_are_of_all_rows():
    scores = score_texts(["rouge_l", "exact_match"], ["a b", "a b", "x"], ["a b", "a c", "y"])
    assert scores == {"rouge_l": pytest.approx((1 + 0.5 + 0) / 3), "exact_match": pytest.approx(1 / 3)}


def test_bleu_is_that_of_the_corpus():
    # Of the 6 + 4 predicted words all but one are right; of the pairs 3 + 3 of 5 + 3; of three words 1 + 2 of 4 + 2;
    # of four 0 + 1 of 3 + 1; as long as the references.
    predictions, references = (
        ["the cat sat on a mat", "it rained all day"],
        ["the cat sat on the mat", "it rained all day"],
    )
    expected = 100 * (9 / 10 * 6 / 8 * 4 / 6 * 2 / 4) ** 0.25
    assert score_texts(["bleu"], predictions, references)["bleu"] == pytest.approx(expected)


def test_chrf_counts_characters():
    # One bigram and two characters are all right, so that every order that exists is 1.
    assert score_texts(["chrf"], ["ab"], ["ab"])["chrf"] == pytest.approx(100)
    assert score_texts(["chrf"], ["xy"], ["ab"])["chrf"] == 0
    # Characters: precision 1, recall 1/2; no bigram. F2 of characters alone 5 · 1/2 / (4 + 1/2), averaged with 0.
    assert 0 < score_texts(["chrf"], ["a"], ["ab"])["chrf"] < 100


def test_more_is_better_in_every_one():
    good, bad = (
        score_texts(list(TEXT_METRICS), ["a b c d"], ["a b c d"]),
        score_texts(list(TEXT_METRICS), ["z"], ["a b c d"]),
    )
    for name, metric in TEXT_METRICS.items():
        assert (good[name] > bad[name]) is metric.greater_is_better
