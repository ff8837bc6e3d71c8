import { lightbox, lightboxOk } from "./lightbox-command.ts";

/** Whether microVMs run through the machine here. */
export async function usesMachine(): Promise<boolean> {
  const status = await lightbox(["machine", "status"]);
  return !status.stdout.startsWith("not installed");
}

/** Runs a script as root in the running machine; resolves when it has ended, with what the shell printed. */
export async function machineShell(script: string): Promise<string> {
  const { stdout } = await lightboxOk(["machine", "shell"], { input: `${script}\nexit\n` });
  return stdout;
}
