// What a page of another site tries of a listener on this machine; gives what it could read or open.
async ({ target, queries, bodies, paths }) => {
  const got = [];
  const could = (what) => got.push(what);
  const json = (path) => bodies[path] ?? "{}";
  const settled = [];
  const started = (promise, what) => settled.push(promise.then(() => could(what), () => {}));
  const element = (name, attributes) => {
    const made = Object.assign(document.createElement(name), attributes);
    settled.push(new Promise((done) => {
      made.onerror = done;
      made.onload = () => (could(`${name} ${attributes.src ?? attributes.href ?? attributes.data}`), done());
    }));
    document.body.append(made);
    return made;
  };
  const framed = (attributes) =>
    new Promise((done) => {
      const frame = Object.assign(document.createElement("iframe"), { name: `f${Math.random()}`, ...attributes });
      frame.onload = () => done(frame);
      document.body.append(frame);
    });

  for (const path of paths) {
    const url = target + path;
    started(fetch(url, { credentials: "include" }).then((answer) => answer.text()), `read ${path}`);
    const ways = [
      { method: "GET", mode: "no-cors" },
      { method: "POST", mode: "no-cors", body: json(path), headers: { "content-type": "text/plain" } },
      { method: "POST", mode: "no-cors", body: new URLSearchParams(queries[0]) },
      { method: "POST", mode: "no-cors", body: new FormData() },
    ];
    for (const way of ways) settled.push(fetch(url, { credentials: "include", ...way }).catch(() => {}));
    for (const method of ["PUT", "DELETE", "PATCH"]) started(fetch(url, { method, body: json(path) }), `${method} ${path}`);
    const headers = { "content-type": "application/json", "x-amz-target": "DynamoDB_20120810.ListTables" };
    started(fetch(url, { method: "POST", body: json(path), headers }), `preflighted ${path}`);
    navigator.sendBeacon(url, new Blob([json(path)], { type: "text/plain" }));
    started(new Promise((done, failed) => {
      const request = Object.assign(new XMLHttpRequest(), { onload: done, onerror: failed });
      request.open("GET", url);
      request.send();
    }), `XHR ${path}`);
    started(new Promise((done, failed) => {
      const socket = new WebSocket(url.replace("http", "ws"));
      Object.assign(socket, { onopen: done, onerror: failed });
    }), `WebSocket ${path}`);
    started(new Promise((done, failed) => {
      const source = new EventSource(url);
      Object.assign(source, { onopen: done, onerror: () => (source.close(), failed()) });
    }), `EventSource ${path}`);
    await framed({ src: url });
    await framed({
      sandbox: "allow-scripts",
      srcdoc: `<script>fetch(${JSON.stringify(url)}, { method: "POST", mode: "no-cors", body: "{}" })</script>`,
    });
    for (const enctype of ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]) {
      const frame = await framed({ src: "about:blank" });
      const form = Object.assign(document.createElement("form"), { method: "POST", action: url, enctype, target: frame.name });
      for (const [name, value] of Object.entries({ key: "evil", file: "evil" }))
        form.append(Object.assign(document.createElement("input"), { name, value }));
      document.body.append(form);
      const answered = new Promise((done) => (frame.onload = done));
      form.submit();
      await answered;
    }
  }
  for (const query of queries) {
    const url = `${target}/?${query}`;
    element("img", { src: url });
    element("script", { src: url });
    element("link", { rel: "stylesheet", href: url });
    element("object", { data: url });
    await framed({ src: url });
    settled.push(fetch(url, { method: "POST", mode: "no-cors", body: "{}", headers: { "content-type": "text/plain" } }).catch(() => {}));
  }
  await Promise.all(settled);
  return got;
}
