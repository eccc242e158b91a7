// The page: an editor, the answer beside it, and two workers. One answers; the other is loaded while nothing is asked, and takes over
// when the first is ended in the middle of a check.
import { StreamLanguage, HighlightStyle, syntaxHighlighting, indentUnit } from "@codemirror/language";
import { indentWithTab } from "@codemirror/commands";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

const $ = (id) => document.getElementById(id);
const WAIT = 250; // milliseconds after the last key before mistakes are looked for

// ---------------------------------------------------------------- the workers

class Engine {
  constructor() {
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.asked = new Map();
    this.next = 1;
    this.ready = new Promise((resolve, reject) => {
      this.worker.onmessage = ({ data }) => {
        if (data.ready) resolve();
        else if (data.broken) reject(new Error(data.broken));
        else this.#heard(data);
      };
      this.worker.onerror = (event) => reject(new Error(event.message || "the worker cannot be loaded"));
    });
    this.ready.catch(() => {});
  }

  #heard({ id, told, answer, failed }) {
    const asked = this.asked.get(id);
    if (!asked) return;
    if (told !== undefined) return asked.told?.(told);
    this.asked.delete(id);
    if (failed !== undefined) asked.reject(new Error(failed));
    else asked.resolve(answer);
  }

  ask(ask, text, told) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject, told });
      this.worker.postMessage({ id, ask, text });
    });
  }

  end() {
    this.worker.terminate();
    for (const { reject } of this.asked.values()) reject(new Error("stopped"));
    this.asked.clear();
  }
}

let engine = new Engine();
let spare = null;
const warm = () => (spare ??= new Engine());

// ---------------------------------------------------------------- the editor

let words = { declarations: new Set(), steps: new Set(), constants: new Set() };

const once = StreamLanguage.define({
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/#.*/)) return "comment";
    if (stream.match(/"[^"]*"/)) return "string";
    if (stream.match(/\d+[a-z]*/)) return "number";
    const word = stream.match(/[A-Za-z_][\w-]*/);
    if (!word) return void stream.next();
    if (words.declarations.has(word[0])) return "keyword";
    if (words.constants.has(word[0])) return "atom";
    return words.steps.has(word[0]) ? "operatorKeyword" : null;
  },
  languageData: { commentTokens: { line: "#" } },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, class: "word-declaration" },
  { tag: tags.operatorKeyword, class: "word-step" },
  { tag: tags.atom, class: "word-constant" },
  { tag: tags.comment, class: "word-comment" },
  { tag: [tags.string, tags.number], class: "word-value" },
]);

let timer = 0;
const editor = new EditorView({
  parent: $("editor"),
  extensions: [
    basicSetup,
    keymap.of([{ key: "Mod-Enter", run: () => (check(), true) }, indentWithTab]),
    indentUnit.of("  "),
    once,
    syntaxHighlighting(colours),
    lintGutter(),
    EditorView.contentAttributes.of({ "aria-label": "The design" }),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      clearTimeout(timer);
      timer = setTimeout(lookForMistakes, WAIT);
    }),
  ],
});

const text = () => editor.state.doc.toString();

function show(design) {
  editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: design } });
}

async function lookForMistakes() {
  if (checking) return;
  const asked = text();
  let mistakes;
  try {
    mistakes = await engine.ask("mistakes", asked);
  } catch (error) {
    return say(`The design cannot be read: ${error.message}`);
  }
  if (text() !== asked) return;
  const doc = editor.state.doc;
  const offset = (line, column) => {
    const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
    // columns count code points; positions in a text of JavaScript count UTF-16 units
    return at.from + [...at.text].slice(0, Math.max(column - 1, 0)).join("").length;
  };
  const found = mistakes.map((m) => {
    const from = offset(m.line, m.column);
    const to = Math.max(offset(m.endLine, m.endColumn), from);
    return { from, to, severity: m.severity === "error" ? "error" : "warning", message: m.text, source: m.code };
  });
  editor.dispatch(setDiagnostics(editor.state, found));
  const errors = found.filter((m) => m.severity === "error").length;
  document.body.dataset.mistakes = String(errors);
  $("check").disabled = false;
  if (!checking) say(errors ? `${errors} mistake${errors > 1 ? "s" : ""}: see the marked line${errors > 1 ? "s" : ""}` : "");
}

// ---------------------------------------------------------------- the answer

let checking = false;
let page = "";

function say(words) {
  $("status").textContent = words;
}

async function check() {
  if (checking) return;
  checking = true;
  document.body.dataset.state = "checking";
  $("check").disabled = true;
  $("stop").hidden = false;
  const began = performance.now();
  let told = "";
  const clock = setInterval(() => say(`${told || "checking"} … ${Math.round((performance.now() - began) / 1000)} s`), 300);
  try {
    const answer = await engine.ask("review", text(), (what) => (told = what));
    page = answer.page;
    $("answer").srcdoc = page;
    $("plain").textContent = answer.text;
    document.body.dataset.cells = JSON.stringify(answer.cells);
    say(`answered in ${((performance.now() - began) / 1000).toFixed(1)} s, in this browser`);
    document.body.dataset.state = "answered";
    $("download").disabled = false;
  } catch (error) {
    say(error.message === "stopped" ? "stopped: no answer" : `no answer: ${error.message}`);
    document.body.dataset.state = "stopped";
  } finally {
    clearInterval(clock);
    checking = false;
    $("check").disabled = false;
    $("stop").hidden = true;
    warm();
  }
}

function stop() {
  engine.end();
  engine = spare ?? new Engine();
  spare = null;
  begin();
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([page], { type: "text/html" }));
  link.download = "review.html";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// ---------------------------------------------------------------- links that hold the design

async function packed(design) {
  const stream = new Blob([design]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function unpacked(word) {
  const bytes = Uint8Array.from(atob(word.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).text();
}

async function share() {
  const link = new URL(`#design=${await packed(text())}`, location.href);
  history.replaceState(null, "", link);
  try {
    await navigator.clipboard.writeText(link.href);
    say("the link is in the clipboard; the design is in the link, and nowhere else");
  } catch {
    say("the link is in the address bar; the design is in the link, and nowhere else");
  }
}

// ---------------------------------------------------------------- the start

function begin() {
  document.body.dataset.engine = "loading";
  const mine = engine;
  engine.ready.then(
    () => {
      if (engine !== mine) return;
      document.body.dataset.engine = "ready";
      say("");
      lookForMistakes();
    },
    (error) => say(`The checker cannot be loaded: ${error.message}`),
  );
}

async function start() {
  say("loading the checker (once; about 20 MB) …");
  const { designs, words: known } = await fetch(new URL("./designs.json", import.meta.url)).then((a) => a.json());
  words = Object.fromEntries(Object.entries(known).map(([kind, list]) => [kind, new Set(list)]));
  const menu = $("designs");
  for (const [group, members] of Object.entries(Object.groupBy?.(designs, (d) => d.group) ?? grouped(designs))) {
    const part = menu.appendChild(document.createElement("optgroup"));
    part.label = group;
    for (const design of members) {
      const choice = part.appendChild(document.createElement("option"));
      choice.textContent = design.title;
      choice.value = design.name;
    }
  }
  menu.onchange = () => {
    history.replaceState(null, "", location.pathname + location.search);
    show(designs.find((d) => d.name === menu.value).text);
  };
  $("check").onclick = check;
  $("stop").onclick = stop;
  $("share").onclick = share;
  $("download").onclick = download;
  const first = designs.find((d) => d.name === "article/invoice_email") ?? designs[0];
  menu.value = first.name;
  const linked = new URLSearchParams(location.hash.slice(1)).get("design");
  try {
    show(linked ? await unpacked(linked) : first.text);
  } catch {
    show(first.text);
    say("the link is damaged: this is the first example instead");
  }
  begin();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("./offline.js").catch(() => {});
}

function grouped(designs) {
  const groups = {};
  for (const design of designs) (groups[design.group] ??= []).push(design);
  return groups;
}

start();
