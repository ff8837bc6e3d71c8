import { commands, type ExtensionContext, workspace } from "vscode";
import { LanguageClient, type LanguageClientOptions } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

/** Called by the editor when the first Lightfile is opened. */
export async function activate(context: ExtensionContext): Promise<void> {
  const command = workspace.getConfiguration("lightfile").get("command", "lightbox");
  const options: LanguageClientOptions = {
    documentSelector: [{ language: "lightfile" }],
    initializationOptions: { suggestAgainCommand: "editor.action.triggerSuggest" },
  };
  const started = new LanguageClient("lightfile", "Lightfile", { command, args: ["lsp"] }, options);
  client = started;
  context.subscriptions.push(commands.registerCommand("lightfile.restartServer", () => started.restart()));
  await started.start();
}

/** Called when the editor closes, or the extension is turned off. */
export async function deactivate(): Promise<void> {
  await client?.stop();
  client = undefined;
}
