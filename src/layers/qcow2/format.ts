import { Failure } from "../../diagnostics/failure.ts";

/**
 * Constants of the qcow2 format, version 3, as far as lightbox uses it.
 * Source: QEMU, docs/interop/qcow2.txt. All numbers in a file are big-endian.
 */

export const qcow2Magic = 0x514649fb;
export const qcow2Version = 3;

/** 64 KiB clusters: QEMU's default, and what every implementation is tested with. */
export const clusterBits = 16;
export const clusterBytes = 1 << clusterBits;

/** 16-bit reference counts. */
export const refcountOrder = 4;
export const refcountsPerBlock = clusterBytes / 2;

export const tableEntryBytes = 8;
export const entriesPerTable = clusterBytes / tableEntryBytes;
/** Guest bytes that one L2 table maps: 512 MiB. */
export const bytesPerL2Table = entriesPerTable * clusterBytes;

/** Header with the (zero) compression type byte and its padding, as QEMU writes it. */
export const headerBytes = 112;
export const minimumHeaderBytes = 104;

/** A larger disk is refused: its tables would need more memory than a header should be able to ask for. */
export const maximumDiskBytes = 8 * 1024 ** 4;
export const maximumL1Entries = maximumDiskBytes / bytesPerL2Table;
/** Longest backing file name that the format allows. */
export const maximumBackingNameBytes = 1023;
/** Room for every cluster of the largest disk and its tables. */
export const maximumFileBytes = maximumDiskBytes + maximumDiskBytes / 1024;

export const incompatibleDirty = 0x1;

export const headerExtension = {
  end: 0x00000000,
  backingFormat: 0xe2792aca,
  featureNames: 0x6803f857,
} as const;

/** High word of an entry: the cluster has exactly one reference. */
export const copiedFlag = 0x80000000;
/** High word of an L2 entry: the cluster is compressed. */
export const compressedFlag = 0x40000000;
/** Low word of an L2 entry: the cluster reads as zeros. */
export const zeroFlag = 0x1;

export type BackingFormat = "qcow2" | "raw";

export interface BackingFile {
  /** As in the header: relative to the folder of the image. */
  readonly path: string;
  readonly format: BackingFormat;
}

/** The error for an image file that is damaged or asks for more than lightbox writes. */
export function imageRefused(path: string, reason: string): Failure {
  return new Failure({
    code: "LayerImageRefused",
    category: "environment",
    message: `${path} is not a disk image that lightbox can use: ${reason}`,
    hint: "if it came from elsewhere, get it again; if it is in the local store, `lightbox prune` removes it and the next bake makes it anew",
  });
}

export function clustersFor(bytes: number): number {
  return Math.ceil(bytes / clusterBytes);
}

/** The host offset in an L1, L2 or refcount table entry; exact up to 2^53. */
export function entryOffset(high: number, low: number): number {
  return (high & 0x00ffffff) * 2 ** 32 + ((low & 0xfffffe00) >>> 0);
}
