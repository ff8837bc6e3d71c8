import { Failure } from "../../src/diagnostics/failure.ts";

function failure(): Failure {
  return new Failure({ code: "Cancelled", category: "cancelled", message: "the work was cancelled" });
}

/** Cancellation as a worker reports it. */
export const cancelled = {
  check(signal: AbortSignal): void {
    if (signal.aborted) throw failure();
  },

  /** The promise's value, or a rejection as soon as the signal aborts. */
  async unless<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
    this.check(signal);
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(failure());
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  },

  /** The values until the iterable ends; throws as soon as the signal aborts, also while it waits. */
  async *values<Value>(iterable: AsyncIterable<Value>, signal: AbortSignal): AsyncGenerator<Value> {
    const iterator = iterable[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.unless(iterator.next(), signal);
      if (next.done === true) return;
      yield next.value;
    }
  },
};
