"""Old events, as they would be written today: each version of a type knows the way to the next one.

What is in the log stays as it was written. A version that is written no more gets a function here, which
makes the data of the next version out of its data, and is then read for ever: every function on the way is
applied. Pure, and standard library only, since `services.formats` tells from them what a release can read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from services.errors import HelionyxError

Format = tuple[str, int]
"""The type and the version of an event."""

Data = dict[str, object]

Upcaster = Callable[[Data], Data]

UPCASTERS: Mapping[Format, Upcaster] = {}
"""By the (type, version) that is read: the function that makes the data of `version + 1` out of its data.

It leaves what it is given unchanged. For instance: ("MessageRecorded", 1): lambda data: {**data, "tags": []}.
"""


class UnknownEventError(HelionyxError):
    """There is an event that has to be understood, and this release does not know its type or version."""

    def __init__(self, position: int, type_: str, version: int) -> None:
        super().__init__(
            f"expected an event that this release knows at position {position}, found {type_!r} in version"
            f" {version}",
            "it was written by another release: deploy one that reads it",
        )


def upcast(
    type_: str, version: int, data: Data, upcasters: Mapping[Format, Upcaster] = UPCASTERS
) -> tuple[int, Data]:
    """The newest (version, data) to which there is a way; the given ones where there is none."""
    while (step := upcasters.get((type_, version))) is not None:
        version, data = version + 1, step(data)
    return version, data


def readable(understood: Iterable[Format], upcasters: Collection[Format] = UPCASTERS) -> tuple[Format, ...]:
    """All that can be read where the events in `understood` are: these, and all from which there is a way."""
    formats = set()
    for type_, version in understood:
        formats.add((type_, version))
        while (type_, version - 1) in upcasters:
            version -= 1
            formats.add((type_, version))
    return tuple(sorted(formats))
