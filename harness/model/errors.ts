/**
 * A surprise that stops what was being done. `message` says what happened, with the value; `hint` says
 * what a person can do about it. Expected outcomes (a refused connection, a failed check) are values, not errors.
 */
export class HarnessError<Code extends string = string> extends Error {
  readonly code: Code
  readonly hint?: string

  constructor(
    code: Code,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    if (options.hint !== undefined) this.hint = options.hint
  }
}

/** Something of the cluster could not be had: a tool, the network, a component that did not become ready. */
export class ClusterError extends HarnessError<
  | 'tool-missing'
  | 'namespaces-forbidden'
  | 'provision-failed'
  | 'not-ready'
  | 'port-in-use'
  | 'disk-full'
  | 'access-denied'
  | 'program-failed'
  | 'fault-failed'
> {}

/** The Kubernetes API answered with a Status that is not a success. `status` is the HTTP status code. */
export class KubeError extends HarnessError<'kube-api'> {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, message: string, options: { cause?: unknown } = {}) {
    super('kube-api', message, options)
    this.status = status
    this.reason = reason
  }
}

/** A target could not be deployed or did not become ready. */
export class TargetError extends HarnessError<'deploy-failed' | 'not-ready' | 'unsupported'> {}

/** A probe or load program broke: trouble of the harness, never a verdict on the target. */
export class ProbeError extends HarnessError<'program-failed' | 'bad-job' | 'protocol'> {}

/** A measurement cannot be believed and is refused. */
export class LoadError extends HarnessError<
  'invalid-job' | 'generator-bound' | 'foreign-answer' | 'program-failed'
> {}

/** A result file cannot be read (cut short, not ours, of a newer schema, of a run that broke off, changed since) or written. */
export class ResultError extends HarnessError<
  'unreadable' | 'invalid' | 'newer-schema' | 'cut-short' | 'partial' | 'changed' | 'not-written'
> {}

/** The user asked for something that does not exist or contradicts itself. Carries every problem found. */
export class UsageError extends HarnessError<'usage'> {
  readonly problems: readonly Problem[]

  constructor(message: string, problems: readonly Problem[] = [], options: { hint?: string } = {}) {
    super('usage', message, options)
    this.problems = problems
  }
}

/** One thing that is wrong, in words a person can act on. */
export interface Problem {
  /** What is concerned: a tool, a path in the configuration, a node. */
  readonly subject: string
  /** What was found, with the value, and what was wanted. */
  readonly message: string
  /** What cures it, as a command where there is one. */
  readonly cure?: string
}

/** Proves to the compiler that a union is handled to the end. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`)
}
