import type { TestResult } from '../model/conformance.ts'
import type { StepResult } from '../model/run-result.ts'

/** What the engine tells while it works. Nobody has to listen; nothing is told inside a measured window. */
export type RunEvent =
  | { readonly kind: 'phase-started'; readonly phase: Phase; readonly title: string }
  | { readonly kind: 'phase-progress'; readonly phase: Phase; readonly line: string }
  | {
      readonly kind: 'phase-finished'
      readonly phase: Phase
      readonly durationMs: number
      readonly summary: string
    }
  | { readonly kind: 'phase-failed'; readonly phase: Phase; readonly message: string }
  | { readonly kind: 'step-finished'; readonly step: StepResult }
  | { readonly kind: 'check-finished'; readonly test: TestResult }

export type Phase = 'provision' | 'deploy' | 'walkthrough' | 'conform' | 'bench' | 'dispose'

export type Listener = (event: RunEvent) => void
