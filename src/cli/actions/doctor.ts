import { join } from "node:path";
import { findPackageDirectory } from "../../host/package-directory.ts";
import { probeChildCommand } from "../../host/virtualization.ts";
import { examineHost, type HostCheck } from "../../machine/doctor.ts";
import { colorsFor } from "../../render/colors.ts";
import { exitCodes } from "../exit-code.ts";
import type { Session } from "../session.ts";

/** `lightbox doctor`: exit code 3 when something is missing without which nothing can be baked here. */
export async function examine(
  options: { readonly force?: boolean; readonly format: string },
  session: Session,
): Promise<number> {
  const packageDirectory = findPackageDirectory();
  const checks = await examineHost(
    {
      home: session.home.directory,
      packageDirectory,
      command: [process.execPath, join(packageDirectory, "dist", "cli.js"), probeChildCommand],
      override: session.environment.LIGHTBOX_VIRTUALIZATION,
      force: options.force ?? false,
    },
    session.signal,
  );
  if (options.format === "json") session.stdout.write(`${JSON.stringify(checks, null, 2)}\n`);
  else session.stdout.write(checks.map((check) => describe(check, session)).join(""));
  return checks.some((check) => check.status === "missing") ? exitCodes.environment : exitCodes.success;
}

function describe(check: HostCheck, session: Session): string {
  const colors = colorsFor(session.stdout, session.environment);
  const marks = {
    ok: colors.green("ok     "),
    warning: colors.yellow("warning"),
    missing: colors.red("missing"),
  };
  const mend = check.mend === null ? "" : `         mend it: ${check.mend}\n`;
  return `${marks[check.status]}  ${check.name}: ${check.detail}\n${mend}`;
}
