import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { TargetError } from '../../model/errors.ts'

/** The first program of this name on PATH. */
export function onPath(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => whyNotRunnable(path) === undefined)
}

/** e_machine of an ELF header, by what Node.js calls the architecture (System V ABI, chapter 4). */
const machines: Readonly<Record<string, number>> = {
  ia32: 3,
  s390x: 22,
  arm: 40,
  x64: 62,
  arm64: 183,
  riscv64: 243,
  loong64: 258,
  ppc64: 21,
}

/**
 * Checks a program that the user names.
 * @throws TargetError 'deploy-failed' when it is missing, no program, or one of another machine
 */
export function verifyProgram(flag: string, path: string): void {
  const problem = whyNotRunnable(path) ?? whyWrongMachine(path)
  if (problem === undefined) return
  throw new TargetError('deploy-failed', `${flag}: ${path} ${problem.is}`, { hint: problem.cure })
}

interface Trouble {
  readonly is: string
  readonly cure: string
}

function whyNotRunnable(path: string): Trouble | undefined {
  try {
    if (!statSync(path).isFile()) return { is: 'is no file', cure: 'name the program itself' }
  } catch {
    return { is: 'does not exist', cure: 'name a program of this machine, e.g. ./edgemesh-agent' }
  }
  try {
    accessSync(path, constants.X_OK)
    return undefined
  } catch {
    return { is: 'may not be executed', cure: `chmod +x ${path}` }
  }
}

function whyWrongMachine(path: string): Trouble | undefined {
  const head = Buffer.alloc(20)
  const file = openSync(path, 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  // why: a script runs anywhere
  if (head.toString('latin1', 0, 2) === '#!') return undefined
  if (head.toString('latin1', 0, 4) !== '\x7fELF')
    return { is: 'is neither an ELF program nor a script', cure: 'build it for Linux' }
  // why: byte 5 (EI_DATA) says in which order the machine's number is written
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18)
  if (machine === machines[process.arch]) return undefined
  const [name = `machine ${machine}`] =
    Object.entries(machines).find(([, number]) => number === machine) ?? []
  return {
    is: `is a program for ${name}, this machine is ${process.arch}`,
    cure: `build it for this machine: GOARCH=${goNames[process.arch] ?? process.arch}`,
  }
}

const goNames: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }
