// A thin client: starts `onceproof lsp` and offers a few commands. Everything else is the server's.
"use strict";

const path = require("path");
const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

function settings() {
  return vscode.workspace.getConfiguration("onceproof");
}

function program() {
  const [command, ...rest] = settings().get("command");
  return { command, rest };
}

async function start(context) {
  const { command, rest } = program();
  const run = { command, args: [...rest, "lsp"], transport: TransportKind.stdio };
  client = new LanguageClient("onceproof", "Onceproof", { run, debug: run }, {
    documentSelector: [{ language: "once" }],
    initializationOptions: { check: settings().get("check"), timeout: settings().get("timeout") },
  });
  try {
    await client.start();
  } catch (error) {
    const how = "install it with its extra `lsp` (in its checkout: pip install '.[lsp]'), or set onceproof.command";
    vscode.window.showErrorMessage(`${command} lsp cannot be started (${how}): ${error.message}`);
  }
}

function task(name, args) {
  const { command, rest } = program();
  const run = new vscode.ProcessExecution(command, [...rest, ...args]);
  const made = new vscode.Task({ type: "onceproof", file: args[1] }, vscode.TaskScope.Workspace, name, "onceproof", run, "$onceproof");
  made.presentationOptions = { clear: true };
  return made;
}

async function saved() {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.document.languageId !== "once") {
    vscode.window.showInformationMessage("Open a design (a file that ends in .once) first.");
    return undefined;
  }
  await editor.document.save();
  return editor.document.uri.fsPath;
}

async function checkFile() {
  const file = await saved();
  if (file) await vscode.tasks.executeTask(task(`check ${path.basename(file)}`, ["check", file]));
}

async function openReport(context) {
  const file = await saved();
  if (!file) return;
  await vscode.workspace.fs.createDirectory(context.globalStorageUri);
  const page = path.join(context.globalStorageUri.fsPath, `${path.basename(file, ".once")}.html`);
  const execution = await vscode.tasks.executeTask(task(`report ${path.basename(file)}`, ["report", file, "-o", page, "--exit-zero"]));
  const ended = vscode.tasks.onDidEndTaskProcess((event) => {
    if (event.execution !== execution) return;
    ended.dispose();
    if (event.exitCode === 0) vscode.env.openExternal(vscode.Uri.file(page));
  });
}

let panel;

async function showStories() {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.document.languageId !== "once" || !client) {
    vscode.window.showInformationMessage("Open a design (a file that ends in .once) first.");
    return;
  }
  const document = editor.document;
  if (!panel) {
    panel = vscode.window.createWebviewPanel("onceproof.stories", "Stories", { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, { enableScripts: true, localResourceRoots: [] });
    panel.onDidDispose(() => { panel = undefined; });
  }
  const shown = panel;
  shown.title = `Stories of ${path.basename(document.uri.fsPath)}`;
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "Onceproof: checking" }, async () => {
    const page = await client.sendRequest("workspace/executeCommand", { command: "onceproof.review", arguments: [document.uri.toString()] });
    if (shown !== panel) return;
    shown.webview.html = page ?? "<p>The design has mistakes: the list of problems names them.</p>";
  });
}

const provider = {
  provideTasks: () => [],
  resolveTask: (given) => {
    const made = task(`check ${given.definition.file}`, ["check", given.definition.file]);
    made.definition = given.definition;
    return made;
  },
};

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("onceproof.checkFile", checkFile),
    vscode.commands.registerCommand("onceproof.openReport", () => openReport(context)),
    vscode.commands.registerCommand("onceproof.showStories", showStories),
    vscode.commands.registerCommand("onceproof.restart", async () => {
      if (client) await client.stop();
      await start(context);
    }),
    vscode.tasks.registerTaskProvider("onceproof", provider),
  );
  await start(context);
}

async function deactivate() {
  if (client) await client.stop();
}

module.exports = { activate, deactivate };
