"use strict";
// The entry line, waiting entries, keys and live updates. Without this file every page still reads and records.
(() => {
  const environment = document.documentElement.dataset.environment;
  const WAITING = `helionyx-${environment}-waiting-`;
  const LONGEST_PREVIEW = 2000; // An address of more characters is refused.
  const main = () => document.getElementById("main");
  const csrf = () => main()?.dataset.csrf;

  // Waiting entries: what is typed is stored first, and removed when the service has recorded it. Each has a key
  // of its own in the storage, so that two tabs never overwrite each other's.
  const waiting = () => Object.keys(localStorage)
    .filter((name) => name.startsWith(WAITING))
    .map((name) => JSON.parse(localStorage.getItem(name)))
    .filter((entry) => entry !== null)
    .sort((one, other) => one.typed_at.localeCompare(other.typed_at) || one.number - other.number);
  const store = (entry) => localStorage.setItem(WAITING + entry.key, JSON.stringify(entry));
  const without = (key) => localStorage.removeItem(WAITING + key);
  let number = 0;
  const newKey = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const showWaiting = () => {
    const box = document.getElementById("outbox");
    if (!box) return;
    const entries = waiting();
    box.hidden = entries.length === 0;
    box.replaceChildren();
    if (entries.length === 0) return;
    box.append(element("p", `Waiting to be sent: ${entries.length}`, { role: "status" }));
    const list = box.appendChild(document.createElement("ul"));
    for (const entry of entries) {
      const item = list.appendChild(element("li", entry.text));
      if (!entry.problem) continue;
      item.append(element("p", entry.problem, { class: "late" }));
      const drop = element("button", "Remove", { type: "button", "aria-label": `Remove: ${entry.text.slice(0, 80)}` });
      drop.addEventListener("click", () => { without(entry.key); showWaiting(); });
      item.append(drop);
    }
  };

  let sending = false;
  let pause = 1000;
  let timer = null;

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(send, pause);
    pause = Math.min(pause * 2, 30000);
  };

  const post = (entry, token) => fetch("/messages", {
    method: "POST",
    headers: { "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", "X-CSRF-Token": token },
    body: new URLSearchParams({ text: entry.text, key: entry.key, typed_at: entry.typed_at, queued: "1" }),
    redirect: "error",
    signal: AbortSignal.timeout(20000),
  });

  // The session may be another one than when the page was made: the token is asked for again.
  const freshToken = async () => {
    const answer = await fetch("/session", { headers: { "Accept": "application/json" }, signal: AbortSignal.timeout(20000) });
    return answer.ok ? (await answer.json()).csrf : null;
  };

  async function send() {
    if (sending) return;
    sending = true;
    try {
      let token = csrf();
      // What is typed meanwhile is sent as well.
      for (let entry; (entry = waiting().find((one) => !one.problem));) {
        let answer = await post(entry, token);
        if (answer.status === 403 || answer.status === 401) {
          token = await freshToken();
          if (token === null) { status("log in to send what waits"); return; }
          answer = await post(entry, token);
        }
        if (answer.ok) {
          without(entry.key);
          pause = 1000;
          const recorded = await answer.json();
          refresh(recorded.number ? `added.${recorded.number}.` : "");
        } else if (answer.status === 429 || answer.status >= 500) {
          later();
          return;
        } else {
          const problem = await answer.json().catch(() => ({}));
          store({ ...entry, problem: problem.detail || `refused (${answer.status})` });
        }
        showWaiting();
      }
    } catch {
      later();
    } finally {
      sending = false;
      showWaiting();
    }
  }

  // Live updates: any new event reloads the content of the page, not what is being typed.
  const status = (text) => {
    const place = document.getElementById("connection");
    if (place && place.textContent !== text) place.textContent = text;
  };

  let refreshing = null;
  let flash = "";
  const busy = () => {
    const active = document.activeElement;
    return main().contains(active) && active.matches("input, textarea, select") && active.value !== active.defaultValue
      || document.querySelector("#main details[open]") !== null;
  };

  const refresh = (did = "") => {
    flash = did || flash;
    clearTimeout(refreshing);
    refreshing = setTimeout(async () => {
      if (!main() || !main().dataset.csrf) return;
      if (busy()) { refresh(); return; }
      const address = new URL(location.href);
      if (flash) address.searchParams.set("did", flash);
      else address.searchParams.delete("did");
      const shown = flash;
      const before = main();
      flash = "";
      const selected = document.querySelector(".item.selected")?.dataset.number;
      const answer = await fetch(address, { headers: { "Accept": "text/html" }, signal: AbortSignal.timeout(20000) }).catch(() => null);
      if (!answer || !answer.ok || answer.redirected) { if (shown) flash = shown; return; }
      const made = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      // Another page may have been opened meanwhile.
      if (!made || busy() || main() !== before) return;
      const old = document.querySelector("#main .done[role]");
      if (old && !shown) made.querySelector("h1").before(document.adoptNode(old));
      const within = main().contains(document.activeElement) ? document.activeElement.id : null;
      main().replaceWith(document.adoptNode(made));
      htmx.process(main());
      if (selected) select([...items()].find((item) => item.dataset.number === selected), false);
      if (within) document.getElementById(within)?.focus({ preventScroll: true });
    }, 120);
  };

  let stream = null;
  let silence = 3000;
  const listen = () => {
    if (!main()?.dataset.csrf) return;
    stream?.close();
    stream = new EventSource(`/api/v1/events/stream?after=${main().dataset.position}`);
    stream.onopen = () => { status(""); pause = 1000; silence = 3000; send(); };
    stream.onmessage = () => refresh();
    stream.addEventListener("reset", () => refresh());
    stream.onerror = () => {
      status("not connected");
      // Refused, as after the end of the session: another try is made more and more seldom.
      if (stream.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, silence);
      silence = Math.min(silence * 2, 300000);
    };
  };

  // Keys.
  const items = () => document.querySelectorAll("#main .item[data-number]");
  const select = (item, scroll = true) => {
    document.querySelector(".item.selected")?.classList.remove("selected");
    if (!item) return;
    item.classList.add("selected");
    const link = item.querySelector("a.text, button");
    if (scroll) { link?.focus(); item.scrollIntoView({ block: "nearest" }); }
  };
  const move = (step) => {
    const all = [...items()];
    const index = all.findIndex((item) => item.classList.contains("selected"));
    select(all[Math.max(0, Math.min(all.length - 1, index < 0 ? 0 : index + step))]);
  };
  const complete = () => document.querySelector(".item.selected .check")?.click();
  const KEYS = {
    n: () => document.getElementById("text")?.focus(),
    "/": () => { const field = document.getElementById("q"); field ? field.focus() : document.querySelector('nav a[href="/search"]')?.click(); },
    j: () => move(1),
    k: () => move(-1),
    x: complete,
    "?": () => document.getElementById("help")?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select, dialog");
    if (event.key === "Escape" && field && !field.closest("dialog")) field.blur();
    if (event.target.id === "text" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
    if (field || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-logout]")) {
      navigator.serviceWorker?.controller?.postMessage("forget");
      return;
    }
    if (!event.target.matches("[data-outbox]")) return;
    event.stopImmediatePropagation();
    const field = event.target.elements.text;
    const text = field.value;
    try {
      if (text.trim()) store({ key: newKey(), text, typed_at: new Date().toISOString(), number: number++ });
    } catch {
      return; // This browser stores nothing: the form is sent as without scripts.
    }
    event.preventDefault();
    field.value = "";
    document.getElementById("preview").replaceChildren();
    showWaiting();
    send();
  }, true);

  const arrived = () => {
    showWaiting();
    document.querySelector("nav [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
    const address = new URL(location.href);
    const text = document.getElementById("text");
    if (text && address.searchParams.has("text")) {
      text.value = text.value || address.searchParams.get("text");
      address.searchParams.delete("text");
      text.focus();
    }
    address.searchParams.delete("did");
    history.replaceState(history.state, "", address);
    if (text?.value) htmx.trigger(text, "input");
  };

  document.addEventListener("htmx:load", (event) => { if (event.detail.elt === document.body) arrived(); });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target !== document.body) return;
    arrived();
    // Who presses a key at once is in a field already.
    if (document.activeElement === document.body) (document.getElementById("q") || main())?.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const text = String(event.detail.parameters.text || "");
    if (event.detail.path !== "/preview" || text.length <= LONGEST_PREVIEW) return;
    event.preventDefault();
    document.getElementById("preview").replaceChildren();
  });
  document.addEventListener("htmx:sendError", () => status("not connected: nothing was changed"));
  document.addEventListener("htmx:timeout", () => status("no answer: try again"));
  window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });
  window.addEventListener("online", () => { send(); listen(); });
  window.addEventListener("storage", (event) => { if (event.key?.startsWith(WAITING)) showWaiting(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { send(); refresh(); } });

  // A link on another site brings no SameSite=Strict cookie: who is logged in goes on to the page.
  const login = document.getElementById("login");
  if (login && !login.elements.link) {
    freshToken().then((token) => { if (token) location.replace(login.elements.next.value); }).catch(() => {});
  }

  arrived();
  listen();
  send();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
})();
