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
  const problem = (text) => {
    const place = $("problem");
    if (!place) return text && say(text);
    place.textContent = text;
    place.hidden = !text;
  };

  // What somebody has opened or typed stays when a message is drawn anew.
  const carry = (from, to) => {
    for (const open of from.querySelectorAll("details[open][data-key]")) {
      const same = to.querySelector(`details[data-key="${CSS.escape(open.dataset.key)}"]`);
      if (same) same.open = true;
    }
    for (const typed of from.querySelectorAll("input[data-reason]")) {
      const same = to.querySelector(`input[data-reason="${CSS.escape(typed.dataset.reason)}"]`);
      if (!same) continue;
      same.value = typed.value;
      if (typed === document.activeElement) requestAnimationFrame(() => same.focus());
    }
  };

  const atEnd = () => innerHeight + scrollY > document.body.scrollHeight - 120;
  let follows = true;
  addEventListener("scroll", () => { follows = atEnd(); });
  addEventListener("resize", () => { if (log && follows) toEnd(); });
  const toEnd = () => scrollTo(0, document.body.scrollHeight);

  const place = (html, follow) => {
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
      carry(old, fresh);
      old.replaceWith(fresh);
    } else {
      $("welcome")?.remove();
      const later = [...log.querySelectorAll(".message")].find((one) => +one.dataset.at > +fresh.dataset.at);
      log.insertBefore(fresh, later || null);
      tell(fresh);
    }
    if (end || follow) toEnd();
  };
  const tell = (message) => {
    const [state, head, words] = [".state", "h2", ".say"].map((one) => message.querySelector(one)?.textContent || "");
    say(`${head}: ${state}. ${words}`);
  };

  // A page that is more than its messages is fetched whole.
  let waiting = 0;
  const refresh = () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const answer = await fetch(location.href).catch(() => null);
      if (!answer || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (!fresh) return;
      local(fresh);
      carry(main, fresh);
      main.replaceChildren(...fresh.childNodes);
    }, 150);
  };

  const lost = (is) => { const sign = $("lost"); if (sign) sign.hidden = !is; };
  const listen = () => {
    let since = main.dataset.since;
    const stream = new EventSource(main.dataset.live + "?since=" + since);
    const on = (name, act) => stream.addEventListener(name, (event) => { if (event.lastEventId) main.dataset.since = event.lastEventId; act(event.data); });
    on("hello", () => lost(false));
    on("run", (html) => {
      if (log) return place(html);
      const run = main.dataset.run;
      if (!run || html.includes(`id="run-${run}"`)) refresh();
    });
    on("waiting", (html) => {
      const count = $("waiting");
      if (count && count.outerHTML !== html) { count.outerHTML = html; if (main.classList.contains("approvals")) refresh(); }
    });
    on("notices", (html) => { const holder = document.createElement("template"); holder.innerHTML = html; $("notices").replaceWith(holder.content); });
    // Another tab may be about to sign in as somebody else.
    on("reload", () => { stream.close(); setTimeout(() => location.reload(), 500); });
    stream.onerror = () => {
      lost(true);
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
    addEventListener("pagehide", () => stream.close(), { once: true });
  };

  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // Sends a form. After an answer the next one is another request; without an answer a second try is the same one.
  const send = async (form, submitter, address) => {
    // First: a disabled button would not be part of its form.
    const body = new URLSearchParams(new FormData(form, submitter));
    if (submitter) submitter.disabled = true;
    const sent = await deliver(form, body, address);
    if (submitter) submitter.disabled = false;
    return sent;
  };
  const deliver = async (form, body, address) => {
    let answer;
    try {
      answer = await fetch(address, { method: "POST", body, headers: ours });
      while (answer.status === 202) answer = await fetch(await answer.text(), { headers: ours });
    } catch {
      problem("No answer came. It may have been kept: pressing again asks only once.");
      return false;
    }
    const text = await answer.text();
    form.elements.nonce.value = random();
    if (answer.status === 401 || answer.status === 409) { problem(text); setTimeout(() => location.reload(), 1500); return false; }
    if (!answer.ok) { problem(text.startsWith("<") ? "That went wrong. Load the page again." : text); return false; }
    problem("");
    if (!text) say("Done.");
    else if (log) place(text, true);
    else refresh();
    return true;
  };

  press?.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!main.dataset.live || !button || button.formAction.endsWith("/pick")) return;
    const needs = button.dataset.needs;
    const reason = needs && document.querySelector(`input[data-reason="${CSS.escape(needs)}"]`);
    event.preventDefault();
    if (reason && !reason.value.trim()) {
      reason.setCustomValidity("Say how you know; it is written into the record.");
      reason.reportValidity();
      reason.addEventListener("input", () => reason.setCustomValidity(""), { once: true });
      return;
    }
    button.closest("details[data-key]")?.removeAttribute("open");
    await send(press, button, button.formAction);
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

    const ask = async (form, submitter) => {
      const typed = submitter?.name === "line" ? submitter.value : line.value;
      asked++;
      clearTimeout(timer);
      close();
      if (!(await send(form, submitter, "/"))) return;
      sessionStorage.lines = JSON.stringify([...kept().filter((one) => one !== typed), typed].slice(-50));
      back = 0;
      if (line.value === typed) line.value = "";
      line.focus();
    };
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
  if (main?.dataset.live) listen();
})();
