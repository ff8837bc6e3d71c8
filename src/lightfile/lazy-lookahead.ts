import { LLkLookaheadStrategy } from "chevrotain";

type AlternationOptions = Parameters<LookaheadStrategy["buildLookaheadForAlternation"]>[0];
type OptionalOptions = Parameters<LookaheadStrategy["buildLookaheadForOptional"]>[0];
type LookaheadStrategy = InstanceType<typeof LLkLookaheadStrategy>;
type ChooseAlternative = ReturnType<LookaheadStrategy["buildLookaheadForAlternation"]>;
type IsThere = ReturnType<LookaheadStrategy["buildLookaheadForOptional"]>;

/**
 * Chevrotain's own lookahead, but each function is made when the parser first comes to its place: a file has few of
 * the instructions, and making all the functions takes as long as parsing it.
 */
export class LazyLookahead extends LLkLookaheadStrategy {
  override buildLookaheadForAlternation(options: AlternationOptions): ChooseAlternative {
    let made: ChooseAlternative | undefined;
    const make = () => super.buildLookaheadForAlternation(options);
    // Chevrotain calls it on the parser.
    return function (this: unknown, alternatives) {
      made ??= make();
      return made.call(this, alternatives);
    };
  }

  override buildLookaheadForOptional(options: OptionalOptions): IsThere {
    let made: IsThere | undefined;
    const make = () => super.buildLookaheadForOptional(options);
    return function (this: unknown) {
      made ??= make();
      return made.call(this);
    };
  }
}
