import type { Socket } from "node:net";
import { shellEndedMark } from "../machine/guest-scripts.ts";
import type { Session } from "./session.ts";

/** Connects this terminal to a shell behind a socket until the shell ends or the socket closes. */
export async function attachToSocket(socket: Socket, session: Session): Promise<number> {
  const { stdin, stdout } = session;
  if (stdin.isTTY) stdin.setRawMode(true);
  const ended = Promise.withResolvers<void>();
  let tail = "";
  socket.on("data", (chunk: Buffer) => {
    const text = tail + chunk.toString("latin1");
    stdout.write(chunk);
    tail = text.slice(-shellEndedMark.length);
    if (text.includes(shellEndedMark)) ended.resolve();
  });
  socket.on("close", () => ended.resolve());
  socket.on("error", (error) => ended.reject(error));
  if (stdout.isTTY) socket.write(`stty rows ${stdout.rows} cols ${stdout.columns}\n`);
  stdin.on("data", (chunk) => socket.write(chunk));
  stdin.on("end", () => socket.write("exit\n"));
  try {
    await ended.promise;
    return 0;
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.destroy();
    socket.destroy();
  }
}
