import { createHash } from "node:crypto";
import { once } from "node:events";
import { realpath } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";

/**
 * Held by who starts, stops or removes the machine of one folder. It is a listening socket in Linux' abstract
 * namespace: the kernel frees it when its process ends, however it ends, so it is never stale. Should two
 * processes not share the namespace (two containers), QEMU's own lock of the data disk still stops the second.
 */
export async function acquireMachineLock(
  directory: string,
  signal: AbortSignal,
  onWait: () => void,
): Promise<AsyncDisposable> {
  const identity = `${process.getuid?.() ?? 0}:${await realpath(directory)}`;
  const name = `\0lightbox-machine-${createHash("sha256").update(identity).digest("hex").slice(0, 32)}`;
  for (let waited = false; ; waited = true) {
    throwIfCancelled(signal);
    const server = await listen(name);
    if (server !== undefined) return { [Symbol.asyncDispose]: () => close(server) };
    if (!waited) onWait();
    await untilReleased(name, signal);
  }
}

async function listen(name: string): Promise<Server | undefined> {
  // Waiters connect and keep the connection: its end tells them that the lock is free.
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.unref();
    waiters.get(server)?.add(socket);
  });
  waiters.set(server, new Set());
  server.listen(name);
  try {
    await once(server, "listening");
    server.unref();
    return server;
  } catch (error) {
    if (systemErrorCode(error) === "EADDRINUSE") return undefined;
    throw error;
  }
}

const waiters = new WeakMap<Server, Set<{ destroy(): unknown }>>();

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const socket of waiters.get(server) ?? []) socket.destroy();
  await closed;
}

async function untilReleased(name: string, signal: AbortSignal): Promise<void> {
  const socket = connect(name);
  const released = new Promise<void>((resolve) => {
    socket.once("error", () => resolve()).once("close", () => resolve());
  });
  const abort = () => socket.destroy();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  socket.resume();
  await released;
  signal.removeEventListener("abort", abort);
}

/** @throws Failure `Cancelled` */
export function throwIfCancelled(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new Failure({ code: "Cancelled", category: "cancelled", message: "stopped on request" });
}
