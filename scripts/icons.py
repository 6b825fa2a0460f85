"""Draw the icons of the pages as PNG, from their SVG: `python -m scripts.icons`."""

from __future__ import annotations

from pathlib import Path

from scripts.browser import chromium

STATIC = Path(__file__).resolve().parent.parent / "services" / "web" / "static"
SIZES = (192, 512)


def main() -> None:
    """Write the PNG files beside their SVG."""
    with chromium() as browser:
        for drawing in sorted(STATIC.glob("icon-*.svg")):
            for size in SIZES:
                page = browser.new_page(viewport={"width": size, "height": size})
                page.set_content(f"<style>*{{margin:0;display:block}}</style>{drawing.read_text()}")
                page.screenshot(path=STATIC / f"{drawing.stem}-{size}.png")
                page.close()


if __name__ == "__main__":
    main()
