import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The reference implementation of qcow2; where it is missing the tests fail and say so. */
async function runTool(tool: "qemu-img" | "qemu-io", argv: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(tool, [...argv], { maxBuffer: 16 * 1024 ** 2 });
    return stdout;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new Error(`these tests need ${tool} (apt-get install qemu-utils)`, { cause: error });
    }
    throw error;
  }
}

export function qemuImg(...argv: readonly string[]): Promise<string> {
  return runTool("qemu-img", argv);
}

/** Runs commands such as `write -P 1 0 64k` on an image, in order, in one process. */
export function qemuIo(path: string, commands: readonly string[], format = "qcow2"): Promise<string> {
  return runTool("qemu-io", ["-f", format, ...commands.flatMap((command) => ["-c", command]), path]);
}

/** Throws unless `qemu-img check` finds nothing at all, leaks included. */
export async function expectNoImageErrors(path: string): Promise<void> {
  const output = await qemuImg("check", "-f", "qcow2", path);
  if (!output.includes("No errors were found on the image.")) throw new Error(output);
}

/** Throws unless a guest reads the same from both images. */
export async function expectSameDisk(left: string, right: string): Promise<void> {
  await qemuImg("compare", "-f", "qcow2", "-F", "qcow2", left, right);
}
