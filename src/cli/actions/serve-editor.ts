import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { systemErrorCode } from "../../diagnostics/failure.ts";
import { findPackageDirectory } from "../../host/package-directory.ts";
import { type Reference, readReference } from "../../language-server/reference.ts";
import { serve } from "../../language-server/server.ts";
import { rules } from "../../lint/rules.ts";
import { exitCodes } from "../exit-code.ts";
import type { Session } from "../session.ts";

/** Runs the language server until the editor ends it, or goes away; the connection then ends the process. */
export async function serveEditor(session: Session): Promise<void> {
  const connection = createConnection(ProposedFeatures.all, session.stdin, session.stdout);
  serve(connection, {
    version: session.version,
    reference: await readReferencePage(),
    rules,
    homeDirectory: session.home.directory,
    quietMs: 150,
  });
  await untilAborted(session.signal);
  // The connection would go on listening, and its watch over the editor's process keeps this one alive.
  process.exit(exitCodes.cancelled);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The page that comes with the package; without it hovers say what the parser knows. */
async function readReferencePage(): Promise<Reference> {
  try {
    return readReference(await readFile(join(findPackageDirectory(), "docs", "lightfile.md"), "utf8"));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return new Map();
    throw error;
  }
}
