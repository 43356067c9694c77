import { execIn, resize } from '../container/exec.ts'
import type { ContainerState } from '../container/state.ts'
import type { Channels } from './channels.ts'

/** Runs a command in a container; `input`, `output`, `error` and `tty` say which streams are wanted. */
export function exec(channels: Channels, state: ContainerState, query: URLSearchParams): void {
  const words = query.getAll('command')
  const container = state.phase.kind === 'running' ? state.phase.container : undefined
  if (container === undefined) {
    channels.fail(`container not found ("${state.spec.name}")`)
    return
  }
  if (words.length === 0) {
    channels.fail('you must specify at least one command for the container')
    return
  }
  const tty = isTrue(query, 'tty')
  const child = execIn(container, { words, tty })
  if (child === undefined) {
    channels.fail(`container not found ("${state.spec.name}")`)
    return
  }
  child.on('error', (error) => {
    channels.fail(error.message)
  })
  child.stdout?.on('data', (chunk: Buffer) => {
    channels.write('stdout', chunk)
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    channels.write(tty ? 'stdout' : 'stderr', chunk)
  })
  const { stdin } = child
  stdin?.on('error', () => undefined)
  if (isTrue(query, 'input')) {
    channels.onStdin((chunk) => stdin?.write(chunk))
    channels.onStdinEnd(() => stdin?.end())
  } else if (!tty) stdin?.end()
  let terminal: string | undefined
  let size: readonly [number, number] | undefined
  const fit = (): void => {
    if (terminal !== undefined && size !== undefined) resize(container, terminal, ...size)
  }
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    terminal = chunk.toString().trim()
    fit()
  })
  channels.onResize((columns, rows) => {
    size = [columns, rows]
    fit()
  })
  channels.onClose(() => child.kill('SIGKILL'))
  child.on('close', (code) => {
    channels.finish(code ?? killedCode, words)
  })
}

/** 128 + SIGKILL: the container ended around it. */
const killedCode = 137

function isTrue(query: URLSearchParams, name: string): boolean {
  return ['1', 'true'].includes(query.get(name) ?? '')
}
