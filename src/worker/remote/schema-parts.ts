import * as v from "valibot";

/** An array as the interface types it: readonly. */
export function list<Item extends v.GenericSchema>(item: Item) {
  return v.pipe(v.array(item), v.readonly());
}

export const textMap = v.record(v.string(), v.string());
export const amount = v.pipe(v.number(), v.minValue(0));
export const positive = v.pipe(v.number(), v.gtValue(0));
