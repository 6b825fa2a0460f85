// The service worker: the files of the pages, and the last pages for reading without a connection.
"use strict";
const SHELL = `files-${VERSION}`;
const PAGES = "pages";
const WORTH = ["/", "/timeline", "/todos", "/notes", "/tracks", "/decisions"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== SHELL && name !== PAGES) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (event.data === "forget") event.waitUntil(caches.delete(PAGES));
});

const forSomebody = (response) => response.ok && !response.redirected
  && (response.headers.get("content-type") || "").startsWith("text/html");

async function page(request) {
  const url = new URL(request.url);
  try {
    const response = await fetch(request);
    if (response.redirected && new URL(response.url).pathname === "/login") await caches.delete(PAGES);
    if (forSomebody(response) && (WORTH.includes(url.pathname) || url.pathname.startsWith("/items/"))) {
      const cache = await caches.open(PAGES);
      await cache.put(url.pathname, response.clone());
      const keys = await cache.keys();
      for (const old of keys.slice(0, Math.max(0, keys.length - 60))) await cache.delete(old);
    }
    return response;
  } catch (error) {
    const cache = await caches.open(PAGES);
    const path = url.pathname === "/share" ? "/" : url.pathname;
    const known = await cache.match(path) || (request.mode === "navigate" && await cache.match("/"));
    if (known) return known;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) {
    event.respondWith(caches.match(event.request).then((known) => known || fetch(event.request)));
  } else if (event.request.mode === "navigate" || (event.request.headers.get("accept") || "").startsWith("text/html")
      || event.request.headers.get("hx-request")) {
    if (url.pathname !== "/preview" && !url.pathname.startsWith("/api/")) event.respondWith(page(event.request));
  }
});
