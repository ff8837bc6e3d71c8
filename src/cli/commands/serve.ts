import { Command } from "commander";
import type { ServeOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { parsePortNumber, parsePositiveInteger } from "./shared-options.ts";

export function serveCommand(session: Session): Command {
  return new Command("serve")
    .description("Be a worker for other computers: bake and run for whoever has the token")
    .option("--address <address>", "listen on this address", "127.0.0.1")
    .option("--port <number>", "listen on this port", parsePortNumber, 7070)
    .option(
      "--token-file <file>",
      "the token that clients have to show, made if it is not there (default: LIGHTBOX_TOKEN, else made and kept)",
    )
    .option("--store <folder>", "keep layers and snapshots here")
    .option(
      "--idle-timeout <minutes>",
      "end after this long without work and without sandboxes",
      parsePositiveInteger,
    )
    .action(async (options: ServeOptions) => {
      const { serve } = await import("../actions/serve.ts");
      session.exitCode = await serve(options, session);
    });
}
