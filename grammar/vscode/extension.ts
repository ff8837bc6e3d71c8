import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { commands, type ExtensionContext, env, type LogOutputChannel, window, workspace } from "vscode";
import { LanguageClient } from "vscode-languageclient/node";

let client: LanguageClient | undefined;
/** Starts and stops, one after the other. */
let steps: Promise<void> = Promise.resolve();

/** Called by the editor when the first Lightfile is opened. */
export async function activate(context: ExtensionContext): Promise<void> {
  const output = window.createOutputChannel("Lightfile", { log: true });
  const restart = () => {
    steps = steps.then(stop).then(() => start(output, restart));
    return steps;
  };
  context.subscriptions.push(
    output,
    commands.registerCommand("lightfile.restartServer", restart),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("lightfile.command")) void restart();
    }),
  );
  await restart();
}

/** Called when the editor closes, or the extension is turned off. */
export async function deactivate(): Promise<void> {
  await steps;
  await stop();
}

async function start(output: LogOutputChannel, restart: () => Promise<void>): Promise<void> {
  const command = workspace.getConfiguration("lightfile").get("command", "lightbox");
  if (!(await isThere(command))) {
    void sayThatNothingAnswers(command, restart);
    return;
  }
  client = new LanguageClient(
    "lightfile",
    "Lightfile",
    { command, args: ["lsp"] },
    {
      documentSelector: [{ language: "lightfile" }],
      initializationOptions: { suggestAgainCommand: "editor.action.triggerSuggest" },
      outputChannel: output,
    },
  );
  try {
    await client.start();
  } catch (error) {
    // The client has shown it. A later restart may go better, and must not fail because of this one.
    output.error(String(error));
  }
}

async function stop(): Promise<void> {
  const started = client;
  client = undefined;
  await started?.dispose();
}

/** Whether a name is that of a program on the PATH. Of a path with folders the start itself says more. */
async function isThere(command: string): Promise<boolean> {
  if (command.includes("/")) return true;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const looks = folders.map((folder) => access(join(folder, command), constants.X_OK));
  return (await Promise.allSettled(looks)).some(({ status }) => status === "fulfilled");
}

async function sayThatNothingAnswers(command: string, restart: () => Promise<void>): Promise<void> {
  const openSetting = "Open the setting";
  const tryAgain = "Try again";
  const chosen = await window.showWarningMessage(
    `The program "${command}" is not on the PATH: Lightfiles have colours, and nothing else. Install lightbox, or say where it is in the setting lightfile.command.`,
    openSetting,
    tryAgain,
  );
  if (chosen === openSetting) {
    // Which program it is depends on the machine that the files are on: far away, the setting is that machine's.
    const page = env.remoteName === undefined ? "openSettings" : "openRemoteSettings";
    await commands.executeCommand(`workbench.action.${page}`, { query: "lightfile.command" });
  }
  if (chosen === tryAgain) await restart();
}
