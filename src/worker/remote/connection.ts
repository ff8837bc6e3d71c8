import { type AnswerReader, CallAttempt, type OutgoingCall } from "./call-attempt.ts";
import { cancelledBy } from "./connection-failures.ts";
import { HttpClient } from "./http-client.ts";

/** Calls to one worker. */
export class Connection extends HttpClient {
  /**
   * @throws Failure `WorkerUnreachable`, `WorkerConnectionLost`, `WorkerVersionMismatch`, `Cancelled`, and whatever
   *   `read` makes of the answer
   */
  async call<Result>(call: OutgoingCall, read: AnswerReader<Result>, signal: AbortSignal): Promise<Result> {
    if (signal.aborted) throw cancelledBy(signal);
    const attempt = new CallAttempt(this, call, signal);
    try {
      return await attempt.run(read);
    } catch (error) {
      if (signal.aborted) throw cancelledBy(signal);
      // The server closed a kept connection just as it was used again.
      if (call.isRepeatable === true && attempt.metClosedConnection) {
        return await new CallAttempt(this, call, signal).run(read);
      }
      throw error;
    }
  }
}
