import { access, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "../diagnostics/failure.ts";
import { isMissing } from "../model/present-files.ts";

/** The runtime's package for the inside of the machine. */
export const machinePlatformPackage = "@superradcompany/microsandbox-linux-x64-gnu";

/** The package that holds the runtime's native parts for a platform; undefined where there is none. */
export function platformPackageName(platform: string, architecture: string): string | undefined {
  const names: Readonly<Record<string, string>> = {
    "linux-x64": machinePlatformPackage,
    "linux-arm64": "@superradcompany/microsandbox-linux-arm64-gnu",
    "darwin-arm64": "@superradcompany/microsandbox-darwin-arm64",
  };
  return names[`${platform}-${architecture}`];
}

export interface MicrosandboxPackages {
  /** Folder of the package `microsandbox`. */
  readonly javascript: string;
  /** Folder of the platform's package. */
  readonly platform: string;
}

/** @throws Failure `MicrosandboxPackageMissing` */
export async function microsandboxPackages(
  packageDirectory: string,
  platformPackage: string = machinePlatformPackage,
): Promise<MicrosandboxPackages> {
  return {
    javascript: await findPackage("microsandbox", packageDirectory),
    platform: await findPackage(platformPackage, packageDirectory),
  };
}

/** Looks through `node_modules` of a folder and its parents, as node does. */
async function findPackage(name: string, from: string): Promise<string> {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, "node_modules", name);
    if (await holdsPackage(candidate)) return realpath(candidate);
    if (dirname(directory) === directory) break;
  }
  throw new Failure({
    code: "MicrosandboxPackageMissing",
    category: "environment",
    message: `the npm package ${name} is not installed next to lightbox (${from})`,
    hint: `npm skips it under a node older than 22: run \`npm install --no-save ${name}\` with node 22.12 or newer`,
  });
}

async function holdsPackage(directory: string): Promise<boolean> {
  try {
    await access(join(directory, "package.json"));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
