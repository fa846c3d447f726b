"use strict";
// One page: it asks the API for everything and keeps asking when something changes.
const $ = (id) => document.getElementById(id);
let token = null;
try { token = sessionStorage.getItem("token"); } catch { /* storage is off: asked for each time */ }

class Refused extends Error {}

async function ask(path) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { headers, signal: AbortSignal.timeout(20000) });
  if (answer.status === 401) throw new Refused();
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || body.title || `status ${answer.status}`);
  return body;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function row(...cells) {
  const made = document.createElement("tr");
  made.append(...cells);
  return made;
}

const states = ["pending", "scheduled", "available", "parked", "running", "retryable", "completed", "discarded", "cancelled"];
const time = (text) => new Date(text).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" });
const number = (value, digits) => Number(value).toFixed(digits);

// up and down are told by sign and arrow, never by colour alone
function moved(value, digits, unit) {
  if (value === null || value === undefined) return ["–", "dim"];
  const n = Number(value);
  const text = number(Math.abs(n), digits) + unit;
  if (n > 0) return [`▲ +${text}`, "up"];
  if (n < 0) return [`▼ −${text}`, "down"];
  return [text, ""];
}

async function watchlist() {
  const [quotes, moods] = await Promise.all([ask("/api/latest-data"), ask("/api/sentiment-summary")]);
  const mood = new Map(moods.items.map((item) => [item.symbol, item]));
  const signals = new Map(await Promise.all(quotes.items.map(async (quote) => {
    const answer = await ask(`/api/signals/${encodeURIComponent(quote.symbol)}?limit=1`);
    return [quote.symbol, answer.current];
  })));
  $("quotes").replaceChildren(...quotes.items.map((quote) => {
    const name = element("th", quote.symbol);
    name.scope = "row";
    if (quote.name) name.title = quote.name;
    const [change, way] = moved(quote.change_percent, 2, " %");
    const felt = mood.get(quote.symbol);
    const [score, tone] = moved(felt && felt.score, 2, "");
    const signal = signals.get(quote.symbol);
    const label = !signal ? "–" : signal.label ? signal.label.replace("_", " ") : "too little data";
    const seen = element("td", quote.as_of ? `${time(quote.as_of)} ` : "never ");
    if (quote.stale) seen.append(element("span", "stale", "tag"));
    return row(
      name,
      element("td", quote.price === null ? "–" : `${number(quote.price, 2)} ${quote.currency}`, "n"),
      element("td", change, `n ${way}`),
      element("td", score, tone),
      element("td", label),
      seen,
    );
  }));
  return quotes.items.length ? "" : "No symbol is watched yet.";
}

async function alerts() {
  const { items } = await ask("/api/alerts/recent?limit=10");
  $("alerts").replaceChildren(...items.map((alert) => {
    const line = element("li");
    const at = element("time", time(alert.fired_at || alert.pending_at));
    at.dateTime = alert.fired_at || alert.pending_at;
    line.append(element("strong", `${alert.symbol || "all"} · ${alert.severity} · ${alert.state}`), ` ${alert.title} `, at);
    return line;
  }));
  return items.length ? "" : "No alerts so far.";
}

async function queues() {
  const { items } = await ask("/api/queues");
  const head = ["queue", ...states].map((name, i) => {
    const cell = element("th", name, i ? "n" : "");
    cell.scope = "col";
    return cell;
  });
  $("queues-head").replaceChildren(row(...head));
  $("queues").replaceChildren(...items.map((queue) => {
    const name = element("th", `${queue.name} `);
    name.scope = "row";
    if (queue.paused) name.append(element("span", "paused", "tag"));
    return row(name, ...states.map((state) => element("td", queue.depth[state] ?? 0, "n")));
  }));
  return items.length ? "" : "No queue has had a job yet.";
}

async function notices() {
  const { items } = await ask("/api/notices");
  $("notices").replaceChildren(...items.map((notice) =>
    element("li", `${notice.subject} is ${notice.mode}: ${notice.reason}`)));
  $("notices").hidden = items.length === 0;
}

// what each part shows, and which events make it ask again
const parts = {
  quotes: { show: watchlist, on: ["quote", "sentiment", "signal", "article"] },
  alerts: { show: alerts, on: ["alert"] },
  queues: { show: queues, on: ["job", "limit"] },
  notices: { show: notices, on: ["limit"] },
};
for (const part of Object.values(parts)) Object.assign(part, { timer: 0, busy: false, again: false, shown: null });

async function refresh(name) {
  const part = parts[name];
  if (part.busy) { part.again = true; return; }
  part.busy = true;
  const line = $(`${name}-state`);
  try {
    const text = await part.show();
    part.shown = new Date();
    if (line) { line.textContent = text; line.dataset.state = ""; line.hidden = !text; }
  } catch (error) {
    if (error instanceof Refused) askForToken();
    if (line) {
      const old = part.shown ? ` What you see is from ${part.shown.toLocaleTimeString()}.` : "";
      line.textContent = error instanceof Refused ? "Waiting for a token." : `Cannot be read: ${error.message}.${old}`;
      line.dataset.state = "error";
      line.hidden = false;
    }
  } finally {
    part.busy = false;
    if (part.again) { part.again = false; soon(name); }
  }
}

// many events in a moment are one question
function soon(name) {
  if (parts[name].timer || document.hidden) return;
  parts[name].timer = setTimeout(() => { parts[name].timer = 0; refresh(name); }, 400);
}

const all = () => Object.keys(parts).forEach(refresh);

let source = null;
let live = false;
function say(state, text) {
  $("live").dataset.state = state;
  $("live").textContent = text;
}

function listen() {
  if (source) source.close();
  source = new EventSource("/api/events" + (token ? `?access_token=${encodeURIComponent(token)}` : ""));
  source.onopen = () => { live = true; say("live", "live"); };
  source.onerror = () => { live = false; say("error", "no live events; asking every 10 s"); };
  source.addEventListener("reset", all);
  for (const kind of ["job", "quote", "article", "sentiment", "signal", "alert", "limit"]) {
    source.addEventListener(kind, () => {
      for (const [name, part] of Object.entries(parts)) if (part.on.includes(kind)) soon(name);
    });
  }
}

function askForToken() {
  if (source) source.close();
  live = false;
  say("error", "a token is needed");
  if ($("token").hidden) {
    $("token").hidden = false;
    $("token-error").textContent = token ? "That token is not known." : "";
    $("token-text").focus();
  }
}

$("token").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token-text").value.trim();
  try { sessionStorage.setItem("token", token); } catch { /* as above */ }
  $("token-text").value = "";
  $("token").hidden = true;
  start();
});

function start() {
  say("wait", "connecting …");
  listen();
  all();
}

setInterval(() => {
  if (document.hidden || !$("token").hidden) return;
  if (!live) all();
  // a stream that was refused for good does not come back by itself
  if (source && source.readyState === EventSource.CLOSED) listen();
}, 10000);
document.addEventListener("visibilitychange", () => { if (!document.hidden && $("token").hidden) all(); });
ask("/health").then((health) => { $("version").textContent = `version ${health.version}`; }, () => {});
start();
