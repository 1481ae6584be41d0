// Uploads: files dropped anywhere or chosen go to S3 by a signed form, a few at a time, and tell how far they are.
(() => {
  const AT_ONCE = 4;
  const TELL_EVERY_MS = 250;
  const waiting = [];
  let active = 0;
  let count = 0;

  const tell = (id, facts) => window.emitEvent("sluice-upload", { id, ...facts });

  async function form(key, type) {
    const answer = await fetch("/upload-form", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key, type }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  function send({ url, fields }, file, onProgress) {
    return new Promise((done, failed) => {
      const body = new FormData();
      for (const [name, value] of Object.entries(fields)) body.append(name, value);
      body.append("file", file);
      const request = new XMLHttpRequest();
      request.upload.onprogress = onProgress;
      request.onload = () =>
        request.status < 300 ? done() : failed(new Error(`S3 refused it with status ${request.status}.`));
      request.onerror = () =>
        failed(new Error("S3 could not be reached from this page; `sluice put` uploads without a browser."));
      request.open("POST", url);
      request.send(body);
    });
  }

  async function upload({ id, file, key }) {
    let told = 0;
    try {
      const signed = await form(key, file.type || "application/octet-stream");
      await send(signed, file, (event) => {
        if (performance.now() - told < TELL_EVERY_MS) return;
        told = performance.now();
        tell(id, { sent: event.loaded / Math.max(1, event.total) });
      });
      tell(id, { sent: 1, since: signed.since });
    } catch (problem) {
      tell(id, { problem: problem.message });
    }
  }

  async function work() {
    if (active >= AT_ONCE || !waiting.length) return;
    active += 1;
    await upload(waiting.shift());
    active -= 1;
    work();
  }

  function add(file, folder) {
    const prefix = document.querySelector("[data-upload-prefix] input")?.value ?? "";
    const each = { id: `u${Date.now()}-${(count += 1)}`, file, key: prefix + folder + file.name };
    tell(each.id, { key: each.key, size: file.size, sent: 0 });
    waiting.push(each);
    work();
  }

  const files = (entry) => new Promise((done, failed) => entry.file(done, failed));
  const batch = (reader) => new Promise((done, failed) => reader.readEntries(done, failed));

  async function walk(entry, folder) {
    if (entry.isFile) return add(await files(entry), folder);
    const reader = entry.createReader();
    for (let found = await batch(reader); found.length; found = await batch(reader))
      for (const each of found) await walk(each, `${folder}${entry.name}/`);
  }

  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    document.body.classList.remove("dropping");
    for (const item of [...event.dataTransfer.items]) {
      const entry = item.webkitGetAsEntry?.();
      if (entry) walk(entry, "");
    }
  });
  addEventListener("beforeunload", (event) => {
    if (active) event.preventDefault();
  });

  window.sluiceChooseFiles = () => {
    const input = Object.assign(document.createElement("input"), { type: "file", multiple: true });
    input.onchange = () => [...input.files].forEach((file) => add(file, ""));
    input.click();
  };
})();

// Lists are drawn anew when a row changes: the focus goes to what stands where it was, and not to the page's beginning.
(() => {
  let lost = null;
  const name = (element) =>
    [element.tagName, element.getAttribute("aria-label"), element.getAttribute("href"), element.textContent].join("\n");

  addEventListener("focusin", ({ target }) => {
    lost = target.closest(".main") ? { target, name: name(target) } : null;
  });
  addEventListener("focusout", ({ target }) =>
    setTimeout(() => {
      if (target.isConnected && document.activeElement !== target && lost?.target === target) lost = null;
    }),
  );
  new MutationObserver(() => {
    if (!lost || lost.target.isConnected || document.activeElement !== document.body) return;
    const same = [...document.querySelectorAll(`.main ${lost.target.tagName}`)].find((each) => name(each) === lost.name);
    same?.focus({ preventScroll: true });
  }).observe(document, { childList: true, subtree: true });
})();

// On a narrow window the navigation scrolls: the page that one is on is in sight.
(() => {
  const drawn = new MutationObserver(() => {
    const current = document.querySelector('.nav [aria-current="page"]');
    if (!current) return;
    drawn.disconnect();
    current.scrollIntoView({ block: "nearest", inline: "center" });
  });
  drawn.observe(document, { childList: true, subtree: true });
})();
