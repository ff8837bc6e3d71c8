import { Failure } from "../diagnostics/failure.ts";

/** A signal that Ctrl-C, SIGTERM or SIGHUP aborts. A second Ctrl-C ends the process at once. */
export function cancelOnSignals(): AbortSignal {
  const controller = new AbortController();
  let asked = false;
  const cancel = (name: NodeJS.Signals): void => {
    if (asked && name === "SIGINT") process.exit(130);
    asked = true;
    controller.abort(
      new Failure({ code: "Cancelled", category: "cancelled", message: `stopped by ${name}` }),
    );
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => cancel(name));
  return controller.signal;
}
