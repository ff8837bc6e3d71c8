import { createInterface } from "node:readline";
import * as v from "valibot";
import { Failure } from "../diagnostics/failure.ts";
import { machineSockets } from "./machine-paths.ts";
import { connectMachineSocket } from "./machine-socket.ts";

const Reply = v.looseObject({
  return: v.optional(v.unknown()),
  error: v.optional(v.looseObject({ desc: v.string() })),
  event: v.optional(v.string()),
});

/** Runs one command of QEMU's machine protocol (QMP). */
export type MonitorCall = (command: string, parameters?: Record<string, unknown>) => Promise<unknown>;

/**
 * Opens the running QEMU's monitor for the time of `use`. The monitor serves one client at a time; others wait.
 *
 * @throws Failure `MachineMonitorFailed` when a command is refused or the answer does not come in time.
 * @throws the system error when there is no monitor to connect to.
 */
export async function withMonitor<Result>(
  runDirectory: string,
  signal: AbortSignal,
  use: (call: MonitorCall) => Promise<Result>,
): Promise<Result> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
  const socket = await connectMachineSocket(runDirectory, machineSockets.monitor, bounded);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const abort = () => socket.destroy(new Error("aborted"));
  // A broken connection is seen as the end of the lines; its error needs no second listener.
  socket.on("error", () => socket.destroy());
  bounded.addEventListener("abort", abort, { once: true });

  const nextReply = async () => {
    const line = await lines.next();
    if (line.done === true) throw monitorFailure("QEMU's monitor did not answer");
    return v.parse(Reply, JSON.parse(line.value));
  };
  const call: MonitorCall = async (command, parameters) => {
    socket.write(`${JSON.stringify({ execute: command, arguments: parameters ?? {} })}\n`);
    for (;;) {
      const reply = await nextReply();
      if (reply.event !== undefined) continue;
      if (reply.error !== undefined) throw monitorFailure(`QEMU refused ${command}: ${reply.error.desc}`);
      return reply.return;
    }
  };
  try {
    await nextReply(); // the greeting
    await call("qmp_capabilities");
    return await use(call);
  } finally {
    bounded.removeEventListener("abort", abort);
    socket.destroy();
  }
}

/** Runs a command of the human monitor, whose answer is text for people, errors included. */
export async function humanCommand(call: MonitorCall, line: string): Promise<string> {
  const answer = await call("human-monitor-command", { "command-line": line });
  return v.parse(v.string(), answer).trim();
}

function monitorFailure(message: string): Failure {
  return new Failure({
    code: "MachineMonitorFailed",
    category: "environment",
    message,
    hint: "run `lightbox machine stop`, then try again",
  });
}
