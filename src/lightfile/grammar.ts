import { EmbeddedActionsParser, type IRecognitionException, type IToken, type TokenType } from "chevrotain";
import { LazyLookahead } from "./lazy-lookahead.ts";
import type { Vocabulary } from "./tokens.ts";

/** The tokens of one instruction, as far as they could be read. */
export interface ParsedInstruction {
  readonly keyword: IToken;
  readonly flags: IToken[];
  readonly arguments: IToken[];
  /** The AS of FROM and IMPORT, the CMD or NONE of HEALTHCHECK, the name in ENV --from-output, a second ONBUILD. */
  readonly separators: IToken[];
  heredocs: IToken | null;
  /** What ONBUILD keeps for later. */
  trigger: ParsedInstruction | null;
}

export interface GrammarOptions {
  /** Makes chevrotain check the grammar itself: for tests, it takes longer than parsing. */
  readonly validate: boolean;
  /**
   * The token types that instructions of the text begin with; null: any. The others get no rule: to make the rules of
   * all instructions takes longer than to parse an ordinary file, which has few of them.
   */
  readonly beginnings: ReadonlySet<TokenType> | null;
}

type Instruction = readonly [name: string, keyword: TokenType, readArguments: () => void];

export interface ParsedFile {
  readonly instructions: readonly ParsedInstruction[];
  readonly errors: readonly IRecognitionException[];
}

/**
 * Recognizes instructions; what they mean is read from their tokens afterwards. Each rule is one instruction.
 *
 * Looking ahead one token always suffices, and where a rule allows several kinds of token they share a category:
 * a wrong token is then a plain mismatch, which chevrotain finds and mends without searching the grammar.
 */
export class LightfileGrammar extends EmbeddedActionsParser {
  private readonly vocabulary: Vocabulary;
  private parsed: ParsedInstruction[] = [];
  private onbuild: ParsedInstruction | null = null;
  private current: ParsedInstruction | null = null;

  constructor(vocabulary: Vocabulary, options: GrammarOptions) {
    super(vocabulary.definition, {
      recoveryEnabled: true,
      maxLookahead: 1,
      lookaheadStrategy: new LazyLookahead({ maxLookahead: 1 }),
      skipValidations: !options.validate,
    });
    this.vocabulary = vocabulary;
    const { keywords, types } = vocabulary;
    const { Command, Argument, Assignment, EnvironmentArgument, Text, Word } = types;

    const { beginnings } = options;
    const isNeeded = (keyword: TokenType): boolean => beginnings === null || beginnings.has(keyword);
    const instructions: readonly Instruction[] = [
      ["from", keywords.FROM, () => this.fromArguments()],
      ["run", keywords.RUN, () => this.single(Command)],
      ["copy", keywords.COPY, () => this.severalOf(Argument)],
      [
        "env",
        keywords.ENV,
        () => {
          this.OPTION2(() => this.separator(this.CONSUME1(types.OutputName)));
          this.severalOf(EnvironmentArgument);
        },
      ],
      ["arg", keywords.ARG, () => this.severalOf(Assignment)],
      ["workdir", keywords.WORKDIR, () => this.single(Text)],
      ["user", keywords.USER, () => this.single(Text)],
      ["label", keywords.LABEL, () => this.severalOf(Assignment)],
      ["cmd", keywords.CMD, () => this.single(Command)],
      ["entrypoint", keywords.ENTRYPOINT, () => this.single(Command)],
      ["shell", keywords.SHELL, () => this.single(Command)],
      ["add", keywords.ADD, () => this.severalOf(Argument)],
      ["expose", keywords.EXPOSE, () => this.severalOf(Argument)],
      ["volume", keywords.VOLUME, () => this.severalOf(Argument)],
      ["healthcheck", keywords.HEALTHCHECK, () => this.healthcheckArguments()],
      ["stopsignal", keywords.STOPSIGNAL, () => this.single(Text)],
      ["snapshot", keywords.SNAPSHOT, () => this.single(Word)],
      ["resources", keywords.RESOURCES, () => this.severalOf(Assignment)],
      ["test", keywords.TEST, () => this.single(Command)],
      ["mixin", keywords.MIXIN, () => this.single(Word)],
      [
        "use",
        keywords.USE,
        () => {
          this.single(types.MixinName);
          this.MANY1(() => this.collect("arguments", this.CONSUME2(Assignment)));
        },
      ],
      ["import", keywords.IMPORT, () => this.importArguments()],
      ["maintainer", keywords.MAINTAINER, () => this.single(Text)],
      ["bareOnbuild", types.BareOnbuild, () => this.single(Text)],
      ["unknown", types.Unknown, () => this.OPTION2(() => this.single(Command))],
    ];
    const rules = instructions
      .filter(([, keyword]) => isNeeded(keyword))
      .map((instruction) => this.instructionRule(instruction));
    if (isNeeded(keywords.ONBUILD)) {
      const onbuildRule = this.RULE("onbuild", () => {
        this.begin(keywords.ONBUILD);
        this.MANY(() => this.separator(this.CONSUME2(keywords.ONBUILD)));
        this.SUBRULE(instructionRule);
      });
      rules.push(onbuildRule);
    }
    const instructionRule: () => void = this.RULE("instruction", () => {
      this.OR(rules.map((rule) => ({ ALT: () => this.SUBRULE(rule) })));
    });
    this.lightfile = this.RULE("lightfile", () => {
      this.MANY(() => this.SUBRULE(instructionRule));
    });
    this.performSelfAnalysis();
  }

  private readonly lightfile: () => void;

  /** Reads all instructions of a file. */
  parse(tokens: IToken[]): ParsedFile {
    this.input = tokens;
    this.parsed = [];
    this.current = null;
    this.onbuild = null;
    // Chevrotain throws an Error for every mistake in the text and catches it at once. Nobody reads their stack
    // traces, which are most of the cost of a file full of mistakes. Parsing is synchronous: no other code sees this.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      this.lightfile();
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    return { instructions: this.parsed, errors: this.errors };
  }

  /**
   * Replaces chevrotain's search for the tokens that could follow a missing one. Going on with the next instruction
   * gives the same result, and the search would take most of the time on a file full of mistakes.
   */
  getFollowsForInRuleRecovery(): readonly TokenType[] {
    return [];
  }

  private instructionRule([name, keyword, readArguments]: Instruction): () => void {
    return this.RULE(name, () => {
      this.begin(keyword);
      this.MANY(() => this.collect("flags", this.CONSUME(this.vocabulary.types.Flag)));
      this.OPTION(() => this.CONSUME(this.vocabulary.types.FlagsEnd));
      readArguments();
      this.OPTION1(() => {
        const token = this.CONSUME(this.vocabulary.types.HeredocBodies);
        this.ACTION(() => {
          if (this.current !== null) this.current.heredocs = token;
        });
      });
      this.CONSUME(this.vocabulary.types.EndOfLine);
    });
  }

  private begin(type: TokenType): void {
    const keyword = this.CONSUME(type);
    this.ACTION(() => {
      this.current = {
        keyword,
        flags: [],
        arguments: [],
        separators: [],
        heredocs: null,
        trigger: null,
      };
      if (this.onbuild === null) this.parsed.push(this.current);
      else this.onbuild.trigger = this.current;
      this.onbuild = type === this.vocabulary.keywords.ONBUILD ? this.current : null;
    });
  }

  private collect(where: "flags" | "arguments" | "separators", token: IToken): void {
    this.ACTION(() => {
      // A token that recovery made up stands nowhere in the file.
      if (token.isInsertedInRecovery !== true) this.current?.[where].push(token);
    });
  }

  private separator(token: IToken): void {
    this.collect("separators", token);
  }

  private single(type: TokenType): void {
    this.collect("arguments", this.CONSUME1(type));
  }

  private severalOf(type: TokenType): void {
    this.collect("arguments", this.CONSUME1(type));
    this.MANY1(() => this.collect("arguments", this.CONSUME2(type)));
  }

  private fromArguments(): void {
    const { Word, As } = this.vocabulary.types;
    this.collect("arguments", this.CONSUME1(Word));
    this.OPTION2(() => {
      this.separator(this.CONSUME1(As));
      this.collect("arguments", this.CONSUME2(Word));
    });
  }

  private importArguments(): void {
    const { Word, As } = this.vocabulary.types;
    this.collect("arguments", this.CONSUME1(Word));
    this.separator(this.CONSUME1(As));
    this.collect("arguments", this.CONSUME2(Word));
  }

  private healthcheckArguments(): void {
    const { HealthcheckCommand, HealthcheckNone, Command } = this.vocabulary.types;
    this.OR1([
      {
        ALT: () => {
          this.separator(this.CONSUME1(HealthcheckCommand));
          this.collect("arguments", this.CONSUME1(Command));
        },
      },
      { ALT: () => this.separator(this.CONSUME1(HealthcheckNone)) },
    ]);
  }
}
