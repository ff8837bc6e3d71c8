import type { BakeEvent } from "../bake/events.ts";
import { OutputTail } from "../bake/output-tail.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { StepId } from "../model/identifiers.ts";
import {
  formatBaseProgress,
  formatBaseRetrying,
  formatSourceProgress,
  formatWaiting,
} from "./format-event.ts";
import { StepDirectory } from "./step-directory.ts";

/** More of a running step's output than this is not shown. */
const tailLineLimit = 6;

/** Something that goes on now and is redrawn until it ends. */
export interface Activity {
  /** `[build 2/5]`; empty for what is no step. */
  readonly label: string;
  readonly title: string;
  /** What is special right now, such as `booting a builder`; null while the step simply runs. */
  readonly note: string | null;
  readonly isWaiting: boolean;
  readonly since: number;
  readonly tail: OutputTail | null;
}

/** What the live renderer knows of a bake: the activities of this moment, and the counts. */
export class LiveState {
  readonly steps = new StepDirectory();
  readonly #activities = new Map<string, Activity>();
  startedAt = 0;
  readonly #done = new Set<StepId>();
  cachedCount = 0;

  /** In the order in which they began. */
  get activities(): readonly Activity[] {
    return [...this.#activities.values()];
  }

  take(event: BakeEvent): void {
    switch (event.kind) {
      case "bake-started":
        this.startedAt = event.at;
        break;
      case "planned":
        this.steps.fill(event);
        break;
      case "source-fetching":
        this.#begin(`source ${event.source}`, `fetching ${event.source}`, event.at);
        break;
      case "source-progress":
        this.#begin(`source ${event.source}`, formatSourceProgress(event), event.at);
        break;
      case "source-fetched":
        this.#activities.delete(`source ${event.source}`);
        break;
      case "base-resolving":
        this.#begin(`base ${event.reference}`, `base ${event.reference}`, event.at);
        break;
      case "base-retrying":
        this.#begin(`base ${event.reference}`, `base ${formatBaseRetrying(event)}`, event.at);
        break;
      case "base-progress":
        this.#begin(`base ${event.reference}`, `base ${formatBaseProgress(event)}`, event.at);
        break;
      case "base-resolved":
      case "base-imported":
        this.#activities.delete(`base ${event.reference}`);
        break;
      case "worker-opening":
        this.#begin("worker", "opening the worker", event.at);
        break;
      case "worker-lost":
        this.#begin("worker", "the worker was lost: opening it again", event.at);
        break;
      case "worker-opened":
        this.#activities.delete("worker");
        break;
      case "step-waiting":
        this.#step(event.step, { note: `waiting ${formatWaiting(event)}`, isWaiting: true }, event.at);
        break;
      case "builder-starting":
        this.#step(event.step, { note: "booting a builder", isWaiting: false, since: event.at }, event.at);
        break;
      case "builder-started":
        this.#step(event.step, { note: null }, event.at);
        break;
      case "builder-lost":
        this.#step(event.step, { note: "its builder was lost: starting another", since: event.at }, event.at);
        break;
      case "step-started":
        this.#step(event.step, { note: null, isWaiting: false, since: event.at }, event.at);
        break;
      case "step-output":
        this.#step(event.step, {}, event.at).tail?.add(event.stream, event.text);
        break;
      case "step-cached":
        this.cachedCount += 1;
        this.#end(event.step);
        break;
      case "step-completed":
      case "step-failed":
      case "step-cancelled":
        this.#end(event.step);
        break;
      case "test-started":
        this.#startTest(event.test, event.at);
        break;
      case "test-output":
        this.#activities.get(event.test)?.tail?.add(event.stream, event.text);
        break;
      case "test-passed":
      case "test-failed":
        this.#activities.delete(event.test);
        break;
      case "bake-completed":
        this.#activities.clear();
        break;
      case "step-queued":
      case "layer-sealed":
      case "snapshot-published":
      case "diagnostic":
        break;
      default:
        unreachable(event);
    }
  }

  /** A step whose builder was lost can begin again. */
  get doneCount(): number {
    return this.#done.size;
  }

  /** Something other than a step, by an id of its own. */
  #begin(id: string, title: string, at: number): void {
    const since = this.#activities.get(id)?.since ?? at;
    this.#activities.set(id, { label: "", title, note: null, isWaiting: false, since, tail: null });
  }

  #startTest(test: StepId, at: number): void {
    const { label, title } = this.steps.entry(test);
    const tail = new OutputTail(tailLineLimit);
    this.#activities.set(test, { label, title, note: null, isWaiting: false, since: at, tail });
  }

  #step(step: StepId, change: Partial<Pick<Activity, "note" | "isWaiting" | "since">>, at: number): Activity {
    const { label, title } = this.steps.entry(step);
    this.#done.delete(step);
    const known = this.#activities.get(step) ?? {
      label,
      title,
      note: null,
      isWaiting: false,
      since: at,
      tail: new OutputTail(tailLineLimit),
    };
    const next = { ...known, ...change };
    this.#activities.set(step, next);
    return next;
  }

  #end(step: StepId): void {
    this.#done.add(step);
    this.#activities.delete(step);
  }
}
