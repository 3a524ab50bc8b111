"""vitrine.toml: every setting works, is checked, and is documented."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from core.data import open_dataset
from core.data.options import Options
from core.errors import DataError
from core.settings import HOME

Build = Callable[..., Path]

CSV = "foto;art;stoff;los;nr;satz\n" + "".join(
    f"{n}.png;{'ab'[n % 2]};{stoff};{n // 2};{n % 5};{satz}\n"
    for n, (stoff, satz) in enumerate([("wool", "lernen"), ("silk", "dev"), ("-", "probe")] * 4)
)
TOML = """
name = "Stoffe"
csv = "stoffe.txt"
delimiter = ";"
encoding = "utf-16"
images = "fotos/neu"
primary = "stoff"
tasks = ["art", "stoff", "nr"]
ignore = ["satz"]
missing = ["-"]
max_pixels = 1000
[columns]
path = "foto"
label = "art"
split = "satz"
instance = "los"
[splits]
train = ["lernen"]
test = ["probe"]
"""


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, f"{name}.")
        else:
            yield prefix + name


def test_every_setting_is_documented() -> None:
    text = (HOME / "docs" / "data-sets.md").read_text("utf-8")
    table = text[text.index("| setting |") : text.index("## Problems")]
    documented = set(re.findall(r"^\| `([a-z_.]+)` \|", table, flags=re.MULTILINE))
    assert documented == set(settings_of(Options))


def test_the_documented_example_is_accepted(build: Build) -> None:
    text = (HOME / "docs" / "data-sets.md").read_text("utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    (root := build(toml=example)).joinpath("products.csv").write_text("photo,kind\nno.png,a\n")
    with pytest.raises(DataError, match="No row"):
        open_dataset(root)


def test_every_problem_is_documented() -> None:
    text = (HOME / "docs" / "data-sets.md").read_text("utf-8")
    sources = "".join(path.read_text("utf-8") for path in (HOME / "core" / "data").glob("*.py"))
    kinds = set(re.findall(r'(?:Problem|Refusal)\(\s*(?:kind=)?"([a-z_]+)"', sources))
    assert len(kinds) >= 15
    assert set(re.findall(r"^\| `([a-z_]+)` \| (?:left out|warning)", text, flags=re.MULTILINE)) == kinds


def test_settings_have_their_effect(build: Build) -> None:
    root = build(images=[f"fotos/neu/{n}.png" for n in range(12)], toml=TOML)
    (root / "stoffe.txt").write_bytes(CSV.encode("utf-16"))
    dataset = open_dataset(root)
    assert dataset.name == "Stoffe"
    assert dataset.taxonomy.names == ("stoff", "class", "nr")
    assert (dataset.codes("stoff") == -1).sum() == 4
    assert dataset.metadata == ()
    assert dataset.splits == ("train", "val", "test")
    assert len(set(dataset.instances.tolist())) == 6


def test_metadata_ignore_and_the_made_split(build: Build) -> None:
    csv = "path,class,tone,lot\n" + "".join(
        f"{n}.png,{'ab'[n % 2]},{'xy'[n % 2]},{'pq'[n % 2]}\n" for n in range(40)
    )
    toml = 'metadata = ["tone"]\nignore = ["lot"]\n[split]\nval = 0.0\ntest = 0.25\nseed = 3\n'
    dataset = open_dataset(build(csv, [f"{n}.png" for n in range(40)], toml))
    assert (dataset.taxonomy.names, dataset.metadata) == (("class",), ("tone",))
    assert "lot" not in dataset.table
    assert dataset.table["split"].value_counts().to_dict() == {"train": 30, "test": 10}


def test_max_pixels_leaves_larger_images_out(build: Build) -> None:
    with pytest.raises(DataError, match="No row") as caught:
        open_dataset(build("path,class\na.png,x\n", ["a.png"], "max_pixels = 47"))
    assert "47 pixels" in caught.value.cause


def test_a_role_may_be_taken_away(build: Build) -> None:
    csv = "path,class,split\n" + "".join(f"{n}.png,{'ab'[n % 2]},{'xy'[n % 2]}\n" for n in range(8))
    toml = '[columns]\nlabel = ""\nsplit = ""\n'
    dataset = open_dataset(build(csv, [f"{n}.png" for n in range(8)], toml))
    assert dataset.taxonomy.names == ("class", "split (given)")
    assert dataset.splits[0] == "train"


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("colour = 1", "'colour'"),
        ("[columns]\npfad = 'x'", "'columns.pfad'"),
        ("max_pixels = 'many'", "'max_pixels'"),
        ("images = '../other'", "'images'"),
        ("images = '/etc'", "'images'"),
        ("[split]\nval = 0.9", "'split.val'"),
        ("csv = 3", "'csv'"),
        ("csv = ", "cannot be read"),
        ("csv = 'none.csv'", "no file 'none.csv'"),
        ("tasks = ['size']", "no labels called 'size'"),
        ("primary = 'size'", "no labels called 'size'"),
        ("columns.split = 'part'", "no column 'part'"),
        ("encoding = 'klingon'", "labels.csv cannot be read"),
    ],
)
def test_what_is_not_acceptable_is_named(build: Build, toml: str, named: str) -> None:
    with pytest.raises(DataError, match=re.escape(named)) as caught:
        open_dataset(build("path,class\na.png,x\nb.png,y\n", ["a.png", "b.png"], toml))
    assert caught.value.cause and caught.value.fix
