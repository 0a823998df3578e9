"""Options of installed actor types: set, checked and shown like the daemon's own settings."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.config import ConfigError, Flags, Loaded, load, resolve
from mission_control.config.describe import describe
from mission_control.config.schema import variable
from mission_control.plugins import Found
from mission_control.settings import ActorSettings, Secret, Settings
from tests.extensions.offers import Everything, found

HELLO = found(hello="everything", plain="plain")
KEYS = {field.name for field in attrs.fields(Everything)} - {"token_file"} | {"enabled"}
BASE = '[actors.hello]\nurl = "http://x"\n'


def resolved(
    cwd: Path,
    file: str = "",
    environ: Mapping[str, str] | None = None,
    assign: tuple[str, ...] = (),
    actors: Found | None = HELLO,
) -> Loaded:
    (cwd / "mission-control.toml").write_text(file)
    return resolve(Flags(assign=assign), {"HOME": str(cwd), **(environ or {})}, cwd, actors=actors)


def options(cwd: Path, file: str = "", environ: Mapping[str, str] | None = None, *assign: str) -> Everything:
    """Those of ``hello``, with ``file`` in its table."""
    of_hello = resolved(cwd, BASE + file, environ, assign).settings.actors["hello"].options
    assert isinstance(of_hello, Everything)
    return of_hello


def problems(
    cwd: Path, file: str, environ: Mapping[str, str] | None = None, *assign: str
) -> dict[str, tuple[str, str]]:
    """What is found and allowed, by place; the file's name is left out."""
    with pytest.raises(ConfigError) as caught:
        resolved(cwd, file, environ, assign)
    prefix = f"{cwd / 'mission-control.toml'}: "
    return {one.where.removeprefix(prefix): (one.found, one.allowed) for one in caught.value.problems}


def test_what_is_not_configured_has_its_defaults(tmp_path: Path) -> None:
    """A type that is enabled by default runs; another one does not, and needs nothing."""
    settings = resolved(tmp_path).settings
    assert settings.actors["plain"].enabled
    assert not settings.actors["plain"].asked_for
    assert settings.actors["hello"] == ActorSettings(enabled=False, options=None)


VALUES: list[tuple[str, str, Any]] = [
    ("url", '"http://y"', "http://y"),
    ("wait", '"250ms"', 0.25),
    ("pause", '"1s"', 1000),
    ("size", '"2KiB"', 2048),
    ("attempts", "9", 9),
    ("offset", "-3", -3),
    ("share", "0.25", 0.25),
    ("quiet", "true", True),
    ("tools", '["a", "b"]', ("a", "b")),
    ("tools", "[]", ()),
    ("ports", "[1, 2]", (1, 2)),
    ("limit", "7", 7),
]


@pytest.mark.parametrize(("key", "text", "value"), VALUES)
def test_an_option_can_be_set_in_every_place(tmp_path: Path, key: str, text: str, value: Any) -> None:
    """File, variable and flag, with the same units; the stronger one wins."""
    plain = text.strip('"[]').replace('"', "")
    name = variable(("actors", "hello", key))
    file = f"[actors.hello]\n{key} = {text}\n" + ("" if key == "url" else 'url = "http://x"\n')
    assert getattr(resolved(tmp_path, file).settings.actors["hello"].options, key) == value
    if plain:
        assert getattr(options(tmp_path, "", {name: plain}), key) == value
        assert getattr(options(tmp_path, "", {name: "nonsense"}, f"actors.hello.{key}={plain}"), key) == value


def test_paths_begin_where_they_stand_and_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" s3cret \n")
    given = options(tmp_path, 'directory = "things"\ntoken_file = "secret"\n')
    assert given.directory == tmp_path / "things"
    assert given.token == Secret("s3cret")
    assert given.token_file == tmp_path / "secret"


@pytest.mark.parametrize(
    ("text", "found", "allowed"),
    [
        ('wait = "2m"', '"2m"', "at most 1m"),
        ("attempts = 0", "0", "a whole number, at least 1, at most 9"),
        ("offset = 1.5", "1.5", "a whole number"),
        ("share = 2", "2", "a number, at least 0, at most 1"),
        ("quiet = 1", "1", "true or false"),
        ('level = "middle"', '"middle"', '"low" or "high"'),
        ('tools = "a"', '"a"', "a list"),
        ('ports = ["a"]', '"a"', "a whole number"),
        ("directory = 3", "3", "the path"),
        ("limit = 0", "0", "at least 1"),
        ('token = "a b"', "a text with other characters", "printable ASCII"),
        ('token_file = "nowhere"', "nowhere: No such file", "a readable file"),
        ('tokn = "x"', 'did you mean "token"?', "url, token, "),
    ],
)
def test_a_value_that_cannot_be_is_refused_where_it_stands(tmp_path: Path, text: str, found: str, allowed: str) -> None:
    there = problems(tmp_path, BASE + text)
    key = f"actors.hello.{text.partition(' ')[0]}"
    assert there.keys() == {key}
    assert found in there[key][0]
    assert allowed in there[key][1]


def test_a_secret_is_never_told(tmp_path: Path) -> None:
    """Neither in a mistake nor where the settings are shown, whatever the option is called."""
    assert "hunter" not in str(problems(tmp_path, BASE + "token = 'hunter 2'"))
    loaded = resolved(tmp_path, BASE + "token = 'hunter2'")
    assert 'actors.hello.token = "********"' in "\n".join(describe(loaded))
    assert Secret("hunter2") in loaded.settings.secrets()


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Those of the daemon's own settings, of several types, of several places."""
    file = "journal.durability = 1\n[actors.hello]\nwait = 0\n[actors.plain]\nsome = 1\n"
    assert problems(tmp_path, file, {"MISSION_CONTROL_ACTORS__HELLO__SHARE": "x"}, "actors.hello.size=0").keys() == {
        "journal.durability",
        "actors.hello.url",
        "actors.hello.wait",
        "actors.plain.some",
        "environment variable MISSION_CONTROL_ACTORS__HELLO__SHARE",
        "--set actors.hello.size",
    }


def test_what_the_options_class_itself_refuses_is_told_at_its_table(tmp_path: Path) -> None:
    assert problems(tmp_path, BASE + 'level = "high"') == {
        "actors.hello": ("options that it cannot have", "a token, when the level is high")
    }


def test_a_secret_that_cannot_be_read_is_not_also_missing(tmp_path: Path) -> None:
    assert problems(tmp_path, BASE + 'level = "high"\ntoken_file = "nowhere"').keys() == {"actors.hello.token_file"}


def test_secret_and_file_exclude_each_other_in_one_place(tmp_path: Path) -> None:
    """In different places the stronger one wins."""
    (tmp_path / "secret").write_text("from-file")
    assert problems(tmp_path, BASE + 'token = "a"\ntoken_file = "secret"').keys() == {"actors.hello.token"}
    given = options(tmp_path, 'token_file = "secret"\n', {"MISSION_CONTROL_ACTORS__HELLO__TOKEN": "from-variable"})
    assert (given.token, given.token_file) == (Secret("from-variable"), None)


@pytest.mark.parametrize(
    ("file", "enabled"),
    [
        ("", False),
        ('[actors.hello]\nurl = "x"', True),
        ('[actors.hello]\nurl = "x"\nenabled = false', False),
        ("[actors.hello]\nenabled = false", False),
    ],
)
def test_a_table_enables_its_type_unless_it_says_otherwise(tmp_path: Path, file: str, enabled: bool) -> None:
    """And what is off may be incomplete."""
    actor = resolved(tmp_path, file).settings.actors["hello"]
    assert (actor.enabled, actor.asked_for) == (enabled, enabled)


def test_what_is_off_is_checked_as_far_as_it_goes(tmp_path: Path) -> None:
    """A typing error is one although nothing comes of it yet."""
    off = "[actors.hello]\nenabled = false\n"
    assert resolved(tmp_path, off + 'url = "x"\nlevel = "high"').settings.actors["hello"].options is None
    assert problems(tmp_path, off + "wait = 0\nurll = 1").keys() == {"actors.hello.wait", "actors.hello.urll"}


def test_an_empty_table_asks_too(tmp_path: Path) -> None:
    assert problems(tmp_path, "[actors.hello]\n") == {"actors.hello.url": ("nothing", "url must be set")}
    assert resolved(tmp_path, "[actors.plain]\n").settings.actors["plain"].asked_for


def test_a_type_that_is_on_by_default_can_be_switched_off_anywhere(tmp_path: Path) -> None:
    name = "MISSION_CONTROL_ACTORS__PLAIN__ENABLED"
    assert not resolved(tmp_path, "[actors.plain]\nenabled = false").settings.actors["plain"].enabled
    assert not resolved(tmp_path, "", {name: "false"}).settings.actors["plain"].enabled
    assert not resolved(tmp_path, "", {name: "True"}, ("actors.plain.enabled=false",)).settings.actors["plain"].enabled
    assert problems(tmp_path, "", {name: "no"}) == {f"environment variable {name}": ('"no"', "true or false")}


@pytest.mark.parametrize(
    ("file", "key", "found"),
    [
        ("[actors.helo]\nurl = 1", "actors.helo", 'no actor type of that name; did you mean "hello"?'),
        ("[actors.zzz]", "actors.zzz", "no actor type of that name"),
        ("actors = 3", "actors", "3"),
        ("actors.plain = 3", "actors.plain", "3"),
        ("actors.plain.enabled = 3", "actors.plain.enabled", "3"),
    ],
)
def test_a_table_that_nobody_reads_is_refused(tmp_path: Path, file: str, key: str, found: str) -> None:
    there = problems(tmp_path, file)
    assert there.keys() == {key}
    assert there[key][0] == found
    assert there[key][1]


def test_unknown_names_in_variables_and_flags_are_told_with_the_nearest(tmp_path: Path) -> None:
    there = problems(tmp_path, "", {"MISSION_CONTROL_ACTORS__HELO__URL": "x"}, "actors.hello.ulr=x")
    assert "MISSION_CONTROL_ACTORS__HELLO__URL" in there["environment variable MISSION_CONTROL_ACTORS__HELO__URL"][0]
    assert "actors.hello.url" in there["--set actors.hello.ulr"][0]


BROKEN = found(hello="nested")


@pytest.mark.parametrize(
    ("file", "environ", "place"),
    [
        ("[actors.hello]\nx = 1", {}, "{file}: actors.hello"),
        ("[actors.hello]", {}, "{file}: actors.hello"),
        ("actors.hello = 3", {}, "{file}: actors.hello"),
        ("", {"MISSION_CONTROL_ACTORS__HELLO__X": "1"}, "environment variable MISSION_CONTROL_ACTORS__HELLO__X"),
    ],
)
def test_a_broken_type_is_an_error_only_for_who_asks_for_it(
    tmp_path: Path, file: str, environ: Mapping[str, str], place: str
) -> None:
    """With its package, what is wrong and what to do."""
    assert resolved(tmp_path, "", actors=BROKEN).settings.actors == {}
    with pytest.raises(ConfigError) as caught:
        resolved(tmp_path, file, environ, actors=BROKEN)
    [problem] = caught.value.problems
    assert problem.where.startswith(place.format(file=tmp_path / "mission-control.toml"))
    assert problem.found.startswith("sample 1.0 cannot be used: Nested.inner")
    assert problem.allowed == "its author must change that; or set enabled = false here"


@pytest.mark.parametrize("file", ["[actors.hello]\nenabled = false\nx = 1", "actors.hello.enabled = false"])
def test_a_broken_type_can_be_switched_off(tmp_path: Path, file: str) -> None:
    """Its table may stay for better days."""
    assert resolved(tmp_path, file, actors=BROKEN).settings.actors == {}


def test_who_does_not_run_them_passes_their_settings_over(tmp_path: Path) -> None:
    """A command that only asks the daemon needs no package of its, and no mistake in one is its own."""
    (tmp_path / "mission-control.toml").write_text("[actors.gone]\nx = 1\n[actors.hello]\nwait = 'x'\n")
    environ = {"HOME": str(tmp_path), "MISSION_CONTROL_ACTORS__GONE__Y": "1"}
    assert load(Flags(assign=("actors.z.u=1",)), environ, tmp_path) == Settings(
        data_dir=tmp_path / ".local/share/mission-control"
    )


def test_the_settings_in_effect_are_shown_with_their_sources(tmp_path: Path) -> None:
    lines = [" ".join(line.split()) for line in describe(resolved(tmp_path, BASE + "tools = ['a']\n"))]
    file = tmp_path / "mission-control.toml"
    assert f"actors.hello.enabled = true # implied by {file}: actors.hello" in lines
    assert f'actors.hello.url = "http://x" # {file}: actors.hello.url' in lines
    assert f'actors.hello.tools = ["a"] # {file}: actors.hello.tools' in lines
    assert 'actors.hello.wait = "5s" # default' in lines
    assert "actors.hello.share = 0.5 # default" in lines
    assert "actors.hello.quiet = false # default" in lines
    assert "actors.hello.limit = (none) # default" in lines
    assert "actors.plain.enabled = true # default" in lines
    shown = {line.partition(" = ")[0] for line in lines}
    assert {f"actors.hello.{field.name}" for field in attrs.fields(Everything)} <= shown


@given(text=st.text(max_size=50).filter(lambda text: "\0" not in text), key=st.sampled_from(sorted(KEYS)))
def test_any_text_for_an_option_is_a_value_or_a_told_mistake(text: str, key: str) -> None:
    """No input makes the loader itself fail."""
    environ = {"HOME": "/nowhere", variable(("actors", "hello", key)): text}
    with suppress(ConfigError):
        resolve(Flags(), environ, Path("/nowhere"), actors=HELLO)


def test_what_is_off_is_shown_as_off(tmp_path: Path) -> None:
    lines = [" ".join(line.split()) for line in describe(resolved(tmp_path))]
    assert [line for line in lines if line.startswith("actors.hello")] == ["actors.hello.enabled = false # default"]
