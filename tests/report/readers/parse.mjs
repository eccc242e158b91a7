// Parse every Mermaid file given on the command line with Mermaid's own parser.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";
const dom = new JSDOM("<!doctype html><body></body>");
globalThis.window = dom.window; globalThis.document = dom.window.document;
const mermaid = (await import("mermaid")).default;
let bad = 0;
for (const name of process.argv.slice(2)) {
  try { const r = await mermaid.parse(readFileSync(name, "utf8")); console.log("ok", r.diagramType, name); }
  catch (error) { bad = 1; console.log("bad", name, String(error.message || error)); }
}
process.exit(bad);
