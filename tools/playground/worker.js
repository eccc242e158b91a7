// The worker: Pyodide with the packages, and the two questions of bridge.py. Everything comes from the page's own origin.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const SITE = "/lib/onceproof-playground";

async function start() {
  const [python, packages] = await Promise.all([
    loadPyodide({ indexURL: new URL("./pyodide/", import.meta.url).href }),
    fetch(new URL("./packages.zip", import.meta.url)).then((answer) => answer.arrayBuffer()),
  ]);
  python.unpackArchive(packages, "zip", { extractDir: SITE });
  python.runPython(`import sys; sys.path.insert(0, "${SITE}"); import bridge; bridge.mistakes("")`);
  return python.pyimport("bridge");
}

const bridge = start();
bridge.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ broken: String(error.message ?? error) }),
);

onmessage = async ({ data: { id, ask, text } }) => {
  try {
    const python = await bridge;
    const answer =
      ask === "review"
        ? python.review(text, (what) => postMessage({ id, told: String(what) }))
        : python.mistakes(text);
    postMessage({ id, answer: JSON.parse(answer) });
  } catch (error) {
    postMessage({ id, failed: String(error.message ?? error) });
  }
};
