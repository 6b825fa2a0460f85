"""All items of a kind and state, read page by page."""

from __future__ import annotations

from services.domain.due import Until
from services.domain.items import Item
from services.projections import items
from services.projections.pages import END
from services.service import Service

READ_AT_ONCE = 500


async def every(service: Service, kind: str, state: str, due_until: Until | None = None) -> tuple[Item, ...]:
    """All items of a kind in a state, those that are due before a time alone, the newest first."""
    every_item: list[Item] = []
    before = END
    while items := await _page(service, kind, state, due_until, before):
        every_item += items
        before = items[-1].position
    return tuple(every_item)


async def _page(
    service: Service, kind: str, state: str, due_until: Until | None, before: int
) -> tuple[Item, ...]:
    return await service.look(
        lambda models: items.items(models, kind, before, READ_AT_ONCE, states=(state,), due_until=due_until)
    )
