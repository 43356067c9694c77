/** The reference data plane with one fault, to prove that a check can fail. */
export interface Mutant {
  readonly id: string
  /** What is wrong with it: "answers NXDOMAIN where the name exists". */
  readonly title: string
  /** Changes of the compiled program, below `dist/reference-impl`; each text occurs there exactly once. */
  readonly changes: readonly {
    readonly file: string
    readonly find: string
    readonly replace: string
  }[]
  /** Rows that have to fail because of it. */
  readonly kills: readonly string[]
}
