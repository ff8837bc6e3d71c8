/** Notices when the other end of a connection has gone without saying so. */
export interface SilenceWatch {
  /** The other end gave a sign of life. */
  heard(): void;
  stop(): void;
}

const ticksPerLimit = 12;

/**
 * Calls `onSilence` once when nothing was heard for about `limitMs`. It counts ticks of a timer instead of
 * reading a clock: a process that was busy or suspended itself must not blame the other end for that time.
 */
export function watchSilence(limitMs: number, onSilence: () => void): SilenceWatch {
  let silentTicks = 0;
  const timer = setInterval(() => {
    silentTicks += 1;
    if (silentTicks < ticksPerLimit) return;
    clearInterval(timer);
    onSilence();
  }, limitMs / ticksPerLimit);
  timer.unref();
  return {
    heard: () => {
      silentTicks = 0;
    },
    stop: () => clearInterval(timer),
  };
}
