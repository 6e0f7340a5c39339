"""The embedded corpus: made again byte for byte."""

import hashlib

from lclstudy import paths
from lclstudy.corpora.load import load_corpus
from lclstudy.plan import catalog
from tests.material import script


def test_generator_gives_the_tracked_and_pinned_bytes_of_texts_that_differ_and_name_no_class():
    generator = script("make_embedded_corpus")
    pinned = {file.path.removeprefix("embedded/"): file.sha256 for file in catalog.corpora()["embedded"].files}
    assert {path.name for path in paths.EMBEDDED.iterdir()} == set(generator.files()) == set(pinned)
    for name, content in generator.files().items():
        assert (paths.EMBEDDED / name).read_bytes() == content, name
        assert hashlib.sha256(content).hexdigest() == pinned[name]
    texts = [text for split in load_corpus("embedded").values() for text in split["text"]]
    assert len(set(texts)) == len(texts) == 12 * (60 + 20 + 20)
    assert not any({*catalog.corpora()["embedded"].labels} & {*text.lower().rstrip(".").split()} for text in texts)
