// Python in VS Code from what npm has: basedpyright's language server, and a button that runs the file.
const { commands, extensions, window } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async (context) => {
  // Microsoft's extension does all of this itself.
  if (extensions.getExtension("ms-python.python")) return;

  context.subscriptions.push(
    commands.registerCommand("python-without-open-vsx.run", async () => {
      const document = window.activeTextEditor?.document;
      if (!document || !(await document.save())) return;
      const terminal = window.terminals.find((one) => one.name === "Python") ?? window.createTerminal("Python");
      terminal.show();
      terminal.sendText(`python '${document.uri.fsPath.replaceAll("'", "'\\''")}'`);
    }),
  );
  await commands.executeCommand("setContext", "python-without-open-vsx.active", true);

  client = new LanguageClient(
    "basedpyright",
    "Python",
    { command: process.execPath, args: [context.asAbsolutePath("node_modules/basedpyright/langserver.index.js"), "--stdio"] },
    { documentSelector: [{ language: "python" }], synchronize: { configurationSection: ["python", "basedpyright"] } },
  );
  await client.start();
};

exports.deactivate = () => client?.stop();
