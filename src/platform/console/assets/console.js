// Makes the pages live. Without it every page works by forms and links.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const main = $("main");
  const log = $("log");
  const line = $("line");
  const press = $("press");
  const ours = { "x-console": "1" };

  // Times are written in UTC; hovering tells the reader's own.
  const local = (root) => {
    for (const time of root.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (!isNaN(at)) time.title = at.toLocaleString() + " here, " + at.toISOString().slice(0, 19).replace("T", " ") + " UTC";
    }
    for (const image of root.querySelectorAll(".chart img")) {
      const gone = () => image.closest(".chart").remove();
      if (image.complete && !image.naturalWidth && image.currentSrc) gone();
      else image.addEventListener("error", gone);
    }
  };

  const say = (text) => { $("announce").textContent = text; };
  // Where a page shows no answers, what came of a press is told at its top.
  let told = null;
  const problem = (text) => {
    const place = $("problem");
    if (!place) {
      if (!text) return;
      told = Object.assign(document.createElement("p"), { className: "told problem", role: "alert", textContent: text });
      main.querySelector(".told")?.remove();
      return main.prepend(told);
    }
    place.textContent = text;
    place.hidden = !text;
  };

  // How to find something again when it is drawn anew.
  const by = (tag, name, value) => `${tag}[${name}="${CSS.escape(value)}"]`;
  const again = (one) =>
    one.matches("details[data-key] > summary") ? by("details", "data-key", one.parentElement.dataset.key) + " > summary"
    : one.name === "press" ? by("button", "formaction", one.getAttribute("formaction")) + by("", "value", one.value)
    : one.dataset.reason ? by("input", "data-reason", one.dataset.reason)
    : one.matches("a[href]") ? by("a", "href", one.getAttribute("href"))
    : null;

  // What somebody has opened or typed, and where they are, stays when a part of the page is drawn anew. Gives
  // what is to be done once the new part is in the page.
  const carry = (from, to) => {
    for (const open of from.querySelectorAll("details[open][data-key]")) {
      const same = to.querySelector(by("details", "data-key", open.dataset.key));
      if (same) same.open = true;
    }
    for (const typed of from.querySelectorAll("input[data-reason]")) {
      const same = to.querySelector(again(typed));
      if (same) same.value = typed.value;
    }
    const here = document.activeElement || document.body;
    const way = from.contains(here) && again(here);
    const same = way && to.querySelector(way);
    const { selectionStart: start, selectionEnd: end } = here;
    return () => {
      if (!same) return;
      same.focus({ preventScroll: true });
      if (start != null) same.setSelectionRange(start, end);
    };
  };

  // A click is a press and a release on one and the same thing: what is drawn anew in between would swallow it. So
  // nothing is while a button is held down; for no longer than a held button can be meant.
  const HOLD = 3000;
  let held = 0, drawings = [];
  const draw = (act) => { if (held) drawings.push(act); else act(); };
  const release = () => {
    clearTimeout(held);
    held = 0;
    for (const act of drawings.splice(0)) act();
  };
  addEventListener("pointerdown", (event) => {
    if (event.button) return;
 clearTimeout(held);
    held = setTimeout(release, HOLD);
  }, true);
  // The click itself comes after its release.
  for (const end of ["pointerup", "pointercancel", "contextmenu"]) addEventListener(end, () => setTimeout(release), true);

  const atEnd = () => innerHeight + scrollY > document.body.scrollHeight - 120;
  let follows = true;
  addEventListener("scroll", () => { follows = atEnd(); });
  addEventListener("resize", () => { if (log && follows) toEnd(); });
  const toEnd = () => scrollTo(0, document.body.scrollHeight);

  // `from` is the message in which a button was pressed; what comes of it elsewhere is gone to.
  const place = (html, mine, from) => {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const fresh = holder.content.querySelector(".message");
    if (!fresh || !log) return;
    local(fresh);
    const end = atEnd();
    const old = $(fresh.id);
    if (old) {
      if (+old.dataset.seq > +fresh.dataset.seq) return;
      if (old.dataset.outcome !== fresh.dataset.outcome) tell(fresh);
      const settle = carry(old, fresh);
      old.replaceWith(fresh);
      settle();
    } else {
      $("welcome")?.remove();
      const later = [...log.querySelectorAll(".message")].find((one) => +one.dataset.at > +fresh.dataset.at);
      log.insertBefore(fresh, later || null);
      tell(fresh);
    }
    if (end || (mine && fresh.id !== from)) toEnd();
  };
  const tell = (message) => {
    const [state, head, words] = [".state", "h2", ".say"].map((one) => message.querySelector(one)?.textContent || "");
    say(`${head}: ${state}. ${words}`);
  };

  const answered = (html) => {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const run = holder.content.querySelector(".message h2 a");
    if (run?.getAttribute("href") === location.pathname) { told = null; return; }
    // What is asked back is asked here, too.
    const ways = holder.content.querySelector("[data-choice]");
    // What went well is no alarm.
    const well = run || ways || holder.content.querySelector(".message .state.good");
    told = document.createElement("div");
    const words = document.createElement("p");
    words.className = well ? "hint" : "problem";
    words.setAttribute("role", well ? "status" : "alert");
    if (run) words.append("Your word is in: ", run);
    else words.append(holder.content.querySelector(".message .say")?.textContent || "");
    told.className = "told";
    told.append(words, ...(ways ? [ways] : []));
  };

  // A page that is more than its messages is fetched whole; one that cannot be had just now is asked for again.
  let waiting = 0;
  const refresh = (after = 150) => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const answer = await fetch(location.href).catch(() => null);
      if (!answer || answer.status >= 500) return refresh(2000);
      if (answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // A form above what is found stays as somebody has filled it in.
      const [part, fresh] = [main, page.getElementById("main")].map((one) => one?.querySelector("[data-fresh]") || one);
      if (!fresh) return;
      draw(() => {
        local(fresh);
        const settle = carry(part, fresh);
        part.replaceChildren(...(told ? [told] : []), ...fresh.childNodes);
        settle();
      });
    }, after);
  };

  const lost = (is) => { const sign = $("lost"); if (sign) sign.hidden = !is; };

  // A browser keeps six connections to a server, and every stream holds one: a page that nobody sees gives its up, and
  // asks for what it missed when it is seen again.
  let stream = null, retry = 0;
  const deaf = () => { clearTimeout(retry); stream?.close(); stream = null; };
  const listen = () => {
    deaf();
    if (document.hidden) return;
    const { since, follows } = main.dataset;
    stream = new EventSource(document.body.dataset.live + (since ? "?since=" + since : ""));
    const on = (name, act) => stream.addEventListener(name, (event) => { if (since && event.lastEventId) main.dataset.since = event.lastEventId; act(event.data); });
    on("hello", () => lost(false));
    on("run", (html) => {
      if (log) draw(() => place(html));
      else if (follows === "any" || (follows && html.includes(`id="${follows}"`))) refresh();
    });
    on("waiting", (html) => {
      const count = $("waiting");
      if (count && count.outerHTML !== html) { draw(() => { const old = $("waiting"); if (old) old.outerHTML = html; }); if (main.classList.contains("approvals")) refresh(); }
    });
    on("alerts", () => { if (follows === "alerts") refresh(); });
    on("notices", (html) => {
      const holder = document.createElement("template");
      holder.innerHTML = html;
      draw(() => {
        const [old, fresh] = [$("notices"), holder.content.firstElementChild];
        carry(old, fresh);
        // Said aloud only where it is another text.
        if (old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
      });
    });
    // Another tab may be about to sign in as somebody else.
    on("reload", () => { deaf(); setTimeout(() => location.reload(), 500); });
    stream.onerror = () => {
      lost(true);
      if (stream?.readyState === EventSource.CLOSED) retry = setTimeout(listen, 5000);
    };
  };

  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // What was sent and not answered yet. Sent again it is the same request; after an answer it is another one.
  const unanswered = new Map();
  const deliver = async (body, address, from) => {
    body.delete("nonce");
    const what = `${address}?${body}`;
    if (!unanswered.has(what)) unanswered.set(what, random());
    body.set("nonce", unanswered.get(what));
    let answer;
    try {
      answer = await fetch(address, { method: "POST", body, headers: ours });
      while (answer.status === 202) answer = await fetch(await answer.text(), { headers: ours });
    } catch {
      problem("No answer came. It may have been kept: pressing again asks only once.");
      return false;
    }
    const text = await answer.text();
    unanswered.delete(what);
    if (answer.status === 401 || answer.status === 409) { problem(text); setTimeout(() => location.reload(), 1500); return false; }
    if (!answer.ok) { problem(text.startsWith("<") ? "That went wrong. Load the page again." : text); return false; }
    problem("");
    if (!text) say("Done.");
    else if (log) place(text, true, from);
    else { answered(text); refresh(); }
    return true;
  };

  press?.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!(log || main.dataset.follows) || !button || button.formAction.endsWith("/pick")) return;
    const needs = button.dataset.needs;
    const reason = needs && document.querySelector(`input[data-reason="${CSS.escape(needs)}"]`);
    event.preventDefault();
    if (reason && !reason.value.trim()) {
      reason.setCustomValidity(reason.dataset.missing);
      reason.reportValidity();
      reason.addEventListener("input", () => reason.setCustomValidity(""), { once: true });
      return;
    }
    // First: a disabled button would not be part of its form.
    const body = new URLSearchParams(new FormData(press, button));
    button.closest("details[data-key]")?.removeAttribute("open");
    button.disabled = true;
    await deliver(body, button.formAction, button.closest(".message")?.id);
    button.disabled = false;
  });

  const composer = $("composer");
  if (composer) {
    const list = $("choices");
    let options = [], active = -1, asked = 0, timer = 0;
    const kept = () => { try { return JSON.parse(sessionStorage.lines || "[]"); } catch { return []; } };
    let back = 0;

    const close = () => { list.hidden = true; active = -1; options = []; line.setAttribute("aria-expanded", "false"); line.removeAttribute("aria-activedescendant"); };
    const mark = (index) => {
      active = index;
      options.forEach((option, at) => option.setAttribute("aria-selected", at === index));
      if (index >= 0) { line.setAttribute("aria-activedescendant", options[index].id); options[index].scrollIntoView({ block: "nearest" }); }
      else line.removeAttribute("aria-activedescendant");
    };
    const choose = (index) => { line.value = options[index].dataset.line; close(); complete(); };
    const show = ({ choices, stale, usage }) => {
      const item = (kind, ...parts) => {
        const item = document.createElement("li");
        item.className = kind;
        item.append(...parts.filter(([, text]) => text).map(([tag, text]) => { const part = document.createElement(tag); part.textContent = text; return part; }));
        return item;
      };
      options = choices.map((choice, at) => {
        const option = item("", ["code", choice.value], ["span", choice.label]);
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.id = "choice-" + at;
        option.dataset.line = choice.line;
        option.addEventListener("mousedown", (event) => { event.preventDefault(); choose(at); line.focus(); });
        return option;
      });
      const notes = [stale && item("stale", ["span", stale]), usage && item("usage", ["span", usage])].filter(Boolean);
      for (const note of notes) note.setAttribute("role", "presentation");
      list.replaceChildren(...options, ...notes);
      active = -1;
      list.hidden = !list.childElementCount;
      line.setAttribute("aria-expanded", String(!list.hidden));
    };
    const complete = () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const turn = ++asked;
        const typed = line.value;
        if (!typed) return close();
        const answer = await fetch("/complete?line=" + encodeURIComponent(typed), { headers: ours }).catch(() => null);
        if (answer?.ok && turn === asked && line.value === typed) show(await answer.json());
      }, 60);
    };
    line.addEventListener("input", () => { back = 0; complete(); });
    line.addEventListener("blur", close);
    line.addEventListener("keydown", (event) => {
      const open = !list.hidden && options.length;
      if (event.key === "Escape") close();
      else if (event.key === "ArrowDown" && open) mark((active + 1) % options.length);
      else if (event.key === "ArrowUp" && open && active >= 0) mark(active - 1);
      else if (event.key === "ArrowUp" || (event.key === "ArrowDown" && back)) {
        const lines = kept();
        back = Math.max(0, Math.min(lines.length, back + (event.key === "ArrowUp" ? 1 : -1)));
        line.value = back ? lines[lines.length - back] : "";
        close();
      } else if (event.key === "Tab" && !event.shiftKey && open && line.value) choose(Math.max(active, 0));
      else if (event.key === "Enter" && open && active >= 0) choose(active);
      else return;
      event.preventDefault();
    });

    // The line is free for the next command at once; one that did not get through comes back.
    const ask = async (form, submitter) => {
      const body = new URLSearchParams(new FormData(form, submitter));
      const typed = body.get("line");
      // The second of two quick strokes of Enter.
      if (!typed.trim() && unanswered.size) return;
      asked++;
      clearTimeout(timer);
      close();
      if (form === composer) line.value = "";
      line.focus();
      const sign = document.createElement("p");
      sign.className = "pending";
      sign.append(Object.assign(document.createElement("code"), { textContent: typed }), " is being looked at");
      if (typed.trim()) { log.append(sign); toEnd(); }
      const sent = await deliver(body, "/");
      sign.remove();
      if (!sent) { line.value ||= typed; return; }
      sessionStorage.lines = JSON.stringify([...kept().filter((one) => one !== typed), typed].slice(-50));
      back = 0;
    };
    // What stands in the line outlives the page, which may be loaded again under somebody's fingers.
    line.value ||= sessionStorage.draft || "";
    addEventListener("pagehide", () => { sessionStorage.draft = line.value; });
    composer.addEventListener("submit", (event) => { event.preventDefault(); ask(composer, event.submitter); });
    for (const form of document.querySelectorAll("form.example")) {
      form.addEventListener("submit", (event) => { event.preventDefault(); ask(form, event.submitter); });
    }
  }

  for (const field of document.querySelectorAll("input[data-suggest]")) {
    let timer = 0;
    const suggest = () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const typed = field.value;
        const answer = await fetch(field.dataset.suggest + encodeURIComponent(typed), { headers: ours }).catch(() => null);
        if (!answer?.ok || field.value !== typed) return;
        const { choices, stale } = await answer.json();
        field.list.replaceChildren(...choices.map((choice) => new Option(choice.label, choice.line)));
        const note = $(field.id + "-stale");
        note.textContent = stale || "";
        note.hidden = !stale;
      }, 120);
    };
    field.addEventListener("input", suggest);
    field.addEventListener("focus", suggest, { once: true });
  }

  for (const field of document.querySelectorAll("input[data-filter]")) {
    field.addEventListener("input", () => {
      for (const item of document.querySelectorAll(field.dataset.filter)) item.hidden = !item.textContent.toLowerCase().includes(field.value.trim().toLowerCase());
    });
  }

  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const field = line || document.querySelector("input[type=search]");
    if (field) { event.preventDefault(); field.focus(); }
  });

  local(document);
  if (log && !location.hash) toEnd();
  if (document.body.dataset.live) {
    document.addEventListener("visibilitychange", listen);
    addEventListener("pagehide", deaf);
    addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
    listen();
  }
})();
