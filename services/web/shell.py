"""The manifest, the icons and the service worker, which make the pages an app."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from services.api.responses import json_of
from services.web import assets
from services.web.site import Site

COLOURS = {"dev": "#1d4ed8", "staging": "#a16207", "live": "#15803d"}
"""The colour of each environment, as in app.css."""


async def manifest(site: Site, _request: Request) -> Response:
    """The web app manifest, with a share target."""
    environment = site.identity.environment
    content = {
        "id": f"/?{environment}",
        "name": "Helionyx" if environment == "live" else f"Helionyx {environment}",
        "short_name": "Helionyx" if environment == "live" else environment,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": COLOURS[environment],
        "icons": [
            {
                "src": assets.address(f"icon-{environment}-{size}.png"),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for size in (192, 512)
            for purpose in ("any", "maskable")
        ],
        "share_target": {
            "action": "/share",
            "method": "GET",
            "params": {"title": "title", "text": "text", "url": "url"},
        },
    }
    return json_of(content, headers={"Cache-Control": "no-cache"}, media_type="application/manifest+json")


async def service_worker(request: Request) -> Response:
    """The service worker, with the version and the addresses of all files."""
    names = ("app.css", "app.js", "htmx.min.js")
    addresses = ", ".join(f'"{assets.address(name)}"' for name in names)
    head = f'const VERSION = "{assets.version()}";\nconst FILES = [{addresses}];\n'
    body = head.encode() + assets.content("sw.js")
    return assets.file_response(request, "sw.js", body, "no-cache")


async def icon(site: Site, request: Request) -> Response:
    """The icon of the environment."""
    name = f"icon-{site.identity.environment}.svg"
    return assets.file_response(request, name, assets.content(name), "public, max-age=86400")
