/** Tar is made of blocks of this size. */
export const tarBlockBytes = 512;

const checksumOffset = 148;
const checksumLength = 8;

/** Whether a tar archive can begin with this block: its checksum is right. That holds for tars of every age. */
export function isTarHeader(block: Uint8Array): boolean {
  if (block.length < tarBlockBytes) return false;
  const field = Buffer.from(block.subarray(checksumOffset, checksumOffset + checksumLength)).toString(
    "latin1",
  );
  const written = /^[\s\0]*([0-7]{1,7})[\s\0]*$/.exec(field)?.[1];
  if (written === undefined) return false;
  let sum = 0;
  for (let at = 0; at < tarBlockBytes; at += 1) {
    const isField = at >= checksumOffset && at < checksumOffset + checksumLength;
    sum += isField ? 0x20 : (block[at] ?? 0);
  }
  return sum === Number.parseInt(written, 8);
}
