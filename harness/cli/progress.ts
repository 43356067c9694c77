import {
  Listr,
  type ListrDefaultRendererLogLevels,
  ListrLogger,
  type ListrTask,
  ProcessOutput,
} from 'listr2'
import type { Listener, Phase, RunEvent } from '../engine/events.ts'
import type { TestResult } from '../model/conformance.ts'
import { stderr } from './output.ts'

/** Shows on stderr what a run does. `finish` returns when the last line is drawn. */
export interface Progress {
  readonly tell: Listener
  finish(): Promise<void>
}

export function progress({ quiet = false }: { readonly quiet?: boolean } = {}): Progress {
  if (quiet) return { tell: () => undefined, finish: () => Promise.resolve() }
  return process.stderr.isTTY && process.env['TERM'] !== 'dumb' ? drawn() : lines()
}

/** One plain line per event, for logs and pipes. */
function lines(): Progress {
  return {
    tell: (event) => {
      const text = lineOf(event)
      if (text !== undefined) stderr(text)
    },
    finish: () => Promise.resolve(),
  }
}

function lineOf(event: RunEvent): string | undefined {
  switch (event.kind) {
    case 'phase-started':
      return `${event.title} ...`
    case 'phase-progress':
      return `  ${event.line}`
    case 'phase-finished':
      return `  done in ${seconds(event.durationMs)}: ${event.summary}`
    case 'phase-failed':
      return `  failed: ${event.message}`
    case 'step-finished':
      return `  ${event.step.status === 'passed' ? 'ok  ' : event.step.status} ${event.step.title}`
    case 'check-finished':
      return `  ${checkLine(event.test)}`
  }
}

interface Shown {
  readonly title: string
  readonly write: (line: string) => void
  readonly rename: (title: string) => void
  readonly settle: (error?: Error) => void
}

/**
 * A task list drawn by listr2, one task per phase. Without its spinner (`lazy`): it is redrawn when something
 * happened and never in between, so never inside a measured window.
 */
function drawn(): Progress {
  const shown = new Map<Phase, Shown>()
  const lists: Promise<unknown>[] = []
  const start = (phase: Phase, title: string): void => {
    const list = new Listr([taskOf(title, (task) => shown.set(phase, task))], {
      renderer: 'default',
      rendererOptions: {
        lazy: true,
        logger: new ListrLogger<ListrDefaultRendererLogLevels>({
          useIcons: true,
          processOutput: new ProcessOutput(process.stderr, process.stderr),
        }),
      },
      exitOnError: false,
      registerSignalListeners: false,
    })
    lists.push(list.run())
  }
  return {
    tell: (event) => {
      if (event.kind === 'phase-started') start(event.phase, event.title)
      else show(shown.get(phaseOf(event)), event)
    },
    finish: async () => {
      for (const task of shown.values()) task.settle()
      await Promise.all(lists)
    },
  }
}

function show(task: Shown | undefined, event: Exclude<RunEvent, { kind: 'phase-started' }>): void {
  if (task === undefined) return
  switch (event.kind) {
    case 'phase-progress':
      task.write(event.line)
      return
    case 'phase-finished':
      task.rename(`${task.title}: ${event.summary} (${seconds(event.durationMs)})`)
      task.settle()
      return
    case 'phase-failed':
      task.settle(new Error(event.message))
      return
    case 'step-finished':
      task.write(`${event.step.status}: ${event.step.title}`)
      return
    case 'check-finished':
      task.write(checkLine(event.test))
  }
}

function phaseOf(event: Exclude<RunEvent, { kind: 'phase-started' }>): Phase {
  switch (event.kind) {
    case 'step-finished':
      return 'walkthrough'
    case 'check-finished':
      return 'conform'
    default:
      return event.phase
  }
}

function checkLine({ id, status, durationMs, reason }: TestResult): string {
  const why = status === 'passed' || reason === undefined ? '' : `: ${reason.split('\n')[0] ?? ''}`
  return `${status === 'passed' ? 'ok' : status} ${id} (${seconds(durationMs)})${why}`
}

/** A listr2 task that lasts until somebody settles it. */
function taskOf(title: string, ready: (shown: Shown) => void): ListrTask {
  const { promise, resolve, reject } = withResolvers()
  let write = (_line: string): void => undefined
  let rename = (_title: string): void => undefined
  ready({
    title,
    write: (line) => {
      write(line)
    },
    rename: (next) => {
      rename(next)
    },
    settle: (error) => {
      if (error === undefined) resolve()
      else reject(error)
    },
  })
  return {
    title,
    task: (_context, task) => {
      write = (line) => {
        task.output = line
      }
      rename = (next) => {
        task.title = next
      }
      return promise
    },
  }
}

function withResolvers(): {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
} {
  let resolve = (): void => undefined
  let reject = (_error: Error): void => undefined
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`
}
