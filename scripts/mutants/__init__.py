"""Mutation testing of the actor runtime: `make mutants`. docs/mutation.md says what for, and what it found.

Each mutant is src/runtime/ with one small defect. It meets those tests of tests/runtime/ that execute the changed line,
the quickest first, until one fails. A mutant that passes all of them is a *survivor*: a hole in the tests, or a change
that makes no difference. Nothing is written to the tree: a mutant exists in the memory of one process.
"""
