"""What simulated people ask and simulated agents answer: sentences about engineering work from a small grammar."""

import random
import re
from typing import Final

_COMPONENTS: Final = (
    "the upload queue",
    "the billing export",
    "the session cache",
    "the search index",
    "the nightly backup",
    "the login page",
    "the rate limiter",
    "the CSV importer",
    "the webhook sender",
    "the image resizer",
    "the metrics endpoint",
    "the Zürich replica",
)
_SYMPTOMS: Final = (
    "drops every seventh record",
    "answers twice as slowly since Tuesday",
    "holds on to file handles",
    "rounds 0.5 the wrong way",
    "retries without a pause",
    "loses its place after a restart",
    "logs the same warning 4,000 times an hour",
    "shows “naïve” as “naÃ¯ve”",
    "times out when the table is empty",
)
_CAUSES: Final = (
    "the lock is taken before the timeout starts",
    "the offset is committed before the batch is written",
    "two workers share one connection",
    "the cache key leaves out the locale",
    "the retry loop has no upper bound",
    "the index does not cover the sort order",
    "the clock of the replica runs 3 s ahead",
    "the buffer is reused while it is still being sent",
)
_REMEDIES: Final = (
    "take the lock inside the deadline",
    "commit the offset after the write",
    "give each worker a connection of its own",
    "add the locale to the key",
    "stop after five attempts and report it",
    "extend the index by the creation time",
    "compare monotonic times instead",
    "copy the buffer before it is queued",
)
_CHECKS: Final = (
    "a test that fails without the change",
    "ten minutes of load at twice the usual rate",
    "a replay of yesterday's traffic",
    "a restart in the middle of a batch",
    "an empty table, and one with 10⁶ rows",
)
_ASKS: Final = (
    "Why is it that {component} {symptom}?",
    "Please find out why {component} {symptom}, and propose a fix.",
    "{component} {symptom}. Can you look into it before the release?",
    "Review the change to {component}: does it still hold that {remedy} is enough?",
    "Summarise in three points what we know about {component}.",
    "Is it safe to deploy {component} today?",
)
_OPENERS: Final = (
    "I looked at {component} first.",
    "The short answer: {cause}.",
    "This took a moment to reproduce.",
    "Two things come together here.",
)
_SENTENCES: Final = (
    "It {symptom} because {cause}.",
    "The simplest remedy is to {remedy}.",
    "I would check it with {check}.",
    "Nothing else depends on it, as far as I can see.",
    "The same happens in {component}, only less often.",
    "Before → after: 412 ms → 38 ms at the 99th percentile.",
    "That explains why only some customers saw it.",
)
_CODE: Final = (
    "```python\nwith deadline(seconds=5):\n    async with lock:\n        await queue.commit(batch)\n```",
    "```sql\nCREATE INDEX by_created ON jobs (state, created_at);\n```",
    "```diff\n- key = user.id\n+ key = (user.id, user.locale)\n```",
    "```sh\n$ make check\n214 passed in 11.3s ✓\n```",
)
_PREAMBLES: Final = ("Let me look at the code.", "I'll check that.", "First the logs.", "Let me reproduce it.")
_FILES: Final = ("src/queue.py", "src/export/csv.py", "config/limits.toml", "docs/runbook.md", "tests/test_cache.py")
_COMMANDS: Final = (
    "make check",
    "pytest -q tests/queue",
    "git log --oneline -5",
    "du -sh var/*",
    "./scripts/replay.sh",
)
_OUTPUT: Final = (
    "collecting …\n",
    "12 passed, 1 failed\n",
    "queue depth 318\n",
    "ok  src/queue.py\n",
    "retry 3 of 5\n",
    "p99 38 ms\n",
    "done ✓\n",
)
_ERRORS: Final = (
    "503 the model is overloaded",
    "500 the model did not answer",
    "429 too many requests, slow down",
)
_TOKEN: Final = re.compile(r"\s*\S+")


def _fill(rng: random.Random, template: str) -> str:
    text = template.format(
        component=rng.choice(_COMPONENTS),
        symptom=rng.choice(_SYMPTOMS),
        cause=rng.choice(_CAUSES),
        remedy=rng.choice(_REMEDIES),
        check=rng.choice(_CHECKS),
    )
    return text[0].upper() + text[1:]


def prompt(rng: random.Random) -> str:
    """A request to an agent."""
    return _fill(rng, rng.choice(_ASKS))


def preamble(rng: random.Random) -> str:
    """What an agent says before it uses a tool."""
    return rng.choice(_PREAMBLES)


def paragraph(rng: random.Random, sentences: int) -> str:
    """Plain sentences in one line."""
    return " ".join(_fill(rng, rng.choice(_SENTENCES)) for _ in range(sentences))


def answer(rng: random.Random) -> str:
    """An answer in Markdown: always an opening paragraph, often a list, sometimes code."""
    parts = [f"{_fill(rng, rng.choice(_OPENERS))} {paragraph(rng, rng.randint(1, 3))}"]
    if rng.random() < 0.5:
        points = rng.sample(_REMEDIES, rng.randint(2, 4))
        parts.append("\n".join(f"- **{point.split()[0].capitalize()}** {point.split(' ', 1)[1]}" for point in points))
    if rng.random() < 0.4:
        parts.append(rng.choice(_CODE))
        parts.append(paragraph(rng, 1))
    return "\n\n".join(parts)


def file_path(rng: random.Random) -> str:
    return rng.choice(_FILES)


def file_text(rng: random.Random) -> str:
    return "".join(f"{number:>4}  {_fill(rng, rng.choice(_SENTENCES))}\n" for number in range(1, rng.randint(3, 12)))


def command(rng: random.Random) -> str:
    return rng.choice(_COMMANDS)


def output_line(rng: random.Random) -> str:
    """One line of a command's output, with its line break."""
    return rng.choice(_OUTPUT)


def model_error(rng: random.Random) -> str:
    """What a model provider answers when it fails, status code first."""
    return rng.choice(_ERRORS)


def tokens(text: str) -> list[str]:
    """The text in the pieces that a model would stream; none ends in whitespace, so neither does any beginning."""
    return _TOKEN.findall(text)
