import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { connect, type Socket } from "node:net";

/**
 * Connects to a UNIX socket in a folder whose path may be longer than the 107 bytes that a socket's address
 * can hold: the address goes through this process' own descriptor of the folder.
 *
 * @throws the system error, e.g. `ENOENT` or `ECONNREFUSED` when QEMU is not there.
 */
export async function connectMachineSocket(
  directory: string,
  name: string,
  signal: AbortSignal,
): Promise<Socket> {
  const folder: FileHandle = await open(directory, "r");
  try {
    const socket = connect(`/proc/self/fd/${folder.fd}/${name}`);
    try {
      await once(socket, "connect", { signal });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return socket;
  } finally {
    await folder.close();
  }
}
