// What pages do beyond their HTML: the reader's own zone, times that count down, and where the focus goes after a form.
(() => {
  "use strict";
  // English pages write dates as the reader's browser does; pages in another language, as that language does.
  const page = document.documentElement;
  const locale = page.lang === "en" ? undefined : page.lang;
  const zoned = new Intl.DateTimeFormat(locale, {
    year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short",
  });
  const dayOnly = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  const began = Date.now();

  const localise = (root) => {
    for (const time of root.querySelectorAll("time[datetime][data-shape]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime()) || time.title) continue;
      time.title = time.textContent;
      time.textContent = time.dataset.shape === "day" ? dayOnly.format(at) : zoned.format(at);
    }
  };

  const counted = (amount, short, unit) =>
    locale
      ? new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(amount)
      : `${amount}\u00a0${short}`;
  const span = (seconds) => {
    const parts = [];
    let left = Math.abs(seconds);
    for (const [short, unit, size] of [["d", "day", 86400], ["h", "hour", 3600], ["min", "minute", 60], ["s", "second", 1]]) {
      const amount = Math.floor(left / size);
      left -= amount * size;
      if (amount && !(short === "s" && parts.length)) parts.push(counted(amount, short, unit));
    }
    return parts.slice(0, 2).join(" ") || counted(0, "s", "second");
  };

  const tick = () => {
    const passed = Math.floor((Date.now() - began) / 1000);
    for (const due of document.querySelectorAll("[data-due]")) {
      const start = Number(due.dataset.loaded ?? (due.dataset.loaded = String(passed)));
      const left = Number(due.dataset.due) - (passed - start);
      const words = (left >= 0 ? page.dataset.in : page.dataset.late) ?? (left >= 0 ? "in {}" : "{} late");
      const text = words.replace("{}", span(left));
      if (due.textContent !== text) due.textContent = text;
      due.classList.toggle("late", left < 0);
      due.classList.toggle("soon", left >= 0 && left < 3600);
    }
  };

  // A page that needs a further script names it; it is fetched once, and looks for its own part of each page by itself.
  const fetched = new Set();
  const further = () => {
    const address = document.querySelector("[data-script]")?.dataset.script;
    if (!address || fetched.has(address)) return;
    fetched.add(address);
    const script = document.createElement("script");
    script.src = address;
    document.head.append(script);
  };

  const ready = () => {
    further();
    localise(document);
    tick();
    const first = document.querySelector("[data-focus]");
    if (first && !first.dataset.done) {
      first.dataset.done = "yes";
      first.focus({ preventScroll: false });
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    if (!field) return;
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.copied ?? "Copied";
    } catch {
      button.textContent = button.dataset.byHand ?? "Press Ctrl+C";
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-print]")) window.print();
  });
  // Chatwoot says whose conversation it shows to a page that it frames, once the page asks. The address only names the
  // customer: who may see one is decided by the session.
  const asks = document.querySelector("[data-helpdesk]");
  if (asks && window.parent !== window && !new URLSearchParams(location.search).has("email")) {
    window.addEventListener("message", (event) => {
      if (event.source !== window.parent || typeof event.data !== "string") return;
      let shown;
      try {
        shown = JSON.parse(event.data);
      } catch {
        return;
      }
      const email = shown?.event === "appContext" ? shown.data?.contact?.email : undefined;
      if (typeof email !== "string" || !email || email.length > 254) return;
      const target = new URL(location.href);
      target.searchParams.set("email", email);
      location.replace(target);
    });
    window.parent.postMessage("chatwoot-dashboard-app:fetch-info", "*");
  }

  // A page that asks for itself again does so only while it is looked at; once it is refused, the refusal is shown.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.target instanceof Element && event.target.closest("[data-poll]") === event.target)
      event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const polled = event.target instanceof Element && event.target.matches("[data-poll]");
    if (!polled || event.detail.xhr.status < 400) return;
    event.detail.shouldSwap = false;
    if (event.detail.xhr.status < 429) window.location.reload();
  });
  document.addEventListener("htmx:afterSettle", ready);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
  setInterval(tick, 1000);
})();
