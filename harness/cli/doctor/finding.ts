/** One thing that doctor looked at. */
export interface Finding {
  /** Short stable name: `nginx`, `user-namespaces`. */
  readonly id: string
  readonly state: 'ok' | 'missing' | 'broken'
  /** What was found, with the value: a version, a number, an error. */
  readonly detail: string
  /** What cannot be done without it. */
  readonly costs?: string
  /** A command or a sentence that cures it. */
  readonly cure?: string
  /** True when the default run (provider local) cannot work without it. */
  readonly required: boolean
  /** Name of the thing for the package manager, see packages.ts; absent when no package cures it. */
  readonly packageOf?: string
  /** Images that cure it once Docker has them. */
  readonly pulls?: readonly string[]
}

/** A look at one thing. Never throws: what cannot be found out is a finding, too. */
export type Look = () => Promise<Finding>
