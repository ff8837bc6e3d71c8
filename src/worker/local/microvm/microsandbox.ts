import { Failure } from "../../../diagnostics/failure.ts";

/** The SDK, loaded on first use: a bake in which every step is cached must not load its native addon. */
export type Microsandbox = typeof import("microsandbox");

export type {
  AgentClient,
  NetworkPolicy,
  RawFrame,
  Sandbox,
  SandboxBuilder,
  SandboxHandle,
} from "microsandbox";

let loaded: Promise<Microsandbox> | undefined;

/**
 * @param home where microsandbox keeps images and its database; it is a setting of the whole process
 * @throws Failure `MicrosandboxNotLoadable`
 */
export function loadMicrosandbox(home: string | undefined): Promise<Microsandbox> {
  if (home !== undefined) process.env.MSB_HOME = home;
  loaded ??= import("microsandbox").catch((error: unknown) => {
    loaded = undefined;
    throw new Failure({
      code: "MicrosandboxNotLoadable",
      category: "environment",
      message: `the microVM runtime cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
      hint: "reinstall lightbox without --no-optional, and see `lightbox doctor`",
      cause: error,
    });
  });
  return loaded;
}

/** The SDK's stable name for an error, e.g. `sandboxNotFound`; undefined for any other value. */
export function microsandboxErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
